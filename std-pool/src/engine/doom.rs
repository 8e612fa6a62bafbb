//! What has become of a cohort as a whole, and so of those of its jobs that have not begun.
#![forbid(unsafe_code)]

use crate::here::removed::CancelReason;

/// What has become of a cohort as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Doom {
    /// It lives.
    None = 0,
    /// What has not begun will not.
    Expired = 1,
    /// The same, and what runs is to stop.
    FailFast = 2,
    /// The same.
    Cancelled = 3,
}

/// Beside the doom: jobs have to look for more before they begin, the slot around or what the group asks of them.
pub(super) const CAREFUL: u8 = 1 << 7;

impl Doom {
    pub(super) const fn from_bits(bits: u8) -> Self {
        match bits & !CAREFUL {
            0 => Self::None,
            1 => Self::Expired,
            2 => Self::FailFast,
            _ => Self::Cancelled,
        }
    }

    /// Whether what runs is to stop.
    pub(crate) const fn stops(self) -> bool {
        matches!(self, Self::FailFast | Self::Cancelled)
    }

    /// Why a job of the cohort was removed.
    pub(crate) const fn reason(self) -> Option<CancelReason> {
        match self {
            Self::None => None,
            Self::FailFast => Some(CancelReason::FailFast),
            Self::Expired => Some(CancelReason::Expired),
            Self::Cancelled => Some(CancelReason::Cancelled),
        }
    }
}
