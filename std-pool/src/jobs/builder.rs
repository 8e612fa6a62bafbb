//! A job with all that can be said about it before it is submitted.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use fastthreadpool_core::{JobId, Priority};

use crate::engine::submit::{SubmitError, To};
use crate::jobs::call::{Name, Named, Plain, Unnamed};
use crate::jobs::enter::Entrance;
use crate::jobs::once::{Discard, Give, Keep, OnceShape, Way};
use crate::jobs::when::When;
use crate::results::outcome::Outcome;

/// A job that is being described; from [`Group::job`](crate::Group::job).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use fastthreadpool::Pool;
/// use std::sync::mpsc;
/// use std::time::Duration;
///
/// let pool: Pool<u32> = Pool::new()?;
/// let (sender, receiver) = mpsc::channel();
/// pool.job(|| 6 * 7)
///     .after(Duration::from_millis(1))
///     .on_done(move |_id, value| sender.send(value).expect("somebody listens"))
///     .submit()?;
/// assert_eq!(receiver.recv()?, 42);
/// # Ok(()) }
/// ```
#[must_use = "a job does nothing until it is submitted"]
pub struct Job<'g, T, F, R, D = Keep, N = Unnamed> {
    entrance: Entrance<'g, T>,
    to: To,
    priority: Priority,
    way: D,
    call: Plain<F, R, N>,
}

impl<'g, T, F, R> Job<'g, T, F, R>
where
    T: Send + 'static,
    F: FnOnce() -> R + Send + 'static,
    R: Outcome<T> + 'static,
{
    pub(crate) fn new(entrance: Entrance<'g, T>, function: F) -> Self {
        Self { entrance, to: To::Back, priority: Priority::Normal, way: Keep, call: Plain::new(function) }
    }
}

impl<'g, T, F, R, N> Job<'g, T, F, R, Keep, N> {
    /// Its value goes to this function, on the worker right after the job, instead of the done queue. A panic of it fails the
    /// job.
    pub fn on_done<D>(self, on_done: D) -> Job<'g, T, F, R, Give<D>, N>
    where
        D: FnOnce(JobId, T) + Send + 'static,
    {
        let Self { entrance, to, priority, call, .. } = self;
        Job { entrance, to, priority, way: Give(on_done), call }
    }

    /// Its value is dropped. A failure still goes to the failed queue.
    pub fn discard(self) -> Job<'g, T, F, R, Discard, N> {
        let Self { entrance, to, priority, call, .. } = self;
        Job { entrance, to, priority, way: Discard, call }
    }
}

impl<'g, T, F, R, D> Job<'g, T, F, R, D> {
    /// What the failed queue and the log call it. The default is the type of its function. A name takes 16 of the 48 bytes that
    /// a job has inline.
    pub fn name(self, name: &'static str) -> Job<'g, T, F, R, D, Named> {
        let Self { entrance, to, priority, way, call: Plain { function, value, .. } } = self;
        Job { entrance, to, priority, way, call: Plain { function, name: Named(name), value } }
    }
}

impl<T, F, R, D, N> Job<'_, T, F, R, D, N> {
    /// Before all others, instead of at the end of the queue; of a group that is limited, before all others of it.
    pub fn first(mut self) -> Self {
        self.to = To::Front;
        self
    }

    /// How soon it begins, compared to others that wait for a worker; in a group with a limit, once the group lets it through. Of
    /// another class than the normal one a job costs about as much as a timer.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use fastthreadpool::{Pool, Priority};
    ///
    /// let pool = Pool::builder().threads(1).build()?;
    /// pool.pause();
    /// for (name, priority) in [("cleaning up", Priority::Low), ("a page", Priority::Normal), ("a click", Priority::High)] {
    ///     pool.job(move || name).priority(priority).submit()?;
    /// }
    /// pool.resume();
    /// pool.shutdown();
    /// assert!(pool.done().drain().map(|done| done.value).eq(["a click", "a page", "cleaning up"]));
    /// # Ok(()) }
    /// ```
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// When so much time has passed.
    pub fn after(self, delay: Duration) -> Self {
        self.at(delay)
    }

    /// At a point in time: an [`Instant`](std::time::Instant) or a [`SystemTime`](std::time::SystemTime).
    pub fn at(mut self, when: impl Into<When>) -> Self {
        self.to = To::Later(when.into().0, None);
        self
    }
}

#[expect(private_bounds, reason = "the ways are keeping, on_done and discard; the names, none and some")]
impl<T, F, R, D, N> Job<'_, T, F, R, D, N>
where
    T: Send + 'static,
    F: FnOnce() -> R + Send + 'static,
    R: Outcome<T> + 'static,
    D: Way<T>,
    N: Name,
{
    /// Submits it; returns its id.
    ///
    /// # Errors
    ///
    /// As [`Group::submit`](crate::Group::submit).
    #[inline]
    pub fn submit(self) -> Result<JobId, SubmitError<F>> {
        let Self { entrance, to, priority, way, call } = self;
        entrance.submit_ranked(priority, OnceShape { call, way }, to)
    }
}

impl<T, F, R, D, N: fmt::Debug> fmt::Debug for Job<'_, T, F, R, D, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("name", &self.call.name).finish_non_exhaustive()
    }
}
