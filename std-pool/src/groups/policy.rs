//! What is said of a group when it is built.
#![forbid(unsafe_code)]

use fastthreadpool_core::{Tick, WITHOUT_END};

/// What becomes of a group whose last handle is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupOnDrop {
    /// Its jobs go on by themselves: nothing is waited for, nothing is lost.
    #[default]
    Detach,
    /// Its jobs are cancelled.
    Cancel,
}

#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says another thing, and all go together")]
pub(crate) struct Policy {
    /// It is the pool's own group.
    pub(crate) is_root: bool,
    /// Jobs that may run at the same time.
    pub(crate) limit: Option<usize>,
    pub(crate) is_pausable: bool,
    pub(crate) is_keyed: bool,
    pub(crate) is_fail_fast: bool,
    pub(crate) deadline: Option<Tick>,
    /// Results that may wait to be read.
    pub(crate) done_capacity: Option<usize>,
    /// Jobs that may wait to be run.
    pub(crate) queue_capacity: Option<usize>,
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
