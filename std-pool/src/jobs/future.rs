//! A job that is a future: polled by workers, in turns, until it is ready.
#![forbid(unsafe_code)]

use std::any::type_name;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use fastthreadpool_core::{End, Ran, Run as CoreRun};

use crate::engine::arrival::Submission;
use crate::engine::worker::Env;
use crate::groups::hold::{Hold, Run};
use crate::here::call::{catch, drop_caught, drop_quietly};
use crate::here::removed::CancelReason;
use crate::jobs::bell::Rung;
use crate::jobs::enter::Shape;
use crate::jobs::once::skip;
use crate::jobs::spawned::Sender;
use crate::results::outcome::panicked;

/// A future job, without its hold.
pub(crate) struct FutureShape<F: Future> {
    /// In a box, where it stays once it was polled.
    pub(crate) future: Box<F>,
    pub(crate) sender: Sender<F::Output>,
    pub(crate) rung: Rung,
}

/// A future job of a group of `T`.
pub(crate) enum FutureJob<H: Hold<T>, F: Future, T> {
    /// It was never polled.
    Waits(FutureShape<F>, H, PhantomData<fn() -> T>),
    /// It is pending.
    GoesOn(Pin<Box<F>>, Sender<F::Output>, Rung, H::Begun),
}

impl<T, F> Shape<T> for FutureShape<F>
where
    T: Send + 'static,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Function = F;
    type Held<H: Hold<T>> = FutureJob<H, F, T>;

    fn hold<H: Hold<T>>(self, hold: H) -> FutureJob<H, F, T> {
        FutureJob::Waits(self, hold, PhantomData)
    }

    fn into_function(self) -> F {
        *self.future
    }

    fn name(&self) -> &'static str {
        type_name::<F>()
    }

    fn leaves(&self) -> bool {
        false
    }

    const GOES_BACK: bool = true;
}

impl<T, H, F> CoreRun<Env> for FutureJob<H, F, T>
where
    T: Send + 'static,
    H: Hold<T>,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn run(self, env: &mut Env) -> Ran<Self> {
        let env = &*env;
        let (mut future, sender, rung, run) = match self {
            Self::GoesOn(future, sender, rung, run) => (future, sender, rung, run),
            Self::Waits(shape, hold, _) => match hold.begin(env) {
                Ok(run) => (Box::into_pin(shape.future), shape.sender, shape.rung, run),
                Err((hold, reason)) => return skip(env, type_name::<F>(), shape, hold, reason),
            },
        };
        if env.stop_token(run.slot()).is_stopped() {
            let doom = run.slot().and_then(|slot| slot.doom().reason());
            return skip(env, type_name::<F>(), (future, sender, rung), run, doom.unwrap_or(CancelReason::Cancelled));
        }
        rung.begin();
        let waker = rung.waker();
        let poll = || future.as_mut().poll(&mut Context::from_waker(&waker));
        let ended = match run.inside(env, || catch(poll)) {
            Ok(Poll::Pending) => {
                rung.end();
                return Ran::Back(Self::GoesOn(future, sender, rung, run));
            }
            Ok(Poll::Ready(value)) => match drop_caught(future) {
                Ok(()) => Ok(value),
                Err(panic) => {
                    drop_quietly(value);
                    Err(panic)
                }
            },
            Err(panic) => {
                drop_quietly(future);
                Err(panic)
            }
        };
        drop(rung);
        let result = ended.map_err(|panic| panicked(env, type_name::<F>(), panic));
        let end = if result.is_ok() { End::Done } else { End::Failed };
        run.end(env, end);
        sender.send(result);
        Ran::Over(end)
    }

    fn name(&self) -> &'static str {
        type_name::<F>()
    }
}

impl<T, H, F> Submission for FutureJob<H, F, T>
where
    T: Send + 'static,
    H: Hold<T>,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Function = F;

    fn into_function(self) -> F {
        match self {
            Self::Waits(shape, hold, _) => {
                hold.refuse();
                *shape.future
            }
            Self::GoesOn(..) => unreachable!("what was refused was never polled"),
        }
    }
}
