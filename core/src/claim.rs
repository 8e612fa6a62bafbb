//! Positions of one run that a worker has claimed and works off.

use crate::lane::Lane;
use crate::pinned::Pinned;
use crate::slot::Take;
use crate::slots::Slots;

/// A claim: which positions are left of it, and what has become of the others.
///
/// Only advice, as every claim: others may have taken what is in it.
#[derive(Debug)]
pub(crate) struct Claimed<R> {
    lane: usize,
    run: R,
    next: usize,
    /// Where the worker looks around before it goes on: `end`, or before.
    stop: usize,
    end: usize,
    /// How many positions there were since the last count; and how many of those that have been looked at since had no
    /// payload for this worker.
    count: usize,
    missed: usize,
}

impl<R: Copy + Default> Claimed<R> {
    /// None.
    pub(crate) fn none() -> Self {
        Self { lane: 0, run: R::default(), next: 0, stop: 0, end: 0, count: 0, missed: 0 }
    }

    /// So many positions of one run of a lane.
    pub(crate) fn new<P, S: Slots<P, Run = R>>(
        pinned: Pinned<'_>,
        number: usize,
        lane: &Lane<S>,
        start: usize,
        count: usize,
    ) -> Self {
        let run = lane.slots().run(pinned, start, count);
        let end = start.wrapping_add(count);
        Self { lane: number, run, next: start, stop: end, end, count, missed: 0 }
    }

    /// Its worker leaves the slots: where its run is will not be so when it comes back.
    pub(crate) fn leave(&mut self) {
        debug_assert!(self.is_empty(), "who leaves has worked it off");
        self.run = R::default();
    }

    /// The number of its lane.
    #[inline(always)]
    pub(crate) fn lane(&self) -> usize {
        self.lane
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.next == self.end
    }

    /// Whether there is no next position, or only after a look around.
    #[inline(always)]
    pub(crate) fn stops(&self) -> bool {
        self.next == self.stop
    }

    /// From now on it stops before each position.
    pub(crate) fn hold(&mut self) {
        self.stop = self.next;
    }

    /// It goes over so many positions, of those that are left, before it stops again.
    pub(crate) fn release(&mut self, count: usize) {
        self.stop = self.next.wrapping_add(count);
    }

    /// The next position.
    #[inline(always)]
    pub(crate) fn next(&self) -> usize {
        self.next
    }

    /// How many are left.
    pub(crate) fn left(&self) -> usize {
        self.end.wrapping_sub(self.next)
    }

    /// Goes over the next position. Returns the one after it.
    #[inline(always)]
    pub(crate) fn advance(&mut self) -> usize {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    /// Takes the job of a position that was just gone over.
    ///
    /// # Safety
    ///
    /// `lane` is the one that the claim was made of, and the caller has been inside since then.
    #[inline(always)]
    pub(crate) unsafe fn take<'l, P, S: Slots<P, Run = R> + 'l>(
        &mut self,
        pinned: Pinned<'_>,
        lane: impl FnOnce() -> &'l Lane<S>,
        position: usize,
    ) -> Take<P> {
        // SAFETY: found in this lane when the claim was made; the rest is the caller's.
        let taken = unsafe { S::take_from(|| lane().slots(), pinned, self.run, position, self.left()) };
        if !matches!(taken, Take::Taken(_)) {
            self.missed += 1;
        }
        taken
    }

    /// The last position that was gone over, where there was nothing yet, is the next one again. It stops there.
    pub(crate) fn go_back(&mut self) -> usize {
        self.next = self.next.wrapping_sub(1);
        self.missed -= 1;
        self.hold();
        self.next
    }

    /// Goes over the next position and leaves what will be there. Returns the one after it, where it stops.
    pub(crate) fn skip(&mut self) -> usize {
        self.missed += 1;
        self.advance();
        self.hold();
        self.next
    }

    /// Counts with its lane what was taken since the last time. Returns how many.
    pub(crate) fn count<P, S: Slots<P, Run = R>>(&mut self, lane: &Lane<S>) -> usize {
        let left = self.left();
        let taken = self.count - self.missed - left;
        (self.count, self.missed) = (left, 0);
        if taken > 0 {
            lane.slots().finish(self.end.wrapping_sub(1), taken);
        }
        taken
    }
}
