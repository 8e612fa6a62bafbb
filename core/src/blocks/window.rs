//! Blocks, the table in which they are found without a lock, and the window, which is the truth. The rules are those of
//! `blocks`.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};
use core::slice;

use super::{BLOCK, NO_BASE};
use crate::host::Tick;
use crate::slot::Slot;
use crate::sync::{AtomicPtr, AtomicUsize, MODEL, Ordering};

/// Aligned so that a slot of 64 bytes is a cache line.
#[repr(C, align(64))]
pub(super) struct Block<P> {
    pub(super) slots: [Slot<P>; BLOCK],
    /// Payloads taken out and counted in the present run.
    pub(super) finished: AtomicUsize,
}

impl<P> Block<P> {
    pub(super) fn allocate() -> NonNull<Self> {
        if MODEL {
            // Its atomics are more than their bytes.
            let slots = core::array::from_fn(|_| Slot::new());
            return NonNull::from(Box::leak(Box::new(Self { slots, finished: AtomicUsize::new(0) })));
        }
        let layout = core::alloc::Layout::new::<Self>();
        // SAFETY: the layout has a size, a block has slots.
        let block = unsafe { alloc::alloc::alloc_zeroed(layout) };
        // All zeros is a block: free slots of lap 0 without payload, and nothing finished. Untouched zeros from the
        // operating system cost nothing until a slot is used.
        NonNull::new(block.cast()).unwrap_or_else(|| alloc::alloc::handle_alloc_error(layout))
    }

    pub(super) fn lap(position: usize) -> usize {
        position / BLOCK
    }

    pub(super) fn slot(&self, position: usize) -> &Slot<P> {
        &self.slots[position % BLOCK]
    }
}

pub(super) struct Entry<P> {
    pub(super) base: AtomicUsize,
    pub(super) block: AtomicPtr<Block<P>>,
}

pub(super) struct Table<P>(pub(super) Box<[Entry<P>]>);

impl<P> Table<P> {
    pub(super) fn new(size: usize) -> Self {
        let entry = |_| Entry { base: AtomicUsize::new(NO_BASE), block: AtomicPtr::new(ptr::null_mut()) };
        Self((0..size).map(entry).collect())
    }

    #[inline(always)]
    pub(super) fn entry(&self, base: usize) -> &Entry<P> {
        &self.0[(base / BLOCK) & (self.0.len() - 1)]
    }

    /// Names `block` as the one that serves `base`, unless a later one has the place.
    pub(super) fn set(&self, base: usize, block: NonNull<Block<P>>) {
        let entry = self.entry(base);
        // Bases change under the lock, which the caller holds.
        let present = entry.base.load(Ordering::Relaxed);
        if present != NO_BASE {
            if base.wrapping_sub(present) > usize::MAX / 2 {
                return;
            }
            entry.base.store(NO_BASE, Ordering::SeqCst);
        }
        // Release for rule 2: who sees it sees that its base is another.
        entry.block.store(block.as_ptr(), Ordering::Release);
        // Sequentially consistent like every access to a base: see rule 4.
        entry.base.store(base, Ordering::SeqCst);
    }

    #[inline(always)]
    pub(super) fn get(&self, base: usize) -> Option<NonNull<Block<P>>> {
        let entry = self.entry(base);
        // Sequentially consistent for rule 4.
        if entry.base.load(Ordering::SeqCst) != base {
            return None;
        }
        let block = entry.block.load(Ordering::Acquire);
        // Again for rule 2, by which it is a block, too.
        // SAFETY: an entry that says a base was given its block before.
        (entry.base.load(Ordering::Relaxed) == base).then(|| unsafe { NonNull::new_unchecked(block) })
    }
}

/// A run that has been reached and is not finished.
pub(super) struct Run<P> {
    pub(super) base: usize,
    /// None until a producer comes there.
    pub(super) block: Option<NonNull<Block<P>>>,
    /// When that was, if times are kept.
    pub(super) since: Option<Tick>,
}

/// The runs that are in use, and the blocks that are not. Dropped in one place: else what drops them would be there once more for each
/// place that has one.
pub(super) struct Window<P>(ManuallyDrop<Lists<P>>);

pub(super) struct Lists<P> {
    /// Oldest first.
    pub(super) runs: VecDeque<Run<P>>,
    /// The first base that has not been reached.
    pub(super) next: usize,
    pub(super) free: Vec<NonNull<Block<P>>>,
    /// The fewest free blocks since the last trim: that many were not needed.
    pub(super) spare: usize,
    /// The present table last. Boxed, so that a table stays where it is.
    #[expect(clippy::vec_box, reason = "others hold pointers to the tables")]
    pub(super) tables: Vec<Box<Table<P>>>,
    /// Tells when runs are reached, if anybody wants to know.
    pub(super) clock: Option<fn() -> Tick>,
    /// So many runs get their blocks beforehand when the next one is installed.
    pub(super) ahead: usize,
}

/// Where a run stands in the window.
pub(super) enum Place {
    ToCome,
    /// At this index.
    Listed(usize),
    /// It would be at this index.
    Finished(usize),
}

/// Whether a run comes after all those before `next`. Positions wrap, so runs compare by how far they are back.
pub(super) fn is_beyond(next: usize, base: usize) -> bool {
    next.wrapping_sub(base).wrapping_sub(1) > usize::MAX / 2
}

impl<P> Deref for Window<P> {
    type Target = Lists<P>;

    fn deref(&self) -> &Lists<P> {
        &self.0
    }
}

impl<P> DerefMut for Window<P> {
    fn deref_mut(&mut self) -> &mut Lists<P> {
        &mut self.0
    }
}

impl<P> Window<P> {
    pub(super) fn new(lists: Lists<P>) -> Self {
        Self(ManuallyDrop::new(lists))
    }

    // Once for a run: a call is nothing, and there are several callers.
    #[inline(never)]
    pub(super) fn place(&self, base: usize) -> Place {
        if is_beyond(self.next, base) {
            return Place::ToCome;
        }
        let age = |base| self.next.wrapping_sub(base);
        match self.runs.binary_search_by(|run| age(base).cmp(&age(run.base))) {
            Ok(index) => Place::Listed(index),
            Err(index) => Place::Finished(index),
        }
    }

    /// The index of a run that is not finished; lists it, and all before it, if it has not been reached.
    pub(super) fn reach(&mut self, base: usize) -> usize {
        while matches!(self.place(base), Place::ToCome) {
            let base = self.next;
            self.runs.push_back(Run { base, block: None, since: None });
            self.next = base.wrapping_add(BLOCK);
        }
        match self.place(base) {
            Place::Listed(index) => index,
            _ => unreachable!("a position that has not been taken and counted keeps its run"),
        }
    }

    /// A run that is listed.
    pub(super) fn run(&self, base: usize) -> Option<&Run<P>> {
        match self.place(base) {
            Place::Listed(index) => Some(&self.runs[index]),
            _ => None,
        }
    }

    pub(super) fn block(&self, base: usize) -> Option<NonNull<Block<P>>> {
        self.run(base)?.block
    }

    pub(super) fn table(&self) -> &Table<P> {
        &self.tables[self.tables.len() - 1]
    }
}

impl<P> Drop for Window<P> {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: nobody looks at them any more.
        let mut rest = Rest(unsafe { ManuallyDrop::take(&mut self.0) });
        rest.give_back();
    }
}

/// The blocks of a store that is dropped. Dropped: the destructor of a payload has panicked, and the others are dropped before that goes on, as
/// the elements of a vector are.
struct Rest<P>(Lists<P>);

impl<P> Rest<P> {
    fn give_back(&mut self) {
        loop {
            let block = match self.0.runs.pop_front() {
                Some(run) => run.block,
                None => match self.0.free.pop() {
                    Some(block) => Some(block),
                    None => return,
                },
            };
            let Some(block) = block else { continue };
            // SAFETY: nobody looks at them any more; every block is in one of the two lists.
            let mut block = unsafe { Box::from_raw(block.as_ptr()) };
            let mut slots = Untaken(block.slots.iter_mut());
            slots.clear();
        }
    }
}

impl<P> Drop for Rest<P> {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// The same of the payloads of a block.
struct Untaken<'b, P>(slice::IterMut<'b, Slot<P>>);

impl<P> Untaken<'_, P> {
    fn clear(&mut self) {
        self.0.by_ref().for_each(Slot::clear);
    }
}

impl<P> Drop for Untaken<'_, P> {
    fn drop(&mut self) {
        self.clear();
    }
}
