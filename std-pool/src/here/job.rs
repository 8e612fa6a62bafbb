//! What is told of jobs that have not run.
#![forbid(unsafe_code)]

use fastthreadpool_core::JobId;

/// A job that was removed before it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedJob {
    /// Its id.
    pub id: JobId,
    /// What the failed queue would call it: the name it was given, else the type of its function.
    pub name: &'static str,
    /// What it waited for.
    pub kind: JobKind,
}

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobKind {
    /// Its turn in the queue.
    Queued,
    /// A free worker: it goes before all others.
    Urgent,
    /// Its time.
    Delayed,
    /// The time of its next run.
    Periodic,
    /// Its group: room for its result, a limit, a key, the end of a pause. Or, of a future, to be woken.
    Gated,
}
