//! How a job is admitted to a group: whether that takes jobs at all, and what becomes of one for which there is no room.
#![forbid(unsafe_code)]

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};

use fastthreadpool_core::{AcquireError, JobId, Phase, Tick};

use crate::engine::Engine;
use crate::engine::doom::Doom;
use crate::engine::slot::Slot;
use crate::engine::submit_error::SubmitError;
use crate::groups::arrivals::Arrivals;
use crate::groups::door::{Door, Line};
use crate::groups::inner::GroupCore;
use crate::groups::policy::WhenFull;
use crate::here::inside;
use crate::sync::time::Deadline;
use crate::sys::thread;

/// How often somebody looks for room or the oldest: one that comes is listed in a moment, and one that a worker has taken leaves in one.
const LOOKS: u32 = 100;

/// What is to be known of a job that wants to come in.
#[derive(Clone, Copy)]
pub(crate) struct Asks {
    /// It has waited for its room.
    pub(crate) has_room: bool,
    /// It only waits for its turn, and has not begun when it does: so it may be the oldest that goes.
    pub(crate) is_listed: bool,
    /// Who submits it may run it.
    pub(crate) may_run: bool,
}

impl Asks {
    /// One that waits for something else than its turn.
    pub(crate) const LATER: Self = Self { has_room: false, is_listed: false, may_run: false };
}

/// A job may come in.
pub(crate) struct Admitted<'s> {
    pub(crate) slot: &'s Slot,
    pub(crate) then: Then,
}

/// What is to be done when it was submitted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// Its id is to be listed.
    List,
    /// Who has submitted it runs it.
    Run,
}

/// Why a job may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Closed,
    Forked,
    TimedOut,
    WouldDeadlock,
}

impl Refusal {
    pub(crate) fn error(self) -> SubmitError<()> {
        match self {
            Self::Full => SubmitError::Full(()),
            Self::Closed => SubmitError::Closed(()),
            Self::Forked => SubmitError::Forked(()),
            Self::TimedOut => SubmitError::TimedOut(()),
            Self::WouldDeadlock => SubmitError::WouldDeadlock(()),
        }
    }

    pub(crate) fn of<F>(self, function: F) -> SubmitError<F> {
        self.error().map(|()| function)
    }
}

impl GroupCore {
    /// Passes the door, if there is one, and what became of the group.
    pub(super) fn admit(&self, engine: &Engine, asks: Asks) -> Result<Admitted<'_>, Refusal> {
        let Some(door) = &self.door else {
            let slot = self.open_slot(engine).ok_or(Refusal::Closed)?;
            return Ok(Admitted { slot, then: Then::Nothing });
        };
        // There the line may be locked by a thread that is not here.
        if engine.is_elsewhere() {
            return Err(Refusal::Forked);
        }
        let then = self.pass(engine, door, asks)?;
        if let Some(slot) = self.open_slot(engine) {
            return Ok(Admitted { slot, then });
        }
        door.leave();
        Err(Refusal::Closed)
    }

    /// Takes the room that it needs, or has it made.
    fn pass(&self, engine: &Engine, door: &Door, asks: Asks) -> Result<Then, Refusal> {
        if let Some(arrivals) = &door.arrivals {
            return self.displace(engine, door, arrivals, asks);
        }
        if asks.has_room || door.enter() {
            return Ok(Then::Nothing);
        }
        match self.policy.when_full {
            WhenFull::Wait => self.wait_for_room(engine, Deadline::NEVER).map(|()| Then::Nothing),
            WhenFull::RunHere if self.refuses(engine) => Err(Refusal::Closed),
            WhenFull::RunHere if asks.may_run && !engine.core.is_paused() => {
                door.overdraw();
                Ok(Then::Run)
            }
            WhenFull::Refuse | WhenFull::DropOldest | WhenFull::RunHere => Err(Refusal::Full),
        }
    }

    /// The same where the oldest goes.
    fn displace(&self, engine: &Engine, door: &Door, arrivals: &Arrivals, asks: Asks) -> Result<Then, Refusal> {
        let mut looks = 0;
        while looks < LOOKS {
            // Nobody goes for one that is not taken.
            if self.refuses(engine) {
                if asks.has_room {
                    door.leave();
                }
                return Err(Refusal::Closed);
            }
            if asks.has_room || door.enter() {
                return Ok(if asks.is_listed { Then::List } else { Then::Nothing });
            }
            if let Some(id) = arrivals.oldest() {
                engine.displace(id);
            } else {
                thread::yield_now();
                looks += 1;
            }
        }
        Err(Refusal::Full)
    }

    /// A job has come in, and may be the oldest some day.
    pub(super) fn list(&self, engine: &Engine, id: JobId) {
        if let Some(arrivals) = self.door.as_ref().and_then(|door| door.arrivals.as_ref()) {
            arrivals.list(id, |id| engine.core.is_waiting(id));
        }
    }

    /// Waits until a job may come in, and takes its room.
    pub(crate) fn wait_for_room(&self, engine: &Engine, deadline: Deadline<'_>) -> Result<(), Refusal> {
        let Some(door) = &self.door else { return Ok(()) };
        if engine.is_elsewhere() {
            return Err(Refusal::Forked);
        }
        if door.enter() {
            return Ok(());
        }
        if self.is_gated {
            engine.give_way(self.slot(engine));
        }
        let end = self.policy.deadline.unwrap_or(Tick::MAX);
        loop {
            let until = engine.time().until(deadline.tick.min(end));
            match engine.attended(|| door.wait(until, || self.refuses(engine))) {
                Ok(()) => return Ok(()),
                Err(AcquireError::WouldDeadlock) => return Err(Refusal::WouldDeadlock),
                Err(AcquireError::TimedOut) if self.refuses(engine) || engine.time().now() >= end => {
                    return Err(Refusal::Closed);
                }
                Err(AcquireError::TimedOut) => return Err(Refusal::TimedOut),
                Err(_) if self.is_shut_for_good(engine) => return Err(Refusal::Closed),
                Err(_) => {}
            }
        }
    }

    /// The same for a task, which keeps its place in `line`.
    pub(crate) fn poll_room<'d>(
        &'d self,
        engine: &Engine,
        line: &mut Option<Pin<Box<Line<'d>>>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Refusal>> {
        let Some(door) = &self.door else { return Poll::Ready(Ok(())) };
        if engine.is_elsewhere() {
            return Poll::Ready(Err(Refusal::Forked));
        }
        if line.is_none() && door.enter() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let polled = line.get_or_insert_with(|| Box::pin(door.line())).as_mut().poll(context);
            let is_shut = match polled {
                Poll::Pending => self.refuses(engine),
                Poll::Ready(Ok(())) => false,
                Poll::Ready(Err(_)) => self.is_shut_for_good(engine),
            };
            if is_shut {
                // With the room that it may have been given just now.
                *line = None;
                return Poll::Ready(Err(Refusal::Closed));
            }
            if polled.is_pending() {
                return Poll::Pending;
            }
            *line = None;
            if polled == Poll::Ready(Ok(())) {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// One of its jobs waits no more.
    pub(super) fn leave_door(&self) {
        if let Some(door) = &self.door {
            door.leave();
        }
    }

    /// It takes nothing any more: nobody waits for room.
    pub(crate) fn turn_away(&self) {
        if let Some(door) = &self.door {
            door.turn_away();
        }
    }

    /// What comes in when the queue is full needs more than that.
    pub(crate) fn is_followed_up(&self) -> bool {
        self.door.is_some() && matches!(self.policy.when_full, WhenFull::DropOldest | WhenFull::RunHere)
    }

    /// For one that was turned away. Jobs of a pool that is drained may go on submitting, and get in line again.
    fn is_shut_for_good(&self, engine: &Engine) -> bool {
        inside::source_in(engine.address()).is_none() || self.refuses(engine)
    }

    /// Whether it takes nothing that comes from the present thread.
    fn refuses(&self, engine: &Engine) -> bool {
        let is_pool_shut = match engine.core.phase() {
            Phase::Running => false,
            Phase::Draining => inside::source_in(engine.address()).is_none(),
            Phase::Stopping | Phase::Elsewhere => true,
        };
        is_pool_shut || self.open_slot(engine).is_none()
    }

    /// The slot for a job that comes now; none if the group takes nothing any more.
    fn open_slot(&self, engine: &Engine) -> Option<&Slot> {
        let mut slot = self.slot(engine);
        while self.is_closed() || slot.doom() != Doom::None {
            // A cancel puts another slot in the place of what it has doomed.
            self.cohorts.settle();
            let former = mem::replace(&mut slot, self.slot(engine));
            if self.is_closed() || ptr::eq(former, slot) && slot.doom() != Doom::None {
                return None;
            }
        }
        Some(slot)
    }
}
