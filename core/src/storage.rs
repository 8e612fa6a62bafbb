//! Where a pool keeps its jobs and its workers' seats: fixed, without an allocator, or growing.

use core::marker::PhantomData;

use crate::entries::{FixedSlab, Gating, NoGates, Slab};
use crate::fork::{Desk, Look, TakenFork};
use crate::lane::Lane;
use crate::ring::Ring;
use crate::seat::Seat;
use crate::slots::Slots;
use crate::staff::Staff;
#[cfg(not(loom))]
use crate::sync::const_unless_loom;
use crate::wheel::{Timing, Wheel};

/// The storage of a pool with payload `P`. [`Fixed`] and `Growing` implement it.
pub trait Storage<P> {
    /// Behind each lane.
    type Slots: Slots<P>;
    /// Whether there are gates, and all that goes with them: pauses, alarms, an account.
    type Gating: Gating;
    /// For timed, urgent and gated jobs.
    type Slab: Slab<P, Gating = Self::Gating>;
    /// Whether there may be another lane than the main one.
    const OWN_LANES: bool;
    /// Whether there are gates.
    const GATES: bool = <Self::Gating as Gating>::GATES;
    /// Whether there are forks.
    const FORKS: bool = false;
    /// Whether there are errands. They need gates.
    const ERRANDS: bool = false;

    /// The main lane first; then, if jobs submitted by jobs are to stay with their worker, one for each of the first
    /// seats.
    fn lanes(&self) -> &[Lane<Self::Slots>];

    /// One for each worker that may exist at the same time; those that are not made yet come when [more](Self::more_seats) are
    /// asked for.
    fn seats(&self) -> &[Seat<Self::Gating>];

    /// How many there may be.
    fn limit(&self) -> usize;

    /// Sees to it that there are more than so many. Returns false if there may not be.
    fn more_seats(&self, present: usize) -> bool;

    /// How many of them may work at the same time, as it is wanted now; the others stand in for workers whose job waits for something.
    fn workers(&self) -> usize;

    /// What decides on that, where it may change.
    #[doc(hidden)]
    #[inline(always)]
    fn staff(&self) -> Option<&Staff> {
        None
    }

    /// How many of the seats, from the first on, were ever taken.
    fn used_seats(&self) -> usize;

    /// A seat has been taken. Sequentially consistent: who sees what its worker does sees the seat.
    fn use_seat(&self, seat: usize);

    /// Whether workers are started although others start already, because a start may take long.
    fn is_eager(&self) -> bool;

    /// The desks on which forks are shown, those of the seats first; none before they are [made](Self::make_desks), and none at all
    /// where there are no forks.
    fn desks(&self) -> &[Desk] {
        &[]
    }

    /// Makes them, if there may be forks.
    fn make_desks(&self) -> &[Desk] {
        &[]
    }

    /// Looks at all but that of a seat.
    #[doc(hidden)]
    fn look_at_desks(&self, except: usize, look: Look) -> Option<TakenFork> {
        let _ = (except, look);
        None
    }

    /// Takes a desk for who is no worker, if one is free: its number.
    fn take_guest(&self) -> Option<usize> {
        None
    }
}

/// Room for `JOBS` queued jobs (a power of two), `TIMERS` timed, urgent and gated ones, `WORKERS` workers; no allocator.
///
/// `W` orders what waits for its time: for any number of timers a wheel, where an insertion is a constant amount of work; for up to
/// some dozens a [`Line`](crate::wheel::Line), which is a fraction of it in flash and RAM. `G` says whether there are
/// [`Gates`](crate::entries::Gates).
#[derive(Debug)]
pub struct Fixed<P, const JOBS: usize, const TIMERS: usize, const WORKERS: usize, W = Wheel<32, 4>, G: Gating = NoGates>
{
    lane: [Lane<Ring<P, JOBS>>; 1],
    seats: [Seat<G>; WORKERS],
    entries: PhantomData<fn() -> W>,
}

impl<P, const JOBS: usize, const TIMERS: usize, const WORKERS: usize, W, G: Gating>
    Fixed<P, JOBS, TIMERS, WORKERS, W, G>
{
    #[cfg(not(loom))]
    const_unless_loom! {
        /// Empty; usable in a `static`.
        pub const fn new() -> Self {
            Self { lane: [Lane::new(Ring::new())], seats: [const { Seat::new() }; WORKERS], entries: PhantomData }
        }
    }

    /// Empty.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { lane: [Lane::new(Ring::new())], seats: core::array::from_fn(|_| Seat::new()), entries: PhantomData }
    }
}

impl<P, const JOBS: usize, const TIMERS: usize, const WORKERS: usize, W, G: Gating> Default
    for Fixed<P, JOBS, TIMERS, WORKERS, W, G>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Send, const JOBS: usize, const TIMERS: usize, const WORKERS: usize, W: Timing, G: Gating> Storage<P>
    for Fixed<P, JOBS, TIMERS, WORKERS, W, G>
{
    type Slots = Ring<P, JOBS>;
    type Gating = G;
    type Slab = FixedSlab<P, TIMERS, W, G>;
    const OWN_LANES: bool = false;

    fn lanes(&self) -> &[Lane<Self::Slots>] {
        &self.lane
    }

    fn seats(&self) -> &[Seat<G>] {
        &self.seats
    }

    fn limit(&self) -> usize {
        WORKERS
    }

    fn more_seats(&self, _: usize) -> bool {
        false
    }

    fn workers(&self) -> usize {
        WORKERS
    }

    fn used_seats(&self) -> usize {
        WORKERS
    }

    fn use_seat(&self, _: usize) {}

    fn is_eager(&self) -> bool {
        false
    }
}

#[cfg(feature = "alloc")]
pub use growing::Growing;

#[cfg(feature = "alloc")]
mod growing {
    use alloc::boxed::Box;

    use lock_api::RawMutex;

    use super::{Desk, Lane, Look, Seat, Staff, Storage, TakenFork};
    use crate::blocks::Blocks;
    use crate::desks::Desks;
    use crate::entries::{Gates, GrowingSlab};
    use crate::seats::Seats;
    use crate::sync::{AtomicUsize, Ordering};

    /// Room for as many jobs as there is memory, and a fixed number of seats, each but the spare ones with a lane of its own.
    pub struct Growing<P, R> {
        lanes: Box<[Lane<Blocks<P, R>>]>,
        seats: Seats<R>,
        desks: Desks,
        used_seats: AtomicUsize,
        pub(crate) staff: Staff,
        is_eager: bool,
    }

    impl<P, R: RawMutex> Growing<P, R> {
        /// Empty, with seats for `workers` workers, and for `spares` more that stand in while others wait: these take no
        /// memory until they are used.
        #[must_use]
        pub fn new(workers: usize, spares: usize, is_eager: bool) -> Self {
            Self {
                lanes: (0..=workers).map(|_| Lane::new(Blocks::new())).collect(),
                // Models of other things have them all at once: those of `seats` make them later.
                seats: Seats::new(if cfg!(loom) { workers + spares } else { workers }, workers + spares),
                desks: Desks::new(workers + spares),
                used_seats: AtomicUsize::new(0),
                staff: Staff::new(workers),
                is_eager,
            }
        }
    }

    impl<P: Send, R: RawMutex> Storage<P> for Growing<P, R> {
        type Slots = Blocks<P, R>;
        type Gating = Gates;
        type Slab = GrowingSlab<P>;
        const OWN_LANES: bool = true;
        const FORKS: bool = true;
        const ERRANDS: bool = true;

        fn lanes(&self) -> &[Lane<Self::Slots>] {
            &self.lanes
        }

        #[inline]
        fn seats(&self) -> &[Seat<Gates>] {
            self.seats.made()
        }

        #[inline]
        fn limit(&self) -> usize {
            self.seats.limit()
        }

        fn more_seats(&self, present: usize) -> bool {
            self.seats.more_than(present)
        }

        #[inline(always)]
        fn workers(&self) -> usize {
            self.staff.wanted()
        }

        #[inline(always)]
        fn staff(&self) -> Option<&Staff> {
            Some(&self.staff)
        }

        fn used_seats(&self) -> usize {
            self.used_seats.load(Ordering::SeqCst)
        }

        fn use_seat(&self, seat: usize) {
            let mut used = self.used_seats.load(Ordering::SeqCst);
            while used <= seat {
                match self.used_seats.compare_exchange(used, seat + 1, Ordering::SeqCst, Ordering::SeqCst) {
                    Ok(_) => return,
                    Err(now) => used = now,
                }
            }
        }

        #[inline]
        fn is_eager(&self) -> bool {
            self.is_eager
        }

        #[inline]
        fn desks(&self) -> &[Desk] {
            self.desks.all()
        }

        fn make_desks(&self) -> &[Desk] {
            self.desks.make()
        }

        #[inline]
        fn look_at_desks(&self, except: usize, look: Look) -> Option<TakenFork> {
            self.desks.look(self.used_seats(), except, look)
        }

        fn take_guest(&self) -> Option<usize> {
            self.desks.take_guest()
        }
    }
}
