//! Values in the order of the items: each item has a slot.
//!
//! # Rules
//!
//! 1. The slot of an item is his who has taken the item. There are as many slots as items of the stock that all parts come from.
//! 2. Runs of values are kept in a list; the vector takes all of them over, or they are dropped with the slots, if values are
//!    missing. Those that a panic cuts short are dropped where it comes.

use std::mem::{self, MaybeUninit};
use std::ops::{ControlFlow, Range};
use std::ptr;

use crate::parallel::gather::{Gather, Gathered};
use crate::parallel::stock::Part;
use crate::sys::Mutex;

/// A vector of what a function returns for the items.
pub(crate) struct ToVec<F>(pub(crate) F);

impl<Item, U: Send, F: Fn(Item) -> U + Sync> Gather<Item> for ToVec<F> {
    type Output = Vec<U>;
    type Gathered = Slots<U, F>;

    #[inline(always)]
    fn alone(self, len: usize, items: impl Iterator<Item = Item>) -> (Vec<U>, usize) {
        (items.map(self.0).collect(), len)
    }

    fn open(self, len: usize) -> Slots<U, F> {
        let mut values = Vec::with_capacity(len);
        let first = values.spare_capacity_mut().as_mut_ptr();
        Slots { function: self.0, len, values, first, complete: Mutex::new(Vec::new()) }
    }
}

pub(crate) struct Slots<U, F> {
    function: F,
    len: usize,
    /// With room for all values.
    values: Vec<U>,
    /// Where that begins.
    first: *mut MaybeUninit<U>,
    /// Runs of slots that hold values.
    complete: Mutex<Vec<Range<usize>>>,
}

// SAFETY: rule 1: threads share the function; values move between them.
unsafe impl<U: Send, F: Sync> Sync for Slots<U, F> {}

/// Slots that somebody has written one after the other.
#[derive(Default)]
pub(crate) struct Written(Range<usize>);

impl<Item, U: Send, F: Fn(Item) -> U + Sync> Gathered<Item> for Slots<U, F> {
    type Run = Written;
    type Output = Vec<U>;

    #[inline(always)]
    fn go(&self, run: &mut Written, part: Part<impl Iterator<Item = Item>>) -> ControlFlow<()> {
        let first = part.numbers().start;
        // Written here in a run of its own, which nobody can see through a reference: its length stays in a register, and simple
        // functions are computed several at a time.
        let mut fresh = Fresh { slots: self.first, run: first..first };
        for (slot, item) in part.numbered() {
            let value = (self.function)(item);
            // SAFETY: rule 1.
            unsafe { fresh.slots.add(slot).write(MaybeUninit::new(value)) };
            fresh.run.end = slot + 1;
        }
        if run.0.is_empty() {
            run.0.start = first;
        }
        run.0.end = fresh.run.end;
        mem::forget(fresh);
        ControlFlow::Continue(())
    }

    fn keep(&self, Written(run): Written) {
        if !run.is_empty() {
            self.complete.lock().push(run);
        }
    }

    /// # Panics
    ///
    /// If a value is missing, whose participant has panicked.
    fn output(mut self) -> Vec<U> {
        let complete = self.complete.get_mut();
        assert_eq!(complete.iter().map(Range::len).sum::<usize>(), self.len, "every value is there");
        complete.clear();
        let mut values = mem::take(&mut self.values);
        // SAFETY: rule 1: the runs are disjoint, and as long together as all slots: all hold values. `self` has given them away.
        unsafe { values.set_len(self.len) };
        values
    }
}

impl<U, F> Drop for Slots<U, F> {
    fn drop(&mut self) {
        for run in mem::take(self.complete.get_mut()) {
            // SAFETY: rule 2: these hold values, and were not taken over.
            unsafe { drop_values(self.first, run) };
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
