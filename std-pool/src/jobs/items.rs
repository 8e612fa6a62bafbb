//! A job that returns an iterator: each item is a result of the job.
#![forbid(unsafe_code)]

use std::any::type_name;
use std::marker::PhantomData;

use fastthreadpool_core::{End, Ran, Run as CoreRun};

use crate::engine::arrival::Submission;
use crate::engine::worker::Env;
use crate::groups::hold::{Hold, Run, fail};
use crate::here::call::{catch, drop_quietly};
use crate::jobs::enter::Shape;
use crate::jobs::once::skip;
use crate::results::outcome::{JobError, Outcome, Sealed};

/// An iterator job, without its hold.
pub(crate) struct ItemsShape<F, I, R> {
    pub(crate) function: F,
    pub(crate) items: PhantomData<fn() -> (I, R)>,
}

/// An iterator job.
#[expect(clippy::type_complexity, reason = "what it carries besides is no data")]
pub(crate) enum Items<H: Hold<T>, F, I, R, T> {
    /// It has not begun.
    Waits(F, H, PhantomData<fn() -> (I, R, T)>),
    /// It has, and goes on when there is room for the next item.
    GoesOn(I, H::Begun),
}

impl<T, F, I, R> Shape<T> for ItemsShape<F, I, R>
where
    T: Send + 'static,
    F: FnOnce() -> I + Send + 'static,
    I: Iterator<Item = R> + Send + 'static,
    R: Outcome<T> + 'static,
{
    type Function = F;
    type Held<H: Hold<T>> = Items<H, F, I, R, T>;

    fn hold<H: Hold<T>>(self, hold: H) -> Items<H, F, I, R, T> {
        Items::Waits(self.function, hold, PhantomData)
    }

    fn into_function(self) -> F {
        self.function
    }

    fn name(&self) -> &'static str {
        type_name::<F>()
    }

    fn leaves(&self) -> bool {
        true
    }

    const GOES_BACK: bool = true;
}

impl<T, H, F, I, R> CoreRun<Env> for Items<H, F, I, R, T>
where
    T: Send + 'static,
    H: Hold<T>,
    F: FnOnce() -> I + Send + 'static,
    I: Iterator<Item = R> + Send + 'static,
    R: Outcome<T> + 'static,
{
    fn run(self, env: &mut Env) -> Ran<Self> {
        let env = &*env;
        match self {
            Self::GoesOn(items, run) => go_on(env, items, run, type_name::<F>()),
            Self::Waits(function, hold, _) => {
                let run = match hold.begin(env) {
                    Ok(run) => run,
                    Err((hold, reason)) => return skip(env, type_name::<F>(), function, hold, reason),
                };
                match run.inside(env, || catch(function)) {
                    Ok(items) => go_on(env, items, run, type_name::<F>()),
                    Err(panic) => {
                        let end = fail(env, &run, type_name::<F>(), JobError::Panicked(panic));
                        run.end(env, end);
                        Ran::Over(end)
                    }
                }
            }
        }
    }

    fn name(&self) -> &'static str {
        type_name::<F>()
    }
}

/// Works through the items, until there is no room for the next one.
fn go_on<T, H, F, I, R>(env: &Env, mut items: I, run: H::Begun, name: &'static str) -> Ran<Items<H, F, I, R, T>>
where
    T: Send + 'static,
    H: Hold<T>,
    I: Iterator<Item = R>,
    R: Outcome<T>,
{
    let mut end = End::Done;
    {
        let group = run.group(env);
        // What it was let through with: from here on this job says itself what becomes of it.
        let mut has_room = env.own_room();
        // What is not kept takes none.
        let needs_room = run.keeps(env);
        loop {
            has_room = has_room || !needs_room || group.core.take_room(&env.engine);
            if !has_room && env.may_go_back() {
                return Ran::Back(Items::GoesOn(items, run));
            }
            if env.stop_token(run.slot()).is_stopped() {
                break;
            }
            match run.inside(env, || catch(|| items.next().map(|item| item.into_result(Sealed)))) {
                Ok(Some(Ok(value))) => {
                    // It cannot wait for some: somebody runs it inside of another.
                    if !has_room {
                        group.core.owe_room();
                    }
                    has_room = false;
                    group.outlet.succeed(&env.engine, env.id(), value);
                }
                // Its room is for the next.
                Ok(Some(Err(error))) => group.outlet.report(&env.engine, env.id(), name, JobError::Failed(error)),
                Ok(None) => break,
                Err(panic) => {
                    end = fail(env, &run, name, JobError::Panicked(panic));
                    break;
                }
            }
        }
        if has_room && needs_room {
            group.give_room(&env.engine);
        }
    }
    drop_quietly(items);
    run.end(env, end);
    Ran::Over(end)
}

impl<T, H, F, I, R> Submission for Items<H, F, I, R, T>
where
    T: Send + 'static,
    H: Hold<T>,
    F: FnOnce() -> I + Send + 'static,
    I: Iterator<Item = R> + Send + 'static,
    R: Outcome<T> + 'static,
{
    type Function = F;

    fn into_function(self) -> F {
        match self {
            Self::Waits(function, hold, _) => {
                hold.refuse();
                function
            }
            Self::GoesOn(..) => unreachable!("what was refused has not begun"),
        }
    }
}
