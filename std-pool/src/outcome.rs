//! How a job can end: with a value, with an error of its own, with a panic, or not at all.
#![forbid(unsafe_code)]

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};

use parking_lot::Mutex;

/// An error of a job's own, of any type.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What a job may return in a pool of `T`: a `T`, or a `Result<T, E>` whose error makes the job a failed one.
///
/// The pool's `T` decides: in a `Pool<Result<u8, E>>` a job that returns `Ok` and one that returns `Err` both succeed.
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
// Coherent for the same reason as `From<T> for T` beside `From<T> for Option<T>`: no `T` is a `Result<T, _>`.
pub trait Outcome<T>: Sized {
    /// The value, or the error.
    #[doc(hidden)]
    fn into_result(self) -> Result<T, BoxError>;
}

impl<T> Outcome<T> for T {
    #[inline(always)]
    fn into_result(self) -> Result<T, BoxError> {
        Ok(self)
    }
}

impl<T, E: Into<BoxError>> Outcome<T> for Result<T, E> {
    #[inline(always)]
    fn into_result(self) -> Result<T, BoxError> {
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
    /// It was removed before it ran.
    Cancelled,
    /// Waiting for it would have waited for ever: every worker of the pool waits for another job.
    WouldDeadlock,
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "the job failed: {error}"),
            Self::Panicked(panic) => write!(f, "the job panicked: {panic}"),
            Self::Cancelled => f.write_str("the job was cancelled before it ran"),
            Self::WouldDeadlock => f.write_str("the wait would never end: all workers of the pool wait for other jobs"),
        }
    }
}

impl Error for JobError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            Self::Panicked(_) | Self::Cancelled | Self::WouldDeadlock => None,
        }
    }
}

/// The end of a job that panicked. Displays as the panic's message.
pub struct Panic {
    message: Box<str>,
    /// In a mutex only so that the whole can be shared between threads, which a payload cannot.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&str>() {
            (*text).into()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.as_str().into()
        } else {
            "a payload that is not text".into()
        };
        Self { message, payload: Mutex::new(Some(payload)) }
    }

    /// The panic's message, if its payload was text.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The payload, to go on with the panic elsewhere ([`std::panic::resume_unwind`]).
    ///
    /// # Panics
    ///
    /// Never: the payload leaves with the panic.
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.payload.lock().take().expect("the payload leaves once, with the whole")
    }
}

impl Drop for Panic {
    fn drop(&mut self) {
        // A payload's destructor is user code, and this may run on a worker.
        if let Some(payload) = self.payload.get_mut().take() {
            drop_quietly(payload);
        }
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.message).finish()
    }
}

/// Runs user code; a panic becomes a value.
#[inline(always)]
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    // Unwind safe: what the closure owns is gone, and what it shares is the user's, who is told of the panic.
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(Panic::new)
}

/// Runs a job's function to one of its ends.
#[inline(always)]
pub(crate) fn outcome<T, R: Outcome<T>>(f: impl FnOnce() -> R) -> Result<T, JobError> {
    match catch(|| f().into_result()) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(JobError::Failed(error)),
        Err(panic) => Err(JobError::Panicked(panic)),
    }
}

/// Drops a user's value where a panic of its destructor must not spread. The panic hook has reported it.
pub(crate) fn drop_quietly<T>(value: T) {
    let mut dropped = panic::catch_unwind(AssertUnwindSafe(|| drop(value)));
    for _ in 0..PAYLOADS {
        let Err(payload) = dropped else { return };
        dropped = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)));
    }
    std::mem::forget(dropped);
}

/// The destructor of a panic's payload may panic with a payload of its own, and so on. There has to be an end: from here on
/// payloads are leaked.
const PAYLOADS: usize = 8;
