//! How functions of the user's are called: their panics are values until somebody can be told.
#![forbid(unsafe_code)]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) type Payload = Box<dyn Any + Send>;

/// Runs a function; a panic becomes a value.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    // Unwind safe: the panic is passed on to whoever shares what the function has touched.
    catch_unwind(AssertUnwindSafe(f))
}

/// Ends the process when it is dropped: something must not unwind from here.
pub(crate) struct AbortOnDrop(pub(crate) &'static str);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        eprintln!("rayon-core: {}", self.0);
        process::abort();
    }
}

/// No function of the user's runs under a lock of this package.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
