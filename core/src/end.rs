//! How a run ends, and what becomes of its job.
#![forbid(unsafe_code)]

/// How a run has ended, and in which count it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Well.
    Done = 0,
    /// With an error, or a panic.
    Failed = 1,
    /// It was not begun after all, since its job was not wanted any more.
    Cancelled = 2,
}

impl End {
    /// How many ends there are: they are the indices of an array.
    pub(crate) const COUNT: usize = 3;
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
