//! Permits that own their semaphore, so that they may go wherever a job goes.
#![forbid(unsafe_code)]

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::{AcquireError, TryAcquireError};

use crate::sync::permit::Permit;
use crate::sync::semaphore::Semaphore;

/// Permits of a semaphore in an [`Arc`], which are released when this is dropped: as [`Permit`], without a borrow.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::{Pool, Semaphore};
/// use std::sync::Arc;
///
/// let pool = Pool::new()?;
/// // No more than four jobs wait and run together: who submits the fifth waits.
/// let places = Arc::new(Semaphore::new(4));
/// for n in 0..10_u32 {
///     let place = Arc::clone(&places).acquire_owned()?;
///     pool.submit(move || {
///         let _place = place;
///         n * n
///     })?;
/// }
/// pool.shutdown();
/// assert_eq!((pool.done().len(), places.value()), (10, 4));
/// # Ok(()) }
/// ```
#[must_use = "a permit that is dropped at once is released at once"]
pub struct OwnedPermit {
    semaphore: Arc<Semaphore>,
    count: usize,
}

impl Semaphore {
    /// [`Semaphore::acquire`], with a permit that owns the semaphore.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn acquire_owned(self: Arc<Self>) -> Result<OwnedPermit, AcquireError> {
        self.acquire_many_owned(1)
    }

    /// [`Semaphore::acquire_many`], with a permit that owns the semaphore.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn acquire_many_owned(self: Arc<Self>, permits: usize) -> Result<OwnedPermit, AcquireError> {
        self.acquire_many(permits)?.forget();
        Ok(self.adopt_owned(permits))
    }

    /// [`Semaphore::try_acquire`], with a permit that owns the semaphore.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedPermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// [`Semaphore::try_acquire_many`], with a permit that owns the semaphore.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_acquire_many_owned(self: Arc<Self>, permits: usize) -> Result<OwnedPermit, TryAcquireError> {
        self.try_acquire_many(permits)?.forget();
        Ok(self.adopt_owned(permits))
    }

    /// [`Semaphore::acquire_timeout`], with a permit that owns the semaphore.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn acquire_owned_timeout(self: Arc<Self>, timeout: Duration) -> Result<OwnedPermit, AcquireError> {
        self.acquire_many_owned_timeout(1, timeout)
    }

    /// [`Semaphore::acquire_many_timeout`], with a permit that owns the semaphore.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn acquire_many_owned_timeout(
        self: Arc<Self>,
        permits: usize,
        timeout: Duration,
    ) -> Result<OwnedPermit, AcquireError> {
        self.acquire_many_timeout(permits, timeout)?.forget();
        Ok(self.adopt_owned(permits))
    }

    /// [`Semaphore::acquire_async`], with a permit that owns the semaphore.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancellation
    ///
    /// As there.
    pub async fn acquire_owned_async(self: Arc<Self>, permits: usize) -> Result<OwnedPermit, AcquireError> {
        self.acquire_async(permits).await?.forget();
        Ok(self.adopt_owned(permits))
    }

    /// [`Semaphore::adopt`], with a permit that owns the semaphore.
    pub fn adopt_owned(self: Arc<Self>, permits: usize) -> OwnedPermit {
        OwnedPermit { semaphore: self, count: permits }
    }
}

impl OwnedPermit {
    /// How many permits these are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Keeps the permits taken for good: [`Permit::forget`].
    pub fn forget(mut self) {
        self.count = 0;
    }

    /// Parts with `count` of them. `None` if these are fewer.
    pub fn split(&mut self, count: usize) -> Option<Self> {
        self.count = self.count.checked_sub(count)?;
        Some(Arc::clone(&self.semaphore).adopt_owned(count))
    }

    /// Takes over the other's permits.
    ///
    /// # Panics
    ///
    /// If they are of another semaphore.
    pub fn merge(&mut self, mut other: Self) {
        assert!(Arc::ptr_eq(&self.semaphore, &other.semaphore), "permits of two semaphores cannot be merged");
        self.count += mem::take(&mut other.count);
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        // As a borrowed one: what others have released too much is not noticed here.
        let _: Permit<'_> = self.semaphore.adopt(self.count);
    }
}

impl fmt::Debug for OwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").field("count", &self.count).finish_non_exhaustive()
    }
}
