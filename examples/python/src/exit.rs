//! All pools of the process, so that none is in the middle of Python when the interpreter ends.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::life::Inner;
use crate::wait;

/// Of those that may have something to do. The lock is held for no longer than it takes, and the interpreter not let go meanwhile.
static POOLS: Mutex<Vec<Arc<Inner>>> = Mutex::new(Vec::new());

fn with<R>(f: impl FnOnce(&mut Vec<Arc<Inner>>) -> R) -> R {
    f(&mut POOLS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A pool is made.
pub(crate) fn enter(pool: &Arc<Inner>) {
    with(|pools| pools.push(Arc::clone(pool)));
}

/// A pool's face is gone. It stays here as long as there is something to do; those that were left before may go now.
pub(crate) fn leave(pool: &Arc<Inner>) {
    // What they drop is the user's, so not under the lock.
    let over = with(|pools| {
        // Of two handles one is here, and so the other is its face's.
        let is_over =
            |other: &Arc<Inner>| (Arc::ptr_eq(other, pool) || Arc::strong_count(other) == 1) && other.is_over();
        let (over, left) = std::mem::take(pools).into_iter().partition::<Vec<_>, _>(is_over);
        *pools = left;
        over
    });
    drop(over);
}

/// Ends all pools. `now`: what has not begun is dropped, but where a pool runs it in any case; what runs is waited for, at most so many seconds.
/// Returns whether all have ended.
#[pyfunction]
#[pyo3(signature = (now = true, timeout = None))]
pub(crate) fn shutdown_all(py: Python<'_>, now: bool, timeout: Option<f64>) -> PyResult<bool> {
    let timeout = wait::timeout(timeout)?;
    let pools = with(|pools| pools.clone());
    let (stopped, drained) = pools.into_iter().partition::<Vec<_>, _>(|pool| now && !pool.drains);
    for pool in stopped.iter().filter(|pool| !pool.is_elsewhere()) {
        pool.stop(py);
    }
    let mut are_over = true;
    for pool in drained.iter().filter(|pool| !pool.is_elsewhere()) {
        are_over &= pool.shut_down(py, if pool.drains { None } else { timeout })?;
    }
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    for pool in stopped.iter().filter(|pool| !pool.is_elsewhere()) {
        let left =
            deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
        are_over &= pool.shut_down(py, left)?;
    }
    Ok(are_over)
}
