//! How a thread of Python's waits: without the interpreter, and so that ctrl-c ends it.

use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::crew::unless_raised;

/// After so long at most a signal is seen: the kernel wakes nobody for one who waits in the pool.
const SLICE: Duration = Duration::from_millis(50);

/// Waits by `step`, which is told how long at most, until that says so or the time is over. Returns whether it said so.
///
/// # Errors
///
/// What a handler of a signal raises, as `KeyboardInterrupt`.
pub(crate) fn until(
    py: Python<'_>,
    timeout: Option<Duration>,
    mut step: impl FnMut(Duration) -> bool + Send,
) -> PyResult<bool> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map_or(SLICE, |deadline| deadline.saturating_duration_since(Instant::now()));
        if py.detach(|| step(left.min(SLICE))) {
            return Ok(true);
        }
        unless_raised(())?;
        py.check_signals()?;
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Ok(false);
        }
    }
}

/// Seconds; less than none are none.
///
/// # Errors
///
/// `ValueError`, where it is no number or beyond all.
pub(crate) fn seconds(seconds: f64) -> PyResult<Duration> {
    if seconds == f64::INFINITY {
        return Ok(Duration::MAX);
    }
    // The larger of it and 0 would be 0 of what is no number.
    let seconds = if seconds < 0.0 { 0.0 } else { seconds };
    Duration::try_from_secs_f64(seconds).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The same of a timeout that may be none.
///
/// # Errors
///
/// As [`seconds`].
pub(crate) fn timeout(timeout: Option<f64>) -> PyResult<Option<Duration>> {
    timeout.map(seconds).transpose()
}
