//! What is told of jobs that have not run.
#![forbid(unsafe_code)]

use fastthreadpool_core::{EntryState, EntryView, JobId};

/// A job that was removed before it ran.
///
/// The job itself has been dropped, whoever has removed it. What is to be had back as a value goes home when it is dropped: a job that
/// owns it so takes a few bytes more, the others nothing.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use fastthreadpool::Pool;
/// use std::sync::mpsc::{Sender, channel};
///
/// #[derive(Debug, PartialEq)]
/// struct Upload(&'static str);
///
/// /// What has to be done, until it is taken.
/// struct Task(Option<Upload>, Sender<Upload>);
///
/// impl Drop for Task {
///     fn drop(&mut self) {
///         self.0.take().map(|upload| self.1.send(upload));
///     }
/// }
///
/// let pool: Pool = Pool::new()?;
/// pool.pause();
/// let (home, left) = channel();
/// for name in ["a", "b"] {
///     let mut task = Task(Some(Upload(name)), home.clone());
///     pool.submit(move || task.0.take().map_or((), |upload| println!("uploads {upload:?}")))?;
/// }
/// pool.cancel_queued();
/// assert!(left.try_iter().eq([Upload("a"), Upload("b")]));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
