//! A vector that several threads fill at once, each its own part, in any order.
//!
//! # Rules
//!
//! 1. A [`Part`] alone may touch its slots. The first `written` of them hold values.
//! 2. A part that is dropped drops its values. A full one is kept instead, until the vector takes all of them over, or one
//!    is missing because its thread panicked.
//! 3. The first part is handed back instead of kept in the list, so that one who fills the whole alone allocates none.

use std::mem::{self, MaybeUninit};
use std::ptr;

use crate::sys::Mutex;

/// A run of slots that belong to one thread.
pub(crate) struct Part<'v, U> {
    slots: &'v mut [MaybeUninit<U>],
    written: usize,
}

impl<'v, U> Part<'v, U> {
    fn new(slots: &'v mut [MaybeUninit<U>]) -> Self {
        Self { slots, written: 0 }
    }

    /// Appends values: as many as there are, or as there is room.
    pub(crate) fn fill(&mut self, values: impl Iterator<Item = U>) {
        // A part of its own, which nobody can see through a reference: its count stays in a register, and simple functions
        // are computed several at a time.
        let mut run = Part::new(&mut self.slots[self.written..]);
        for (slot, value) in run.slots.iter_mut().zip(values) {
            slot.write(value);
            run.written += 1;
        }
        self.written += run.written;
        mem::forget(run);
    }

    /// Keeps what is written as a part of its own.
    pub(crate) fn split_off(&mut self) -> Self {
        let (full, rest) = mem::take(&mut self.slots).split_at_mut(self.written);
        self.slots = rest;
        Self { slots: full, written: mem::take(&mut self.written) }
    }

    /// The first `count` slots of an unwritten part.
    pub(crate) fn split(&mut self, count: usize) -> Self {
        debug_assert!(self.written == 0);
        let (first, rest) = mem::take(&mut self.slots).split_at_mut(count);
        self.slots = rest;
        Self::new(first)
    }
}

impl<U> Drop for Part<'_, U> {
    fn drop(&mut self) {
        let values: *mut [MaybeUninit<U>] = &raw mut self.slots[..self.written];
        // SAFETY: rule 1: these hold values, which nobody else touches; `MaybeUninit<U>` has the layout of `U`.
        unsafe { ptr::drop_in_place(values as *mut [U]) };
    }
}

/// The parts that are full.
pub(crate) type Full<'v, U> = Mutex<Vec<Part<'v, U>>>;

/// A vector of `len` values. `work` is given one part for all of it, and hands back the first full part and leaves the
/// others: they make up the whole.
///
/// # Panics
///
/// Passes on a panic of `work`, after all values have been dropped. Panics if a part is missing.
pub(crate) fn vector<U>(len: usize, work: impl for<'v> FnOnce(Part<'v, U>, &Full<'v, U>) -> Part<'v, U>) -> Vec<U> {
    let mut values = Vec::with_capacity(len);
    {
        let full = Mutex::new(Vec::new());
        let first = work(Part::new(&mut values.spare_capacity_mut()[..len]), &full);
        let others = full.into_inner();
        let written = first.written + others.iter().map(|part| part.written).sum::<usize>();
        assert_eq!(written, len, "every part comes back full");
        mem::forget(first);
        others.into_iter().for_each(mem::forget);
    }
    // SAFETY: the parts are disjoint runs of the first `len` slots, and hold as many values: all of them. Nobody else has
    // them, since the parts were forgotten.
    unsafe { values.set_len(len) };
    values
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::rc::Rc;

    use super::*;

    #[test]
    fn parts_in_any_order_make_the_whole() {
        let values = vector(5, |mut part, full| {
            part.fill([0, 1].into_iter());
            let first = part.split_off();
            let mut middle = part.split(2);
            part.fill(4..);
            full.lock().push(part);
            middle.fill(2..);
            full.lock().push(middle);
            first
        });
        assert_eq!(values, [0, 1, 2, 3, 4]);
        assert!(vector::<u8>(0, |part, _| part).is_empty());
    }

    #[test]
    fn a_panic_drops_every_value_once() {
        let value = Rc::new(());
        let caught = catch_unwind(AssertUnwindSafe(|| {
            vector(9, |mut part, full| {
                part.fill(vec![Rc::clone(&value); 3].into_iter());
                let _first = part.split_off();
                part.fill(vec![Rc::clone(&value); 2].into_iter());
                full.lock().push(part.split_off());
                part.fill(vec![Rc::clone(&value); 1].into_iter());
                assert_eq!(Rc::strong_count(&value), 7);
                panic!("in the middle");
            })
        }));
        assert!(caught.is_err() && Rc::strong_count(&value) == 1);
    }

    #[test]
    #[should_panic(expected = "every part comes back full")]
    fn a_missing_part_makes_no_vector() {
        vector::<u8>(2, |mut part, full| {
            part.fill(std::iter::once(1));
            full.lock().push(part.split_off());
            part
        });
    }
}
