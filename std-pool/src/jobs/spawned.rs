//! A job of any type, and a handle to it: wait for it, ask for it, cancel it, await it.
#![forbid(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fastthreadpool_core::{After, End, JobId, Ran, Run as CoreRun, Tick};

use crate::engine::Engine;
use crate::engine::arrival::Submission;
use crate::engine::awaits::Awaits;
use crate::engine::waits::InLine;
use crate::engine::worker::Env;
use crate::groups::hold::{Hold, Run};
use crate::here::blocking;
use crate::here::call::{catch, drop_quietly};
use crate::here::cancellation::Cancellation;
use crate::here::removed::CancelReason;
use crate::here::{inside, removed};
use crate::jobs::call::Call;
use crate::jobs::enter::Shape;
use crate::jobs::once::skip;
use crate::results::outcome::{JobError, panicked};
use crate::sync::packet::Packet;
use crate::sync::time::Deadline;

type Result<U> = std::result::Result<U, JobError>;

/// The job's end of a handle: one that is dropped before the job has run leaves word that it was removed.
pub(crate) struct Sender<U>(Option<Arc<Packet<Result<U>>>>);

impl<U> Sender<U> {
    pub(crate) fn new() -> (Self, Receiver<U>) {
        let packet = Packet::new();
        (Self(Some(Arc::clone(&packet))), Receiver(packet))
    }

    pub(crate) fn send(mut self, result: Result<U>) {
        if let Some(packet) = self.0.take() {
            packet.fill(result);
            // Where nobody has the handle any more that drops the user's value.
            if mem::needs_drop::<U>() {
                drop_quietly(packet);
            }
        }
    }
}

impl<U> Drop for Sender<U> {
    fn drop(&mut self) {
        if let Some(packet) = self.0.take() {
            packet.fill(Err(removed::removed().map_or(JobError::Cancelled, |removed| removed.reason.into())));
        }
    }
}

/// What a handle waits on.
pub(crate) struct Receiver<U>(Arc<Packet<Result<U>>>);

impl<U> Receiver<U> {
    pub(crate) fn into_handle(self, engine: Arc<Engine>, id: JobId) -> JoinHandle<U> {
        JoinHandle { engine, id, packet: self.0 }
    }
}

/// A spawned job, without its hold.
pub(crate) struct SpawnShape<C, U> {
    call: C,
    sender: Sender<U>,
}

impl<C, U> SpawnShape<C, U> {
    pub(crate) fn new(call: C) -> (Self, Receiver<U>) {
        let (sender, receiver) = Sender::new();
        (Self { call, sender }, receiver)
    }
}

/// A spawned job of a group of `T`.
pub(crate) struct Spawned<H, C, U, T> {
    shape: SpawnShape<C, U>,
    // After all that is the user's: see the rules of `member`.
    hold: H,
    group: PhantomData<fn() -> T>,
}

impl<T, C> Shape<T> for SpawnShape<C, C::Value>
where
    T: Send + 'static,
    C: Call<T>,
    C::Value: Send,
{
    type Function = C::Function;
    type Held<H: Hold<T>> = Spawned<H, C, C::Value, T>;

    fn hold<H: Hold<T>>(self, hold: H) -> Spawned<H, C, C::Value, T> {
        Spawned { shape: self, hold, group: PhantomData }
    }

    fn into_function(self) -> C::Function {
        self.call.into_function()
    }

    fn name(&self) -> &'static str {
        self.call.name()
    }

    fn leaves(&self) -> bool {
        false
    }
}

impl<T, H, C> CoreRun<Env> for Spawned<H, C, C::Value, T>
where
    T: Send + 'static,
    H: Hold<T>,
    C: Call<T>,
    C::Value: Send,
{
    fn run(self, env: &mut Env) -> Ran<Self> {
        let env = &*env;
        let Self { shape, hold, .. } = self;
        let is_late = shape.call.is_late();
        let begun = if is_late { Err((hold.late(env), CancelReason::Expired)) } else { hold.begin(env) };
        let run = match begun {
            Ok(run) => run,
            Err((hold, reason)) => return skip(env, shape.call.name(), shape, hold, reason),
        };
        let SpawnShape { call, sender } = shape;
        let name = call.name();
        let result =
            run.inside(env, || catch(|| call.call(env, &run, Tick::MAX))).map_err(|panic| panicked(env, name, panic));
        let end = if result.is_ok() { End::Done } else { End::Failed };
        run.end(env, end);
        sender.send(result);
        Ran::Over(end)
    }

    fn name(&self) -> &'static str {
        Shape::<T>::name(&self.shape)
    }
}

impl<T, H, C> Submission for Spawned<H, C, C::Value, T>
where
    T: Send + 'static,
    H: Hold<T>,
    C: Call<T>,
    C::Value: Send,
{
    type Function = C::Function;

    fn into_function(self) -> C::Function {
        self.hold.refuse();
        self.shape.call.into_function()
    }
}

/// A handle to a job of [`Group::spawn`](crate::Group::spawn). Dropping it lets the job go on by itself.
///
/// It is a future, too, that needs no particular runtime.
#[must_use = "a handle that is dropped cannot be joined; use `submit` where nobody waits"]
pub struct JoinHandle<U> {
    engine: Arc<Engine>,
    id: JobId,
    packet: Arc<Packet<Result<U>>>,
}

impl<U: Send + 'static> JoinHandle<U> {
    /// The job's id.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Whether the job has ended, in whatever way.
    pub fn is_finished(&self) -> bool {
        self.packet.is_full()
    }

    /// Cancels the job: see [`Pool::cancel`](crate::Pool::cancel).
    pub fn cancel(&self) -> Cancellation {
        self.engine.cancel(self.id)
    }

    /// Waits for the job and returns what it returned.
    ///
    /// Inside a job of the same pool a job that has not begun is run here and now; while one runs elsewhere is waited for,
    /// another worker stands in for this one. So joins inside jobs do not deadlock, however few workers there are.
    ///
    /// # Errors
    ///
    /// [`JobError`], when the job panicked or was removed. [`JobError::WouldDeadlock`] at once when the job waits for this one,
    /// as one does that joins itself; and when nobody is left who could stand in.
    ///
    /// # Panics
    ///
    /// When the handle was polled before, and was ready: its value is gone.
    pub fn join(self) -> Result<U> {
        match self.wait(Deadline::NEVER) {
            Some(true) => self.take(),
            _ => Err(JobError::WouldDeadlock),
        }
    }

    /// Waits for the job, at most so long.
    ///
    /// # Errors
    ///
    /// The handle itself, when the job has not ended in that time.
    ///
    /// # Panics
    ///
    /// As [`JoinHandle::join`].
    pub fn join_timeout(self, timeout: Duration) -> std::result::Result<Result<U>, Self> {
        let engine = Arc::clone(&self.engine);
        self.join_until(engine.time().after(timeout))
    }

    /// The same.
    pub(crate) fn join_until(self, deadline: Deadline<'_>) -> std::result::Result<Result<U>, Self> {
        match self.wait(deadline) {
            Some(true) => Ok(self.take()),
            Some(false) => Err(self),
            None => Ok(Err(JobError::WouldDeadlock)),
        }
    }

    /// Waits until the job has ended (true) or the time is over (false); `None` when it would never end.
    fn wait(&self, deadline: Deadline<'_>) -> Option<bool> {
        if self.is_finished() || self.is_run_here() {
            return Some(true);
        }
        if !inside::is_in_any() {
            return Some(self.engine.attended(|| self.packet.wait(deadline)));
        }
        if self.engine.make_way(self.id) && self.is_run_here() {
            return Some(true);
        }
        let line = InLine::enter(Awaits::Job(&self.engine, self.id));
        if line.is_circular && !self.is_finished() {
            return None;
        }
        blocking::maybe(|| self.engine.attended(|| self.packet.wait(deadline)))
    }

    /// What has a waker called when the job has ended, be it by now.
    pub(crate) fn watch(&self) -> impl FnOnce(Waker) + use<U> {
        let packet = Arc::clone(&self.packet);
        move |waker| packet.watch(waker)
    }

    /// Runs the job here and now, if it can begin. Returns whether it has ended by that.
    fn is_run_here(&self) -> bool {
        self.engine.run_inside(self.id).is_some_and(After::is_over)
    }

    fn take(self) -> Result<U> {
        self.packet.take().unwrap_or_else(|| unreachable!("only a finished job's value is taken, and once"))
    }
}

impl<U: Send + 'static> Future for JoinHandle<U> {
    type Output = Result<U>;

    /// # Panics
    ///
    /// When polled again after it was ready.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.packet.poll(context)
    }
}

impl<U> fmt::Debug for JoinHandle<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
