//! What ends, as it ends.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use crate::event::Event;
use crate::pool::Pool;
use crate::view::{Done, Failed};

/// An iterator over the jobs that end, from both queues; from [`Pool::as_completed`].
///
/// It ends when nothing is pending any more, or when the limits say so; delayed jobs are pending once they are due. Inside a
/// job it ends, too, when every worker of the pool waits. It waits without polling.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use fastthreadpool::Pool;
/// let pool: Pool<i32> = Pool::new()?;
/// for text in ["1", "two", "3"] {
///     pool.submit(|| text.parse::<i32>())?;
/// }
/// let (mut sum, mut failures) = (0, 0);
/// for ended in pool.as_completed() {
///     match ended {
///         Ok(done) => sum += done.value,
///         Err(_failed) => failures += 1,
///     }
/// }
/// assert_eq!((sum, failures), (4, 1));
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "an iterator does nothing until it is iterated"]
pub struct Completed<'p, T> {
    pool: &'p Pool<T>,
    deadline: Option<Instant>,
    limit: usize,
    waits: bool,
}

impl<'p, T: Send + 'static> Completed<'p, T> {
    pub(crate) fn new(pool: &'p Pool<T>) -> Self {
        Self { pool, deadline: None, limit: usize::MAX, waits: true }
    }

    /// Waits at most so long from now, in all.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.deadline = Instant::now().checked_add(timeout);
        self
    }

    /// Does not wait: yields what has ended by now.
    pub fn now(mut self) -> Self {
        self.waits = false;
        self
    }

    /// Yields at most so many.
    pub fn limit(mut self, number: usize) -> Self {
        self.limit = number;
        self
    }

    fn try_next(&self) -> Option<Result<Done<T>, Failed>> {
        let done = self.pool.done().try_pop().map(Ok);
        done.or_else(|| self.pool.failed().try_pop().map(Err))
    }
}

impl<T: Send + 'static> Iterator for Completed<'_, T> {
    type Item = Result<Done<T>, Failed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.limit = self.limit.checked_sub(1)?;
        if !self.waits {
            return self.try_next();
        }
        let shared = self.pool.shared();
        let own = shared.own_jobs();
        let ready = || {
            // In this order: what ended before nothing was pending is in the queues by then.
            shared.core.barrier();
            let is_over = shared.pending() <= own;
            let next = self.try_next();
            (next.is_some() || is_over).then_some(next)
        };
        if let Some(next) = self.try_next() {
            return Some(next);
        }
        shared
            .blocking(|| Event::wait_any(&[&self.pool.view().ended, &shared.quiet], self.deadline, ready))
            .flatten()?
    }
}
