//! Where a pool keeps its jobs and its workers' seats: fixed, without an allocator, or growing.
#![forbid(unsafe_code)]

use core::marker::PhantomData;

use crate::entries::{FixedSlab, Slab};
use crate::lane::Lane;
use crate::ring::Ring;
use crate::seat::Seat;
use crate::slots::Slots;
#[cfg(not(loom))]
use crate::sync::const_unless_loom;
use crate::wheel::{Timing, Wheel};

/// The storage of a pool with payload `P`. [`Fixed`] and `Growing` implement it.
pub trait Storage<P> {
    /// Behind each lane.
    type Slots: Slots<P>;
    /// For timed and urgent jobs.
    type Slab: Slab<P>;
    /// Whether there may be another lane than the main one.
    const OWN_LANES: bool;

    /// The main lane first; then, if jobs submitted by jobs are to stay with their worker, one for each of the first
    /// seats.
    fn lanes(&self) -> &[Lane<Self::Slots>];

    /// One for each worker that may exist at the same time.
    fn seats(&self) -> &[Seat];

    /// How many of them may work at the same time; the others stand in for workers whose job waits for something.
    fn workers(&self) -> usize;
}

/// Room for `JOBS` queued jobs (a power of two), `TIMERS` timed and urgent ones, `WORKERS` workers; no allocator.
///
/// `W` orders what waits for its time: for any number of timers a wheel, where an insertion is a constant amount of work; for up to
/// some dozens a [`Line`](crate::wheel::Line), which is a fraction of it in flash and RAM.
#[derive(Debug)]
pub struct Fixed<P, const JOBS: usize, const TIMERS: usize, const WORKERS: usize, W = Wheel<32, 4>> {
    lane: [Lane<Ring<P, JOBS>>; 1],
    seats: [Seat; WORKERS],
    wheel: PhantomData<fn() -> W>,
}

impl<P, const JOBS: usize, const TIMERS: usize, const WORKERS: usize, W> Fixed<P, JOBS, TIMERS, WORKERS, W> {
    #[cfg(not(loom))]
    const_unless_loom! {
        /// Empty; usable in a `static`.
        pub const fn new() -> Self {
            Self { lane: [Lane::new(Ring::new())], seats: [const { Seat::new() }; WORKERS], wheel: PhantomData }
        }
    }

    /// Empty.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { lane: [Lane::new(Ring::new())], seats: core::array::from_fn(|_| Seat::new()), wheel: PhantomData }
    }
}

impl<P, const JOBS: usize, const TIMERS: usize, const WORKERS: usize, W> Default
    for Fixed<P, JOBS, TIMERS, WORKERS, W>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Send, const JOBS: usize, const TIMERS: usize, const WORKERS: usize, W: Timing> Storage<P>
    for Fixed<P, JOBS, TIMERS, WORKERS, W>
{
    type Slots = Ring<P, JOBS>;
    type Slab = FixedSlab<P, TIMERS, W>;
    const OWN_LANES: bool = false;

    fn lanes(&self) -> &[Lane<Self::Slots>] {
        &self.lane
    }

    fn seats(&self) -> &[Seat] {
        &self.seats
    }

    fn workers(&self) -> usize {
        WORKERS
    }
}

#[cfg(feature = "alloc")]
pub use growing::Growing;

#[cfg(feature = "alloc")]
mod growing {
    use alloc::boxed::Box;

    use lock_api::RawMutex;

    use super::{Lane, Seat, Storage};
    use crate::blocks::Blocks;
    use crate::entries::GrowingSlab;

    /// Room for as many jobs as there is memory, and a fixed number of seats, each but the spare ones with a lane of its own.
    pub struct Growing<P, R> {
        lanes: Box<[Lane<Blocks<P, R>>]>,
        seats: Box<[Seat]>,
        workers: usize,
    }

    impl<P, R: RawMutex> Growing<P, R> {
        /// Empty, with seats for `workers` workers, and for `spares` more that stand in while others wait.
        #[must_use]
        pub fn new(workers: usize, spares: usize) -> Self {
            Self {
                lanes: (0..=workers).map(|_| Lane::new(Blocks::new())).collect(),
                seats: (0..workers + spares).map(|_| Seat::new()).collect(),
                workers,
            }
        }
    }

    impl<P: Send, R: RawMutex> Storage<P> for Growing<P, R> {
        type Slots = Blocks<P, R>;
        type Slab = GrowingSlab<P>;
        const OWN_LANES: bool = true;

        fn lanes(&self) -> &[Lane<Self::Slots>] {
            &self.lanes
        }

        fn seats(&self) -> &[Seat] {
            &self.seats
        }

        #[inline]
        fn workers(&self) -> usize {
            self.workers
        }
    }
}
