//! `rayon` (`rayon-core` for jobs, its iterators for the map): a pool of its own with so many threads.

use rayon::prelude::*;

use crate::algorithms;
use crate::capability::{Executor, Joins, Maps, Scopes};
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

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn map<R: Send, F: Fn(&u64) -> R + Send + Sync>(&self, items: &[u64], f: F) -> Vec<R> {
        self.0.install(|| items.par_iter().map(f).collect())
    }
}

impl Joins for Rayon {
    const PEER: Peer = Peer::Rayon;

    fn new(threads: usize) -> Self {
        Self::with(threads)
    }
}

algorithms! {
    Rayon, ():
    enter |rayon, run| rayon.0.install(|| run(())),
    join |(), a, b| rayon::join(|| a(()), || b(())),
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
