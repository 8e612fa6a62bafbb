//! Due jobs that begin in time though all workers are busy: while that is so, a thread looks now and then whether one is late, and has a
//! worker more started, which begins it, and others that are due, and ends.
//!
//! | the thread | while | looks |
//! |---|---|---|
//! | rests | a worker has nothing to do, who would mind the timers, or none has been started | when a worker gets up |
//! | watches | all are busy | each time when a due job could have become late |
//!
//! A worker that gets up says so after it counts as awake, and the thread looks after it has got in line: so it does not rest while all are
//! busy.
#![forbid(unsafe_code)]

use std::time::Duration;

use fastthreadpool_core::{Phase, Tick};

use crate::engine::Engine;
use crate::sync::event::Event;
use crate::sys;

/// How late due jobs may be, and with how many workers more than there are to be otherwise.
pub(crate) struct Punctual {
    /// In nanoseconds.
    leeway: u64,
    most: usize,
    /// A worker has got up.
    got_up: Event,
}

impl Punctual {
    pub(crate) fn new(leeway: Duration, most: usize) -> Self {
        Self { leeway: sys::nanos(leeway), most, got_up: Event::default() }
    }

    /// A worker is awake that was asleep, or not there.
    pub(crate) fn got_up(&self) {
        self.got_up.notify();
    }

    /// The thread: until nobody has the pool, and it has ended.
    pub(crate) fn watch(&self, engine: &Engine) {
        let core = &engine.core;
        let is_over = || engine.is_abandoned() && (core.phase() == Phase::Elsewhere || engine.is_ended());
        let events = [&self.got_up, &engine.quiet];
        while !is_over() {
            Event::wait_any(&events, Tick::MAX, || (is_over() || core.are_all_busy()).then_some(()));
            Event::wait_any(&[&engine.quiet], sys::now().saturating_add(self.leeway), || is_over().then_some(()));
            let late = Tick(sys::now().0.saturating_sub(self.leeway));
            if core.are_all_busy() && core.is_late(late) {
                engine.perform_or_leave(core.start_extra(self.most));
            }
        }
    }
}
