//! Jobs that run are told to stop, and some wait for that: a thread, or a task, in the middle of such a job.
//!
//! | a job is told to stop by | what says so |
//! |---|---|
//! | a cancel of it, or of all | its mark |
//! | a cancel of its group, a failure where that is to fail fast | the doom of its cohort, or of one around |
//! | the pool, when it stops | the phase |
//!
//! # A stop is not missed
//!
//! Who waits puts itself on the list, passes a barrier, and then looks; who tells jobs to stop passes one after it has said so, and
//! then asks whether there is a list: so one of the two sees the other. Each look says anew whom to wake, and whoever is woken is so
//! once.
//!
//! # Rules
//!
//! 1. The lock is held to list and to look, never to wake, and nothing of a user's is cloned or dropped under it.
#![forbid(unsafe_code)]

use fastthreadpool_core::{Park, Running, Unpark};

use crate::engine::Engine;
use crate::engine::slot::Slot;
use crate::here::blocking;
use crate::here::call::quietly;
use crate::sync::time::{Deadline, park};
use crate::sync::waiter::{ThisThread, Waiter};
use crate::sys::Mutex;

/// What a job is told to stop by.
#[derive(Clone, Copy)]
pub(crate) struct StopToken<'e> {
    engine: &'e Engine,
    /// None of a job that runs on a thread that is no worker.
    running: Option<Running>,
    slot: Option<&'e Slot>,
}

impl<'e> StopToken<'e> {
    pub(crate) fn new(engine: &'e Engine, running: Option<Running>, slot: Option<&'e Slot>) -> Self {
        Self { engine, running, slot }
    }

    /// Whether the job has been told to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        let is_stopped = match &self.running {
            Some(running) => self.engine.core.is_cancelled(running),
            None => self.engine.is_stopped(),
        };
        is_stopped || self.slot.is_some_and(|slot| slot.doom().stops())
    }

    /// Waits until then; false if the deadline comes first.
    pub(crate) fn wait(self, deadline: Deadline<'_>) -> bool {
        if self.is_stopped() {
            return true;
        }
        let listed = self.list();
        let wait = || {
            while !listed.look(ThisThread.unparker()) {
                if !park(deadline) {
                    return self.is_stopped();
                }
            }
            true
        };
        blocking::anyway(|| self.engine.attended(wait))
    }

    /// Puts the job on the list.
    pub(crate) fn list(self) -> Listed<'e> {
        let stops = self.engine.stops.get_or_init(|| Box::new(Stops::new()));
        let mut list = stops.list.lock();
        let number = list.next;
        list.next += 1;
        list.entries.push(Entry { number, running: self.running, slot: self.slot.map(Slot::forever), waiter: None });
        Listed { token: self, stops, number }
    }
}

/// Those who wait for a stop. There since the first came, so that a program in which nobody waits is spared them.
pub(crate) struct Stops {
    list: Mutex<List>,
    tell: fn(&Self, &Engine),
}

#[derive(Default)]
struct List {
    entries: Vec<Entry>,
    next: u64,
}

struct Entry {
    number: u64,
    running: Option<Running>,
    slot: Option<&'static Slot>,
    /// Whom to wake; nobody if that was done, or the next look is to come.
    waiter: Option<Waiter>,
}

impl Stops {
    fn new() -> Self {
        Self { list: Mutex::new(List::default()), tell: Self::tell }
    }

    /// Wakes those whose jobs have been told to stop.
    #[cold]
    fn tell(&self, engine: &Engine) {
        let mut woken: Vec<Waiter> = Vec::new();
        for entry in &mut self.list.lock().entries {
            if StopToken::new(engine, entry.running, entry.slot).is_stopped() {
                woken.extend(entry.waiter.take());
            }
        }
        for waiter in woken {
            // A waker is code of somebody else's, and the others are to be woken all the same.
            quietly(|| waiter.unpark());
        }
    }
}

/// A place on the list, until dropped.
pub(crate) struct Listed<'e> {
    token: StopToken<'e>,
    stops: &'e Stops,
    number: u64,
}

impl Listed<'_> {
    /// Whether the job has been told to stop. If not, `waiter` is woken when it is.
    pub(crate) fn look(&self, waiter: Waiter) -> bool {
        let former = {
            let mut list = self.stops.list.lock();
            let entry = list.entries.iter_mut().find(|entry| entry.number == self.number);
            entry.and_then(|entry| entry.waiter.replace(waiter))
        };
        drop(former);
        self.token.engine.core.barrier();
        self.token.is_stopped()
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let entry = {
            let mut list = self.stops.list.lock();
            let index = list.entries.iter().position(|entry| entry.number == self.number);
            index.map(|index| list.entries.swap_remove(index))
        };
        drop(entry);
    }
}

impl Engine {
    /// Some of what runs has been told to stop: those who wait for that may see it now.
    pub(crate) fn tell_stopped(&self) {
        self.core.barrier();
        // Those who wait for room for what they emit.
        self.quiet.notify();
        if let Some(stops) = self.stops.get() {
            (stops.tell)(stops, self);
        }
    }
}
