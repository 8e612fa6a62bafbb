//! Due jobs that begin in time though all workers are busy: while that is so, a thread looks now and then whether one is late, and has a
//! worker more started, which begins it, and others that are due, and ends.
//!
//! | the thread | while | looks |
//! |---|---|---|
//! | rests | a worker is parked, and so somebody minds the timers; or there is none | when one gets up, or comes |
//! | watches | all are busy | each time when a due job could have become late |
//!
//! A worker that gets up counts itself as up before it tells, and the thread looks after it has got in line: so it does not rest while all
//! are busy.
#![forbid(unsafe_code)]

use std::time::Duration;

use fastthreadpool_core::{Phase, Tick};

use crate::engine::{Engine, Watched};
use crate::sync::event::Event;
use crate::sys;
use crate::sys::atomic::{AtomicUsize, Ordering};

/// How late due jobs may be, and with how many workers more than there are to be otherwise.
pub(crate) struct Punctual {
    /// In nanoseconds.
    leeway: u64,
    most: usize,
    /// Workers that are.
    parked: AtomicUsize,
    /// One is up, or there.
    came: Event,
}

impl Punctual {
    pub(crate) fn new(leeway: Duration, most: usize) -> Self {
        Self { leeway: sys::nanos(leeway), most, parked: AtomicUsize::new(0), came: Event::default() }
    }

    fn are_all_busy(&self, engine: &Engine) -> bool {
        self.parked.load(Ordering::SeqCst) == 0 && engine.core.alive() > 0
    }

    /// The thread: until nobody has the pool, and it has ended.
    pub(crate) fn watch(&self, engine: &Engine) {
        let core = &engine.core;
        let is_over = || engine.is_abandoned() && (core.phase() == Phase::Elsewhere || engine.is_ended());
        let events = [&self.came, &engine.quiet];
        while !is_over() {
            Event::wait_any(&events, Tick::MAX, || (is_over() || self.are_all_busy(engine)).then_some(()));
            Event::wait_any(&[&engine.quiet], sys::now().saturating_add(self.leeway), || is_over().then_some(()));
            let late = Tick(sys::now().0.saturating_sub(self.leeway));
            if self.are_all_busy(engine) && core.is_late(late) {
                engine.perform_or_leave(core.start_extra(self.most));
            }
        }
    }
}

impl Watched for Punctual {
    fn comes(&self) {
        self.came.notify();
    }

    fn parks(&self) {
        self.parked.fetch_add(1, Ordering::SeqCst);
    }

    fn gets_up(&self) {
        self.parked.fetch_sub(1, Ordering::SeqCst);
        self.came.notify();
    }
}
