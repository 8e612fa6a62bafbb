//! One place for one job: a word that says whose turn it is, and the payload.
//!
//! # The word
//!
//! `lap << 2 | stage`. A slot serves one position after another; `lap` says which: in a ring the number of times around,
//! in a block the block's present number. So a word names one position for ever, and a stale id never matches.
//!
//! | stage | means | who may change it | to |
//! |---|---|---|---|
//! | FREE | reserved by one producer, or by nobody yet | that producer | READY or OWNED; TAKEN if it has no payload after all |
//! | READY | the payload is there | whoever wins the exchange: worker, thief, canceller, joiner | TAKEN |
//! | OWNED | the same; somebody waits for the job, who has to have it run (only in stores that ask for it) | the same, but for who removes all jobs | TAKEN |
//! | TAKEN | the payload is the winner's | the winner | FREE of the next lap (ring); stays (block) |
//!
//! There is no state *cancelled*: a canceller takes the payload like everybody else, so two cannot both have it.
//!
//! # Rules
//!
//! 1. Only the producer that reserved the position writes the payload, while the slot is FREE for its lap.
//! 2. Only the winner of READY -> TAKEN or OWNED -> TAKEN touches the payload after that, and exactly once.
//!
//! # Order
//!
//! The payload must be seen by the winner: `publish` releases, `take` acquires. In a ring the next producer must not write
//! before the payload has left: `vacate` releases, the reservation acquires. A worker marks what it is about to take (see
//! `seat`); the exchange releases the mark, and a canceller who fails acquires it.

use core::mem::MaybeUninit;
use core::ptr;

use crate::pack::Pack;
use crate::sync::{AtomicUsize, Ordering, UnsafeCell, const_unless_loom, last};

const STAGE_BITS: u32 = 2;
const STAGE: usize = (1 << STAGE_BITS) - 1;
const FREE: usize = 0;
const READY: usize = 1;
const TAKEN: usize = 2;
/// The bit of READY, too: where it is set there is a payload.
const OWNED: usize = READY | TAKEN;

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
pub enum Look {
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
            TAKEN => Look::Taken,
            _ => Look::Ready,
        }
    }

    /// Puts the payload in and makes it available; `owned` in a store with owners. If [`Pack::pack`] panics the slot is
    /// left as it was: see [`Slot::give_up`].
    ///
    /// # Safety
    ///
    /// The caller has reserved the position of this slot and `lap`, and calls this once for it (rule 1).
    #[inline(always)]
    pub(crate) unsafe fn publish<J: Pack<P>>(&self, lap: usize, job: J, owned: bool) {
        // Made here, so that it is written once, where it stays.
        self.payload.with_mut(|cell| {
            // SAFETY: rule 1; nobody else touches the payload of a reserved slot.
            let place = unsafe { &mut *cell };
            // What has no size has no place that could be told from another.
            if const { size_of::<P>() == 0 } {
                place.write(job.pack());
            } else {
                assert!(ptr::eq(job.pack_in(place), cell.cast()), "what was packed is elsewhere");
            }
        });
        self.word.store(lap << STAGE_BITS | if owned { OWNED } else { READY }, Ordering::Release);
    }

    /// The producer has no payload for it: it is as if it had been taken out already.
    ///
    /// # Safety
    ///
    /// As for [`Slot::publish`], which has panicked.
    #[cfg(feature = "alloc")]
    pub(crate) unsafe fn give_up(&self, lap: usize) {
        self.word.store(lap << STAGE_BITS | TAKEN, Ordering::Release);
    }

    /// Takes the payload out if it is there for `lap`, has no owner, and nobody else was quicker.
    #[inline(always)]
    pub(crate) fn take(&self, lap: usize) -> Option<P> {
        self.win(lap, READY)
    }

    /// The same for one that has an owner.
    #[cfg(feature = "alloc")]
    pub(crate) fn take_owned(&self, lap: usize) -> Option<P> {
        self.win(lap, OWNED)
    }

    #[inline(always)]
    fn win(&self, lap: usize, stage: usize) -> Option<P> {
        // Straight to the exchange, without a look first: the slot was written by another core, and a look would fetch
        // the line twice, once to read and once to write.
        let word = lap << STAGE_BITS;
        self.word
            .compare_exchange(word | stage, word | TAKEN, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
            // SAFETY: rule 2; the exchange has just been won, and both stages mean that a payload was written.
            .then(|| self.payload.with_mut(|cell| unsafe { (*cell).assume_init_read() }))
    }

    /// Hands the slot on to `next_lap` (ring only).
    ///
    /// # Safety
    ///
    /// The caller has just won [`Slot::take`] on this slot, or has reserved it and has no payload for it.
    pub(crate) unsafe fn vacate(&self, next_lap: usize) {
        self.word.store(next_lap << STAGE_BITS | FREE, Ordering::Release);
    }

    /// Drops the payload of a slot that was never taken, whatever its lap.
    pub(crate) fn clear(&mut self) {
        let word = last(&mut self.word);
        if word & READY != 0 {
            self.word.store(word & !STAGE | TAKEN, Ordering::Relaxed);
            // SAFETY: both stages with that bit mean that a payload was written; `&mut self` means that nobody else can win
            // it, and the word no longer says so if the drop panics.
            self.payload.with_mut(|cell| unsafe { (*cell).assume_init_drop() });
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_stages_fit_their_bits_and_differ() {
        const { assert!(FREE < READY && READY < TAKEN && TAKEN < OWNED && OWNED <= STAGE) };
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn a_payload_is_taken_once() {
        for owned in [false, true] {
            let slot = Slot::new();
            assert_eq!(slot.look(0), Look::Free);
            let take = |lap| if owned { slot.take_owned(lap) } else { slot.take(lap) };
            assert_eq!(take(0), None);
            // SAFETY: the test is the only producer.
            unsafe { slot.publish(0, 7, owned) };
            assert_eq!((slot.look(0), slot.look(1)), (Look::Ready, Look::OtherLap));
            assert_eq!(take(1), None);
            assert_eq!(take(0), Some(7));
            assert_eq!(take(0), None);
            assert_eq!(slot.look(0), Look::Taken);
        }
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn what_has_an_owner_is_left_by_those_who_take_only_what_has_none() {
        let slot = Slot::new();
        // SAFETY: the test is the only producer.
        unsafe { slot.publish(0, 7, true) };
        assert_eq!(slot.take(0), None);
        assert_eq!(slot.take_owned(0), Some(7));
        // SAFETY: as above; nobody else has the slot.
        unsafe { slot.vacate(1) };
        // SAFETY: as above.
        unsafe { slot.publish(1, 8, false) };
        assert_eq!(slot.take_owned(1), None);
        assert_eq!(slot.take(1), Some(8));
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn a_slot_that_was_given_up_is_as_one_that_was_taken() {
        let slot = Slot::<u8>::new();
        // SAFETY: the test is the only producer.
        unsafe { slot.give_up(3) };
        assert_eq!((slot.look(3), slot.take(3)), (Look::Taken, None));
    }

    #[test]
    fn an_untaken_payload_is_dropped_with_the_slot_once() {
        let count = std::rc::Rc::new(());
        let mut slot = Slot::new();
        // SAFETY: the test is the only producer.
        unsafe { slot.publish(9, count.clone(), true) };
        slot.clear();
        slot.clear();
        assert_eq!(std::rc::Rc::strong_count(&count), 1);
    }
}
