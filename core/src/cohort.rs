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
#![forbid(unsafe_code)]

use crate::end::End;
use crate::sync::{AtomicUsize, Ordering, Padded, const_unless_loom};

/// Somebody wants to be told of the last end. The lowest bit of each count of ends.
const WATCHED: usize = 1;
/// One more end.
const ONE: usize = 2;
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
/// cohort.watch();
/// assert!(cohort.end(End::Done) && !cohort.is_drained());
/// assert!(cohort.end(End::Failed) && cohort.is_drained());
/// let counts = cohort.counts();
/// assert_eq!((counts.accepted, counts.done, counts.failed, counts.live()), (2, 1, 1, 0));
/// ```
#[derive(Debug)]
pub struct Cohort {
    accepted: Padded<AtomicUsize>,
    ended: Padded<Ended>,
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
        // Of the ends there is one bit less.
        self.accepted.wrapping_sub(ended) & (usize::MAX >> 1)
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

    /// One turn has ended. Returns whether somebody waits: then ask [`Cohort::is_drained`], and tell.
    #[inline]
    #[must_use = "who waits is to be told"]
    pub fn end(&self, end: End) -> bool {
        self.add(end as usize)
    }

    /// One turn was accepted, and given back to who had submitted it. Returns what [`Cohort::end`] does.
    #[must_use = "who waits is to be told"]
    pub fn hand_back(&self) -> bool {
        self.add(HANDED_BACK)
    }

    #[inline]
    fn add(&self, count: usize) -> bool {
        self.ended.counts[count].fetch_add(ONE, Ordering::SeqCst) & WATCHED != 0
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

    /// From here on ends say that somebody waits.
    pub fn watch(&self) {
        self.each(|count| {
            count.fetch_or(WATCHED, Ordering::SeqCst);
        });
    }

    /// Nobody waits any more.
    pub fn unwatch(&self) {
        self.each(|count| {
            count.fetch_and(!WATCHED, Ordering::SeqCst);
        });
    }

    /// Counts from 0 again, and nobody waits: for who uses it for something else. All turns have ended, and nobody is left who
    /// could accept one.
    pub fn restart(&self) {
        self.accepted.store(0, Ordering::Relaxed);
        self.ended.recurring.store(0, Ordering::Relaxed);
        self.each(|count| count.store(0, Ordering::Relaxed));
    }

    /// Whether somebody waits.
    pub fn is_watched(&self) -> bool {
        self.ended.counts[0].load(Ordering::SeqCst) & WATCHED != 0
    }

    fn each(&self, change: impl FnMut(&AtomicUsize)) {
        self.ended.counts.iter().for_each(change);
    }

    /// How many turns have not ended, without those that repeat. When it says 0 there was a moment at which all had ended that
    /// were accepted before the call.
    pub fn waited_for(&self) -> usize {
        let ended =
            self.ended.counts.iter().fold(0, |sum: usize, count| sum.wrapping_add(count.load(Ordering::SeqCst) / ONE));
        let recurring = self.ended.recurring.load(Ordering::SeqCst);
        let accepted = self.accepted.load(Ordering::SeqCst);
        accepted.wrapping_sub(ended).wrapping_sub(recurring) & (usize::MAX >> 1)
    }

    /// Whether nobody has to wait.
    pub fn is_drained(&self) -> bool {
        self.waited_for() == 0
    }

    /// All counts. While turns are accepted and end it is never said that more have ended than were accepted.
    pub fn counts(&self) -> CohortCounts {
        let ended = self.ended();
        CohortCounts { accepted: self.accepted(), ..ended }
    }

    /// How many have ended how; nothing is said of the accepted ones. Who reads several counts that belong together reads this
    /// one first.
    pub fn ended(&self) -> CohortCounts {
        let count = |index: usize| self.ended.counts[index].load(Ordering::SeqCst) / ONE;
        let [done, failed, cancelled] = [End::Done, End::Failed, End::Cancelled].map(|end| count(end as usize));
        CohortCounts { done, failed, cancelled, handed_back: count(HANDED_BACK), accepted: 0 }
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
        assert_eq!((counts, counts.live(), cohort.waited_for()), (expected, 1, 1));
    }

    #[test]
    fn who_waits_is_told_of_ends_until_it_waits_no_more() {
        let cohort = Cohort::new();
        (0..3).for_each(|_| _ = cohort.accept());
        assert!(!cohort.end(End::Done));
        cohort.watch();
        assert!(cohort.is_watched() && cohort.end(End::Failed) && !cohort.is_drained());
        cohort.unwatch();
        assert!(!cohort.end(End::Done) && cohort.is_drained());
        assert_eq!(cohort.counts().done, 2);
    }

    #[test]
    fn nobody_waits_for_what_repeats() {
        let cohort = Cohort::new();
        cohort.accept();
        assert!(!cohort.recur());
        assert!(cohort.is_drained() && cohort.counts().live() == 1);
        cohort.accept();
        assert_eq!(cohort.waited_for(), 1, "between the acceptance of the next turn and the end of this one");
        assert!(!cohort.end(End::Done) && cohort.is_drained());
        cohort.cease();
        assert!(!cohort.end(End::Cancelled) && cohort.is_drained());
        assert_eq!(cohort.counts().live(), 0);
    }
}
