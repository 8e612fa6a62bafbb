//! The world of the model checker.
//!
//! Its time goes on by a little with each look. A park with a deadline ends at any moment, and sometimes only when the
//! deadline has come, which then is at once.
//!
//! One execution after the other runs in a process, and several models run side by side, each on a thread of the process. So
//! what belongs to the world is that thread's, and [`begin`] makes it anew: an execution that found something of another would
//! not take the same way twice. What the checker itself keeps for an execution is no longer there when one that has failed
//! drops what is left.

use std::any::Any;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::mem::needs_drop;
use std::ptr;
use std::time::{Duration, Instant};

use fastthreadpool_core::Tick;
use shuttle::thread::{AccessError, LocalKey};

pub(crate) mod atomic {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering};
}

pub(crate) mod thread {
    use std::io;
    use std::num::NonZeroUsize;

    pub(crate) use shuttle::thread::{JoinHandle, Thread, ThreadId, current, panicking, park, yield_now};

    /// The checker's handles do not tell.
    pub(crate) fn is_over(_: &JoinHandle<()>) -> bool {
        false
    }

    /// One whose threads do not start when the model says so.
    pub(crate) struct Builder(shuttle::thread::Builder);

    impl Builder {
        pub(crate) fn new() -> Self {
            Self(shuttle::thread::Builder::new())
        }

        pub(crate) fn name(self, name: String) -> Self {
            Self(self.0.name(name))
        }

        pub(crate) fn stack_size(self, bytes: usize) -> Self {
            Self(self.0.stack_size(bytes))
        }

        pub(crate) fn spawn<T: Send + 'static>(
            self,
            f: impl FnOnce() -> T + Send + 'static,
        ) -> io::Result<JoinHandle<T>> {
            super::start()?;
            self.0.spawn(f)
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as in std")]
    pub(crate) fn available_parallelism() -> io::Result<NonZeroUsize> {
        Ok(NonZeroUsize::MIN.saturating_add(1))
    }
}

/// What an execution's world knows. None of it is a place where the checker chooses.
struct World {
    now: u64,
    /// Threads that will start.
    starts: usize,
    faults: Vec<String>,
    /// Values of the process, and of threads that stay until these are gone, by the key and the thread.
    values: HashMap<(usize, Option<usize>), &'static dyn Any>,
}

impl World {
    fn new() -> Self {
        Self { now: 1 << 30, starts: usize::MAX, faults: Vec::new(), values: HashMap::new() }
    }
}

std::thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

fn world<R>(f: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(f)
}

/// An execution begins.
#[cfg(test)]
pub(crate) fn begin() {
    world(|world| *world = World::new());
}

/// From here on only so many threads can be started.
#[cfg(test)]
pub(crate) fn limit_starts(threads: usize) {
    world(|world| world.starts = threads);
}

fn start() -> std::io::Result<()> {
    let started = world(|world| world.starts.checked_sub(1).map(|left| world.starts = left));
    started.ok_or_else(|| std::io::Error::other("the model starts no more threads"))
}

/// Something is wrong. A panic would be caught where jobs are run: so it is kept until the end.
pub(crate) fn fault(what: String) {
    world(|world| world.faults.push(what));
}

/// What went wrong in this execution.
#[cfg(test)]
pub(crate) fn faults() -> Vec<String> {
    world(|world| world.faults.clone())
}

// ----- values of the process, and of threads

/// A value of the world. It is leaked, since to drop a lock is a matter of the checker.
fn value<T: 'static>(key: usize, thread: Option<usize>, make: fn() -> T) -> &'static T {
    let found = world(|world| world.values.get(&(key, thread)).copied());
    let value = found.unwrap_or_else(|| {
        let fresh: &'static T = Box::leak(Box::new(make()));
        world(|world| *world.values.entry((key, thread)).or_insert(fresh))
    });
    value.downcast_ref().unwrap_or_else(|| unreachable!("a key has one type"))
}

/// A value of the process, made by the first who asks.
pub(crate) struct Global<T: Sync + 'static>(fn() -> T);

impl<T: Sync> Global<T> {
    pub(crate) const fn new(make: fn() -> T) -> Self {
        Self(make)
    }

    pub(crate) fn get(&'static self) -> &'static T {
        value(ptr::from_ref(self).addr(), None, self.0)
    }

    #[expect(clippy::unnecessary_wraps, reason = "as outside")]
    pub(crate) fn made(&'static self) -> Option<&'static T> {
        Some(self.get())
    }

    #[expect(clippy::unused_self, reason = "in the model nobody forks")]
    pub(crate) fn forget(&self) {}
}

/// A value that is made once. That of std would make the checker's threads wait for each other where it cannot see it.
#[derive(Debug, Default)]
pub(crate) struct OnceLock<T> {
    making: shuttle::sync::Mutex<()>,
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) const fn new() -> Self {
        Self { making: shuttle::sync::Mutex::new(()), value: std::sync::OnceLock::new() }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.value.get()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _making = self.making.lock();
        if let Some(value) = self.get() {
            return value;
        }
        let value = make();
        self.value.get_or_init(|| value)
    }
}

/// A value of each thread. The checker drops them when the thread ends, the first first; in std those without a destructor
/// stay, and others' destructors may rely on that.
pub(crate) struct Local<T: 'static>(LocalKey<T>);

impl<T> Local<T> {
    pub(crate) const fn new(init: fn() -> T) -> Self {
        Self(LocalKey { init, _p: PhantomData })
    }

    pub(crate) fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.try_with(f).unwrap_or_else(|error| panic!("a thread-local value: {error}"))
    }

    pub(crate) fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        if needs_drop::<T>() {
            return self.0.try_with(f);
        }
        let this = usize::from(shuttle::current::me());
        Ok(f(value(ptr::from_ref(self).addr(), Some(this), self.0.init)))
    }
}

/// [`std::thread_local`], as far as it is needed.
macro_rules! local {
    ($(#[$meta:meta])* static $name:ident: $type:ty = const { $value:expr };) => {
        $(#[$meta])*
        static $name: crate::sys::Local<$type> = crate::sys::Local::new(|| $value);
    };
}
pub(crate) use local;

// ----- locks

local! {
    /// Locks that the present thread holds.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// A mutex of the model in the shape of a raw one.
pub(crate) struct RawMutex {
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
        unsafe { &*ptr::from_ref(&self.mutex) }
    }

    fn keep(&self, guard: shuttle::sync::MutexGuard<'static, ()>) {
        // SAFETY: the caller holds the mutex.
        unsafe { *self.guard.get() = Some(guard) };
        HELD.with(|held| held.set(held.get() + 1));
    }
}

// SAFETY: it excludes as the mutex in it does.
unsafe impl lock_api::RawMutex for RawMutex {
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
        HELD.with(|held| held.set(held.get() - 1));
        // SAFETY: the caller holds the mutex.
        let guard = unsafe { (*self.guard.get()).take() };
        drop(guard);
    }
}

pub(crate) type Mutex<T> = lock_api::Mutex<RawMutex, T>;

/// User code is about to run: no lock of the pool may be held.
pub(crate) fn assert_unlocked() {
    let held = HELD.with(Cell::get);
    if held > 0 {
        fault(format!("user code under {held} locks: {}", std::backtrace::Backtrace::force_capture()));
    }
}

// ----- barriers

/// All threads are on one: each has passed it.
pub(crate) mod barrier {
    pub(crate) fn is_available() -> bool {
        true
    }

    pub(crate) fn all_threads() {}
}

// ----- time

/// What a look at the clock takes.
const LOOK: u64 = 1_000;

pub(crate) fn now() -> Tick {
    world(|world| {
        world.now += LOOK;
        Tick(world.now)
    })
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
        world(|world| world.now = world.now.max(deadline.0));
    }
}
