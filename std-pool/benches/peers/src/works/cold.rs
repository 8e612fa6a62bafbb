//! One job into a pool that sleeps: how long until it begins, what that costs the one who submits it, and the workers.
//!
//! On few processors a worker whose job takes no time may end it on that of the submitter, whom it interrupts; so the same by jobs that
//! take a while.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::capability::Executor;
use crate::each_executor;
use crate::stats::quantile;
use crate::usage::Usage;
use crate::work::{Effort, Work};
use crate::works::producers;

/// After so long without work everybody sleeps: idle time is what is measured here.
pub const ASLEEP: Duration = Duration::from_millis(1);

fn round<E: Executor>(executor: &E, samples: usize, lasts: Duration) -> Vec<f64> {
    let begun_after = Arc::new(AtomicU64::new(0));
    let (mut latencies, mut costs) = (Vec::new(), Vec::new());
    let before = Usage::of_others();
    for _ in 0..samples {
        thread::sleep(ASLEEP);
        let begun = Arc::clone(&begun_after);
        let submitted = Instant::now();
        executor.execute(move || {
            let latency = submitted.elapsed();
            begun.store(latency.as_nanos() as u64, Ordering::Release);
            while submitted.elapsed() < lasts {
                spin_loop();
            }
        });
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
    let processor = Usage::of_others().since(before).processor.as_secs_f64() * 1e6 / samples as f64;
    vec![quantile(&mut latencies, 0.5), quantile(&mut latencies, 0.99), quantile(&mut costs, 0.5), processor]
}

fn enter<E: Executor>(work: &mut Work, workers: usize, samples: usize, lasts: Duration) {
    work.enter(E::PEER, move || {
        let executor = E::new(workers);
        move || round(&executor, samples, lasts)
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let metrics =
        [("p50", "us"), ("p99", "us"), ("cost of the submit", "ns"), ("processor time of the workers", "us/job")];
    let work = |what: &str, lasts| {
        let name = format!("wake-up of {}{what}", producers::workers(effort.workers));
        let mut work = Work::new("wake-up", name, &metrics);
        each_executor!(E => enter::<E>(&mut work, effort.workers, effort.either(200, 50), lasts));
        work
    };
    vec![work("", Duration::ZERO), work(" by jobs of 500 us", Duration::from_micros(500))]
}
