//! How a job can end: with a value, with an error of its own, with a panic, or not at all.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;

use crate::engine::worker::Env;
use crate::here::call::{Panic, catch};
use crate::here::removed::CancelReason;
use crate::sys;

/// An error of a job's own, of any type.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What a job may return in a pool of `T`: a `T`, or a `Result<T, E>` whose error makes the job a failed one.
///
/// Sealed: these two are all there are. The pool's `T` decides: in a `Pool<Result<u8, E>>` a job that returns `Ok` and one that returns `Err` both succeed.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::Pool;
///
/// let pool: Pool<u8> = Pool::new()?;
/// pool.submit(|| 1)?;
/// pool.submit(|| "2".parse::<u8>())?;
/// pool.submit(|| "three".parse::<u8>())?;
/// pool.shutdown();
/// assert_eq!(pool.done().drain().map(|done| done.value).sum::<u8>(), 3);
/// assert_eq!(pool.failed().len(), 1);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "a job of this pool, or group, cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "its jobs return a `{T}`, or a `Result<{T}, E>` whose error can be made a `Box<dyn Error + Send + Sync>`",
    note = "one that never returns says so: `move || -> {T} {{ .. }}`; what returns something else is `spawn`ed"
)]
// Coherent for the same reason as `From<T> for T` beside `From<T> for Option<T>`: no `T` is a `Result<T, _>`.
pub trait Outcome<T>: Sized {
    /// The value, or the error.
    #[doc(hidden)]
    fn into_result(self, sealed: Sealed) -> Result<T, BoxError>;
}

/// What nobody else can name.
#[derive(Debug)]
pub struct Sealed;

impl<T> Outcome<T> for T {
    #[inline(always)]
    fn into_result(self, _: Sealed) -> Result<T, BoxError> {
        Ok(self)
    }
}

impl<T, E: Into<BoxError>> Outcome<T> for Result<T, E> {
    #[inline(always)]
    fn into_result(self, _: Sealed) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

/// Why a job has no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// It returned an error.
    Failed(BoxError),
    /// It panicked.
    Panicked(Panic),
    /// It was removed before it ran; or, a future, before it was ready.
    Cancelled,
    /// The deadline of its group, or the time by which it was to [begin](crate::Job::start_by), had passed before it could; or it was
    /// waited for with a limit, and had not ended by then.
    Expired,
    /// A newer job has taken its place in the queue, which was full.
    Displaced,
    /// It was not waited for: it waits for the job that asks, or every worker of the pool waits already, and no more can stand in.
    WouldDeadlock,
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "the job failed: {error}"),
            Self::Panicked(panic) => write!(f, "the job panicked: {panic}"),
            Self::Cancelled => f.write_str("the job was cancelled before it ran"),
            Self::Expired => f.write_str("the time by which the job was to begin, or to end, had passed"),
            Self::Displaced => f.write_str("a newer job has taken the place of the job in the queue"),
            Self::WouldDeadlock => f.write_str(
                "not waited for: the job waits for the one that asks, or all workers wait and no more can stand in",
            ),
        }
    }
}

impl Error for JobError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Which is displayed with this.
            Self::Failed(error) => error.source(),
            _ => None,
        }
    }
}

/// Runs a job's function to one of its ends.
#[inline(always)]
pub(crate) fn outcome<T, R: Outcome<T>>(f: impl FnOnce() -> R) -> Result<T, JobError> {
    let call = || {
        sys::begin_job();
        f().into_result(Sealed)
    };
    match catch(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(JobError::Failed(error)),
        Err(panic) => Err(JobError::Panicked(panic)),
    }
}

/// A job, which is called so, has panicked, and nobody else would be told. Returns what it ends with.
#[cold]
#[inline(never)]
pub(crate) fn panicked(env: &Env, name: &'static str, panic: Panic) -> JobError {
    env.engine.log_failure(env.id(), name, &format_args!("the job panicked: {panic}"));
    JobError::Panicked(panic)
}

impl From<CancelReason> for JobError {
    fn from(reason: CancelReason) -> Self {
        match reason {
            CancelReason::Expired => Self::Expired,
            CancelReason::Displaced => Self::Displaced,
            CancelReason::Cancelled | CancelReason::FailFast | CancelReason::Shutdown => Self::Cancelled,
        }
    }
}
