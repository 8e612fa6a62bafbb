//! A lane's slots in blocks that are allocated as the lane grows and used again when all their jobs are gone.
//!
//! A block serves the run of positions that starts at its `base`. Which block serves which base stands in two places: a
//! window under the lock, which is the truth, and a table that is read without a lock.
//!
//! | base is | window | table |
//! |---|---|---|
//! | not reached yet, or its producer has not come here yet | absent | says another base |
//! | in use | live | base and block |
//! | finished | done, or before the window's start | says another base |
//!
//! # Rules
//!
//! 1. A block is installed and recycled under the lock. It is recycled when every position of its run has been taken out
//!    and counted, so it stays while one of its positions is reserved and not yet taken.
//! 2. A producer may use the block of a position that it has reserved and not published: rule 1 keeps it.
//! 3. Everybody else looks only while inside: counted in a number that `trim` is shown. They may hold a block that has been recycled: it is
//!    memory of the same kind, and its words name other positions, so a look at it finds nothing.
//! 4. A block is given back to the allocator only from the free list, under the lock, when nobody is inside. Nobody who
//!    enters later can find it, because the table stopped naming it before it got onto the free list.
//! 5. Tables are never given back while the store lives. They double, so all the old ones together are smaller than the
//!    present one.
//!
//! # Order
//!
//! An entry's block is written before its base (release), and read after it (acquire). Rule 4 is a race between who
//! comes inside (counts up, then reads which table is the present one, then the entry) and `trim` (the table was changed and
//! the entry cleared, then it reads the count): all are sequentially consistent, so one of the two sees the other. An older
//! table still names blocks that have been recycled since; who is inside may use it, who comes later finds the new one.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ptr::{self, NonNull};

use lock_api::{Mutex, RawMutex};

use crate::pool::Pack;
use crate::slot::{Look, Slot, Take};
use crate::slots::Slots;
use crate::sync::{AtomicPtr, AtomicUsize, Ordering};

/// Slots in a block. Under the model checker small enough that a few jobs cross from one block to the next.
const BLOCK: usize = if cfg!(loom) { 2 } else { 256 };

/// Entries of the first table.
const TABLE: usize = if cfg!(loom) { 2 } else { 64 };

/// Blocks that are kept in any case: room for some thousand small jobs.
const KEEP: usize = if cfg!(loom) { 0 } else { 16 };

/// No base: bases are multiples of [`BLOCK`].
const NO_BASE: usize = 1;

const _: () = assert!(BLOCK.is_power_of_two() && BLOCK > NO_BASE && TABLE.is_power_of_two());

/// Aligned so that a slot of 64 bytes is a cache line.
#[repr(C, align(64))]
struct Block<P> {
    slots: [Slot<P>; BLOCK],
    /// Payloads taken out and counted in the present run.
    finished: AtomicUsize,
}

impl<P> Block<P> {
    #[cfg(not(loom))]
    fn allocate() -> NonNull<Self> {
        let layout = core::alloc::Layout::new::<Self>();
        // SAFETY: the layout has a size, a block has slots.
        let block = unsafe { alloc::alloc::alloc_zeroed(layout) };
        // All zeros is a block: free slots of lap 0 without payload, and nothing finished. Untouched zeros from the
        // operating system cost nothing until a slot is used.
        NonNull::new(block.cast()).unwrap_or_else(|| alloc::alloc::handle_alloc_error(layout))
    }

    #[cfg(loom)]
    fn allocate() -> NonNull<Self> {
        let slots = core::array::from_fn(|_| Slot::new());
        NonNull::from(Box::leak(Box::new(Self { slots, finished: AtomicUsize::new(0) })))
    }

    fn lap(position: usize) -> usize {
        position / BLOCK
    }

    fn slot(&self, position: usize) -> &Slot<P> {
        &self.slots[position % BLOCK]
    }
}

struct Entry<P> {
    base: AtomicUsize,
    block: AtomicPtr<Block<P>>,
}

struct Table<P>(Box<[Entry<P>]>);

impl<P> Table<P> {
    fn new(size: usize) -> Self {
        let entry = |_| Entry { base: AtomicUsize::new(NO_BASE), block: AtomicPtr::new(ptr::null_mut()) };
        Self((0..size).map(entry).collect())
    }

    #[inline(always)]
    fn entry(&self, base: usize) -> &Entry<P> {
        &self.0[(base / BLOCK) & (self.0.len() - 1)]
    }

    /// Names `block` as the one that serves `base`.
    fn set(&self, base: usize, block: NonNull<Block<P>>) {
        let entry = self.entry(base);
        entry.block.store(block.as_ptr(), Ordering::Relaxed);
        // Sequentially consistent like every access to a base: see rule 4.
        entry.base.store(base, Ordering::SeqCst);
    }

    #[inline(always)]
    fn get(&self, base: usize) -> Option<NonNull<Block<P>>> {
        let entry = self.entry(base);
        // Sequentially consistent for rule 4.
        (entry.base.load(Ordering::SeqCst) == base).then(|| NonNull::new(entry.block.load(Ordering::Acquire)))?
    }
}

/// A block, or none, as somebody inside has found it.
pub struct Found<P>(*const Block<P>);

impl<P> Clone for Found<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Found<P> {}

impl<P> Default for Found<P> {
    fn default() -> Self {
        Self(ptr::null())
    }
}

enum Tenure<P> {
    Absent,
    Live(NonNull<Block<P>>),
    Done,
}

struct Window<P> {
    /// Base of the first tenure in `tenures`: everything before it is done.
    start: usize,
    tenures: VecDeque<Tenure<P>>,
    free: Vec<NonNull<Block<P>>>,
    /// The least that `free` has held since the last trim: so many blocks were not needed.
    spare: usize,
    /// The present table last. Boxed, so that a table stays where it is when this list grows.
    #[expect(clippy::vec_box, reason = "tables are read through a pointer without the lock")]
    tables: Vec<Box<Table<P>>>,
}

impl<P> Window<P> {
    /// Where the tenure of `base` stands; `None` when it is over.
    fn index(&self, base: usize) -> Option<usize> {
        let ahead = base.wrapping_sub(self.start);
        (ahead <= usize::MAX / 2).then_some(ahead / BLOCK)
    }
}

/// Growing storage; `R` is the raw mutex that guards the rare changes of blocks.
pub struct Blocks<P, R> {
    table: AtomicPtr<Table<P>>,
    window: Mutex<R, Window<P>>,
}

// SAFETY: the raw pointers are owned blocks and tables, shared by the rules above; payloads move between contexts.
unsafe impl<P: Send, R: Send> Send for Blocks<P, R> {}
// SAFETY: as above; slots are `Sync` for payloads that are `Send`.
unsafe impl<P: Send, R: Sync> Sync for Blocks<P, R> {}

impl<P, R: RawMutex> Default for Blocks<P, R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P, R: RawMutex> Blocks<P, R> {
    /// An empty store; allocates its table, and blocks when they are needed.
    #[must_use]
    pub fn new() -> Self {
        let mut table = Box::new(Table::new(TABLE));
        Self {
            table: AtomicPtr::new(&raw mut *table),
            window: Mutex::new(Window {
                start: 0,
                tenures: VecDeque::with_capacity(TABLE),
                free: Vec::with_capacity(TABLE),
                spare: 0,
                tables: Vec::from([table]),
            }),
        }
    }

    #[inline(always)]
    fn base(position: usize) -> usize {
        position & !(BLOCK - 1)
    }

    /// The block that serves `base`, as far as the table tells.
    #[inline(always)]
    fn find(&self, base: usize) -> Option<&Block<P>> {
        // SAFETY: rule 5.
        let table = unsafe { &*self.table.load(Ordering::SeqCst) };
        // SAFETY: rule 2 or 3, whichever the caller stands on.
        table.get(base).map(|block| unsafe { block.as_ref() })
    }

    /// The block for a position that the caller has reserved, installed if it is the first of its run.
    #[cold]
    #[inline(never)]
    fn install(&self, base: usize) -> &Block<P> {
        let mut fresh = None;
        loop {
            let mut window = self.window.lock();
            let index = window.index(base).expect("a reserved position keeps its run from being done");
            while window.tenures.len() <= index {
                window.tenures.push_back(Tenure::Absent);
            }
            if let Tenure::Live(block) = window.tenures[index] {
                window.free.extend(fresh);
                // SAFETY: rule 2.
                return unsafe { block.as_ref() };
            }
            let recycled = window.free.pop();
            window.spare = window.spare.min(window.free.len());
            let Some(block) = recycled.or_else(|| fresh.take()) else {
                // Not under the lock: an allocation may take long.
                drop(window);
                fresh = Some(Block::allocate());
                continue;
            };
            window.free.extend(fresh);
            window.tenures[index] = Tenure::Live(block);
            if window.tenures.len() > window.tables[window.tables.len() - 1].0.len() {
                self.grow(&mut window);
            } else {
                window.tables[window.tables.len() - 1].set(base, block);
            }
            // SAFETY: rule 2.
            return unsafe { block.as_ref() };
        }
    }

    /// A table with room for the whole window, so that no two live blocks share an entry.
    fn grow(&self, window: &mut Window<P>) {
        let mut table = Box::new(Table::new(window.tenures.len().next_power_of_two() * 2));
        for (index, tenure) in window.tenures.iter().enumerate() {
            if let Tenure::Live(block) = tenure {
                table.set(window.start.wrapping_add(index * BLOCK), *block);
            }
        }
        self.table.store(&raw mut *table, Ordering::SeqCst);
        window.tables.push(table);
    }

    /// Takes a block whose last payload has gone out of use.
    #[cold]
    #[inline(never)]
    fn recycle(&self, base: usize) {
        let mut window = self.window.lock();
        let window = &mut *window;
        let index = window.index(base).expect("a run is recycled once");
        let Tenure::Live(block) = core::mem::replace(&mut window.tenures[index], Tenure::Done) else {
            unreachable!("a run is recycled once");
        };
        let entry = window.tables[window.tables.len() - 1].entry(base);
        // Sequentially consistent for rule 4.
        entry.base.store(NO_BASE, Ordering::SeqCst);
        // SAFETY: the block is live until it is on the free list.
        unsafe { block.as_ref() }.finished.store(0, Ordering::Relaxed);
        window.free.push(block);
        while matches!(window.tenures.front(), Some(Tenure::Done)) {
            window.tenures.pop_front();
            window.start = window.start.wrapping_add(BLOCK);
        }
    }

    /// Whether a run that the table does not name is yet to come.
    #[cold]
    #[inline(never)]
    fn is_to_come(&self, base: usize) -> bool {
        let window = self.window.lock();
        match window.index(base) {
            None => false,
            Some(index) => !matches!(window.tenures.get(index), Some(Tenure::Done)),
        }
    }

    /// Why there was nothing to take; or takes it, if it has come meanwhile.
    #[cold]
    #[inline(never)]
    fn missed(&self, position: usize) -> Take<P> {
        let taken =
            self.find(Self::base(position)).and_then(|block| block.slot(position).take(Block::<P>::lap(position)));
        match taken {
            Some(payload) => Take::Taken(payload),
            // Not published yet, or between the two looks. The caller comes again.
            None if self.is_untaken(position) => Take::Unpublished,
            None => Take::Gone,
        }
    }

    fn is_untaken(&self, position: usize) -> bool {
        let base = Self::base(position);
        let Some(block) = self.find(base) else { return self.is_to_come(base) };
        match block.slot(position).look(Block::<P>::lap(position)) {
            Look::Free | Look::Ready => true,
            // An earlier run's word, if the block still serves this one: a word of a later run can be seen only after
            // the table has stopped naming the block for this base.
            Look::OtherLap => self.find(base).is_some_and(|now| ptr::eq(now, block)),
            Look::Taken => false,
        }
    }
}

impl<P: Send, R: RawMutex> Slots<P> for Blocks<P, R> {
    const RUN: usize = BLOCK;
    const TRIMS: bool = true;

    type Run = Found<P>;

    #[inline(always)]
    fn reserve(&self, tail: &AtomicUsize) -> Option<usize> {
        // The barrier of a submit: see the order argument of the pool.
        Some(tail.fetch_add(1, Ordering::SeqCst))
    }

    #[inline(always)]
    unsafe fn publish<J: Pack<P>>(&self, position: usize, job: J) {
        let base = Self::base(position);
        let block = match self.find(base) {
            Some(block) => block,
            None => self.install(base),
        };
        // SAFETY: handed on from the caller, who has reserved the position.
        unsafe { block.slot(position).publish(Block::<P>::lap(position), job) };
    }

    #[inline(always)]
    fn take(&self, position: usize) -> Take<P> {
        self.take_from(self.run(position), position)
    }

    #[inline(always)]
    fn run(&self, position: usize) -> Found<P> {
        Found(self.find(Self::base(position)).map_or(ptr::null(), ptr::from_ref))
    }

    #[inline(always)]
    fn take_from(&self, run: Found<P>, position: usize) -> Take<P> {
        // SAFETY: rule 3; the caller has been inside since it was found.
        let block = unsafe { run.0.as_ref() };
        match block.and_then(|block| block.slot(position).take(Block::<P>::lap(position))) {
            Some(payload) => Take::Taken(payload),
            None => self.missed(position),
        }
    }

    #[inline(always)]
    fn finish(&self, position: usize, count: usize) {
        if count == 0 {
            return;
        }
        let base = Self::base(position);
        let block = self.find(base).expect("a run stays until all its payloads are counted");
        // Acquire and release: whoever recycles the block comes after everybody who took something out of it.
        if block.finished.fetch_add(count, Ordering::AcqRel) + count == BLOCK {
            self.recycle(base);
        }
    }

    fn is_ready(&self, position: usize) -> bool {
        self.find(Self::base(position))
            .is_some_and(|block| block.slot(position).look(Block::<P>::lap(position)) == Look::Ready)
    }

    fn is_open(&self, position: usize) -> bool {
        self.is_untaken(position)
    }

    fn sweep(&self, tail: usize, visit: &mut dyn FnMut(usize)) {
        let mut base = self.window.lock().start;
        // Not under the lock: the visit may take long, and may take payloads out.
        while tail.wrapping_sub(base).wrapping_sub(1) < usize::MAX / 2 {
            if self.find(base).is_some() {
                (base..=base + (BLOCK - 1)).filter(|position| self.is_ready(*position)).for_each(&mut *visit);
            }
            base = base.wrapping_add(BLOCK);
        }
    }

    fn trim(&self, inside: &AtomicUsize) {
        let mut window = self.window.lock();
        let keep = (window.free.len() - window.spare).max(KEEP);
        if window.free.len() > keep && inside.load(Ordering::SeqCst) == 0 {
            let surplus = window.free.split_off(keep);
            window.spare = keep;
            drop(window);
            for block in surplus {
                // SAFETY: rule 4. Every payload was taken out before the block came to the free list.
                drop(unsafe { Box::from_raw(block.as_ptr()) });
            }
        } else {
            window.spare = window.free.len();
        }
    }
}

impl<P> Drop for Window<P> {
    fn drop(&mut self) {
        let live = self.tenures.drain(..).filter_map(|tenure| match tenure {
            Tenure::Live(block) => Some(block),
            Tenure::Absent | Tenure::Done => None,
        });
        for block in live.chain(self.free.drain(..)) {
            // SAFETY: the store is being dropped, so nobody looks any more; every block is in one of the two lists.
            let mut block = unsafe { Box::from_raw(block.as_ptr()) };
            block.slots.iter_mut().for_each(Slot::clear);
        }
    }
}
