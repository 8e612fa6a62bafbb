//! What is said of a group when it is built.
#![forbid(unsafe_code)]

use std::sync::Arc;

use fastthreadpool_core::{Tick, WITHOUT_END};

use crate::engine::gauge::Measures;
use crate::sync::time::Time;

/// What becomes of a group whose last handle is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupOnDrop {
    /// Its jobs go on by themselves: nothing is waited for, nothing is lost.
    #[default]
    Detach,
    /// Its jobs are cancelled.
    Cancel,
}

/// What becomes of a job for which a bounded queue has no room; from [`Builder::when_full`](crate::Builder::when_full) and
/// [`GroupBuilder::when_full`](crate::GroupBuilder::when_full). It holds for every way to submit; [`Group::submit_wait`](crate::Group::submit_wait)
/// and the like wait in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// It is refused as [`Full`](crate::SubmitError::Full).
    #[default]
    Refuse,
    /// Who submits it waits for room, as in [`Group::submit_wait`](crate::Group::submit_wait). A job that is removed has its room until
    /// it is dropped: a destructor of what it has captured must not submit to the group, or waits for itself.
    Wait,
    /// The oldest that waits in the queue is removed, with its destructors, by who submits the new one: it is reported as
    /// [`CancelReason::Displaced`](crate::CancelReason::Displaced), and its handle says
    /// [`JobError::Displaced`](crate::JobError::Displaced). Never one that has begun, one that waits for a time, a future, what
    /// follows another job, an iterator, or one of a group inside. If there is none the new one is refused as
    /// [`Full`](crate::SubmitError::Full).
    DropOldest,
    /// Who submits it runs it, at once, as a job like any other: it is counted, its result is where it belongs, its panic is
    /// caught. One that submits the like of itself does so on the same stack, as deep as it goes. What may not begin now, since it waits for a
    /// time, is limited by its group, or paused, is refused as [`Full`](crate::SubmitError::Full).
    RunHere,
}

#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says another thing, and all go together")]
pub(crate) struct Policy {
    /// It is the pool's own group.
    pub(crate) is_root: bool,
    pub(crate) name: &'static str,
    /// Whether somebody observes the engine, or jobs carry something.
    pub(crate) is_observed: bool,
    /// What measures how long jobs wait and run.
    pub(crate) gauge: Option<Arc<dyn Measures>>,
    /// Jobs that may run at the same time.
    pub(crate) limit: Option<usize>,
    pub(crate) is_pausable: bool,
    pub(crate) is_keyed: bool,
    pub(crate) is_fail_fast: bool,
    /// By which the deadline is measured, and all that waits.
    pub(crate) time: Time,
    /// Its own, or that of a group around it, whichever is earlier.
    pub(crate) deadline: Option<Tick>,
    /// Results that may wait to be read.
    pub(crate) done_capacity: Option<usize>,
    /// Jobs that may wait to be run.
    pub(crate) queue_capacity: Option<usize>,
    pub(crate) when_full: WhenFull,
    pub(crate) on_drop: GroupOnDrop,
}

impl Policy {
    /// Whether jobs may have to wait for each other, or for the end of a pause.
    pub(crate) fn is_limited(&self) -> bool {
        self.limit.is_some() || self.is_pausable || self.is_keyed
    }

    /// Of its gate.
    pub(crate) fn slots(&self) -> usize {
        self.limit.unwrap_or(WITHOUT_END)
    }

    /// Of its gate.
    pub(crate) fn room(&self) -> usize {
        self.done_capacity.unwrap_or(WITHOUT_END)
    }
}
