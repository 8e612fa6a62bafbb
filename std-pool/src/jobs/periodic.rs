//! A job that runs again and again.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::sync::Arc;

use fastthreadpool_core::{End, JobId, Priority, Ran, Run as CoreRun};

use crate::engine::submit::{Submission, To};
use crate::engine::worker::Env;
use crate::groups::hold::{Hold, Recur, Run};
use crate::here::call::{Panic, catch, drop_caught, drop_quietly};
use crate::jobs::call::{Named, Plain};
use crate::jobs::enter::{Entrance, Shape};
use crate::jobs::once::{Discard, Give, Keep, OnceShape, fail, skip};
use crate::results::outcome::{JobError, Outcome, outcome};

/// What becomes of each value of a job that repeats.
pub(crate) trait EachTime<T>: Send + 'static {
    fn take(&mut self, env: &Env, run: &impl Run<T>, value: T) -> Result<(), Panic>;
}

impl<T: Send + 'static> EachTime<T> for Keep {
    /// A value for which a bounded queue has no room is dropped, since the job will have a newer one.
    fn take(&mut self, env: &Env, run: &impl Run<T>, value: T) -> Result<(), Panic> {
        let group = run.group(env);
        if run.keeps(env) && group.core.take_room(&env.engine) {
            group.outlet.succeed(&env.engine, env.id(), value);
            return Ok(());
        }
        drop_caught(value)
    }
}

impl<T: Send + 'static> EachTime<T> for Discard {
    fn take(&mut self, _: &Env, _: &impl Run<T>, value: T) -> Result<(), Panic> {
        drop_caught(value)
    }
}

impl<T: Send + 'static, D: FnMut(JobId, T) + Send + 'static> EachTime<T> for Give<D> {
    fn take(&mut self, env: &Env, _: &impl Run<T>, value: T) -> Result<(), Panic> {
        catch(|| (self.0)(env.id(), value))
    }
}

/// A job that repeats, without its hold.
pub(crate) struct PeriodicShape<F, W, R> {
    pub(crate) function: F,
    pub(crate) way: W,
    pub(crate) ends_on_failure: bool,
    pub(crate) name: &'static str,
    pub(crate) value: PhantomData<fn() -> R>,
}

/// A job that repeats.
pub(crate) struct Periodic<F, W, R, K, T> {
    shape: PeriodicShape<F, W, R>,
    // After all that is the user's: see the rules of `member`.
    hold: K,
    value: PhantomData<fn() -> T>,
}

impl<T, F, W, R> Shape<T> for PeriodicShape<F, W, R>
where
    T: Send + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Outcome<T> + 'static,
    W: EachTime<T>,
{
    type Function = F;
    type Held<H: Hold<T>> = Periodic<F, W, R, H::Recurring, T>;

    fn hold<H: Hold<T>>(self, hold: H) -> Periodic<F, W, R, H::Recurring, T> {
        Periodic { shape: self, hold: hold.recur(), value: PhantomData }
    }

    fn into_function(self) -> F {
        self.function
    }

    fn leaves(&self) -> bool {
        // It takes room when it has a value, if there is any.
        false
    }
}

impl<T, F, W, R, K> CoreRun<Env> for Periodic<F, W, R, K, T>
where
    T: Send + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Outcome<T> + 'static,
    W: EachTime<T>,
    K: Recur<T>,
{
    fn run(mut self, env: &mut Env) -> Ran<Self> {
        let env = &*env;
        if let Some(reason) = self.hold.is_doomed() {
            return skip(env, self.shape, self.hold, reason);
        }
        let Self { shape, hold, .. } = &mut self;
        let ended = hold.inside(env, || {
            let value = outcome(&mut shape.function)?;
            shape.way.take(env, hold, value).map_err(JobError::Panicked)
        });
        let end = match ended {
            Ok(()) => End::Done,
            Err(error) => fail(env, hold, shape.name, error),
        };
        if end == End::Failed && shape.ends_on_failure || hold.is_doomed().is_some() {
            let Self { shape, hold, .. } = self;
            drop_quietly(shape);
            hold.end(env, end);
            return Ran::Over(end);
        }
        hold.again(env, end);
        Ran::Again(self, end)
    }

    fn name(&self) -> &'static str {
        self.shape.name
    }
}

impl<T, F, W, R, K> Submission for Periodic<F, W, R, K, T>
where
    T: Send + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Outcome<T> + 'static,
    W: EachTime<T>,
    K: Recur<T>,
{
    type Function = F;

    fn into_function(self) -> F {
        self.hold.refuse();
        self.shape.function
    }
}

/// The values of runs that may overlap go to the done queue.
#[derive(Debug)]
pub struct Overlap;

/// A schedule whose runs may overlap, without its hold: each time it submits a job.
pub(crate) struct OverlappingShape<F, R> {
    pub(crate) function: Arc<F>,
    pub(crate) name: &'static str,
    /// Its jobs are bare, as those of the pool's own group.
    pub(crate) is_plain: bool,
    pub(crate) key: Option<u64>,
    /// Of its jobs.
    pub(crate) priority: Priority,
    pub(crate) value: PhantomData<fn() -> R>,
}

/// A schedule whose runs may overlap.
pub(crate) struct Overlapping<F, R, K, T> {
    shape: OverlappingShape<F, R>,
    hold: K,
    value: PhantomData<fn() -> T>,
}

impl<T, F, R> Shape<T> for OverlappingShape<F, R>
where
    T: Send + 'static,
    F: Fn() -> R + Send + Sync + 'static,
    R: Outcome<T> + 'static,
{
    type Function = F;
    type Held<H: Hold<T>> = Overlapping<F, R, H::Recurring, T>;

    fn hold<H: Hold<T>>(self, hold: H) -> Overlapping<F, R, H::Recurring, T> {
        Overlapping { shape: self, hold: hold.recur(), value: PhantomData }
    }

    fn into_function(self) -> F {
        sole(self.function)
    }

    fn leaves(&self) -> bool {
        false
    }
}

fn sole<F>(function: Arc<F>) -> F {
    Arc::try_unwrap(function).unwrap_or_else(|_| unreachable!("a schedule that was refused has not run"))
}

impl<T, F, R, K> CoreRun<Env> for Overlapping<F, R, K, T>
where
    T: Send + 'static,
    F: Fn() -> R + Send + Sync + 'static,
    R: Outcome<T> + 'static,
    K: Recur<T>,
{
    fn run(self, env: &mut Env) -> Ran<Self> {
        let env = &*env;
        if let Some(reason) = self.hold.is_doomed() {
            return skip(env, self.shape, self.hold, reason);
        }
        let OverlappingShape { function, name, is_plain, key, priority, .. } = &self.shape;
        let (function, name) = (Arc::clone(function), Named(name));
        let call = Plain { function: move || function(), name, value: PhantomData };
        let entrance = Entrance { engine: &env.engine, group: self.hold.group(env), is_plain: *is_plain, key: *key };
        let submitted =
            self.hold.inside(env, || entrance.submit_ranked(*priority, OnceShape { call, way: Keep }, To::Back));
        if submitted.is_err() {
            // A full queue, or a pool that ends: this run is left out.
            log::debug!("{}: a run of {} was left out", env.engine.config.name_prefix, name.0);
        }
        self.hold.again(env, End::Done);
        Ran::Again(self, End::Done)
    }

    fn name(&self) -> &'static str {
        self.shape.name
    }
}

impl<T, F, R, K> Submission for Overlapping<F, R, K, T>
where
    T: Send + 'static,
    F: Fn() -> R + Send + Sync + 'static,
    R: Outcome<T> + 'static,
    K: Recur<T>,
{
    type Function = F;

    fn into_function(self) -> F {
        self.hold.refuse();
        sole(self.shape.function)
    }
}
