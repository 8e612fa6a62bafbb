//! The firmware's jobs, and the log of what they did.

use core::cell::RefCell;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

use critical_section::Mutex;
use fastthreadpool_core::{Running, Tick};

use crate::port::{self, POOL, Signal, ThisTask, now};

/// Room for so many queued jobs.
pub(crate) const JOBS: usize = 8;
/// Room for so many timed or urgent jobs.
pub(crate) const TIMERS: usize = 6;

/// A job is an enum: a word or two in the ring, no pointers, and a `match` instead of a call through one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Is in the log, and that is all.
    Note(u32),
    /// Waits for a permit of [`GATE`], and so keeps its worker.
    Hold,
    /// Computes for as long as it is let, and says so in the log when it is told to stop.
    Crunch,
    /// One of many: counted, not in the log.
    Count,
}

/// Released for each [`Job::Hold`] that may go on.
pub(crate) static GATE: Signal = Signal::new(0);
/// How many times [`Job::Count`] has run.
pub(crate) static COUNTED: AtomicUsize = AtomicUsize::new(0);

impl Job {
    pub(crate) fn run(self, running: &Running) {
        match self {
            Self::Note(_) => log(self),
            Self::Hold => {
                log(self);
                GATE.acquire(1, &ThisTask).expect("nobody closes it");
            }
            Self::Crunch => {
                while !POOL.is_cancelled(running) {
                    core::hint::spin_loop();
                }
                log(self);
            }
            Self::Count => {
                let number = COUNTED.load(Ordering::Relaxed);
                // Most are short; with the long ones the queue overflows now and then.
                cortex_m::asm::delay(if number.is_multiple_of(128) { 40_000 } else { 100 });
                if number.is_multiple_of(8) {
                    crate::count(port::submit(self));
                }
                COUNTED.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Which job, when, on a worker of which priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) job: Job,
    pub(crate) tick: Tick,
    pub(crate) priority: u32,
}

const LINES: usize = 16;
static LOG: Mutex<RefCell<Log>> = Mutex::new(RefCell::new(Log { entries: [None; LINES], len: 0 }));

/// What the jobs did since the log was taken last.
#[derive(Clone, Copy)]
pub(crate) struct Log {
    entries: [Option<Entry>; LINES],
    len: usize,
}

impl Log {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Entry> {
        self.entries.iter().flatten().copied()
    }

    /// Whether these jobs ran, in this order.
    pub(crate) fn is_of(&self, jobs: &[Job]) -> bool {
        self.iter().map(|entry| entry.job).eq(jobs.iter().copied())
    }
}

unsafe extern "C" {
    fn uxTaskPriorityGet(task: *mut c_void) -> u32;
}

fn log(job: Job) {
    // SAFETY: asks for the priority of the task that calls.
    let priority = unsafe { uxTaskPriorityGet(ptr::null_mut()) };
    let entry = Entry { job, tick: now(), priority };
    critical_section::with(|cs| {
        let mut log = LOG.borrow_ref_mut(cs);
        let place = log.len;
        assert!(place < LINES, "FAILED: more jobs ran than ever were submitted");
        log.entries[place] = Some(entry);
        log.len += 1;
    });
}

/// Takes the log, and begins a new one.
pub(crate) fn take_log() -> Log {
    critical_section::with(|cs| LOG.replace(cs, Log { entries: [None; LINES], len: 0 }))
}
