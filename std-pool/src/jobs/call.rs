//! How a function is called, what its value is, and what it is called itself.
//!
//! | | is called |
//! |---|---|
//! | [`Plain`] | with nothing |
//! | [`WithContext`] | with what a job may know about itself |
//! | [`Renamed`] | as what is in it, which has a name |
//! | [`Limited`](crate::jobs::limited::Limited), [`Timed`](crate::jobs::limited::Timed) | the same, unless it is too late; for a limited time |
//! | [`Shared`] | as what it shares with other runs |
#![forbid(unsafe_code)]

use std::any::type_name;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use fastthreadpool_core::Tick;

use crate::engine::Engine;
use crate::engine::limits::StartBy;
use crate::engine::worker::Env;
use crate::groups::hold::Run;
use crate::jobs::context::{About, Context, Next};

/// What a [`Job`](crate::Job) calls: a function, with a [`Context`] or without.
pub trait Callable: Send + 'static {
    /// The function.
    type Function: 'static;
    /// What that returns.
    type Value: 'static;
}

/// A function of the user's on its way to be called.
pub(crate) trait Function: Callable {
    /// What it is called in the failed queue and in the log.
    fn name(&self) -> &'static str;

    /// Gives the user's function back.
    fn into_function(self) -> Self::Function;

    /// Whether nothing is to be made, or told, when its job is submitted.
    const IS_READY: bool = true;

    /// It is to be called when that time has come.
    #[inline(always)]
    fn set_due(&mut self, _: Tick) {}

    /// Its job is about to be submitted: what it needs of the pool is made.
    #[inline(always)]
    fn prepare(&mut self, _: &Arc<Engine>) -> io::Result<()> {
        Ok(())
    }

    /// What is to be told when its job was accepted, if it is to begin by a time.
    #[inline(always)]
    fn start_by(&self) -> Option<Arc<StartBy>> {
        None
    }

    /// Whether that has passed.
    #[inline(always)]
    fn is_late(&self) -> bool {
        false
    }
}

/// One that is called once. It has time `until` then.
pub(crate) trait Call<T>: Function {
    fn call(self, env: &Env, run: &impl Run<T>, until: Tick) -> Self::Value;
}

/// One that is called again and again. It may say when it is to be called next.
pub(crate) trait CallMut<T>: Function {
    fn call_mut(&mut self, env: &Env, run: &impl Run<T>, number: u64, next: &Next, until: Tick) -> Self::Value;
}

/// One that is called again and again, perhaps at the same time.
pub(crate) trait CallRef<T>: Function + Sync {
    fn call_ref(&self, env: &Env, run: &impl Run<T>, number: u64, due: Tick, until: Tick) -> Self::Value;
}

/// With nothing.
#[derive(Debug)]
pub struct Plain<F, R> {
    pub(crate) function: F,
    value: PhantomData<fn() -> R>,
}

impl<F, R> Plain<F, R> {
    #[inline(always)]
    pub(crate) fn new(function: F) -> Self {
        Self { function, value: PhantomData }
    }
}

impl<F: Send + 'static, R: 'static> Callable for Plain<F, R> {
    type Function = F;
    type Value = R;
}

impl<F: Send + 'static, R: 'static> Function for Plain<F, R> {
    #[inline(always)]
    fn name(&self) -> &'static str {
        type_name::<F>()
    }

    #[inline(always)]
    fn into_function(self) -> F {
        self.function
    }
}

impl<T, F: FnOnce() -> R + Send + 'static, R: 'static> Call<T> for Plain<F, R> {
    #[inline(always)]
    fn call(self, _: &Env, _: &impl Run<T>, _: Tick) -> R {
        (self.function)()
    }
}

impl<T, F: FnMut() -> R + Send + 'static, R: 'static> CallMut<T> for Plain<F, R> {
    fn call_mut(&mut self, _: &Env, _: &impl Run<T>, _: u64, _: &Next, _: Tick) -> R {
        (self.function)()
    }
}

impl<T, F: Fn() -> R + Send + Sync + 'static, R: 'static> CallRef<T> for Plain<F, R> {
    fn call_ref(&self, _: &Env, _: &impl Run<T>, _: u64, _: Tick, _: Tick) -> R {
        (self.function)()
    }
}

/// With a context.
#[derive(Debug)]
pub struct WithContext<F, R> {
    function: F,
    /// [`Tick::MAX`] if it waits for no time.
    due: Tick,
    value: PhantomData<fn() -> R>,
}

impl<F, R> WithContext<F, R> {
    pub(crate) fn new(function: F) -> Self {
        Self { function, due: Tick::MAX, value: PhantomData }
    }
}

impl<F: Send + 'static, R: 'static> Callable for WithContext<F, R> {
    type Function = F;
    type Value = R;
}

impl<F: Send + 'static, R: 'static> Function for WithContext<F, R> {
    fn name(&self) -> &'static str {
        type_name::<F>()
    }

    fn into_function(self) -> F {
        self.function
    }

    fn set_due(&mut self, due: Tick) {
        self.due = due;
    }
}

impl<T, F, R> Call<T> for WithContext<F, R>
where
    T: Send + 'static,
    F: FnOnce(&Context<'_, T>) -> R + Send + 'static,
    R: 'static,
{
    fn call(self, env: &Env, run: &impl Run<T>, until: Tick) -> R {
        (self.function)(&Context::new(env, run, About::once(self.due, until)))
    }
}

impl<T, F, R> CallMut<T> for WithContext<F, R>
where
    T: Send + 'static,
    F: FnMut(&Context<'_, T>) -> R + Send + 'static,
    R: 'static,
{
    fn call_mut(&mut self, env: &Env, run: &impl Run<T>, number: u64, next: &Next, until: Tick) -> R {
        let due = env.due();
        (self.function)(&Context::new(env, run, About { due, number, next: Some(next), until }))
    }
}

impl<T, F, R> CallRef<T> for WithContext<F, R>
where
    T: Send + 'static,
    F: Fn(&Context<'_, T>) -> R + Send + Sync + 'static,
    R: 'static,
{
    fn call_ref(&self, env: &Env, run: &impl Run<T>, number: u64, due: Tick, until: Tick) -> R {
        (self.function)(&Context::new(env, run, About { due, number, next: None, until }))
    }
}

/// The same with a name.
#[derive(Debug)]
pub struct Renamed<C> {
    pub(crate) call: C,
    pub(crate) name: &'static str,
}

impl<C: Callable> Callable for Renamed<C> {
    type Function = C::Function;
    type Value = C::Value;
}

impl<C: Function> Function for Renamed<C> {
    const IS_READY: bool = C::IS_READY;

    fn name(&self) -> &'static str {
        // Each has one.
        if self.name.is_empty() { self.call.name() } else { self.name }
    }

    fn into_function(self) -> C::Function {
        self.call.into_function()
    }

    fn set_due(&mut self, due: Tick) {
        self.call.set_due(due);
    }

    fn prepare(&mut self, engine: &Arc<Engine>) -> io::Result<()> {
        self.call.prepare(engine)
    }

    fn start_by(&self) -> Option<Arc<StartBy>> {
        self.call.start_by()
    }

    fn is_late(&self) -> bool {
        self.call.is_late()
    }
}

impl<T, C: Call<T>> Call<T> for Renamed<C> {
    fn call(self, env: &Env, run: &impl Run<T>, until: Tick) -> C::Value {
        self.call.call(env, run, until)
    }
}

impl<T, C: CallMut<T>> CallMut<T> for Renamed<C> {
    fn call_mut(&mut self, env: &Env, run: &impl Run<T>, number: u64, next: &Next, until: Tick) -> C::Value {
        self.call.call_mut(env, run, number, next, until)
    }
}

impl<T, C: CallRef<T>> CallRef<T> for Renamed<C> {
    fn call_ref(&self, env: &Env, run: &impl Run<T>, number: u64, due: Tick, until: Tick) -> C::Value {
        self.call.call_ref(env, run, number, due, until)
    }
}

/// One of the runs of a job whose runs may overlap.
pub(crate) struct Shared<C> {
    pub(crate) call: Arc<C>,
    pub(crate) number: u64,
    pub(crate) due: Tick,
}

impl<C: Callable + Sync> Callable for Shared<C> {
    /// A run that is refused is left out.
    type Function = ();
    type Value = C::Value;
}

impl<C: Function + Sync> Function for Shared<C> {
    fn name(&self) -> &'static str {
        self.call.name()
    }

    fn into_function(self) {}
}

impl<T, C: CallRef<T>> Call<T> for Shared<C> {
    fn call(self, env: &Env, run: &impl Run<T>, until: Tick) -> C::Value {
        self.call.call_ref(env, run, self.number, self.due, until)
    }
}
