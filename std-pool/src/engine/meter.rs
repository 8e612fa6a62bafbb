//! What is measured in a pool: how long jobs wait and run, how late periodic ones are, how long workers sleep.
//!
//! A clock read costs more than a job may. So of jobs that are appended to a queue one in [`MEASURED`] has its run timed, by its position,
//! and stands for as many; after one that took [`LONG`] each is timed, and stands for itself, until one is short. How long a job has waited is
//! known only if its position begins a run of the queue's, of which the core keeps the time. All others, which cost
//! more than a clock read to be submitted, are timed each. Workers read the clock when they go to sleep and when they get up.
//!
//! | sheet | written by | read by |
//! |---|---|---|
//! | of a seat | its worker, but who waits may run a job on it | whoever asks |
//! | of no seat | whoever runs a job without one | whoever asks |
#![forbid(unsafe_code)]

use fastthreadpool_core::{JobId, NO_SEAT, Tick};

use crate::engine::Core;
use crate::here::histogram::{Buckets, Histogram};
use crate::here::observer::WorkerEvent;
use crate::sync::time::Time;
use crate::sys::{self, Mutex, OnceLock};

/// Of so many positions one is measured.
const MEASURED: usize = 64;

/// Nanoseconds beside which two looks at the clock do not matter: they take a two-hundredth of that.
pub(crate) const LONG: u64 = 10_000;

/// Seats of a chunk.
const CHUNK: usize = if cfg!(shuttle) { 1 } else { 16 };

pub(crate) struct Meter {
    seats: Box<[OnceLock<Box<[Sheet; CHUNK]>>]>,
    /// Of who has no seat.
    outside: Sheet,
    began: Tick,
    /// By which jobs are due.
    time: Time,
    looks: Mutex<Looks>,
}

/// When somebody has looked, and how many jobs had been appended to each queue then: the first looks at which those were there that
/// wait still. So of the oldest it is known how long it has waited at least, even where jobs are few.
#[derive(Default)]
struct Looks(Vec<LooksAtOne>);

/// The same of one queue.
#[derive(Default)]
struct LooksAtOne(Vec<(usize, Tick)>);

impl Looks {
    /// Somebody looks at all queues. Returns when the oldest was there already, if one waits.
    fn look(&mut self, queues: impl Iterator<Item = (usize, usize)>, now: Tick) -> Option<Tick> {
        let seen = queues.enumerate().filter_map(|(number, progress)| {
            if number == self.0.len() {
                self.0.push(LooksAtOne::default());
            }
            self.0[number].look(progress, now)
        });
        seen.min()
    }
}

impl LooksAtOne {
    const MOST: usize = 64;

    /// Returns when the oldest was there already, if one waits.
    fn look(&mut self, (head, tail): (usize, usize), now: Tick) -> Option<Tick> {
        let waits = |end: usize| end.wrapping_sub(head).wrapping_sub(1) < usize::MAX / 2;
        self.0.retain(|(end, _)| waits(*end));
        if waits(tail) && self.0.len() < Self::MOST && self.0.last().is_none_or(|(end, _)| *end != tail) {
            self.0.push((tail, now));
        }
        self.0.first().map(|(_, at)| *at)
    }
}

/// What is known of a seat.
#[derive(Default)]
struct Sheet {
    waiting: Buckets,
    running: Buckets,
    late: Buckets,
    shift: Mutex<Shift>,
}

/// Of the workers of a seat, how long they were there, and asleep.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shift {
    present: Option<Tick>,
    asleep: Option<Tick>,
    pub(crate) nanos_present: u64,
    pub(crate) nanos_asleep: u64,
    pub(crate) wake_ups: u64,
}

impl Shift {
    fn happens(&mut self, event: WorkerEvent, now: Tick) {
        let passed = |since: &mut Option<Tick>| since.take().map_or(0, |since| now.since(since));
        match event {
            WorkerEvent::Started => self.present = Some(now),
            WorkerEvent::Parked => self.asleep = Some(now),
            WorkerEvent::Woken => {
                self.nanos_asleep += passed(&mut self.asleep);
                self.wake_ups += 1;
            }
            WorkerEvent::Ended => self.nanos_present += passed(&mut self.present),
        }
    }

    /// With what has begun and is not over.
    fn until(mut self, now: Tick) -> Self {
        self.nanos_asleep += self.asleep.map_or(0, |since| now.since(since));
        self.nanos_present += self.present.map_or(0, |since| now.since(since));
        self
    }
}

/// A run that is measured.
pub(crate) struct Begun {
    seat: usize,
    at: Tick,
    stands_for: usize,
}

/// All that was measured.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) waiting: Histogram,
    pub(crate) running: Histogram,
    pub(crate) late: Histogram,
    /// By the number of the seat: those on which a worker ever was.
    pub(crate) shifts: Vec<(usize, Shift)>,
    pub(crate) nanos: u64,
    /// How long the oldest job has waited, at least.
    pub(crate) oldest: Option<u64>,
}

impl Meter {
    pub(crate) fn new(seats: usize, time: Time) -> Self {
        Self {
            seats: (0..seats.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect(),
            outside: Sheet::default(),
            began: sys::now(),
            time,
            looks: Mutex::new(Looks::default()),
        }
    }

    fn sheet(&self, seat: usize) -> &Sheet {
        let Some(chunk) = self.seats.get(seat / CHUNK) else { return &self.outside };
        &chunk.get_or_init(Box::default)[seat.rem_euclid(CHUNK)]
    }

    /// Whether the run of a job is measured, whatever the one before it was like. Not of one that is no worker's own.
    #[inline(always)]
    pub(crate) fn measures(id: Option<JobId>) -> bool {
        id.and_then(JobId::position).is_none_or(|position| position % MEASURED == 0)
    }

    /// A job begins that was to do so at `due`, if that is known; `after_long`: after one that was long. Returns what is to be said of its end,
    /// if its run is measured.
    #[inline]
    pub(crate) fn begin(&self, core: &Core, id: JobId, seat: usize, due: Tick, after_long: bool) -> Option<Begun> {
        if !after_long && !Self::measures(Some(id)) {
            return None;
        }
        let now = sys::now();
        if let Some(submitted) = core.submitted_at(id) {
            self.sheet(seat).waiting.add(now.since(submitted), 1);
        }
        if due != Tick::MAX {
            self.sheet(seat).late.add(self.time.now().since(due), 1);
        }
        Some(Begun { seat, at: now, stands_for: if after_long || id.position().is_none() { 1 } else { MEASURED } })
    }

    /// The run is over. Returns whether it was long.
    pub(crate) fn end(&self, begun: &Begun) -> bool {
        let took = sys::now().since(begun.at);
        self.sheet(begun.seat).running.add(took, begun.stands_for);
        took >= LONG
    }

    pub(crate) fn worker(&self, seat: usize, event: WorkerEvent) {
        debug_assert_ne!(seat, NO_SEAT, "a worker has one");
        self.sheet(seat).shift.lock().happens(event, sys::now());
    }

    pub(crate) fn read(&self, core: &Core) -> Measured {
        let now = sys::now();
        let seen = self.looks.lock().look(core.progress(), now);
        let oldest = seen.into_iter().chain(core.waiting_since()).min().map(|since| now.since(since));
        let mut all = Measured { nanos: now.since(self.began), oldest, ..Measured::default() };
        let chunks = self.seats.iter().enumerate().filter_map(|(chunk, sheets)| Some((chunk * CHUNK, sheets.get()?)));
        let of_seats =
            chunks.flat_map(|(first, sheets)| sheets.iter().enumerate().map(move |(n, sheet)| (first + n, sheet)));
        for (seat, sheet) in of_seats.chain([(NO_SEAT, &self.outside)]) {
            sheet.waiting.add_to(&mut all.waiting);
            sheet.running.add_to(&mut all.running);
            sheet.late.add_to(&mut all.late);
            let shift = sheet.shift.lock().until(now);
            if shift.nanos_present > 0 {
                all.shifts.push((seat, shift));
            }
        }
        all
    }
}
