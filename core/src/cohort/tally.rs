//! A tally: where a worker counts the ends of jobs of one cohort in a line of its own, without a locked operation.
//!
//! One word: the address of the cohort, whether a job of it runs here, and how many have ended here that the cohort does not
//! count yet. Only the worker writes it, all others read.
//!
//! | from | event | to | in the cohort |
//! |---|---|---|---|
//! | c, idle, n | a job of c begins | c, runs, n | |
//! | d, idle, n | a job of c begins | c, runs, 0 | d has n more |
//! | any, runs, n | a job of c begins | the same: it is inside of another, and is not shown | |
//! | any, runs, n | that which is shown rests | the same, idle | |
//! | c, runs, n | it ends, and c is spread | c, idle, n + 1 | |
//! | c, runs, most | the same | c, idle, 0 | c has most + 1 more |
//! | c, idle, n > 0 | the same, and c is found watched | c, idle, 0 | c has n more |
//! | c, runs, n | it ends, and c is not spread | c, idle, n | it counts the end itself |
//!
//! # Who reads
//!
//! What is in a tally leaves it *before* the cohort counts it, and who reads looks at the cohort's counts of ends *before* the
//! tallies. So nothing is ever counted twice: who finds it in the cohort finds that it has left the tally. What is on its way is
//! not counted at all: there are at least as many ends as anybody reads. The cohort remembers the most that was read.
//!
//! # Who waits
//!
//! A worker stores its word, and then looks whether the cohort is watched. Who waits sets WATCHED, and then reads the word. For
//! one of the two to see the other a barrier is needed in both places, between the store and the load. The worker's would cost
//! as much as a locked operation. So who waits has all threads of the process pass theirs, if [`Cohort::watch`] says that there
//! may be tallies (Linux: `membarrier`; Dice, Huang, Yang, *Asymmetric Dekker synchronization*, 2001). It comes before the
//! store, and the worker's load is after it and sees WATCHED; or after the load, and the store is before it and seen; or
//! between them, and both hold. Where this cannot be had nobody may say [`Cohort::spread`], and tallies are not used.
//!
//! Who was told to look reads after the last end: by the cohort's counts it comes after each end that saw WATCHED, and what did
//! not see it is before the barrier of who waits, as is shown above, and so in the word.

use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::cohort::Cohort;
use crate::end::End;
use crate::sync::{AtomicPtr, Ordering, Padded, const_unless_loom, own_barrier, sized};

/// A job of the cohort runs: the lowest bit of what its alignment leaves of the address.
const RUNS: usize = 1;
/// One end.
const ONE: usize = 2;

/// Where one worker counts ends of the cohort that its jobs belong to. See the head of the file for what it may be, and when.
///
/// `C` is what has the cohort. All but [`Tally::read`] is for the worker alone; a job that begins inside another comes
/// to nothing here.
///
/// ```
/// use fastthreadpool_core::{Cohort, End, Tally};
///
/// let cohort = Cohort::new();
/// cohort.spread();
/// let tally = Tally::new();
/// cohort.accept();
/// let begun = tally.begin(&cohort, |_| ()).expect("none runs");
/// assert!(begun.finish(&cohort, |_| ()));
/// assert_eq!(cohort.counts().done, 0);
/// let ended = || tally.read().map_or(0, |reading| reading.ended);
/// assert_eq!(cohort.waited_for(&cohort.ended(ended)), 0);
/// ```
///
/// A cohort that it was told of is there as long as it:
///
/// ```compile_fail,E0597
/// # use fastthreadpool_core::{Cohort, Tally};
/// let tally = Tally::<Cohort>::new();
/// {
///     let cohort = Cohort::new();
///     drop(tally.begin(&cohort, |_| ()));
/// }
/// tally.read();
/// ```
#[derive(Debug)]
pub struct Tally<'c, C>(Padded<AtomicPtr<C>>, PhantomData<Cohorts<'c, C>>);

/// References that are put in and come out: so it is of one lifetime, neither a shorter nor a longer one.
type Cohorts<'c, C> = (&'c C, fn(&'c ()) -> &'c ());

/// What a tally says.
#[derive(Debug)]
pub struct Reading<'c, C> {
    /// The cohort that it is about.
    pub cohort: &'c C,
    /// Whether a job of it runs here.
    pub is_running: bool,
    /// How many have ended well that the cohort does not count.
    pub ended: usize,
}

impl<C: AsRef<Cohort>> Default for Tally<'_, C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'c, C: AsRef<Cohort>> Tally<'c, C> {
    const BITS: usize = {
        assert!(align_of::<C>() > RUNS + ONE, "the address leaves room for a count");
        align_of::<C>() - 1
    };
    /// Ends that there is room for.
    const MOST: usize = sized(Self::BITS / ONE, 1);

    const_unless_loom! {
        /// One that is about no cohort yet.
        pub const fn new() -> Self {
            Self(Padded(AtomicPtr::new(core::ptr::null_mut())), PhantomData)
        }
    }

    fn word(&self) -> *mut C {
        // Relaxed: nobody else writes it.
        self.0.load(Ordering::Relaxed)
    }

    fn put(&self, word: *mut C) {
        // Release: what a job has done comes with its end, and with each later word that still has it.
        self.0.store(word, Ordering::Release);
    }

    /// A job of a cohort begins; it is shown until the guard is dropped. `None` if that is inside another, which is shown
    /// instead. `tell`: of the cohort that the tally was about before, that somebody waits for the ends that were counted here.
    #[inline]
    pub fn begin(&self, cohort: &'c C, tell: impl Fn(&'c C)) -> Option<Begun<'_, 'c, C>> {
        let mut word = self.word();
        while word.addr() & !Self::BITS != core::ptr::from_ref(cohort).addr() {
            if word.addr() & Self::BITS == 0 {
                word = core::ptr::from_ref(cohort).cast_mut();
            } else if word.addr() & RUNS == 0 {
                self.settle(word, 0, &tell);
                // Who was told may have run a job here.
                word = self.word();
            } else {
                return None;
            }
        }
        if word.addr() & RUNS != 0 {
            return None;
        }
        self.put(word.map_addr(|word| word | RUNS));
        Some(Begun { tally: self, word })
    }

    /// The cohort counts what was counted here, and `more`.
    #[cold]
    #[inline(never)]
    fn settle(&self, word: *mut C, more: usize, tell: impl FnOnce(&'c C)) {
        let Some(reading) = Self::decode(word) else { return };
        self.put(word.map_addr(|word| word & !Self::BITS));
        let ended = reading.ended + more;
        if ended > 0 && reading.cohort.as_ref().end_several(End::Done, ended) {
            tell(reading.cohort);
        }
    }

    fn decode(word: *mut C) -> Option<Reading<'c, C>> {
        let bits = word.addr() & Self::BITS;
        let cohort = NonNull::new(word.map_addr(|word| word & !Self::BITS))?;
        // SAFETY: each word is made from a reference that is good for `'c`, which is no other than when that came, and keeps its provenance.
        let cohort = unsafe { cohort.as_ref() };
        Some(Reading { cohort, is_running: bits & RUNS != 0, ended: bits / ONE })
    }

    /// What it says, for anybody. Who adds it to a cohort's counts has read those of ends before.
    pub fn read(&self) -> Option<Reading<'c, C>> {
        Self::decode(self.0.load(Ordering::SeqCst))
    }
}

/// A job runs that a tally shows.
#[derive(Debug)]
pub struct Begun<'t, 'c, C: AsRef<Cohort>> {
    tally: &'t Tally<'c, C>,
    /// What the tally says when it has ended, but for the end: nobody else changes it meanwhile.
    word: *mut C,
}

impl<'c, C: AsRef<Cohort>> Begun<'_, 'c, C> {
    /// It has ended well. Returns false if that is not counted here: then the cohort is to count it. `tell`: that somebody waits
    /// for the ends that were counted here.
    #[inline]
    #[must_use = "the cohort counts what is not counted here"]
    pub fn finish(self, cohort: &'c C, tell: impl FnOnce(&'c C)) -> bool {
        debug_assert_eq!(
            self.word.addr() & !Tally::<C>::BITS,
            core::ptr::from_ref(cohort).addr(),
            "it is of this cohort"
        );
        if !cohort.as_ref().is_spread() {
            return false;
        }
        let (tally, word) = (self.tally, self.word);
        core::mem::forget(self);
        if (word.addr() & Tally::<C>::BITS) / ONE >= Tally::<C>::MOST {
            tally.settle(word, 1, tell);
            return true;
        }
        let word = word.map_addr(|word| word + ONE);
        tally.put(word);
        own_barrier();
        if cohort.as_ref().is_watched_by_now() {
            tally.settle(word, 0, tell);
        }
        true
    }
}

impl<C: AsRef<Cohort>> Drop for Begun<'_, '_, C> {
    /// It rests, or has ended in another way.
    #[inline]
    fn drop(&mut self) {
        self.tally.put(self.word);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn read(tally: &Tally<'_, Cohort>, of: &Cohort) -> Option<(bool, usize)> {
        let reading = tally.read()?;
        core::ptr::eq(reading.cohort, of).then_some((reading.is_running, reading.ended))
    }

    fn nobody(_: &Cohort) {
        panic!("nobody waits");
    }

    /// A job begins and ends well. Returns whether the tally counts it.
    fn run<'c>(tally: &Tally<'c, Cohort>, cohort: &'c Cohort, tell: impl Fn(&Cohort)) -> bool {
        let begun = tally.begin(cohort, &tell).expect("none runs");
        assert!(tally.begin(cohort, &tell).is_none(), "one inside another is not shown");
        assert!(read(tally, cohort).is_some_and(|(is_running, _)| is_running));
        begun.finish(cohort, tell)
    }

    #[test]
    fn ends_stay_in_the_tally_until_it_is_full() {
        let (cohort, tally) = (Cohort::new(), Tally::new());
        cohort.spread();
        for ended in 0..Tally::<Cohort>::MOST {
            assert!(run(&tally, &cohort, nobody));
            assert_eq!((read(&tally, &cohort), cohort.counts().done), (Some((false, ended + 1)), 0));
        }
        assert!(run(&tally, &cohort, nobody));
        assert_eq!((read(&tally, &cohort), cohort.counts().done), (Some((false, 0)), Tally::<Cohort>::MOST + 1));
    }

    #[test]
    fn another_cohort_takes_the_place() {
        let ([one, other], tally) = ([Cohort::new(), Cohort::new()], Tally::new());
        one.spread();
        assert!(run(&tally, &one, nobody));
        assert!(!run(&tally, &other, nobody), "its ends are not counted in tallies");
        assert_eq!((one.counts().done, read(&tally, &other)), (1, Some((false, 0))));
        assert!(run(&tally, &one, nobody));
        drop(tally.begin(&one, nobody));
        assert_eq!(read(&tally, &one), Some((false, 1)), "it has not ended well");
    }

    #[test]
    fn who_is_told_may_run_a_job_of_its_own() {
        let ([one, other, third], tally) = ([Cohort::new(), Cohort::new(), Cohort::new()], Tally::new());
        one.spread();
        other.spread();
        assert!(run(&tally, &one, nobody));
        assert!(one.watch());
        let begun = tally.begin(&third, |_| assert!(run(&tally, &other, nobody))).expect("none runs");
        assert_eq!((one.counts().done, other.counts().done), (1, 1), "nothing is lost");
        drop(begun);
        assert_eq!(read(&tally, &third), Some((false, 0)));
    }

    #[test]
    fn who_watches_is_told_and_finds_all_in_the_cohort() {
        let (cohort, tally) = (Cohort::new(), Tally::new());
        assert!(!cohort.watch(), "no tally counts for it");
        cohort.unwatch();
        cohort.spread();
        (0..2).for_each(|_| _ = cohort.accept());
        assert!(run(&tally, &cohort, nobody));
        assert!(cohort.watch());
        let told = core::cell::Cell::new(0);
        assert!(run(&tally, &cohort, |_| told.set(told.get() + 1)));
        assert_eq!((told.get(), cohort.counts().done, cohort.waited_for(&cohort.ended(|| 0))), (1, 2, 0));
        cohort.renew();
        assert!(!cohort.is_spread() && !cohort.is_watched(), "nothing is left in tallies");
        assert_eq!(cohort.drained().done, 2);
    }
}
