//! A lock that any context may release: a semaphore that never has more than one permit.
//!
//! The state is the semaphore's word, and so are the list of those who wait and the order that everybody can rely on.
#![forbid(unsafe_code)]

use core::fmt;
use core::mem;

use lock_api::RawMutex;

use crate::host::{Park, Tick, Unpark};
use crate::semaphore::{AcquireError, Semaphore};
use crate::sync::const_unless_loom;

/// A lock without an owner: acquired here, it may be released there, in an interrupt handler too if `R` masks interrupts.
///
/// Who waits does so in the order of coming, and may be overtaken a few times by who does not, as in a [`Semaphore`]; not so
/// in a [fair](Lock::fair) one. For data that is to be protected take a mutex; this one passes turns.
///
#[cfg_attr(all(feature = "alloc", target_has_atomic = "ptr"), doc = "```")]
#[cfg_attr(not(all(feature = "alloc", target_has_atomic = "ptr")), doc = "```ignore")]
/// use fastthreadpool_core::hosts::{ScriptedHost, ScriptedMutex, ScriptedUnparker};
/// use fastthreadpool_core::{Lock, NotLocked};
///
/// static TURN: Lock<ScriptedMutex, ScriptedUnparker> = Lock::new();
///
/// let parker = ScriptedHost::new().parker();
/// TURN.acquire(&parker);
/// assert!(!TURN.try_acquire());
///
/// // The wait ends when somebody else releases the lock.
/// parker.then(|| TURN.release().unwrap());
/// TURN.acquire(&parker);
///
/// assert_eq!(TURN.release(), Ok(()));
/// assert_eq!(TURN.release(), Err(NotLocked));
/// ```
pub struct Lock<R: RawMutex, U: Unpark> {
    semaphore: Semaphore<R, U>,
}

/// Released without being locked. It has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotLocked;

impl<R: RawMutex, U: Unpark> Lock<R, U> {
    const_unless_loom! {
        /// A lock that is free.
        #[must_use]
        pub const fn new() -> Self {
            Self { semaphore: Semaphore::new(1) }
        }
    }

    const_unless_loom! {
        /// The same, which goes to those who wait in the order of coming; see [`Semaphore::fair`].
        #[must_use]
        pub const fn fair() -> Self {
            Self { semaphore: Semaphore::fair(1) }
        }
    }

    /// Takes the lock if it is free, and not kept for one who waits. Returns whether it did.
    #[inline]
    #[must_use = "the lock may not be taken"]
    pub fn try_acquire(&self) -> bool {
        self.semaphore.try_acquire(1).is_ok()
    }

    /// Takes the lock, waits for it if need be.
    #[inline]
    pub fn acquire(&self, parker: &impl Park<Unpark = U>) {
        never_closed(self.semaphore.acquire(1, parker));
    }

    /// Takes the lock, waits for it until `deadline` if need be. Returns whether it did. `now` is the clock by which
    /// `parker` measures.
    #[inline]
    #[must_use = "the lock may not be taken"]
    pub fn acquire_until(&self, parker: &impl Park<Unpark = U>, deadline: Tick, now: impl Fn() -> Tick) -> bool {
        never_closed(self.semaphore.acquire_until(1, parker, deadline, now))
    }

    /// Releases the lock, whoever holds it, and wakes one of those who wait.
    ///
    /// # Errors
    ///
    /// [`NotLocked`] if nobody holds it.
    #[inline]
    pub fn release(&self) -> Result<(), NotLocked> {
        self.semaphore.release_up_to(1, 1).map_err(|_| NotLocked)
    }

    /// [`Lock::try_acquire`] with a guard.
    #[inline]
    pub fn try_guard(&self) -> Option<LockGuard<'_, R, U>> {
        self.try_acquire().then(|| LockGuard { lock: self })
    }

    /// [`Lock::acquire`] with a guard.
    #[inline]
    pub fn guard(&self, parker: &impl Park<Unpark = U>) -> LockGuard<'_, R, U> {
        self.acquire(parker);
        LockGuard { lock: self }
    }

    /// [`Lock::acquire_until`] with a guard.
    #[inline]
    pub fn guard_until(
        &self,
        parker: &impl Park<Unpark = U>,
        deadline: Tick,
        now: impl Fn() -> Tick,
    ) -> Option<LockGuard<'_, R, U>> {
        self.acquire_until(parker, deadline, now).then(|| LockGuard { lock: self })
    }

    /// Whether somebody holds it.
    #[inline]
    pub fn is_locked(&self) -> bool {
        self.semaphore.is_locked()
    }

    /// How many wait for it.
    pub fn waiters(&self) -> usize {
        self.semaphore.waiters()
    }
}

/// Returns whether the lock was taken in time.
#[inline]
fn never_closed(end: Result<(), AcquireError>) -> bool {
    match end {
        Ok(()) => true,
        Err(AcquireError::TimedOut) => false,
        Err(_) => unreachable!("a lock is never closed, and has its permit"),
    }
}

impl<R: RawMutex, U: Unpark> Default for Lock<R, U> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: RawMutex, U: Unpark> fmt::Debug for Lock<R, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("is_locked", &self.is_locked()).finish_non_exhaustive()
    }
}

/// Holds a [`Lock`]; dropped, it releases it. If others have released it meanwhile, that is not noticed here.
#[must_use = "a guard that is dropped at once releases at once"]
pub struct LockGuard<'a, R: RawMutex, U: Unpark> {
    lock: &'a Lock<R, U>,
}

impl<R: RawMutex, U: Unpark> LockGuard<'_, R, U> {
    /// Keeps the lock taken until somebody calls [`Lock::release`].
    #[inline]
    pub fn forget(self) {
        mem::forget(self);
    }
}

impl<R: RawMutex, U: Unpark> Drop for LockGuard<'_, R, U> {
    #[inline]
    fn drop(&mut self) {
        let _ = self.lock.release();
    }
}

impl<R: RawMutex, U: Unpark> fmt::Debug for LockGuard<'_, R, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard").finish_non_exhaustive()
    }
}

impl fmt::Display for NotLocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock is not locked")
    }
}

impl core::error::Error for NotLocked {}
