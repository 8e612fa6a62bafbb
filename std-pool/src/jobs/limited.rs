//! A function of a job that is not to begin too late, or not to run too long.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::Tick;

use crate::engine::Engine;
use crate::engine::limits::{Limits, StartBy};
use crate::engine::worker::Env;
use crate::groups::hold::Run;
use crate::jobs::call::{Call, CallMut, CallRef, Callable, Function};
use crate::jobs::context::Next;

/// It begins by then, or not at all.
pub struct Limited<C> {
    call: C,
    by: Tick,
    begin: Begin,
}

/// What is to be told when it begins, or does not. Made when it is submitted.
struct Begin(Option<Arc<StartBy>>);

impl Drop for Begin {
    fn drop(&mut self) {
        if let Some(start_by) = &self.0 {
            start_by.over();
        }
    }
}

impl<C> Limited<C> {
    pub(crate) fn new(call: C, by: Tick) -> Self {
        Self { call, by, begin: Begin(None) }
    }
}

impl<C: Callable> Callable for Limited<C> {
    type Function = C::Function;
    type Value = C::Value;
}

impl<C: Function> Function for Limited<C> {
    const IS_READY: bool = false;

    fn name(&self) -> &'static str {
        self.call.name()
    }

    fn into_function(self) -> C::Function {
        self.call.into_function()
    }

    fn set_due(&mut self, due: Tick) {
        self.call.set_due(due);
    }

    fn prepare(&mut self, engine: &Arc<Engine>) -> io::Result<()> {
        self.begin = Begin(Some(engine.limits()?.note(self.by)));
        self.call.prepare(engine)
    }

    fn start_by(&self) -> Option<Arc<StartBy>> {
        self.begin.0.clone()
    }

    fn is_late(&self) -> bool {
        self.begin.0.as_ref().is_some_and(|start_by| start_by.is_late())
    }
}

impl<T, C: Call<T>> Call<T> for Limited<C> {
    fn call(self, env: &Env, run: &impl Run<T>, until: Tick) -> C::Value {
        drop(self.begin);
        self.call.call(env, run, until)
    }
}

impl<C> fmt::Debug for Limited<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited").field("by", &self.by).finish_non_exhaustive()
    }
}

/// Each of its runs takes so long, or is told to stop.
pub struct Timed<C> {
    call: C,
    limit: Duration,
    /// Of the pool that it was submitted to.
    limits: Option<Arc<Limits>>,
}

impl<C> Timed<C> {
    pub(crate) fn new(call: C, limit: Duration) -> Self {
        Self { call, limit, limits: None }
    }
}

/// Calls `f` with the time until which it may run.
fn within<R>(limits: Option<&Arc<Limits>>, limit: Duration, env: &Env, until: Tick, f: impl FnOnce(Tick) -> R) -> R {
    let until = until.min(env.engine.time().tick_after(limit));
    let _limit = limits.map(|limits| limits.begin(env.id(), until));
    f(until)
}

impl<C: Callable> Callable for Timed<C> {
    type Function = C::Function;
    type Value = C::Value;
}

impl<C: Function> Function for Timed<C> {
    const IS_READY: bool = false;

    fn name(&self) -> &'static str {
        self.call.name()
    }

    fn into_function(self) -> C::Function {
        self.call.into_function()
    }

    fn set_due(&mut self, due: Tick) {
        self.call.set_due(due);
    }

    fn prepare(&mut self, engine: &Arc<Engine>) -> io::Result<()> {
        self.limits = Some(engine.limits()?);
        self.call.prepare(engine)
    }

    fn start_by(&self) -> Option<Arc<StartBy>> {
        self.call.start_by()
    }

    fn is_late(&self) -> bool {
        self.call.is_late()
    }
}

impl<T, C: Call<T>> Call<T> for Timed<C> {
    fn call(self, env: &Env, run: &impl Run<T>, until: Tick) -> C::Value {
        let Self { call, limit, limits } = self;
        within(limits.as_ref(), limit, env, until, |until| call.call(env, run, until))
    }
}

impl<T, C: CallMut<T>> CallMut<T> for Timed<C> {
    fn call_mut(&mut self, env: &Env, run: &impl Run<T>, number: u64, next: &Next, until: Tick) -> C::Value {
        let Self { call, limit, limits } = self;
        within(limits.as_ref(), *limit, env, until, |until| call.call_mut(env, run, number, next, until))
    }
}

impl<T, C: CallRef<T>> CallRef<T> for Timed<C> {
    fn call_ref(&self, env: &Env, run: &impl Run<T>, number: u64, due: Tick, until: Tick) -> C::Value {
        let Self { call, limit, limits } = self;
        within(limits.as_ref(), *limit, env, until, |until| call.call_ref(env, run, number, due, until))
    }
}

impl<C> fmt::Debug for Timed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timed").field("limit", &self.limit).finish_non_exhaustive()
    }
}
