//! What is waited for in line: a pool, cohorts, a job.

use std::ptr;

use fastthreadpool_core::JobId;

use crate::engine::Engine;
use crate::engine::slot::Slot;
use crate::engine::turns::Turn;

/// What somebody waits for.
pub(crate) enum Awaits<'w> {
    /// Nothing is pending in a pool.
    Idle(&'w Engine),
    /// Each of these cohorts has been seen drained.
    Slots(Vec<&'w Slot>),
    /// The same, and nobody is excused: what it waits for borrows.
    Scope(&'w Slot),
    /// The end of a job.
    Job(&'w Engine, JobId),
}

impl Awaits<'_> {
    /// Whether the end of a turn is waited for.
    pub(super) fn includes(&self, turn: &Turn) -> bool {
        match self {
            Self::Idle(engine) => turn.engine == engine.address(),
            Self::Slots(slots) => slots.iter().any(|slot| turn.is_of(&slot.cohort)),
            Self::Scope(slot) => turn.is_of(&slot.cohort),
            Self::Job(engine, id) => turn.engine == engine.address() && turn.id == *id,
        }
    }

    /// Whether what is waited for may have to wait for the place of a turn.
    pub(super) fn may_need(&self, turn: &Turn) -> bool {
        self.includes(turn) || matches!(self, Self::Slots(slots) if slots.iter().any(|slot| turn.is_kin_of(slot)))
    }

    /// Calls `wait`, in which that is waited for: see [`Engine::attended`]. Of groups of several pools the first is worked for.
    pub(super) fn attended<R>(&self, wait: impl FnOnce() -> R) -> R {
        let engine = match self {
            Self::Idle(engine) | Self::Job(engine, _) => Some(*engine),
            Self::Slots(slots) => slots.first().map(|slot| slot.engine()),
            Self::Scope(slot) => Some(slot.engine()),
        };
        match engine {
            Some(engine) => engine.attended(wait),
            None => wait(),
        }
    }

    /// Whose jobs are waited for, if these may have to wait for a place.
    pub(super) fn engine(&self) -> Option<&Engine> {
        match self {
            Self::Idle(engine) => Some(engine),
            Self::Slots(slots) => slots.first().map(|slot| slot.engine()),
            Self::Scope(_) | Self::Job(..) => None,
        }
    }

    /// A waiter more, or less, for those who tell.
    pub(super) fn count(&self, comes: bool, is_inside: bool) {
        match self {
            Self::Idle(engine) => engine.count_idler(comes),
            Self::Slots(slots) => slots.iter().for_each(|slot| slot.count_waiter(comes, is_inside)),
            Self::Scope(slot) => {
                slot.engine().have_tells();
                slot.engine().core.barrier();
                slot.count_waiter(comes, false);
            }
            Self::Job(..) => {}
        }
    }

    /// The same, for the list.
    pub(super) fn forever(&self) -> Awaits<'static> {
        // SAFETY: rule 1 of `waits`: the waiter leaves the list before what is borrowed here is gone.
        unsafe {
            match self {
                Self::Idle(engine) => Awaits::Idle(&*ptr::from_ref(*engine)),
                Self::Slots(slots) => Awaits::Slots(slots.iter().map(|slot| &*ptr::from_ref(*slot)).collect()),
                Self::Scope(slot) => Awaits::Scope(&*ptr::from_ref(*slot)),
                Self::Job(engine, id) => Awaits::Job(&*ptr::from_ref(*engine), *id),
            }
        }
    }
}
