//! The desks of a pool that grows: one for each seat that there may be, and some for those who join and are no workers. Made
//! with the first fork, so a pool in which nobody forks has none; and what looks at them is only there where they are made, so a
//! program in which nobody forks is spared the code.
//!
//! # Rules
//!
//! 1. `made` is null, or a box that stays until the pool goes.

use alloc::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use alloc::boxed::Box;
use core::ptr;

use crate::fork::{self, Desk, Look, TakenFork};
use crate::sync::{AtomicPtr, AtomicUsize, MODEL, Ordering, sized};

/// Of those who are no workers: so many may fork at a time, others do both halves themselves.
pub const GUESTS: usize = sized(16, 1);

struct Made {
    desks: Box<[Desk]>,
    look: fn([&[Desk]; 2], usize, Look) -> Option<TakenFork>,
}

pub(crate) struct Desks {
    made: AtomicPtr<Made>,
    seats: usize,
    /// Guests' desks that were ever taken.
    used: AtomicUsize,
}

impl Desks {
    /// For so many seats.
    pub(crate) fn new(seats: usize) -> Self {
        Self { made: AtomicPtr::new(ptr::null_mut()), seats, used: AtomicUsize::new(0) }
    }

    #[inline]
    fn get(&self) -> Option<&Made> {
        // SAFETY: rule 1.
        unsafe { self.made.load(Ordering::SeqCst).as_ref() }
    }

    /// All of them: the seats' first, then the guests'; none if nobody has forked so far.
    #[inline]
    pub(crate) fn all(&self) -> &[Desk] {
        self.get().map_or(&[], |made| &made.desks)
    }

    /// The same, and they are made if need be.
    #[cold]
    #[inline(never)]
    pub(crate) fn make(&self) -> &[Desk] {
        if self.get().is_none() {
            let fresh = Box::into_raw(Box::new(Made { desks: free(self.seats + GUESTS), look: fork::look }));
            // Sequentially consistent: who looks for forks before it sleeps sees the desks of those that were shown before.
            let made = self.made.compare_exchange(ptr::null_mut(), fresh, Ordering::SeqCst, Ordering::Acquire);
            if made.is_err() {
                // SAFETY: just made, and shown to nobody.
                drop(unsafe { Box::from_raw(fresh) });
            }
        }
        self.all()
    }

    /// Takes a guest's desk: its number, if one is free.
    pub(crate) fn take_guest(&self) -> Option<usize> {
        let desks = &self.make()[self.seats..];
        let guest = desks.iter().position(|desk| !desk.taken.swap(true, Ordering::Acquire))?;
        let mut used = self.used.load(Ordering::SeqCst);
        while used <= guest {
            match self.used.compare_exchange(used, guest + 1, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => break,
                Err(now) => used = now,
            }
        }
        Some(self.seats + guest)
    }

    /// Looks at those on which there may be something, of so many seats that were ever taken, but not at that of `except`.
    #[inline]
    pub(crate) fn look(&self, seats: usize, except: usize, look: Look) -> Option<TakenFork> {
        let made = self.get()?;
        let (of_seats, of_guests) = made.desks.split_at(self.seats);
        let guests = self.used.load(Ordering::SeqCst);
        (made.look)([&of_seats[..seats], &of_guests[..guests]], except, look)
    }
}

/// So many free desks.
fn free(desks: usize) -> Box<[Desk]> {
    if MODEL {
        // Its atomics are more than their bytes.
        return (0..desks).map(|_| Desk::new()).collect();
    }
    let Ok(layout) = Layout::array::<Desk>(desks) else { panic!("{desks} desks") };
    // SAFETY: it has a size, since there are guests.
    let first: *mut Desk = unsafe { alloc_zeroed(layout) }.cast();
    if first.is_null() {
        handle_alloc_error(layout);
    }
    // SAFETY: all zeros is a free desk, and the memory is that of a box of so many. Zeros of the operating system's take no memory
    // before they are touched.
    unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(first, desks)) }
}

impl Drop for Desks {
    fn drop(&mut self) {
        let made = self.made.load(Ordering::Acquire);
        if !made.is_null() {
            // SAFETY: rule 1, and the pool goes.
            drop(unsafe { Box::from_raw(made) });
        }
    }
}
