//! A job that runs again and again.
#![forbid(unsafe_code)]

use std::marker::PhantomData;

use fastthreadpool_core::{End, JobId, Ran, Run as CoreRun, Tick};

use crate::engine::arrival::Submission;
use crate::engine::worker::Env;
use crate::groups::hold::{Hold, Recur, Run, fail};
use crate::here::call::{Panic, catch, drop_caught, drop_quietly};
use crate::jobs::call::CallMut;
use crate::jobs::context::Next;
use crate::jobs::enter::Shape;
use crate::jobs::once::{Discard, Give, Keep, skip};
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
            group.outlet.keep(&env.engine, env.id(), value);
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

/// How each run goes, and what becomes of what it returns.
pub(crate) trait EachRun<T, V>: Send + 'static {
    /// Calls `f`, which is the user's.
    fn run(&mut self, env: &Env, run: &impl Run<T>, name: &'static str, f: impl FnOnce() -> V) -> End;
}

/// What it returns is a value of the group, or a failure that is reported.
pub(crate) struct Reported<W>(pub(crate) W);

impl<T: Send + 'static, V: Outcome<T>, W: EachTime<T>> EachRun<T, V> for Reported<W> {
    fn run(&mut self, env: &Env, run: &impl Run<T>, name: &'static str, f: impl FnOnce() -> V) -> End {
        let ended = run.inside(env, || {
            let value = outcome(f)?;
            self.0.take(env, run, value).map_err(JobError::Panicked)
        });
        match ended {
            Ok(()) => End::Done,
            Err(error) => fail(env, run, name, error),
        }
    }
}

/// A job that repeats, without its hold.
pub(crate) struct PeriodicShape<C, W> {
    pub(crate) call: C,
    pub(crate) way: W,
    pub(crate) ends_on_failure: bool,
    /// So far.
    pub(crate) runs: u64,
}

/// A job that repeats.
pub(crate) struct Periodic<C, W, K, T> {
    shape: PeriodicShape<C, W>,
    // After all that is the user's: see the rules of `member`.
    hold: K,
    value: PhantomData<fn() -> T>,
}

impl<T, C, W> Shape<T> for PeriodicShape<C, W>
where
    T: Send + 'static,
    C: CallMut<T>,
    W: EachRun<T, C::Value>,
{
    type Function = C::Function;
    type Held<H: Hold<T>> = Periodic<C, W, H::Recurring, T>;

    fn hold<H: Hold<T>>(self, hold: H) -> Periodic<C, W, H::Recurring, T> {
        Periodic { shape: self, hold: hold.recur(), value: PhantomData }
    }

    fn into_function(self) -> C::Function {
        self.call.into_function()
    }

    fn name(&self) -> &'static str {
        self.call.name()
    }

    fn leaves(&self) -> bool {
        // It takes room when it has a value, if there is any.
        false
    }
}

impl<T, C, W, K> CoreRun<Env> for Periodic<C, W, K, T>
where
    T: Send + 'static,
    C: CallMut<T>,
    W: EachRun<T, C::Value>,
    K: Recur<T>,
{
    fn run(mut self, env: &mut Env) -> Ran<Self> {
        let env = &*env;
        if let Some(reason) = self.hold.is_doomed() {
            return skip(env, self.shape.call.name(), self.shape, self.hold, reason);
        }
        let Self { shape, hold, .. } = &mut self;
        shape.runs += 1;
        let next = Next::default();
        let PeriodicShape { call, way, runs, .. } = shape;
        let name = call.name();
        let end = way.run(env, hold, name, || call.call_mut(env, hold, *runs, &next, Tick::MAX));
        let said = next.into_said().map(|when| when.due_or_fixed(&env.engine, env.id()));
        let is_last =
            said.as_ref().is_some_and(|due| due.tick == Tick::MAX) || end == End::Failed && shape.ends_on_failure;
        if is_last || hold.is_doomed().is_some() {
            let Self { shape, hold, .. } = self;
            drop_quietly(shape);
            hold.end(env, end);
            return Ran::Over(end);
        }
        if let Some(due) = said {
            env.set_next(due.tick);
            due.accepted(&env.engine, env.id());
        }
        hold.again(env, end);
        Ran::Again(self, end)
    }

    fn name(&self) -> &'static str {
        Shape::<T>::name(&self.shape)
    }
}

impl<T, C, W, K> Submission for Periodic<C, W, K, T>
where
    T: Send + 'static,
    C: CallMut<T>,
    W: EachRun<T, C::Value>,
    K: Recur<T>,
{
    type Function = C::Function;

    fn into_function(self) -> C::Function {
        self.hold.refuse();
        self.shape.call.into_function()
    }
}
