//! Permits that are borrowed from their semaphore.
#![forbid(unsafe_code)]

use std::fmt;

use fastthreadpool_core as core;

use crate::sync::waiter::Waiter;
use crate::sys::RawMutex;

/// Permits of a [`Semaphore`](crate::Semaphore) that are released when they are dropped, unless they are forgotten.
#[must_use = "a permit that is dropped at once is released at once"]
pub struct Permit<'s>(pub(super) core::Permit<'s, RawMutex, Waiter>);

impl Permit<'_> {
    /// How many permits these are.
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// Keeps the permits taken for good; [`Semaphore::release`](crate::Semaphore::release) makes new ones,
    /// [`Semaphore::adopt`](crate::Semaphore::adopt) takes these back.
    #[inline]
    pub fn forget(self) {
        self.0.forget();
    }

    /// Parts with `count` of them. `None` if these are fewer.
    pub fn split(&mut self, count: usize) -> Option<Self> {
        self.0.split(count).map(Self)
    }

    /// Takes over the other's permits.
    ///
    /// # Panics
    ///
    /// If they are of another semaphore.
    pub fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
