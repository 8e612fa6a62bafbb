//! Items that several threads take, each a part of them.
//!
//! # Rules
//!
//! 1. An item is asked for once. What is borrowed mutably or given away goes to who asks for it, and is his alone.
//! 2. What is never asked for is never dropped: whoever has a source asks for all that is left in the end.

#![allow(missing_debug_implementations, reason = "a sealed trait leads to these; nobody has one")]

use std::iter::Zip as Both;
use std::marker::PhantomData;
use std::ops::Range;
use std::slice;
use std::{iter, mem, ptr};

use crate::parallel::items::{Chunks, ChunksMut, Enumerate, Int, Zip};

/// Items that several threads take.
#[allow(unreachable_pub, reason = "the oldest compiler does not see that a public trait names it")]
pub trait Source: Sync {
    type Item: Send;

    fn len(&self) -> usize;

    /// Some of them, in order.
    ///
    /// # Safety
    ///
    /// Each is asked for once.
    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = Self::Item>;
}

impl<'a, T: Sync> Source for &'a [T] {
    type Item = &'a T;

    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = &'a T> {
        self[range].iter()
    }
}

/// Items that each is changed by whoever takes it.
pub struct Changed<'a, T> {
    first: *mut T,
    len: usize,
    items: PhantomData<&'a mut [T]>,
}

// SAFETY: rule 1: an item is reached by one thread alone.
unsafe impl<T: Send> Sync for Changed<'_, T> {}

impl<'a, T> Changed<'a, T> {
    pub(super) fn new(items: &'a mut [T]) -> Self {
        Self { first: items.as_mut_ptr(), len: items.len(), items: PhantomData }
    }

    /// # Safety
    ///
    /// No item is asked for twice.
    unsafe fn part(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: a part of the slice that is borrowed for `'a`; by the contract no other part that was asked for overlaps it.
        unsafe { slice::from_raw_parts_mut(self.first.add(range.start), range.len()) }
    }
}

impl<'a, T: Send> Source for Changed<'a, T> {
    type Item = &'a mut T;

    fn len(&self) -> usize {
        self.len
    }

    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = &'a mut T> {
        // SAFETY: rule 1.
        unsafe { self.part(range) }.iter_mut()
    }
}

/// Items that are given away.
pub struct Given<T> {
    first: *mut T,
    len: usize,
    /// What they lie in: empty, as its items are who asks for them.
    room: Vec<T>,
}

// SAFETY: rule 1: an item goes to one thread.
unsafe impl<T: Send> Sync for Given<T> {}

impl<T> Given<T> {
    pub(super) fn new(mut items: Vec<T>) -> Self {
        let (first, len) = (items.as_mut_ptr(), items.len());
        // SAFETY: none is as many as there are or fewer.
        unsafe { items.set_len(0) };
        Self { first, len, room: items }
    }
}

impl<T: Send> Source for Given<T> {
    type Item = T;

    fn len(&self) -> usize {
        self.len
    }

    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = T> {
        debug_assert!(self.room.is_empty());
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: they are among the items.
        let first = unsafe { self.first.add(range.start) };
        Drained { first, range: 0..range.len(), items: PhantomData::<T> }
    }
}

/// Items that are somebody's: those that he does not take are dropped with this.
struct Drained<T> {
    first: *mut T,
    range: Range<usize>,
    items: PhantomData<T>,
}

impl<T> Iterator for Drained<T> {
    type Item = T;

    #[inline(always)]
    fn next(&mut self) -> Option<T> {
        let number = self.range.next()?;
        // SAFETY: rule 1: nobody else has them, and here each is taken once.
        Some(unsafe { self.first.add(number).read() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl<T> Drop for Drained<T> {
    fn drop(&mut self) {
        let left = mem::replace(&mut self.range, 0..0);
        // SAFETY: rule 1: nobody else has them, and these were not taken here.
        unsafe { ptr::slice_from_raw_parts_mut(self.first.add(left.start), left.len()).drop_in_place() };
    }
}

/// Neighbouring numbers.
pub struct Span<T> {
    pub(super) first: T,
    pub(super) len: usize,
}

impl<T: Int> Source for Span<T> {
    type Item = T;

    fn len(&self) -> usize {
        self.len
    }

    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = T> {
        let first = self.first;
        range.map(move |number| first.plus(number))
    }
}

impl<A: Source, B: Source> Source for Zip<A, B> {
    type Item = (A::Item, B::Item);

    fn len(&self) -> usize {
        self.a.len().min(self.b.len())
    }

    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = Self::Item> {
        // SAFETY: each of both is asked for once when a pair is.
        let both: Both<_, _> = unsafe { iter::zip(self.a.run(range.clone()), self.b.run(range)) };
        both
    }
}

impl<A: Source> Source for Enumerate<A> {
    type Item = (usize, A::Item);

    fn len(&self) -> usize {
        self.items.len()
    }

    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = Self::Item> {
        // SAFETY: as it is asked for.
        iter::zip(range.clone(), unsafe { self.items.run(range) })
    }
}

/// The items of some chunks, of which there are so many.
fn of_chunks(range: &Range<usize>, size: usize, items: usize) -> Range<usize> {
    let place = |chunk: usize| chunk.saturating_mul(size).min(items);
    place(range.start)..place(range.end)
}

impl<'a, T: Sync> Source for Chunks<'a, T> {
    type Item = &'a [T];

    fn len(&self) -> usize {
        self.items.len().div_ceil(self.size)
    }

    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = &'a [T]> {
        self.items[of_chunks(&range, self.size, self.items.len())].chunks(self.size)
    }
}

/// Chunks of items that each is changed by whoever takes it.
pub struct ChangedChunks<'a, T> {
    items: Changed<'a, T>,
    size: usize,
}

impl<'a, T> ChangedChunks<'a, T> {
    pub(super) fn new(ChunksMut { items, size }: ChunksMut<'a, T>) -> Self {
        Self { items: Changed::new(items), size }
    }
}

impl<'a, T: Send> Source for ChangedChunks<'a, T> {
    type Item = &'a mut [T];

    fn len(&self) -> usize {
        self.items.len.div_ceil(self.size)
    }

    unsafe fn run(&self, range: Range<usize>) -> impl Iterator<Item = &'a mut [T]> {
        let range = of_chunks(&range, self.size, self.items.len);
        // SAFETY: rule 1: different chunks are different items.
        unsafe { self.items.part(range) }.chunks_mut(self.size)
    }
}
