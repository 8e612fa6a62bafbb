//! What the kernel counted: processor time, and how often threads went to sleep.

use std::fs;
use std::thread;
use std::time::Duration;

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
