//! Places that do not move: they lie in chunks, each twice as long as the one before, which are made as they are needed.
//!
//! # Rules
//!
//! 1. Chunks are made by one thread, and stay until all go.
//! 2. Who has an index has it from that thread by what orders memory, so it finds the chunk.

use std::cell::Cell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr;

use crate::sys::atomic::{AtomicPtr, Ordering};

/// Places in the first chunk; a power of two.
pub(super) const FIRST: usize = if cfg!(shuttle) { 2 } else { 32 };
const CHUNKS: usize = (usize::BITS - FIRST.ilog2()) as usize;

pub(super) struct Places<T> {
    chunks: [AtomicPtr<T>; CHUNKS],
}

/// The chunk in which somebody was last: most often it is there again.
pub(super) struct Cursor<T> {
    chunk: Cell<*mut T>,
    /// Which indices it has.
    first: Cell<usize>,
    len: Cell<usize>,
}

impl<T> Cursor<T> {
    pub(super) const fn new() -> Self {
        Self { chunk: Cell::new(ptr::null_mut()), first: Cell::new(0), len: Cell::new(0) }
    }
}

impl<T> Places<T> {
    pub(super) const fn new() -> Self {
        Self { chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS] }
    }

    /// The place with this index; its chunk is made if it is not there. Nothing was written to what is new.
    ///
    /// # Safety
    ///
    /// By the thread that makes chunks, or who has the index from it. The cursor was used with no others.
    #[inline(always)]
    pub(super) unsafe fn at(&self, index: usize, cursor: &Cursor<T>) -> *mut T {
        let place = index.wrapping_sub(cursor.first.get());
        if place < cursor.len.get() {
            // SAFETY: rule 1: the chunk is there, and has so many.
            return unsafe { cursor.chunk.get().add(place) };
        }
        self.go_to(index, cursor)
    }

    #[cold]
    #[inline(never)]
    fn go_to(&self, index: usize, cursor: &Cursor<T>) -> *mut T {
        let number = index + FIRST;
        let chunk = number.ilog2() - FIRST.ilog2();
        let len = FIRST << chunk;
        let places = &self.chunks[chunk as usize];
        // Relaxed: rule 2.
        if places.load(Ordering::Relaxed).is_null() {
            let made: Box<[MaybeUninit<T>]> = Box::new_uninit_slice(len);
            places.store(Box::into_raw(made).cast(), Ordering::Relaxed);
        }
        cursor.chunk.set(places.load(Ordering::Relaxed));
        cursor.first.set(len - FIRST);
        cursor.len.set(len);
        // SAFETY: `number` is from `len` to `2 * len - 1`.
        unsafe { cursor.chunk.get().add(number - len) }
    }

    /// How many places have been made.
    #[cfg(all(test, not(shuttle)))]
    pub(super) fn made(&self) -> usize {
        let is_there = |chunk: &&AtomicPtr<T>| !chunk.load(Ordering::Relaxed).is_null();
        (FIRST << self.chunks.iter().take_while(is_there).count()) - FIRST
    }
}

impl<T> Drop for Places<T> {
    /// Nothing that lies there is dropped.
    fn drop(&mut self) {
        for (number, chunk) in self.chunks.iter_mut().enumerate() {
            let chunk = *chunk.get_mut();
            if chunk.is_null() {
                return;
            }
            let places = ptr::slice_from_raw_parts_mut(chunk, FIRST << number);
            // SAFETY: made by `go_to`, of that length, and it goes once.
            drop(unsafe { Box::from_raw(places as *mut [ManuallyDrop<MaybeUninit<T>>]) });
        }
    }
}
