//! A job that runs once.
#![forbid(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;

use fastthreadpool_core::{End, JobId, Ran, Run as CoreRun, Tick};

use crate::engine::arrival::Submission;
use crate::engine::worker::Env;
use crate::groups::hold::{Hold, Run};
use crate::here::call::{Panic, catch, drop_caught, drop_quietly};
use crate::here::removed::CancelReason;
use crate::jobs::call::Call;
use crate::jobs::enter::Shape;
use crate::results::outcome::{JobError, Outcome, outcome};

/// What becomes of the value of a job.
pub(crate) trait Way<T>: Send + 'static {
    /// Whether it goes to the done queue.
    const LEAVES: bool;

    fn take(self, env: &Env, run: &impl Run<T>, value: T) -> Result<(), Panic>;
}

/// It goes to the done queue.
#[derive(Debug)]
pub struct Keep;

/// It is dropped.
#[derive(Debug)]
pub struct Discard;

/// It goes to a function.
pub struct Give<D>(pub(crate) D);

impl<T: Send + 'static> Way<T> for Keep {
    const LEAVES: bool = true;

    #[inline(always)]
    fn take(self, env: &Env, run: &impl Run<T>, value: T) -> Result<(), Panic> {
        if run.keeps(env) {
            leave(env, run, value);
            Ok(())
        } else {
            drop_value(value)
        }
    }
}

/// One for all functions of a type.
#[inline(never)]
fn leave<T: Send + 'static>(env: &Env, run: &impl Run<T>, value: T) {
    run.group(env).outlet.keep(&env.engine, env.id(), value);
}

/// What needs no drop is spared the landing pad.
#[inline(always)]
fn drop_value<T>(value: T) -> Result<(), Panic> {
    if std::mem::needs_drop::<T>() { drop_caught(value) } else { Ok(()) }
}

impl<T: Send + 'static> Way<T> for Discard {
    const LEAVES: bool = false;

    #[inline(always)]
    fn take(self, _: &Env, _: &impl Run<T>, value: T) -> Result<(), Panic> {
        drop_value(value)
    }
}

impl<T: Send + 'static, D: FnOnce(JobId, T) + Send + 'static> Way<T> for Give<D> {
    const LEAVES: bool = false;

    #[inline(always)]
    fn take(self, env: &Env, _: &impl Run<T>, value: T) -> Result<(), Panic> {
        catch(|| (self.0)(env.id(), value))
    }
}

/// A job that runs once, without its hold.
pub(crate) struct OnceShape<C, W> {
    pub(crate) call: C,
    pub(crate) way: W,
}

/// A job that runs once.
pub(crate) struct Once<H, C, W, T> {
    call: C,
    way: W,
    // After all that is the user's: see the rules of `member`.
    hold: H,
    value: PhantomData<fn() -> T>,
}

impl<T, C, W> Shape<T> for OnceShape<C, W>
where
    T: Send + 'static,
    C: Call<T>,
    C::Value: Outcome<T>,
    W: Way<T>,
{
    type Function = C::Function;
    type Held<H: Hold<T>> = Once<H, C, W, T>;

    #[inline(always)]
    fn hold<H: Hold<T>>(self, hold: H) -> Once<H, C, W, T> {
        Once { call: self.call, way: self.way, hold, value: PhantomData }
    }

    fn into_function(self) -> C::Function {
        self.call.into_function()
    }

    fn name(&self) -> &'static str {
        self.call.name()
    }

    fn leaves(&self) -> bool {
        W::LEAVES
    }
}

impl<T, H, C, W> CoreRun<Env> for Once<H, C, W, T>
where
    T: Send + 'static,
    H: Hold<T>,
    C: Call<T>,
    C::Value: Outcome<T>,
    W: Way<T>,
{
    #[inline(always)]
    fn run(self, env: &mut Env) -> Ran<Self> {
        let Self { call, way, hold, .. } = self;
        let begun = if call.is_late() { Err((hold.late(env), CancelReason::Expired)) } else { hold.begin(env) };
        let run = match begun {
            Ok(run) => run,
            Err((hold, reason)) => return skip(env, call.name(), (call, way), hold, reason),
        };
        let name = call.name();
        let env = &*env;
        let part = |run: &H::Begun| match outcome(|| call.call(env, run, Tick::MAX)) {
            Ok(value) => way.take(env, run, value).map_err(JobError::Panicked),
            Err(error) => {
                drop_quietly(way);
                Err(error)
            }
        };
        Ran::Over(run.once(env, name, part))
    }

    fn name(&self) -> &'static str {
        self.call.name()
    }
}

/// A job is not to begin: it is dropped, and then its hold.
#[cold]
#[inline(never)]
pub(crate) fn skip<J>(
    env: &Env,
    name: &'static str,
    job: impl Sized,
    hold: impl Sized,
    reason: CancelReason,
) -> Ran<J> {
    let mut left = Some((job, hold));
    env.bury(name, reason, &mut || {
        if let Some((job, hold)) = left.take() {
            drop_quietly(job);
            drop(hold);
        }
    });
    Ran::Over(End::Cancelled)
}

impl<T, H, C, W> Submission for Once<H, C, W, T>
where
    T: Send + 'static,
    H: Hold<T>,
    C: Call<T>,
    C::Value: Outcome<T>,
    W: Way<T>,
{
    type Function = C::Function;

    fn into_function(self) -> C::Function {
        self.hold.refuse();
        self.call.into_function()
    }
}

impl<D> fmt::Debug for Give<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Give").finish_non_exhaustive()
    }
}
