//! What a job may know about itself.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;

use fastthreadpool_core::{JobId, Phase, Tick};

use crate::engine::slot::Slot;
use crate::engine::stops::StopToken;
use crate::engine::worker::Env;
use crate::groups::hold::Run;
use crate::groups::inner::Inner;
use crate::here::blocking;
use crate::sync::event::Event;

/// The job as it sees itself: its id, whether it has been asked to stop, and a way to leave results before it ends.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::Pool;
///
/// let pool = Pool::new()?;
/// let id = pool.submit_with(|job| {
///     for n in 1..3_u32 {
///         if job.is_cancelled() {
///             break;
///         }
///         job.emit(n)?;
///     }
///     Ok::<u32, Box<dyn std::error::Error + Send + Sync>>(3)
/// })?;
/// pool.wait_idle();
/// let all: Vec<_> = pool.done().drain().map(|done| (done.id == id, done.value)).collect();
/// assert_eq!(all, [(true, 1), (true, 2), (true, 3)]);
/// # Ok(()) }
/// ```
pub struct Context<'e, T> {
    env: &'e Env,
    group: &'e Inner<T>,
    slot: Option<&'e Slot>,
}

impl<'e, T: Send + 'static> Context<'e, T> {
    pub(crate) fn new(env: &'e Env, run: &'e impl Run<T>) -> Self {
        Self { env, group: run.group(env), slot: run.slot() }
    }

    /// The job's id.
    pub fn id(&self) -> JobId {
        self.env.id()
    }

    /// Whether somebody has cancelled the job or its group, or shut the pool down without waiting, since it began; or another
    /// job of a group that is to fail fast has failed. A job that takes long asks now and then, and ends if so.
    pub fn is_cancelled(&self) -> bool {
        self.stop_token().is_stopped()
    }

    pub(super) fn stop_token(&self) -> StopToken<'_> {
        self.env.stop_token(self.slot)
    }

    /// Puts a value into the done queue now, under the job's id.
    ///
    /// Waits while a bounded done queue is full; meanwhile another worker stands in for this one.
    ///
    /// # Errors
    ///
    /// [`EmitError`] with the value, when there is no room and the job has been asked to stop, or every worker of the pool
    /// waits.
    pub fn emit(&self, value: T) -> Result<(), EmitError<T>> {
        let outlet = &self.group.outlet;
        if outlet.keeps() && !self.group.core.take_room(&self.env.engine) && !self.wait_for_room() {
            return Err(EmitError(value));
        }
        outlet.succeed(&self.env.engine, self.id(), value);
        Ok(())
    }

    #[cold]
    fn wait_for_room(&self) -> bool {
        let engine = &self.env.engine;
        let room = || {
            if self.group.core.take_room(engine) {
                Some(true)
            } else {
                (self.is_cancelled() || engine.core.phase() == Phase::Stopping).then_some(false)
            }
        };
        let events = [&self.group.outlet.ended, &engine.quiet];
        blocking::maybe(|| Event::wait_any(&events, Tick::MAX, room)).flatten().unwrap_or(false)
    }
}

impl<T> fmt::Debug for Context<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("id", &self.env.id()).finish_non_exhaustive()
    }
}

/// A value that was not taken: there was no room for it, and the job has been asked to stop or every worker of the pool
/// waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EmitError<T>(pub T);

impl<T> fmt::Debug for EmitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmitError(..)")
    }
}

impl<T> fmt::Display for EmitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room for the value, and no use in waiting for it")
    }
}

impl<T> Error for EmitError<T> {}
