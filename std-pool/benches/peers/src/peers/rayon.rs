//! `rayon` (`rayon-core` for jobs, its iterators for the map): a pool of its own with so many threads.

use rayon::prelude::*;

use crate::capability::{Executor, Maps, Scopes};
use crate::peer::Peer;

pub struct Rayon(rayon::ThreadPool);

impl Rayon {
    fn with(workers: usize) -> Self {
        Self(rayon::ThreadPoolBuilder::new().num_threads(workers).build().expect("threads can be had"))
    }
}

impl Executor for Rayon {
    const PEER: Peer = Peer::Rayon;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.spawn(job);
    }
}

impl Maps for Rayon {
    const PEER: Peer = Peer::Rayon;
    type Output = Vec<u64>;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn map<F: Fn(&u64) -> u64 + Send + Sync>(&self, items: &[u64], f: F) -> Vec<u64> {
        self.0.install(|| items.par_iter().map(f).collect())
    }

    fn sum(output: Vec<u64>) -> u64 {
        output.into_iter().sum()
    }
}

impl Scopes for Rayon {
    const PEER: Peer = Peer::Rayon;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn scope_of<F: Fn(usize) + Sync>(&self, tasks: usize, task: &F) {
        self.0.scope(|scope| (0..tasks).for_each(|number| scope.spawn(move |_| task(number))));
    }
}
