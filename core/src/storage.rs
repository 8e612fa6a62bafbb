//! Where a pool keeps its jobs and its workers' seats: fixed, without an allocator, or growing.
#![forbid(unsafe_code)]

use crate::entries::{FixedSlab, Slab};
use crate::lane::Lane;
use crate::ring::Ring;
use crate::seat::Seat;
use crate::slots::Slots;
#[cfg(not(loom))]
use crate::sync::const_unless_loom;

/// The storage of a pool with payload `P`. [`Fixed`] and `Growing` implement it.
pub trait Storage<P> {
    /// Behind each lane.
    type Slots: Slots<P>;
    /// For timed and urgent jobs.
    type Slab: Slab<P>;

    /// The main lane first; then, if jobs submitted by jobs are to stay with their worker, one for each of the first
    /// seats.
    fn lanes(&self) -> &[Lane<Self::Slots>];

    /// One for each worker that may exist at the same time.
    fn seats(&self) -> &[Seat];
}

/// Room for `JOBS` queued jobs (a power of two), `TIMERS` timed and urgent ones, `WORKERS` workers; no allocator.
#[derive(Debug)]
pub struct Fixed<P, const JOBS: usize, const TIMERS: usize, const WORKERS: usize> {
    lane: [Lane<Ring<P, JOBS>>; 1],
    seats: [Seat; WORKERS],
}

impl<P, const JOBS: usize, const TIMERS: usize, const WORKERS: usize> Fixed<P, JOBS, TIMERS, WORKERS> {
    #[cfg(not(loom))]
    const_unless_loom! {
        /// Empty; usable in a `static`.
        pub const fn new() -> Self {
            Self { lane: [Lane::new(Ring::new())], seats: [const { Seat::new() }; WORKERS] }
        }
    }

    /// Empty.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { lane: [Lane::new(Ring::new())], seats: core::array::from_fn(|_| Seat::new()) }
    }
}

impl<P, const JOBS: usize, const TIMERS: usize, const WORKERS: usize> Default for Fixed<P, JOBS, TIMERS, WORKERS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Send, const JOBS: usize, const TIMERS: usize, const WORKERS: usize> Storage<P>
    for Fixed<P, JOBS, TIMERS, WORKERS>
{
    type Slots = Ring<P, JOBS>;
    type Slab = FixedSlab<P, TIMERS>;

    fn lanes(&self) -> &[Lane<Self::Slots>] {
        &self.lane
    }

    fn seats(&self) -> &[Seat] {
        &self.seats
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
    }

    impl<P, R: RawMutex> Growing<P, R> {
        /// Empty, with seats for `workers` workers, and for `spares` more that stand in while others wait.
        #[must_use]
        pub fn new(workers: usize, spares: usize) -> Self {
            Self {
                lanes: (0..=workers).map(|_| Lane::new(Blocks::new())).collect(),
                seats: (0..workers + spares).map(|_| Seat::new()).collect(),
            }
        }
    }

    impl<P: Send, R: RawMutex> Storage<P> for Growing<P, R> {
        type Slots = Blocks<P, R>;
        type Slab = GrowingSlab<P>;

        fn lanes(&self) -> &[Lane<Self::Slots>] {
            &self.lanes
        }

        fn seats(&self) -> &[Seat] {
            &self.seats
        }
    }
}
