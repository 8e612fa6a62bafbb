//! A cohort: jobs that somebody may wait for together. It knows how many were accepted, and how many have ended, and how.
//!
//! ```text
//! accepted = live + done + failed + cancelled + handed back
//! ```
//!
//! Who accepts writes one line, who ends another; nothing is ever counted back, and no job refers to the cohort by a count of
//! its own.
//!
//! # Rules
//!
//! 1. Each accepted turn ends exactly once: by [`Cohort::end`] or [`Cohort::hand_back`].
//! 2. What a turn accepts, it accepts before it ends. The next turn of one that repeats, too.
//! 3. Who repeats is said to (`recur`) after its first turn was accepted, and said not to (`cease`) before its last one ends.
//!
//! # Order
//!
//! The counts of ends are read first, then how many repeat, the accepted ones last; so *as many ended as were accepted*
//! means that there was a moment at which it was so, of all that were accepted before the reading began.
//!
//! Who waits sets WATCHED in all counts of ends, and then reads. Who ends adds to one of them: it finds the bit there, or
//! the addition is in what the waiter reads. Who found it reads all counts itself. The additions are sequentially
//! consistent, and so are the reads: of several that end at the same time in different counts, the last addition is
//! followed by a reading that has all of them, and its thread tells.
//!
//! # Tallies
//!
//! A cohort that is [spread](Cohort::spread) does not count all ends itself: see `tally`. Whoever asks what is left of it says
//! how many have ended besides, and finds that out when it is asked for it.
//!
//! An end that is on its way from a tally to the cohort is in neither for a moment. But what somebody has read once is not
//! forgotten, so that the counts of ends never sink.
//!
//! What is left in a tally may outlast all handles and jobs. So a cohort that is used for something else goes on from where it
//! is, and its next user counts from there: [`Cohort::drained`].

use crate::end::End;
use crate::sync::{AtomicUsize, Ordering, Padded, const_unless_loom};

mod tally;

pub use tally::{Begun, Reading, Tally};

/// Somebody wants to be told of the last end. The lowest bit of each count of ends, and of the flags.
const WATCHED: usize = 1;
/// Of the flags: ends may be in tallies.
const SPREAD: usize = 2;
/// One more end.
const ONE: usize = 2;
/// The bits of a count of ends.
const ENDS: usize = usize::MAX >> 1;
/// Ends are counted by [`End`], and those that were handed back.
const HANDED_BACK: usize = End::Cancelled as usize + 1;

/// Jobs that somebody may wait for together. See the head of the file for its rules.
///
/// ```
/// use fastthreadpool_core::{Cohort, End};
///
/// let cohort = Cohort::new();
/// cohort.accept();
/// cohort.accept();
/// assert!(!cohort.watch(), "no tally counts for it");
/// assert!(cohort.end(End::Done) && cohort.waited_for(&cohort.ended(|| 0)) == 1);
/// assert!(cohort.end(End::Failed) && cohort.waited_for(&cohort.ended(|| 0)) == 0);
/// let counts = cohort.counts();
/// assert_eq!((counts.accepted, counts.done, counts.failed, counts.live()), (2, 1, 1, 0));
/// ```
#[derive(Debug)]
pub struct Cohort {
    /// Read at each end that goes to a tally, and seldom written.
    flags: Padded<Flags>,
    accepted: Padded<AtomicUsize>,
    ended: Padded<Ended>,
}

#[derive(Debug)]
struct Flags {
    /// WATCHED and SPREAD.
    word: AtomicUsize,
    /// As many have ended well as somebody has read while ends were in tallies.
    most: AtomicUsize,
}

#[derive(Debug)]
struct Ended {
    counts: [AtomicUsize; HANDED_BACK + 1],
    /// Of those that repeat one turn each is accepted and has not ended; nobody waits for it.
    recurring: AtomicUsize,
}

/// How many turns of a cohort were accepted, and how many have ended how. They wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CohortCounts {
    /// All.
    pub accepted: usize,
    /// Ended well.
    pub done: usize,
    /// Ended with an error or a panic.
    pub failed: usize,
    /// Removed before they ran.
    pub cancelled: usize,
    /// Given back to who had submitted them.
    pub handed_back: usize,
}

impl CohortCounts {
    /// Those that have not ended.
    #[must_use]
    pub const fn live(&self) -> usize {
        let ended = self.done.wrapping_add(self.failed).wrapping_add(self.cancelled).wrapping_add(self.handed_back);
        self.accepted.wrapping_sub(ended) & ENDS
    }
}

impl AsRef<Self> for Cohort {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Default for Cohort {
    fn default() -> Self {
        Self::new()
    }
}

impl Cohort {
    const_unless_loom! {
        /// One of which nothing was accepted.
        pub const fn new() -> Self {
            Self {
                flags: Padded(Flags { word: AtomicUsize::new(0), most: AtomicUsize::new(0) }),
                accepted: Padded(AtomicUsize::new(0)),
                ended: Padded(Ended {
                    counts: [AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0)],
                    recurring: AtomicUsize::new(0),
                }),
            }
        }
    }

    /// One turn more is accepted. Returns how many were before.
    #[inline]
    pub fn accept(&self) -> usize {
        // Relaxed: it is published with the job, or by the end of the turn that accepts it.
        self.accepted.fetch_add(1, Ordering::Relaxed)
    }

    /// Several turns more are accepted.
    pub fn accept_several(&self, turns: usize) {
        self.accepted.fetch_add(turns, Ordering::Relaxed);
    }

    /// One turn has ended. Returns whether somebody waits: then look how many are [waited for](Cohort::waited_for), and tell.
    #[inline]
    #[must_use = "who waits is to be told"]
    pub fn end(&self, end: End) -> bool {
        self.add(end as usize, 1)
    }

    /// Several turns have ended alike.
    pub(crate) fn end_several(&self, end: End, turns: usize) -> bool {
        self.add(end as usize, turns)
    }

    /// One turn was accepted, and given back to who had submitted it. Returns what [`Cohort::end`] does.
    #[must_use = "who waits is to be told"]
    pub fn hand_back(&self) -> bool {
        self.hand_back_several(1)
    }

    /// The same of several.
    #[must_use = "who waits is to be told"]
    pub fn hand_back_several(&self, turns: usize) -> bool {
        self.add(HANDED_BACK, turns)
    }

    #[inline]
    fn add(&self, count: usize, turns: usize) -> bool {
        self.ended.counts[count].fetch_add(turns * ONE, Ordering::SeqCst) & WATCHED != 0
    }

    /// The turn that was accepted just now is one of a job that repeats: nobody waits for that. Returns whether somebody waits
    /// for the others, and so is to be told, as after an end.
    #[must_use = "who waits is to be told"]
    pub fn recur(&self) -> bool {
        self.ended.recurring.fetch_add(1, Ordering::SeqCst);
        self.is_watched()
    }

    /// The turn that ends next is the last one of a job that repeats.
    pub fn cease(&self) {
        self.ended.recurring.fetch_sub(1, Ordering::SeqCst);
    }

    /// From here on ends say that somebody waits. Returns whether all threads that count for it in tallies have to pass a
    /// barrier before the counts say anything: then see to that.
    #[must_use = "a barrier may be needed"]
    pub fn watch(&self) -> bool {
        let flags = self.flags.word.fetch_or(WATCHED, Ordering::SeqCst);
        self.each(|count| {
            count.fetch_or(WATCHED, Ordering::SeqCst);
        });
        flags & SPREAD != 0
    }

    /// Nobody waits any more.
    pub fn unwatch(&self) {
        self.flags.word.fetch_and(!WATCHED, Ordering::SeqCst);
        self.each(|count| {
            count.fetch_and(!WATCHED, Ordering::SeqCst);
        });
    }

    /// From here on ends may be counted in [tallies](Tally), for who can have all threads pass a barrier.
    pub fn spread(&self) {
        self.flags.word.fetch_or(SPREAD, Ordering::SeqCst);
    }

    /// Whether ends may be in tallies.
    #[inline]
    pub fn is_spread(&self) -> bool {
        // Relaxed: who watches is told of it by the same word.
        self.flags.word.load(Ordering::Relaxed) & SPREAD != 0
    }

    /// All turns have ended, nobody waits, and nobody is left who could accept one: it serves for something else. Where no tally
    /// has anything of it, it is spread no more; while turns are accepted that cannot be said.
    pub fn renew(&self) {
        self.unwatch();
        let own = self.counts();
        if own.live() == 0 {
            self.flags.word.fetch_and(!SPREAD, Ordering::SeqCst);
            // Lest it falls behind so far that its order is lost where words are short.
            self.flags.most.store(own.done, Ordering::Release);
        }
    }

    /// The counts of one of which all turns have ended, whatever part of them is in tallies.
    pub fn drained(&self) -> CohortCounts {
        let counts = self.counts();
        CohortCounts { done: counts.done.wrapping_add(counts.live()) & ENDS, ..counts }
    }

    /// Whether somebody waits.
    pub fn is_watched(&self) -> bool {
        self.flags.word.load(Ordering::SeqCst) & WATCHED != 0
    }

    /// The same, for who has passed a barrier.
    #[inline]
    fn is_watched_by_now(&self) -> bool {
        self.flags.word.load(Ordering::Relaxed) & WATCHED != 0
    }

    fn each(&self, change: impl FnMut(&AtomicUsize)) {
        self.ended.counts.iter().for_each(change);
    }

    /// How many turns have not ended, without those that repeat, if so many have [ended](Cohort::ended). When it says 0 there was
    /// a moment at which all had ended that were accepted before these were read.
    pub fn waited_for(&self, ended: &CohortCounts) -> usize {
        let recurring = self.ended.recurring.load(Ordering::SeqCst);
        let live = CohortCounts { accepted: self.accepted(), ..*ended }.live();
        live.wrapping_sub(recurring) & ENDS
    }

    /// All counts, without what is in tallies. While turns are accepted and end it is never said that more have ended than were
    /// accepted.
    pub fn counts(&self) -> CohortCounts {
        let ended = self.own();
        CohortCounts { accepted: self.accepted(), ..ended }
    }

    /// How many have ended how, at least; nothing is said of the accepted ones. Who reads several counts that belong together
    /// reads this one first. `tallied`: how many ends are in tallies, if there may be some.
    pub fn ended(&self, tallied: impl FnOnce() -> usize) -> CohortCounts {
        let own = self.own();
        if !self.is_spread() {
            return own;
        }
        CohortCounts { done: self.not_less(own.done.wrapping_add(tallied()) & ENDS), ..own }
    }

    /// The ends that the cohort counts itself.
    fn own(&self) -> CohortCounts {
        let count = |index: usize| self.ended.counts[index].load(Ordering::SeqCst) / ONE;
        let [done, failed, cancelled] = [End::Done, End::Failed, End::Cancelled].map(|end| count(end as usize));
        CohortCounts { done, failed, cancelled, handed_back: count(HANDED_BACK), accepted: 0 }
    }

    /// So many have ended well, or as many as somebody has read before.
    fn not_less(&self, done: usize) -> usize {
        let mut most = self.flags.most.load(Ordering::Acquire);
        // The difference is small, whatever has wrapped.
        while done.wrapping_sub(most) & ENDS <= ENDS / 2 {
            match self.flags.most.compare_exchange_weak(most, done, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return done,
                Err(present) => most = present,
            }
        }
        most
    }

    /// How many were accepted. Who reads several counts that belong together reads this one last.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

#[cfg(all(test, loom))]
mod loom;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn is_drained(cohort: &Cohort) -> bool {
        cohort.waited_for(&cohort.ended(|| 0)) == 0
    }

    #[test]
    fn every_end_has_its_count_and_all_add_up() {
        let cohort = Cohort::new();
        (0..6).for_each(|_| _ = cohort.accept());
        for end in [End::Done, End::Done, End::Failed, End::Cancelled] {
            assert!(!cohort.end(end), "nobody waits");
        }
        assert!(!cohort.hand_back());
        let counts = cohort.counts();
        let expected = CohortCounts { accepted: 6, done: 2, failed: 1, cancelled: 1, handed_back: 1 };
        assert_eq!((counts, counts.live(), cohort.waited_for(&cohort.ended(|| 0))), (expected, 1, 1));
    }

    #[test]
    fn who_waits_is_told_of_ends_until_it_waits_no_more() {
        let cohort = Cohort::new();
        (0..3).for_each(|_| _ = cohort.accept());
        assert!(!cohort.end(End::Done));
        assert!(!cohort.watch());
        assert!(cohort.is_watched() && cohort.end(End::Failed) && !is_drained(&cohort));
        cohort.unwatch();
        assert!(!cohort.end(End::Done) && is_drained(&cohort));
        assert_eq!(cohort.counts().done, 2);
    }

    #[test]
    fn nobody_waits_for_what_repeats() {
        let cohort = Cohort::new();
        cohort.accept();
        assert!(!cohort.recur());
        assert!(is_drained(&cohort) && cohort.counts().live() == 1);
        cohort.accept();
        assert_eq!(
            cohort.waited_for(&cohort.ended(|| 0)),
            1,
            "between the acceptance of the next turn and the end of this one"
        );
        assert!(!cohort.end(End::Done) && is_drained(&cohort));
        cohort.cease();
        assert!(!cohort.end(End::Cancelled) && is_drained(&cohort));
        assert_eq!(cohort.counts().live(), 0);
    }
}
