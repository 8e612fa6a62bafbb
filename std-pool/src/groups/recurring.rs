//! The hold of a job that repeats. Rules: as in `member`.

use std::mem;

use fastthreadpool_core::End;

use crate::engine::gauge::measured;
use crate::engine::slot::Slot;
use crate::engine::worker::Env;
use crate::groups::hold::{Recur, Run};
use crate::groups::inner::Inner;
use crate::groups::member::{Member, accept, doomed, inside_recurring};
use crate::here::call::without_type;
use crate::here::removed::CancelReason;

/// A job of a cohort that repeats: a turn of it waits, or runs.
pub(crate) struct Recurring<T: Send + 'static>(pub(super) Member<T>);

impl<T: Send + 'static> Run<T> for Recurring<T> {
    fn group<'e>(&'e self, _: &'e Env) -> &'e Inner<T> {
        self.0.group()
    }

    fn keeps(&self, _: &Env) -> bool {
        self.0.group().outlet.keeps()
    }

    fn inside<R>(&self, env: &Env, f: impl FnOnce() -> R) -> R {
        let gauge = self.0.group().core.policy.gauge.as_ref();
        without_type(f, |f| inside_recurring(env, self.0.slot, &mut || measured(gauge, 1, &mut *f)))
    }

    fn slot(&self) -> Option<&Slot> {
        Some(self.0.slot())
    }

    fn end(self, env: &Env, end: End) {
        let slot = self.0.slot();
        if end == End::Failed {
            (self.0.group().core.ways().fail)(&self.0.group().core, env, slot);
        }
        self.0.leave_door();
        slot.cease();
        // SAFETY: rule 1, until the next line but one.
        let slot = unsafe { self.0.slot.as_ref() };
        mem::forget(self);
        slot.end(end);
    }
}

impl<T: Send + 'static> Recur<T> for Recurring<T> {
    fn is_doomed(&self) -> Option<CancelReason> {
        doomed(self.0.group(), self.0.slot())
    }

    fn again(&self, env: &Env, end: End) {
        let slot = self.0.slot();
        if end == End::Failed {
            (self.0.group().core.ways().fail)(&self.0.group().core, env, slot);
        }
        // The next one first, which is this job's, too: between the two nothing is over.
        let _ = accept(&self.0.group().core, slot);
        slot.end(end);
    }

    fn refuse(self) {
        let slot = self.0.slot();
        slot.cease();
        self.0.leave_door();
        // SAFETY: rule 1, until the next line but one.
        let slot = unsafe { self.0.slot.as_ref() };
        mem::forget(self);
        slot.hand_back();
    }
}

impl<T: Send + 'static> Drop for Recurring<T> {
    /// It was removed; the member in it says so.
    fn drop(&mut self) {
        self.0.slot().cease();
    }
}
