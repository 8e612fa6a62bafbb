//! What is told of jobs that have not run.
#![forbid(unsafe_code)]

use fastthreadpool_core::{EntryState, EntryView, JobId};

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

impl JobKind {
    /// Of one that is an entry; `None` if it runs.
    pub(crate) fn of(entry: &EntryView) -> Option<Self> {
        Some(match (entry.repeat, entry.state) {
            (Some(_), _) => Self::Periodic,
            (None, EntryState::Waiting) => Self::Delayed,
            (None, EntryState::Gated) => Self::Gated,
            // Let through by its group: it has its turn in the queue.
            (None, EntryState::Ready) => Self::Queued,
            (None, EntryState::Running | EntryState::Cancelled) => return None,
            (None, _) => Self::Urgent,
        })
    }
}
