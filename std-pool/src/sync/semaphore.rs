//! The core's semaphore for threads and tasks.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use fastthreadpool_core as core;
use fastthreadpool_core::{AcquireError, Overflow, Tick, TryAcquireError};

use crate::here::blocking;
use crate::sync::attend::in_line;
use crate::sync::permit::Permit;
use crate::sync::time::{Deadline, OnTime, WORLD};
use crate::sync::waiter::{ThisThread, Waiter};
use crate::sys::{self, RawMutex, thread};

/// A counting semaphore: blocking, with a time limit, async, for one permit or many.
///
/// Who waits does so in the order of coming. A free permit goes to whoever asks first, so that a contended semaphore does not wait for
/// sleeping threads to get up; but the first in line is not overtaken if it asks for several, nor once it was woken 16 times
/// in vain. Where strict order matters more than throughput take [`Semaphore::fair`].
///
/// While a job waits for permits another worker stands in for it. So a semaphore that thousands of jobs of one pool want is a thread for each of a
/// thousand that wait: to bound how many jobs run at a time take a [group with a limit](crate::GroupBuilder::limit), where those that
/// wait cost no thread.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::Semaphore;
/// use std::time::Duration;
///
/// static TICKETS: Semaphore = Semaphore::new(2);
///
/// let one = TICKETS.acquire()?;
/// TICKETS.acquire()?.forget();
/// assert!(TICKETS.is_locked());
/// assert!(TICKETS.acquire_timeout(Duration::from_millis(1)).is_err());
/// drop(one);
/// assert_eq!(TICKETS.value(), 1);
/// TICKETS.release(1)?;
/// assert_eq!(TICKETS.acquire_many(2)?.count(), 2);
/// # Ok(()) }
/// ```
pub struct Semaphore(core::Semaphore<RawMutex, Waiter>);

/// Lets the others run before a thread gets in line: a permit is often free again before the kernel has put the thread to sleep.
fn look_again(looks: u32) -> bool {
    thread::yield_now();
    looks < LOOKS
}

/// Looks before a thread gets in line.
const LOOKS: u32 = if cfg!(shuttle) { 1 } else { 10 };

impl Semaphore {
    /// The most permits that it can have.
    pub const MAX_PERMITS: usize = core::Semaphore::<RawMutex, Waiter>::MAX_PERMITS;

    /// A semaphore with so many free permits.
    ///
    /// # Panics
    ///
    /// When these are more than [`Semaphore::MAX_PERMITS`].
    #[must_use]
    pub const fn new(permits: usize) -> Self {
        Self(core::Semaphore::new(permits))
    }

    /// The same, where nobody overtakes who waits. With short turns it is many times slower when contended: each turn waits for
    /// a thread to wake up.
    ///
    /// # Panics
    ///
    /// As [`Semaphore::new`].
    ///
    /// ```
    /// static IN_ORDER: fastthreadpool::Semaphore = fastthreadpool::Semaphore::fair(1);
    /// assert_eq!(IN_ORDER.value(), 1);
    /// ```
    #[must_use]
    pub const fn fair(permits: usize) -> Self {
        Self(core::Semaphore::fair(permits))
    }

    /// Takes a permit, waits for it if need be.
    ///
    /// # Errors
    ///
    /// [`AcquireError::Closed`]; [`AcquireError::WouldDeadlock`] in a job, when nobody is left to stand in for it.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_>, AcquireError> {
        self.acquire_many(1)
    }

    /// Takes so many permits together. Once it is the first in line it is not overtaken, and gathers what is released.
    ///
    /// # Errors
    ///
    /// As [`Semaphore::acquire`]; [`AcquireError::TooMany`] for more than there can be.
    #[inline]
    pub fn acquire_many(&self, permits: usize) -> Result<Permit<'_>, AcquireError> {
        sys::point();
        if self.0.try_acquire(permits).is_err() {
            self.wait_for(permits)?;
        }
        Ok(self.adopt(permits))
    }

    #[cold]
    #[inline(never)]
    fn wait_for(&self, permits: usize) -> Result<(), AcquireError> {
        match self.0.try_acquire_while(permits, look_again) {
            Ok(()) => Ok(()),
            Err(_) => self.wait_while(permits, || true).map(Permit::forget),
        }
    }

    /// Takes a permit if one is free, and not kept for one who waits.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`] says why not.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes so many permits if they are free, and not kept for one who waits.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`] says why not.
    #[inline]
    pub fn try_acquire_many(&self, permits: usize) -> Result<Permit<'_>, TryAcquireError> {
        sys::point();
        self.0.try_permit(permits).map(Permit)
    }

    /// Takes a permit, waits at most so long.
    ///
    /// # Errors
    ///
    /// As [`Semaphore::acquire`], and [`AcquireError::TimedOut`].
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>, AcquireError> {
        self.acquire_many_timeout(1, timeout)
    }

    /// Takes so many permits, waits at most so long.
    ///
    /// # Errors
    ///
    /// As [`Semaphore::acquire_many`], and [`AcquireError::TimedOut`].
    pub fn acquire_many_timeout(&self, permits: usize, timeout: Duration) -> Result<Permit<'_>, AcquireError> {
        self.acquire_until(permits, WORLD.after(timeout))
    }

    /// The same by any clock.
    pub(crate) fn acquire_until(&self, permits: usize, deadline: Deadline<'_>) -> Result<Permit<'_>, AcquireError> {
        sys::point();
        if let Ok(permit) = self.0.try_permit(permits) {
            return Ok(Permit(permit));
        }
        wait(|is_called| {
            let clock = || if is_called() || deadline.is_over() { Tick::MAX } else { Tick::ZERO };
            self.0.permit_until(permits, &OnTime(deadline), deadline.tick, clock).map(Permit)
        })
    }

    /// Takes so many permits, waits as long as `goes_on`, which is asked before each sleep: who changes that wakes the thread.
    pub(crate) fn acquire_while(&self, permits: usize, goes_on: impl Fn() -> bool) -> Result<Permit<'_>, AcquireError> {
        self.wait_while(permits, goes_on).map_err(|error| match error {
            AcquireError::TimedOut => AcquireError::Cancelled,
            error => error,
        })
    }

    fn wait_while(&self, permits: usize, goes_on: impl Fn() -> bool) -> Result<Permit<'_>, AcquireError> {
        wait(|is_called| {
            let clock = || if goes_on() && !is_called() { Tick::ZERO } else { Tick::MAX };
            self.0.permit_until(permits, &ThisThread, Tick::MAX, clock).map(Permit)
        })
    }

    /// Takes so many permits in a task, which waits in the same line as the threads. Needs no particular runtime.
    ///
    /// # Errors
    ///
    /// [`AcquireError::Closed`]; [`AcquireError::TooMany`] for more than there can be.
    ///
    /// # Cancellation
    ///
    /// Dropped before it is ready it leaves the line, and what was meant for it goes to those behind it.
    pub async fn acquire_async(&self, permits: usize) -> Result<Permit<'_>, AcquireError> {
        self.0.acquire_async(permits).await?;
        Ok(self.adopt(permits))
    }

    /// Adds permits, and wakes just those who can go on with them. Any thread may, whoever acquired them.
    ///
    /// # Errors
    ///
    /// [`Overflow`] when there would be more than [`Semaphore::MAX_PERMITS`]; nothing has changed then.
    #[inline]
    pub fn release(&self, permits: usize) -> Result<(), Overflow> {
        let released = self.0.release(permits);
        sys::point();
        released
    }

    /// [`Semaphore::release`] for who holds a lock: in a simulation nobody else goes on meanwhile.
    pub(crate) fn release_locked(&self, permits: usize) {
        // There is one for each thing in memory at most.
        let _ = self.0.release(permits);
    }

    /// Takes a permit away for good, as [`Semaphore::release_locked`]. False if none is free.
    pub(crate) fn forget_locked(&self) -> bool {
        self.0.try_acquire(1).is_ok()
    }

    /// Takes up to so many free permits away for good: there are fewer from then on, until [`Semaphore::release`] makes new ones.
    /// What is held is not touched. Returns how many it has found.
    ///
    /// ```
    /// let semaphore = fastthreadpool::Semaphore::new(3);
    /// let permit = semaphore.acquire()?;
    /// assert_eq!(semaphore.forget_permits(5), 2);
    /// drop(permit);
    /// assert_eq!(semaphore.value(), 1);
    /// # Ok::<(), fastthreadpool::AcquireError>(())
    /// ```
    pub fn forget_permits(&self, permits: usize) -> usize {
        self.0.forget_permits(permits)
    }

    /// Makes a guard again of permits that were forgotten.
    pub fn adopt(&self, permits: usize) -> Permit<'_> {
        Permit(self.0.adopt(permits))
    }

    /// How many permits are free.
    pub fn value(&self) -> usize {
        self.0.value()
    }

    /// Whether no permit is free.
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// How many threads and tasks wait.
    pub fn waiters(&self) -> usize {
        self.0.waiters()
    }

    /// Turns away all who wait and all who come.
    pub fn close(&self) {
        self.0.close();
    }

    /// The same where a lock is held: gives back whom to wake when it is not.
    pub(crate) fn close_for(&self, woken: &mut Vec<Waiter>) {
        self.0.close_for(|waiter| woken.push(waiter));
    }

    /// Lets permits be acquired again after [`Semaphore::close`].
    pub fn reopen(&self) {
        self.0.reopen();
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Whether the permits are this semaphore's.
    pub(crate) fn owns(&self, permit: &Permit<'_>) -> bool {
        permit.0.is_of(&self.0)
    }
}

/// Waits by `acquire`, see [`in_line`].
fn wait<R>(acquire: impl FnMut(&dyn Fn() -> bool) -> Result<R, AcquireError>) -> Result<R, AcquireError> {
    blocking::maybe(|| in_line(acquire)).unwrap_or(Err(AcquireError::WouldDeadlock))
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("value", &self.value()).finish_non_exhaustive()
    }
}

impl Default for Semaphore {
    /// One permit, as in the original.
    fn default() -> Self {
        Self::new(1)
    }
}
