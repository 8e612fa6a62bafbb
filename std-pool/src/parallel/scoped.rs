//! The job of a scope: its turn, and where its value goes.
//!
//! # Why borrowing is sound
//!
//! A scoped job may borrow for `'scope`, which outlives the call of [`Group::scope`](crate::Group::scope). That call does not
//! return, by value or by panic, before the scope's cohort is drained; and a job's turn ends only after its function has been
//! consumed or dropped, and after its value was left or dropped. A job that is not to begin is dropped, and then its turn ends.
//!
//! The slot of the cohort is the engine's, and is there as long: so who ends the last turn may look at it, though the scope is
//! gone by then.

use std::marker::PhantomData;
use std::mem;
use std::ptr::NonNull;
use std::sync::Arc;

use fastthreadpool_core::{End, Pack, Ran, Run};

use crate::engine::Payload;
use crate::engine::doom::Doom;
use crate::engine::slot::Slot;
use crate::engine::stow::{stow, unstow};
use crate::engine::worker::Env;
use crate::here::call::{Panic, catch, drop_quietly};
use crate::results::outcome::JobError;
use crate::sync::packet::Packet;
use crate::sys::Mutex;
use crate::sys::atomic::{AtomicBool, Ordering};

/// What jobs leave behind before their turns end.
pub(super) struct State {
    pub(super) panic: Mutex<Option<Panic>>,
    pub(super) stops_on_panic: AtomicBool,
}

impl State {
    /// Whether the scope is to stop when something has panicked.
    pub(super) fn stops(&self) -> bool {
        self.stops_on_panic.load(Ordering::Relaxed)
    }

    /// Keeps the first panic; others are dropped with no lock held.
    pub(super) fn keep(&self, panic: Panic) {
        let mut first = self.panic.lock();
        if first.is_none() {
            *first = Some(panic);
        } else {
            drop(first);
            drop(panic);
        }
    }
}

/// What has not begun is not to begin, and what runs is to stop: those who wait for that are told.
pub(super) fn stop(slot: &Slot, why: Doom) {
    if slot.set_doom(why) {
        slot.engine().tell_stopped();
    }
}

/// A turn of a scope that has not ended.
pub(super) struct Turn(pub(super) NonNull<Slot>);

// SAFETY: a slot is shared between threads.
unsafe impl Send for Turn {}

impl Turn {
    fn slot(&self) -> &Slot {
        // SAFETY: a slot is there as long as its engine, and a job is inside of that.
        unsafe { self.0.as_ref() }
    }

    /// What is on the stack of the scope's owner, who waits for this turn.
    fn state(&self) -> &State {
        // SAFETY: the owner was set to the state of a scope, which does not return before this turn has ended.
        unsafe { &*self.slot().owner().cast::<State>() }
    }

    /// The job has panicked; the scope keeps that, if nobody else is told of it.
    #[cold]
    fn fail<U>(self, to: impl Leave<U>, panic: Panic) {
        let state = self.state();
        if state.stops() {
            stop(self.slot(), Doom::FailFast);
        }
        if let Some(panic) = to.leave(Err(panic)) {
            state.keep(panic);
        }
        self.end(End::Failed);
    }

    fn end(self, end: End) {
        let slot = self.0;
        mem::forget(self);
        // SAFETY: as in `slot`.
        unsafe { slot.as_ref() }.end(end);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.slot().end(End::Cancelled);
    }
}

/// Where the value of a scoped job goes.
pub(super) trait Leave<U>: Send {
    /// Begun even if the scope was told to stop.
    const BEGINS_ANYWAY: bool = false;

    /// Returns the panic, if it is the scope's to pass on.
    fn leave(self, result: Result<U, Panic>) -> Option<Panic>;
}

/// Nowhere; a panic is the scope's.
pub(super) struct Nowhere;

impl Leave<()> for Nowhere {
    fn leave(self, result: Result<(), Panic>) -> Option<Panic> {
        result.err()
    }
}

/// The same of a helper, which drops tasks if the scope was told to stop.
pub(super) struct Helping;

impl Leave<()> for Helping {
    const BEGINS_ANYWAY: bool = true;

    fn leave(self, result: Result<(), Panic>) -> Option<Panic> {
        result.err()
    }
}

/// To a handle; one that is dropped before it is filled leaves word that the job was not run.
pub(super) struct ToHandle<U>(pub(super) Option<Arc<Packet<Result<U, JobError>>>>);

impl<U: Send> Leave<U> for ToHandle<U> {
    fn leave(mut self, result: Result<U, Panic>) -> Option<Panic> {
        if let Some(packet) = self.0.take() {
            packet.fill(result.map_err(JobError::Panicked));
            // Where nobody has the handle any more that drops the user's value.
            if mem::needs_drop::<U>() {
                drop_quietly(packet);
            }
        }
        None
    }
}

impl<U> Drop for ToHandle<U> {
    fn drop(&mut self) {
        if let Some(packet) = self.0.take() {
            packet.fill(Err(JobError::Cancelled));
        }
    }
}

pub(super) struct Scoped<F, L, U> {
    pub(super) function: F,
    pub(super) to: L,
    // After all that borrows: fields are dropped in order.
    pub(super) turn: Turn,
    pub(super) value: PhantomData<fn() -> U>,
}

impl<F: FnOnce() -> U + Send, L: Leave<U>, U> Run<Env> for Scoped<F, L, U> {
    fn run(self, env: &mut Env) -> Ran<Self> {
        let Self { function, to, turn, .. } = self;
        if !L::BEGINS_ANYWAY && turn.slot().doom() != Doom::None {
            drop_quietly(function);
            drop_quietly(to);
            turn.end(End::Cancelled);
            return Ran::Over(End::Cancelled);
        }
        // Shown until it has ended, and so is its turn.
        let slot = turn.0;
        // SAFETY: a slot is there as long as its engine.
        let showing = env.engine.shown.show(env.seat(), unsafe { slot.as_ref() });
        match showing.run(env, || catch(function)) {
            Ok(value) => {
                to.leave(Ok(value));
                mem::forget(turn);
                showing.finish();
                Ran::Over(End::Done)
            }
            Err(panic) => {
                drop(showing);
                turn.fail(to, panic);
                Ran::Over(End::Failed)
            }
        }
    }
}

/// A scoped job on its way into a slot.
pub(super) struct Owned<J>(pub(super) J);

impl<J: Run<Env> + Send> Pack<Payload> for Owned<J> {
    const OWNED: bool = true;

    fn pack(self) -> Payload {
        // SAFETY: only a scope makes one, of a job with a turn of a scope; that does not return before the turn has ended, and
        // then nothing is left of the job: see the module's head.
        unsafe { stow(self.0) }
    }

    unsafe fn unpack(payload: Payload) -> Self {
        // SAFETY: by the contract of the trait the payload was made by `pack` of this type.
        Self(unsafe { unstow(payload) })
    }
}
