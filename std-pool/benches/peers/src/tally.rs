//! Counts the jobs that have run, at no cost to speak of: each thread has a counter of its own, and one that is shared
//! would be most of what there is to measure.

use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};

/// As large as what processors fetch at once, so that no two threads share it.
#[repr(align(128))]
struct Counter(AtomicU64);

static COUNTERS: Mutex<Vec<&'static Counter>> = Mutex::new(Vec::new());

thread_local! {
    static MINE: Cell<Option<&'static Counter>> = const { Cell::new(None) };
}

/// Called by the jobs.
pub fn count(jobs: u64) {
    let counter = MINE.get().unwrap_or_else(register);
    // Nobody else writes; a read-modify-write would cost what it is meant to save.
    counter.0.store(counter.0.load(Ordering::Relaxed) + jobs, Ordering::Release);
}

#[cold]
fn register() -> &'static Counter {
    // It outlives its thread, so that nothing counted is lost.
    let counter = Box::leak(Box::new(Counter(AtomicU64::new(0))));
    COUNTERS.lock().expect("nobody panics here").push(counter);
    MINE.set(Some(counter));
    counter
}

fn total() -> u64 {
    COUNTERS.lock().expect("nobody panics here").iter().map(|counter| counter.0.load(Ordering::Acquire)).sum()
}

/// A number of jobs that are to be counted from now on.
pub struct Expected {
    total: u64,
    signals: Arc<Signals>,
}

/// What the last jobs of the producers use to wake the one that waits.
pub struct Signals {
    missing: AtomicUsize,
    waiter: Thread,
}

impl Signals {
    pub fn new(number: usize) -> Arc<Self> {
        Arc::new(Self { missing: AtomicUsize::new(number), waiter: thread::current() })
    }

    pub fn give(&self) {
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waiter.unpark();
        }
    }

    pub fn wait(&self) {
        while self.missing.load(Ordering::Acquire) > 0 {
            thread::park();
        }
    }
}

impl Expected {
    /// So many jobs, and after them so many that signal the end, one for each producer.
    pub fn new(jobs: usize, producers: usize) -> Self {
        Self { total: total() + jobs as u64, signals: Signals::new(producers) }
    }

    /// The job that a producer submits after its others.
    pub fn last(&self) -> impl FnOnce() + Send + 'static {
        let signals = Arc::clone(&self.signals);
        move || signals.give()
    }

    /// Returns when all have been counted; the caller sleeps until the last have begun, so it takes nobody's processor.
    pub fn wait(self) {
        self.signals.wait();
        loop {
            let counted = total();
            assert!(counted <= self.total, "{} jobs ran twice", counted - self.total);
            if counted == self.total {
                return;
            }
            (0..64).for_each(|_| spin_loop());
            thread::yield_now();
        }
    }
}
