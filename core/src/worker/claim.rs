//! Where a worker's jobs come from: claims of its own, of other workers, and positions put aside.
#![forbid(unsafe_code)]

use super::{Aside, Found, Worker};
use crate::host::Host;
use crate::id::JobId;
use crate::pool::Pool;
use crate::running::Times;
use crate::seat::{HOLES, NO_LANE};
use crate::slot::Take;
use crate::slots::Slots;
use crate::storage::Storage;
use crate::sync::{AtomicUsize, Ordering, spin_loop};

/// The most positions of one claim.
const CLAIM: usize = if cfg!(loom) { 2 } else { 64 };

/// Looks at a position that its producer has not published yet, before it is put aside.
const PATIENCE: usize = if cfg!(loom) { 1 } else { 64 };

impl<P, H: Host, S: Storage<P>> Worker<'_, P, H, S> {
    #[cold]
    #[inline(never)]
    pub(super) fn pop_urgent(&mut self) -> Option<Found<P>> {
        let popped = self.pool.pop_due(|id| self.mark(id))?;
        self.left = Some(self.pool.urgent.load(Ordering::Relaxed));
        let times = if popped.repeat.is_some() { Times::Again } else { Times::Once };
        Some((popped.payload, times))
    }

    /// A position was claimed, and marked, before its producer has published: waits a moment for it, then puts it aside.
    #[cold]
    #[inline(never)]
    pub(super) fn set_aside(&mut self) -> Aside {
        let (lane, position) = (self.lane, self.next.wrapping_sub(1));
        self.unmark();
        for _ in 0..PATIENCE {
            spin_loop();
            if self.pool.lane(lane).slots().is_ready(position) {
                self.come_back_to(position);
                return Aside::Later;
            }
        }
        let free = self.this.holes.iter().find(|(lane, _)| lane.load(Ordering::Relaxed) == NO_LANE);
        if let Some((hole_lane, hole)) = free {
            hole.store(position, Ordering::Relaxed);
            // Others see it by the next exchange of this worker on a head or on the word, which comes before it can sleep.
            hole_lane.store(lane + 1, Ordering::Release);
            return Aside::Later;
        }
        // After a moment that lets its producer run.
        self.come_back_to(position);
        Aside::Wait
    }

    fn come_back_to(&mut self, position: usize) {
        self.next = position;
        self.missed -= 1;
        self.this.offer.next.store(position, Ordering::Relaxed);
    }

    /// Looks at the positions put aside.
    #[inline]
    pub(super) fn look_aside(&mut self) -> Option<Found<P>> {
        for index in 0..HOLES {
            let hole = &self.this.holes[index];
            let Some(lane) = Pool::<P, H, S>::shown(hole.0.load(Ordering::Relaxed)) else { continue };
            let position = hole.1.load(Ordering::Relaxed);
            self.mark(JobId::at(lane, position));
            let taken = self.pool.lane(lane).take(position);
            if !matches!(taken, Take::Unpublished) {
                self.this.holes[index].0.store(NO_LANE, Ordering::Relaxed);
            }
            if let Take::Taken(payload) = taken {
                self.pool.lane(lane).slots().finish(position, 1);
                return Some((payload, Times::Once));
            }
            self.unmark();
        }
        None
    }

    pub(super) fn has_holes(&self) -> bool {
        self.this.holes.iter().any(|(lane, _)| lane.load(Ordering::Relaxed) != NO_LANE)
    }

    /// Makes due timers urgent, unless a sleeper minds them. Returns whether there were any.
    pub(super) fn mind_timers(&mut self) -> bool {
        self.pool.timers.load(Ordering::Relaxed) > 0 && !self.pool.state().has_sentinel() && self.pool.expire_some() > 0
    }

    /// A new claim from the main lane or the worker's own.
    pub(super) fn claim(&mut self) -> bool {
        let own = self.pool.own_lane(self.seat);
        self.own_first = !self.own_first && own != 0;
        let (first, second) = if self.own_first { (own, 0) } else { (0, own) };
        self.claim_from(first) || (second != first && self.claim_from(second))
    }

    fn claim_from(&mut self, lane: usize) -> bool {
        let workers = if self.is_short() { self.pool.state().alive().max(1) } else { 0 };
        let want = |unclaimed: usize| match workers {
            0 => 1,
            1 => unclaimed.min(CLAIM),
            _ => unclaimed.div_ceil(2 * workers).min(CLAIM),
        };
        let seat = self.this;
        let claim = self.pool.lane(lane).claim(want, |claim| seat.offer(lane, claim.start, claim.len));
        let Some(claim) = claim else { return false };
        self.begin_claim(lane, claim.start, claim.len);
        let left = claim.len - 1 + claim.left;
        self.left = (left > 0).then_some(claim.left);
        true
    }

    /// Goes on with what the worker before has left on this seat when it was dropped: nobody else would look for it once
    /// this one has offered something.
    pub(super) fn inherit(&mut self) {
        let offer = &self.this.offer;
        let (start, end) = (offer.next.load(Ordering::Relaxed), offer.end.load(Ordering::Relaxed));
        if let Some(lane) = Pool::<P, H, S>::shown(offer.lane.load(Ordering::Relaxed)) {
            self.begin_claim(lane, start, end.wrapping_sub(start));
        }
    }

    fn begin_claim(&mut self, lane: usize, start: usize, len: usize) {
        (self.lane, self.next, self.end, self.claimed) = (lane, start, start.wrapping_add(len), len);
        self.run = self.pool.lane(lane).slots().run(start);
        self.pace.claim_began(self.pool.host.wake_cost(), || self.pool.host.now());
    }

    /// Takes from another worker: from its lane, from what it has claimed and not started, from what it has put aside.
    pub(super) fn thieve(&mut self) -> bool {
        let seats = self.pool.storage.seats();
        let this = self.seat;
        for victim in (1..seats.len()).map(|offset| (this + offset) % seats.len()) {
            // A seat that has been left may still have jobs in its lane.
            let lane = self.pool.own_lane(victim);
            if lane != 0 && self.claim_from(lane) {
                return true;
            }
            let seat = &seats[victim];
            let hole = |(lane, position): &(AtomicUsize, AtomicUsize)| {
                let (lane, position) = (lane.load(Ordering::Acquire), position.load(Ordering::Relaxed));
                let lane = Pool::<P, H, S>::shown(lane)?;
                self.pool.lane(lane).slots().is_ready(position).then_some((lane, position, 1))
            };
            let found = self.pool.unstarted(seat).or_else(|| seat.holes.iter().find_map(hole));
            if let Some((lane, start, len)) = found {
                self.this.offer(lane, start, len);
                self.begin_claim(lane, start, len);
                return true;
            }
        }
        false
    }
}
