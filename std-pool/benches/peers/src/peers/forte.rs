//! `forte`: so many threads; for joins the caller is one of them.

use forte::Worker;

use crate::algorithms;
use crate::capability::{Joins, Scopes};
use crate::peer::Peer;

/// It can be had for the whole life of the program only; its threads end when this is dropped.
pub struct Forte(&'static forte::ThreadPool);

impl Forte {
    fn with(threads: usize) -> Self {
        let pool: &'static forte::ThreadPool = Box::leak(Box::new(forte::ThreadPool::new()));
        pool.resize_to(threads);
        Self(pool)
    }
}

impl Drop for Forte {
    fn drop(&mut self) {
        self.0.depopulate();
    }
}

impl Joins for Forte {
    const PEER: Peer = Peer::Forte;

    fn new(threads: usize) -> Self {
        Self::with((threads - 1).max(1))
    }
}

algorithms! {
    Forte, &Worker:
    enter |forte, run| forte.0.with_worker(run),
    // It runs its second function first.
    join |worker, a, b| {
        let (second, first) = worker.join(b, a);
        (first, second)
    },
}

impl Scopes for Forte {
    const PEER: Peer = Peer::Forte;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn scope_of<F: Fn(usize) + Sync>(&self, tasks: usize, task: &F) {
        self.0.scope(|scope| (0..tasks).for_each(|number| scope.spawn(move |_: &Worker| task(number))));
    }
}
