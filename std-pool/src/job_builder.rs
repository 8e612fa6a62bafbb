//! A job with all that can be said about it before it is submitted.
#![forbid(unsafe_code)]

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastthreadpool_core::{JobId, MissedTickBehavior, Repeat};

use crate::host;
use crate::job::{
    Call, Discard, EachTime, Function, Give, Keep, Named, Overlap, Overlapping, Periodic, Plain, ToCallback,
};
use crate::outcome::Outcome;
use crate::pool::Pool;
use crate::submit::{SubmitError, To};
use crate::when::When;

/// A job that is being described; from [`Pool::job`].
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
pub struct Job<'p, T, F, R, D = Keep> {
    pool: &'p Pool<T>,
    function: F,
    to: To,
    name: Option<&'static str>,
    done: D,
    value: PhantomData<fn() -> R>,
}

impl<'p, T, F, R> Job<'p, T, F, R>
where
    T: Send + 'static,
    F: FnOnce() -> R + Send + 'static,
    R: Outcome<T> + 'static,
{
    pub(crate) fn new(pool: &'p Pool<T>, function: F) -> Self {
        Self { pool, function, to: To::Back, name: None, done: Keep, value: PhantomData }
    }

    /// Its value goes to this function, on the worker right after the job, instead of the done queue.
    pub fn on_done<D>(self, on_done: D) -> Job<'p, T, F, R, Give<D>>
    where
        D: FnOnce(JobId, T) + Send + 'static,
    {
        self.with(Give(on_done))
    }

    /// Its value is dropped. A failure still goes to the failed queue.
    pub fn discard(self) -> Job<'p, T, F, R, Discard> {
        self.with(Discard)
    }

    fn with<D>(self, done: D) -> Job<'p, T, F, R, D> {
        Job { pool: self.pool, function: self.function, to: self.to, name: self.name, done, value: PhantomData }
    }
}

impl<T, F, R, D> Job<'_, T, F, R, D> {
    /// Before all others, instead of at the end of the queue.
    pub fn first(mut self) -> Self {
        self.to = To::Front;
        self
    }

    /// When so much time has passed.
    pub fn after(self, delay: Duration) -> Self {
        self.at(delay)
    }

    /// At a point in time: an [`Instant`] or a [`SystemTime`](std::time::SystemTime).
    pub fn at(mut self, when: impl Into<When>) -> Self {
        self.to = To::Later(when.into().0, None);
        self
    }

    /// What the failed queue and the log call it. The default is the type of its function.
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }
}

#[expect(private_bounds, reason = "the ways are keeping, on_done and discard")]
impl<T, F, R, D> Job<'_, T, F, R, D>
where
    T: Send + 'static,
    F: FnOnce() -> R + Send + 'static,
    R: Outcome<T> + 'static,
    D: Way<T>,
{
    /// Submits it; returns its id.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    pub fn submit(self) -> Result<JobId, SubmitError<F>> {
        let Self { pool, function, to, name, done, .. } = self;
        let name = name.unwrap_or_else(type_name::<F>);
        let call = Named { call: Plain(function, PhantomData), name };
        done.submit(pool, call, to)
    }
}

/// Where the value of a job goes.
trait Way<T> {
    fn submit<C: Call<T> + Function>(self, pool: &Pool<T>, call: C, to: To) -> Result<JobId, SubmitError<C::Function>>;
}

impl<T: Send + 'static> Way<T> for Keep {
    fn submit<C: Call<T> + Function>(self, pool: &Pool<T>, call: C, to: To) -> Result<JobId, SubmitError<C::Function>> {
        pool.submit_call(call, to)
    }
}

impl<T: Send + 'static> Way<T> for Discard {
    fn submit<C: Call<T> + Function>(self, pool: &Pool<T>, call: C, to: To) -> Result<JobId, SubmitError<C::Function>> {
        pool.shared().submit(ToCallback { view: Arc::clone(pool.view()), call, done: self }, to)
    }
}

impl<T: Send + 'static, D: FnOnce(JobId, T) + Send + 'static> Way<T> for Give<D> {
    fn submit<C: Call<T> + Function>(self, pool: &Pool<T>, call: C, to: To) -> Result<JobId, SubmitError<C::Function>> {
        pool.shared().submit(ToCallback { view: Arc::clone(pool.view()), call, done: self }, to)
    }
}

impl<T, F, R, D> fmt::Debug for Job<'_, T, F, R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A job that runs again and again, while it is described; from [`Pool::periodic`] and [`Pool::overlapping`].
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
pub struct PeriodicJob<'p, T, F, R, D = Keep> {
    pool: &'p Pool<T>,
    function: F,
    interval: Duration,
    is_delay: bool,
    missed: MissedTickBehavior,
    start: Option<When>,
    ends_on_failure: bool,
    name: &'static str,
    done: D,
    value: PhantomData<fn() -> R>,
}

impl<'p, T, F, R> PeriodicJob<'p, T, F, R>
where
    T: Send + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Outcome<T> + 'static,
{
    pub(crate) fn new(pool: &'p Pool<T>, function: F) -> Self {
        Self::with_way(pool, function, Keep)
    }

    /// Each value goes to this function, on the worker, instead of the done queue.
    pub fn on_done<D>(self, on_done: D) -> PeriodicJob<'p, T, F, R, Give<D>>
    where
        D: FnMut(JobId, T) + Send + 'static,
    {
        self.with(Give(on_done))
    }

    /// The values are dropped. Failures still go to the failed queue.
    pub fn discard(self) -> PeriodicJob<'p, T, F, R, Discard> {
        self.with(Discard)
    }

    fn with<D>(self, done: D) -> PeriodicJob<'p, T, F, R, D> {
        let Self { pool, function, interval, is_delay, missed, start, ends_on_failure, name, .. } = self;
        PeriodicJob {
            pool,
            function,
            interval,
            is_delay,
            missed,
            start,
            ends_on_failure,
            name,
            done,
            value: PhantomData,
        }
    }
}

impl<'p, T, F, R, D> PeriodicJob<'p, T, F, R, D> {
    fn with_way(pool: &'p Pool<T>, function: F, done: D) -> Self {
        Self {
            pool,
            function,
            interval: Duration::ZERO,
            is_delay: false,
            missed: MissedTickBehavior::default(),
            start: None,
            ends_on_failure: false,
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

    /// When the first run is due: a [`Duration`] from now, an [`Instant`] or a [`SystemTime`](std::time::SystemTime). The
    /// default is one interval from now.
    pub fn starting(mut self, when: impl Into<When>) -> Self {
        self.start = Some(when.into());
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
        let period = NonZeroU64::new(host::nanos(self.interval))?;
        let first = self.start.map_or_else(|| host::tick(Instant::now()).saturating_add(period.get()), |when| when.0);
        let repeat =
            if self.is_delay { Repeat::Delay { period } } else { Repeat::Rate { period, missed: self.missed } };
        Some(To::Later(first, Some(repeat)))
    }
}

impl<'p, T, F, R> PeriodicJob<'p, T, F, R, Overlap>
where
    T: Send + 'static,
    F: Fn() -> R + Send + Sync + 'static,
    R: Outcome<T> + 'static,
{
    pub(crate) fn overlapping(pool: &'p Pool<T>, function: F) -> Self {
        Self::with_way(pool, function, Overlap)
    }
}

#[expect(private_bounds, reason = "the ways are keeping, on_done, discard and overlapping")]
impl<T, F, R, D: PeriodicWay<T, F, R>> PeriodicJob<'_, T, F, R, D> {
    /// Submits it; returns its id, which all its results carry, except those of runs that may overlap.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`]; [`SubmitError::ZeroInterval`] without [`every`](Self::every) or
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
    let PeriodicJob { pool, function, ends_on_failure, name, done, .. } = job;
    let view = Arc::clone(pool.view());
    pool.shared().submit(Periodic { view, function, done, ends_on_failure, name, value: PhantomData }, to)
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
        let PeriodicJob { pool, function, name, .. } = job;
        let view = Arc::clone(pool.view());
        pool.shared().submit(Overlapping { view, function: Arc::new(function), name, value: PhantomData }, to)
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
