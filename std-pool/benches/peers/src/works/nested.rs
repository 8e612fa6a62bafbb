//! Jobs that submit jobs: a binary tree, of which the leaves count.

use crate::bench::{Bench, Runner, Settings};
use crate::peers::{self, Executor, Work};
use crate::round;

const WORKERS: usize = 2;

struct Tree {
    depth: u32,
}

fn grow<E: Executor>(executor: &'static E, depth: u32) {
    if depth == 0 {
        round::ended(1);
        return;
    }
    executor.execute(move || grow(executor, depth - 1));
    executor.execute(move || grow(executor, depth - 1));
}

impl Work for Tree {
    fn runner<E: Executor>(&self) -> Runner {
        let depth = self.depth;
        let (leaves, jobs) = (1 << depth, (2 << depth) - 1);
        let mut executor = None;
        Box::new(move || {
            // For good: jobs refer to it by a plain reference, which is as cheap for everybody.
            let executor: &'static E = executor.get_or_insert_with(|| &*Box::leak(Box::new(E::new(WORKERS))));
            let nanos = round::nanos_each(leaves, || executor.execute(move || grow(executor, depth)));
            vec![nanos * leaves as f64 / jobs as f64]
        })
    }
}

pub fn benches(settings: &Settings) -> Vec<Bench> {
    let depth = if settings.quick { 13 } else { 16 };
    let name = format!("a tree of {} jobs", (2_usize << depth) - 1);
    vec![Bench::new("nested", name, &["ns per job"]).with(peers::all(&Tree { depth }))]
}
