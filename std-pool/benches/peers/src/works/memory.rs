//! What a pending job and a pending timer take on the heap.

use std::time::{Duration, Instant};

use crate::capability::{Executor, Timers};
use crate::each_executor;
use crate::heap::{Growth, growth};
use crate::peers::{Ours, Scheduled, Tokio};
use crate::tally::{Expected, count};
use crate::usage::wait_until_alone;
use crate::work::{Effort, Work};
use crate::works::gate::Gate;

const JOBS: usize = 100_000;

/// Submits so many behind a closed gate, and lets them run.
fn fill<E: Executor>(executor: &E, workers: usize) -> Growth {
    let gate = Gate::close(executor, workers);
    let expected = Expected::new(JOBS, 1);
    let one = std::hint::black_box(1);
    let growth = growth(|| (0..JOBS).for_each(|_| executor.execute(move || count(one))));
    executor.execute(expected.last());
    gate.open();
    expected.wait();
    growth
}

fn jobs<E: Executor>(workers: usize) -> Vec<f64> {
    wait_until_alone();
    let executor = E::new(workers);
    let first = fill(&executor, workers);
    let again = fill(&executor, workers);
    vec![first.bytes as f64 / JOBS as f64, again.calls as f64 / JOBS as f64]
}

fn timers<T: Timers>(workers: usize) -> Vec<f64> {
    wait_until_alone();
    let timers = T::new(workers);
    let far = Instant::now() + Duration::from_secs(3600);
    let one = std::hint::black_box(1);
    let mut ids = Vec::with_capacity(JOBS);
    let growth = growth(|| ids.extend((0..JOBS).map(|_| timers.at(far, move || count(one)))));
    ids.into_iter().for_each(|id| timers.cancel(id));
    vec![growth.bytes as f64 / JOBS as f64]
}

fn enter_jobs<E: Executor>(work: &mut Work, workers: usize) {
    work.enter(E::PEER, move || move || jobs::<E>(workers));
}

fn enter_timers<T: Timers>(work: &mut Work, workers: usize) {
    work.enter(T::PEER, move || move || timers::<T>(workers));
}

pub fn works(effort: Effort) -> Vec<Work> {
    let metrics = [("heap of each", "bytes"), ("allocations, when warm", "per job")];
    let mut jobs = Work::new("memory", "pending jobs of 8 bytes", &metrics).at_most(3).without_warm_up();
    each_executor!(E => enter_jobs::<E>(&mut jobs, effort.workers));
    let mut timers =
        Work::new("memory", "pending timers of 8 bytes", &[("heap of each", "bytes")]).at_most(3).without_warm_up();
    let enter_each = [enter_timers::<Ours>, enter_timers::<Tokio>, enter_timers::<Scheduled>];
    enter_each.into_iter().for_each(|enter| enter(&mut timers, effort.workers));
    vec![jobs, timers]
}
