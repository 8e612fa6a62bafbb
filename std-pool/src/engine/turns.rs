//! The jobs that the present thread is inside of, and the places that they have in limited groups.
//!
//! A job that waits for its own group, or for one that needs its place there, would wait for itself. So it makes way:
//!
//! | it waits for | then |
//! |---|---|
//! | a job that waits for its place | that one begins in its place, and it goes on when that has ended |
//! | room in the queue of its group, of one inside or around it | it gives its place up, for good: what it does afterwards it does beside the others |
//! | one that will need its place, or all of its group, of one inside or beside it, or of the pool | the same |
//! | one that waits for what needs its place, itself or by others who wait | the same |

use std::mem;
use std::ops::ControlFlow;

use fastthreadpool_core::{Cohort, Exempt, JobId};

use crate::engine::Engine;
use crate::engine::slot::Slot;
use crate::here::frame::{self, Address, Kind};

/// A job that the present thread is inside of.
pub(crate) struct Turn {
    pub(crate) engine: Address,
    pub(crate) id: JobId,
    /// The cohorts that it counts in.
    pub(crate) cohorts: Vec<Address>,
    /// Their groups.
    owners: Vec<*mut ()>,
    /// It is one of a job that repeats.
    pub(crate) repeats: bool,
}

impl Turn {
    pub(crate) fn is_of(&self, cohort: &Cohort) -> bool {
        self.cohorts.contains(&Address::of(cohort))
    }

    /// Whether a job of the slot may need a place that this one has.
    pub(crate) fn is_kin_of(&self, slot: &Slot) -> bool {
        slot.chain().any(|slot| self.owners.contains(&slot.owner()))
    }
}

/// All of them, the innermost first.
pub(crate) fn turns() -> Vec<Turn> {
    let (mut turns, mut slot, mut repeats) = (Vec::new(), None, false);
    frame::walk_all(|frame| {
        let id = match frame.kind {
            Kind::Member(member) => {
                slot = slot.or(Some(member));
                None
            }
            Kind::Recurring(member) => {
                (slot, repeats) = (slot.or(Some(member)), true);
                None
            }
            Kind::Job(id) => Some(id),
            Kind::Worker(..) => {
                slot = slot.or_else(|| frame.base_member());
                frame.base_job()
            }
            Kind::Callback(_) | Kind::Tasks | Kind::Removal | Kind::Guest | Kind::Fork(_) => None,
        };
        if let Some(id) = id {
            let (slot, repeats) = (slot.take(), mem::take(&mut repeats));
            // Who helps with what was forked by one that it waits for is inside of some of them twice.
            if !turns.iter().any(|turn: &Turn| turn.engine == frame.engine && turn.id == id) {
                let (cohorts, owners) = slot.map_or_else(Default::default, |slot| {
                    // SAFETY: the frame is that of a job of the slot, which has not ended: the slot is there.
                    let slot = unsafe { slot.cast::<Slot>().as_ref() };
                    (slot.cohorts().map(Address::of).collect(), slot.chain().map(Slot::owner).collect())
                });
                turns.push(Turn { engine: frame.engine, id, cohorts, owners, repeats });
            }
        }
        ControlFlow::<()>::Continue(())
    });
    turns
}

impl Engine {
    /// A job gives up its place.
    pub(crate) fn go_without(&self, id: JobId) {
        self.perform_or_leave(self.core.go_without(id));
    }

    /// The present thread waits until a job of the group may come in, for which others may have to begin.
    pub(crate) fn give_way(&self, slot: &Slot) {
        let own = turns().into_iter().filter(|turn| turn.engine == self.address() && turn.is_kin_of(slot));
        own.for_each(|turn| self.go_without(turn.id));
    }

    /// The present thread waits for the end of a job. Returns whether that may begin now, and could not before.
    pub(crate) fn make_way(&self, id: JobId) -> bool {
        let own = turns().into_iter().filter(|turn| turn.engine == self.address());
        let mut may_begin = false;
        for turn in own {
            match self.core.exempt(id, turn.id) {
                Exempt::Free => {}
                Exempt::Ready => may_begin = true,
                Exempt::Behind => self.go_without(turn.id),
            }
        }
        may_begin
    }
}
