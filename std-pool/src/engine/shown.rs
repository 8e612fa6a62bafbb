//! What cohort the job of each seat belongs to, for who counts: written by the seat's worker alone, on a line of its own.

use std::ptr;

use fastthreadpool_core::NO_SEAT;

use crate::engine::slot::Slot;
use crate::sys::OnceLock;
use crate::sys::atomic::{AtomicPtr, Ordering};

/// Seats of a chunk.
const CHUNK: usize = 16;

/// Two lines, as the core pads what different threads write.
#[repr(align(128))]
struct Place(AtomicPtr<Slot>);

type Chunk = Box<[Place]>;

/// The cohorts of the jobs on all seats; made when the first job of a group begins.
pub(crate) struct Shown {
    seats: Box<[OnceLock<Chunk>]>,
}

impl Shown {
    pub(crate) fn new(seats: usize) -> Self {
        Self { seats: (0..seats.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect() }
    }

    /// Shows that a job of a cohort runs, until the guard is dropped.
    #[inline]
    pub(crate) fn show<'s>(&'s self, seat: usize, slot: &'s Slot) -> Showing<'s> {
        if seat != NO_SEAT {
            let chunk = self.seats[seat / CHUNK]
                .get_or_init(|| (0..CHUNK).map(|_| Place(AtomicPtr::new(ptr::null_mut()))).collect());
            let place = &chunk[seat % CHUNK].0;
            if place.load(Ordering::Relaxed).is_null() {
                place.store(ptr::from_ref(slot).cast_mut(), Ordering::Relaxed);
                return Showing::On(place);
            }
        }
        // No worker's, or inside another: there is no place for it.
        slot.count_deep(true);
        Showing::Deep(slot)
    }

    /// How many jobs run on seats that count in a slot which is meant.
    pub(crate) fn count(&self, is_meant: impl Fn(&Slot) -> bool) -> usize {
        let places = self.seats.iter().filter_map(OnceLock::get).flatten();
        // SAFETY: a slot is there as long as its engine, whatever has become of the job.
        let shown = places.filter_map(|place| unsafe { place.0.load(Ordering::Relaxed).as_ref() });
        shown.filter(|slot| slot.chain().any(&is_meant)).count()
    }
}

pub(crate) enum Showing<'s> {
    On(&'s AtomicPtr<Slot>),
    Deep(&'s Slot),
}

impl Drop for Showing<'_> {
    #[inline]
    fn drop(&mut self) {
        match self {
            Self::On(place) => place.store(ptr::null_mut(), Ordering::Relaxed),
            Self::Deep(slot) => slot.count_deep(false),
        }
    }
}
