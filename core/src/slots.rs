//! What a lane asks of the store behind it. Two stores answer: a fixed ring, and blocks that grow.

use crate::pack::Pack;
use crate::part::Part;
use crate::pinned::Pinned;
use crate::slot::{Look, Take};
use crate::sync::AtomicUsize;

mod sealed {
    #[expect(unnameable_types, reason = "seals the trait")]
    pub trait Sealed {}
    impl<P, const N: usize> Sealed for crate::ring::Ring<P, N> {}
    #[cfg(feature = "alloc")]
    impl<P, R> Sealed for crate::blocks::Blocks<P, R> {}
}

/// Where a lane keeps its slots. Sealed: [`Ring`](crate::Ring) and [`Blocks`](crate::Blocks) implement it.
#[doc(hidden)]
pub trait Slots<P>: sealed::Sealed {
    /// Positions that lie together: a claim never reaches over a multiple of it.
    const RUN: usize;

    /// Where the positions of one run lie, found once for all of them; the default finds none.
    type Run: Copy + Default;

    /// Whether [`Slots::trim`] gives anything back.
    const TRIMS: bool;

    /// Whether [`Slots::finish`] does anything.
    const COUNTS: bool;

    /// How many are inside, for stores that have to know it for [`Slots::trim`].
    type Inside: Part<AtomicUsize>;

    /// Whether a job may have an owner, see [`Pack::OWNED`].
    const OWNS: bool;

    /// The next position, or `None` when the store is full.
    fn reserve(&self, tail: &AtomicUsize) -> Option<usize>;

    /// As many of the next positions as there are, up to `most`, which is not 0: the first, and how many.
    fn reserve_some(&self, tail: &AtomicUsize, most: usize) -> Option<(usize, usize)>;

    /// Puts the payload into a reserved position.
    ///
    /// # Safety
    ///
    /// The caller got `position` from [`Slots::reserve`] or [`Slots::reserve_some`] and publishes it once.
    unsafe fn publish<J: Pack<P>>(&self, position: usize, job: J);

    /// The position stays empty, since who packs has panicked. It counts as taken out: the caller owes a
    /// [`Slots::finish`].
    ///
    /// # Safety
    ///
    /// As for [`Slots::publish`], which has panicked.
    unsafe fn give_up(&self, position: usize);

    /// Takes the payload of any position, whoever has claimed it. Whoever got one owes a [`Slots::finish`].
    fn take(&self, pinned: Pinned<'_>, position: usize) -> Take<P>;

    /// The same if it is there and has no owner.
    fn take_unowned(&self, pinned: Pinned<'_>, position: usize) -> Option<P>;

    /// Where the run of `position` lies; so many of it, from there on, will be taken soon.
    fn run(&self, pinned: Pinned<'_>, position: usize, count: usize) -> Self::Run;

    /// [`Slots::take`] of a position of `run`, after which so many more will be taken; `store` is asked for where the run is not
    /// enough.
    ///
    /// # Safety
    ///
    /// `run` is the default, or what [`Slots::run`] of this store has returned, and the caller has been inside since then.
    unsafe fn take_from<'s>(
        store: impl FnOnce() -> &'s Self,
        pinned: Pinned<'_>,
        run: Self::Run,
        position: usize,
        more: usize,
    ) -> Take<P>
    where
        Self: 's;

    /// Says that `count` payloads of the run to which `position` belongs have been taken out, so that a run with no
    /// payload left can be used again.
    fn finish(&self, position: usize, count: usize);

    /// Takes the payload of a position out, if it is there, and says so.
    #[inline(always)]
    fn take_out(&self, pinned: Pinned<'_>, position: usize) -> Option<P> {
        let Take::Taken(payload) = self.take(pinned, position) else { return None };
        self.finish(position, 1);
        Some(payload)
    }

    /// Whether the job at this position could be taken just now.
    fn is_ready(&self, pinned: Pinned<'_>, position: usize) -> bool;

    /// Whether there is a job at this position, or will be one: nobody has taken it yet.
    fn is_open(&self, pinned: Pinned<'_>, position: usize) -> bool {
        matches!(self.look(pinned, position), Look::Free | Look::Ready)
    }

    /// What there is at this position, which is reserved; [`Look::OtherLap`] where its job has gone long ago.
    fn look(&self, pinned: Pinned<'_>, position: usize) -> Look;

    /// The last position from `first` to before `end` at which there is a job that nobody has taken, of positions whose jobs are in.
    fn last_open(&self, pinned: Pinned<'_>, first: usize, end: usize) -> Option<usize> {
        let all = end.wrapping_sub(first);
        (1..=all).map(|back| end.wrapping_sub(back)).find(|position| self.is_open(pinned, *position))
    }

    /// Visits the positions that hold an untaken job, oldest first. Jobs that come or go meanwhile may be missed.
    fn sweep(&self, pinned: Pinned<'_>, tail: usize, visit: &mut dyn FnMut(usize));

    /// Gives back memory that was not needed since the last call, unless somebody is inside according to the count. Returns
    /// whether another call, after a time without jobs, would give back more.
    fn trim(&self, inside: &AtomicUsize) -> bool {
        let _ = inside;
        false
    }
}
