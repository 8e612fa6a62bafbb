//! `orx-parallel`: a pool of its own with so many threads, but no more than the machine has processors.

use orx_parallel::{BasicPool, Par, Parallelizable, Pool, Runner, Scope, ThreadPool};

use crate::capability::{Maps, Scopes};
use crate::peer::Peer;

pub struct Orx(BasicPool);

impl Maps for Orx {
    const PEER: Peer = Peer::Orx;

    fn new(workers: usize) -> Self {
        Self(Pool::basic(workers))
    }

    fn map<R: Send, F: Fn(&u64) -> R + Send + Sync>(&self, items: &[u64], f: F) -> Vec<R> {
        items.par().runner(Runner::adaptive_with_pool(&self.0)).map(&f).collect()
    }
}

/// The scope of a pool that is named would have to be static.
fn spawn_each<P: ThreadPool, F: Fn(usize) + Sync>(pool: &P, tasks: usize, task: &F) {
    pool.scope(|scope| (0..tasks).for_each(|number| scope.run(move || task(number))));
}

impl Scopes for Orx {
    const PEER: Peer = Peer::Orx;

    fn new(workers: usize) -> Self {
        Self(Pool::basic(workers))
    }

    fn scope_of<F: Fn(usize) + Sync>(&self, tasks: usize, task: &F) {
        spawn_each(&self.0, tasks, task);
    }
}
