//! What a submitted function becomes: a task that runs it and sends what comes out where it was meant to go.
//!
//! Jobs of the view that the pool was built with find it through their environment; those of other views carry it, which
//! leaves 40 of the 48 inline bytes for the function.
#![forbid(unsafe_code)]

use std::any::type_name;
use std::marker::PhantomData;
use std::sync::Arc;

use fastthreadpool_core::Run;

use crate::context::Context;
use crate::outcome::{JobError, Outcome, catch, drop_quietly, outcome};
use crate::submit::To;
use crate::view::View;
use crate::worker::Env;

/// What a submit is made of; a refused one gives the user's function back.
pub(crate) trait Submission: Run<Env> + Send + 'static {
    type Function;
    fn into_function(self) -> Self::Function;
}

/// Where a job finds its view.
pub(crate) trait Target<T>: Send + 'static {
    fn view<'e>(&'e self, env: &'e Env) -> &'e View<T>;
    /// [`View::keeps`].
    fn keeps(&self, env: &Env) -> bool;
}

/// The view that the pool was built with.
pub(crate) struct Primary;

impl<T: Send + 'static> Target<T> for Primary {
    #[inline(always)]
    fn view<'e>(&'e self, env: &'e Env) -> &'e View<T> {
        env.shared.primary.downcast_ref().expect("a handle knows whether its view is the first")
    }

    #[inline(always)]
    fn keeps(&self, env: &Env) -> bool {
        env.shared.primary_keeps
    }
}

impl<T: Send + 'static> Target<T> for Arc<View<T>> {
    #[inline(always)]
    fn view<'e>(&'e self, _: &'e Env) -> &'e View<T> {
        self
    }

    #[inline(always)]
    fn keeps(&self, _: &Env) -> bool {
        View::keeps(self)
    }
}

/// How a function is called, and what its value is.
pub(crate) trait Call<T>: Send + 'static {
    /// What the failed queue calls the job.
    fn name(&self) -> &'static str;
    fn call(self, env: &Env, view: &impl Target<T>) -> Result<T, JobError>;
}

/// Called with nothing.
pub(crate) struct Plain<F, R>(pub(crate) F, pub(crate) PhantomData<fn() -> R>);

impl<T, F: FnOnce() -> R + Send + 'static, R: Outcome<T> + 'static> Call<T> for Plain<F, R> {
    #[inline(always)]
    fn name(&self) -> &'static str {
        type_name::<F>()
    }

    #[inline(always)]
    fn call(self, _: &Env, _: &impl Target<T>) -> Result<T, JobError> {
        outcome(self.0)
    }
}

/// Called with a context.
pub(crate) struct WithContext<F, R>(pub(crate) F, pub(crate) PhantomData<fn() -> R>);

impl<T, F, R> Call<T> for WithContext<F, R>
where
    T: Send + 'static,
    F: FnOnce(&Context<'_, T>) -> R + Send + 'static,
    R: Outcome<T> + 'static,
{
    fn name(&self) -> &'static str {
        type_name::<F>()
    }

    fn call(self, env: &Env, view: &impl Target<T>) -> Result<T, JobError> {
        outcome(|| (self.0)(&Context::new(env, view.view(env))))
    }
}

/// Called something else.
pub(crate) struct Named<C> {
    pub(crate) call: C,
    pub(crate) name: &'static str,
}

impl<T, C: Call<T>> Call<T> for Named<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn call(self, env: &Env, view: &impl Target<T>) -> Result<T, JobError> {
        self.call.call(env, view)
    }
}

impl<C: Function> Function for Named<C> {
    type Function = C::Function;
    fn into_function(self) -> C::Function {
        self.call.into_function()
    }
}

impl<F: 'static, R> Function for Plain<F, R> {
    type Function = F;
    fn into_function(self) -> F {
        self.0
    }
}

impl<F: 'static, R> Function for WithContext<F, R> {
    type Function = F;
    fn into_function(self) -> F {
        self.0
    }
}

/// Gives the user's function back.
pub(crate) trait Function {
    type Function: 'static;
    fn into_function(self) -> Self::Function;
}

/// A job has ended with an error.
#[cold]
#[inline(never)]
fn fail<T: Send + 'static>(env: &Env, view: &View<T>, job: &'static str, error: JobError) {
    view.fail(&env.shared, env.id(), job, error);
}

/// A job whose value goes to the done queue.
pub(crate) struct ToDone<V, C, T> {
    view: V,
    call: C,
    value: PhantomData<fn() -> T>,
}

impl<V, C, T> ToDone<V, C, T> {
    pub(crate) fn new(view: V, call: C) -> Self {
        Self { view, call, value: PhantomData }
    }
}

impl<T: Send + 'static, V: Target<T>, C: Call<T>> Run<Env> for ToDone<V, C, T> {
    #[inline(always)]
    fn run(self, env: &mut Env) -> Option<Self> {
        let env = &*env;
        let name = self.call.name();
        match self.call.call(env, &self.view) {
            Ok(value) if self.view.keeps(env) => self.view.view(env).succeed(env.id(), value),
            Ok(value) => drop(value),
            Err(error) => fail(env, self.view.view(env), name, error),
        }
        None
    }
}

impl<T: Send + 'static, V: Target<T>, C: Call<T> + Function> Submission for ToDone<V, C, T> {
    type Function = C::Function;
    fn into_function(self) -> C::Function {
        self.call.into_function()
    }
}

/// The same with a bounded done queue: it starts when there is room for its value.
pub(crate) struct ToBounded<C, T> {
    pub(crate) view: Arc<View<T>>,
    pub(crate) call: C,
}

/// A job with its room taken.
struct WithRoom<C, T>(ToBounded<C, T>);

impl<T: Send + 'static, C: Call<T>> Run<Env> for WithRoom<C, T> {
    fn run(self, env: &mut Env) -> Option<Self> {
        let Self(ToBounded { view, call }) = self;
        let name = call.name();
        match call.call(env, &view) {
            Ok(value) => view.succeed(env.id(), value),
            Err(error) => {
                fail(env, &view, name, error);
                view.vacate(&env.shared);
            }
        }
        None
    }
}

impl<T: Send + 'static, C: Call<T>> Run<Env> for ToBounded<C, T> {
    fn run(self, env: &mut Env) -> Option<Self> {
        let view = Arc::clone(&self.view);
        if let Some(job) = view.reserve(env, WithRoom(self)) {
            let _ = job.run(env);
        }
        None
    }
}

impl<T: Send + 'static, C: Call<T> + Function> Submission for ToBounded<C, T> {
    type Function = C::Function;
    fn into_function(self) -> C::Function {
        self.call.into_function()
    }
}

/// A job whose value goes to a callback, or nowhere.
pub(crate) struct ToCallback<C, D, T> {
    pub(crate) view: Arc<View<T>>,
    pub(crate) call: C,
    pub(crate) done: D,
}

/// What a job's own callback is.
pub(crate) trait Callback<T>: Send + 'static {
    fn call(self, env: &Env, value: T);
}

/// The value goes nowhere.
pub struct Discard;

impl<T> Callback<T> for Discard {
    fn call(self, _: &Env, value: T) {
        drop(value);
    }
}

/// The value goes to a function.
pub struct Give<D>(pub(crate) D);

impl<T, D: FnOnce(fastthreadpool_core::JobId, T) + Send + 'static> Callback<T> for Give<D> {
    fn call(self, env: &Env, value: T) {
        (self.0)(env.id(), value);
    }
}

impl<T: Send + 'static, C: Call<T>, D: Callback<T>> Run<Env> for ToCallback<C, D, T> {
    fn run(self, env: &mut Env) -> Option<Self> {
        let Self { view, call, done } = self;
        let name = call.name();
        let ended = call.call(env, &view).and_then(|value| catch(|| done.call(env, value)).map_err(JobError::Panicked));
        if let Err(error) = ended {
            view.fail(&env.shared, env.id(), name, error);
        }
        None
    }
}

impl<T: Send + 'static, C: Call<T> + Function, D: Callback<T>> Submission for ToCallback<C, D, T> {
    type Function = C::Function;
    fn into_function(self) -> C::Function {
        self.call.into_function()
    }
}

/// A job that returns an iterator: each item is a result of the job.
pub(crate) struct Iterate<F, I, R, T> {
    pub(crate) view: Arc<View<T>>,
    pub(crate) function: F,
    pub(crate) items: PhantomData<fn() -> (I, R)>,
}

impl<T, F, I, R> Run<Env> for Iterate<F, I, R, T>
where
    T: Send + 'static,
    F: FnOnce() -> I + Send + 'static,
    I: Iterator<Item = R> + Send + 'static,
    R: Outcome<T> + 'static,
{
    fn run(self, env: &mut Env) -> Option<Self> {
        let Self { view, function, .. } = self;
        match catch(function) {
            Ok(items) => {
                let items = Items { view, rest: items, has_room: false, name: type_name::<F>(), value: PhantomData };
                let _ = items.run(env);
            }
            Err(panic) => view.fail(&env.shared, env.id(), type_name::<F>(), JobError::Panicked(panic)),
        }
        None
    }
}

impl<T, F, I, R> Submission for Iterate<F, I, R, T>
where
    T: Send + 'static,
    F: FnOnce() -> I + Send + 'static,
    I: Iterator<Item = R> + Send + 'static,
    R: Outcome<T> + 'static,
{
    type Function = F;
    fn into_function(self) -> F {
        self.function
    }
}

/// An iterator on its way, which is put off between two items when there is no room for the next.
struct Items<I, R, T> {
    view: Arc<View<T>>,
    rest: I,
    has_room: bool,
    name: &'static str,
    value: PhantomData<fn() -> R>,
}

impl<T, I, R> Run<Env> for Items<I, R, T>
where
    T: Send + 'static,
    I: Iterator<Item = R> + Send + 'static,
    R: Outcome<T> + 'static,
{
    fn run(mut self, env: &mut Env) -> Option<Self> {
        loop {
            if !self.has_room {
                let view = Arc::clone(&self.view);
                self.has_room = true;
                self = view.reserve(env, self)?;
            }
            let view = &self.view;
            self.has_room = false;
            if env.is_cancelled() {
                view.vacate(&env.shared);
                break;
            }
            match catch(|| self.rest.next().map(Outcome::into_result)) {
                Ok(Some(Ok(value))) => view.succeed(env.id(), value),
                Ok(Some(Err(error))) => {
                    view.report(&env.shared, env.id(), self.name, JobError::Failed(error));
                    // Its room is for the next.
                    self.has_room = true;
                }
                Ok(None) => {
                    view.vacate(&env.shared);
                    break;
                }
                Err(panic) => {
                    fail(env, view, self.name, JobError::Panicked(panic));
                    view.vacate(&env.shared);
                    break;
                }
            }
        }
        drop_quietly(self.rest);
        None
    }
}

/// A job that runs again and again.
pub(crate) struct Periodic<F, D, R, T> {
    pub(crate) view: Arc<View<T>>,
    pub(crate) function: F,
    pub(crate) done: D,
    pub(crate) ends_on_failure: bool,
    pub(crate) name: &'static str,
    pub(crate) value: PhantomData<fn() -> R>,
}

/// Where each value of a periodic job goes.
pub(crate) trait EachTime<T>: Send + 'static {
    fn call(&mut self, env: &Env, view: &View<T>, value: T);
}

/// To the done queue; a value for which a bounded queue has no room is dropped, since the job will have a newer one.
pub struct Keep;

impl<T: Send + 'static> EachTime<T> for Keep {
    fn call(&mut self, env: &Env, view: &View<T>, value: T) {
        if view.try_reserve() {
            view.succeed(env.id(), value);
        }
    }
}

impl<T> EachTime<T> for Discard {
    fn call(&mut self, _: &Env, _: &View<T>, value: T) {
        drop(value);
    }
}

impl<T, D: FnMut(fastthreadpool_core::JobId, T) + Send + 'static> EachTime<T> for Give<D> {
    fn call(&mut self, env: &Env, _: &View<T>, value: T) {
        (self.0)(env.id(), value);
    }
}

impl<T, F, D, R> Run<Env> for Periodic<F, D, R, T>
where
    T: Send + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Outcome<T> + 'static,
    D: EachTime<T>,
{
    fn run(mut self, env: &mut Env) -> Option<Self> {
        let ended = outcome(&mut self.function)
            .and_then(|value| catch(|| self.done.call(env, &self.view, value)).map_err(JobError::Panicked));
        if let Err(error) = ended {
            self.view.fail(&env.shared, env.id(), self.name, error);
            if self.ends_on_failure {
                drop_quietly(self);
                return None;
            }
        }
        Some(self)
    }
}

impl<T, F, D, R> Submission for Periodic<F, D, R, T>
where
    T: Send + 'static,
    F: FnMut() -> R + Send + 'static,
    R: Outcome<T> + 'static,
    D: EachTime<T>,
{
    type Function = F;
    fn into_function(self) -> F {
        self.function
    }
}

/// The values of runs that may overlap go to the done queue.
pub struct Overlap;

/// A schedule whose runs may overlap: each time it submits a job.
pub(crate) struct Overlapping<F, R, T> {
    pub(crate) view: Arc<View<T>>,
    pub(crate) function: Arc<F>,
    pub(crate) name: &'static str,
    pub(crate) value: PhantomData<fn() -> R>,
}

impl<T, F, R> Run<Env> for Overlapping<F, R, T>
where
    T: Send + 'static,
    F: Fn() -> R + Send + Sync + 'static,
    R: Outcome<T> + 'static,
{
    fn run(self, env: &mut Env) -> Option<Self> {
        let function = Arc::clone(&self.function);
        let call = Named { call: Plain(move || function(), PhantomData), name: self.name };
        let view = Arc::clone(&self.view);
        let submitted = if view.is_bounded() {
            env.shared.submit(ToBounded { view, call }, To::Back).map_err(drop)
        } else {
            env.shared.submit(ToDone::new(view, call), To::Back).map_err(drop)
        };
        if submitted.is_err() {
            // A full queue, or a pool that ends: this run is left out.
            log::debug!("{}: a run of {} was left out", env.shared.config.name_prefix, self.name);
        }
        Some(self)
    }
}

impl<T, F, R> Submission for Overlapping<F, R, T>
where
    T: Send + 'static,
    F: Fn() -> R + Send + Sync + 'static,
    R: Outcome<T> + 'static,
{
    type Function = F;
    fn into_function(self) -> F {
        match Arc::try_unwrap(self.function) {
            Ok(function) => function,
            Err(_) => unreachable!("a schedule that was refused has not run"),
        }
    }
}
