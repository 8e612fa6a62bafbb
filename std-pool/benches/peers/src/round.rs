//! A round of many jobs: the last one to end wakes the thread that measures.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Instant;

static LEFT: AtomicUsize = AtomicUsize::new(0);
static MEASURING: OnceLock<Thread> = OnceLock::new();

/// Says that this thread measures.
pub fn begin() {
    MEASURING.get_or_init(thread::current);
}

/// So many jobs are to come.
pub fn expect(jobs: usize) {
    LEFT.store(jobs, Ordering::SeqCst);
}

/// So many of them have ended.
#[inline(always)]
pub fn ended(jobs: usize) {
    if LEFT.fetch_sub(jobs, Ordering::AcqRel) == jobs {
        MEASURING.get().expect("somebody measures").unpark();
    }
}

/// Waits until all have.
pub fn wait() {
    while LEFT.load(Ordering::Acquire) > 0 {
        thread::park();
    }
}

/// Nanoseconds for each of so many jobs, from the first submit to the last end.
pub fn nanos_each(jobs: usize, submit: impl FnOnce()) -> f64 {
    expect(jobs);
    let began = Instant::now();
    submit();
    wait();
    nanos(began) / jobs as f64
}

pub fn nanos(began: Instant) -> f64 {
    began.elapsed().as_nanos() as f64
}
