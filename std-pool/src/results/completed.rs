//! What ends, as it ends.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::awaits::Awaits;
use crate::engine::waits::InLine;
use crate::here::blocking;
use crate::results::outlet::{Done, Failed, Outlet};
use crate::sync::event::Event;
use crate::sync::time::{Deadline, Time};

/// An iterator over the jobs that end, from both queues; from [`Group::completed`](crate::Group::completed).
///
/// It ends when nothing is pending any more, or when the limits say so. For a pool delayed jobs are pending once they are due;
/// for a group they are from the beginning, and schedules never. Inside a job it ends, too, when every worker of the pool waits,
/// and when all that is pending waits for that job. It waits without polling.
///
/// Where results of the unit type are not kept, it yields failures only.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use fastthreadpool::Pool;
/// let pool: Pool<i32> = Pool::new()?;
/// for text in ["1", "two", "3"] {
///     pool.submit(|| text.parse::<i32>())?;
/// }
/// let (mut sum, mut failures) = (0, 0);
/// for ended in pool.completed() {
///     match ended {
///         Ok(done) => sum += done.value,
///         Err(_failed) => failures += 1,
///     }
/// }
/// assert_eq!((sum, failures), (4, 1));
/// # Ok(()) }
/// ```
#[must_use = "an iterator does nothing until it is iterated"]
pub struct Completed<'p, T> {
    outlet: &'p Outlet<T>,
    what: What<'p>,
    time: &'p Time,
    deadline: Deadline<'p>,
    limit: usize,
    waits: bool,
}

/// Whose jobs.
pub(crate) enum What<'p> {
    /// All of a pool.
    Pool(&'p Engine),
    /// Those of a group: it gets in line.
    Group(Box<dyn Fn() -> InLine<'p> + Send + Sync + 'p>),
}

impl<'p> What<'p> {
    fn line(&self) -> InLine<'p> {
        match self {
            Self::Pool(engine) => InLine::enter(Awaits::Idle(engine)),
            Self::Group(line) => line(),
        }
    }
}

impl<'p, T: Send + 'static> Completed<'p, T> {
    pub(crate) fn new(outlet: &'p Outlet<T>, what: What<'p>, time: &'p Time) -> Self {
        Self { outlet, what, time, deadline: Deadline::NEVER, limit: usize::MAX, waits: true }
    }

    /// Waits at most so long from now, in all.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.deadline = self.time.after(timeout);
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
        let done = self.outlet.done().try_pop().map(Ok);
        done.or_else(|| self.outlet.failed().try_pop().map(Err))
    }
}

impl<T: Send + 'static> Iterator for Completed<'_, T> {
    type Item = Result<Done<T>, Failed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.limit = self.limit.checked_sub(1)?;
        if let Some(next) = self.try_next() {
            return Some(next);
        }
        if !self.waits {
            return None;
        }
        let line = self.what.line();
        let ready = || {
            // In this order: what ended before nothing was pending is in the queues by then.
            let is_over = line.is_over();
            let next = self.try_next();
            (next.is_some() || is_over).then_some(next)
        };
        let wait = || self.outlet.attended(|| Event::wait_any(&[&self.outlet.ended], self.deadline, ready));
        blocking::maybe(wait).flatten()?
    }
}

impl<T> fmt::Debug for Completed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completed").field("limit", &self.limit).finish_non_exhaustive()
    }
}
