//! What a clock by hand asks of the pools that follow it, each time that it is turned: so that nothing of a pool need sleep until a time of
//! that clock but those who wait, and who turns it knows when all that has come of it.
#![forbid(unsafe_code)]

use fastthreadpool_core::Tick;

use crate::engine::Engine;
use crate::here::inside;

/// A pool that follows a clock by hand.
pub(crate) trait Turned: Send + Sync {
    /// Its address, by which those who wait in its jobs are known.
    fn place(&self) -> usize;

    /// Whether the present thread is inside of one of its jobs.
    fn is_present(&self) -> bool;

    /// When something is due, or over, at the earliest; [`Tick::MAX`] for never.
    fn next(&self) -> Tick;

    /// Whether something is over at that time.
    fn has_limit(&self, now: Tick) -> bool;

    /// What is due begins as soon as there is a worker for it.
    fn begin(&self);

    /// Runs what may begin, if it has no threads for that. Returns whether there was something.
    fn work(&self) -> bool;

    /// How many turns have become due, or come otherwise than through the queues.
    fn came(&self) -> usize;

    /// What is to have begun or ended by now, and has not, is removed, or told so; what is late gets a worker.
    fn expire(&self);

    /// How many workers sleep, if the others do nothing but wait.
    fn quiet(&self) -> Option<usize>;

    /// How many turns have ended.
    fn ended(&self) -> usize;
}

impl Turned for Engine {
    fn place(&self) -> usize {
        self.address().get::<()>().addr()
    }

    fn is_present(&self) -> bool {
        inside::is_in(self.address())
    }

    fn next(&self) -> Tick {
        if self.is_elsewhere() {
            return Tick::MAX;
        }
        let late = self.config.watched.as_ref().map_or(Tick::MAX, |watched| watched.turn(self));
        self.core.next_due().unwrap_or(Tick::MAX).min(self.next_limit()).min(late)
    }

    fn has_limit(&self, now: Tick) -> bool {
        self.next_limit() <= now
    }

    fn begin(&self) {
        if self.is_elsewhere() {
            return;
        }
        self.core.expire();
        if self.core.has_visible_work() {
            self.perform_or_leave(self.core.demand());
        }
    }

    fn work(&self) -> bool {
        self.config.attends.is_some_and(|attends| (attends.work)(self))
    }

    fn came(&self) -> usize {
        self.core.came()
    }

    fn expire(&self) {
        if !self.is_elsewhere() {
            self.expire_limits();
            self.config.watched.as_ref().inspect(|watched| _ = watched.turn(self));
        }
    }

    fn quiet(&self) -> Option<usize> {
        // Where no thread can be started nobody is waited for.
        let is_left = || self.is_elsewhere() || (self.core.alive() == 0 && !self.may_begin());
        self.core.quiet().or_else(|| is_left().then_some(0))
    }

    fn ended(&self) -> usize {
        self.core.ended()
    }
}

impl Engine {
    /// Whether there is a thread for what there is, which is asked for again.
    fn may_begin(&self) -> bool {
        !self.core.has_visible_work() || self.perform(self.core.demand()).is_ok()
    }

    /// The present thread, in the middle of a job, is about to wait.
    pub(crate) fn begin_looks(&self) {
        self.time().waits(|| self.place());
    }

    /// The wait is over.
    pub(crate) fn end_looks(&self) {
        self.time().goes_on();
    }
}
