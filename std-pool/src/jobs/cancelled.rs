//! Waiting, in a job, for its cancellation, and for permits unless that comes first.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::task;
use std::task::Poll;
use std::time::Duration;

use fastthreadpool_core::{AcquireError, Park};

use crate::engine::stops::{Listed, StopToken};
use crate::jobs::context::Context;
use crate::sync::permit::Permit;
use crate::sync::semaphore::Semaphore;
use crate::sync::time::Deadline;
use crate::sync::waiter::{ThisThread, Waiter};

impl<T: Send + 'static> Context<'_, T> {
    /// Waits until [`Context::is_cancelled`]. Meanwhile another worker stands in for this one.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// pool.submit_with(|job| job.cancelled())?;
    /// pool.shutdown_now();
    /// # Ok(()) }
    /// ```
    pub fn cancelled(&self) {
        self.stop_token().wait(Deadline::NEVER);
    }

    /// The same, at most so long: a pause that a cancellation ends. Returns whether that came.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::time::Duration;
    ///
    /// let pool: Pool = Pool::new()?;
    /// let id = pool.submit_with(|job| while !job.cancelled_timeout(Duration::from_secs(60)) {})?;
    /// pool.cancel(id);
    /// pool.wait_idle();
    /// # Ok(()) }
    /// ```
    pub fn cancelled_timeout(&self, timeout: Duration) -> bool {
        self.stop_token().wait(self.engine().time().after(timeout))
    }

    /// The same as a future, for a job that drives tasks. Needs no particular runtime.
    pub fn cancelled_async(&self) -> impl Future<Output = ()> + Send {
        Cancelled { token: self.stop_token(), listed: None }
    }

    /// Takes so many permits of a semaphore, as [`Semaphore::acquire_many`], but waits for them only until the job is cancelled.
    /// A job that has been cancelled takes none, however many are free.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use fastthreadpool::Semaphore;
    ///
    /// static PLACES: Semaphore = Semaphore::new(0);
    ///
    /// let pool: Pool = Pool::new()?;
    /// let id = pool.submit_with(|job| job.acquire(&PLACES, 1).map(drop))?;
    /// pool.cancel(id);
    /// pool.wait_idle();
    /// assert_eq!(PLACES.waiters(), 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As there, and [`AcquireError::Cancelled`].
    pub fn acquire<'s>(&self, semaphore: &'s Semaphore, permits: usize) -> Result<Permit<'s>, AcquireError> {
        let token = self.stop_token();
        if token.is_stopped() {
            return Err(AcquireError::Cancelled);
        }
        if let Ok(permit) = semaphore.try_acquire_many(permits) {
            return Ok(permit);
        }
        let listed = token.list();
        semaphore.acquire_while(permits, || !listed.look(ThisThread.unparker()))
    }
}

/// Ready when the job is told to stop.
struct Cancelled<'e> {
    token: StopToken<'e>,
    /// From the first poll that has found nothing on.
    listed: Option<Listed<'e>>,
}

impl Future for Cancelled<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<()> {
        let token = self.token;
        if token.is_stopped()
            || self.listed.get_or_insert_with(|| token.list()).look(Waiter::from(context.waker().clone()))
        {
            self.listed = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
