//! A map under way: items, a function, the values, and who works on it.
//!
//! # Rules
//!
//! 1. What a [`Participant`] has taken from the shares is its alone: the items, and the slots of their values. The shares give each
//!    out once.
//! 2. Runs of values are kept in a list; the vector takes all of them over, or the mapping drops them, if values are missing. Those
//!    that a panic cuts short are dropped where it comes.

use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::ops::Range;
use std::ptr;

use crate::parallel::shares::Shares;
use crate::sys::Mutex;

/// Items that several threads take.
pub(crate) trait Items: Sync {
    type Item;

    fn len(&self) -> usize;

    /// Some of them, in order.
    ///
    /// # Safety
    ///
    /// Each is asked for once.
    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = Self::Item>;
}

impl<'a, I: Sync> Items for &'a [I] {
    type Item = &'a I;

    fn len(&self) -> usize {
        <[I]>::len(self)
    }

    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = &'a I> {
        self[range].iter()
    }
}

/// Items that each is changed by whoever takes it.
pub(crate) struct Changed<'a, I> {
    first: *mut I,
    len: usize,
    items: PhantomData<&'a mut [I]>,
}

// SAFETY: by the contract of `run` an item is reached by one thread alone.
unsafe impl<I: Send> Sync for Changed<'_, I> {}

impl<'a, I> Changed<'a, I> {
    pub(crate) fn new(items: &'a mut [I]) -> Self {
        Self { first: items.as_mut_ptr(), len: items.len(), items: PhantomData }
    }
}

impl<'a, I: Send + 'a> Items for Changed<'a, I> {
    type Item = &'a mut I;

    fn len(&self) -> usize {
        self.len
    }

    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = &'a mut I> {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: a part of the slice that is borrowed for `'a`; by the contract no other part that was asked for overlaps it.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(range.start), range.len()) }.iter_mut()
    }
}

/// All values, computed by the caller alone.
#[expect(clippy::needless_pass_by_value, reason = "nobody else has them, and they are asked for once")]
pub(crate) fn alone<I: Items, U>(items: I, f: impl FnMut(I::Item) -> U) -> Vec<U> {
    // SAFETY: all, once: they were not in a mapping, and are gone then.
    unsafe { items.run(0..items.len()) }.map(f).collect()
}

pub(crate) struct Mapping<I, U, F> {
    items: I,
    function: F,
    /// With room for all values.
    values: Vec<U>,
    /// Where that begins.
    slots: *mut MaybeUninit<U>,
    shares: Shares,
    /// Runs of slots that hold values.
    complete: Mutex<Vec<Range<usize>>>,
}

// SAFETY: rule 1: threads share the items, which allow it, and the function; values move between them.
unsafe impl<I: Items, U: Send, F: Sync> Sync for Mapping<I, U, F> {}

impl<I: Items, U, F: Fn(I::Item) -> U> Mapping<I, U, F> {
    /// For at most so many participants.
    pub(crate) fn new(items: I, function: F, most: usize) -> Self {
        let mut values = Vec::with_capacity(items.len());
        let slots = values.spare_capacity_mut().as_mut_ptr();
        let shares = Shares::new(items.len(), most);
        Self { items, function, values, slots, shares, complete: Mutex::new(Vec::new()) }
    }

    /// One more who works on it; `None` when there are enough. All that is to be done is the first's, until others come.
    pub(crate) fn enter(&self) -> Option<Participant<'_, I, U, F>> {
        Some(Participant { mapping: self, share: self.shares.enter()?, run: 0..0 })
    }

    /// How many items nobody has taken, as far as it can be seen.
    pub(crate) fn left(&self) -> usize {
        self.shares.left()
    }

    /// The values in the order of the items.
    ///
    /// # Panics
    ///
    /// If one is missing, whose participant has panicked.
    pub(crate) fn into_values(mut self) -> Vec<U> {
        let len = self.items.len();
        let complete = self.complete.get_mut();
        assert_eq!(complete.iter().map(Range::len).sum::<usize>(), len, "every value is there");
        complete.clear();
        let mut values = mem::take(&mut self.values);
        // SAFETY: rule 1: the runs are disjoint, and as long together as all slots: all hold values. `self` has given them away.
        unsafe { values.set_len(len) };
        values
    }
}

impl<I, U, F> Drop for Mapping<I, U, F> {
    fn drop(&mut self) {
        for run in mem::take(&mut *self.complete.lock()) {
            // SAFETY: rule 2: these hold values, and were not taken over.
            unsafe { drop_values(self.slots, run) };
        }
    }
}

/// # Safety
///
/// The slots hold values, which nobody else touches.
unsafe fn drop_values<U>(slots: *mut MaybeUninit<U>, run: Range<usize>) {
    // SAFETY: as the caller says; `MaybeUninit<U>` has the layout of `U`.
    unsafe { ptr::slice_from_raw_parts_mut(slots.add(run.start).cast::<U>(), run.len()).drop_in_place() };
}

/// Somebody who works on a map.
pub(crate) struct Participant<'m, I, U, F> {
    mapping: &'m Mapping<I, U, F>,
    share: usize,
    /// The slots that it has written one after the other.
    run: Range<usize>,
}

impl<I: Items, U, F: Fn(I::Item) -> U> Participant<'_, I, U, F> {
    /// Does the next items, some so many at most. Returns how many it did, or `None` when nobody leaves it any.
    pub(crate) fn go_on(&mut self, most: usize) -> Option<usize> {
        let shares = &self.mapping.shares;
        let range = shares.take(self.share, most).or_else(|| shares.steal(self.share))?;
        if range.start != self.run.end {
            self.keep();
            self.run = range.start..range.start;
        }
        let count = range.len();
        // Written here in a run of its own, which nobody can see through a reference: its length stays in a register, and simple
        // functions are computed several at a time.
        let mut fresh = Fresh { slots: self.mapping.slots, run: range.start..range.start };
        // SAFETY: rule 1.
        for (slot, item) in range.clone().zip(unsafe { self.mapping.items.run(range) }) {
            let value = (self.mapping.function)(item);
            // SAFETY: rule 1; the slot is one of those that there is room for.
            unsafe { fresh.slots.add(slot).write(MaybeUninit::new(value)) };
            fresh.run.end = slot + 1;
        }
        self.run.end = fresh.run.end;
        mem::forget(fresh);
        Some(count)
    }
}

impl<I, U, F> Participant<'_, I, U, F> {
    /// The run is complete.
    fn keep(&mut self) {
        let run = mem::replace(&mut self.run, 0..0);
        if !run.is_empty() {
            self.mapping.complete.lock().push(run);
        }
    }
}

impl<I, U, F> Drop for Participant<'_, I, U, F> {
    fn drop(&mut self) {
        // After a panic as well: whoever ends the map drops them.
        self.keep();
    }
}

/// Values that were written just now.
struct Fresh<U> {
    slots: *mut MaybeUninit<U>,
    run: Range<usize>,
}

impl<U> Drop for Fresh<U> {
    fn drop(&mut self) {
        // SAFETY: rule 2: the function has panicked, and these are its participant's.
        unsafe { drop_values(self.slots, self.run.clone()) };
    }
}
