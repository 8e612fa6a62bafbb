//! Points in time at which a job can be submitted to run.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant, SystemTime};

use fastthreadpool_core::Tick;

use crate::sys;

/// When a job shall run: an [`Instant`], a [`SystemTime`], or a [`Duration`] from now.
///
/// The time of a system clock is converted once, when the job is submitted: a later change of that clock does not move the
/// job. A time in the past is now; one beyond the range of the clock is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When(pub(crate) Tick);

impl When {
    /// The instant; `None` if it is never.
    pub fn instant(self) -> Option<Instant> {
        sys::instant(self.0)
    }
}

impl From<Instant> for When {
    fn from(instant: Instant) -> Self {
        Self(sys::tick(instant))
    }
}

impl From<Duration> for When {
    fn from(delay: Duration) -> Self {
        Self(sys::after(delay))
    }
}

impl From<SystemTime> for When {
    fn from(time: SystemTime) -> Self {
        time.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO).into()
    }
}
