//! The std host: threads that park, the monotonic clock in nanoseconds, a word-sized mutex.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::task::Waker;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use fastthreadpool_core::{Host, Park, Tick, Unpark};

/// The host of every pool on std.
#[derive(Debug)]
pub(crate) struct StdHost;

/// What it costs to wake a thread, in nanoseconds: a system call on one side, on the other the way through the scheduler.
/// Measured between 5 and 10 microseconds on machines of today; only the order of magnitude matters.
const WAKE_COST: u64 = 5_000;

/// Looks of a worker that finds nothing before it sleeps. About 20 microseconds, a few times what a wake-up costs.
const LOOKS: u32 = 12;

/// Spin hints between two looks. Fewer looks pull the producers' cache lines less often.
const SPINS: u32 = 64;

impl Host for StdHost {
    type Mutex = parking_lot::RawMutex;

    fn now(&self) -> Tick {
        tick(Instant::now())
    }

    fn wake_cost(&self) -> u64 {
        WAKE_COST
    }

    fn relax(&self, round: u32) -> bool {
        if round >= LOOKS {
            return false;
        }
        for _ in 0..SPINS {
            std::hint::spin_loop();
        }
        // With more threads than processors the one that has work for us may be waiting for this one.
        thread::yield_now();
        true
    }
}

/// Where the ticks begin: some time before anything is measured, so that no instant of interest lies before it.
fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(|| {
        let now = Instant::now();
        now.checked_sub(Duration::from_secs(3600)).unwrap_or(now)
    })
}

/// An instant as a tick; what lies outside the range is cut off at its end.
pub(crate) fn tick(instant: Instant) -> Tick {
    Tick(nanos(instant.saturating_duration_since(origin())))
}

/// A tick as an instant; `None` for the end of time.
pub(crate) fn instant(tick: Tick) -> Option<Instant> {
    (tick < Tick::MAX).then(|| origin().checked_add(Duration::from_nanos(tick.0)))?
}

/// A duration in ticks, cut off at the end of the range (584 years).
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The present thread as something that parks.
#[derive(Debug)]
pub(crate) struct ThisThread;

/// Whom a semaphore wakes: a thread, or a task.
#[derive(Clone, Debug)]
pub struct Waiter(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Thread(Thread),
    Task(Waker),
}

impl From<Waker> for Waiter {
    fn from(waker: Waker) -> Self {
        Self(Kind::Task(waker))
    }
}

impl Unpark for Waiter {
    fn unpark(&self) {
        match &self.0 {
            Kind::Thread(thread) => thread.unpark(),
            Kind::Task(waker) => waker.wake_by_ref(),
        }
    }
}

impl Park for ThisThread {
    type Unpark = Waiter;

    fn unparker(&self) -> Waiter {
        Waiter(Kind::Thread(thread::current()))
    }

    fn park(&self) {
        thread::park();
    }

    fn park_until(&self, deadline: Tick) {
        match instant(deadline) {
            Some(deadline) => thread::park_timeout(deadline.saturating_duration_since(Instant::now())),
            None => thread::park(),
        }
    }
}
