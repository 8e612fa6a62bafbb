//! What is asked of an engine by who waits on one of its seats: which job it is in, and that somebody stands in for it.
#![forbid(unsafe_code)]

use std::ptr::NonNull;

use fastthreadpool_core::JobId;

use crate::engine::Engine;
use crate::here::frame::Employer;

impl Employer for Engine {
    fn base_job(&self, seat: usize) -> Option<JobId> {
        self.core.running_at(seat, 0)
    }

    fn base_member(&self, seat: usize) -> Option<NonNull<()>> {
        self.shown.at(seat).map(|slot| NonNull::from(slot).cast())
    }

    fn block(&self) -> bool {
        // Before it does not count as one that works any more.
        self.begin_looks();
        let duty = self.core.block();
        match duty {
            Some(duty) => self.perform_or_leave(duty),
            None => self.end_looks(),
        }
        duty.is_some()
    }

    fn unblock(&self) {
        self.core.unblock();
        self.end_looks();
    }

    fn attend(&self, wait: &mut dyn FnMut()) {
        Self::attend(self, wait);
    }
}
