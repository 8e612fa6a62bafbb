//! The std host: the clock in nanoseconds, a word-sized mutex, how to wait a moment. The simulated host, `tests/cores`, waits as it
//! where every thread has a processor.
#![forbid(unsafe_code)]

use fastthreadpool_core::{Host, Tick};

use crate::engine::{crowd, pages, spare};
use crate::sync::time::Time;
use crate::sys::{self, RawMutex};

/// The host of every pool on std.
#[derive(Debug)]
pub(crate) struct StdHost {
    /// By which jobs are timed.
    pub(crate) time: Time,
}

/// What it costs to wake a thread, in nanoseconds: a system call on one side, on the other the way through the scheduler.
/// Measured between 5 and 10 microseconds on machines of today; only the order of magnitude matters.
const WAKE_COST: u64 = 5_000;

/// Looks of a worker that finds nothing before it sleeps. About 20 microseconds, a few times what a wake-up costs.
const LOOKS: u32 = if cfg!(shuttle) { 1 } else { 12 };

/// Spin hints between two looks. Fewer looks pull the producers' cache lines less often.
const SPINS: u32 = if cfg!(shuttle) { 1 } else { 64 };

/// A pool that was idle for so long, in nanoseconds, gives back what its last burst took.
const TRIM_AFTER: u64 = 100_000_000;

/// See [`Host::relax`].
pub(crate) fn relax(round: u32) -> bool {
    round < LOOKS && !sys::is_simulated() && crowd::wait_a_moment(round, SPINS)
}

impl Host for StdHost {
    type Mutex = RawMutex;

    fn now(&self) -> Tick {
        sys::now()
    }

    fn time(&self) -> Tick {
        self.time.now()
    }

    fn wake_cost(&self) -> u64 {
        // Where the time stands still while threads run there is no measure.
        if sys::is_simulated() { 0 } else { WAKE_COST }
    }

    fn relax(&self, round: u32) -> bool {
        crowd::pause(round, relax)
    }

    fn trim_after(&self) -> Option<u64> {
        // One who sleeps until a time of a clock by hand is told of it only if it waits for no other.
        (!self.time.is_by_hand() && !sys::is_simulated()).then_some(TRIM_AFTER)
    }

    fn trim(&self, long: bool) -> bool {
        // Both.
        pages::trim(long) | spare::trim(long)
    }
}
