//! One of several who submit much at the same time.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use fastthreadpool_core::JobId;

use crate::engine::submit_error::SubmitError;
use crate::group::Group;
use crate::jobs::call::{Plain, WithContext};
use crate::jobs::context::Context;
use crate::jobs::enter::Shape;
use crate::jobs::once::{Give, Keep, OnceShape};
use crate::jobs::spawned::{JoinHandle, SpawnShape};
use crate::pool::Pool;
use crate::results::outcome::Outcome;

/// Submits to its pool by a queue that it has for itself, or shares with few; from [`Pool::producer`].
///
/// Whoever submits by [`Group::submit`] appends to one queue, whose end all want to move at the same time: with many threads on many cores
/// that is most of what a submit costs, and more of them submit no more jobs. So give each of these threads a producer. On simulated
/// cores eight that submit empty jobs to eight workers take 85 ns a job, and 5 with a producer each (`tests/cores` of the project; on two
/// cores it makes no difference).
///
/// The queues are those of the workers, as many as the pool was [built with](crate::Builder::threads), where jobs that jobs submit go, too; and
/// that of the pool. With more producers than queues some share one. A clone has a queue of its own, if there is one left. A handle as [`Group`] is: it does not keep the pool
/// open.
///
/// # Order
///
/// The jobs of a producer begin in their order, as those that one thread submits to the pool do; with those of another, and with
/// what the same thread submits to the pool, they have none, nor do their ids. Every queue has its turn, however much comes to the others.
///
/// # Where it makes no difference
///
/// In a pool that is [bounded](crate::Builder::queue_capacity) or watched, or whose own jobs wait for something else than their turn; and
/// in a job of the pool, from where jobs go to the queue of its worker, in no order with those from outside.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::thread;
///
/// use fastthreadpool::Pool;
///
/// let pool = Pool::<u64>::new()?;
/// thread::scope(|scope| {
///     for listener in 0..4 {
///         let producer = pool.producer();
///         scope.spawn(move || (0..100).try_for_each(|n| producer.submit(move || listener * n).map(drop)));
///     }
/// });
/// pool.shutdown();
/// assert_eq!(pool.done().drain().map(|done| done.value).sum::<u64>(), 6 * 4950);
/// # Ok(()) }
/// ```
pub struct Producer<T = ()> {
    pool: Group<T>,
    /// Of the worker to whose lane it submits.
    seat: usize,
}

impl<T: Send + 'static> Pool<T> {
    /// For one of several threads that submit much at the same time: see [`Producer`].
    pub fn producer(&self) -> Producer<T> {
        Producer::new(Group::clone(self))
    }
}

impl<T: Send + 'static> Producer<T> {
    fn new(pool: Group<T>) -> Self {
        let seat = pool.engine.take_lane();
        Self { pool, seat }
    }

    /// Appends a job to the end of its queue: [`Group::submit`] but for the order.
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    pub fn submit<F, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.append(OnceShape { call: Plain::new(f), way: Keep })
    }

    /// The same with a [`Context`]: [`Group::submit_with`].
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
    pub fn submit_with<F, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce(&Context<'_, T>) -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.append(OnceShape { call: WithContext::new(f), way: Keep })
    }

    /// The same with a callback of the job's own: [`Group::submit_done`].
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
    pub fn submit_done<F, R, D>(&self, f: F, on_done: D) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
        D: FnOnce(JobId, T) + Send + 'static,
    {
        self.append(OnceShape { call: Plain::new(f), way: Give(on_done) })
    }

    /// Appends a job of any type and returns a handle to it: [`Group::spawn`].
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
    pub fn spawn<F, U>(&self, f: F) -> Result<JoinHandle<U>, SubmitError<F>>
    where
        F: FnOnce() -> U + Send + 'static,
        U: Send + 'static,
    {
        let (shape, receiver) = SpawnShape::new(Plain::new(f));
        let id = self.append(shape)?;
        Ok(receiver.into_handle(Arc::clone(&self.pool.engine), id))
    }

    #[inline(always)]
    fn append<S: Shape<T>>(&self, shape: S) -> Result<JobId, SubmitError<S::Function>> {
        self.pool.entrance().append_to(self.seat, shape)
    }
}

impl<T: Send + 'static> Clone for Producer<T> {
    fn clone(&self) -> Self {
        Self::new(self.pool.clone())
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.pool.engine.leave_lane(self.seat);
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("queue", &self.seat).finish_non_exhaustive()
    }
}
