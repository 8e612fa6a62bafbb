//! What one worker shows to the others: what it has claimed, what it runs, how much it has finished.
//!
//! A seat is written by its worker only, except for the stop flag of a running job and the links of the sleepers' list.
//!
//! # The running mark
//!
//! `serial << 2 | stage`, per nesting level: a job that waits for another may run that one meanwhile.
//!
//! | stage | means |
//! |---|---|
//! | IDLE | no job; the words of the id mean nothing |
//! | RUNNING | the job that they name runs |
//! | STOPPED | it runs, and has been asked to stop |
//!
//! `serial` goes up with each job, so an exchange RUNNING -> STOPPED with the serial that was read before the id's words
//! succeeds only if the words belong to the job that still runs.
//!
//! A worker marks a job *before* it takes its payload, and takes the mark back if somebody else was quicker. So there is no
//! moment at which a canceller finds the job neither waiting nor marked. A job can be marked on several seats for that
//! moment; it is stopped on all of them.
//!
//! # Order
//!
//! A reader that sees a word of a later job must fail its exchange: the words are written with release after the mark went
//! IDLE, and read with acquire before the exchange. The mark comes before the taking of the payload (the exchange on the
//! slot releases, the entries are under a lock), and a canceller who finds the payload taken has acquired that.
#![forbid(unsafe_code)]

use crate::end::{End, Ends};
use crate::entries::Gating;
use crate::host::Tick;
use crate::id::JobId;
use crate::part::{Blank, Part};
use crate::sync::{
    AtomicBool, AtomicUsize, LOOKS_FIRST, Ordering, blank, const_blank, const_unless_loom, overwrite, sized,
};

/// How deep jobs that run inside each other can still be told to stop.
pub const STOPPABLE_DEPTH: usize = sized(4, 2);

/// A position put aside because its producer has not published yet: its lane, plus one, and the position.
pub(crate) type Hole = (AtomicUsize, AtomicUsize);

const IDLE: usize = 0;
const RUNNING: usize = 1;
const STOPPED: usize = 2;
const STAGE: usize = 3;
const SERIAL: usize = 4;

/// No lane: an offer or a hole that is not there. Offers and holes keep one more than the lane's number, for a free seat is
/// all zeros, see `sleepers`.
pub(crate) const NO_LANE: usize = 0;

// A free seat is all zeros, lest one in a static takes flash: of every field the beginning is one of these, 0 or false.
const _: () = assert!(NO_LANE == 0 && IDLE == 0);

/// No seat: who acts for a pool and is no worker.
pub const NO_SEAT: usize = usize::MAX;

#[derive(Debug)]
struct Mark {
    word: AtomicUsize,
    id: [AtomicUsize; 3],
}

/// Most jobs differ from the one before in one word.
#[inline(always)]
fn set(word: &AtomicUsize, value: usize) {
    if !LOOKS_FIRST || word.load(Ordering::Relaxed) != value {
        word.store(value, Ordering::Release);
    }
}

impl Mark {
    #[inline(always)]
    fn id(&self) -> JobId {
        let [order, serial, place] = &self.id;
        JobId::from_words(order.load(Ordering::Acquire), serial.load(Ordering::Acquire), place.load(Ordering::Acquire))
    }

    #[inline(always)]
    fn write(&self, id: JobId) {
        let (order, serial, place) = id.words();
        set(&self.id[0], order);
        set(&self.id[1], serial);
        set(&self.id[2], place);
    }

    #[inline(always)]
    fn begin(&self, id: JobId) {
        self.write(id);
        let serial = self.word.load(Ordering::Relaxed) & !STAGE;
        self.word.store(serial | RUNNING, Ordering::Release);
    }

    const_unless_loom! {
        const fn new() -> Self {
            Self { word: AtomicUsize::new(IDLE), id: [AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0)] }
        }
    }
}

/// Positions that a worker has claimed and not started, for idle workers to take. Only advice: see [`crate::lane`].
#[derive(Debug)]
pub(crate) struct Offer {
    /// Plus one, or [`NO_LANE`].
    pub(crate) lane: AtomicUsize,
    pub(crate) next: AtomicUsize,
    pub(crate) end: AtomicUsize,
    /// What `next` was when one who naps last looked whether the owner gets on.
    seen: AtomicUsize,
}

impl Offer {
    /// The first of what is claimed and not begun, if there is something.
    pub(crate) fn next(&self) -> Option<usize> {
        let next = self.next.load(Ordering::Relaxed);
        (next != self.end.load(Ordering::Relaxed)).then_some(next)
    }

    /// Whether something is claimed, and nothing of it was begun since this was asked last. Asked by who naps, so by one at a time.
    pub(crate) fn is_stuck(&self) -> bool {
        self.next().is_some_and(|next| {
            let stuck = self.seen.load(Ordering::Relaxed) == next;
            if !stuck {
                self.seen.store(next, Ordering::Relaxed);
            }
            stuck
        })
    }
}

/// An array of the same, made one by one.
#[cfg(not(loom))]
macro_rules! each {
    ($one:expr; $count:expr) => {
        [const { $one }; $count]
    };
}
#[cfg(loom)]
macro_rules! each {
    ($one:expr; $count:expr) => {
        core::array::from_fn::<_, { $count }, _>(|_| $one)
    };
}

/// A time in two halves, which only its worker writes and reads; zero for none.
#[derive(Debug)]
pub(crate) struct Moment([AtomicUsize; 2]);

impl Moment {
    fn set(&self, Tick(time): Tick) {
        let Self([high, low]) = self;
        high.store((time >> 32) as usize, Ordering::Relaxed);
        low.store(time as u32 as usize, Ordering::Relaxed);
    }

    fn get(&self) -> Option<Tick> {
        let Self([high, low]) = self;
        let time = (high.load(Ordering::Relaxed) as u64) << 32 | low.load(Ordering::Relaxed) as u64;
        (time > 0).then_some(Tick(time))
    }
}

impl Blank for Moment {
    const_blank! {
        #[allow(clippy::declare_interior_mutable_const, reason = "made anew wherever it is named")]
        const BLANK: Self = Self([AtomicUsize::new(0), AtomicUsize::new(0)]);
    }
}

/// One worker's place in a pool.
///
/// Where lines are far apart, what it claims and what the others look at is on one, what it writes with each job on the next, and
/// what is rarely touched behind these: a processor that sees its owner go from line to line fetches one more, and that is to be
/// one of this seat, not the next one's. On simulated cores that took half a line with each job of 200 ns from the neighbour.
#[derive(Debug)]
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), repr(C, align(128)))]
// A small target finds one by a shift.
#[cfg_attr(target_pointer_width = "32", repr(align(32)))]
pub struct Seat<G: Gating> {
    pub(crate) offer: Offer,
    /// The worker has one at most: behind it there may be others of the same producer, and these it begins in order.
    pub(crate) hole: Hole,
    pub(crate) taken: AtomicBool,
    /// Under the sleepers' lock: whether it is listed, and the sleeper below.
    pub(crate) listed: AtomicBool,
    pub(crate) below: AtomicUsize,
    /// Runs that ended here.
    ended: Ends<G>,
    /// How many jobs run inside the first one here.
    inner: AtomicUsize,
    marks: [Mark; STOPPABLE_DEPTH],
    /// When the first job here was to begin, if it comes from an entry.
    due: G::Only<Moment>,
    /// What the periodic job that runs has said of its next run.
    said: G::Only<Moment>,
}

#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_pointer_width = "64", not(any(loom, shuttle))))]
const _: () = {
    use crate::entries::Gates;
    use core::mem::{offset_of, size_of};
    assert!(offset_of!(Seat<Gates>, ended) == 64, "the first line is what others look at");
    assert!(offset_of!(Seat<Gates>, marks) + size_of::<Mark>() == 128, "the second is what each job writes");
};

impl<G: Gating> Seat<G> {
    const_unless_loom! {
        /// A free seat.
        pub const fn new() -> Self {
            Self {
                offer: Offer {
                    lane: AtomicUsize::new(NO_LANE),
                    next: AtomicUsize::new(0),
                    end: AtomicUsize::new(0),
                    seen: AtomicUsize::new(0),
                },
                hole: (AtomicUsize::new(NO_LANE), AtomicUsize::new(0)),
                taken: AtomicBool::new(false),
                listed: AtomicBool::new(false),
                below: AtomicUsize::new(0),
                ended: Ends::new(),
                inner: AtomicUsize::new(0),
                marks: each!(Mark::new(); STOPPABLE_DEPTH),
                due: blank!(<G as Gating>::Only<Moment>),
                said: blank!(<G as Gating>::Only<Moment>),
            }
        }
    }

    #[cfg(simulated)]
    pub(crate) fn name_parts(&self, say: &mut dyn FnMut(&'static str, usize, usize)) {
        use crate::sync::simulated::name;
        name(say, "offer", &self.offer);
        name(say, "hole", &self.hole);
        name(say, "ended", &self.ended);
        name(say, "mark", &self.marks[0]);
        name(say, "taken", &self.taken);
        name(say, "sleeper", &self.below);
    }

    /// Shows a claim to the others.
    pub(crate) fn offer(&self, lane: usize, start: usize, len: usize) {
        self.offer.lane.store(lane + 1, Ordering::Relaxed);
        self.offer.next.store(start, Ordering::Relaxed);
        self.offer.end.store(start.wrapping_add(len), Ordering::Release);
    }

    /// A job is about to begin here, inside the one that runs already, if any. Returns its depth.
    #[inline(always)]
    pub(crate) fn begin(&self, id: JobId) -> usize {
        let depth = if self.is_busy() { self.inner.load(Ordering::Relaxed) + 1 } else { 0 };
        if depth > 0 {
            self.inner.store(depth, Ordering::Relaxed);
        }
        if let Some(mark) = self.marks.get(depth) {
            mark.begin(id);
        }
        depth
    }

    /// The same where nothing runs.
    #[inline(always)]
    pub(crate) fn begin_first(&self, id: JobId) {
        debug_assert!(!self.is_busy(), "a worker runs what it has found before it looks for more");
        self.marks[0].begin(id);
    }

    /// The id of the job at `depth`, for the worker itself; `None` when it is too deep to be marked.
    #[inline(always)]
    pub(crate) fn id(&self, depth: usize) -> Option<JobId> {
        self.marks.get(depth).map(Mark::id)
    }

    /// The id of the job at `depth`, for others than its worker.
    pub(crate) fn seen(&self, depth: usize) -> Option<JobId> {
        let mark = self.marks.get(depth)?;
        let before = mark.word.load(Ordering::Acquire);
        // With acquire: whoever sees a word of a later job's id sees the end of this one below.
        let id = mark.id();
        let is_same = mark.word.load(Ordering::Relaxed) & !STAGE == before & !STAGE;
        (before & STAGE != IDLE && is_same).then_some(id)
    }

    /// The innermost job has ended, or is not to begin here after all.
    #[inline(always)]
    pub(crate) fn end(&self, depth: usize) {
        debug_assert_eq!(self.inner.load(Ordering::Relaxed), depth, "jobs end in the reverse order of their beginning");
        if let Some(mark) = self.marks.get(depth) {
            let serial = mark.word.load(Ordering::Relaxed) & !STAGE;
            overwrite(&mark.word, serial.wrapping_add(SERIAL) | IDLE);
        }
        if depth > 0 {
            self.inner.store(depth - 1, Ordering::Relaxed);
        }
    }

    /// The first job here, which comes from an entry, was to begin at `due`; zero if it waited for no time.
    pub(crate) fn set_due(&self, due: Tick) {
        self.due.get().inspect(|moment| moment.set(due));
    }

    /// See [`Seat::set_due`].
    pub(crate) fn due(&self) -> Option<Tick> {
        self.due.get()?.get()
    }

    /// The periodic job that runs here is to run next at `due`, or now.
    pub(crate) fn say(&self, due: Tick) {
        self.said.get().inspect(|moment| moment.set(Tick(due.0.max(1))));
    }

    /// What was said, once.
    pub(crate) fn take_said(&self) -> Option<Tick> {
        let said = self.said.get()?;
        said.get().inspect(|_| said.set(Tick::ZERO))
    }

    /// How many jobs run here, inside each other.
    pub(crate) fn running(&self) -> usize {
        if self.is_busy() { self.inner.load(Ordering::Relaxed) + 1 } else { 0 }
    }

    /// Counts one more run that has ended. Written by the worker alone, so no read-modify-write; released for those who wait
    /// until nothing is pending.
    #[inline(always)]
    pub(crate) fn count(&self, end: End) {
        let ended = self.ended.word(end);
        ended.store(ended.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// How many runs ended so. Wraps.
    pub(crate) fn ended(&self, end: End) -> usize {
        self.ended.get(end, Ordering::Acquire)
    }

    /// How many runs ended. Wraps.
    pub(crate) fn all_ended(&self) -> usize {
        self.ended.all(Ordering::Acquire)
    }

    #[inline(always)]
    pub(crate) fn is_busy(&self) -> bool {
        self.marks[0].word.load(Ordering::Relaxed) & STAGE != IDLE
    }

    /// Whether the job at `depth` has been asked to stop.
    #[inline]
    pub(crate) fn is_stopped(&self, depth: usize) -> bool {
        self.marks.get(depth).is_some_and(|mark| mark.word.load(Ordering::Relaxed) & STAGE == STOPPED)
    }

    /// Asks the job to stop if it runs here.
    pub(crate) fn stop(&self, id: JobId) -> bool {
        self.marks.iter().any(|mark| {
            let seen = mark.word.load(Ordering::Acquire);
            if seen & STAGE == IDLE {
                return false;
            }
            if mark.id() != id {
                return false;
            }
            let stopped = seen & !STAGE | STOPPED;
            // Release too: the reads of the two words stay before the exchange that confirms them.
            // Acquire where it fails: who is told that the job has ended sees what it did.
            match mark.word.compare_exchange(seen, stopped, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => true,
                // Somebody else has stopped it, or it has ended.
                Err(now) => now == stopped,
            }
        })
    }

    /// Asks whatever runs here to stop.
    pub(crate) fn stop_all(&self) {
        for mark in &self.marks {
            let seen = mark.word.load(Ordering::Acquire);
            if seen & STAGE == RUNNING {
                let stopped = seen & !STAGE | STOPPED;
                // If it fails the job has ended or is stopped already.
                let _ = mark.word.compare_exchange(seen, stopped, Ordering::AcqRel, Ordering::Relaxed);
            }
        }
    }
}

impl<G: Gating> Default for Seat<G> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::entries::Gates;

    #[test]
    fn only_the_running_job_is_stopped() {
        let seat = Seat::<Gates>::new();
        let (a, b) = (JobId::in_main(1), JobId::in_main(2));
        assert!(!seat.stop(a));
        let depth = seat.begin(a);
        assert!(seat.is_busy() && !seat.stop(b) && !seat.is_stopped(depth));
        assert!(seat.stop(a) && seat.stop(a) && seat.is_stopped(depth));
        seat.end(depth);
        assert!(!seat.is_busy() && !seat.stop(a));
        let depth = seat.begin(b);
        assert!(!seat.is_stopped(depth));
    }

    #[test]
    fn jobs_inside_jobs_are_told_apart() {
        let seat = Seat::<Gates>::new();
        let depths: std::vec::Vec<_> = (0..STOPPABLE_DEPTH + 2).map(|n| seat.begin(JobId::in_main(n))).collect();
        assert!(seat.stop(JobId::in_main(0)) && seat.stop(JobId::in_main(STOPPABLE_DEPTH - 1)));
        assert!(!seat.stop(JobId::in_main(STOPPABLE_DEPTH)), "too deep to be told");
        assert!(seat.is_stopped(0) && !seat.is_stopped(1) && !seat.is_stopped(STOPPABLE_DEPTH));
        depths.into_iter().rev().for_each(|depth| seat.end(depth));
        assert!(!seat.is_busy());
    }
}
