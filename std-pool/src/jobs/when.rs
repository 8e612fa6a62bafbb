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

/// Of the times that are no earlier, and at most `leeway` later, the roundest: the most of others with the same leeway meet there.
pub(crate) fn with_leeway(due: Tick, leeway: Duration) -> Tick {
    let last = due.saturating_add(sys::nanos(leeway)).0;
    if due == Tick::ZERO || last == Tick::MAX.0 {
        return due;
    }
    // All multiples of this up to the last are the last one itself, or earlier than the first.
    let differ = (due.0 - 1) ^ last;
    Tick(last >> differ.ilog2() << differ.ilog2())
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn the_roundest_of_the_times_is_taken() {
        let rounded = |due, leeway| with_leeway(Tick(due), Duration::from_nanos(leeway)).0;
        for due in 1..200 {
            for leeway in 0..100 {
                let best = (due..=due + leeway).max_by_key(|time: &u64| time.trailing_zeros()).unwrap();
                assert_eq!(rounded(due, leeway), best, "{due} {leeway}");
            }
        }
        assert_eq!((rounded(0, 9), rounded(u64::MAX, 9), rounded(u64::MAX - 1, 9)), (0, u64::MAX, u64::MAX - 1));
    }
}
