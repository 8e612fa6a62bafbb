//! Short jobs behind long ones, of which there are always fewer than workers: how long the short ones wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::capability::Executor;
use crate::each_executor;
use crate::stats::quantile;
use crate::tally::{Expected, count};
use crate::work::{Effort, Work};

const SHORT: usize = 400;
const LONG: Duration = Duration::from_millis(3);
/// The short jobs before the long ones.
const BEFORE: usize = 40;

/// Sleeps, which keeps its worker but no processor: what is measured is the pool, not how the kernel shares two cores.
fn long() {
    thread::sleep(LONG);
    count(1);
}

/// Only short ones, from which a pool may learn that jobs are short.
fn accustom<E: Executor>(executor: &E) {
    let expected = Expected::new(SHORT, 1);
    (0..SHORT).for_each(|_| executor.execute(|| count(1)));
    executor.execute(expected.last());
    expected.wait();
}

fn round<E: Executor>(executor: &E, long_jobs: usize, repeats: usize) -> Vec<f64> {
    let waited: Arc<Vec<AtomicU64>> = Arc::new((0..SHORT).map(|_| AtomicU64::new(0)).collect());
    let mut latencies = Vec::with_capacity(repeats * SHORT);
    for _ in 0..repeats {
        accustom(executor);
        let expected = Expected::new(SHORT + long_jobs, 1);
        for index in 0..SHORT {
            if index == BEFORE {
                (0..long_jobs).for_each(|_| executor.execute(long));
            }
            let waited = Arc::clone(&waited);
            let submitted = Instant::now();
            executor.execute(move || {
                waited[index].store(submitted.elapsed().as_nanos() as u64, Ordering::Relaxed);
                count(1);
            });
        }
        executor.execute(expected.last());
        expected.wait();
        latencies.extend(waited.iter().map(|waited| waited.load(Ordering::Relaxed) as f64 / 1e3));
    }
    vec![quantile(&mut latencies, 0.5), quantile(&mut latencies, 0.99), quantile(&mut latencies, 1.0)]
}

fn enter<E: Executor>(work: &mut Work, workers: usize, repeats: usize) {
    work.enter(E::PEER, move || {
        let executor = E::new(workers);
        move || round(&executor, workers - 1, repeats)
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let workers = effort.workers.max(2);
    let name = format!("{SHORT} short jobs, {} long among them", workers - 1);
    let mut work = Work::new("behind", name, &[("wait p50", "us"), ("wait p99", "us"), ("wait, longest", "us")]);
    each_executor!(E => enter::<E>(&mut work, workers, effort.either(20, 5)));
    vec![work]
}
