//! The bound of a queue: how many jobs wait in it, and how many may.
#![forbid(unsafe_code)]

use crate::sys::atomic::{AtomicUsize, Ordering};

pub(crate) struct Door {
    capacity: usize,
    waiting: AtomicUsize,
}

impl Door {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, waiting: AtomicUsize::new(0) }
    }

    /// One more job waits, if it may.
    pub(crate) fn enter(&self) -> bool {
        let one_more = |waiting| (waiting < self.capacity).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    /// One job less waits.
    pub(crate) fn leave(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
