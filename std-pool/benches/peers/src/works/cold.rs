//! One job into a pool that sleeps: how long until it begins, and what that costs the one who submits it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::capability::Executor;
use crate::each_executor;
use crate::stats::quantile;
use crate::work::{Effort, Work};
use crate::works::producers;

/// After so long without work everybody sleeps: idle time is what is measured here.
pub const ASLEEP: Duration = Duration::from_millis(1);

fn round<E: Executor>(executor: &E, samples: usize) -> Vec<f64> {
    let begun_after = Arc::new(AtomicU64::new(0));
    let (mut latencies, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..samples {
        thread::sleep(ASLEEP);
        let begun = Arc::clone(&begun_after);
        let submitted = Instant::now();
        executor.execute(move || begun.store(submitted.elapsed().as_nanos() as u64, Ordering::Release));
        costs.push(submitted.elapsed().as_nanos() as f64);
        let latency = loop {
            // Asleep, so that the worker has a processor.
            thread::sleep(Duration::from_micros(100));
            match begun_after.swap(0, Ordering::Acquire) {
                0 => {}
                latency => break latency,
            }
        };
        latencies.push(latency as f64 / 1e3);
    }
    vec![quantile(&mut latencies, 0.5), quantile(&mut latencies, 0.99), quantile(&mut costs, 0.5)]
}

fn enter<E: Executor>(work: &mut Work, workers: usize, samples: usize) {
    work.enter(E::PEER, move || {
        let executor = E::new(workers);
        move || round(&executor, samples)
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let name = format!("wake-up of {}", producers::workers(effort.workers));
    let mut work = Work::new("wake-up", name, &[("p50", "us"), ("p99", "us"), ("cost of the submit", "ns")]);
    each_executor!(E => enter::<E>(&mut work, effort.workers, effort.either(200, 50)));
    vec![work]
}
