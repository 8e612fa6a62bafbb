//! Who leaves short jobs to others.
//!
//! A claim takes the line of the head from other workers, and a look at the tail takes that from producers: dear, where there
//! are many cores. A worker that gets less than a *handful* of short jobs, what is hardly worth a claim, is as fast as the
//! producers. So it waits a moment before it looks again, and falls behind, so that its next claim is larger. If that
//! happens again and again, others are enough, and it *steps aside*: it sleeps, though there may be work. It may where a
//! submit would call nobody either (`State::calls_for`): one searches, or one works and one naps. The last to step aside
//! finds that nobody else does, and stays. Who naps goes on doing so while others work and what is left is not worth getting
//! up for; and if no job has ended meanwhile, they are not short, and it helps.
#![forbid(unsafe_code)]

use core::mem;

use super::claim::CLAIM;
use super::{Mode, Worker};
use crate::host::Host;
use crate::lane::Claim;
use crate::storage::Storage;
use crate::sync::{MODEL, sized, spin_loop};

#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests;

/// Small claims in a row before a worker leaves the short jobs to others.
pub(super) const SLACK: u8 = if MODEL { 1 } else { 4 };

/// Spin hints before the next claim of a worker that has got less than a handful. Under a microsecond, in which a producer
/// of short jobs submits some dozens; without it each claim would be of one or two, and each costs the producer its line.
const MOMENT: usize = sized(16, 1);

impl<P, H: Host, S: Storage<P>> Worker<'_, P, H, S> {
    /// What to claim by, if jobs are short: how many are awake, and how many jobs are a handful for them.
    pub(super) fn share(&self) -> Option<(usize, usize)> {
        self.is_short().then(|| {
            let state = self.pool.state();
            let awake = (state.alive() - state.sleeping()).max(1);
            // A claim that could not be larger is not small.
            (awake, self.pace.handful(self.pool.host.wake_cost(), awake).min(CLAIM))
        })
    }

    /// Counts claims of the main lane by which one is not needed.
    pub(super) fn note(&mut self, lane: usize, claim: Claim, (awake, handful): (usize, usize)) {
        let tail = claim.start.wrapping_add(claim.len + claim.left);
        // Of what is left of a burst each claim gets less. Where many are awake that is taken for slow producers: it does no harm.
        let came = mem::replace(&mut self.tail, tail) != tail || awake > 2;
        let is_small =
            lane == 0 && came && !self.watch.has_helped && claim.len < handful && claim.left < awake * handful;
        self.slack = if is_small { (self.slack + 1).min(SLACK) } else { 0 };
    }

    /// Lets the producers get ahead.
    pub(super) fn fall_behind(&self) {
        if self.is_short() && self.slack > 0 && self.mode == Mode::Working {
            for _ in 0..MOMENT {
                spin_loop();
            }
        }
    }

    /// Whether the short jobs can be left to others.
    pub(super) fn steps_aside(&mut self) -> bool {
        if !self.is_short() {
            return false;
        }
        match self.mode {
            Mode::Working => self.slack >= SLACK && self.pool.state().work_more_than(1),
            // Once: if it may not after all, it looks around as others do.
            Mode::Searching => mem::take(&mut self.slack) == SLACK,
            Mode::Asleep | Mode::Gone => false,
        }
    }

    /// Whether a claim has not got on since this was asked.
    pub(super) fn sees_stuck(&self) -> bool {
        // All of them, to know next time which have.
        self.pool.seats().iter().fold(false, |stuck, seat| seat.offer.is_stuck() | stuck)
    }

    /// Whether it has napped, and those that work need no help with what there is.
    #[inline]
    pub(super) fn is_dispensable(&self) -> bool {
        if !self.is_short() || self.naps == 0 {
            return false;
        }
        if self.sees_stuck() {
            return false;
        }
        let state = self.pool.state();
        let (awake, cost) = (state.alive() - state.sleeping(), self.pool.host.wake_cost());
        state.is_short() && state.others_work() && !self.pace.is_worth_a_wake_up(cost, self.pool.visible_work(), awake)
    }
}
