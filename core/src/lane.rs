//! A first-in-first-out lane of jobs: the queue, the store of the payloads, and the source of the ids, in one.
//!
//! ```text
//!            head                  tail
//!   ..taken..  |  ready, ready, ..   |  free ..
//!              claims move it ->     submits move it ->
//! ```
//!
//! A submit reserves the position at `tail` and publishes the payload there. A claim moves `head` over a run of positions
//! with one exchange; the claimant then takes them one by one. A claim is advice, not ownership: who takes a payload out
//! of its slot has it, so a thief, a canceller or a joiner needs no other permission than the slot's.
//!
//! # The hole
//!
//! A producer may be pre-empted between reserving and publishing. The claim runs over the hole, the claimant puts the
//! position aside and comes back to it (see [`crate::worker`]); the jobs behind it do not wait, unless there is a second hole.
//!
//! # Order
//!
//! `tail` moves by sequentially consistent operations because the pool's wake-up rests on it: a submit moves `tail`, then
//! reads who sleeps; a worker says that it sleeps, then reads `tail`.
//!
//! The head never passes the tail. Whoever reads a head with acquire then reads a tail that is not behind it, since whoever
//! moved the head there had seen that tail, and the exchange released it. One read relaxed could be newer than the tail.

#[cfg(all(test, loom))]
mod loom;

use crate::slots::Slots;
use crate::sync::{AtomicUsize, CROWDS, MODEL, Ordering, Padded, const_unless_loom, spin_loop};

/// Spin hints after an exchange on the head that another has won, twice as many each time, [`DOUBLED`] times: who goes at it
/// again at once makes it dearer for all.
const BACKOFF: usize = 16;

const DOUBLED: u32 = 3;

/// A lane over the store `S`.
#[derive(Debug)]
pub struct Lane<S> {
    tail: Padded<AtomicUsize>,
    head: Padded<AtomicUsize>,
    slots: S,
}

/// Positions that one claim has moved the head over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) start: usize,
    pub(crate) len: usize,
    /// Unclaimed positions behind it.
    pub(crate) left: usize,
}

impl<S> Lane<S> {
    const_unless_loom! {
        /// An empty lane over an empty store.
        pub const fn new(slots: S) -> Self {
            Self { tail: Padded(AtomicUsize::new(0)), head: Padded(AtomicUsize::new(0)), slots }
        }
    }

    pub(crate) fn slots(&self) -> &S {
        &self.slots
    }

    #[cfg(simulated)]
    pub(crate) fn name_parts(&self, say: &mut dyn FnMut(&'static str, usize, usize)) {
        use crate::sync::simulated::name;
        name(say, "tail", &self.tail);
        name(say, "head", &self.head);
        name(say, "store", &self.slots);
    }

    /// The next position, which is also how many jobs were ever submitted here.
    #[inline(always)]
    pub(crate) fn tail(&self) -> usize {
        self.tail.load(Ordering::SeqCst)
    }

    /// Positions that nobody has claimed.
    pub(crate) fn unclaimed(&self) -> usize {
        // Head first: it never passes the tail, so the difference does not go below zero.
        let head = self.head.load(Ordering::SeqCst);
        self.tail.load(Ordering::SeqCst).wrapping_sub(head)
    }

    /// The position of the next job, which is its name; the caller publishes it there. `None` when the store is full.
    #[inline(always)]
    pub(crate) fn reserve<P>(&self) -> Option<usize>
    where
        S: Slots<P>,
    {
        self.slots.reserve(&self.tail)
    }

    /// The next positions, as many as there are up to `most`: the first, and how many. The caller publishes all of them.
    pub(crate) fn reserve_some<P>(&self, most: usize) -> Option<(usize, usize)>
    where
        S: Slots<P>,
    {
        if most == 0 { None } else { self.slots.reserve_some(&self.tail, most) }
    }

    /// Where the next claim begins.
    pub(crate) fn head(&self) -> usize {
        self.head.load(Ordering::Acquire)
    }

    /// Claims some of the oldest positions: `want` says how many of so many, or none; it is asked after all of these have been
    /// seen. `offer` is told of each attempt before it is made, so that when the claim has happened others know of it already.
    #[inline]
    pub(crate) fn claim<P>(&self, want: impl Fn(usize) -> Option<usize>, mut offer: impl FnMut(Claim)) -> Option<Claim>
    where
        S: Slots<P>,
    {
        let mut start = self.head.load(Ordering::Acquire);
        let mut tail = start;
        let mut losses = 0;
        loop {
            // An earlier tail will do while the head is before it: each look costs the producers.
            if !CROWDS || tail.wrapping_sub(start).wrapping_sub(1) > usize::MAX / 2 {
                tail = self.tail.load(Ordering::SeqCst);
            }
            let unclaimed = tail.wrapping_sub(start);
            if unclaimed == 0 {
                return None;
            }
            // A head that was read too early may be behind by any number, never ahead; the exchange then fails.
            let run = S::RUN - start % S::RUN;
            let len = want(unclaimed)?.clamp(1, unclaimed.min(run));
            let claim = Claim { start, len, left: unclaimed - len };
            offer(claim);
            // The barrier between the offer and the look at who sleeps.
            let order = Ordering::SeqCst;
            match self.head.compare_exchange(start, start.wrapping_add(len), order, Ordering::Acquire) {
                Ok(_) => return Some(claim),
                Err(seen) => start = seen,
            }
            if CROWDS && !MODEL {
                for _ in 0..BACKOFF << losses {
                    spin_loop();
                }
                losses = (losses + 1).min(DOUBLED);
                start = self.head.load(Ordering::Acquire);
            }
        }
    }
}
