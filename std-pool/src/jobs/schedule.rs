//! What can be said of a job that repeats before it is submitted.
#![forbid(unsafe_code)]

use std::io;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::{JobId, MissedTickBehavior, Repeat};

use crate::engine::Engine;
use crate::engine::due::Due;
use crate::engine::submit::To;
use crate::engine::submit_error::SubmitError;
use crate::jobs::builder::{Job, refuse};
use crate::jobs::call::{CallMut, CallRef};
use crate::jobs::enter::Entrance;
use crate::jobs::once::{Discard, Give, Keep};
use crate::jobs::overlapping::OverlappingShape;
use crate::jobs::periodic::{EachRun, EachTime, PeriodicShape, Reported};
use crate::jobs::runs::{Runs, ToRuns};
use crate::jobs::when::When;
use crate::results::outcome::Outcome;
use crate::sys;

/// When a job repeats.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    interval: Duration,
    is_delay: bool,
    missed: MissedTickBehavior,
    start: Option<When>,
}

impl Plan {
    fn repeat(&self) -> Option<Repeat> {
        let period = NonZeroU64::new(sys::nanos(self.interval))?;
        Some(if self.is_delay { Repeat::Delay { period } } else { Repeat::Rate { period, missed: self.missed } })
    }

    fn first(&self, engine: &Arc<Engine>) -> io::Result<Due> {
        self.start.map_or_else(|| Ok(Due::at(engine.time().tick_after(self.interval))), |when| when.due(engine))
    }
}

/// It runs again and again, one run after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Periodic {
    plan: Plan,
    ends_on_failure: bool,
}

/// It runs again and again, and a run may begin while others still run.
#[derive(Clone, Copy, Debug)]
pub struct Overlapping {
    plan: Plan,
    at_most: usize,
}

/// A kind of job that repeats.
trait Repeats {
    fn plan(&mut self) -> &mut Plan;
}

impl Repeats for Periodic {
    fn plan(&mut self) -> &mut Plan {
        &mut self.plan
    }
}

impl Repeats for Overlapping {
    fn plan(&mut self) -> &mut Plan {
        &mut self.plan
    }
}

#[expect(private_bounds, reason = "the kinds are those of periodic and overlapping")]
impl<T, C, W, K: Repeats> Job<'_, T, C, W, K> {
    /// At a fixed rate: the times of its runs lie on a grid, so many apart, and do not drift.
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
    pub fn every(mut self, interval: Duration) -> Self {
        let plan = self.kind.plan();
        (plan.interval, plan.is_delay) = (interval, false);
        self
    }

    /// With a fixed delay: the next run begins so long after the end of the one before.
    pub fn with_delay(mut self, delay: Duration) -> Self {
        let plan = self.kind.plan();
        (plan.interval, plan.is_delay) = (delay, true);
        self
    }

    /// What becomes of runs that were missed at a fixed rate, because the run before or other jobs took too long.
    pub fn missed(mut self, behavior: MissedTickBehavior) -> Self {
        self.kind.plan().missed = behavior;
        self
    }

    /// When the first run is due: a [`Duration`] from now, an [`Instant`](std::time::Instant) or a
    /// [`SystemTime`](std::time::SystemTime). The default is one interval from now.
    ///
    /// Only that run follows a system's clock that is set, see [`When`]: the others are so many intervals after it. For times of day say
    /// [`Context::next_at`](crate::Context::next_at) in each run.
    pub fn starting(mut self, when: impl Into<When>) -> Self {
        self.kind.plan().start = Some(when.into());
        self
    }
}

impl<'g, T, C> Job<'g, T, C, Keep, Periodic> {
    pub(crate) fn periodic(entrance: Entrance<'g, T>, call: C) -> Self {
        Self::of(entrance, call, Keep, Periodic::default())
    }
}

#[expect(private_bounds, reason = "what is called is a function, or one with a context")]
impl<'g, T, C> Job<'g, T, C, Keep, Periodic>
where
    T: Send + 'static,
    C: CallMut<T>,
    C::Value: Outcome<T>,
{
    /// Each value goes to this function, on the worker, instead of the done queue.
    pub fn on_done<D>(self, on_done: D) -> Job<'g, T, C, Give<D>, Periodic>
    where
        D: FnMut(JobId, T) + Send + 'static,
    {
        self.with_way(Give(on_done))
    }

    /// The values are dropped. Failures still go to the failed queue.
    pub fn discard(self) -> Job<'g, T, C, Discard, Periodic> {
        self.with_way(Discard)
    }
}

impl<T, C, W> Job<'_, T, C, W, Periodic> {
    /// The first run that fails is the last. By default a failure is reported and the schedule goes on.
    pub fn stop_on_failure(mut self) -> Self {
        self.kind.ends_on_failure = true;
        self
    }
}

#[expect(
    private_bounds,
    reason = "what is called is a function, or one with a context; the ways are keeping, on_done and discard"
)]
impl<T, C, W> Job<'_, T, C, W, Periodic>
where
    T: Send + 'static,
    C: CallMut<T>,
    C::Value: Outcome<T>,
    W: EachTime<T>,
{
    /// Submits it; returns its id, which all its results carry.
    ///
    /// # Errors
    ///
    /// As [`Group::submit`](crate::Group::submit); [`SubmitError::ZeroInterval`] without [`every`](Self::every) or
    /// [`with_delay`](Self::with_delay), or with zero.
    pub fn submit(self) -> Result<JobId, SubmitError<C::Function>> {
        let Self { entrance, call, way, priority, kind } = self;
        Job { entrance, call, way: Reported(way), priority, kind }.put()
    }
}

#[expect(private_bounds, reason = "what is called is a function, or one with a context")]
impl<T, C> Job<'_, T, C, Keep, Periodic>
where
    T: Send + 'static,
    C: CallMut<T>,
    C::Value: Send,
{
    /// Submits it, and returns a handle to it: nothing goes to the queues of results, and its values may be of any type.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit).
    pub fn spawn(self) -> Result<Runs<C::Value>, SubmitError<C::Function>> {
        let engine = self.entrance.engine;
        let (way, values) = ToRuns::new(self.entrance.engine);
        let id = self.with_way(way).put()?;
        Ok(Runs::new(engine, id, values))
    }
}

#[expect(private_bounds, reason = "as above")]
impl<T, C, W> Job<'_, T, C, W, Periodic>
where
    T: Send + 'static,
    C: CallMut<T>,
    W: EachRun<T, C::Value>,
{
    fn put(self) -> Result<JobId, SubmitError<C::Function>> {
        let Self { entrance, mut call, way, priority, kind: Periodic { plan, ends_on_failure } } = self;
        let Some(repeat) = plan.repeat() else { return Err(SubmitError::ZeroInterval(call.into_function())) };
        let engine = entrance.engine;
        let first = match call.prepare(engine).and_then(|()| plan.first(engine)) {
            Ok(first) => first,
            Err(error) => return Err(refuse(engine, call, error)),
        };
        let to = To::Later(first.tick, Some(repeat));
        let id = entrance.submit_ranked(priority, PeriodicShape { call, way, ends_on_failure, runs: 0 }, to)?;
        first.accepted(engine, id);
        Ok(id)
    }
}

impl<'g, T, C> Job<'g, T, C, Keep, Overlapping> {
    pub(crate) fn overlapping(entrance: Entrance<'g, T>, call: C) -> Self {
        Self::of(entrance, call, Keep, Overlapping { plan: Plan::default(), at_most: usize::MAX })
    }

    /// No more than so many of its runs wait or run at the same time: one more is left out. The default is no limit.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new()?;
    /// // A request that takes longer than a second is not joined by more than one other.
    /// let id = pool.overlapping(|| "an answer").every(Duration::from_secs(1)).at_most(2).submit()?;
    /// # pool.cancel(id);
    /// # Ok(()) }
    /// ```
    pub fn at_most(mut self, runs: usize) -> Self {
        self.kind.at_most = runs;
        self
    }
}

#[expect(private_bounds, reason = "what is called is a function, or one with a context")]
impl<T, C> Job<'_, T, C, Keep, Overlapping>
where
    T: Send + 'static,
    C: CallRef<T>,
    C::Value: Outcome<T>,
{
    /// Submits it; returns its id. Each run is a job of its own, with an id of its own.
    ///
    /// # Errors
    ///
    /// As [`Group::submit`](crate::Group::submit); [`SubmitError::ZeroInterval`] without [`every`](Self::every) or
    /// [`with_delay`](Self::with_delay), or with zero; [`SubmitError::NoRuns`] with [`at_most`](Self::at_most) zero.
    pub fn submit(self) -> Result<JobId, SubmitError<C::Function>> {
        let Self { entrance, mut call, priority, kind: Overlapping { plan, at_most }, .. } = self;
        let Some(repeat) = plan.repeat() else { return Err(SubmitError::ZeroInterval(call.into_function())) };
        if at_most == 0 {
            return Err(SubmitError::NoRuns(call.into_function()));
        }
        let engine = entrance.engine;
        let first = match call.prepare(engine).and_then(|()| plan.first(engine)) {
            Ok(first) => first,
            Err(error) => return Err(refuse(engine, call, error)),
        };
        let to = To::Later(first.tick, Some(repeat));
        let (is_plain, key) = (entrance.is_plain, entrance.key);
        let shape = OverlappingShape { call: Arc::new(call), at_most, runs: 0, is_plain, key, priority };
        let id = entrance.submit(shape, to)?;
        first.accepted(engine, id);
        Ok(id)
    }
}
