//! What the kernel counted: processor time, and how often threads went to sleep.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// The one that measures and the watchdog.
const OWN_THREADS: usize = 2;

/// Returns when no thread of a peer is left. Some pools do not wait for theirs when they are dropped.
pub fn wait_until_alone() {
    let threads = || fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    while threads() > OWN_THREADS {
        thread::sleep(Duration::from_millis(1));
    }
}

/// So far, of all threads but the one that asks.
#[derive(Clone, Copy)]
pub struct Usage {
    pub processor: Duration,
    /// Voluntary context switches. A thread that sleeps and is woken makes one.
    pub sleeps: u64,
}

fn rusage(who: libc::c_int) -> libc::rusage {
    // SAFETY: all fields are integers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is one, and lives through the call.
    let failed = unsafe { libc::getrusage(who, &raw mut usage) };
    assert_eq!(failed, 0, "{who} is known to the kernel");
    usage
}

fn processor(usage: &libc::rusage) -> Duration {
    let time = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// How long something took, and the processor time of all threads for it.
pub struct Spent {
    pub time: Duration,
    pub processor: Duration,
}

/// Until those that look for more have given up: what they take is its price as well.
const GIVEN_UP: Duration = Duration::from_millis(2);

/// Does it and tells what it took.
pub fn spent(work: impl FnOnce()) -> Spent {
    let so_far = || processor(&rusage(libc::RUSAGE_SELF));
    let (before, began) = (so_far(), Instant::now());
    work();
    let time = began.elapsed();
    thread::sleep(GIVEN_UP);
    Spent { time, processor: so_far().saturating_sub(before) }
}

impl Spent {
    /// As two metrics: nanoseconds, divided.
    pub fn per(&self, divisor: f64) -> Vec<f64> {
        [self.time, self.processor].map(|time| time.as_secs_f64() * 1e9 / divisor).into()
    }
}

impl Usage {
    pub fn of_others() -> Self {
        let (all, mine) = (rusage(libc::RUSAGE_SELF), rusage(libc::RUSAGE_THREAD));
        Self {
            processor: processor(&all).saturating_sub(processor(&mine)),
            sleeps: (all.ru_nvcsw - mine.ru_nvcsw) as u64,
        }
    }

    pub fn since(self, earlier: Self) -> Self {
        Self {
            processor: self.processor.saturating_sub(earlier.processor),
            sleeps: self.sleeps.saturating_sub(earlier.sleeps),
        }
    }
}
