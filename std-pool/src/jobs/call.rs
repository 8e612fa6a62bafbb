//! How a function is called, what its value is, and what it is called itself.
#![forbid(unsafe_code)]

use std::any::type_name;
use std::marker::PhantomData;

use crate::engine::worker::Env;
use crate::groups::hold::Run;
use crate::jobs::context::Context;
use crate::results::outcome::{JobError, Outcome, outcome};

/// What a job is called in the failed queue and in the log.
pub(crate) trait Name: Copy + Send + 'static {
    fn of<F>(self) -> &'static str;
}

/// By the type of its function.
#[derive(Clone, Copy, Debug)]
pub struct Unnamed;

/// As somebody has said.
#[derive(Clone, Copy, Debug)]
pub struct Named(pub(crate) &'static str);

impl Name for Unnamed {
    #[inline(always)]
    fn of<F>(self) -> &'static str {
        type_name::<F>()
    }
}

impl Name for Named {
    fn of<F>(self) -> &'static str {
        self.0
    }
}

/// How a function is called.
pub(crate) trait Call<T>: Send + 'static {
    type Function: 'static;
    /// What it is called.
    fn name(&self) -> &'static str;
    fn call(self, env: &Env, run: &impl Run<T>) -> Result<T, JobError>;
    /// Gives the user's function back.
    fn into_function(self) -> Self::Function;
}

/// With nothing.
pub(crate) struct Plain<F, R, N = Unnamed> {
    pub(crate) function: F,
    pub(crate) name: N,
    pub(crate) value: PhantomData<fn() -> R>,
}

impl<F, R> Plain<F, R> {
    #[inline(always)]
    pub(crate) fn new(function: F) -> Self {
        Self { function, name: Unnamed, value: PhantomData }
    }
}

impl<T, F, R, N> Call<T> for Plain<F, R, N>
where
    F: FnOnce() -> R + Send + 'static,
    R: Outcome<T> + 'static,
    N: Name,
{
    type Function = F;

    #[inline(always)]
    fn name(&self) -> &'static str {
        self.name.of::<F>()
    }

    #[inline(always)]
    fn call(self, _: &Env, _: &impl Run<T>) -> Result<T, JobError> {
        outcome(self.function)
    }

    #[inline(always)]
    fn into_function(self) -> F {
        self.function
    }
}

/// With a context.
pub(crate) struct WithContext<F, R>(pub(crate) F, pub(crate) PhantomData<fn() -> R>);

impl<T, F, R> Call<T> for WithContext<F, R>
where
    T: Send + 'static,
    F: FnOnce(&Context<'_, T>) -> R + Send + 'static,
    R: Outcome<T> + 'static,
{
    type Function = F;

    fn name(&self) -> &'static str {
        type_name::<F>()
    }

    fn call(self, env: &Env, run: &impl Run<T>) -> Result<T, JobError> {
        outcome(|| (self.0)(&Context::new(env, run)))
    }

    fn into_function(self) -> F {
        self.0
    }
}
