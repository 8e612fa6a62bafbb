//! Room in a bounded done queue. What is free is counted by the gate of the group; what the gate does not know is here.
//!
//! At any time `capacity = free + held by jobs that run + results in the queue - owed`.
//!
//! | what happens | free | held | in the queue | owed |
//! |---|---|---|---|---|
//! | a job that will leave a result is let through; a result is to come | - 1 | + 1 | | |
//! | it comes | | - 1 | + 1 | |
//! | its job fails, and gives the room back: as one that is read, below | + 1, or | - 1 | | - 1 |
//! | one comes without room: nobody could read one, and all room is held for what jobs will return; or who runs it cannot wait | | | + 1 | + 1 |
//! | one is read, and one is owed | | | - 1 | - 1 |
//! | one is read, and none is | + 1 | | - 1 | |
//!
//! A word of its own is enough for what is owed: who pays it off takes nothing from the gate, and who does not gives to it.
#![forbid(unsafe_code)]

use fastthreadpool_core::{Duty, Gate, WITHOUT_END};

use crate::engine::Engine;
use crate::groups::inner::GroupCore;
use crate::sys::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What the gate does not know of it.
#[derive(Default)]
pub(super) struct Room {
    owed: AtomicUsize,
    /// Results take no room any more.
    is_lifted: AtomicBool,
}

impl GroupCore {
    /// The gate, if results take room.
    fn room_gate(&self) -> Option<Gate> {
        self.gate().filter(|_| self.policy.done_capacity.is_some())
    }

    /// Room for one more result of a job that runs, if results take room.
    pub(crate) fn take_room(&self, engine: &Engine) -> bool {
        self.room_gate().is_none_or(|gate| engine.core.take_room(gate))
    }

    /// One result comes for which there is no room.
    pub(crate) fn owe_room(&self) {
        self.room.owed.fetch_add(1, Ordering::Relaxed);
    }

    /// The same, unless another one has.
    pub(crate) fn owe_first(&self) -> bool {
        self.room.owed.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// It is given back; returns whether results take any.
    pub(super) fn give_room(&self, engine: &Engine) -> bool {
        let Some(gate) = self.room_gate() else { return false };
        let pay = |owed: usize| owed.checked_sub(1);
        if self.room.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay).is_err() {
            engine.perform_or_leave(engine.core.give(gate, 0, 1));
        }
        true
    }

    /// Results take no room any more: nobody is left who reads them.
    pub(crate) fn lift(&self, engine: &Engine) -> Duty {
        match self.room_gate() {
            Some(gate) if !self.room.is_lifted.swap(true, Ordering::Relaxed) => engine.core.give(gate, 0, WITHOUT_END),
            _ => Duty::Nothing,
        }
    }
}
