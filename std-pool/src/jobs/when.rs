//! Points in time at which a job can be submitted to run.
#![forbid(unsafe_code)]

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use fastthreadpool_core::{JobId, Tick};

use crate::engine::Engine;
use crate::engine::due::{Due, WallTime};
use crate::engine::wall::WallClock;
use crate::sys;

/// When a job shall run: an [`Instant`], a [`SystemTime`], or a [`Duration`] from now. A time in the past is now; one beyond the range
/// of the clock is never.
///
/// A job that waits for a `SystemTime` follows the system's clock: when that is set, or the machine has slept, the job still runs when
/// the clock shows that time; at once, if it has passed. A thread of the pool minds the clock while there are such jobs: Linux tells it
/// of changes, elsewhere it looks once a minute. What is no time of a job but a limit, as [`Job::start_by`](crate::Job::start_by) and
/// [`GroupBuilder::deadline`](crate::GroupBuilder::deadline), does not follow the clock: it is converted once.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::{Pool, When};
/// use std::time::{Duration, SystemTime};
///
/// let pool = Pool::new()?;
/// let noon = SystemTime::now() + Duration::from_millis(1);
/// pool.submit_at(noon, SystemTime::now)?;
/// assert!(pool.done().pop().is_some_and(|done| done.value >= noon));
/// assert_eq!(When::from(noon), When::from(noon));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When(pub(crate) Point);

/// By which clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// By the ticks of the world.
    Tick(Tick),
    /// So long from when it is said to a pool.
    After(Duration),
    Wall(WallTime),
}

/// The same by the clock of a pool.
#[derive(Clone, Copy)]
pub(crate) enum At {
    Tick(Tick),
    Wall(WallTime),
}

impl When {
    /// The instant, as the clocks of the system stand now. `None` if it is never.
    pub fn instant(self) -> Option<Instant> {
        sys::instant(match self.0 {
            Point::Tick(tick) => tick,
            Point::After(delay) => sys::after(delay),
            Point::Wall(time) => time.tick(),
        })
    }

    /// By the clock of this engine.
    #[inline]
    pub(crate) fn point(self, engine: &Engine) -> At {
        let time = engine.time();
        match self.0 {
            Point::Tick(tick) => At::Tick(time.tick_of(tick)),
            Point::After(delay) => At::Tick(time.tick_after(delay)),
            Point::Wall(wall) => time.tick_at(wall.time).map_or(At::Wall(wall), At::Tick),
        }
    }

    /// As the clocks of this engine stand now.
    pub(crate) fn tick(self, engine: &Engine) -> Tick {
        match self.point(engine) {
            At::Tick(tick) => tick,
            At::Wall(time) => time.tick(),
        }
    }

    /// A job of this engine is about to wait for it.
    pub(crate) fn due(self, engine: &Arc<Engine>) -> io::Result<Due> {
        match self.point(engine) {
            At::Tick(tick) => Ok(Due::at(tick)),
            At::Wall(time) => time.due(engine),
        }
    }
}

impl At {
    /// A job that is there is to wait for it.
    pub(crate) fn due_or_fixed(self, engine: &Arc<Engine>, id: JobId) -> Due {
        match self {
            Self::Tick(tick) => Due::at(tick),
            Self::Wall(time) => engine.due_or_fixed(id, time),
        }
    }
}

// Inline: so that who names no time of the system's clock has nothing to do with it.
impl From<Instant> for When {
    #[inline]
    fn from(instant: Instant) -> Self {
        Self(Point::Tick(sys::tick(instant)))
    }
}

impl From<Duration> for When {
    #[inline]
    fn from(delay: Duration) -> Self {
        Self(Point::After(delay))
    }
}

impl From<SystemTime> for When {
    #[inline]
    fn from(time: SystemTime) -> Self {
        Self(Point::Wall(WallTime::new(time, WallClock::of)))
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
