//! What cohort the job of each seat belongs to, for who counts, and what has ended there: the tallies of the core, each written
//! by the seat's worker alone, on a line of its own.

use std::mem;
use std::ptr::{self, NonNull};

use fastthreadpool_core::{End, Tally, TallyBegun, TallyReading};

use crate::engine::slot::Slot;
use crate::engine::worker::Env;
use crate::here::frame::{Frame, Kind};
use crate::sys::OnceLock;

/// Seats of a chunk.
const CHUNK: usize = 16;

/// A slot is there as long as its engine, and so as long as its tallies.
type Place = Tally<'static, Slot>;

type Chunk = Box<[Place; CHUNK]>;

/// The tallies of all seats; made when the first job of a group begins.
pub(crate) struct Shown {
    seats: Box<[OnceLock<Chunk>]>,
}

impl Shown {
    pub(crate) fn new(seats: usize) -> Self {
        Self { seats: (0..seats.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect() }
    }

    /// The tally of a seat; none for [`NO_SEAT`](fastthreadpool_core::NO_SEAT).
    #[inline]
    fn place(&self, seat: usize) -> Option<&Place> {
        let chunk = self.seats.get(seat / CHUNK)?;
        let chunk = chunk.get_or_init(|| Box::new([const { Place::new() }; CHUNK]));
        Some(&chunk[seat % CHUNK])
    }

    /// Shows that a job of a cohort runs, until the guard is dropped.
    #[inline]
    pub(crate) fn show<'s>(&'s self, seat: usize, slot: &'s Slot) -> Showing<'s> {
        let begun = self.place(seat).and_then(|place| place.begin(slot.forever(), Slot::tell_waiters));
        if begun.is_none() {
            // No worker's, or inside another: there is no place for it.
            slot.count_deep(true);
        }
        Showing { begun, slot }
    }

    /// The slot of the job that a seat shows.
    pub(crate) fn at(&self, seat: usize) -> Option<&Slot> {
        let reading = self.place(seat)?.read().filter(|reading| reading.is_running)?;
        Some(reading.cohort)
    }

    /// How many jobs run on seats that count in a slot which is meant.
    pub(crate) fn count(&self, is_meant: impl Fn(&Slot) -> bool) -> usize {
        let running = self.readings().filter(|reading| reading.is_running);
        running.filter(|reading| reading.cohort.chain().any(&is_meant)).count()
    }

    /// How many jobs of a slot have ended that its cohort does not count.
    pub(crate) fn ended(&self, slot: &Slot) -> usize {
        self.readings().filter(|reading| ptr::eq(reading.cohort, slot)).map(|reading| reading.ended).sum()
    }

    fn readings(&self) -> impl Iterator<Item = TallyReading<'static, Slot>> {
        self.seats.iter().filter_map(OnceLock::get).flat_map(|chunk| chunk.iter()).filter_map(Tally::read)
    }
}

/// A job runs.
pub(crate) struct Showing<'s> {
    begun: Option<TallyBegun<'s, 'static, Slot>>,
    slot: &'s Slot,
}

impl Showing<'_> {
    /// Whether its seat shows that it is, so that it needs no frame.
    #[inline]
    pub(crate) fn is_at_seat(&self) -> bool {
        self.begun.is_some()
    }

    /// Runs `f` inside the job: the seat shows that it is, or else a frame does.
    #[inline]
    pub(crate) fn run<R>(&self, env: &Env, f: impl FnOnce() -> R) -> R {
        let frame = || Frame::new(Kind::Member(NonNull::from(self.slot).cast()), env.engine.address(), env.seat());
        let frame = self.begun.is_none().then(frame);
        Frame::enter_some(frame.as_ref(), f)
    }

    /// It has ended well, and nothing of it is left.
    #[inline]
    pub(crate) fn finish(mut self) {
        let slot = self.slot;
        let is_counted = if let Some(begun) = self.begun.take() {
            mem::forget(self);
            begun.finish(slot.forever(), Slot::tell_waiters)
        } else {
            drop(self);
            false
        };
        if !is_counted {
            slot.end(End::Done);
        }
    }
}

impl Drop for Showing<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.begun.is_none() {
            self.slot.count_deep(false);
        }
    }
}
