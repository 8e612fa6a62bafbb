//! Reaching jobs by their id: cancellation, joining, and listings.
#![forbid(unsafe_code)]

use crate::entries::{Cancel, Key, Kinds, View};
use crate::host::Host;
use crate::id::{JobId, Place};
use crate::pool::Pool;
use crate::seat::Seat;
use crate::slot::Take;
use crate::slots::Slots;
use crate::storage::Storage;
use crate::sync::{AtomicUsize, Ordering};

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

/// Looks at slots until dropped, whatever panics in between.
pub(crate) struct Inside<'p, P, H: Host, S: Storage<P>>(&'p Pool<P, H, S>);

impl<P, H: Host, S: Storage<P>> Drop for Inside<'_, P, H, S> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    pub(crate) fn inside(&self) -> Inside<'_, P, H, S> {
        self.enter();
        Inside(self)
    }

    /// Cancels a job wherever it is: queued, urgent, delayed, periodic or running. O(1), except that a running job is
    /// looked for among the workers.
    pub fn cancel(&self, id: JobId) -> Cancelled<P> {
        let mut runs = false;
        match id.place() {
            Place::Lane { lane, position } => {
                if let Some(payload) = self.take_from_lane(lane, position) {
                    self.count_removed(1);
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

    /// Tells the job to stop if it runs: wherever it is marked, see [`crate::seat`].
    #[inline(never)]
    fn stop(&self, id: JobId) -> bool {
        self.storage.seats().iter().filter(|seat| seat.stop(id)).count() > 0
    }

    /// Tells every running job to stop.
    pub fn stop_running(&self) {
        self.storage.seats().iter().for_each(Seat::stop_all);
    }

    pub(crate) fn take_from_lane(&self, lane: usize, position: usize) -> Option<P> {
        let lane = self.storage.lanes().get(lane)?;
        let _inside = self.inside();
        let Take::Taken(payload) = lane.take(position) else { return None };
        lane.slots().finish(position, 1);
        Some(payload)
    }

    /// Takes a job that could begin now, to run it in the caller's context: a queued one, an urgent one, a timer that is
    /// due. The caller runs it and then says so with [`Pool::end_outside`]; inside another job see [`Pool::take_inside`].
    /// Periodic jobs are left to the workers.
    pub fn take(&self, id: JobId) -> Option<P> {
        match id.place() {
            Place::Lane { lane, position } => self.take_from_lane(lane, position),
            Place::Entry { index, stamp } => {
                self.expire();
                self.with_entries(|entries| entries.take_due(Key { index, stamp }))
            }
        }
    }

    /// A job that was taken by a context without a seat has ended.
    pub fn end_outside(&self) {
        self.outside.fetch_add(1, Ordering::SeqCst);
    }

    /// Removes every queued and urgent job, and every delayed one that is due, and hands each to `dispose`, oldest first in
    /// each lane, with no lock held. Returns how many. Periodic jobs stay.
    pub fn cancel_queued(&self, mut dispose: impl FnMut(JobId, P)) -> usize {
        self.expire();
        let mut removed = self.cancel_entries(Kinds::Urgent, &mut dispose);
        let _inside = self.inside();
        for (number, lane) in self.storage.lanes().iter().enumerate() {
            lane.slots().sweep(lane.tail(), &mut |position| {
                if let Take::Taken(payload) = lane.take(position) {
                    lane.slots().finish(position, 1);
                    self.count_removed(1);
                    removed += 1;
                    dispose(JobId::at(number, position), payload);
                }
            });
        }
        removed
    }

    /// Removes timed or urgent jobs and hands each to `dispose` with no lock held. A periodic job that runs now will not
    /// run again. Returns how many were removed.
    pub fn cancel_entries(&self, kinds: Kinds, mut dispose: impl FnMut(JobId, P)) -> usize {
        let (mut cursor, mut removed) = (0, 0);
        loop {
            let next = self.with_entries(|entries| {
                let due = entries.due();
                let next = entries.cancel_next(&mut cursor, kinds);
                self.count_removed(due - entries.due());
                next
            });
            let Some((key, order, payload)) = next else { return removed };
            removed += 1;
            dispose(JobId::in_entry(key.index, key.stamp, order), payload);
        }
    }

    /// Visits the ids of the queued jobs, lane by lane, oldest first. Blocks nobody; jobs that come or go meanwhile may be
    /// missed. O(blocks in use).
    pub fn visit_queued(&self, mut visit: impl FnMut(JobId)) {
        let _inside = self.inside();
        for (number, lane) in self.storage.lanes().iter().enumerate() {
            lane.slots().sweep(lane.tail(), &mut |position| visit(JobId::at(number, position)));
        }
    }

    /// Visits the timed and urgent jobs. Takes the lock anew for each, so that it blocks nobody for long.
    pub fn visit_entries(&self, mut visit: impl FnMut(JobId, View)) {
        let mut cursor = 0;
        while let Some(view) = { self.entries.lock().snapshot_next(&mut cursor) } {
            visit(JobId::in_entry(view.key.index, view.key.stamp, view.order), view);
        }
    }

    /// What a worker has claimed and could still be taken from it: lane, first position, count; the back half of it if
    /// that is enough. The caller is inside.
    pub(crate) fn unstarted(&self, seat: &Seat) -> Option<(usize, usize, usize)> {
        let lane = Self::shown(seat.offer.lane.load(Ordering::Acquire))?;
        let (next, end) = (seat.offer.next.load(Ordering::Acquire), seat.offer.end.load(Ordering::Acquire));
        // The three are not read at one moment, so they may not belong together. Only slots decide who has a job, so that
        // is harmless as long as the range is a sane one, see below.
        let len = end.wrapping_sub(next);
        // Without a measure claims are of one job.
        let most = if self.host.wake_cost() == 0 { 1 } else { S::Slots::RUN };
        if len == 0 || len > most {
            return None;
        }
        let slots = self.lane(lane).slots();
        let first_ready = |from: usize, count: usize| {
            (0..count).map(|ahead| from.wrapping_add(ahead)).find(|position| slots.is_ready(*position))
        };
        let middle = next.wrapping_add(len / 2);
        let start = first_ready(middle, len - len / 2).or_else(|| first_ready(next, len / 2))?;
        // A claim is counted as a whole where it ends, and waits for positions that are not published: it must lie in one
        // run, and nothing in it may be without a producer. One that is ready is sane by itself.
        let mut count = end.wrapping_sub(start);
        if most > 1 {
            let reserved = self.lane(lane).tail().wrapping_sub(start);
            count = count.min(S::Slots::RUN - start % S::Slots::RUN).min(reserved);
        }
        Some((lane, start, count))
    }

    /// A position that a worker has put aside, and its lane, if nobody has taken it yet. The caller is inside.
    pub(crate) fn open_hole(&self, (lane, position): &(AtomicUsize, AtomicUsize)) -> Option<(usize, usize)> {
        let lane = Self::shown(lane.load(Ordering::Acquire))?;
        let position = position.load(Ordering::Relaxed);
        self.lane(lane).slots().is_open(position).then_some((lane, position))
    }

    /// Whether a worker other than the one of `seat` has claimed or put aside jobs that it has not started. The caller is
    /// inside.
    pub(crate) fn has_unstarted(&self, seat: usize) -> bool {
        self.storage.seats().iter().enumerate().any(|(number, other)| {
            number != seat
                && (self.unstarted(other).is_some() || other.holes.iter().any(|hole| self.open_hole(hole).is_some()))
        })
    }
}

#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::hosts::{ScriptedHost, ScriptedMutex};
    use crate::storage::Growing;
    use crate::worker::{Next, Rest, Runner};
    use crate::{Duty, Running};

    type Core = Pool<usize, ScriptedHost, Growing<usize, ScriptedMutex>>;

    const RUN: usize = <<Growing<usize, ScriptedMutex> as Storage<usize>>::Slots as Slots<usize>>::RUN;

    /// A host with a measure, so that claims may be of many jobs.
    fn pool(workers: usize) -> Core {
        let host = ScriptedHost::new();
        host.set_wake_cost(1000);
        Core::growing(host, workers, 0)
    }

    fn show(seat: &Seat, (lane, next, end): (usize, usize, usize)) {
        seat.offer.lane.store(lane + 1, Ordering::Relaxed);
        seat.offer.next.store(next, Ordering::Relaxed);
        seat.offer.end.store(end, Ordering::Relaxed);
    }

    /// Runs what there is and keeps it.
    #[derive(Default)]
    struct Ran(Vec<usize>);

    impl Runner<usize> for Ran {
        fn perform(&mut self, _: Duty) {}

        fn run(&mut self, payload: &mut usize, _: Running) -> bool {
            self.0.push(*payload);
            false
        }
    }

    #[test]
    fn an_offer_whose_parts_do_not_belong_together_is_cut_to_a_sane_one() {
        let pool = pool(2);
        for n in 0..RUN + 10 {
            let _ = pool.submit(n).unwrap();
        }
        let seat = &pool.storage.seats()[0];
        // What `next` was before a claim and `end` after it: over the edge of a run.
        show(seat, (0, RUN - 2, RUN + 2));
        assert_eq!(pool.unstarted(seat), Some((0, RUN, 2)), "the back half");
        show(seat, (0, RUN - 3, RUN + 1));
        assert_eq!(pool.unstarted(seat), Some((0, RUN - 1, 1)));
        // The end of a claim of another lane: where no producer has come yet.
        show(seat, (0, RUN + 8, RUN + 100));
        assert_eq!(pool.unstarted(seat), Some((0, RUN + 8, 2)));
        // Farther apart than a claim can be, and the wrong way round.
        for (next, end) in [(0, RUN + 1), (2, 1), (0, 0)] {
            show(seat, (0, next, end));
            assert_eq!(pool.unstarted(seat), None);
        }
    }

    #[test]
    fn a_thief_of_an_offer_over_the_edge_of_a_run_counts_for_each_run_what_it_took_there() {
        let pool = pool(2);
        let (mut owner, mut thief) = (pool.enlist().unwrap(), pool.enlist().unwrap());
        for n in 0..2 * RUN {
            let _ = pool.submit(n).unwrap();
        }
        // All claimed, and then shown as by a worker between two claims.
        let mut at = 0;
        while pool.main().claim(|_| RUN, |claim| at = claim.start).is_some() {}
        assert_eq!(at, RUN);
        let mut ran = Ran::default();
        for next in (1..2 * RUN - 3).step_by(4).chain([0, 2 * RUN - 4]) {
            show(&pool.storage.seats()[0], (0, next, next + 4));
            while pool.unstarted(&pool.storage.seats()[0]).is_some() {
                assert!(matches!(thief.work(&mut ran), Rest::Park(_)));
            }
        }
        show(&pool.storage.seats()[0], (0, 0, 0));
        ran.0.sort_unstable();
        assert!(ran.0.into_iter().eq(0..2 * RUN), "each job once");
        // Were a run used again too early, or never, its next jobs would be lost here.
        for n in 0..4 * RUN {
            let _ = pool.submit(n).unwrap();
        }
        let mut ran = Ran::default();
        assert!(matches!(owner.work(&mut ran), Rest::Park(_)));
        assert!(ran.0.into_iter().eq(0..4 * RUN));
        assert!(matches!(owner.next(), Next::Park(_)));
    }
}
