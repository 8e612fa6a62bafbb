//! What a scope's own thread keeps for it without a lock: turns, and the ids of jobs; and the same of other threads, with one.
//!
//! # Rules
//!
//! 1. [`Own`] is touched by the thread alone that has made the scope, and for as long as a call of a function here. These run no
//!    code of users.
//! 2. Who asks which thread it is compares the places of thread-local variables: no two threads that live have the same, and
//!    the scope's own lives as long as the scope.
//! 3. Turns are accepted several at a time, and handed back, where jobs are waited for, if no job had them. So each job has one
//!    that was accepted before it was submitted.

use std::cell::UnsafeCell;

use fastthreadpool_core::{JobId, JobIds};

use crate::engine::Core;
use crate::engine::slot::Slot;
use crate::here::frame::{self, Address};
use crate::sys::Mutex;
use crate::sys::thread::{self, Thread};

/// Turns that are accepted at a time: as many as before, up to so many.
const TURNS: usize = if cfg!(shuttle) { 2 } else { 32 };

/// The turns of a scope, and which of its jobs may not have begun.
pub(super) struct Kept {
    owner: Address,
    own: UnsafeCell<Own>,
    others: Mutex<Others>,
}

/// What other threads have submitted, for the scope's own.
#[derive(Default)]
struct Others {
    ids: Ids,
    /// It has seen that there is nothing, and sleeps: who submits something wakes it.
    waiter: Option<Thread>,
}

#[derive(Default)]
struct Own {
    turns: usize,
    /// How many were accepted in all.
    accepted: usize,
    ids: Ids,
}

/// Ranges of ids, the latest last.
#[derive(Default)]
struct Ids(Vec<JobIds>);

// SAFETY: rule 1; the rest is locked.
unsafe impl Sync for Kept {}

impl Kept {
    /// Of a scope of the present thread.
    pub(super) fn new() -> Self {
        Self { owner: frame::thread(), own: UnsafeCell::default(), others: Mutex::default() }
    }

    /// Whether the present thread is the scope's own.
    #[inline]
    pub(super) fn is_own(&self) -> bool {
        frame::thread() == self.owner
    }

    /// Does something with what is the present thread's, if that is the scope's own.
    #[inline]
    fn own<R>(&self, f: impl FnOnce(&mut Own) -> R) -> Option<R> {
        // SAFETY: rule 1: nobody else touches it, and nobody does so twice, since the functions here do not call each other inside.
        self.is_own().then(|| f(unsafe { &mut *self.own.get() }))
    }

    /// A turn for a job that is to be submitted.
    #[inline]
    pub(super) fn accept(&self, slot: &Slot) {
        let accept = |own: &mut Own| {
            if own.turns == 0 {
                own.turns = own.accepted.clamp(1, TURNS);
                slot.accept_several(own.turns, own.accepted);
                own.accepted += own.turns;
            }
            own.turns -= 1;
        };
        if self.own(accept).is_none() {
            slot.accept();
        }
    }

    /// The turns that no job had.
    pub(super) fn hand_back(&self, slot: &Slot) {
        let turns = self.own(|own| std::mem::take(&mut own.turns)).unwrap_or(0);
        if turns > 0 {
            slot.hand_back_several(turns);
        }
    }

    /// A job was submitted.
    #[inline]
    pub(super) fn keep(&self, id: JobId) {
        if self.own(|own| own.ids.push(id)).is_none() {
            self.keep_of_others(id);
        }
    }

    #[inline(never)]
    fn keep_of_others(&self, id: JobId) {
        let waiter = {
            let mut others = self.others.lock();
            others.ids.push(id);
            others.waiter.take()
        };
        waiter.inspect(Thread::unpark);
    }

    /// The latest job that nobody has taken, for the scope's own thread.
    pub(super) fn last_untaken(&self, core: &Core) -> Option<JobId> {
        let of_others = || self.others.lock().ids.last_untaken(core);
        self.own(|own| own.ids.last_untaken(core)).flatten().or_else(of_others)
    }

    /// Whether other threads have submitted jobs that nobody has looked for. If not, the first who does wakes this one, the scope's own.
    pub(super) fn has_others_or_waits(&self) -> bool {
        debug_assert!(self.is_own());
        let mut others = self.others.lock();
        let has_others = !others.ids.0.is_empty();
        others.waiter = (!has_others).then(thread::current);
        has_others
    }
}

impl Ids {
    #[inline]
    fn push(&mut self, id: JobId) {
        if !self.0.last_mut().is_some_and(|last| last.push(id)) {
            self.begin(id);
        }
    }

    #[cold]
    fn begin(&mut self, id: JobId) {
        self.0.extend(JobIds::of(id));
    }

    fn last_untaken(&mut self, core: &Core) -> Option<JobId> {
        loop {
            let id = core.last_untaken(self.0.last_mut()?);
            if id.is_some() {
                return id;
            }
            self.0.pop();
        }
    }
}
