//! The desks of a pool that grows: one for each seat that there may be, and some for those who join and are no workers. Made
//! with the first fork, so a pool in which nobody forks has none; and what looks at them is only there where they are made, so a
//! program in which nobody forks is spared the code.
//!
//! # Rules
//!
//! 1. `made` is null, or a box that stays until the pool goes.

#[cfg(all(test, loom))]
mod loom;

use alloc::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use alloc::boxed::Box;
use core::ptr::{self, NonNull};

use crate::fork::{self, Desk, Look, TakenFork};
use crate::sync::{AtomicPtr, AtomicUsize, MODEL, Ordering, sized};

/// Of those who are no workers: so many may fork at a time, others do both halves themselves.
pub const GUESTS: usize = sized(16, 1);

/// Desks, and what they lie in if that is larger.
struct Made {
    desks: NonNull<[Desk]>,
    memory: Option<(NonNull<u8>, Layout)>,
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
        self.get().map_or(&[], Made::desks)
    }

    /// The same, and they are made if need be.
    #[cold]
    #[inline(never)]
    pub(crate) fn make(&self) -> &[Desk] {
        if self.get().is_none() {
            let fresh = Box::into_raw(Box::new(Made::new(self.seats + GUESTS)));
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
        let (of_seats, of_guests) = made.desks().split_at(self.seats);
        let guests = self.used.load(Ordering::SeqCst);
        (made.look)([&of_seats[..seats], &of_guests[..guests]], except, look)
    }
}

impl Made {
    /// So many free desks.
    fn new(desks: usize) -> Self {
        let look = fork::look;
        if MODEL {
            // Its atomics are more than their bytes.
            let desks: Box<[Desk]> = (0..desks).map(|_| Desk::new()).collect();
            return Self { desks: NonNull::from(Box::leak(desks)), memory: None, look };
        }
        // Of larger alignment than any that an allocator knows zeros for: it would write them, and most desks are never used.
        let bytes = size_of::<Desk>() * desks + align_of::<Desk>();
        let Ok(layout) = Layout::from_size_align(bytes, align_of::<usize>()) else { panic!("{desks} desks") };
        // SAFETY: it has a size.
        let memory = NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        let offset = memory.as_ptr().align_offset(align_of::<Desk>());
        // SAFETY: less than an alignment, which there is besides the desks.
        let first = unsafe { memory.add(offset) };
        // All zeros is a free desk.
        let desks = NonNull::slice_from_raw_parts(first.cast(), desks);
        Self { desks, memory: Some((memory, layout)), look }
    }

    #[inline]
    fn desks(&self) -> &[Desk] {
        // SAFETY: made by `new`, and there until this is dropped.
        unsafe { self.desks.as_ref() }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        const { assert!(MODEL || !core::mem::needs_drop::<Desk>(), "desks are not dropped") };
        match self.memory {
            // SAFETY: allocated with this layout.
            Some((memory, layout)) => unsafe { dealloc(memory.as_ptr(), layout) },
            // SAFETY: leaked by `new`.
            None => drop(unsafe { Box::from_raw(self.desks.as_ptr()) }),
        }
    }
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
