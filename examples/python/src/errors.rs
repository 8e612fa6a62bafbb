//! What Python is told of refusals.

use fastthreadpool::{BuildError, SubmitError};
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

create_exception!(
    fastthreadpool,
    PoolStopped,
    PyException,
    "The pool takes no jobs: it was shut down, or it is another process's."
);
create_exception!(
    fastthreadpool,
    PoolCallback,
    PyException,
    "Results go to a callback of the pool, so nobody else may read them."
);

/// Why a job was not taken.
pub(crate) fn refused<F>(error: SubmitError<F>) -> PyErr {
    match error {
        SubmitError::Closed(_) => PoolStopped::new_err("the pool was shut down; clear() opens it again"),
        SubmitError::Forked(_) => {
            PoolStopped::new_err("the pool was made before a fork: its threads are in the other process; make one here")
        }
        SubmitError::NoThread(_, error) => PyRuntimeError::new_err(format!("no thread can be started: {error}")),
        error => PyRuntimeError::new_err(error.to_string()),
    }
}

/// Why there is no pool.
pub(crate) fn unbuilt(error: BuildError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
