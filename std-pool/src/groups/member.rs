//! A job's hold on its group: the root, which costs nothing, or a member of a cohort.
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

use crate::engine::slot::Slot;
use crate::engine::worker::Env;
use crate::groups::inner::{GroupCore, Inner};
use crate::groups::kin::FOLD_AFTER;
use crate::groups::recurring::Recurring;
use crate::here::frame::{Frame, Kind};
use crate::here::removed::{self, CancelReason, Removed};
use crate::sys;

/// How a job that waits belongs to its group.
pub(crate) trait Hold<T>: Sized + Send + 'static {
    type Begun: Run<T>;
    type Recurring: Recur<T>;

    /// The job begins; or it is not to, and is to be dropped, and then this.
    fn begin(self, env: &Env) -> Result<Self::Begun, (Self, CancelReason)>;

    /// The job goes back to who had submitted it.
    fn refuse(self);

    /// The job repeats.
    fn recur(self) -> Self::Recurring;
}

/// How a job that repeats belongs to its group.
pub(crate) trait Recur<T>: Run<T> {
    /// Why its present turn is not to begin, if it is not.
    fn is_doomed(&self) -> Option<CancelReason>;

    /// The present turn ends, and there will be a next one.
    fn again(&self, env: &Env, end: End);

    /// The job goes back to who had submitted it.
    fn refuse(self);
}

/// How a job that runs belongs to its group.
pub(crate) trait Run<T>: Sized + Send + 'static {
    /// The group.
    fn group<'e>(&'e self, env: &'e Env) -> &'e Inner<T>;

    /// Whether results are kept.
    fn keeps(&self, env: &Env) -> bool;

    /// Runs the user's part.
    fn inside<R>(&self, env: &Env, f: impl FnOnce() -> R) -> R;

    /// Whether the cohort has been told to stop.
    fn slot(&self) -> Option<&Slot>;

    /// The turn has ended.
    fn end(self, env: &Env, end: End);
}

/// The pool's own group, which is found in the engine. The core counts its turns.
pub(crate) struct Root;

impl<T: Send + 'static> Hold<T> for Root {
    type Begun = Self;
    type Recurring = Self;

    #[inline(always)]
    fn begin(self, _: &Env) -> Result<Self, (Self, CancelReason)> {
        Ok(self)
    }

    fn refuse(self) {}

    fn recur(self) -> Self {
        self
    }
}

impl<T: Send + 'static> Recur<T> for Root {
    fn is_doomed(&self) -> Option<CancelReason> {
        None
    }

    fn again(&self, _: &Env, _: End) {}

    fn refuse(self) {}
}

impl<T: Send + 'static> Run<T> for Root {
    #[inline(always)]
    fn group<'e>(&'e self, env: &'e Env) -> &'e Inner<T> {
        env.engine.root.downcast_ref().expect("a handle knows whether its group is the root")
    }

    #[inline(always)]
    fn keeps(&self, env: &Env) -> bool {
        env.engine.root_keeps
    }

    #[inline(always)]
    fn inside<R>(&self, _: &Env, f: impl FnOnce() -> R) -> R {
        f()
    }

    fn slot(&self) -> Option<&Slot> {
        None
    }

    #[inline(always)]
    fn end(self, _: &Env, _: End) {}
}

/// A job of a cohort, which waits.
pub(crate) struct Member<T: Send + 'static> {
    pub(super) slot: NonNull<Slot>,
    group: PhantomData<fn() -> T>,
}

// SAFETY: the slot is shared between threads, rule 1.
unsafe impl<T: Send + 'static> Send for Member<T> {}

impl<T: Send + 'static> Member<T> {
    /// Accepts a turn. The slot is one of a group of this type.
    pub(crate) fn accept(group: &Inner<T>, slot: &Slot) -> Self {
        debug_assert!(slot.owner() == group.core.owner());
        accept(group, slot);
        Self { slot: NonNull::from(slot), group: PhantomData }
    }

    pub(super) fn slot(&self) -> &Slot {
        // SAFETY: rule 1.
        unsafe { self.slot.as_ref() }
    }

    pub(crate) fn group(&self) -> &Inner<T> {
        // SAFETY: rule 1; `accept` was given a slot of this type.
        unsafe { Inner::of(self.slot()) }
    }

    pub(super) fn leave_door(&self) {
        if let Some(door) = &self.group().core.door {
            door.leave();
        }
    }
}

#[inline]
pub(super) fn accept<T>(group: &Inner<T>, slot: &Slot) {
    let before = slot.accept();
    if cfg!(not(target_pointer_width = "64")) && before % FOLD_AFTER == 0 {
        group.core.cohorts.totals(|| ());
    }
}

/// Why a job of a group is not to begin.
#[inline]
pub(super) fn doomed<T: Send + 'static>(group: &Inner<T>, slot: &Slot) -> Option<CancelReason> {
    let reason = slot.doom().reason();
    match group.core.policy.deadline {
        Some(deadline) if reason.is_none() && sys::now() >= deadline => Some(CancelReason::Expired),
        _ => reason,
    }
}

impl<T: Send + 'static> Hold<T> for Member<T> {
    type Begun = Begun<T>;
    type Recurring = Recurring<T>;

    #[inline]
    fn begin(self, env: &Env) -> Result<Begun<T>, (Self, CancelReason)> {
        if let Some(reason) = doomed(self.group(), self.slot()) {
            leave_nothing_to(self.group(), env);
            return Err((self, reason));
        }
        self.leave_door();
        let begun = Begun { slot: self.slot, group: PhantomData };
        mem::forget(self);
        Ok(begun)
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
    group: PhantomData<fn() -> T>,
}

// SAFETY: as for `Member`.
unsafe impl<T: Send + 'static> Send for Begun<T> {}

impl<T: Send + 'static> Run<T> for Begun<T> {
    fn group<'e>(&'e self, _: &'e Env) -> &'e Inner<T> {
        // SAFETY: rule 1; `accept` was given a slot of this type.
        unsafe { Inner::of(self.slot.as_ref()) }
    }

    #[inline]
    fn keeps(&self, env: &Env) -> bool {
        self.group(env).outlet.keeps()
    }

    #[inline]
    fn inside<R>(&self, env: &Env, f: impl FnOnce() -> R) -> R {
        inside(env, self.slot, f)
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

/// Runs the user's part of a job of a cohort.
#[inline]
pub(super) fn inside<R>(env: &Env, slot: NonNull<Slot>, f: impl FnOnce() -> R) -> R {
    // SAFETY: rule 1: the job's hold is there as long as its part runs.
    let _showing = env.engine.shown.show(env.seat(), unsafe { slot.as_ref() });
    Frame::new(Kind::Member(slot.cast()), env.engine.address(), env.seat()).enter(|_| f())
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

/// A turn ends with a failure; that may be the end of others.
#[cold]
pub(super) fn fail(core: &GroupCore, env: &Env, slot: &Slot) {
    if slot.fail() {
        core.clear_gates(&env.engine);
    }
}

impl<T: Send + 'static> Drop for Begun<T> {
    /// It was to go on later, and was removed instead.
    fn drop(&mut self) {
        // SAFETY: rule 1; `accept` was given a slot of this type.
        let (slot, group) = unsafe { (self.slot.as_ref(), Inner::<T>::of(self.slot.as_ref())) };
        cancelled(group, slot);
    }
}
