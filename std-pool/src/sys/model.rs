//! The world of the model checker.
//!
//! Its time goes on by a little with each look. A park with a deadline ends at any moment, and sometimes only when the
//! deadline has come, which then is at once.

use std::cell::UnsafeCell;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use fastthreadpool_core::Tick;
pub(crate) use shuttle::thread_local as local;

pub(crate) mod atomic {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering};
}

pub(crate) mod thread {
    use std::io;
    use std::num::NonZeroUsize;

    pub(crate) use shuttle::thread::{Builder, JoinHandle, Thread, current, panicking, park, yield_now};

    pub(crate) fn available_parallelism() -> io::Result<NonZeroUsize> {
        Ok(NonZeroUsize::MIN.saturating_add(1))
    }
}

local! {
    /// Locks that the present thread holds.
    static HELD: std::cell::Cell<usize> = std::cell::Cell::new(0);
}

/// A mutex of the model in the shape of a raw one.
pub struct RawMutex {
    mutex: shuttle::sync::Mutex<()>,
    /// While it is locked; touched by who holds it only.
    guard: UnsafeCell<Option<shuttle::sync::MutexGuard<'static, ()>>>,
}

// SAFETY: the guard is reached by who holds the mutex only, and the model's threads are all on one.
unsafe impl Send for RawMutex {}
// SAFETY: the same.
unsafe impl Sync for RawMutex {}

impl RawMutex {
    fn mutex(&self) -> &'static shuttle::sync::Mutex<()> {
        // SAFETY: the guard that borrows it is dropped by `unlock`, before the mutex is.
        unsafe { &*(&raw const self.mutex) }
    }

    fn keep(&self, guard: shuttle::sync::MutexGuard<'static, ()>) {
        // SAFETY: the caller holds the mutex.
        unsafe { *self.guard.get() = Some(guard) };
        HELD.with(|held| held.set(held.get() + 1));
    }
}

// SAFETY: it excludes as the mutex in it does.
unsafe impl lock_api::RawMutex for RawMutex {
    #[expect(clippy::declare_interior_mutable_const, reason = "the trait wants it")]
    const INIT: Self = Self { mutex: shuttle::sync::Mutex::new(()), guard: UnsafeCell::new(None) };

    type GuardMarker = lock_api::GuardSend;

    fn lock(&self) {
        self.keep(self.mutex().lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    fn try_lock(&self) -> bool {
        let Ok(guard) = self.mutex().try_lock() else { return false };
        self.keep(guard);
        true
    }

    unsafe fn unlock(&self) {
        // It may be unlocked by the destructor of a thread-local value, when this one is gone.
        let _ = HELD.try_with(|held| held.set(held.get() - 1));
        // SAFETY: the caller holds the mutex.
        drop(unsafe { (*self.guard.get()).take() });
    }
}

pub(crate) type Mutex<T> = lock_api::Mutex<RawMutex, T>;

/// What a look at the clock takes.
const LOOK: u64 = 1_000;

static NOW: AtomicU64 = AtomicU64::new(1 << 30);

pub(crate) fn now() -> Tick {
    Tick(NOW.fetch_add(LOOK, std::sync::atomic::Ordering::Relaxed))
}

/// Points in time of the world outside are beyond the model's.
pub(crate) fn tick(_: Instant) -> Tick {
    now()
}

pub(crate) fn instant(tick: Tick) -> Option<Instant> {
    Instant::now().checked_add(Duration::from_nanos(tick.0))
}

pub(crate) fn park_until(deadline: Tick) {
    use shuttle::rand::Rng;
    if deadline == Tick::MAX {
        return thread::park();
    }
    thread::yield_now();
    if shuttle::rand::thread_rng().gen_bool(0.5) {
        NOW.fetch_max(deadline.0, std::sync::atomic::Ordering::Relaxed);
    }
}

/// User code is about to run: no lock of the pool may be held.
pub(crate) fn assert_unlocked() {
    let held = HELD.try_with(std::cell::Cell::get).unwrap_or(0);
    assert!(held == 0, "user code under {held} locks");
}
