//! How user code is called: its panics are values, and its destructors' are kept from spreading.
#![forbid(unsafe_code)]

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::process;

use crate::here::location;
use crate::sys::{self, Mutex};

/// The end of a job that panicked. Displays as the panic's message, and its place if that is known.
// In a box: each way on which a panic could come back would have to have its room.
pub struct Panic(Box<Told>);

struct Told {
    message: Box<str>,
    location: Option<Box<str>>,
    /// In a mutex only so that the whole can be shared between threads, which a payload cannot.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    #[cold]
    #[inline(never)]
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&str>() {
            (*text).into()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.as_str().into()
        } else {
            "a payload that is not text".into()
        };
        Self(Box::new(Told { message, location: location::take(), payload: Mutex::new(Some(payload)) }))
    }

    /// The panic's message, if its payload was text.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// File, line and column of the panic, where a pool was built with
    /// [`Builder::panic_locations`](crate::Builder::panic_locations); of the thread's last panic, if this one was
    /// [resumed](std::panic::resume_unwind).
    pub fn location(&self) -> Option<&str> {
        self.0.location.as_deref()
    }

    /// The payload, to go on with the panic elsewhere ([`std::panic::resume_unwind`]).
    ///
    /// # Panics
    ///
    /// Never: the payload leaves with the panic.
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.0.payload.lock().take().expect("the payload leaves once, with the whole")
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // A payload's destructor is user code, and this may run on a worker.
        if let Some(payload) = self.payload.get_mut().take() {
            drop_quietly(payload);
        }
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        self.0.location.iter().try_for_each(|location| write!(f, ", at {location}"))
    }
}

impl Error for Panic {}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panic")
            .field("message", &self.0.message)
            .field("location", &self.0.location)
            .finish_non_exhaustive()
    }
}

/// Runs user code; a panic becomes a value.
#[inline(always)]
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    sys::assert_unlocked();
    // Unwind safe: what the closure owns is gone, and what it shares is the user's, who is told of the panic.
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(Panic::new)
}

/// Passes `f` on without its type, to who calls it: what that does around the call is not compiled for each `f` again.
#[inline]
pub(crate) fn without_type<R>(f: impl FnOnce() -> R, pass_on: impl FnOnce(&mut dyn FnMut())) -> R {
    let (mut f, mut result) = (Some(f), None);
    pass_on(&mut || {
        if let Some(f) = f.take() {
            result = Some(f());
        }
    });
    result.unwrap_or_else(|| unreachable!("it is called"))
}

/// Drops a user's value where a panic of its destructor must not spread. The panic hook has reported it. Returns the first
/// panic.
pub(crate) fn drop_caught<T>(value: T) -> Result<(), Panic> {
    catch(|| drop(value))
}

/// The same, where nobody wants to know.
pub(crate) fn drop_quietly<T>(value: T) {
    quietly(|| drop(value));
}

/// Calls what is somebody else's, where nobody wants to know how it went.
pub(crate) fn quietly(f: impl FnOnce()) {
    sys::assert_unlocked();
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(f)) {
        drop_payload(payload);
    }
}

#[cold]
#[inline(never)]
fn drop_payload(mut payload: Box<dyn Any + Send>) {
    for _ in 0..PAYLOADS {
        match panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
}

/// Who waits for what borrows. Dropped: the wait has panicked, and it may still run.
pub(crate) struct Stays;

impl Drop for Stays {
    fn drop(&mut self) {
        process::abort();
    }
}

/// The destructor of a panic's payload may panic with a payload of its own, and so on. There has to be an end: from here on
/// payloads are leaked.
const PAYLOADS: usize = 8;
