//! The cohorts of a group, and its kin: the group around it and those inside it.
//!
//! Jobs come into the *present* slot. A wait, or a cancel, makes all that were accepted before it a matter of their own: it
//! lists the slots that have jobs, and puts another in the place of the present one, so that what comes later does not count. A
//! running job submits into the slot that it is of itself, so what descends from it counts where it does.
//!
//! A slot of a group inside another has a slot of that as its parent, for good. So when a group flips, the groups inside it do,
//! too: their present slots are of the present slot around them.
//!
//! # Locks
//!
//! A tree is locked to flip and to list; that of a group before those of the groups inside it. Nothing is woken, dropped or
//! called under it.

use std::ptr::{self, NonNull};
use std::sync::{Arc, Weak};

use fastthreadpool_core::{CohortCounts, Gate};

use crate::engine::Engine;
use crate::engine::awaits::Awaits;
use crate::engine::doom::Doom;
use crate::engine::slot::Slot;
use crate::engine::waits::InLine;
use crate::groups::inner::{GroupCore, Inner};
use crate::groups::totals::Totals;
use crate::here::inside;
use crate::here::removed::CancelReason;
use crate::sync::time::Deadline;
use crate::sys::Mutex;
use crate::sys::atomic::{AtomicPtr, Ordering};

/// A group without its type.
pub(crate) trait Kin: Send + Sync {
    fn core(&self) -> &GroupCore;
}

impl<T: Send + 'static> Kin for Inner<T> {
    fn core(&self) -> &GroupCore {
        &self.core
    }
}

/// The slots of a group, and the groups inside it.
#[derive(Default)]
struct Tree {
    slots: Vec<NonNull<Slot>>,
    /// What of the counts of each slot is in the totals.
    counted: Vec<CohortCounts>,
    totals: Totals,
    children: Vec<Weak<dyn Kin>>,
}

// SAFETY: slots are shared between threads.
unsafe impl Send for Tree {}

impl Tree {
    /// Adds a slot, of which all jobs have ended.
    fn add(&mut self, slot: NonNull<Slot>) {
        self.slots.push(slot);
        // SAFETY: a slot is there as long as its engine, and whoever adds one has that.
        self.counted.push(unsafe { slot.as_ref() }.cohort.drained());
    }
}

/// Somebody outside of jobs waits for these, or does no more.
fn count_waiter(slots: &[&Slot], comes: bool) {
    for slot in slots {
        slot.count_waiter(comes, false);
    }
}

pub(crate) struct Cohorts {
    /// Where jobs come into; null until the first one.
    present: AtomicPtr<Slot>,
    tree: Mutex<Tree>,
    parent: Option<Arc<dyn Kin>>,
}

impl Cohorts {
    pub(crate) fn new(parent: Option<Arc<dyn Kin>>) -> Self {
        Self { present: AtomicPtr::new(ptr::null_mut()), tree: Mutex::new(Tree::default()), parent }
    }

    pub(crate) fn parent(&self) -> Option<&Arc<dyn Kin>> {
        self.parent.as_ref()
    }

    /// Takes the first slot; the group around knows of it from here on.
    pub(crate) fn begin(&self, engine: &Engine, kin: &Arc<dyn Kin>) {
        let around = self.parent.as_ref().map(|parent| {
            let cohorts = &parent.core().cohorts;
            let mut tree = cohorts.tree.lock();
            tree.children.retain(|child| child.strong_count() > 0);
            tree.children.push(Arc::downgrade(kin));
            (tree, cohorts.present())
        });
        let parent = around.as_ref().and_then(|(_, present)| *present);
        self.put(engine, &mut self.tree.lock(), kin.core(), parent);
    }

    /// The present slot.
    #[inline]
    pub(crate) fn present(&self) -> Option<&Slot> {
        // SAFETY: a slot is there as long as its engine, and whoever asks has a handle or a job of that.
        unsafe { self.present.load(Ordering::Acquire).as_ref() }
    }

    /// Puts a slot in the place of the present one: one that is free and of that parent, perhaps the same, or a new one.
    fn put(&self, engine: &Engine, tree: &mut Tree, core: &GroupCore, parent: Option<&Slot>) {
        let address = |slot: Option<&Slot>| slot.map_or(ptr::null(), ptr::from_ref);
        let is_free = |slot: &&NonNull<Slot>| {
            // SAFETY: as in `present`.
            let slot = unsafe { slot.as_ref() };
            ptr::eq(address(slot.parent()), address(parent)) && slot.is_free()
        };
        let slot = if let Some(free) = tree.slots.iter().find(is_free) {
            // SAFETY: as in `present`.
            unsafe { free.as_ref() }.renew();
            *free
        } else {
            let slot = core.take_slot(engine, parent);
            tree.add(slot);
            slot
        };
        self.present.store(slot.as_ptr(), Ordering::Release);
    }

    /// The slot for a job that the present thread submits.
    #[inline]
    pub(crate) fn slot(&self, engine: &Engine, core: &GroupCore) -> &Slot {
        match inside::member() {
            None => self.present_or_first(),
            // SAFETY: the frame is that of a job of the slot, which has not ended.
            Some(member) => self.slot_inside(engine, core, unsafe { member.cast::<Slot>().as_ref() }),
        }
    }

    fn present_or_first(&self) -> &Slot {
        self.present().unwrap_or_else(|| unreachable!("a group takes its first slot when it is built"))
    }

    /// The same inside a job of a group.
    #[cold]
    fn slot_inside<'s>(&'s self, engine: &Engine, core: &GroupCore, of: &'s Slot) -> &'s Slot {
        let is_owned_by = |slot: &&Slot, owner: *mut ()| ptr::eq(slot.owner(), owner);
        if let Some(own) = of.chain().find(|slot| is_owned_by(slot, core.owner())) {
            return own;
        }
        let around = self.parent.as_ref().map(|parent| parent.core().owner());
        let Some(around) = around.and_then(|owner| of.chain().find(|slot| is_owned_by(slot, owner))) else {
            return self.present_or_first();
        };
        let is_of = |slot: &Slot| slot.parent().is_some_and(|parent| ptr::eq(parent, around));
        if self.present().is_some_and(is_of) {
            return self.present_or_first();
        }
        // Its cohort is a former one of the group around: there is one here that belongs to it, or will be.
        let mut tree = self.tree.lock();
        // SAFETY: as in `present`.
        let mut slots = tree.slots.iter().map(|slot| unsafe { slot.as_ref() });
        // Not one of a former cancel.
        let found = slots.find(|slot| is_of(slot) && slot.own_doom() == Doom::None);
        found.unwrap_or_else(|| {
            let slot = core.take_slot(engine, Some(around));
            tree.add(slot);
            // SAFETY: as in `present`.
            unsafe { slot.as_ref() }
        })
    }

    /// Whoever dooms a cohort just now puts another in its place first; here, or in a group around this one.
    pub(crate) fn settle(&self) {
        if let Some(parent) = &self.parent {
            parent.core().cohorts.settle();
        }
        drop(self.tree.lock());
    }

    /// The slots that have jobs.
    fn listed<'s>(tree: &Tree, has_jobs: impl Fn(&Slot) -> bool) -> Vec<&'s Slot> {
        // SAFETY: as in `present`.
        tree.slots.iter().map(|slot| unsafe { slot.as_ref() }).filter(|slot| has_jobs(slot)).collect()
    }

    fn children(tree: &Tree) -> Vec<Arc<dyn Kin>> {
        tree.children.iter().filter_map(Weak::upgrade).collect()
    }

    /// All that comes from here on is a matter of its own.
    fn flip(&self, engine: &Engine, tree: &mut Tree, core: &GroupCore, parent: Option<&Slot>) -> Vec<Arc<dyn Kin>> {
        self.put(engine, tree, core, parent);
        let children = Self::children(tree);
        let mut below = Vec::new();
        for child in &children {
            let core = child.core();
            let cohorts = &core.cohorts;
            below.extend(cohorts.flip(engine, &mut cohorts.tree.lock(), core, self.present()));
        }
        // To be dropped with no lock held: a group may be dropped with them.
        below.extend(children);
        below
    }

    /// Waits until all have ended that were accepted before, and what descends from them; not for schedules. Returns false when
    /// the time is over, or when nobody is left who could end the wait.
    pub(crate) fn wait(&self, engine: &Engine, core: &GroupCore, deadline: Deadline<'_>) -> bool {
        let (slots, failed, kin) = {
            let mut tree = self.tree.lock();
            let slots = Self::listed(&tree, |slot| !slot.is_drained());
            if slots.is_empty() && self.present().is_none_or(|present| present.doom() == Doom::None) {
                return true;
            }
            Slot::watch(slots.iter().copied());
            // In line before others may take a slot that is drained for another time.
            count_waiter(&slots, true);
            // After a failure that was the end of a cohort nothing comes into it, and the next one begins when that is over.
            let failed = self.failed();
            let kin = if failed.is_some() { Vec::new() } else { self.flip_here(engine, &mut tree, core) };
            (slots, failed, kin)
        };
        drop(kin);
        let line = InLine::enter(Awaits::Slots(slots.clone()));
        count_waiter(&slots, false);
        let is_over = line.wait(deadline);
        if is_over && self.failed().is_some() {
            let mut tree = self.tree.lock();
            // That of before; or the failure has come meanwhile, and this is the wait after it. Not one that came when another wait
            // had let the next cohort begin.
            let is_meant = self.failed().is_some_and(|present| failed.is_none_or(|failed| ptr::eq(failed, present)));
            let kin = if is_meant { self.flip_here(engine, &mut tree, core) } else { Vec::new() };
            drop(tree);
            drop(kin);
        }
        is_over
    }

    /// The present slot, if a failure was its end.
    fn failed(&self) -> Option<&Slot> {
        self.present().filter(|present| present.own_doom() == Doom::FailFast)
    }

    /// All that comes from here on is a matter of its own, but to the group around.
    fn flip_here(&self, engine: &Engine, tree: &mut Tree, core: &GroupCore) -> Vec<Arc<dyn Kin>> {
        let parent = self.present().and_then(Slot::parent);
        self.flip(engine, tree, core, parent)
    }

    /// Gets in line for all that is there now.
    pub(crate) fn line(&self) -> InLine<'_> {
        let slots = {
            let tree = self.tree.lock();
            let slots = Self::listed(&tree, |slot| !slot.is_drained());
            Slot::watch(slots.iter().copied());
            // As in `wait`.
            count_waiter(&slots, true);
            slots
        };
        let line = InLine::enter(Awaits::Slots(slots.clone()));
        count_waiter(&slots, false);
        line
    }

    /// Nothing of what is there is to begin, and what runs is to stop; nor is anything accepted.
    pub(crate) fn fail(&self) {
        let tree = self.tree.lock();
        let is_meant = |slot: &Slot| slot.live() > 0 || self.present().is_some_and(|present| ptr::eq(present, slot));
        for slot in Self::listed(&tree, is_meant) {
            slot.set_doom(Doom::FailFast);
        }
    }

    /// What has not begun is not to begin, and for [`Doom::Cancelled`] what runs is to stop. What comes later lives. Returns how
    /// many jobs that are, and the gates at which more of them wait.
    pub(crate) fn doom(&self, engine: &Engine, core: &GroupCore, doom: Doom) -> (usize, Vec<Gate>) {
        let mut counted = Vec::new();
        let (count, kin) = {
            let mut tree = self.tree.lock();
            let slots = Self::listed(&tree, |slot| slot.live() > 0);
            // Those of a former cancel are not counted again, be it of this group, or of one inside.
            let fresh: Vec<_> = slots.iter().copied().filter(|slot| !slot.doom().stops()).collect();
            let doomed = Self::doomed_inside(&tree, &fresh, &mut counted);
            let count = fresh.iter().map(|slot| slot.live()).sum::<usize>().saturating_sub(doomed);
            for slot in &slots {
                slot.set_doom(doom);
            }
            let kin = self.flip_here(engine, &mut tree, core);
            (count, kin)
        };
        let gates = core.gate().into_iter().chain(kin.iter().filter_map(|kin| kin.core().gate()));
        (count, gates.collect())
    }

    /// How many jobs of these slots are of groups inside that were cancelled. `kin` gets those groups, to be dropped with no lock
    /// held.
    fn doomed_inside(tree: &Tree, of: &[&Slot], kin: &mut Vec<Arc<dyn Kin>>) -> usize {
        let is_of = |slot: &Slot| slot.parent().is_some_and(|parent| of.iter().any(|of| ptr::eq(*of, parent)));
        let children = Self::children(tree);
        let mut count = 0;
        for child in &children {
            let tree = child.core().cohorts.tree.lock();
            let (doomed, living): (Vec<_>, Vec<_>) =
                Self::listed(&tree, is_of).into_iter().partition(|slot| slot.doom().stops());
            count += doomed.into_iter().map(Slot::live).sum::<usize>();
            if !living.is_empty() {
                count += Self::doomed_inside(&tree, &living, kin);
            }
        }
        kin.extend(children);
        count
    }

    /// The groups inside. Not to be dropped with a tree locked: a group may be dropped with it.
    pub(crate) fn inside(&self) -> Vec<Arc<dyn Kin>> {
        Self::children(&self.tree.lock())
    }

    /// The counts of all slots together; `between` reads what is to be read after the ends and before
    /// what was accepted, with the tree locked.
    pub(crate) fn totals<R>(&self, between: impl FnOnce() -> R) -> (Totals, R) {
        let mut tree = self.tree.lock();
        let slots = Self::listed(&tree, |_| true);
        let ended: Vec<_> = slots.iter().map(|slot| slot.ended()).collect();
        let read = between();
        let now =
            slots.iter().zip(ended).map(|(slot, ended)| CohortCounts { accepted: slot.cohort.accepted(), ..ended });
        for (slot, now) in now.enumerate() {
            let last = std::mem::replace(&mut tree.counted[slot], now);
            tree.totals.add(last, now);
        }
        (tree.totals, read)
    }

    /// Runs that are deeper in others than seats show.
    pub(crate) fn deep(&self) -> usize {
        Self::listed(&self.tree.lock(), |_| true).into_iter().map(Slot::deep).sum()
    }

    /// Nobody has a handle any more: whoever ends a job looks whether it was the last.
    pub(crate) fn watch_all(&self) {
        Slot::watch(Self::listed(&self.tree.lock(), |_| true));
    }

    /// Whether all jobs have ended, those that repeat too, and no group is inside that could have more.
    pub(crate) fn is_empty(&self) -> bool {
        let tree = self.tree.lock();
        tree.children.iter().all(|child| child.strong_count() == 0)
            && Self::listed(&tree, |slot| slot.live() > 0).is_empty()
    }

    /// The group is gone.
    pub(crate) fn give_back(&self, engine: &Engine) {
        debug_assert_eq!(self.totals(|| ()).0.live(), 0, "all jobs of a group that is gone have ended");
        self.tree.lock().slots.drain(..).for_each(|slot| engine.slots.give_back(slot));
    }

    /// Cancels what waits at gates, for `reason`.
    pub(crate) fn clear_gates(engine: &Engine, gates: Vec<Gate>, reason: CancelReason) {
        for gate in gates {
            engine.cancel_gated(gate, reason);
        }
    }
}
