//! The Python module `fastthreadpool` on this pool: what `python/fastthreadpool` makes a package of.
//!
//! | file | what it has |
//! |---|---|
//! | `pool`, `life`, `place` | `Pool`: the face; what it shares, and its end; where jobs are put |
//! | `job`, `course` | a job; a map |
//! | `outlet`, `completed` | where results go; what ends, as it ends |
//! | `crew`, `hold` | the threads; who has the interpreter |
//! | `semaphore`, `id`, `errors` | `Semaphore` and `FastLock`; what names a job; what is told of refusals |
//! | `wait`, `truth`, `exit` | how a thread waits; what is true; the end of the interpreter |
//!
//! All state of a pool that is Python's is written by who has the interpreter, so the module asks for that: `gil_used`.

mod completed;
mod course;
mod crew;
mod errors;
mod exit;
mod hold;
mod id;
mod job;
mod life;
mod outlet;
mod place;
mod pool;
mod semaphore;
mod truth;
mod wait;

/// The part of the package that is not written in Python.
#[pyo3::pymodule(gil_used = true)]
mod _native {
    use pyo3::exceptions::PyImportError;
    use pyo3::ffi;
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::errors::{PoolCallback, PoolStopped};
    #[pymodule_export]
    use crate::exit::shutdown_all;
    #[pymodule_export]
    use crate::id::{JobId, TimerObj};
    #[pymodule_export]
    use crate::pool::Pool;
    #[pymodule_export]
    use crate::semaphore::{FastLock, Semaphore};

    /// Workers attach to the main interpreter, and there is one list of all pools.
    #[pymodule_init]
    fn init() -> PyResult<()> {
        // SAFETY: a thread that imports is attached.
        if unsafe { ffi::PyInterpreterState_Get() != ffi::PyInterpreterState_Main() } {
            return Err(PyImportError::new_err("fastthreadpool works in the main interpreter only"));
        }
        Ok(())
    }
}
