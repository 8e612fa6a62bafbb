//! Removing jobs: one by its id, many at once; and what becomes of what was removed.
//!
//! | who removes | which | is told what they were |
//! |---|---|---|
//! | a cancel by id | one | nobody |
//! | `cancel_queued`, `cancel_timers`, `shutdown_now` | of the pool | who calls, and each group that has asked |
//! | a cancel of all, an end, a reset | of the pool | each group that has asked |
//! | a cancel, a failure, a deadline of a group | of a gate | the same; and what of the group is met in the queue later, where it is met |
//! | a newer job; the time by which it was to begin | one | its group, if that has asked |
//!
//! What a job was is looked for only while some group has asked, and that is one look for each job that goes with others. A cancel
//! by id does not look.
#![forbid(unsafe_code)]

use fastthreadpool_core::{Cancelled, Gate, JobId, JobIds, Kinds, Phase, Tick};

use crate::engine::{Engine, Payload};
use crate::here::call::drop_quietly;
use crate::here::cancellation::Cancellation;
use crate::here::frame::{Frame, Kind, OUTSIDE};
use crate::here::job::{JobKind, RemovedJob};
use crate::here::removed::{self, CancelReason};
use crate::sys;

/// Is given what was removed.
pub(super) type Keep<'k> = dyn FnMut(JobId, JobKind, Payload) + 'k;

impl Engine {
    /// Drops what was removed, and says of it why; and what it was, where that is asked.
    #[cold]
    #[inline(never)]
    pub(super) fn bury_removed(&self, id: JobId, kind: JobKind, reason: CancelReason, payload: Payload) {
        // What has no name is not the user's: an alarm.
        let observed = self.config.observed.as_ref().filter(|_| !payload.name().is_empty());
        match self.asked() {
            Some(asked) => (asked.bury)(id, kind, reason, payload),
            None => removed::bury(id, reason, payload),
        }
        if let Some(observed) = observed {
            observed.removed(id, reason);
        }
    }

    /// Calls `f`, which removes one job after the other: what it drops does not wait for the end of the pool, which may wait for the rest.
    pub(super) fn removing<R>(&self, f: impl FnOnce() -> R) -> R {
        Frame::new(Kind::Removal, self.address(), OUTSIDE).enter(|_| f())
    }

    /// Removes an alarm, if it has not gone off.
    pub(crate) fn cancel_alarm(&self, id: JobId) {
        if let Cancelled::Removed(payload) = self.core.cancel(id) {
            drop_quietly(payload);
            self.has_removed();
        }
    }

    /// A job was removed, and is gone: who observes is told.
    #[inline]
    pub(super) fn tell_removed(&self, id: JobId, reason: CancelReason) {
        if let Some(observed) = &self.config.observed {
            observed.removed(id, reason);
        }
    }

    /// Drops it, and notes what it was.
    pub(super) fn telling(
        &self,
        reason: CancelReason,
        told: &mut Vec<RemovedJob>,
    ) -> impl FnMut(JobId, JobKind, Payload) {
        move |id, kind, payload| {
            told.push(RemovedJob { id, name: payload.name(), kind });
            self.bury_removed(id, kind, reason, payload);
        }
    }

    /// Jobs were removed: who waits for nothing to be pending, or for the end, may see that now.
    #[inline]
    pub(crate) fn has_removed(&self) {
        self.tell_if_idle();
        if self.core.phase() != Phase::Running {
            self.has_removed_late();
        }
    }

    #[cold]
    #[inline(never)]
    fn has_removed_late(&self) {
        if self.core.timers() == 0 {
            // The workers of a closed pool sleep until the last timer is due: if that is gone, they end.
            self.wake_all();
        }
        self.settle();
    }

    /// Cancels a job wherever it is.
    pub(crate) fn cancel(&self, id: JobId) -> Cancellation {
        sys::point();
        let cancelled = self.core.cancel(id);
        match cancelled {
            Cancelled::Removed(payload) => {
                removed::bury(id, CancelReason::Cancelled, payload);
                self.tell_removed(id, CancelReason::Cancelled);
                self.has_removed();
                Cancellation::Removed
            }
            Cancelled::Stopping => {
                self.tell_stopped();
                Cancellation::Stopping
            }
            Cancelled::TooLate => Cancellation::TooLate,
        }
    }

    /// Removes a job for the sake of a newer one, if it has not begun.
    pub(crate) fn displace(&self, id: JobId) {
        self.remove_late(id, CancelReason::Displaced);
    }

    /// Removes a job that has not begun, since that is too late.
    pub(super) fn remove_late(&self, id: JobId, reason: CancelReason) {
        let kind = self.asked().map_or(JobKind::Queued, |asked| (asked.kind)(self, id));
        if let Some(payload) = self.core.remove(id) {
            self.bury_removed(id, kind, reason, payload);
            self.has_removed();
        }
    }

    /// Cancels what waits for a worker or at a gate, but what belongs to scopes; returns what that was.
    pub(crate) fn remove_queued(&self) -> Vec<RemovedJob> {
        let mut told = Vec::new();
        self.remove_arrived(&mut self.telling(CancelReason::Cancelled, &mut told));
        self.has_removed();
        told
    }

    /// The same with what waits for a time.
    pub(crate) fn remove_timers(&self) -> Vec<RemovedJob> {
        let mut told = Vec::new();
        self.removing(|| self.remove_timed(&mut self.telling(CancelReason::Cancelled, &mut told)));
        self.has_removed();
        told
    }

    /// Removes all that has not begun, but what belongs to scopes; of entries those of some kinds. What they waited for is said where
    /// that is asked.
    pub(super) fn remove_all(&self, kinds: Kinds, keep: &mut Keep<'_>) {
        if let Some(asked) = self.asked() {
            return (asked.remove_all)(self, kinds, keep);
        }
        let keep: &mut dyn FnMut(JobId, Payload) = &mut |id, payload| keep(id, JobKind::Queued, payload);
        self.core.cancel_queued(&mut *keep);
        self.core.cancel_entries(kinds, keep);
    }

    /// The same, and says what they waited for.
    pub(super) fn remove_each(&self, kinds: Kinds, keep: &mut Keep<'_>) {
        self.remove_arrived(keep);
        self.remove_timed(keep);
        // What has come meanwhile, by a job that ran.
        self.remove_entries(kinds, JobKind::Urgent, keep);
    }

    fn remove_arrived(&self, keep: &mut Keep<'_>) {
        self.core.expire();
        // In this order: what is let through when others are removed is not there any more.
        self.remove_entries(Kinds::Gated, JobKind::Gated, keep);
        self.remove_entries(Kinds::Ready, JobKind::Queued, keep);
        let keep: &mut dyn FnMut(JobId, Payload) = &mut |id, payload| {
            // What is in no lane goes before all others.
            let kind = if JobIds::of(id).is_some() { JobKind::Queued } else { JobKind::Urgent };
            keep(id, kind, payload);
        };
        self.core.cancel_queued(keep);
    }

    fn remove_timed(&self, keep: &mut Keep<'_>) {
        self.remove_entries(Kinds::Delayed, JobKind::Delayed, keep);
        self.remove_entries(Kinds::Periodic, JobKind::Periodic, keep);
    }

    fn remove_entries(&self, kinds: Kinds, kind: JobKind, keep: &mut Keep<'_>) {
        let keep: &mut dyn FnMut(JobId, Payload) = &mut |id, payload| keep(id, kind, payload);
        self.core.cancel_entries(kinds, keep);
    }

    /// Cancels all that has not begun, but what belongs to scopes, and tells what runs to stop. Returns how many jobs that are.
    pub(crate) fn cancel_everything(&self) -> usize {
        let mut removed = 0;
        let mut bury = |id, kind, payload| {
            removed += 1;
            self.bury_removed(id, kind, CancelReason::Cancelled, payload);
        };
        self.removing(|| self.remove_all(Kinds::Jobs, &mut bury));
        self.has_removed();
        let running = self.core.account().running;
        self.core.stop_running();
        self.tell_stopped();
        removed + running
    }

    /// Cancels what belongs to a gate and has not begun.
    pub(crate) fn cancel_gated(&self, gate: Gate, reason: CancelReason) {
        if let Some(asked) = self.asked() {
            (asked.remove_gated)(self, gate, &mut |id, kind, payload| self.bury_removed(id, kind, reason, payload));
        }
        // Then what has gone back there meanwhile, and is not to do so.
        self.core.cancel_gated(gate, |id, payload| self.bury_removed(id, JobKind::Gated, reason, payload));
        self.has_removed();
    }

    /// Removes what would never end by itself: schedules, and delayed jobs whose time never comes.
    pub(super) fn remove_endless(&self, keep: &mut Keep<'_>) {
        self.remove_entries(Kinds::Periodic, JobKind::Periodic, keep);
        let mut never = Vec::new();
        self.core.visit_entries(|id, entry| never.extend((entry.due == Tick::MAX).then_some(id)));
        for id in never {
            if let Cancelled::Removed(payload) = self.core.cancel(id) {
                keep(id, JobKind::Delayed, payload);
            }
        }
    }
}
