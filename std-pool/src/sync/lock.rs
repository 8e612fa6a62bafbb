//! The core's lock for threads.
#![forbid(unsafe_code)]

use std::mem;
use std::time::Duration;

use fastthreadpool_core as core;
use fastthreadpool_core::{AcquireError, NotLocked, Tick};

use crate::here::blocking;
use crate::sync::attend::in_line;
use crate::sync::time::{Deadline, OnTime, WORLD};
use crate::sync::waiter::Waiter;
use crate::sys::{self, RawMutex};

/// Holds a [`FastLock`] until it is dropped.
pub type FastLockGuard<'l> = core::LockGuard<'l, RawMutex, Waiter>;

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
///     let _guard = LOCK.guard();
///     assert!(LOCK.is_locked());
///     assert!(!LOCK.try_acquire());
/// }
/// LOCK.acquire();
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
    /// assert!(IN_ORDER.try_acquire() && !IN_ORDER.try_acquire());
    /// ```
    #[must_use]
    pub const fn fair() -> Self {
        Self(core::Lock::fair())
    }

    /// Takes the lock, waits for it if need be. It is free again after a [`FastLock::release`].
    #[inline]
    pub fn acquire(&self) {
        sys::point();
        if !self.0.try_acquire() {
            mem::forget(self.wait(Deadline::NEVER));
        }
    }

    /// Takes the lock if it is free; returns whether it was.
    #[inline]
    #[must_use = "the lock may not be taken"]
    pub fn try_acquire(&self) -> bool {
        sys::point();
        self.0.try_acquire()
    }

    /// Takes the lock, waits at most so long; returns whether it was free in that time.
    #[must_use = "the lock may not be taken"]
    pub fn acquire_timeout(&self, timeout: Duration) -> bool {
        sys::point();
        self.0.try_acquire() || self.wait(WORLD.after(timeout)).map(mem::forget).is_some()
    }

    /// Takes the lock until the guard is dropped.
    #[inline]
    pub fn guard(&self) -> FastLockGuard<'_> {
        sys::point();
        match self.0.try_guard() {
            Some(guard) => guard,
            None => self.wait(Deadline::NEVER).unwrap_or_else(|| unreachable!("that does not come")),
        }
    }

    #[inline(never)]
    fn wait(&self, deadline: Deadline<'_>) -> Option<FastLockGuard<'_>> {
        let acquire = |is_called: &dyn Fn() -> bool| {
            let clock = || if is_called() || deadline.is_over() { Tick::MAX } else { Tick::ZERO };
            self.0.guard_until(&OnTime(deadline), deadline.tick, clock).ok_or(AcquireError::TimedOut)
        };
        blocking::anyway(|| in_line(acquire)).ok()
    }

    /// [`FastLock::guard`], if the lock is free.
    #[inline]
    pub fn try_guard(&self) -> Option<FastLockGuard<'_>> {
        sys::point();
        self.0.try_guard()
    }

    /// Releases the lock, whoever holds it.
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
