//! A job that runs again and again, with all that can be said about it before it is submitted.
#![forbid(unsafe_code)]

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::{JobId, MissedTickBehavior, Priority, Repeat};

use crate::engine::submit::{SubmitError, To};
use crate::jobs::enter::Entrance;
use crate::jobs::once::{Discard, Give, Keep};
use crate::jobs::periodic::{EachTime, Overlap, OverlappingShape, PeriodicShape};
use crate::jobs::when::When;
use crate::results::outcome::Outcome;
use crate::sys;

/// A job that runs again and again, while it is described; from
/// [`Group::periodic`](crate::Group::periodic) and [`Group::overlapping`](crate::Group::overlapping).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::{MissedTickBehavior, Pool};
/// use std::time::Duration;
///
/// let pool = Pool::new()?;
/// let mut n = 0;
/// let id = pool
///     .periodic(move || {
///         n += 1;
///         n
///     })
///     .every(Duration::from_millis(1))
///     .missed(MissedTickBehavior::Skip)
///     .submit()?;
/// assert_eq!(pool.done().pop().map(|done| done.value), Some(1));
/// assert_eq!(pool.done().pop().map(|done| done.value), Some(2));
/// pool.cancel(id);
/// # Ok(()) }
/// ```
#[must_use = "a job does nothing until it is submitted"]
pub struct PeriodicJob<'g, T, F, R, D = Keep> {
    entrance: Entrance<'g, T>,
    function: F,
    interval: Duration,
    is_delay: bool,
    missed: MissedTickBehavior,
    start: Option<When>,
    ends_on_failure: bool,
    priority: Priority,
    name: &'static str,
    done: D,
    value: PhantomData<fn() -> R>,
}

impl<'g, T, F, R> PeriodicJob<'g, T, F, R>
where
    T: Send + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Outcome<T> + 'static,
{
    pub(crate) fn new(entrance: Entrance<'g, T>, function: F) -> Self {
        Self::with_way(entrance, function, Keep)
    }

    /// Each value goes to this function, on the worker, instead of the done queue.
    pub fn on_done<D>(self, on_done: D) -> PeriodicJob<'g, T, F, R, Give<D>>
    where
        D: FnMut(JobId, T) + Send + 'static,
    {
        self.with(Give(on_done))
    }

    /// The values are dropped. Failures still go to the failed queue.
    pub fn discard(self) -> PeriodicJob<'g, T, F, R, Discard> {
        self.with(Discard)
    }

    fn with<D>(self, done: D) -> PeriodicJob<'g, T, F, R, D> {
        let Self { entrance, function, interval, is_delay, missed, start, ends_on_failure, priority, name, .. } = self;
        PeriodicJob {
            entrance,
            function,
            interval,
            is_delay,
            missed,
            start,
            ends_on_failure,
            priority,
            name,
            done,
            value: PhantomData,
        }
    }
}

impl<'g, T, F, R, D> PeriodicJob<'g, T, F, R, D> {
    fn with_way(entrance: Entrance<'g, T>, function: F, done: D) -> Self {
        Self {
            entrance,
            function,
            interval: Duration::ZERO,
            is_delay: false,
            missed: MissedTickBehavior::default(),
            start: None,
            ends_on_failure: false,
            priority: Priority::Normal,
            name: type_name::<F>(),
            done,
            value: PhantomData,
        }
    }

    /// At a fixed rate: the times of its runs lie on a grid, so many apart, and do not drift.
    pub fn every(mut self, interval: Duration) -> Self {
        (self.interval, self.is_delay) = (interval, false);
        self
    }

    /// With a fixed delay: the next run begins so long after the end of the one before.
    pub fn with_delay(mut self, delay: Duration) -> Self {
        (self.interval, self.is_delay) = (delay, true);
        self
    }

    /// What becomes of runs that were missed at a fixed rate, because the run before or other jobs took too long.
    pub fn missed(mut self, behavior: MissedTickBehavior) -> Self {
        self.missed = behavior;
        self
    }

    /// When the first run is due: a [`Duration`] from now, an [`Instant`](std::time::Instant) or a
    /// [`SystemTime`](std::time::SystemTime). The default is one interval from now.
    pub fn starting(mut self, when: impl Into<When>) -> Self {
        self.start = Some(when.into());
        self
    }

    /// How soon its runs begin when they are due, compared to others that wait for a worker: see [`Job::priority`](crate::Job::priority). Of
    /// the normal class they begin before all that wait in the queue.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The first run that fails is the last. By default a failure is reported and the schedule goes on.
    pub fn stop_on_failure(mut self) -> Self {
        self.ends_on_failure = true;
        self
    }

    /// What the failed queue and the log call it. The default is the type of its function.
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    fn to(&self) -> Option<To> {
        let period = NonZeroU64::new(sys::nanos(self.interval))?;
        let first = self.start.map_or_else(|| sys::after(self.interval), |when| when.0);
        let repeat =
            if self.is_delay { Repeat::Delay { period } } else { Repeat::Rate { period, missed: self.missed } };
        Some(To::Later(first, Some(repeat)))
    }
}

impl<'g, T, F, R> PeriodicJob<'g, T, F, R, Overlap>
where
    T: Send + 'static,
    F: Fn() -> R + Send + Sync + 'static,
    R: Outcome<T> + 'static,
{
    pub(crate) fn overlapping(entrance: Entrance<'g, T>, function: F) -> Self {
        Self::with_way(entrance, function, Overlap)
    }
}

#[expect(private_bounds, reason = "the ways are keeping, on_done, discard and overlapping")]
impl<T, F, R, D: PeriodicWay<T, F, R>> PeriodicJob<'_, T, F, R, D> {
    /// Submits it; returns its id, which all its results carry, except those of runs that may overlap.
    ///
    /// # Errors
    ///
    /// As [`Group::submit`](crate::Group::submit); [`SubmitError::ZeroInterval`] without [`every`](Self::every) or
    /// [`with_delay`](Self::with_delay), or with zero.
    pub fn submit(self) -> Result<JobId, SubmitError<F>> {
        let Some(to) = self.to() else { return Err(SubmitError::ZeroInterval(self.function)) };
        D::submit(self, to)
    }
}

/// What becomes of the values of a periodic job.
trait PeriodicWay<T, F, R>: Sized {
    fn submit(job: PeriodicJob<'_, T, F, R, Self>, to: To) -> Result<JobId, SubmitError<F>>;
}

fn submit_periodic<T, F, R, D>(job: PeriodicJob<'_, T, F, R, D>, to: To) -> Result<JobId, SubmitError<F>>
where
    T: Send + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Outcome<T> + 'static,
    D: EachTime<T>,
{
    let PeriodicJob { entrance, function, ends_on_failure, priority, name, done: way, .. } = job;
    entrance.submit_ranked(priority, PeriodicShape { function, way, ends_on_failure, name, value: PhantomData }, to)
}

impl<T, F, R> PeriodicWay<T, F, R> for Keep
where
    T: Send + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Outcome<T> + 'static,
{
    fn submit(job: PeriodicJob<'_, T, F, R, Self>, to: To) -> Result<JobId, SubmitError<F>> {
        submit_periodic(job, to)
    }
}

impl<T, F, R> PeriodicWay<T, F, R> for Discard
where
    T: Send + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Outcome<T> + 'static,
{
    fn submit(job: PeriodicJob<'_, T, F, R, Self>, to: To) -> Result<JobId, SubmitError<F>> {
        submit_periodic(job, to)
    }
}

impl<T, F, R, D> PeriodicWay<T, F, R> for Give<D>
where
    T: Send + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Outcome<T> + 'static,
    D: FnMut(JobId, T) + Send + 'static,
{
    fn submit(job: PeriodicJob<'_, T, F, R, Self>, to: To) -> Result<JobId, SubmitError<F>> {
        submit_periodic(job, to)
    }
}

impl<T, F, R> PeriodicWay<T, F, R> for Overlap
where
    T: Send + 'static,
    F: Fn() -> R + Send + Sync + 'static,
    R: Outcome<T> + 'static,
{
    fn submit(job: PeriodicJob<'_, T, F, R, Self>, to: To) -> Result<JobId, SubmitError<F>> {
        let PeriodicJob { entrance, function, priority, name, .. } = job;
        let (is_plain, key) = (entrance.is_plain, entrance.key);
        let function = Arc::new(function);
        entrance.submit(OverlappingShape { function, name, is_plain, key, priority, value: PhantomData }, to)
    }
}

impl<T, F, R, D> fmt::Debug for PeriodicJob<'_, T, F, R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeriodicJob")
            .field("name", &self.name)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
