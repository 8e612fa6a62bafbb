//! One place for one job: a word that says whose turn it is, and the payload.
//!
//! # The word
//!
//! `lap << 2 | stage`. A slot serves one position after another; `lap` says which: in a ring the number of times around,
//! in a block the block's present number. So a word names one position for ever, and a stale id never matches.
//!
//! | stage | means | who may change it | to |
//! |---|---|---|---|
//! | FREE | reserved by one producer, or by nobody yet | that producer | READY |
//! | READY | the payload is there | whoever wins the exchange: worker, thief, canceller, joiner | TAKEN |
//! | TAKEN | the payload is the winner's | the winner | FREE of the next lap (ring); stays (block) |
//!
//! There is no state *cancelled*: a canceller takes the payload like everybody else, so two cannot both have it.
//!
//! # Rules
//!
//! 1. Only the producer that reserved the position writes the payload, while the slot is FREE for its lap.
//! 2. Only the winner of READY -> TAKEN touches the payload after that, and exactly once.
//!
//! # Order
//!
//! The payload must be seen by the winner: `publish` releases, `take` acquires. In a ring the next producer must not write
//! before the payload has left: `vacate` releases, the reservation acquires. A worker marks what it is about to take (see
//! `seat`); the exchange releases the mark, and a canceller who fails acquires it.

use core::mem::MaybeUninit;

use crate::pool::Pack;
use crate::sync::{AtomicUsize, Ordering, UnsafeCell, const_unless_loom};

const STAGE_BITS: u32 = 2;
const STAGE: usize = (1 << STAGE_BITS) - 1;
const FREE: usize = 0;
const READY: usize = 1;
const TAKEN: usize = 2;

/// A lap as far as a word can tell it: without the bits that the stage needs.
const LAP: usize = usize::MAX >> STAGE_BITS;

#[repr(C)]
#[derive(Debug)]
pub(crate) struct Slot<P> {
    word: AtomicUsize,
    payload: UnsafeCell<MaybeUninit<P>>,
}

// SAFETY: rules 1 and 2 give every access to the payload to one context at a time, ordered by the word; what moves
// between contexts is the payload itself, hence `P: Send`.
unsafe impl<P: Send> Sync for Slot<P> {}

/// What a look at a slot found.
#[derive(Debug, PartialEq, Eq)]
pub enum Take<P> {
    /// The payload is the caller's now.
    Taken(P),
    /// Somebody else has it, or had it long ago.
    Gone,
    /// Its producer has the position but has not published yet.
    Unpublished,
}

/// What a word says to a visitor of one lap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Free,
    Ready,
    Taken,
    /// The slot is in another lap: earlier or later, the store knows.
    OtherLap,
}

impl<P> Slot<P> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self { word: AtomicUsize::new(FREE), payload: UnsafeCell::new(MaybeUninit::uninit()) }
        }
    }

    pub(crate) fn look(&self, lap: usize) -> Look {
        let word = self.word.load(Ordering::Acquire);
        if word >> STAGE_BITS != lap & LAP {
            return Look::OtherLap;
        }
        match word & STAGE {
            FREE => Look::Free,
            READY => Look::Ready,
            _ => Look::Taken,
        }
    }

    /// Puts the payload in and makes it available.
    ///
    /// # Safety
    ///
    /// The caller has reserved the position of this slot and `lap`, and calls this once for it (rule 1).
    #[inline(always)]
    pub(crate) unsafe fn publish<J: Pack<P>>(&self, lap: usize, job: J) {
        // Made here, so that it is written once, where it stays.
        // SAFETY: rule 1; nobody else touches the payload of a reserved slot.
        self.payload.with_mut(|cell| _ = unsafe { (*cell).write(job.pack()) });
        self.word.store(lap << STAGE_BITS | READY, Ordering::Release);
    }

    /// Takes the payload out if it is there for `lap` and nobody else was quicker.
    #[inline(always)]
    pub(crate) fn take(&self, lap: usize) -> Option<P> {
        // Straight to the exchange, without a look first: the slot was written by another core, and a look would fetch
        // the line twice, once to read and once to write.
        let word = lap << STAGE_BITS;
        self.word
            .compare_exchange(word | READY, word | TAKEN, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
            // SAFETY: rule 2; the exchange has just been won, and READY means that a payload was written.
            .then(|| self.payload.with_mut(|cell| unsafe { (*cell).assume_init_read() }))
    }

    /// Hands the slot on to `next_lap` (ring only).
    ///
    /// # Safety
    ///
    /// The caller has just won [`Slot::take`] on this slot.
    pub(crate) unsafe fn vacate(&self, next_lap: usize) {
        self.word.store(next_lap << STAGE_BITS | FREE, Ordering::Release);
    }

    /// Drops the payload of a slot that was never taken, whatever its lap.
    pub(crate) fn clear(&mut self) {
        let word = self.word.load(Ordering::Relaxed);
        if word & STAGE == READY {
            self.word.store(word & !STAGE | TAKEN, Ordering::Relaxed);
            // SAFETY: READY means that a payload was written; `&mut self` means that nobody else can win it, and the
            // word no longer says READY if the drop panics.
            self.payload.with_mut(|cell| unsafe { (*cell).assume_init_drop() });
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_stages_fit_their_bits_and_differ() {
        const { assert!(FREE < READY && READY < TAKEN && TAKEN <= STAGE) };
    }

    #[test]
    fn a_payload_is_taken_once() {
        let slot = Slot::new();
        assert_eq!(slot.look(0), Look::Free);
        assert_eq!(slot.take(0), None);
        // SAFETY: the test is the only producer.
        unsafe { slot.publish(0, 7) };
        assert_eq!(slot.look(0), Look::Ready);
        assert_eq!(slot.look(1), Look::OtherLap);
        assert_eq!(slot.take(1), None);
        assert_eq!(slot.take(0), Some(7));
        assert_eq!(slot.take(0), None);
        assert_eq!(slot.look(0), Look::Taken);
    }

    #[test]
    fn an_untaken_payload_is_dropped_with_the_slot_once() {
        let count = std::rc::Rc::new(());
        let mut slot = Slot::new();
        // SAFETY: the test is the only producer.
        unsafe { slot.publish(9, count.clone()) };
        slot.clear();
        slot.clear();
        assert_eq!(std::rc::Rc::strong_count(&count), 1);
    }
}
