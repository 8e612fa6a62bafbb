//! The bound of the queue: how many jobs wait in it, and how many may.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) struct Room {
    capacity: usize,
    waiting: AtomicUsize,
}

impl Room {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, waiting: AtomicUsize::new(0) }
    }

    /// One more job waits, if it may.
    pub(crate) fn enter(&self) -> bool {
        let one_more = |waiting| (waiting < self.capacity).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    /// A job that had left waits again: it was accepted once, so it may, and the next submit finds less room for it.
    pub(crate) fn enter_again(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// One job less waits.
    pub(crate) fn leave(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
