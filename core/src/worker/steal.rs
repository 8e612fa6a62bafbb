//! What workers show of their claims, and how others help themselves: to their lanes, to what they have claimed and not
//! begun, to what they have put aside.
#![forbid(unsafe_code)]

use super::Worker;
use crate::host::Host;
use crate::pinned::Pinned;
use crate::pool::Pool;
use crate::seat::{Hole, Seat};
use crate::slots::Slots;
use crate::storage::Storage;
use crate::sync::Ordering;

/// What a worker knows of how others get on with what they have claimed.
pub(super) struct Watch {
    /// It looks before its next claim.
    pub(super) is_due: bool,
    /// At whose claim it has looked last, and what was next there, if there was something.
    last: usize,
    next: Option<usize>,
    /// It has helped somebody since it searched last: so it does not leave jobs to others.
    pub(super) has_helped: bool,
}

impl Watch {
    pub(super) fn new(seat: usize) -> Self {
        Self { is_due: false, last: seat, next: None, has_helped: false }
    }
}

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// What a worker has claimed and could still be taken from it: lane, first position, count; the back half of it if
    /// that is enough. `or_open`: what has not been published yet, too.
    // Much code, for two callers that look for work only when there is none nearer.
    #[inline(never)]
    pub(crate) fn unstarted(
        &self,
        pinned: Pinned<'_>,
        seat: &Seat<S::Gating>,
        or_open: bool,
    ) -> Option<(usize, usize, usize)> {
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
        let first = |from: usize, count: usize| {
            (0..count).map(|ahead| from.wrapping_add(ahead)).find(|position| {
                if or_open { slots.is_open(pinned, *position) } else { slots.is_ready(pinned, *position) }
            })
        };
        let middle = next.wrapping_add(len / 2);
        let start = first(middle, len - len / 2).or_else(|| first(next, len / 2))?;
        // A claim is counted as a whole where it ends, and waits for positions that are not published: it must lie in one
        // run, and nothing in it may be without a producer. One that is ready is sane by itself; and of one that
        // is open only others ask, who then nap and look again.
        let mut count = end.wrapping_sub(start);
        if most > 1 {
            let reserved = self.lane(lane).tail().wrapping_sub(start);
            count = count.min(S::Slots::RUN - start % S::Slots::RUN).min(reserved);
        }
        (count > 0).then_some((lane, start, count))
    }

    /// A position that a worker has put aside, and its lane, if nobody has taken it yet.
    fn open_hole(&self, pinned: Pinned<'_>, (lane, position): &Hole) -> Option<(usize, usize)> {
        let lane = Self::shown(lane.load(Ordering::Acquire))?;
        let position = position.load(Ordering::Relaxed);
        self.lane(lane).slots().is_open(pinned, position).then_some((lane, position))
    }

    /// Whether a worker other than the one of `seat` has claimed or put aside jobs that nobody has begun. Those too whose
    /// producers have not published yet: see the pool's order argument.
    pub(crate) fn has_unstarted(&self, pinned: Pinned<'_>, seat: usize) -> bool {
        self.seats().iter().enumerate().any(|(number, other)| {
            number != seat
                && (self.unstarted(pinned, other, true).is_some() || self.open_hole(pinned, &other.hole).is_some())
        })
    }
}

/// How many others are looked at, at most, to find one who has claimed something: each look takes a line from its owner.
const AROUND: usize = 4;

impl<P, H: Host, S: Storage<P>> Worker<'_, P, H, S> {
    /// Takes from another worker: from its lane, from what it has claimed and not begun, from what it has put aside.
    pub(super) fn steal(&mut self) -> bool {
        let seats = self.pool.seats().len();
        let this = self.seat;
        (1..seats).map(|offset| (this + offset) % seats).any(|victim| {
            // A seat that has been left may still have jobs in its lane.
            let lane = self.pool.own_lane(victim);
            lane != 0 && self.claim_from(lane) || self.steal_claimed(victim)
        })
    }

    fn steal_claimed(&mut self, victim: usize) -> bool {
        let seat = &self.pool.seats()[victim];
        let hole = |(lane, position): &Hole| {
            let (lane, position) = (lane.load(Ordering::Acquire), position.load(Ordering::Relaxed));
            let lane = Pool::<P, H, S>::shown(lane)?;
            self.pool.lane(lane).slots().is_ready(self.pinned(), position).then_some((lane, position, 1))
        };
        let found = self.pool.unstarted(self.pinned(), seat, false);
        let Some((lane, start, len)) = found.or_else(|| hole(&seat.hole)) else { return false };
        self.this.offer(lane, start, len);
        self.begin_claim(lane, start, len);
        true
    }

    /// Helps one who does not get on with what he has claimed: the one who was looked at last, if he has begun nothing since; else
    /// looks at the next around who has claimed something.
    #[cold]
    #[inline(never)]
    pub(super) fn rescue(&mut self) -> bool {
        let seats = self.pool.seats();
        let last = self.watch.last;
        // Again and again, until nothing is left.
        if self.watch.next.is_some() && seats[last].offer.next() == self.watch.next && self.steal_claimed(last) {
            self.watch.has_helped = true;
            return true;
        }
        (self.watch.is_due, self.watch.next) = (false, None);
        for seat in (1..=AROUND.min(seats.len() - 1)).map(|offset| (last + offset) % seats.len()) {
            self.watch.last = seat;
            if seat != self.seat {
                self.watch.next = seats[seat].offer.next();
            }
            if self.watch.next.is_some() {
                break;
            }
        }
        false
    }
}

#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::entries::Gates;
    use crate::hosts::{ScriptedHost, ScriptedMutex};
    use crate::storage::Growing;
    use crate::worker::{Next, Rest, Runner};
    use crate::{After, Duty, Running};

    type Core = Pool<usize, ScriptedHost, Growing<usize, ScriptedMutex>>;

    const RUN: usize = <<Growing<usize, ScriptedMutex> as Storage<usize>>::Slots as Slots<usize>>::RUN;

    /// A host with a measure, so that claims may be of many jobs.
    fn pool(workers: usize) -> Core {
        let host = ScriptedHost::new();
        host.set_wake_cost(1000);
        Core::growing(host, workers, 0)
    }

    fn show(seat: &Seat<Gates>, (lane, next, end): (usize, usize, usize)) {
        seat.offer.lane.store(lane + 1, Ordering::Relaxed);
        seat.offer.next.store(next, Ordering::Relaxed);
        seat.offer.end.store(end, Ordering::Relaxed);
    }

    fn unstarted(pool: &Core, seat: &Seat<Gates>) -> Option<(usize, usize, usize)> {
        let inside = pool.inside();
        pool.unstarted(inside.pinned(), seat, false)
    }

    /// Runs what there is and keeps it.
    #[derive(Default)]
    struct Ran(Vec<usize>);

    impl Runner<usize> for Ran {
        fn perform(&mut self, _: Duty) {}

        fn run(&mut self, payload: &mut usize, _: Running) -> After {
            self.0.push(*payload);
            After::Done
        }
    }

    #[test]
    fn an_offer_whose_parts_do_not_belong_together_is_cut_to_a_sane_one() {
        let pool = pool(2);
        let _worker = pool.enlist().unwrap();
        for n in 0..RUN + 10 {
            let _ = pool.submit(n).unwrap();
        }
        let seat = &pool.seats()[0];
        // What `next` was before a claim and `end` after it: over the edge of a run.
        show(seat, (0, RUN - 2, RUN + 2));
        assert_eq!(unstarted(&pool, seat), Some((0, RUN, 2)), "the back half");
        show(seat, (0, RUN - 3, RUN + 1));
        assert_eq!(unstarted(&pool, seat), Some((0, RUN - 1, 1)));
        // The end of a claim of another lane: where no producer has come yet.
        show(seat, (0, RUN + 8, RUN + 100));
        assert_eq!(unstarted(&pool, seat), Some((0, RUN + 8, 2)));
        show(seat, (0, RUN + 10, RUN + 11));
        assert_eq!(pool.unstarted(pool.inside().pinned(), seat, true), None, "nor will one come here for this claim");
        // Farther apart than a claim can be, and the wrong way round.
        for (next, end) in [(0, RUN + 1), (2, 1), (0, 0)] {
            show(seat, (0, next, end));
            assert_eq!(unstarted(&pool, seat), None);
        }
        show(seat, (0, 0, 0));
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
        while pool.main().claim(|_| Some(RUN), |claim| at = claim.start).is_some() {}
        assert_eq!(at, RUN);
        let mut ran = Ran::default();
        for next in (1..2 * RUN - 3).step_by(4).chain([0, 2 * RUN - 4]) {
            show(&pool.seats()[0], (0, next, next + 4));
            while unstarted(&pool, &pool.seats()[0]).is_some() {
                assert!(matches!(thief.work(&mut ran), Rest::Park(_)));
            }
        }
        show(&pool.seats()[0], (0, 0, 0));
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
