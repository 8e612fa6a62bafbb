//! Jobs that wait without a thread: futures, and what follows a job.
#![forbid(unsafe_code)]

use std::future::Future;
use std::sync::Arc;

use crate::engine::submit_error::SubmitError;
use crate::group::Group;
use crate::jobs::bell::Rung;
use crate::jobs::continued::Continued;
use crate::jobs::future::FutureShape;
use crate::jobs::spawned::{JoinHandle, Sender};
use crate::results::outcome::JobError;

impl<T: Send + 'static> Group<T> {
    /// Appends a future as a job, and returns a handle to it as [`Group::spawn`] does. Workers poll it, one at a time, and go on
    /// with other jobs while it is pending; whoever wakes it, from wherever, has it polled once more. Others have their turn in between.
    /// Needs no other runtime.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let parts = [1, 2, 3].map(|n| pool.spawn(move || n * n));
    /// let sum = pool.spawn_future(async move {
    ///     let mut sum = 0;
    ///     for part in parts {
    ///         sum += part.expect("the pool is open").await.expect("it does not panic");
    ///     }
    ///     sum
    /// })?;
    /// assert_eq!(sum.join()?, 14);
    /// # Ok(()) }
    /// ```
    ///
    /// Pending it is a job that waits, as one does at the limit of a group ([`JobKind::Gated`](crate::JobKind::Gated)): it counts as
    /// pending, it is waited for, and it has no place in a limited group, but each poll takes one. Cancelled, by whatever cancels
    /// jobs that have not begun, it is dropped at once, and its handle says [`JobError::Cancelled`], or [`JobError::Expired`]; while it is
    /// polled, after that poll, unless it is ready by then.
    ///
    /// [`Pool::shutdown`](crate::Pool::shutdown) waits until it is ready, however long nobody wakes it, and so does a last handle that
    /// is dropped; [`Pool::shutdown_now`](crate::Pool::shutdown_now) drops it. A pool that was
    /// [detached](crate::Pool::detach) stays as long as one is pending. A waker that is called afterwards does nothing.
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
    pub fn spawn_future<F>(&self, future: F) -> Result<JoinHandle<F::Output>, SubmitError<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if self.engine.is_elsewhere() {
            return Err(SubmitError::Forked(future));
        }
        self.spawn_rung(future, self.rung(true))
    }

    /// The bell of a job to come; `is_scheduled`: it is polled at once, not only when it is woken.
    fn rung(&self, is_scheduled: bool) -> Rung {
        let gate = self.entrance().open_gate(is_scheduled.into());
        Rung::new(&self.engine, gate, is_scheduled)
    }

    fn spawn_rung<F>(&self, future: F, rung: Rung) -> Result<JoinHandle<F::Output>, SubmitError<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let ((sender, receiver), gate) = (Sender::new(), rung.gate());
        let submitted = self.entrance().submit_at(gate, FutureShape { future: Box::new(future), sender, rung });
        submitted.map(|id| receiver.into_handle(Arc::clone(&self.engine), id))
    }
}

impl<U: Send + 'static> JoinHandle<U> {
    /// Runs `f` as a job of a group, or of a pool, this one's or another, when this job has ended, in whatever way; it is given
    /// what [`JoinHandle::join`] would return. No thread waits meanwhile.
    ///
    /// The job is accepted now, and pending until it begins: it is counted, cancelled and waited for as one of
    /// [`Group::spawn_future`] that is pending. So a pool that is drained runs it.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let (io, cpu): (Pool, Pool) = (Pool::new()?, Pool::new()?);
    /// let read = io.spawn(|| "some text".to_owned())?;
    /// let words = read.then(&cpu, |text| text.map(|text| text.split(' ').count()))?;
    /// assert_eq!(words.join()??, 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Group::submit`], with this handle and the function.
    pub fn then<T, V, F>(self, on: &Group<T>, f: F) -> Result<JoinHandle<V>, SubmitError<(Self, F)>>
    where
        T: Send + 'static,
        V: Send + 'static,
        F: FnOnce(Result<U, JobError>) -> V + Send + 'static,
    {
        if on.engine.is_elsewhere() {
            return Err(SubmitError::Forked((self, f)));
        }
        let (rung, watch) = (on.rung(false), self.watch());
        let waker = rung.waker();
        let spawned = on.spawn_rung(Continued::new(self, f), rung);
        let handle = spawned.map_err(|error| error.map(Continued::into_parts))?;
        watch(waker);
        Ok(handle)
    }
}
