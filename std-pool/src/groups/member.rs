//! A job's hold on a group that is not the root: it is a member of a cohort.
//!
//! # Rules
//!
//! 1. Whoever has a [`Member`] or a [`Begun`] has a turn that was accepted in its slot and has not ended. So the slot, its group
//!    and its engine are there.
//! 2. It ends exactly once: by [`Begun::end`], by [`Hold::refuse`], or as cancelled when it is dropped.
//! 3. A job is dropped before its hold: fields are dropped in the order of their declaration. So when it has ended nothing is
//!    left of it.

use std::marker::PhantomData;
use std::mem;
use std::ptr::NonNull;

use fastthreadpool_core::End;

use crate::engine::gauge::measured;
use crate::engine::shown::Showing;
use crate::engine::slot::{Slot, Turn};
use crate::engine::worker::Env;
use crate::groups::hold::{Hold, Run, fail};
use crate::groups::inner::{GroupCore, Inner};
use crate::groups::recurring::Recurring;
use crate::groups::totals::FOLD_AFTER;
use crate::here::call::without_type;
use crate::here::frame::{Frame, Kind};
use crate::here::removed::{self, CancelReason, Removed};
use crate::results::outcome::JobError;

/// A job of a cohort, which waits.
pub(crate) struct Member<T: Send + 'static> {
    pub(super) slot: NonNull<Slot>,
    group: PhantomData<fn() -> T>,
}

// SAFETY: the slot is shared between threads, rule 1.
unsafe impl<T: Send + 'static> Send for Member<T> {}

impl<T: Send + 'static> Member<T> {
    /// Of a turn of that group's.
    #[inline]
    pub(crate) fn of(group: &Inner<T>, turn: Turn<'_>) -> Self {
        let slot = turn.into_slot();
        debug_assert!(slot.owner() == group.core.owner());
        Self { slot: NonNull::from(slot), group: PhantomData }
    }

    pub(super) fn slot(&self) -> &Slot {
        // SAFETY: rule 1.
        unsafe { self.slot.as_ref() }
    }

    pub(crate) fn group(&self) -> &Inner<T> {
        // SAFETY: rule 1; `of` was given a turn of a group of this type.
        unsafe { Inner::of(self.slot()) }
    }

    /// The job is about to begin, where there is something to look for. For how many its run stands, or why it is not to begin.
    #[cold]
    #[inline(never)]
    fn look(&self, env: &Env) -> Result<usize, CancelReason> {
        let group = self.group();
        if let Some(reason) = doomed(group, self.slot()) {
            leave_nothing_to(group, env);
            return Err(reason);
        }
        self.leave_door();
        Ok(group.core.policy.gauge.as_ref().map_or(0, |gauge| gauge.begin(env.id())))
    }

    pub(super) fn leave_door(&self) {
        let core = &self.group().core;
        if core.door.is_some() {
            (core.ways().leave_door)(core);
        }
    }
}

/// Accepts a turn.
#[inline]
pub(crate) fn accept<'s>(core: &GroupCore, slot: &'s Slot) -> Turn<'s> {
    let (turn, before) = slot.accept_turn();
    if cfg!(not(target_pointer_width = "64")) && before % FOLD_AFTER == 0 {
        core.cohorts.totals(|| ());
    }
    turn
}

/// A turn goes to nobody.
#[cold]
pub(crate) fn hand_back(core: &GroupCore, turn: Turn<'_>) {
    if core.door.is_some() {
        (core.ways().leave_door)(core);
    }
    turn.into_slot().hand_back();
}

/// Why a job of a group is not to begin.
#[inline]
pub(super) fn doomed<T: Send + 'static>(group: &Inner<T>, slot: &Slot) -> Option<CancelReason> {
    let reason = slot.doom().reason();
    match group.core.policy.deadline {
        Some(deadline) if reason.is_none() && group.core.policy.time.now() >= deadline => Some(CancelReason::Expired),
        _ => reason,
    }
}

impl<T: Send + 'static> Hold<T> for Member<T> {
    type Begun = Begun<T>;
    type Recurring = Recurring<T>;

    #[inline]
    fn begin(self, env: &Env) -> Result<Begun<T>, (Self, CancelReason)> {
        let stands_for = if self.slot().is_easy() {
            0
        } else {
            match self.look(env) {
                Ok(stands_for) => stands_for,
                Err(reason) => return Err((self, reason)),
            }
        };
        let begun = Begun { slot: self.slot, stands_for, group: PhantomData };
        mem::forget(self);
        Ok(begun)
    }

    fn late(self, env: &Env) -> Self {
        leave_nothing_to(self.group(), env);
        self
    }

    fn refuse(self) {
        self.leave_door();
        self.slot().hand_back();
        mem::forget(self);
    }

    fn recur(self) -> Recurring<T> {
        self.slot().recur();
        Recurring(self)
    }
}

impl<T: Send + 'static> Drop for Member<T> {
    /// It was removed before it ran.
    #[inline(never)]
    fn drop(&mut self) {
        self.leave_door();
        cancelled(self.group(), self.slot());
    }
}

/// A turn ends without having run to its end; nothing is left of its job.
#[cold]
fn cancelled<T: Send + 'static>(group: &Inner<T>, slot: &Slot) {
    if let Some(Removed { id, reason }) = removed::removed() {
        group.outlet.cancelled(slot.engine(), id, slot.doom().reason().unwrap_or(reason));
    }
    // What was let through may have had room.
    group.outlet.ended.notify();
    slot.end(End::Cancelled);
}

/// A job of a cohort, which runs; or which goes on later.
pub(crate) struct Begun<T: Send + 'static> {
    slot: NonNull<Slot>,
    /// For how many jobs it stands where runs are measured; 0 if this one is not.
    stands_for: usize,
    group: PhantomData<fn() -> T>,
}

// SAFETY: as for `Member`.
unsafe impl<T: Send + 'static> Send for Begun<T> {}

impl<T: Send + 'static> Begun<T> {
    /// The same as [`Run::once`], one for all functions.
    #[inline(never)]
    fn once_by(self, env: &Env, part: &mut dyn Part<T>) -> End {
        let showing = show(env, self.slot);
        let is_done = if showing.is_at_seat() && self.stands_for == 0 {
            part.run(&self)
        } else {
            self.run_with_care(env, &showing, part)
        };
        if is_done {
            mem::forget(self);
            showing.finish();
            return End::Done;
        }
        drop(showing);
        let end = part.fail(env, &self);
        self.end(env, end);
        end
    }

    /// The same as [`Run::inside`], one for all functions.
    #[inline(never)]
    fn inside_by(&self, env: &Env, f: &mut dyn FnMut()) {
        show(env, self.slot).run(env, || self.measured(env, f));
    }

    #[cold]
    #[inline(never)]
    fn run_with_care(&self, env: &Env, showing: &Showing<'_>, part: &mut dyn Part<T>) -> bool {
        showing.run(env, || self.measured(env, || part.run(self)))
    }
}

/// The user's part of a job that runs once.
trait Part<T: Send + 'static> {
    /// Runs it, and returns whether it has ended well.
    fn run(&mut self, run: &Begun<T>) -> bool;

    /// It has not.
    fn fail(&mut self, env: &Env, run: &Begun<T>) -> End;
}

struct Once<F> {
    name: &'static str,
    /// `None` once it is called.
    part: Option<F>,
    /// What came of it, if that was none.
    error: Option<JobError>,
}

impl<T: Send + 'static, F: FnOnce(&Begun<T>) -> Result<(), JobError>> Part<T> for Once<F> {
    fn run(&mut self, run: &Begun<T>) -> bool {
        let Some(part) = self.part.take() else { return true };
        match part(run) {
            Ok(()) => true,
            Err(error) => {
                self.error = Some(error);
                false
            }
        }
    }

    fn fail(&mut self, env: &Env, run: &Begun<T>) -> End {
        self.error.take().map_or(End::Failed, |error| fail(env, run, self.name, error))
    }
}

impl<T: Send + 'static> Run<T> for Begun<T> {
    #[inline]
    fn group<'e>(&'e self, _: &'e Env) -> &'e Inner<T> {
        // SAFETY: rule 1; `of` was given a turn of a group of this type.
        unsafe { Inner::of(self.slot.as_ref()) }
    }

    #[inline]
    fn keeps(&self, env: &Env) -> bool {
        self.group(env).outlet.keeps()
    }

    #[inline(always)]
    fn once(self, env: &Env, name: &'static str, part: impl FnOnce(&Self) -> Result<(), JobError>) -> End {
        self.once_by(env, &mut Once { name, part: Some(part), error: None })
    }

    fn inside<R>(&self, env: &Env, f: impl FnOnce() -> R) -> R {
        without_type(f, |f| self.inside_by(env, f))
    }

    fn slot(&self) -> Option<&Slot> {
        // SAFETY: rule 1.
        Some(unsafe { self.slot.as_ref() })
    }

    #[inline]
    fn end(self, env: &Env, end: End) {
        // SAFETY: rule 1.
        let slot = unsafe { self.slot.as_ref() };
        if end == End::Failed {
            let group = self.group(env);
            leave_nothing_to(group, env);
            (group.core.ways().fail)(&group.core, env, slot);
        }
        mem::forget(self);
        slot.end(end);
    }
}

impl<T: Send + 'static> Begun<T> {
    #[inline]
    fn measured<R>(&self, env: &Env, f: impl FnOnce() -> R) -> R {
        // Whoever stands for none need not be asked.
        let gauge = if self.stands_for > 0 { self.group(env).core.policy.gauge.as_ref() } else { None };
        measured(gauge, self.stands_for, f)
    }
}

/// The same of one that repeats: the turn is not one of those that are waited for.
#[inline(never)]
pub(super) fn inside_recurring(env: &Env, slot: NonNull<Slot>, f: &mut dyn FnMut()) {
    let _showing = show(env, slot);
    Frame::new(Kind::Recurring(slot.cast()), env.engine.address(), env.seat()).enter(|_| f());
}

/// The job's hold is there as long as that is shown.
#[inline]
fn show(env: &Env, slot: NonNull<Slot>) -> Showing<'_> {
    // SAFETY: rule 1; and the slot is of this engine.
    env.engine.shown.show(env.seat(), unsafe { slot.as_ref() })
}

/// A job leaves no result, and so none of the room that it was let through with, if there was any.
#[cold]
fn leave_nothing_to<T>(group: &Inner<T>, env: &Env) {
    if (group.core.ways().leave_nothing)(&group.core, env) {
        // Those who wait to emit.
        group.outlet.ended.notify();
    }
}

/// Returns whether there was some.
pub(super) fn leave_nothing(core: &GroupCore, env: &Env) -> bool {
    core.policy.done_capacity.is_some() && env.own_room() && core.give_room(&env.engine)
}

impl<T: Send + 'static> Drop for Begun<T> {
    /// It was to go on later, and was removed instead.
    fn drop(&mut self) {
        // SAFETY: rule 1; `of` was given a turn of a group of this type.
        let (slot, group) = unsafe { (self.slot.as_ref(), Inner::<T>::of(self.slot.as_ref())) };
        cancelled(group, slot);
    }
}
