//! A slot: one cohort of a group, with what its jobs have to find there.
//!
//! # Rules
//!
//! 1. The memory of a slot is there as long as its engine. So whoever has ended a job may look at the slot once more,
//!    whatever has become of its group; the worst that it finds are the counts of another.
//! 2. The parent and the owner of a slot change only while it is nobody's: between two groups, when all its jobs have ended and
//!    no handle is left that could make more.
//! 3. A slot that has a job, and those of its group's ancestors that it names as its parent, are somebody's: their owners are
//!    there.

use std::ptr::{self, NonNull};

use fastthreadpool_core::{Cohort, CohortCounts, End};

use crate::engine::doom::{CAREFUL, Doom};
use crate::engine::{Engine, waits};
use crate::sys::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering};
use crate::sys::barrier;

/// Turns that a slot without a parent accepts before their ends are spread over tallies. Then a wait costs a barrier of all
/// threads, which is some microseconds; so few jobs do without.
const SPREAD_AFTER: usize = if cfg!(shuttle) { 2 } else { 1024 };

pub(crate) struct Slot {
    engine: NonNull<Engine>,
    /// Whose; the address of something of the group's room.
    owner: AtomicPtr<()>,
    /// The slot of the group around, in which each job counts, too.
    parent: AtomicPtr<Slot>,
    /// The [`Doom`], and [`CAREFUL`]: 0 if its jobs just begin.
    doom: AtomicU8,
    /// Those who wait for the cohort.
    waiters: AtomicUsize,
    /// Those of them who are inside of jobs, and want to know not only of the last end.
    inside: AtomicUsize,
    /// Runs that the seats do not show.
    deep: AtomicUsize,
    is_fail_fast: AtomicBool,
    /// [`Slot::tell`], where there are slots: jobs name it that belong to none.
    tell: fn(&Self),
    pub(crate) cohort: Cohort,
}

/// A turn of a slot that was accepted, and belongs to no job yet. It is given to one, or back: it does not end by being dropped.
#[must_use = "a turn that nobody has is waited for in vain"]
pub(crate) struct Turn<'s>(&'s Slot);

impl<'s> Turn<'s> {
    /// It has been given away.
    pub(crate) fn into_slot(self) -> &'s Slot {
        self.0
    }
}

// SAFETY: the pointers name things that are shared between threads, see the rules.
unsafe impl Send for Slot {}
// SAFETY: the same; all else is atomic.
unsafe impl Sync for Slot {}

impl AsRef<Cohort> for Slot {
    fn as_ref(&self) -> &Cohort {
        &self.cohort
    }
}

impl Slot {
    /// For `owner`; `doom` says [`CAREFUL`] or nothing.
    pub(super) fn new(engine: &Engine, owner: *mut (), parent: *mut Self, is_fail_fast: bool, doom: u8) -> Self {
        Self {
            engine: NonNull::from(engine),
            owner: AtomicPtr::new(owner),
            parent: AtomicPtr::new(parent),
            doom: AtomicU8::new(doom),
            waiters: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            deep: AtomicUsize::new(0),
            is_fail_fast: AtomicBool::new(is_fail_fast),
            tell: Slot::tell,
            cohort: Cohort::new(),
        }
    }

    /// Another has it: rule 2.
    pub(super) fn pass_on(&self, owner: *mut (), parent: *mut Self, is_fail_fast: bool, doom: u8) {
        self.owner.store(owner, Ordering::Release);
        self.parent.store(parent, Ordering::Release);
        self.is_fail_fast.store(is_fail_fast, Ordering::Relaxed);
        self.doom.store(doom, Ordering::Relaxed);
        self.cohort.renew();
    }

    /// What is left in it, if there is anything: for when the engine goes.
    pub(super) fn unsettled(&self) -> Option<String> {
        let counts = self.cohort.counts();
        let left = [self.live(), self.waiters.load(Ordering::SeqCst), self.inside.load(Ordering::SeqCst), self.deep()];
        (left != [0; 4]).then(|| format!("{counts:?}, left, waiters, those inside of jobs, deep runs: {left:?}"))
    }

    /// The slot around.
    #[inline]
    pub(crate) fn parent(&self) -> Option<&Self> {
        // SAFETY: rule 1: the parent is of the same engine.
        unsafe { self.parent.load(Ordering::Acquire).as_ref() }
    }

    #[inline]
    pub(crate) fn owner(&self) -> *mut () {
        self.owner.load(Ordering::Acquire)
    }

    /// This one and those around it.
    #[inline]
    pub(crate) fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |slot| slot.parent())
    }

    /// The slots of the chain, for who compares.
    pub(crate) fn cohorts(&self) -> impl Iterator<Item = &Cohort> {
        self.chain().map(|slot| &slot.cohort)
    }

    /// A turn more is accepted: where it ends last, it is accepted first. Returns how many were here before.
    #[inline]
    pub(crate) fn accept(&self) -> usize {
        if let Some(parent) = self.parent() {
            parent.accept_inside();
        }
        let before = self.cohort.accept();
        if before % SPREAD_AFTER == SPREAD_AFTER - 1 {
            self.spread();
        }
        before
    }

    /// The same for a job that does not know it yet.
    #[inline]
    pub(crate) fn accept_turn(&self) -> (Turn<'_>, usize) {
        let before = self.accept();
        (Turn(self), before)
    }

    /// Several turns more, of a slot without a parent: the first of its present use after `before`.
    pub(crate) fn accept_several(&self, turns: usize, before: usize) {
        debug_assert!(self.parent().is_none(), "each turn is one of the slot around, too");
        self.cohort.accept_several(turns);
        if before < SPREAD_AFTER && before + turns >= SPREAD_AFTER {
            self.spread();
        }
    }

    #[cold]
    #[inline(never)]
    fn accept_inside(&self) {
        self.accept();
    }

    /// Ends are counted in tallies from here on, where that can be had. Those of groups inside others are not: each is one of
    /// several cohorts.
    #[cold]
    #[inline(never)]
    fn spread(&self) {
        if self.parent().is_none() && barrier::is_available() {
            self.cohort.spread();
        }
    }

    /// Whoever ends a job looks whether anybody waits; and what has ended before is seen by this thread.
    pub(crate) fn watch<'s>(slots: impl IntoIterator<Item = &'s Self>) {
        let mut is_spread = false;
        for slot in slots {
            is_spread |= slot.cohort.watch();
        }
        if is_spread {
            barrier::all_threads();
        }
    }

    /// The turn that was accepted just now is the first of one that repeats.
    pub(crate) fn recur(&self) {
        for slot in self.chain() {
            if slot.cohort.recur() {
                slot.tell_waiters();
            }
        }
    }

    /// The turn that ends next is its last.
    pub(crate) fn cease(&self) {
        self.chain().for_each(|slot| slot.cohort.cease());
    }

    /// A turn has ended, which has no tally.
    #[inline]
    pub(crate) fn end(&self, end: End) {
        self.end_by(|cohort| cohort.end(end));
    }

    /// A turn is about to end with a failure. Returns whether that is the end of the cohort, or of one around it.
    pub(crate) fn fail(&self) -> bool {
        let chain = self.chain().filter(|slot| slot.is_fail_fast.load(Ordering::Relaxed));
        chain.filter(|slot| slot.set_doom(Doom::FailFast)).count() > 0
    }

    /// Turns were accepted for nothing.
    pub(crate) fn hand_back_several(&self, turns: usize) {
        self.end_by(|cohort| cohort.hand_back_several(turns));
    }

    /// A turn was given back to who had submitted it.
    pub(crate) fn hand_back(&self) {
        self.end_by(Cohort::hand_back);
    }

    #[inline]
    fn end_by(&self, end: impl Fn(&Cohort) -> bool) {
        let mut next = Some(self);
        while let Some(slot) = next {
            // Read before: afterwards it may be another group's.
            next = slot.parent();
            if end(&slot.cohort) {
                slot.tell_waiters();
            }
        }
    }

    /// Somebody waits; perhaps for the end that was just counted. Not by name: there may be no slots.
    #[inline]
    pub(crate) fn tell_waiters(&self) {
        (self.tell)(self);
    }

    /// What [`Slot::tell_waiters`] does.
    #[cold]
    #[inline(never)]
    fn tell(&self) {
        let is_drained = self.is_drained();
        if is_drained || self.inside.load(Ordering::SeqCst) > 0 {
            waits::tell_cohort(&self.cohort);
        }
        if is_drained {
            self.engine().bury();
        }
    }

    /// A waiter comes, or goes.
    pub(crate) fn count_waiter(&self, comes: bool, is_inside: bool) {
        let change = |count: &AtomicUsize| {
            if comes { count.fetch_add(1, Ordering::SeqCst) } else { count.fetch_sub(1, Ordering::SeqCst) }
        };
        change(&self.waiters);
        if is_inside {
            change(&self.inside);
        }
    }

    /// A run that the seats do not show begins, or ends.
    #[cold]
    #[inline(never)]
    pub(crate) fn count_deep(&self, begins: bool) {
        for slot in self.chain() {
            if begins {
                slot.deep.fetch_add(1, Ordering::Relaxed)
            } else {
                slot.deep.fetch_sub(1, Ordering::Relaxed)
            };
        }
    }

    pub(crate) fn deep(&self) -> usize {
        self.deep.load(Ordering::Relaxed)
    }

    /// Whether it could serve for others: all its jobs have ended, and nobody waits to see that.
    pub(crate) fn is_free(&self) -> bool {
        self.waiters.load(Ordering::SeqCst) == 0 && self.live() == 0
    }

    /// How many turns have not ended, without those that repeat.
    pub(crate) fn waited_for(&self) -> usize {
        self.cohort.waited_for(&self.ended())
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.waited_for() == 0
    }

    /// How many have ended how, at least; nothing is said of the accepted ones.
    pub(crate) fn ended(&self) -> CohortCounts {
        self.cohort.ended(|| self.engine().shown.ended(self))
    }

    /// How many turns have not ended, at most.
    pub(crate) fn live(&self) -> usize {
        let ended = self.ended();
        CohortCounts { accepted: self.cohort.accepted(), ..ended }.live()
    }

    /// For the tallies, which are there no longer than all slots.
    #[inline]
    pub(crate) fn forever(&self) -> &'static Self {
        // SAFETY: rule 1; a tally is of the same engine.
        unsafe { &*ptr::from_ref(self) }
    }

    pub(crate) fn engine(&self) -> &Engine {
        // SAFETY: rule 1.
        unsafe { self.engine.as_ref() }
    }

    /// What has become of the cohort itself.
    #[inline]
    pub(crate) fn own_doom(&self) -> Doom {
        Doom::from_bits(self.doom.load(Ordering::Relaxed))
    }

    /// The worst that has become of the cohort, or of one around it.
    #[inline]
    pub(crate) fn doom(&self) -> Doom {
        self.chain().map(Self::own_doom).max().unwrap_or(Doom::None)
    }

    /// Whether a job just begins: the cohort lives, and there is nothing else to look for.
    #[inline]
    pub(crate) fn is_easy(&self) -> bool {
        self.doom.load(Ordering::Relaxed) == 0
    }

    /// Returns whether it is worse than what had become of it.
    pub(crate) fn set_doom(&self, doom: Doom) -> bool {
        let bits = doom as u8 | self.doom.load(Ordering::Relaxed) & CAREFUL;
        self.doom.fetch_max(bits, Ordering::AcqRel) < bits
    }

    /// It serves again: all its jobs have ended.
    pub(crate) fn renew(&self) {
        self.doom.fetch_and(CAREFUL, Ordering::Relaxed);
        // No more than that: whoever has found it as the present slot before may accept a job meanwhile.
        self.cohort.unwatch();
    }
}
