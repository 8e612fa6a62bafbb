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
use crate::engine::slot::Slot;
use crate::engine::worker::Env;
use crate::groups::hold::{Hold, Run};
use crate::groups::inner::{GroupCore, Inner};
use crate::groups::recurring::Recurring;
use crate::groups::totals::FOLD_AFTER;
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

    /// The job is about to begin, where there is something to look for. Why it is not to, if it is not.
    #[cold]
    #[inline(never)]
    fn look(&self, env: &Env) -> Option<CancelReason> {
        let doomed = doomed(self.group(), self.slot());
        match doomed {
            Some(_) => leave_nothing_to(self.group(), env),
            None => self.leave_door(),
        }
        doomed
    }

    pub(super) fn leave_door(&self) {
        let core = &self.group().core;
        if core.door.is_some() {
            (core.ways().leave_door)(core);
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
        Some(deadline) if reason.is_none() && group.core.policy.time.now() >= deadline => Some(CancelReason::Expired),
        _ => reason,
    }
}

impl<T: Send + 'static> Hold<T> for Member<T> {
    type Begun = Begun<T>;
    type Recurring = Recurring<T>;

    #[inline]
    fn begin(self, env: &Env) -> Result<Begun<T>, (Self, CancelReason)> {
        let mut stands_for = 0;
        if !self.slot().is_easy() {
            if let Some(reason) = self.look(env) {
                return Err((self, reason));
            }
            stands_for = self.group().core.policy.gauge.as_ref().map_or(0, |gauge| gauge.begin(env.id()));
        }
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
    /// The same as to end, where that is rare.
    #[cold]
    #[inline(never)]
    fn end_late(self, env: &Env, end: End) {
        self.end(env, end);
    }
}

impl<T: Send + 'static> Run<T> for Begun<T> {
    #[inline]
    fn group<'e>(&'e self, _: &'e Env) -> &'e Inner<T> {
        // SAFETY: rule 1; `accept` was given a slot of this type.
        unsafe { Inner::of(self.slot.as_ref()) }
    }

    #[inline]
    fn keeps(&self, env: &Env) -> bool {
        self.group(env).outlet.keeps()
    }

    #[inline]
    fn once(
        self,
        env: &Env,
        part: impl FnOnce(&Self) -> Result<(), JobError>,
        fail: impl FnOnce(&Self, JobError) -> End,
    ) -> End {
        let showing = show(env, self.slot);
        match showing.run(env, || self.measured(env, || part(&self))) {
            Ok(()) => {
                mem::forget(self);
                showing.finish();
                End::Done
            }
            Err(error) => {
                drop(showing);
                let end = fail(&self, error);
                self.end_late(env, end);
                end
            }
        }
    }

    #[inline]
    fn inside<R>(&self, env: &Env, f: impl FnOnce() -> R) -> R {
        show(env, self.slot).run(env, || self.measured(env, f))
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
pub(super) fn inside_recurring<R>(env: &Env, slot: NonNull<Slot>, f: impl FnOnce() -> R) -> R {
    let _showing = show(env, slot);
    Frame::new(Kind::Recurring(slot.cast()), env.engine.address(), env.seat()).enter(|_| f())
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
        // SAFETY: rule 1; `accept` was given a slot of this type.
        let (slot, group) = unsafe { (self.slot.as_ref(), Inner::<T>::of(self.slot.as_ref())) };
        cancelled(group, slot);
    }
}
