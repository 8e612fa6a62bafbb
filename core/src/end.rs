//! How a run ends, and what becomes of its job.
#![forbid(unsafe_code)]

use crate::entries::Gating;
use crate::part::Part;
use crate::sync::{AtomicUsize, Ordering, blank, const_unless_loom};

/// How a run has ended, and in which count it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Well.
    Done,
    /// With an error, or a panic.
    Failed,
    /// It was not begun after all, since its job was not wanted any more.
    Cancelled,
}

/// How many runs ended how. Without gates nobody asks how, and all count as [`End::Done`].
#[derive(Debug)]
pub(crate) struct Ends<G: Gating> {
    done: AtomicUsize,
    failed: G::Only<AtomicUsize>,
    cancelled: G::Only<AtomicUsize>,
}

impl<G: Gating> Ends<G> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                done: AtomicUsize::new(0),
                failed: blank!(G::Only<AtomicUsize>),
                cancelled: blank!(G::Only<AtomicUsize>),
            }
        }
    }

    /// Where those that ended so are counted.
    #[inline(always)]
    pub(crate) fn word(&self, end: End) -> &AtomicUsize {
        self.own_word(end).unwrap_or(&self.done)
    }

    #[inline(always)]
    fn own_word(&self, end: End) -> Option<&AtomicUsize> {
        match end {
            End::Done => Some(&self.done),
            End::Failed => self.failed.get(),
            End::Cancelled => self.cancelled.get(),
        }
    }

    /// How many ended so. Wraps.
    pub(crate) fn get(&self, end: End, order: Ordering) -> usize {
        self.own_word(end).map_or(0, |word| word.load(order))
    }

    /// How many ended. Wraps.
    pub(crate) fn all(&self, order: Ordering) -> usize {
        [End::Done, End::Failed, End::Cancelled].iter().fold(0, |sum, end| sum.wrapping_add(self.get(*end, order)))
    }
}

/// How a run has ended, and what becomes of its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// [`End::Done`], and the job is over.
    Done,
    /// [`End::Failed`], and the job is over.
    Failed,
    /// [`End::Cancelled`], and the job is over.
    Cancelled,
    /// [`End::Done`], and the job wants to run again when it is time. Only a periodic job may.
    Again,
    /// [`End::Failed`], and the job wants to run again when it is time. Only a periodic job may.
    FailedAgain,
    /// The run goes on later: it needs room of its gate, which there is none of. Only a job of a gate may.
    Back,
}

impl After {
    /// The job is over, and its run has ended so.
    #[must_use]
    pub const fn over(end: End) -> Self {
        match end {
            End::Done => Self::Done,
            End::Failed => Self::Failed,
            End::Cancelled => Self::Cancelled,
        }
    }

    /// The job wants to run again, and its run has ended so.
    #[must_use]
    pub const fn again(end: End) -> Self {
        if matches!(end, End::Done) { Self::Again } else { Self::FailedAgain }
    }

    /// How the run has ended. One that goes on later has not; where it cannot, that is a failure.
    #[must_use]
    pub const fn end(self) -> End {
        match self {
            Self::Done | Self::Again => End::Done,
            Self::Failed | Self::FailedAgain | Self::Back => End::Failed,
            Self::Cancelled => End::Cancelled,
        }
    }

    /// Whether the job is over.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}
