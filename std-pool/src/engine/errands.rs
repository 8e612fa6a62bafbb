//! Errands: what every thread of a pool does once, between two jobs. Who gives one waits until all have done it.
//!
//! | of | where | changes |
//! |---|---|---|
//! | the list | how many errands were ever given, how many threads there are to do one, which errands are open | under its lock |
//! | a thread | how many had been given when it last looked (in its frame) | by itself |
//!
//! A thread is *employed* from the decision to start it until it has nothing more to do, and has found no errand after that, by
//! one look under the lock. An errand is for those that are employed when it is given; one of them that could not be started has
//! nothing to do, and is taken off. So `left` of an errand is how many are employed that have not counted as far as its number,
//! and those in the middle of it.
//!
//! # Rules
//!
//! 1. What an open errand refers to is there: whoever gives one waits until none is left, and meanwhile nothing unwinds.

use std::cell::Cell;
use std::mem;
use std::ptr::NonNull;

use crate::engine::Engine;
use crate::here::call::Stays;
use crate::here::frame::NO_ERRANDS;
use crate::here::{blocking, frame};
use crate::sync::event::Event;
use crate::sync::time::Deadline;
use crate::sys::{Mutex, OnceLock};

/// What is done. It never panics.
pub(crate) type Errand<'e> = dyn Fn() + Sync + 'e;

struct Open {
    number: u64,
    left: usize,
    errand: NonNull<Errand<'static>>,
}

// SAFETY: rule 1, and an errand is called by any thread.
unsafe impl Send for Open {}

#[derive(Default)]
struct List {
    given: u64,
    employed: usize,
    /// The oldest first.
    open: Vec<Open>,
}

pub(crate) struct Errands {
    list: Mutex<List>,
    /// One was given, or is done.
    change: Event,
    /// There since the first was given, so that a program in which nobody broadcasts is spared it.
    work: OnceLock<fn(&Engine, &Cell<u64>, bool)>,
}

impl Errands {
    pub(crate) fn new() -> Self {
        Self { list: Mutex::new(List::default()), change: Event::default(), work: OnceLock::new() }
    }
}

impl List {
    /// One that a thread has not done.
    fn next(&self, done: &Cell<u64>) -> Option<&Open> {
        self.open.iter().find(|open| open.number > done.get())
    }
}

/// Does those that are left to a thread; or only counts them, if it has not come.
fn work(engine: &Engine, done: &Cell<u64>, has_come: bool) {
    let Errands { list, change, .. } = &engine.errands;
    loop {
        let Some((number, errand)) = list.lock().next(done).map(|open| (open.number, open.errand)) else {
            return;
        };
        // Before it is done: inside of it this thread may wait for another.
        done.set(number);
        if has_come {
            // SAFETY: rule 1: it is left to this thread.
            let errand = unsafe { errand.as_ref() };
            errand();
        }
        let is_over = {
            let mut list = list.lock();
            let index = list.open.iter().position(|open| open.number == number).expect("it is left to this thread");
            list.open[index].left -= 1;
            let is_over = list.open[index].left == 0;
            if is_over {
                list.open.remove(index);
                if list.open.is_empty() {
                    engine.core.end_errands();
                }
            }
            is_over
        };
        if is_over {
            change.notify();
        }
    }
}

impl Engine {
    /// A thread is about to be started. Returns where it stands.
    pub(crate) fn employ(&self) -> u64 {
        let mut list = self.errands.list.lock();
        list.employed += 1;
        list.given
    }

    /// A thread does what it has to.
    pub(crate) fn do_errands(&self, done: &Cell<u64>, has_come: bool) {
        if let Some(work) = self.errands.work.get() {
            work(self, done, has_come);
        }
    }

    /// The same for the last time: the thread is not employed any more.
    pub(crate) fn retire(&self, done: &Cell<u64>, has_come: bool) {
        loop {
            self.do_errands(done, has_come);
            let mut list = self.errands.list.lock();
            if list.next(done).is_none() {
                list.employed -= 1;
                done.set(NO_ERRANDS);
                return;
            }
        }
    }

    /// Has an errand done by all threads, the present one among them if it is one, and waits for it.
    pub(crate) fn give_errand(&self, errand: &Errand<'_>) {
        if self.is_elsewhere() {
            return;
        }
        // SAFETY: only the lifetime changes; rule 1.
        let errand = unsafe { mem::transmute::<NonNull<Errand<'_>>, NonNull<Errand<'static>>>(NonNull::from(errand)) };
        self.errands.work.get_or_init(|| work);
        let number = {
            let mut list = self.errands.list.lock();
            if list.employed == 0 {
                return;
            }
            list.given += 1;
            let (number, left) = (list.given, list.employed);
            list.open.push(Open { number, left, errand });
            self.core.begin_errands();
            number
        };
        let stays = Stays;
        self.wake_all();
        // Those who wait here as well.
        self.errands.change.notify();
        let is_done = || {
            frame::with_errands(self.address(), |done| self.do_errands(done, true));
            self.errands.list.lock().open.iter().all(|open| open.number != number)
        };
        blocking::anyway(|| self.errands.change.wait(Deadline::NEVER, is_done));
        mem::forget(stays);
    }
}
