//! What runs closures: this pool, others, and pools made by hand around the channels of others.

mod by_hand;
mod floor;
mod ours;
mod pools;

pub use by_hand::{Crossbeam, Kanal, Naive};
pub use floor::Floor;
pub use ours::Ours;
pub use pools::{Futures, Rayon, Rusty, Threadpool, Tokio, TokioBlocking};

use crate::bench::{Peer, Runner};

/// A pool that takes closures and forgets them.
pub trait Executor: Send + Sync + Sized + 'static {
    const NAME: &'static str;
    fn new(threads: usize) -> Self;
    fn execute<F: FnOnce() + Send + 'static>(&self, f: F);
    /// Runs everything to its end, and ends the threads if the pool has a way to wait for that.
    fn finish(self);
}

/// A work for any of them.
pub trait Work {
    fn runner<E: Executor>(&self) -> Runner;

    fn peer<E: Executor>(&self) -> Peer {
        Peer { name: E::NAME, runner: self.runner::<E>() }
    }
}

/// The work in each pool.
pub fn all(work: &impl Work) -> Vec<Peer> {
    vec![
        work.peer::<Ours>(),
        work.peer::<Kanal>(),
        work.peer::<Crossbeam>(),
        work.peer::<Rayon>(),
        work.peer::<Rusty>(),
        work.peer::<Threadpool>(),
        work.peer::<Futures>(),
        work.peer::<Tokio>(),
        work.peer::<TokioBlocking>(),
        work.peer::<Naive>(),
    ]
}
