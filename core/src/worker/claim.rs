//! Where a worker's jobs come from: the urgent stack, the line, claims of its own, and positions put aside.
#![forbid(unsafe_code)]

use core::mem;

use lock_api::MutexGuard;

use super::{Find, Found, Rest, Worker};
use crate::claim::Claimed;
use crate::entries::{ERRANDS, Entries, PATIENT, Popped, Stays};
use crate::fork::Look;
use crate::host::{Host, Tick};
use crate::id::JobId;
use crate::part::Part;
use crate::pool::{Line, Pool};
use crate::priority::SHARE;
use crate::seat::NO_LANE;
use crate::slot::{self, Take};
use crate::slots::Slots;
use crate::storage::Storage;
use crate::sync::{Ordering, sized, spin_loop};

/// The most positions of one claim.
pub(super) const CLAIM: usize = sized(64, 2);

/// Of so many claims one is from the next of all lanes; a power of two.
const TURN_OF_ALL: u8 = 64;

/// Looks at a position that its producer has not published yet, before it is put aside or waited for: some microseconds, in which one
/// that runs publishes a whole batch.
const PATIENCE: usize = sized(256, 1);

impl<P, H: Host, S: Storage<P>> Worker<'_, P, H, S> {
    #[cold]
    #[inline(never)]
    pub(super) fn pop_urgent(&mut self) -> Option<Found<P>> {
        let mut entries = self.pool.entries.lock();
        if !entries.has_top() {
            return None;
        }
        let popped = entries.pop_top();
        let is_timed = popped.due > Tick::ZERO;
        let found = self.begin(entries, popped);
        if S::GATES && is_timed {
            self.count_timed();
        }
        self.left = Some(self.pool.next.urgent.load(Ordering::Relaxed) & Pool::<P, H, S>::URGENT);
        Some(found)
    }

    /// The next of the lines; `in_turn`: only if it is its turn though the lane is not empty.
    #[inline(always)]
    pub(super) fn pop_line(&mut self, in_turn: bool) -> Option<Find<P>> {
        let line = self.pool.next.line.get()?;
        if line.patient.load(Ordering::Relaxed) & !ERRANDS == 0 { None } else { self.pop_line_slow(line, in_turn) }
    }

    #[cold]
    #[inline(never)]
    fn pop_line_slow(&mut self, line: &Line, in_turn: bool) -> Option<Find<P>> {
        let head = self.pool.main().head();
        if in_turn {
            // Where the lane is empty the head has reached the tail, and so whatever was before.
            let turn = line.turn.load(Ordering::Relaxed);
            if head.wrapping_add(self.turns.there().beside).wrapping_sub(turn) > usize::MAX / 2 {
                return None;
            }
            // So it may be the line's turn for ever, whatever waits in the lanes of workers.
            let lined = &mut self.turns.there().lined;
            *lined = (*lined + 1) % SHARE;
            if *lined == 0 && self.claim_beside() {
                return Some(Find::Claim);
            }
        }
        let beside = mem::take(&mut self.turns.there().beside);
        let mut entries = self.pool.entries.lock();
        entries.pass(beside);
        let Some(popped) = entries.pop_ready(head, in_turn) else {
            // It may be somebody's turn sooner now.
            self.pool.mirror(entries);
            return None;
        };
        let found = self.begin(entries, popped);
        self.left = Some(line.patient.load(Ordering::Relaxed) / PATIENT);
        Some(Find::Job(found))
    }

    /// Says which job was popped, before the lock is released: who cancels it finds it where it waits, or where it runs.
    #[inline(always)]
    fn begin(&self, entries: MutexGuard<'_, H::Mutex, Entries<P, S::Slab>>, popped: Popped<P>) -> Found<P> {
        let Popped { payload, key, order, due, stays } = popped;
        self.this.set_due(due);
        self.mark(JobId::in_entry(key.index, key.stamp, order));
        self.pool.mirror(entries);
        (payload, stays)
    }

    /// A position was claimed before its producer has published.
    #[cold]
    pub(super) fn hold(&mut self) {
        let position = self.claim.go_back();
        self.this.offer.next.store(position, Ordering::Relaxed);
    }

    /// Looks at the position put aside, and at a claim that stops: what one producer has published it begins in order.
    #[cold]
    #[inline(never)]
    pub(super) fn go_on(&mut self) -> Option<Find<P>> {
        let there = self.see_there();
        // After that look: what their producers have published before is seen to be there.
        let found = self.look_aside();
        let is_late = there == 0 && !self.claim.is_empty();
        let waits = is_late && self.has_hole();
        if is_late && !waits {
            let (lane, hole) = &self.this.hole;
            hole.store(self.claim.next(), Ordering::Relaxed);
            lane.store(self.claim.lane() + 1, Ordering::Release);
            // Others look here first, and then there: they see it in one of the two.
            self.this.offer.next.store(self.claim.skip(), Ordering::Release);
        }
        if let Some(found) = found {
            return Some(Find::Job(found));
        }
        if waits {
            // A moment that lets its producer run.
            return Some(Find::Rest(Rest::Park(Some(self.nap()))));
        }
        if self.claim.is_empty() {
            return None;
        }
        self.claim.release(if S::OWN_LANES && !self.has_hole() { self.claim.left() } else { there });
        Some(Find::Claim)
    }

    /// How many of the next positions of the claim are published, or gone. Waits a moment for the first, but not in a small pool without
    /// a measure: whoever publishes calls somebody then.
    fn see_there(&self) -> usize {
        let (next, slots) = (self.claim.next(), self.pool.lane(self.claim.lane()).slots());
        let is_there = |ahead: &usize| slots.look(self.pinned(), next.wrapping_add(*ahead)) != slot::Look::Free;
        if !S::OWN_LANES && self.pool.host.wake_cost() == 0 {
            // Claims are of one; if it is over nobody minds what this says.
            return usize::from(is_there(&0));
        }
        for _ in 0..if self.claim.is_empty() { 0 } else { PATIENCE } {
            if is_there(&0) {
                break;
            }
            spin_loop();
        }
        // With nothing aside the first is enough, and who looks at others takes their lines from their producers.
        let most = if self.has_hole() { usize::MAX } else { 1 };
        (0..self.claim.left().min(most)).take_while(is_there).count()
    }

    /// Looks at the position put aside.
    fn look_aside(&mut self) -> Option<Found<P>> {
        let (hole, position) = &self.this.hole;
        let lane = Pool::<P, H, S>::shown(hole.load(Ordering::Relaxed))?;
        let position = position.load(Ordering::Relaxed);
        let slots = self.pool.lane(lane).slots();
        if S::OWN_LANES && slots.look(self.pinned(), position) == slot::Look::Free {
            return None;
        }
        self.mark(JobId::at(lane, position));
        let taken = slots.take(self.pinned(), position);
        if !matches!(taken, Take::Unpublished) {
            hole.store(NO_LANE, Ordering::Relaxed);
        }
        if let Take::Taken(payload) = taken {
            slots.finish(position, 1);
            return Some((payload, Stays::No));
        }
        self.unmark();
        None
    }

    pub(super) fn has_hole(&self) -> bool {
        self.this.hole.0.load(Ordering::Relaxed) != NO_LANE
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
        if let Some(find) = self.pop_line(false) {
            return Some(find);
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
        if !S::OWN_LANES {
            return self.claim_from(0);
        }
        let claims = &mut self.turns.there().claims;
        *claims = claims.wrapping_add(1);
        let claims = *claims;
        if claims % TURN_OF_ALL == 0 && self.claim_around() {
            return true;
        }
        match self.pool.own_lane(self.seat) {
            0 => self.claim_from(0),
            own if claims % 2 == 1 => self.claim_from(own) || self.claim_from(0),
            own => self.claim_from(0) || self.claim_from(own),
        }
    }

    /// A claim from the next of all lanes, whosever: none waits for all others behind a worker that is busy for long.
    #[cold]
    #[inline(never)]
    fn claim_around(&mut self) -> bool {
        let lane = self.next_around();
        self.claim_from(lane)
    }

    /// A claim from the lane of a worker, whosever, if there is anything.
    fn claim_beside(&mut self) -> bool {
        (0..self.pool.storage.lanes().len()).any(|_| {
            let lane = self.next_around();
            lane != 0 && self.claim_from(lane)
        })
    }

    fn next_around(&mut self) -> usize {
        let around = &mut self.turns.there().around;
        *around = (*around + 1) % self.pool.storage.lanes().len();
        *around
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
        if S::GATES && lane != 0 {
            self.count_beside(claim.len);
        }
        self.begin_claim(lane, claim.start, claim.len);
        let left = claim.len - 1 + claim.left;
        self.left = (left > 0).then_some(claim.left);
        if let Some(share) = share {
            self.note(lane, claim, share);
        }
        true
    }

    /// So many begin beside the main lane: to those who wait for their turn that is as if its head had moved.
    fn count_beside(&mut self, starts: usize) {
        let waits = self.pool.next.line.get().is_some_and(|line| line.patient.load(Ordering::Relaxed) / PATIENT > 0);
        let turns = self.turns.there();
        turns.lined = 0;
        turns.beside = if waits { turns.beside.saturating_add(starts) } else { 0 };
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
        self.claim = Claimed::new(self.pinned(), lane, self.pool.lane(lane), start, len);
        if self.has_hole() {
            self.claim.hold();
        }
        self.pace.claim_began(self.pool.host.wake_cost(), || self.pool.host.now());
    }
}
