//! Permits held by a guard that releases them when it is dropped.
#![forbid(unsafe_code)]

use core::fmt;
use core::mem;
use core::ptr;

use lock_api::RawMutex;

use super::{AcquireError, Semaphore, TryAcquireError};
use crate::host::{Park, Tick, Unpark};

/// Some permits of a semaphore; dropped, it releases them.
///
/// A release that the semaphore refuses because others have released too much is not noticed here.
#[must_use = "a permit that is dropped at once is released at once"]
pub struct Permit<'a, R: RawMutex, U: Unpark> {
    semaphore: &'a Semaphore<R, U>,
    count: usize,
}

impl<R: RawMutex, U: Unpark> Semaphore<R, U> {
    /// [`Semaphore::try_acquire`] with a guard.
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    pub fn try_permit(&self, count: usize) -> Result<Permit<'_, R, U>, TryAcquireError> {
        self.try_acquire(count).map(|()| self.adopt(count))
    }

    /// [`Semaphore::acquire`] with a guard.
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    pub fn permit(&self, count: usize, parker: &impl Park<Unpark = U>) -> Result<Permit<'_, R, U>, AcquireError> {
        self.acquire(count, parker).map(|()| self.adopt(count))
    }

    /// [`Semaphore::acquire_until`] with a guard.
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    pub fn permit_until(
        &self,
        count: usize,
        parker: &impl Park<Unpark = U>,
        deadline: Tick,
        now: impl Fn() -> Tick,
    ) -> Result<Permit<'_, R, U>, AcquireError> {
        self.acquire_until(count, parker, deadline, now).map(|()| self.adopt(count))
    }

    /// A guard for permits that the caller has already: acquired without one, or taken from a [`Permit`] that was
    /// forgotten.
    #[inline]
    pub fn adopt(&self, count: usize) -> Permit<'_, R, U> {
        Permit { semaphore: self, count }
    }
}

impl<R: RawMutex, U: Unpark> Permit<'_, R, U> {
    /// How many permits these are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether they belong to this semaphore.
    pub fn is_of(&self, semaphore: &Semaphore<R, U>) -> bool {
        ptr::eq(self.semaphore, semaphore)
    }

    /// Keeps the permits taken for good; [`Semaphore::release`] makes new ones, [`Semaphore::adopt`] takes these back.
    #[inline]
    pub fn forget(self) {
        mem::forget(self);
    }

    /// Parts with `count` of them. `None` if these are fewer.
    pub fn split(&mut self, count: usize) -> Option<Self> {
        self.count = self.count.checked_sub(count)?;
        Some(Self { semaphore: self.semaphore, count })
    }

    /// Takes over the other's permits.
    ///
    /// # Panics
    ///
    /// If they are of another semaphore.
    pub fn merge(&mut self, other: Self) {
        assert!(other.is_of(self.semaphore), "permits of two semaphores cannot be merged");
        self.count += other.count;
        other.forget();
    }
}

impl<R: RawMutex, U: Unpark> Drop for Permit<'_, R, U> {
    #[inline]
    fn drop(&mut self) {
        let _ = self.semaphore.release(self.count);
    }
}

impl<R: RawMutex, U: Unpark> fmt::Debug for Permit<'_, R, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("count", &self.count).finish_non_exhaustive()
    }
}
