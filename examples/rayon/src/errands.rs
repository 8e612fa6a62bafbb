//! The errands of who has work for others: jobs of the pool of which each runs one piece of the work, the next in order, whichever that
//! is then. One that comes too late, because somebody was quicker, does nothing.
//!
//! Who runs a piece without an errand takes one back. Otherwise those that are too late would pile up as long as no thread is free.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use fastthreadpool::JobId;

/// As many as have not begun. Which these are is known as far as they begin in the order in which they were sent.
#[derive(Default)]
pub(crate) struct Errands {
    sent: VecDeque<JobId>,
    /// Those that have begun before it was said that they were sent.
    early: usize,
}

impl Errands {
    pub(crate) fn sent(&mut self, id: JobId) {
        if self.early == 0 {
            self.sent.push_back(id);
        } else {
            self.early -= 1;
        }
    }

    pub(crate) fn begun(&mut self) {
        if self.sent.pop_front().is_none() {
            self.early += 1;
        }
    }

    /// One that may be taken back, the last.
    pub(crate) fn spare(&mut self) -> Option<JobId> {
        self.sent.pop_back()
    }
}
