//! What a clock by hand shows, and who sleeps until a time of it: under one lock, so nobody sleeps past a moment.
#![forbid(unsafe_code)]

use std::sync::Weak;

use fastthreadpool_core::Tick;

use super::Inner;
use crate::engine::turned::Turned;
use crate::sys::thread::{self, Thread, ThreadId};

pub(super) struct Hands {
    pub(super) now: Tick,
    /// Who advances.
    pub(super) turner: Option<ThreadId>,
    /// Who sleeps until a time, and who was woken for it and has not left.
    pub(super) sleepers: Vec<Sleeper>,
    pub(super) pools: Vec<Weak<dyn Turned>>,
}

pub(super) struct Sleeper {
    pub(super) deadline: Tick,
    pub(super) thread: Thread,
    pub(super) is_worker: bool,
}

impl Hands {
    /// The times until which others than workers sleep.
    pub(super) fn waits(&self) -> impl Iterator<Item = Tick> + '_ {
        self.sleepers.iter().filter(|sleeper| !sleeper.is_worker).map(|sleeper| sleeper.deadline)
    }

    /// Workers that sleep, and are not about to get up because their time has come.
    pub(super) fn resting(&self) -> usize {
        let rests = |sleeper: &&Sleeper| !self.told().any(|told| told.thread.id() == sleeper.thread.id());
        self.sleepers.iter().filter(|sleeper| sleeper.is_worker).filter(rests).count()
    }

    /// Those whose time has come.
    pub(super) fn told(&self) -> impl Iterator<Item = &Sleeper> {
        self.sleepers.iter().filter(|sleeper| sleeper.deadline <= self.now)
    }
}

/// The present thread advances, until dropped.
pub(super) struct Turner<'c>(&'c Inner);

impl<'c> Turner<'c> {
    pub(super) fn begin(clock: &'c Inner) -> Self {
        clock.hands.lock().turner = Some(thread::current().id());
        Self(clock)
    }
}

impl Drop for Turner<'_> {
    fn drop(&mut self) {
        self.0.hands.lock().turner = None;
    }
}

/// In line, until dropped.
pub(super) struct InLine<'c>(&'c Inner);

impl Inner {
    /// `None` if the time has come.
    pub(super) fn line_up(&self, deadline: Tick, is_worker: bool) -> Option<InLine<'_>> {
        let mut hands = self.hands.lock();
        if deadline <= hands.now {
            return None;
        }
        hands.sleepers.push(Sleeper { deadline, thread: thread::current(), is_worker });
        Some(InLine(self))
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        let this = thread::current().id();
        let gone = {
            let mut hands = self.0.hands.lock();
            // The last: it may be in line as a worker of some pools, and because it waits.
            let index = hands.sleepers.iter().rposition(|sleeper| sleeper.thread.id() == this);
            index.map(|index| hands.sleepers.remove(index))
        };
        drop(gone);
    }
}
