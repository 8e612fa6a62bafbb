//! Where a worker's jobs come from: the urgent stack, the line, claims of its own, and positions put aside.
#![forbid(unsafe_code)]

use lock_api::MutexGuard;

use super::{Aside, Find, Found, Worker};
use crate::claim::Claimed;
use crate::entries::{ERRANDS, Entries, PATIENT, Popped, Stays};
use crate::fork::Look;
use crate::host::Host;
use crate::id::JobId;
use crate::part::Part;
use crate::pool::{Line, Pool};
use crate::seat::{HOLES, NO_LANE};
use crate::slot::Take;
use crate::slots::Slots;
use crate::storage::Storage;
use crate::sync::{Ordering, sized, spin_loop};

/// The most positions of one claim.
pub(super) const CLAIM: usize = sized(64, 2);

/// Looks at a position that its producer has not published yet, before it is put aside.
const PATIENCE: usize = sized(64, 1);

impl<P, H: Host, S: Storage<P>> Worker<'_, P, H, S> {
    #[cold]
    #[inline(never)]
    pub(super) fn pop_urgent(&mut self) -> Option<Found<P>> {
        let mut entries = self.pool.entries.lock();
        if !entries.has_top() {
            return None;
        }
        let popped = entries.pop_top();
        let found = self.begin(entries, popped);
        self.left = Some(self.pool.next.urgent.load(Ordering::Relaxed) & Pool::<P, H, S>::URGENT);
        Some(found)
    }

    /// The next of the lines; `in_turn`: only if it is its turn though the lane is not empty.
    #[inline(always)]
    pub(super) fn pop_line(&mut self, in_turn: bool) -> Option<Found<P>> {
        let line = self.pool.next.line.get()?;
        if line.patient.load(Ordering::Relaxed) & !ERRANDS == 0 { None } else { self.pop_line_slow(line, in_turn) }
    }

    #[cold]
    #[inline(never)]
    fn pop_line_slow(&mut self, line: &Line, in_turn: bool) -> Option<Found<P>> {
        let head = self.pool.main().head();
        if in_turn {
            // Where the lane is empty the head has reached the tail, and so whatever was before.
            if head.wrapping_sub(line.turn.load(Ordering::Relaxed)) > usize::MAX / 2 {
                return None;
            }
        } else {
            self.turns.there().aside = 0;
        }
        let mut entries = self.pool.entries.lock();
        let popped = entries.pop_ready(head, in_turn)?;
        let found = self.begin(entries, popped);
        self.left = Some(line.patient.load(Ordering::Relaxed) / PATIENT);
        Some(found)
    }

    /// Says which job was popped, before the lock is released: who cancels it finds it where it waits, or where it runs.
    #[inline(always)]
    fn begin(&self, entries: MutexGuard<'_, H::Mutex, Entries<P, S::Slab>>, popped: Popped<P>) -> Found<P> {
        let Popped { payload, key, order, stays, .. } = popped;
        self.mark(JobId::in_entry(key.index, key.stamp, order));
        self.pool.mirror(entries);
        (payload, stays)
    }

    /// A position was claimed, and marked, before its producer has published: waits a moment for it, then puts it aside.
    #[cold]
    #[inline(never)]
    pub(super) fn set_aside(&mut self) -> Aside {
        let (lane, position) = (self.claim.lane(), self.claim.next().wrapping_sub(1));
        self.unmark();
        for _ in 0..PATIENCE {
            spin_loop();
            if self.pool.lane(lane).slots().is_ready(self.pinned(), position) {
                self.go_back();
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
        self.go_back();
        Aside::Wait
    }

    fn go_back(&mut self) {
        let position = self.claim.go_back();
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
            let taken = self.pool.lane(lane).slots().take(self.pinned(), position);
            if !matches!(taken, Take::Unpublished) {
                self.this.holes[index].0.store(NO_LANE, Ordering::Relaxed);
            }
            if let Take::Taken(payload) = taken {
                self.pool.lane(lane).slots().finish(position, 1);
                return Some((payload, Stays::No));
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
        self.pool.has_unminded_timers() && self.pool.expire_some() > 0
    }

    /// What is unclaimed, in the line out of turn, or another worker's: a fork, a claim.
    #[inline(always)]
    pub(super) fn find_farther(&mut self) -> Option<Find<P>> {
        if self.claim() {
            return Some(Find::Claim);
        }
        if let Some(found) = self.pop_line(false) {
            return Some(Find::Job(found));
        }
        if S::FORKS && self.helps {
            if let Some(taken) = self.pool.look_at_desks(self.seat, Look::Take) {
                return Some(Find::Fork(taken));
            }
        }
        self.steal().then_some(Find::Claim)
    }

    /// A new claim from the main lane or the worker's own.
    pub(super) fn claim(&mut self) -> bool {
        self.fall_behind();
        let own = self.pool.own_lane(self.seat);
        self.own_first = !self.own_first && own != 0;
        let (first, second) = if self.own_first { (own, 0) } else { (0, own) };
        self.claim_from(first) || (second != first && self.claim_from(second))
    }

    pub(super) fn claim_from(&mut self, lane: usize) -> bool {
        let share = self.share();
        let next = &self.pool.next;
        let want = |unclaimed: usize| {
            // Relaxed: who has paused the pool did so before it returned, and what was submitted after that is seen after it.
            if next.is_paused(Ordering::Relaxed) {
                return None;
            }
            Some(match share {
                None => 1,
                Some((1, _)) => unclaimed.min(CLAIM),
                // Of its own lane, which nobody else wants as a rule, a handful at least.
                Some((awake, handful)) => {
                    unclaimed.div_ceil(2 * awake).max(if lane == 0 { 1 } else { handful }).min(CLAIM)
                }
            })
        };
        let seat = self.this;
        let claim = self.pool.lane(lane).claim(want, |claim| seat.offer(lane, claim.start, claim.len));
        let Some(claim) = claim else { return false };
        self.begin_claim(lane, claim.start, claim.len);
        let left = claim.len - 1 + claim.left;
        self.left = (left > 0).then_some(claim.left);
        if let Some(share) = share {
            self.note(lane, claim, share);
        }
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

    pub(super) fn begin_claim(&mut self, lane: usize, start: usize, len: usize) {
        if S::GATES {
            let aside = &mut self.turns.there().aside;
            *aside = aside.saturating_add(u8::from(lane != 0));
        }
        self.claim = Claimed::new(self.pinned(), lane, self.pool.lane(lane), start, len);
        self.pace.claim_began(self.pool.host.wake_cost(), || self.pool.host.now());
    }
}
