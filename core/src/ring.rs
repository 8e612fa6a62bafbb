//! A lane's slots in a fixed ring: no allocator, a submit into a full ring is refused.
//!
//! Position `p` lives in slot `p % N` in lap `p / N`. A slot is free for a lap when the payload of the lap before has been
//! moved out, so a long job does not hold its slot. A cancelled job's slot is free once the lane has come around to it.

use crate::pack::Pack;
use crate::part::Absent;
use crate::pinned::Pinned;
use crate::slot::{Look, Slot, Take};
use crate::slots::Slots;
#[cfg(not(loom))]
use crate::sync::const_unless_loom;
use crate::sync::{AtomicUsize, Ordering};

/// `N` slots, a power of two.
#[derive(Debug)]
pub struct Ring<P, const N: usize> {
    slots: [Slot<P>; N],
}

impl<P, const N: usize> Ring<P, N> {
    const CHECK: () = assert!(N.is_power_of_two(), "a ring has a power of two of slots, so that positions may wrap");

    #[cfg(not(loom))]
    const_unless_loom! {
        /// An empty ring; usable in a `static`.
        pub const fn new() -> Self {
            let () = Self::CHECK;
            Self { slots: [const { Slot::new() }; N] }
        }
    }

    /// An empty ring.
    #[cfg(loom)]
    pub fn new() -> Self {
        let () = Self::CHECK;
        Self { slots: core::array::from_fn(|_| Slot::new()) }
    }

    const fn lap(position: usize) -> usize {
        position / N
    }

    fn slot(&self, position: usize) -> &Slot<P> {
        &self.slots[position % N]
    }
}

impl<P, const N: usize> Default for Ring<P, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Send, const N: usize> Slots<P> for Ring<P, N> {
    const RUN: usize = N;
    const TRIMS: bool = false;
    const COUNTS: bool = false;
    const OWNS: bool = false;

    type Inside = Absent;
    type Run = ();

    fn reserve(&self, tail: &AtomicUsize) -> Option<usize> {
        let mut position = tail.load(Ordering::Relaxed);
        loop {
            if self.slot(position).look(Self::lap(position)) == Look::Free {
                match tail.compare_exchange_weak(
                    position,
                    position.wrapping_add(1),
                    // The barrier of a submit: see the order argument of the pool.
                    Ordering::SeqCst,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return Some(position),
                    Err(seen) => position = seen,
                }
            } else {
                let seen = tail.load(Ordering::Relaxed);
                if seen == position {
                    return None;
                }
                position = seen;
            }
        }
    }

    fn reserve_some(&self, tail: &AtomicUsize, most: usize) -> Option<(usize, usize)> {
        let mut position = tail.load(Ordering::Relaxed);
        loop {
            let is_free = |ahead: &usize| {
                let position = position.wrapping_add(*ahead);
                self.slot(position).look(Self::lap(position)) == Look::Free
            };
            // A free slot stays so until the tail has passed it.
            let count = (0..most.min(N)).take_while(is_free).count();
            let seen = if count > 0 {
                let end = position.wrapping_add(count);
                // The barrier of a submit, as above.
                match tail.compare_exchange_weak(position, end, Ordering::SeqCst, Ordering::Relaxed) {
                    Ok(_) => return Some((position, count)),
                    Err(seen) => seen,
                }
            } else {
                let seen = tail.load(Ordering::Relaxed);
                if seen == position {
                    return None;
                }
                seen
            };
            position = seen;
        }
    }

    unsafe fn publish<J: Pack<P>>(&self, position: usize, job: J) {
        // SAFETY: handed on from the caller, who has reserved the position.
        unsafe { self.slot(position).publish(Self::lap(position), job, false) };
    }

    unsafe fn give_up(&self, position: usize) {
        // SAFETY: the slot is the caller's, who has no payload to move out.
        unsafe { self.slot(position).vacate(Self::lap(position.wrapping_add(N))) };
    }

    fn take(&self, pinned: Pinned<'_>, position: usize) -> Take<P> {
        if let Some(payload) = self.take_unowned(pinned, position) {
            Take::Taken(payload)
        } else if self.is_open(pinned, position) {
            // Not published yet, or between the two looks. The caller comes again.
            Take::Unpublished
        } else {
            Take::Gone
        }
    }

    fn take_unowned(&self, _: Pinned<'_>, position: usize) -> Option<P> {
        let slot = self.slot(position);
        let payload = slot.take(Self::lap(position))?;
        // SAFETY: the take has just been won.
        unsafe { slot.vacate(Self::lap(position.wrapping_add(N))) };
        Some(payload)
    }

    fn run(&self, _: Pinned<'_>, _: usize, _: usize) {}

    #[inline(always)]
    unsafe fn take_from<'s>(
        store: impl FnOnce() -> &'s Self,
        pinned: Pinned<'_>,
        (): (),
        position: usize,
        _: usize,
    ) -> Take<P>
    where
        Self: 's,
    {
        store().take(pinned, position)
    }

    fn finish(&self, _: usize, _: usize) {}

    fn is_ready(&self, pinned: Pinned<'_>, position: usize) -> bool {
        self.look(pinned, position) == Look::Ready
    }

    fn look(&self, _: Pinned<'_>, position: usize) -> Look {
        self.slot(position).look(Self::lap(position))
    }

    fn sweep(&self, pinned: Pinned<'_>, tail: usize, visit: &mut dyn FnMut(usize)) {
        for position in (1..=N).rev().map(|back| tail.wrapping_sub(back)) {
            if self.is_ready(pinned, position) {
                visit(position);
            }
        }
    }
}

impl<P, const N: usize> Drop for Ring<P, N> {
    fn drop(&mut self) {
        self.slots.iter_mut().for_each(Slot::clear);
    }
}
