//! `Semaphore` and `FastLock`: those of the pool. Inside of a job another worker stands in for one that waits.

use std::sync::Arc;
use std::time::Duration;

use fastthreadpool::{self as pool, AcquireError};
use pyo3::exceptions::{PyOverflowError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::truth::truth;
use crate::wait;

/// A counting semaphore.
#[pyclass(frozen, subclass, module = "fastthreadpool")]
pub(crate) struct Semaphore(pub(crate) Arc<pool::Semaphore>);

#[pymethods]
impl Semaphore {
    #[new]
    #[pyo3(signature = (value = 1))]
    fn new(value: isize) -> PyResult<Self> {
        let value = usize::try_from(value).ok().filter(|value| *value <= pool::Semaphore::MAX_PERMITS);
        let value =
            value.ok_or_else(|| PyValueError::new_err("the value of a semaphore is not negative, nor that large"))?;
        Ok(Self(Arc::new(pool::Semaphore::new(value))))
    }

    /// How many permits are free.
    #[getter]
    fn value(&self) -> usize {
        self.0.value()
    }

    /// Whether none is.
    #[getter]
    fn locked(&self) -> bool {
        self.0.is_locked()
    }

    /// Takes a permit; returns whether it has one.
    #[pyo3(signature = (blocking = true, timeout = None))]
    fn acquire(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = truth)] blocking: bool,
        timeout: Option<f64>,
    ) -> PyResult<bool> {
        if let Ok(permit) = self.0.try_acquire() {
            permit.forget();
            return Ok(true);
        }
        if !blocking {
            return Ok(false);
        }
        let mut refused = None;
        let has = wait::until(py, wait::timeout(timeout)?, |slice| match self.0.acquire_timeout(slice) {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(AcquireError::TimedOut) => false,
            Err(error) => {
                refused = Some(error);
                true
            }
        })?;
        match refused {
            Some(error) => Err(PyRuntimeError::new_err(error.to_string())),
            None => Ok(has),
        }
    }

    /// Gives a permit, whoever has taken it.
    fn release(&self) -> PyResult<()> {
        self.0.release(1).map_err(|error| PyOverflowError::new_err(error.to_string()))
    }

    fn __enter__(&self, py: Python<'_>) -> PyResult<bool> {
        self.acquire(py, true, None)
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, _raised: &Bound<'_, PyAny>) -> PyResult<()> {
        self.release()
    }
}

/// A lock that any thread may release.
#[pyclass(frozen, subclass, module = "fastthreadpool")]
pub(crate) struct FastLock(pool::FastLock);

#[pymethods]
impl FastLock {
    #[new]
    fn new() -> Self {
        Self(pool::FastLock::new())
    }

    /// Whether somebody has it.
    #[getter]
    fn locked(&self) -> bool {
        self.0.is_locked()
    }

    /// Takes the lock; returns whether it has.
    #[pyo3(signature = (blocking = true, timeout = None))]
    fn acquire(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = truth)] blocking: bool,
        timeout: Option<f64>,
    ) -> PyResult<bool> {
        if let Some(guard) = self.0.try_acquire() {
            guard.forget();
            return Ok(true);
        }
        if !blocking {
            return Ok(false);
        }
        wait::until(py, wait::timeout(timeout)?, |slice: Duration| {
            self.0.acquire_timeout(slice).map(pool::FastLockGuard::forget).is_some()
        })
    }

    /// Releases it, whoever has taken it.
    fn release(&self) -> PyResult<()> {
        self.0.release().map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }

    fn __enter__(&self, py: Python<'_>) -> PyResult<bool> {
        self.acquire(py, true, None)
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, _raised: &Bound<'_, PyAny>) -> PyResult<()> {
        self.release()
    }
}
