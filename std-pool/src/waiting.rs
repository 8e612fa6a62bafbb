//! Submitting with patience: where a queue is bounded, and full, waiting for room in it.
#![forbid(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fastthreadpool_core::JobId;

use crate::engine::submit_error::SubmitError;
use crate::group::Group;
use crate::groups::admission::Refusal;
use crate::groups::door::Line;
use crate::jobs::call::Plain;
use crate::jobs::once::{Keep, OnceShape};
use crate::results::outcome::Outcome;
use crate::sync::time::Deadline;

impl<T: Send + 'static> Group<T> {
    /// [`Group::submit`], which waits for room where the queue is bounded and full: threads and tasks in the order in which they
    /// come, and nobody overtakes them. Where the queue has no bound it does not wait.
    ///
    /// Inside a job another worker stands in for this one meanwhile, so jobs that submit to their own pool do not wait for each
    /// other. If the job has a place in a limited group, which jobs of this group may need, it gives that up, as in
    /// [`Group::wait`]. A schedule keeps its room between its runs: those that fill a queue let nobody in.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool = Pool::builder().threads(1).queue_capacity(2).build()?;
    /// for n in 0..100_u32 {
    ///     pool.submit_wait(move || n)?;
    /// }
    /// pool.shutdown();
    /// assert!(pool.done().drain().map(|done| done.value).eq(0..100));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Group::submit`], but never [`SubmitError::Full`]; and [`SubmitError::Closed`] when the pool is shut down or the group
    /// ends meanwhile, [`SubmitError::WouldDeadlock`] in a job, when nobody is left to stand in for it.
    pub fn submit_wait<F, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.submit_until(Deadline::NEVER, f)
    }

    /// [`Group::submit_wait`], at most so long. With no time it looks once.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{Pool, SubmitError};
    /// use std::time::Duration;
    ///
    /// let pool: Pool = Pool::builder().queue_capacity(1).build()?;
    /// pool.submit_later(Duration::from_secs(60), || ())?;
    /// let refused = pool.submit_timeout(Duration::from_millis(1), || ());
    /// assert!(matches!(refused, Err(SubmitError::TimedOut(_))));
    /// # pool.cancel_timers();
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Group::submit_wait`], and [`SubmitError::TimedOut`].
    pub fn submit_timeout<F, R>(&self, timeout: Duration, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.submit_until(self.engine.time().after(timeout), f)
    }

    fn submit_until<F, R>(&self, deadline: Deadline<'_>, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        let has_room = self.entrance().wait_for_room(deadline);
        self.submit_after(has_room, f)
    }

    fn submit_after<F, R>(&self, has_room: Result<(), Refusal>, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        match has_room {
            Ok(()) => self.entrance().submit_with_room(OnceShape { call: Plain::new(f), way: Keep }),
            Err(refusal) => Err(refusal.of(f)),
        }
    }

    /// [`Group::submit_wait`] for a task: a future that is ready when the job was submitted. It stands in the same line as the
    /// threads, from its first poll on, and needs no particular runtime.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool = Pool::builder().threads(1).queue_capacity(1).build()?;
    /// let (tasks, jobs): (Pool, Pool<u32>) = (Pool::new()?, pool.clone());
    /// let submits = tasks.spawn_future(async move {
    ///     for n in 0..10 {
    ///         jobs.submit_async(move || n).await.expect("the pool is open");
    ///     }
    /// })?;
    /// submits.join()?;
    /// pool.shutdown();
    /// assert_eq!(pool.done().drain().map(|done| done.value).sum::<u32>(), 45);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// It is ready with those of [`Group::submit_wait`], but never [`SubmitError::WouldDeadlock`].
    ///
    /// # Cancellation
    ///
    /// Dropped before it is ready it leaves the line, and its function is dropped.
    pub fn submit_async<F, R>(&self, f: F) -> Submit<'_, T, F, R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        Submit { group: self, function: Some(f), line: None, value: PhantomData }
    }
}

/// A job that waits in a task for room in a queue; from [`Group::submit_async`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Submit<'g, T, F, R> {
    group: &'g Group<T>,
    function: Option<F>,
    line: Option<Pin<Box<Line<'g>>>>,
    value: PhantomData<fn() -> R>,
}

// The function is not pinned.
impl<T, F, R> Unpin for Submit<'_, T, F, R> {}

impl<T, F, R> Future for Submit<'_, T, F, R>
where
    T: Send + 'static,
    F: FnOnce() -> R + Send + 'static,
    R: Outcome<T> + 'static,
{
    type Output = Result<JobId, SubmitError<F>>;

    /// # Panics
    ///
    /// When polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { group, function, line, .. } = &mut *self;
        assert!(function.is_some(), "a submit was polled after it was ready");
        let Poll::Ready(has_room) = group.entrance().poll_room(line, context) else { return Poll::Pending };
        let function = function.take().unwrap_or_else(|| unreachable!("just seen"));
        Poll::Ready(group.submit_after(has_room, function))
    }
}

impl<T, F, R> fmt::Debug for Submit<'_, T, F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit").field("is_in_line", &self.line.is_some()).finish_non_exhaustive()
    }
}
