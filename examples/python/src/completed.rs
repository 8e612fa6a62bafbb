//! What ends, as it ends: from both queues, until nothing is left to wait for. Results are told of; that a job is over which leaves none is
//! looked for, less and less often.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::life::Inner;
use crate::wait;

/// The first look.
const MOMENT: Duration = Duration::from_millis(1);

#[pyclass(frozen)]
pub(crate) struct Completed {
    pool: Arc<Inner>,
    until: Until,
    /// How many more, if there is a limit.
    left: Option<std::sync::Mutex<usize>>,
}

pub(crate) enum Until {
    /// What is there.
    Now,
    Then(Instant),
    /// All jobs have ended.
    Idle,
}

impl Completed {
    pub(crate) fn new(pool: Arc<Inner>, until: Until, limit: usize) -> Self {
        Self { pool, until, left: (limit > 0).then(|| limit.into()) }
    }

    /// Whether all jobs have ended, but for the one that asks.
    fn is_idle(&self) -> bool {
        self.pool.pool.wait_idle_timeout(Duration::ZERO)
    }

    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let outlet = &self.pool.outlet;
        if let Some(entry) = outlet.done.pop(py)? {
            outlet.taken();
            return Ok(Some(entry));
        }
        outlet.failed.pop(py)
    }

    fn wait<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let outlet = &self.pool.outlet;
        if let Some(entry) = self.take(py)? {
            return Ok(Some(entry));
        }
        loop {
            // Asked before: what ends meanwhile has left its result by then.
            let is_idle = self.pool.is_elsewhere() || py.detach(|| self.is_idle());
            if let Some(entry) = self.take(py)? {
                return Ok(Some(entry));
            }
            let left = match self.until {
                Until::Now => return Ok(None),
                Until::Then(then) => Some(then.saturating_duration_since(Instant::now())),
                Until::Idle => None,
            };
            if is_idle || left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            outlet.watch(|| {
                if outlet.done.len(py) > 0 || outlet.failed.len(py) > 0 {
                    return Ok(false);
                }
                let mut moment = MOMENT;
                wait::until(py, left, |slice| {
                    let has_news = outlet.news(slice.min(moment));
                    moment = moment.saturating_mul(2);
                    // It may have told so before anybody watched.
                    has_news || self.is_idle()
                })
            })?;
        }
    }
}

#[pymethods]
impl Completed {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(left) = &self.left {
            let mut left = left.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let Some(fewer) = left.checked_sub(1) else { return Ok(None) };
            *left = fewer;
        }
        self.wait(py)
    }
}
