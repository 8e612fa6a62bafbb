//! Due jobs that begin in time though all workers are busy: while that is so, a thread looks now and then whether one is late, and has a
//! worker more started, which begins it, and others that are due, and ends.
//!
//! | the thread | while | looks |
//! |---|---|---|
//! | rests | a worker is parked, and so somebody minds the timers; or there is none | when one gets up, or comes |
//! | watches | all are busy | each time when a due job could have become late |
//!
//! By a clock by hand there is no such thread: who turns it looks, at each moment at which something is due, or could have become late.
//!
//! A worker that gets up counts itself as up before it tells, and the thread looks after it has got in line: so it does not rest while all
//! are busy.
#![forbid(unsafe_code)]

use std::time::Duration;

use fastthreadpool_core::{Phase, Tick};

use crate::engine::Engine;
use crate::engine::config::Watched;
use crate::sync::event::Event;
use crate::sync::time::Deadline;
use crate::sys::atomic::{AtomicUsize, Ordering};
use crate::sys::{self, Mutex};

/// How late due jobs may be, and with how many workers more than there are to be otherwise.
pub(crate) struct Punctual {
    /// In nanoseconds.
    leeway: u64,
    most: usize,
    /// Workers that are.
    parked: AtomicUsize,
    /// One is up, or there.
    came: Event,
    /// When something could be late, by a clock by hand.
    next: Mutex<Tick>,
}

impl Punctual {
    pub(crate) fn new(leeway: Duration, most: usize) -> Self {
        Self {
            leeway: sys::nanos(leeway),
            most,
            parked: AtomicUsize::new(0),
            came: Event::default(),
            next: Mutex::new(Tick::MAX),
        }
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
            Event::wait_any(&events, Deadline::NEVER, || (is_over() || self.are_all_busy(engine)).then_some(()));
            let leeway = engine.time().until(engine.time().now().saturating_add(self.leeway));
            Event::wait_any(&[&engine.quiet], leeway, || is_over().then_some(()));
            self.start_extra(engine);
        }
    }

    /// Has a worker more started if something is late.
    fn start_extra(&self, engine: &Engine) {
        let late = Tick(engine.time().now().0.saturating_sub(self.leeway));
        if self.are_all_busy(engine) && engine.core.is_late(late) {
            engine.perform_or_leave(engine.core.start_extra(self.most));
        }
    }
}

impl Watched for Punctual {
    fn turn(&self, engine: &Engine) -> Tick {
        self.start_extra(engine);
        let now = engine.time().now();
        let mut next = self.next.lock();
        let has_late = self.are_all_busy(engine) && engine.core.is_late(now);
        if !has_late {
            *next = Tick::MAX;
        } else if *next <= now || *next == Tick::MAX {
            // What is due was seen at its time, since the clock stops there.
            *next = now.saturating_add(self.leeway);
        }
        *next
    }

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
