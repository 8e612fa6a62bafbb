//! What names a job: its id, and what is returned of one that waits for a time.

use std::sync::{Arc, Weak};

use fastthreadpool as pool;
use pyo3::prelude::*;

use crate::life::Inner;

/// Names one job of its pool for ever. Compares in the order of submission.
#[pyclass(frozen, eq, ord, hash, str = "{0}", module = "fastthreadpool")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobId(pub(crate) pool::JobId);

#[pymethods]
impl JobId {
    fn __repr__(&self) -> String {
        format!("JobId({})", self.0)
    }
}

/// A delayed or a periodic job; `Pool.cancel(None, timer)` cancels it, as does its own method.
#[pyclass(frozen, eq, hash, module = "fastthreadpool")]
#[derive(Clone)]
pub(crate) struct TimerObj {
    pub(crate) id: pool::JobId,
    pub(crate) pool: Weak<Inner>,
}

impl TimerObj {
    pub(crate) fn new(id: pool::JobId, pool: &Arc<Inner>) -> Self {
        Self { id, pool: Arc::downgrade(pool) }
    }
}

impl PartialEq for TimerObj {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.pool.ptr_eq(&other.pool)
    }
}

impl std::hash::Hash for TimerObj {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

#[pymethods]
impl TimerObj {
    /// The job's id, as its results have it.
    #[getter]
    fn timer_id(&self) -> JobId {
        JobId(self.id)
    }

    /// There is no other: a schedule is one job for ever.
    #[getter]
    #[expect(clippy::unused_self, reason = "a property")]
    fn old_timer_id(&self) -> Option<JobId> {
        None
    }

    /// Cancels it; returns whether it waited for its time, or was to run again.
    fn cancel(&self, py: Python<'_>) -> bool {
        self.pool.upgrade().is_some_and(|pool| pool.cancel(py, self.id))
    }

    fn __repr__(&self) -> String {
        format!("TimerObj({})", self.id)
    }
}
