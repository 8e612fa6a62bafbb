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

use fastthreadpool_core::{Cohort, End};

use crate::engine::{Engine, waits};
use crate::here::removed::CancelReason;
use crate::sys::Mutex;
use crate::sys::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering};

/// What has become of a cohort as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Doom {
    /// It lives.
    None = 0,
    /// What has not begun will not.
    Expired = 1,
    /// The same, and what runs is to stop.
    FailFast = 2,
    /// The same.
    Cancelled = 3,
}

impl Doom {
    const fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Self::None,
            1 => Self::Expired,
            2 => Self::FailFast,
            _ => Self::Cancelled,
        }
    }

    /// Whether what runs is to stop.
    pub(crate) const fn stops(self) -> bool {
        matches!(self, Self::FailFast | Self::Cancelled)
    }

    /// Why a job of the cohort was removed.
    pub(crate) const fn reason(self) -> Option<CancelReason> {
        match self {
            Self::None => None,
            Self::FailFast => Some(CancelReason::FailFast),
            Self::Expired => Some(CancelReason::Expired),
            Self::Cancelled => Some(CancelReason::Cancelled),
        }
    }
}

pub(crate) struct Slot {
    engine: NonNull<Engine>,
    /// Whose; the address of something of the group's room.
    owner: AtomicPtr<()>,
    /// The slot of the group around, in which each job counts, too.
    parent: AtomicPtr<Slot>,
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

// SAFETY: the pointers name things that are shared between threads, see the rules.
unsafe impl Send for Slot {}
// SAFETY: the same; all else is atomic.
unsafe impl Sync for Slot {}

impl Slot {
    /// The slot around.
    #[inline]
    pub(crate) fn parent(&self) -> Option<&Self> {
        // SAFETY: rule 1: the parent is of the same engine.
        unsafe { self.parent.load(Ordering::Acquire).as_ref() }
    }

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
            parent.accept();
        }
        self.cohort.accept()
    }

    /// The turn that was accepted just now is the first of one that repeats.
    pub(crate) fn recur(&self) {
        for slot in self.chain() {
            if slot.cohort.recur() {
                (slot.tell)(slot);
            }
        }
    }

    /// The turn that ends next is its last.
    pub(crate) fn cease(&self) {
        self.chain().for_each(|slot| slot.cohort.cease());
    }

    /// A turn has ended.
    #[inline]
    pub(crate) fn end(&self, end: End) {
        self.end_by(|cohort| cohort.end(end));
    }

    /// A turn is about to end with a failure. Returns whether that is the end of the cohort, or of one around it.
    pub(crate) fn fail(&self) -> bool {
        let chain = self.chain().filter(|slot| slot.is_fail_fast.load(Ordering::Relaxed));
        chain.filter(|slot| slot.set_doom(Doom::FailFast)).count() > 0
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
                (slot.tell)(slot);
            }
        }
    }

    /// Somebody waits; perhaps for the end that was just counted.
    #[cold]
    #[inline(never)]
    fn tell(&self) {
        let is_drained = self.cohort.is_drained();
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
        self.waiters.load(Ordering::SeqCst) == 0 && self.cohort.counts().live() == 0
    }

    pub(crate) fn engine(&self) -> &Engine {
        // SAFETY: rule 1.
        unsafe { self.engine.as_ref() }
    }

    /// What has become of the cohort, or of one around it.
    #[inline]
    pub(crate) fn doom(&self) -> Doom {
        let mut slot = self;
        loop {
            let bits = slot.doom.load(Ordering::Relaxed);
            if bits != 0 {
                return Doom::from_bits(bits);
            }
            match slot.parent() {
                Some(parent) => slot = parent,
                None => return Doom::None,
            }
        }
    }

    /// Returns whether it is worse than what had become of it.
    pub(crate) fn set_doom(&self, doom: Doom) -> bool {
        self.doom.fetch_max(doom as u8, Ordering::AcqRel) < doom as u8
    }

    /// It serves again: all its jobs have ended.
    pub(crate) fn renew(&self) {
        self.doom.store(0, Ordering::Relaxed);
        self.cohort.unwatch();
    }
}

/// All slots of an engine: those that are nobody's, for the next group.
pub(crate) struct Slots {
    free: Mutex<Vec<NonNull<Slot>>>,
    all: Mutex<Vec<NonNull<Slot>>>,
}

// SAFETY: slots are shared between threads.
unsafe impl Send for Slots {}
// SAFETY: the same.
unsafe impl Sync for Slots {}

impl Slots {
    pub(crate) const fn new() -> Self {
        Self { free: Mutex::new(Vec::new()), all: Mutex::new(Vec::new()) }
    }

    /// A slot for a group: `owner` and the slots of its ancestors are there as long as it has jobs.
    pub(crate) fn take(
        &self,
        engine: &Engine,
        owner: *mut (),
        parent: Option<&Slot>,
        is_fail_fast: bool,
    ) -> NonNull<Slot> {
        let parent = parent.map_or(ptr::null_mut(), |parent| ptr::from_ref(parent).cast_mut());
        let free = self.free.lock().pop();
        let Some(free) = free else {
            let slot = Slot {
                engine: NonNull::from(engine),
                owner: AtomicPtr::new(owner),
                parent: AtomicPtr::new(parent),
                doom: AtomicU8::new(0),
                waiters: AtomicUsize::new(0),
                inside: AtomicUsize::new(0),
                deep: AtomicUsize::new(0),
                is_fail_fast: AtomicBool::new(is_fail_fast),
                tell: Slot::tell,
                cohort: Cohort::new(),
            };
            let slot = NonNull::from(Box::leak(Box::new(slot)));
            self.all.lock().push(slot);
            return slot;
        };
        // SAFETY: rule 1.
        let slot = unsafe { free.as_ref() };
        slot.owner.store(owner, Ordering::Release);
        slot.parent.store(parent, Ordering::Release);
        slot.is_fail_fast.store(is_fail_fast, Ordering::Relaxed);
        slot.doom.store(0, Ordering::Relaxed);
        slot.cohort.restart();
        free
    }

    /// Says of one, if there is one, what is left in it: for when the engine goes.
    pub(crate) fn unsettled(&self) -> Option<String> {
        // SAFETY: rule 1.
        let all: Vec<&Slot> = self.all.lock().iter().map(|slot| unsafe { slot.as_ref() }).collect();
        all.into_iter().find_map(|slot| {
            let counts = slot.cohort.counts();
            let left =
                [counts.live(), slot.waiters.load(Ordering::SeqCst), slot.inside.load(Ordering::SeqCst), slot.deep()];
            (left != [0; 4]).then(|| format!("{counts:?}, left, waiters, those inside of jobs, deep runs: {left:?}"))
        })
    }

    /// A group is gone, and its slot nobody's: all its jobs have ended.
    pub(crate) fn give_back(&self, slot: NonNull<Slot>) {
        self.free.lock().push(slot);
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        for slot in self.all.get_mut().drain(..) {
            // SAFETY: made from a box; the engine goes, and with it whoever could look at a slot.
            drop(unsafe { Box::from_raw(slot.as_ptr()) });
        }
    }
}
