//! A lane's slots in blocks that are allocated as the lane grows and used again when all their jobs are gone.
//!
//! A block serves the run of positions that starts at its `base`. Which block serves which base stands in two places: a
//! window under the lock, which is the truth, and a table that is read without a lock and may leave an older run out.
//!
//! | base is | window | table |
//! |---|---|---|
//! | not reached yet | at or after its `next` | says another base |
//! | reached, its producer has not come here yet | listed without a block, or with one beforehand | says another base, or base and block |
//! | in use | listed with its block | base and block; a later base if one came that has the same place |
//! | finished | before its `next`, not listed | says another base |
//!
//! So both are as large as what is in use: a run that stays for long, because one of its jobs runs for long, keeps no other.
//!
//! # Rules
//!
//! 1. A block is installed and recycled under the lock. It is recycled when every position of its run has been taken out
//!    and counted, so it stays while one of its positions is reserved and not yet taken.
//! 2. A producer may use the block of a position that it has reserved and not published: rule 1 keeps it. An entry of the table
//!    says another base before and after its block changes, and who reads it looks at the base before and after: so what is
//!    between the two is the block of that base.
//! 3. Everybody else looks only while inside: counted in a number that `trim` is shown. They may hold a block that has been
//!    recycled: it is memory of the same kind, and its words name other positions, so a look at it finds nothing.
//! 4. A block is given back to the allocator only from the free list, under the lock, when nobody is inside. Nobody who
//!    enters later can find it, because the table stopped naming it before it got onto the free list.
//! 5. Tables are never given back while the store lives, since producers read them who are not inside. They double, so all
//!    the old ones together are smaller than the present one; that is 16 bytes for each block that ever was in use at once.
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
use core::ptr;

use lock_api::{Mutex, RawMutex};

use self::window::{Block, Lists, Place, Table, Window};
use crate::host::Tick;
use crate::pack::Pack;
use crate::part::There;
use crate::pinned::Pinned;
use crate::slot::{Look, Slot, Take};
use crate::slots::Slots;
use crate::sync::{AtomicPtr, AtomicUsize, MODEL, Ordering, Padded, ask_ahead, sized};

#[cfg(all(test, not(loom)))]
mod tests;
mod window;

/// Slots in a block. Under the model checker small enough that a few jobs cross from one block to the next.
const BLOCK: usize = sized(256, 2);

/// Entries of the first table.
const TABLE: usize = sized(64, 2);

/// Blocks that are kept in any case: room for some thousand small jobs.
const KEEP: usize = sized(16, 0);

/// Slots between the one that is used and the one that is asked for. So long is a line's way, in jobs that do nothing; some
/// cores have no more than ten lines on their way at once. Who publishes asks beyond the end of the block, too: for eight lines
/// of 256 that he does not need, since to see the end would cost more.
const AHEAD: usize = 8;

/// The most runs that get their blocks before a producer comes there. On 32 simulated cores, half of which submit 32 jobs at a time, a
/// job took 80 ns without, 29 with 7 of them, 17 to 23 with 15.
const RUNS_AHEAD: usize = sized(15, 1);

/// No base: bases are multiples of [`BLOCK`].
const NO_BASE: usize = 1;

const _: () = assert!(BLOCK.is_power_of_two() && BLOCK > NO_BASE && TABLE.is_power_of_two());

/// A block, or none, as somebody inside has found it.
#[derive(Debug)]
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

/// Blocks of slots: grows with what is in it, and is used again.
pub struct Blocks<P, R> {
    /// The present table. In lines of its own: all look at it who come, and what follows is written whenever a block comes or goes.
    table: Padded<AtomicPtr<Table<P>>>,
    /// The window's first run and its `next`, or earlier ones: nobody takes the lock to find out that what lies outside has no
    /// block. Both only grow, so who reads them late finds what he would have found, had he come earlier. A model checker would try
    /// all these moments, which takes it ten minutes for one: there the lock is taken.
    oldest: AtomicUsize,
    next: AtomicUsize,
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
            table: Padded(AtomicPtr::new(&raw mut *table)),
            oldest: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            window: Mutex::new(Window::new(Lists {
                runs: VecDeque::with_capacity(TABLE),
                next: 0,
                free: Vec::with_capacity(TABLE),
                spare: 0,
                tables: Vec::from([table]),
                clock: None,
                ahead: 0,
            })),
        }
    }

    /// From here on it is noted when the first producer comes to a run.
    pub(crate) fn keep_time(&self, now: fn() -> Tick) {
        self.window.lock().clock = Some(now);
    }

    /// When that was, of the run that begins at `position`; `None` if none does, if nobody has come there, or all its jobs are gone, or no times were kept.
    pub(crate) fn since(&self, position: usize) -> Option<Tick> {
        let begins = Self::base(position) == position;
        begins.then(|| self.window.lock().run(position)?.since).flatten()
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

    /// The same, where the table leaves it out.
    #[cold]
    #[inline(never)]
    fn find_slow(&self, base: usize) -> Option<&Block<P>> {
        // SAFETY: rule 1 or 3, whichever the caller stands on.
        self.window.lock().block(base).map(|block| unsafe { block.as_ref() })
    }

    /// The block that serves `base`, if there is one.
    #[inline(always)]
    fn get(&self, base: usize) -> Option<&Block<P>> {
        match self.find(base) {
            Some(block) => Some(block),
            None if self.is_beyond(base) || self.is_finished(base) => None,
            None => self.find_slow(base),
        }
    }

    /// Whether no producer has come as far as this run yet, or was not seen to have.
    fn is_beyond(&self, base: usize) -> bool {
        !MODEL && window::is_beyond(self.next.load(Ordering::Acquire), base)
    }

    /// Whether all runs up to this one are known to be finished.
    fn is_finished(&self, base: usize) -> bool {
        !MODEL && !window::is_beyond(self.oldest.load(Ordering::Acquire), base)
    }

    /// The block for a position that the caller has reserved, installed if it is the first of its run.
    #[cold]
    #[inline(never)]
    fn install(&self, base: usize) -> &Block<P> {
        let mut fresh = None;
        loop {
            let mut window = self.window.lock();
            let index = window.reach(base);
            self.next.store(window.next, Ordering::Release);
            if let Some(block) = window.runs[index].block {
                window.free.extend(fresh);
                // Somebody else has come here meanwhile.
                window.ahead = (2 * window.ahead + 1).min(RUNS_AHEAD);
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
            let since = window.clock.map(|now| now());
            let run = &mut window.runs[index];
            (run.block, run.since) = (Some(block), since);
            if window.runs.len() > window.table().0.len() {
                self.grow(&mut window);
            } else {
                window.table().set(base, block);
            }
            if window.ahead > 0 {
                self.install_ahead(&mut window, base);
            }
            // SAFETY: rule 2.
            return unsafe { block.as_ref() };
        }
    }

    /// Installs blocks for the next runs, too, as far as there are free ones: where several come to a run at once, each of them would wait
    /// for the lock at the next one as well.
    #[cold]
    #[inline(never)]
    fn install_ahead(&self, window: &mut Window<P>, mut base: usize) {
        let ahead = window.ahead;
        window.ahead /= 2;
        // Else it is to be known when the first of them comes.
        if window.clock.is_none() {
            for _ in 0..ahead {
                base = base.wrapping_add(BLOCK);
                let index = window.reach(base);
                if window.runs[index].block.is_some() {
                    continue;
                }
                if window.runs.len() > window.table().0.len() {
                    break;
                }
                let Some(block) = window.free.pop() else { break };
                window.spare = window.spare.min(window.free.len());
                window.runs[index].block = Some(block);
                window.table().set(base, block);
            }
            self.next.store(window.next, Ordering::Release);
        }
    }

    /// A table with room for the whole window.
    #[cold]
    #[inline(never)]
    fn grow(&self, window: &mut Window<P>) {
        let mut table = Box::new(Table::new(window.runs.len().next_power_of_two() * 2));
        for run in &window.runs {
            if let Some(block) = run.block {
                table.set(run.base, block);
            }
        }
        self.table.store(&raw mut *table, Ordering::SeqCst);
        window.tables.push(table);
    }

    /// So many of a run have been taken out.
    #[inline(always)]
    fn finish_in(&self, block: &Block<P>, base: usize, count: usize) {
        // Acquire and release: whoever recycles the block comes after everybody who took something out of it.
        if block.finished.fetch_add(count, Ordering::AcqRel) + count == BLOCK {
            self.recycle(base);
        }
    }

    /// Takes a block whose last payload has gone out of use.
    #[cold]
    #[inline(never)]
    fn recycle(&self, base: usize) {
        let mut window = self.window.lock();
        let Place::Listed(index) = window.place(base) else { unreachable!("a run is recycled once") };
        let Some(block) = window.runs.remove(index).and_then(|run| run.block) else {
            unreachable!("a run is recycled once")
        };
        self.oldest.store(window.runs.front().map_or(window.next, |run| run.base), Ordering::Release);
        let entry = window.table().entry(base);
        if entry.base.load(Ordering::Relaxed) == base {
            // Sequentially consistent for rule 4.
            entry.base.store(NO_BASE, Ordering::SeqCst);
        }
        // SAFETY: the block is live until it is on the free list.
        unsafe { block.as_ref() }.finished.store(0, Ordering::Relaxed);
        window.free.push(block);
    }

    /// Whether a run that has no block is yet to come, or its producer is.
    #[cold]
    #[inline(never)]
    fn is_to_come(&self, base: usize) -> bool {
        let is_listed = || !matches!(self.window.lock().place(base), Place::Finished(_));
        self.is_beyond(base) || (!self.is_finished(base) && is_listed())
    }

    /// Why there was nothing to take in the block that may be the one of the position; or takes it, if it has an owner, has
    /// come meanwhile, or lies in another block.
    #[cold]
    #[inline(never)]
    fn missed(&self, block: Option<&Block<P>>, position: usize) -> Take<P> {
        let lap = Block::<P>::lap(position);
        let owned = block.and_then(|block| block.slot(position).take_owned(lap));
        let now = || self.get(Self::base(position)).map(|block| block.slot(position));
        match owned.or_else(|| now().and_then(|slot| slot.take(lap).or_else(|| slot.take_owned(lap)))) {
            Some(payload) => Take::Taken(payload),
            // Not published yet, or between the two looks. The caller comes again.
            None if self.is_untaken(position) => Take::Unpublished,
            None => Take::Gone,
        }
    }

    fn is_untaken(&self, position: usize) -> bool {
        matches!(self.see(position), Look::Free | Look::Ready)
    }

    fn see(&self, position: usize) -> Look {
        let base = Self::base(position);
        let free = |is_free: bool| if is_free { Look::Free } else { Look::Taken };
        let Some(block) = self.get(base) else { return free(self.is_to_come(base)) };
        match block.slot(position).look(Block::<P>::lap(position)) {
            // An earlier run's word, if the block still serves this one: a word of a later run can be seen only after
            // the block has stopped serving this base.
            Look::OtherLap => free(self.get(base).is_some_and(|now| ptr::eq(now, block))),
            seen => seen,
        }
    }

    /// The first run that has a block, from the one at `from` on; from the oldest on for `None`.
    fn next_run(&self, from: Option<usize>) -> Option<(usize, &Block<P>)> {
        let window = self.window.lock();
        let first = match from.map(|base| window.place(base)) {
            None => 0,
            Some(Place::Listed(index) | Place::Finished(index)) => index,
            Some(Place::ToCome) => return None,
        };
        let (base, block) = window.runs.range(first..).find_map(|run| Some((run.base, run.block?)))?;
        // SAFETY: rule 3.
        Some((base, unsafe { block.as_ref() }))
    }
}

impl<P: Send, R: RawMutex> Slots<P> for Blocks<P, R> {
    const RUN: usize = BLOCK;
    const TRIMS: bool = true;
    const COUNTS: bool = true;
    const OWNS: bool = true;

    type Inside = There<AtomicUsize>;
    type Run = Found<P>;

    #[inline(always)]
    fn reserve(&self, tail: &AtomicUsize) -> Option<usize> {
        // The barrier of a submit: see the order argument of the pool.
        Some(tail.fetch_add(1, Ordering::SeqCst))
    }

    fn reserve_some(&self, tail: &AtomicUsize, most: usize) -> Option<(usize, usize)> {
        // The same barrier.
        Some((tail.fetch_add(most, Ordering::SeqCst), most))
    }

    #[inline(always)]
    unsafe fn publish<J: Pack<P>>(&self, position: usize, job: J) {
        let base = Self::base(position);
        let block = match self.find(base) {
            Some(block) => block,
            None => self.install(base),
        };
        let slot = block.slot(position);
        ask_ahead::<_, AHEAD>(slot);
        // SAFETY: handed on from the caller, who has reserved the position.
        unsafe { slot.publish(Block::<P>::lap(position), job, J::OWNED) };
    }

    unsafe fn give_up(&self, position: usize) {
        let block = self.install(Self::base(position));
        // SAFETY: handed on from the caller.
        unsafe { block.slot(position).give_up(Block::<P>::lap(position)) };
    }

    #[inline(always)]
    fn take(&self, pinned: Pinned<'_>, position: usize) -> Take<P> {
        // SAFETY: found just now by one who is inside.
        unsafe { Self::take_from(|| self, pinned, self.run(pinned, position, 1), position, 0) }
    }

    fn take_unowned(&self, _: Pinned<'_>, position: usize) -> Option<P> {
        self.get(Self::base(position))?.slot(position).take(Block::<P>::lap(position))
    }

    #[inline(always)]
    fn run(&self, _: Pinned<'_>, position: usize, count: usize) -> Found<P> {
        let Some(block) = self.get(Self::base(position)) else { return Found::default() };
        for ahead in 1..count.min(AHEAD) {
            ask_ahead::<_, 0>(block.slot(position + ahead));
        }
        Found(block)
    }

    #[inline(always)]
    unsafe fn take_from<'s>(
        store: impl FnOnce() -> &'s Self,
        _: Pinned<'_>,
        run: Found<P>,
        position: usize,
        more: usize,
    ) -> Take<P>
    where
        Self: 's,
    {
        // SAFETY: rule 3; the caller has been inside since it was found.
        let block = unsafe { run.0.as_ref() };
        let take = |block: &'s Block<P>| {
            let slot = block.slot(position);
            if more >= AHEAD {
                ask_ahead::<_, AHEAD>(slot);
            }
            slot.take(Block::<P>::lap(position))
        };
        match block.and_then(take) {
            Some(payload) => Take::Taken(payload),
            None => store().missed(block, position),
        }
    }

    #[inline(always)]
    fn finish(&self, position: usize, count: usize) {
        if count == 0 {
            return;
        }
        let base = Self::base(position);
        self.finish_in(self.get(base).expect("a run stays until all its payloads are counted"), base, count);
    }

    #[inline(always)]
    fn take_out(&self, _: Pinned<'_>, position: usize) -> Option<P> {
        let block = self.get(Self::base(position));
        if let Some((block, payload)) =
            block.and_then(|block| Some((block, block.slot(position).take(Block::<P>::lap(position))?)))
        {
            // It was there: so the block serves the run, and does so until this is counted.
            self.finish_in(block, Self::base(position), 1);
            return Some(payload);
        }
        let Take::Taken(payload) = self.missed(block, position) else { return None };
        self.finish(position, 1);
        Some(payload)
    }

    fn is_ready(&self, _: Pinned<'_>, position: usize) -> bool {
        self.get(Self::base(position))
            .is_some_and(|block| block.slot(position).look(Block::<P>::lap(position)) == Look::Ready)
    }

    fn look(&self, _: Pinned<'_>, position: usize) -> Look {
        self.see(position)
    }

    fn last_open(&self, _: Pinned<'_>, first: usize, end: usize) -> Option<usize> {
        let mut left = end.wrapping_sub(first);
        while left > 0 {
            let last = first.wrapping_add(left - 1);
            let base = Self::base(last);
            // How many of them are in this run.
            let here = left.min(last.wrapping_sub(base) + 1);
            let mut in_run = (0..here).map(|back| last.wrapping_sub(back));
            // A run that has no block any more has been worked off.
            let found = self.get(base).and_then(|_| in_run.find(|position| self.is_untaken(*position)));
            if found.is_some() {
                return found;
            }
            left -= here;
        }
        None
    }

    fn sweep(&self, _: Pinned<'_>, tail: usize, visit: &mut dyn FnMut(usize)) {
        let mut from = None;
        // Not under the lock: the visit may take long, and may take payloads out.
        while let Some((base, block)) = self.next_run(from) {
            if tail.wrapping_sub(base).wrapping_sub(1) > usize::MAX / 2 {
                return;
            }
            (base..=base + (BLOCK - 1))
                .filter(|position| block.slot(*position).look(Block::<P>::lap(*position)) == Look::Ready)
                .for_each(&mut *visit);
            from = Some(base.wrapping_add(BLOCK));
        }
    }

    fn trim(&self, inside: &AtomicUsize) -> bool {
        let mut window = self.window.lock();
        #[cfg_attr(any(loom, shuttle), allow(clippy::unnecessary_min_or_max, reason = "models keep none"))]
        let keep = (window.free.len() - window.spare).max(KEEP);
        if window.free.len() <= keep || inside.load(Ordering::SeqCst) != 0 {
            window.spare = window.free.len();
            return window.free.len() > KEEP;
        }
        let surplus = window.free.split_off(keep);
        window.spare = keep;
        drop(window);
        for block in surplus {
            // SAFETY: rule 4. Every payload was taken out before the block came to the free list.
            let mut block = unsafe { Box::from_raw(block.as_ptr()) };
            if MODEL {
                // There is nothing to clear; but the checker then sees whether anybody still looks.
                block.slots.iter_mut().for_each(Slot::clear);
            }
        }
        keep > KEEP
    }
}
