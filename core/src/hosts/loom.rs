//! A mutex and a parker for models, blocking as the model checker understands it; and how a model is run.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

use ::loom::sync::{Arc, Condvar, Mutex, MutexGuard};
use ::loom::thread;
use lock_api::{GuardSend, RawMutex};

use crate::host::{Park, Tick, Unpark};

/// Explores with so many preemptions, unless the environment says otherwise, and says how many runs that were.
pub(crate) fn model(preemptions: usize, run: impl Fn() + Send + Sync + 'static) {
    let mut builder = ::loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = 20_000;
    let runs = std::sync::Arc::new(AtomicUsize::new(0));
    let count = runs.clone();
    let began = std::time::Instant::now();
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        run();
    });
    std::println!(
        "{}: {} interleavings in {:.1?}",
        std::thread::current().name().unwrap_or("a model"),
        runs.load(Ordering::Relaxed),
        began.elapsed(),
    );
}

/// A [`RawMutex`] over loom's mutex, which has to be made inside of the model, and so when it is first locked.
pub(crate) struct LoomMutex {
    inner: OnceLock<Mutex<()>>,
    /// The holder's guard on `inner`.
    guard: UnsafeCell<Option<MutexGuard<'static, ()>>>,
}

// SAFETY: the guard is touched by the holder of the mutex only; loom's threads are one thread of the system.
unsafe impl Send for LoomMutex {}
// SAFETY: as above.
unsafe impl Sync for LoomMutex {}

impl LoomMutex {
    fn inner(&self) -> &'static Mutex<()> {
        let inner: *const Mutex<()> = self.inner.get_or_init(|| Mutex::new(()));
        // SAFETY: used for the guard alone, which is gone before the mutex can be moved or dropped.
        unsafe { &*inner }
    }

    /// The caller has just locked it.
    fn keep(&self, guard: MutexGuard<'static, ()>) {
        // SAFETY: the caller holds the mutex.
        unsafe { *self.guard.get() = Some(guard) };
    }
}

// SAFETY: as exclusive as loom's mutex.
unsafe impl RawMutex for LoomMutex {
    type GuardMarker = GuardSend;

    const INIT: Self = Self { inner: OnceLock::new(), guard: UnsafeCell::new(None) };

    fn lock(&self) {
        self.keep(self.inner().lock().expect("no model panics under the lock"));
    }

    fn try_lock(&self) -> bool {
        self.inner().try_lock().map(|guard| self.keep(guard)).is_ok()
    }

    unsafe fn unlock(&self) {
        // SAFETY: the caller holds the mutex. The guard is taken out first: with its drop others come in.
        let guard = unsafe { (*self.guard.get()).take() };
        drop(guard);
    }
}

/// A context of the model.
#[derive(Clone)]
pub(crate) struct LoomParker {
    token: Arc<(Mutex<bool>, Condvar)>,
}

impl LoomParker {
    pub(crate) fn new() -> Self {
        Self { token: Arc::new((Mutex::new(false), Condvar::new())) }
    }
}

impl Park for LoomParker {
    type Unpark = LoomUnparker;

    fn unparker(&self) -> LoomUnparker {
        LoomUnparker(self.clone())
    }

    fn park(&self) {
        let (token, woken) = &*self.token;
        let mut token = token.lock().expect("no model panics under the lock");
        while !*token {
            token = woken.wait(token).expect("no model panics under the lock");
        }
        *token = false;
    }

    /// Returns early, as it may: the model's time is its caller's.
    fn park_until(&self, _: Tick) {
        let (token, _) = &*self.token;
        *token.lock().expect("no model panics under the lock") = false;
        thread::yield_now();
    }
}

/// Wakes a [`LoomParker`].
pub(crate) struct LoomUnparker(LoomParker);

impl Unpark for LoomUnparker {
    const BARGING: bool = true;

    fn unpark(&self) {
        let (token, woken) = &*self.0.token;
        *token.lock().expect("no model panics under the lock") = true;
        woken.notify_one();
    }
}
