//! Removing jobs: one by its id, many at once; and what becomes of what was removed.
#![forbid(unsafe_code)]

use fastthreadpool_core::{Cancelled, Gate, JobId, JobIds, Kinds, Phase, Tick};

use crate::engine::{Engine, Payload};
use crate::here::cancellation::Cancellation;
use crate::here::job::{JobKind, RemovedJob};
use crate::here::removed::{self, CancelReason};

impl Engine {
    /// Drops what was removed, and says of it why.
    #[inline(never)]
    pub(crate) fn let_go(&self, id: JobId, reason: CancelReason, payload: Payload) {
        removed::bury(id, reason, payload);
        self.tell_removed(id, reason);
    }

    /// A job was removed, and is gone.
    #[inline]
    pub(crate) fn tell_removed(&self, id: JobId, reason: CancelReason) {
        if let Some(observed) = &self.config.observed {
            observed.removed(id, reason);
        }
    }

    /// The same of several.
    pub(super) fn letting_go(&self, reason: CancelReason) -> impl FnMut(JobId, Payload) + use<'_> {
        move |id, payload| self.let_go(id, reason, payload)
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
        let cancelled = self.core.cancel(id);
        match cancelled {
            Cancelled::Removed(payload) => {
                // As `let_go`, but here: it is the one that is called often.
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
        if let Some(payload) = self.core.remove(id) {
            self.let_go(id, CancelReason::Displaced, payload);
            self.has_removed();
        }
    }

    /// Cancels what waits for a worker or at a gate, but what belongs to scopes.
    pub(crate) fn cancel_queued(&self, reason: CancelReason) -> usize {
        let bury: &mut dyn FnMut(JobId, Payload) = &mut self.letting_go(reason);
        let count = self.core.cancel_queued(bury);
        self.has_removed();
        count
    }

    pub(crate) fn cancel_entries(&self, kinds: Kinds, reason: CancelReason) -> usize {
        let bury: &mut dyn FnMut(JobId, Payload) = &mut self.letting_go(reason);
        let count = self.core.cancel_entries(kinds, bury);
        self.has_removed();
        count
    }

    /// Cancels what waits for a worker or at a gate, but what belongs to scopes; returns what that was.
    pub(crate) fn remove_queued(&self) -> Vec<RemovedJob> {
        let mut told = Vec::new();
        self.tell_queued(CancelReason::Cancelled, &mut told);
        self.has_removed();
        told
    }

    /// The same with what waits for a time.
    pub(crate) fn remove_timers(&self) -> Vec<RemovedJob> {
        let mut told = Vec::new();
        self.tell_timers(CancelReason::Cancelled, &mut told);
        self.has_removed();
        told
    }

    /// Removes all jobs, but what belongs to scopes, since the pool stops, and adds them to those that are told.
    pub(super) fn tell_all(&self, told: &mut Vec<RemovedJob>) {
        self.tell_queued(CancelReason::Shutdown, told);
        self.tell_timers(CancelReason::Shutdown, told);
        // What has come meanwhile, by a job that ran.
        self.tell_entries(Kinds::Jobs, JobKind::Urgent, CancelReason::Shutdown, told);
    }

    fn tell_queued(&self, reason: CancelReason, told: &mut Vec<RemovedJob>) {
        self.core.expire();
        // In this order: what is let through when others are removed is not there any more.
        self.tell_entries(Kinds::Gated, JobKind::Gated, reason, told);
        self.tell_entries(Kinds::Ready, JobKind::Queued, reason, told);
        self.core.cancel_queued(|id, payload| {
            // What is in no lane goes before all others.
            let kind = if JobIds::of(id).is_some() { JobKind::Queued } else { JobKind::Urgent };
            self.tell(id, payload, kind, reason, told);
        });
    }

    fn tell_timers(&self, reason: CancelReason, told: &mut Vec<RemovedJob>) {
        self.tell_entries(Kinds::Delayed, JobKind::Delayed, reason, told);
        self.tell_entries(Kinds::Periodic, JobKind::Periodic, reason, told);
    }

    fn tell_entries(&self, kinds: Kinds, kind: JobKind, reason: CancelReason, told: &mut Vec<RemovedJob>) {
        self.core.cancel_entries(kinds, |id, payload| self.tell(id, payload, kind, reason, told));
    }

    /// A job was removed: notes which, and drops it.
    fn tell(&self, id: JobId, payload: Payload, kind: JobKind, reason: CancelReason, told: &mut Vec<RemovedJob>) {
        told.push(RemovedJob { id, name: payload.name(), kind });
        self.let_go(id, reason, payload);
    }

    /// Cancels all that has not begun, but what belongs to scopes, and tells what runs to stop. Returns how many jobs that are.
    pub(crate) fn cancel_everything(&self) -> usize {
        let removed =
            self.cancel_queued(CancelReason::Cancelled) + self.cancel_entries(Kinds::Jobs, CancelReason::Cancelled);
        let running = self.core.account().running;
        self.core.stop_running();
        self.tell_stopped();
        removed + running
    }

    /// Cancels what belongs to a gate and has not begun.
    pub(crate) fn cancel_gated(&self, gate: Gate, reason: CancelReason) -> usize {
        let count = self.core.cancel_gated(gate, self.letting_go(reason));
        self.has_removed();
        count
    }

    /// Removes all that has not begun, but what belongs to scopes; of entries those of some kinds. `keep` is given what was
    /// removed.
    pub(crate) fn remove_all(&self, kinds: Kinds, keep: &mut dyn FnMut(JobId, Payload)) {
        self.core.cancel_queued(&mut *keep);
        self.core.cancel_entries(kinds, keep);
    }

    /// Removes what would never end by itself: schedules, and delayed jobs whose time never comes.
    pub(crate) fn remove_endless(&self, keep: &mut dyn FnMut(JobId, Payload)) {
        self.core.cancel_entries(Kinds::Periodic, &mut *keep);
        let mut never = Vec::new();
        self.core.visit_entries(|id, entry| never.extend((entry.due == Tick::MAX).then_some(id)));
        for id in never {
            if let Cancelled::Removed(payload) = self.core.cancel(id) {
                keep(id, payload);
            }
        }
    }
}
