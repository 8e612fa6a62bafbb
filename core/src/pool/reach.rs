//! Reaching jobs: by their id, to cancel one or to run it out of turn; all of them, to remove or to list them.
#![forbid(unsafe_code)]

use core::fmt;

use super::{Duty, Pool};
use crate::end::End;
use crate::entries::{Cancel, Entries, Key, Kinds, Stays, Step, View};
use crate::host::Host;
use crate::id::{JobId, JobIds, Place};
use crate::lane::Lane;
use crate::seat::Seat;
use crate::slots::Slots;
use crate::storage::Storage;

/// What became of a request to cancel a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Cancelled<P> {
    /// It was waiting and will not run: its payload is the caller's to drop.
    Removed(P),
    /// It runs, and has been told to stop. A periodic job will not run again.
    ///
    /// Of a job that was removed before it is also said for a moment, when a worker comes to its place and has not found
    /// it empty yet.
    Stopping,
    /// It has ended, or was cancelled before.
    TooLate,
}

/// A job that was taken by a context without a seat: it says how it has ended, once. Dropped, it has failed.
#[must_use = "dropped, it has failed"]
pub struct Taken<'p, P, H: Host, S: Storage<P>> {
    pool: &'p Pool<P, H, S>,
    /// Its entry, if that has to be told.
    key: Option<Key>,
    is_owed: bool,
}

impl<P, H: Host, S: Storage<P>> Taken<'_, P, H, S> {
    /// It was run, and has ended so.
    pub fn end(mut self, end: End) -> Duty {
        self.is_owed = false;
        let duty = self.pool.leave_entry(self.key, end);
        self.pool.count_ended_outside(end);
        duty
    }

    /// It was let through by a gate, and goes on later: see [`Pool::end_back`].
    ///
    /// # Panics
    ///
    /// If it has not waited at a gate.
    pub fn back(mut self, payload: P) -> (Option<P>, Duty) {
        let Some(key) = self.key else { panic!("only what a gate has let through goes back to it") };
        self.is_owed = false;
        let back = self.pool.go_back(key, payload, || self.pool.count_not_taken());
        if back.is_some() {
            self.pool.count_ended_outside(End::Cancelled);
        }
        (back, self.pool.call(false))
    }
}

impl<P, H: Host, S: Storage<P>> fmt::Debug for Taken<'_, P, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taken").finish_non_exhaustive()
    }
}

impl<P, H: Host, S: Storage<P>> Drop for Taken<'_, P, H, S> {
    fn drop(&mut self) {
        if self.is_owed {
            let _ = self.pool.leave_entry(self.key, End::Failed);
            self.pool.count_ended_outside(End::Failed);
        }
    }
}

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// Cancels a job wherever it is: queued, urgent, delayed, periodic, at a gate or running. O(1), except that a running job
    /// is looked for among the workers.
    pub fn cancel(&self, id: JobId) -> Cancelled<P> {
        let mut runs = false;
        match id.place() {
            Place::Lane { lane, position } => {
                if let Some(payload) = self.take_from_lane(lane, position) {
                    self.count_removed();
                    return Cancelled::Removed(payload);
                }
            }
            Place::Entry { index, stamp } => match self.cancel_entry(Key { index, stamp }) {
                Cancel::Removed(payload) => return Cancelled::Removed(payload),
                Cancel::Running => runs = true,
                Cancel::Unknown => {}
            },
        }
        if self.stop(id) || runs { Cancelled::Stopping } else { Cancelled::TooLate }
    }

    /// Tells the job to stop if it runs: wherever it is marked on a seat. A periodic one will run again all the same.
    /// Returns whether it runs.
    #[inline(never)]
    pub fn stop(&self, id: JobId) -> bool {
        self.seats().iter().filter(|seat| seat.stop(id)).count() > 0
    }

    /// Tells every running job to stop.
    pub fn stop_running(&self) {
        self.seats().iter().for_each(Seat::stop_all);
    }

    pub(crate) fn take_from_lane(&self, lane: usize, position: usize) -> Option<P> {
        let lane = self.storage.lanes().get(lane)?;
        let inside = self.inside();
        lane.slots().take_out(inside.pinned(), position)
    }

    /// The last of these jobs that nobody has taken yet: it and those after it are taken off the ids. `None` if all are taken; then
    /// none of the ids is left.
    pub fn last_untaken(&self, ids: &mut JobIds) -> Option<JobId> {
        let (first, end) = ids.bounds();
        let lane = self.storage.lanes().get(ids.lane());
        let found = lane.and_then(|lane| lane.slots().last_open(self.inside().pinned(), first, end));
        ids.cut(found.unwrap_or(first));
        found.map(|position| JobId::at(ids.lane(), position))
    }

    /// A job that [`Pool::take`] would take: an urgent one, one that a gate has let through, the oldest of a lane that no worker has
    /// claimed, one that was claimed and has not begun. `None` where there is none, and while the pool is paused. O(jobs that were taken
    /// out of turn and not passed yet).
    pub fn first_waiting(&self) -> Option<JobId> {
        self.expire();
        if self.is_paused() {
            return None;
        }
        let entry = |as_last| {
            let entry = self.with_entries(|entries| entries.next_takeable(as_last));
            entry.map(|(key, order)| JobId::in_entry(key.index, key.stamp, order))
        };
        let inside = self.inside();
        let of_lane = |(number, lane): (usize, &Lane<S::Slots>)| {
            let head = lane.head();
            let mut unclaimed = (0..lane.tail().wrapping_sub(head)).map(|ahead| head.wrapping_add(ahead));
            let first = unclaimed.find(|position| lane.slots().is_ready(inside.pinned(), *position))?;
            Some(JobId::at(number, first))
        };
        let unclaimed = || self.storage.lanes().iter().enumerate().find_map(of_lane);
        entry(false).or_else(unclaimed).or_else(|| entry(true)).or_else(|| {
            let mut first = None;
            self.visit_queued(|id| first = first.or(Some(id)));
            first
        })
    }

    /// Takes a job that could begin now, to run it in the caller's context: a queued one, an urgent one, a timer that is
    /// due. Inside another job see [`Pool::take_inside`]. Periodic jobs are left to the workers.
    pub fn take(&self, id: JobId) -> Option<(P, Taken<'_, P, H, S>)> {
        let (payload, key) = self.take_any(id, true)?;
        self.count_taken();
        Some((payload, Taken { pool: self, key, is_owed: true }))
    }

    /// Takes a job that has not begun back for who has submitted it, wherever it waits: it was not accepted after all.
    pub fn withdraw(&self, id: JobId) -> Option<P> {
        let payload = match id.place() {
            Place::Lane { lane, position } => self.take_from_lane(lane, position),
            Place::Entry { index, stamp } => self.with_entries(|entries| entries.recall(Key { index, stamp })),
        }?;
        self.count_handed_back();
        Some(payload)
    }

    /// Removes a job that waits, wherever; one that runs goes on.
    pub fn remove(&self, id: JobId) -> Option<P> {
        match id.place() {
            Place::Lane { lane, position } => {
                let payload = self.take_from_lane(lane, position)?;
                self.count_removed();
                Some(payload)
            }
            Place::Entry { index, stamp } => self.with_entries(|entries| entries.remove_waiting(Key { index, stamp })),
        }
    }

    /// Whether a job waits; at times false of one that was submitted just now.
    pub fn is_waiting(&self, id: JobId) -> bool {
        match id.place() {
            Place::Lane { lane, position } => {
                let lane = self.storage.lanes().get(lane);
                lane.is_some_and(|lane| lane.slots().is_ready(self.inside().pinned(), position))
            }
            Place::Entry { index, stamp } => self.with_entries(|entries| entries.is_waiting(Key { index, stamp })),
        }
    }

    /// A payload, and its entry if that has to be told of its end, which `may_hold` allows.
    pub(crate) fn take_any(&self, id: JobId, may_hold: bool) -> Option<(P, Option<Key>)> {
        match id.place() {
            Place::Lane { lane, position } => Some((self.take_from_lane(lane, position)?, None)),
            Place::Entry { index, stamp } => {
                self.expire();
                let popped = self.with_entries(|entries| entries.take(Key { index, stamp }, may_hold))?;
                Some((popped.payload, (popped.stays == Stays::Holds).then_some(popped.key)))
            }
        }
    }

    /// A job that holds something of its gates has ended: others may begin.
    pub(crate) fn leave_entry(&self, key: Option<Key>, end: End) -> Duty {
        let Some(key) = key.filter(|_| S::GATES) else { return Duty::Nothing };
        // What ended well has left its result, and that has the room.
        self.with_entries(|entries| entries.leave(key, end == End::Done));
        self.call(false)
    }

    /// Removes every job that waits for a worker or at a gate, every delayed one that is due too, and hands each to `dispose`,
    /// oldest first in each lane, with no lock held. Returns how many. Periodic jobs stay, and those that have an owner.
    pub fn cancel_queued(&self, mut dispose: impl FnMut(JobId, P)) -> usize {
        self.expire();
        let mut removed = self.cancel_kinds(Kinds::Arrived, &mut dispose);
        let inside = self.inside();
        for (number, lane) in self.storage.lanes().iter().enumerate() {
            lane.slots().sweep(inside.pinned(), lane.tail(), &mut |position| {
                if let Some(payload) = lane.slots().take_unowned(inside.pinned(), position) {
                    lane.slots().finish(position, 1);
                    self.count_removed();
                    removed += 1;
                    dispose(JobId::at(number, position), payload);
                }
            });
        }
        removed
    }

    /// Removes jobs that are entries, and hands each to `dispose` with no lock held. A periodic job that runs now will not
    /// run again. Returns how many were removed.
    pub fn cancel_entries(&self, kinds: Kinds, mut dispose: impl FnMut(JobId, P)) -> usize {
        self.cancel_kinds(kinds, &mut dispose)
    }

    /// The same, for one type of function however it was given.
    fn cancel_kinds(&self, kinds: Kinds, dispose: &mut impl FnMut(JobId, P)) -> usize {
        self.cancel_each(|entries, cursor| entries.cancel_next(cursor, kinds, None), dispose)
    }

    /// Removes one entry after the other.
    pub(super) fn cancel_each(
        &self,
        mut next: impl FnMut(&mut Entries<P, S::Slab>, &mut u32) -> Step<P>,
        mut dispose: impl FnMut(JobId, P),
    ) -> usize {
        let (mut cursor, mut count) = (0, 0);
        loop {
            match self.with_entries(|entries| next(entries, &mut cursor)) {
                Step::Removed { payload, key, order } => {
                    count += 1;
                    dispose(JobId::in_entry(key.index, key.stamp, order), payload);
                }
                Step::Goes => {}
                Step::Over => return count,
            }
        }
    }

    /// Visits the ids of the queued jobs, lane by lane, oldest first. Blocks nobody; jobs that come or go meanwhile may be
    /// missed. O(blocks in use).
    pub fn visit_queued(&self, mut visit: impl FnMut(JobId)) {
        let inside = self.inside();
        for (number, lane) in self.storage.lanes().iter().enumerate() {
            lane.slots().sweep(inside.pinned(), lane.tail(), &mut |position| visit(JobId::at(number, position)));
        }
    }

    /// The entry of a job, if it is one and has not left.
    pub fn view(&self, id: JobId) -> Option<View> {
        let Place::Entry { index, stamp } = id.place() else { return None };
        self.entries.lock().get(Key { index, stamp })
    }

    /// Visits the jobs that are entries. Takes the lock anew for each, so that it blocks nobody for long.
    pub fn visit_entries(&self, mut visit: impl FnMut(JobId, View)) {
        let mut cursor = 0;
        while let Some(view) = { self.entries.lock().snapshot_next(&mut cursor) } {
            visit(JobId::in_entry(view.key.index, view.key.stamp, view.order), view);
        }
    }
}
