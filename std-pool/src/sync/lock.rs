//! The core's lock for threads.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use fastthreadpool_core as core;
use fastthreadpool_core::{AcquireError, NotLocked, Tick};

use crate::here::blocking;
use crate::sync::attend::in_line;
use crate::sync::time::{Deadline, OnTime, WORLD};
use crate::sync::waiter::Waiter;
use crate::sys::{self, RawMutex};

/// A lock without data, which any thread may release, not only the one that acquired it.
///
/// While a job waits for it another worker stands in.
///
/// For data behind a lock take [`std::sync::Mutex`].
///
/// ```
/// use fastthreadpool::FastLock;
///
/// static LOCK: FastLock = FastLock::new();
/// {
///     let _guard = LOCK.acquire();
///     assert!(LOCK.is_locked());
///     assert!(LOCK.try_acquire().is_none());
/// }
/// LOCK.acquire().forget();
/// std::thread::spawn(|| LOCK.release()).join().unwrap().unwrap();
/// assert!(!LOCK.is_locked());
/// ```
#[derive(Debug, Default)]
pub struct FastLock(core::Lock<RawMutex, Waiter>);

impl FastLock {
    /// A lock that is free.
    #[must_use]
    pub const fn new() -> Self {
        Self(core::Lock::new())
    }

    /// The same, which goes to those who wait in the order of coming; see [`Semaphore::fair`](crate::Semaphore::fair).
    ///
    /// ```
    /// static IN_ORDER: fastthreadpool::FastLock = fastthreadpool::FastLock::fair();
    /// let guard = IN_ORDER.try_acquire();
    /// assert!(guard.is_some() && IN_ORDER.try_acquire().is_none());
    /// ```
    #[must_use]
    pub const fn fair() -> Self {
        Self(core::Lock::fair())
    }

    /// Takes the lock, waits for it if need be. It is free again when the guard is dropped.
    #[inline]
    pub fn acquire(&self) -> FastLockGuard<'_> {
        self.try_acquire().or_else(|| self.wait(Deadline::NEVER)).unwrap_or_else(|| unreachable!("that does not come"))
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_acquire(&self) -> Option<FastLockGuard<'_>> {
        sys::point();
        self.0.try_guard().map(FastLockGuard)
    }

    /// Takes the lock, waits at most so long.
    pub fn acquire_timeout(&self, timeout: Duration) -> Option<FastLockGuard<'_>> {
        self.try_acquire().or_else(|| self.wait(WORLD.after(timeout)))
    }

    #[inline(never)]
    fn wait(&self, deadline: Deadline<'_>) -> Option<FastLockGuard<'_>> {
        let acquire = |is_called: &dyn Fn() -> bool| {
            let clock = || if is_called() || deadline.is_over() { Tick::MAX } else { Tick::ZERO };
            self.0.guard_until(&OnTime(deadline), deadline.tick, clock).ok_or(AcquireError::TimedOut)
        };
        blocking::anyway(|| in_line(acquire)).ok().map(FastLockGuard)
    }

    /// Releases the lock, whoever holds it: for those whose guard was [forgotten](FastLockGuard::forget).
    ///
    /// # Errors
    ///
    /// [`NotLocked`] when it is free.
    #[inline]
    pub fn release(&self) -> Result<(), NotLocked> {
        self.0.release()
    }

    /// Whether somebody holds it.
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

/// Holds a [`FastLock`]; dropped, it releases it.
#[must_use = "a guard that is dropped at once releases at once"]
pub struct FastLockGuard<'l>(core::LockGuard<'l, RawMutex, Waiter>);

impl FastLockGuard<'_> {
    /// Keeps the lock taken until somebody calls [`FastLock::release`], on any thread.
    #[inline]
    pub fn forget(self) {
        self.0.forget();
    }
}

impl fmt::Debug for FastLockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FastLockGuard").finish_non_exhaustive()
    }
}
