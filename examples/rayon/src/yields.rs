//! Yields: who waits in its own way lets the pool use the thread.
#![forbid(unsafe_code)]

use crate::registry::Registry;
use crate::worker;

/// What has become of a yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yield {
    /// A job was run.
    Executed,
    /// There was none.
    Idle,
}

impl Yield {
    pub(crate) fn to(registry: &Registry) -> Self {
        if registry.pool.run_one() { Self::Executed } else { Self::Idle }
    }
}

/// Runs a job that waits in the present pool; `None` in a thread of none.
///
/// ```
/// assert_eq!(rayon_core::yield_now(), None);
/// ```
pub fn yield_now() -> Option<Yield> {
    worker::with(|worker| worker.map(|worker| Yield::to(&worker.registry)))
}

/// The same: a thread has no jobs of its own.
pub fn yield_local() -> Option<Yield> {
    yield_now()
}
