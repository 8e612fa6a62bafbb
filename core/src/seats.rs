//! The seats of a pool that grows: address space for all that there may be, of which only those are made that are needed.
//! There may be a thousand for those who stand in for others, and mostly nobody does.
//!
//! # Rules
//!
//! 1. The first `made` seats are initialized, and stay so until the pool goes; nobody looks at others.
//! 2. `made` grows under the lock, by who has initialized the seats in between.

use alloc::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use core::ptr::NonNull;
use core::slice;

use lock_api::{Mutex, RawMutex};

use crate::entries::Gates;
use crate::sync::{AtomicUsize, Ordering, sized};

type Seat = crate::seat::Seat<Gates>;

/// Seats that are made at a time.
const CHUNK: usize = sized(16, 1);

pub(crate) struct Seats<R> {
    first: NonNull<Seat>,
    made: AtomicUsize,
    limit: usize,
    making: Mutex<R, ()>,
}

// SAFETY: it owns its seats, which are shared between threads.
unsafe impl<R: Send> Send for Seats<R> {}
// SAFETY: the same.
unsafe impl<R: Sync> Sync for Seats<R> {}

impl<R: RawMutex> Seats<R> {
    /// So many at once, and at most `limit`.
    pub(crate) fn new(at_once: usize, limit: usize) -> Self {
        const { assert!(!core::mem::needs_drop::<Seat>(), "seats are not dropped") };
        let first = match Self::layout(limit) {
            layout if layout.size() == 0 => NonNull::dangling(),
            layout => {
                // SAFETY: it has a size.
                let memory = unsafe { alloc(layout) };
                NonNull::new(memory.cast()).unwrap_or_else(|| handle_alloc_error(layout))
            }
        };
        let seats = Self { first, made: AtomicUsize::new(0), limit, making: Mutex::new(()) };
        seats.make(0, at_once);
        seats
    }

    fn layout(limit: usize) -> Layout {
        let Ok(layout) = Layout::array::<Seat>(limit) else { panic!("seats for {limit} workers") };
        layout
    }

    /// Makes those from `from` to `to`. The caller holds the lock, or nobody else knows of it.
    fn make(&self, from: usize, to: usize) {
        for seat in from..to {
            // SAFETY: the memory is for `limit` of them, and `to` is not more.
            unsafe { self.first.add(seat).write(Seat::new()) };
        }
        self.made.store(to, Ordering::Release);
    }

    /// All that are made.
    #[inline]
    pub(crate) fn made(&self) -> &[Seat] {
        let made = self.made.load(Ordering::Acquire);
        // SAFETY: rule 1.
        unsafe { slice::from_raw_parts(self.first.as_ptr(), made) }
    }

    /// How many there may be.
    #[inline]
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Sees to it that there are more than so many. Returns false if there may not be.
    #[cold]
    pub(crate) fn more_than(&self, present: usize) -> bool {
        if present >= self.limit {
            return false;
        }
        let _making = self.making.lock();
        let made = self.made.load(Ordering::Relaxed);
        if made <= present {
            self.make(made, self.limit.min(made + CHUNK));
        }
        true
    }
}

impl<R> Drop for Seats<R> {
    fn drop(&mut self) {
        let Ok(layout) = Layout::array::<Seat>(self.limit) else { return };
        if layout.size() > 0 {
            // SAFETY: allocated with this layout, in `new`; seats need no drop.
            unsafe { dealloc(self.first.as_ptr().cast(), layout) };
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use crate::hosts::ScriptedMutex;

    #[test]
    fn seats_are_made_when_they_are_needed() {
        let seats = Seats::<ScriptedMutex>::new(2, 2 + CHUNK + 3);
        assert_eq!((seats.made().len(), seats.limit()), (2, CHUNK + 5));
        assert!(seats.more_than(1));
        assert_eq!(seats.made().len(), 2, "there are more than one");
        assert!(seats.more_than(2));
        assert_eq!(seats.made().len(), 2 + CHUNK);
        assert!(seats.more_than(2 + CHUNK));
        assert_eq!(seats.made().len(), seats.limit());
        assert!(!seats.more_than(seats.limit()));
        assert!(!Seats::<ScriptedMutex>::new(0, 0).more_than(0));
    }
}

#[cfg(all(test, loom))]
mod loom {
    use std::sync::Arc;

    use ::loom::thread;

    use super::*;
    use crate::end::End;
    use crate::hosts::loom::{LoomMutex, model};

    /// Two need a seat that is not there, and somebody looks at all: what is seen is made, and made once.
    #[test]
    fn two_need_a_seat_while_one_looks() {
        model(3, || {
            let seats = Arc::new(Seats::<LoomMutex>::new(1, 2));
            let other = thread::spawn({
                let seats = seats.clone();
                move || {
                    assert!(seats.more_than(1));
                    // If it were made again, this would be lost.
                    seats.made()[1].count(End::Done);
                }
            });
            let looks = thread::spawn({
                let seats = seats.clone();
                move || seats.made().iter().map(|seat| seat.ended(End::Failed)).sum::<usize>()
            });
            assert!(seats.more_than(1) && !seats.more_than(2));
            assert_eq!(seats.made().len(), 2);
            assert_eq!(looks.join().unwrap(), 0);
            other.join().unwrap();
            assert_eq!(seats.made()[1].ended(End::Done), 1);
        });
    }
}
