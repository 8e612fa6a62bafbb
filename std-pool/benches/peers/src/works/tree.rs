//! Jobs that submit jobs: a binary tree, of which the leaves count.

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Instant;

use crate::capability::Executor;
use crate::each_executor;
use crate::tally::{Expected, count};
use crate::work::{Effort, Work};
use crate::works::producers;

const DEPTH: u32 = 16;
const LEAVES: usize = 1 << DEPTH;
const INNER: usize = LEAVES - 1;

/// Plain references to what outlives the tree: a counted one for each job would be most of the work.
struct Tree<E: 'static> {
    executor: &'static E,
    leaves: &'static Leaves,
}

struct Leaves {
    missing: AtomicUsize,
    waiter: Thread,
}

impl<E> Clone for Tree<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Tree<E> {}

impl<E: Executor + Sync> Tree<E> {
    fn grow(self, depth: u32) {
        if depth == 0 {
            if self.leaves.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.leaves.waiter.unpark();
            }
            return;
        }
        self.executor.execute(move || self.grow(depth - 1));
        self.executor.execute(move || self.grow(depth - 1));
        // From here on the job touches nothing of the tree.
        count(1);
    }
}

fn round<E: Executor + Sync>(executor: &E, leaves: &'static Leaves) -> Vec<f64> {
    leaves.missing.store(LEAVES, Ordering::Relaxed);
    let inner = Expected::new(INNER, 0);
    // SAFETY: only inner nodes use the executor, and each is counted after its last use of it; this function returns when
    // all have been counted.
    let executor: &'static E = unsafe { &*ptr::from_ref(executor) };
    let tree = Tree { executor, leaves };
    let began = Instant::now();
    executor.execute(move || tree.grow(DEPTH));
    while leaves.missing.load(Ordering::Acquire) > 0 {
        thread::park();
    }
    let time = began.elapsed();
    inner.wait();
    vec![time.as_secs_f64() * 1e9 / (LEAVES + INNER) as f64]
}

fn enter<E: Executor + Sync>(work: &mut Work, workers: usize) {
    work.enter(E::PEER, move || {
        let executor = E::new(workers);
        // Leaked, as the last leaf wakes the waiter after it has counted.
        let leaves: &'static Leaves =
            Box::leak(Box::new(Leaves { missing: AtomicUsize::new(0), waiter: thread::current() }));
        move || round(&executor, leaves)
    });
}

pub fn works(_: Effort) -> Vec<Work> {
    let tree = |workers| {
        let name = format!("tree of {} jobs, {}", LEAVES + INNER, producers::workers(workers));
        let mut work = Work::new("tree", name, &[("", "ns/job")]);
        each_executor!(E => enter::<E>(&mut work, workers));
        work
    };
    producers::WORKERS.map(tree).into()
}
