//! A job that runs again and again, and whose runs may overlap: each is a job of its own.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::sync::Arc;

use fastthreadpool_core::{End, Priority, Ran, Run as CoreRun};

use crate::engine::arrival::Submission;
use crate::engine::submit::To;
use crate::engine::worker::Env;
use crate::groups::hold::{Hold, Recur};
use crate::jobs::call::{CallRef, Shared};
use crate::jobs::enter::{Entrance, Shape};
use crate::jobs::once::{Keep, OnceShape, skip};
use crate::results::outcome::Outcome;

/// A schedule whose runs may overlap, without its hold: each time it submits a job.
pub(crate) struct OverlappingShape<C> {
    /// Each job has it, too, until it has ended: that counts them.
    pub(crate) call: Arc<C>,
    pub(crate) at_most: usize,
    /// So far.
    pub(crate) runs: u64,
    /// Its jobs are bare, as those of the pool's own group.
    pub(crate) is_plain: bool,
    pub(crate) key: Option<u64>,
    /// Of its jobs.
    pub(crate) priority: Priority,
}

/// A schedule whose runs may overlap.
pub(crate) struct Overlapping<C, K, T> {
    shape: OverlappingShape<C>,
    hold: K,
    value: PhantomData<fn() -> T>,
}

impl<T, C> Shape<T> for OverlappingShape<C>
where
    T: Send + 'static,
    C: CallRef<T>,
    C::Value: Outcome<T>,
{
    type Function = C::Function;
    type Held<H: Hold<T>> = Overlapping<C, H::Recurring, T>;

    fn hold<H: Hold<T>>(self, hold: H) -> Overlapping<C, H::Recurring, T> {
        Overlapping { shape: self, hold: hold.recur(), value: PhantomData }
    }

    fn into_function(self) -> C::Function {
        sole(self.call).into_function()
    }

    fn name(&self) -> &'static str {
        self.call.name()
    }

    fn leaves(&self) -> bool {
        false
    }
}

fn sole<C>(call: Arc<C>) -> C {
    Arc::try_unwrap(call).unwrap_or_else(|_| unreachable!("a schedule that was refused has not run"))
}

impl<T, C, K> CoreRun<Env> for Overlapping<C, K, T>
where
    T: Send + 'static,
    C: CallRef<T>,
    C::Value: Outcome<T>,
    K: Recur<T>,
{
    fn run(mut self, env: &mut Env) -> Ran<Self> {
        let env = &*env;
        if let Some(reason) = self.hold.is_doomed() {
            return skip(env, self.shape.call.name(), self.shape, self.hold, reason);
        }
        let Self { shape, hold, .. } = &mut self;
        let is_submitted = Arc::strong_count(&shape.call) <= shape.at_most && {
            let call = Shared { call: Arc::clone(&shape.call), number: shape.runs + 1, due: env.due() };
            let (group, is_plain, key) = (hold.group(env), shape.is_plain, shape.key);
            let entrance = Entrance { engine: &env.engine, group, is_plain, key };
            let shaped = OnceShape { call, way: Keep };
            hold.inside(env, || entrance.submit_ranked(shape.priority, shaped, To::Back)).is_ok()
        };
        if is_submitted {
            shape.runs += 1;
        } else {
            // As many run as may, the queue is full, or the pool ends: this run is left out.
            log::debug!("{}: a run of {} was left out", env.engine.config.name_prefix, shape.call.name());
        }
        hold.again(env, End::Done);
        Ran::Again(self, End::Done)
    }

    fn name(&self) -> &'static str {
        Shape::<T>::name(&self.shape)
    }
}

impl<T, C, K> Submission for Overlapping<C, K, T>
where
    T: Send + 'static,
    C: CallRef<T>,
    C::Value: Outcome<T>,
    K: Recur<T>,
{
    type Function = C::Function;

    fn into_function(self) -> C::Function {
        self.hold.refuse();
        sole(self.shape.call).into_function()
    }
}
