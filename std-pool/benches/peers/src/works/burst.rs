//! A thousand jobs at once into a pool that sleeps: how long, and how many times threads were woken.

use std::thread;
use std::time::Instant;

use crate::capability::Executor;
use crate::each_executor;
use crate::stats::quantile;
use crate::tally::{Expected, count};
use crate::usage::Usage;
use crate::work::{Effort, Work};
use crate::works::cold::ASLEEP;

const JOBS: usize = 1000;

fn round<E: Executor>(executor: &E, bursts: usize) -> Vec<f64> {
    let (mut times, mut submits, mut sleeps) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bursts {
        thread::sleep(ASLEEP);
        let expected = Expected::new(JOBS, 1);
        let usage = Usage::of_others();
        let began = Instant::now();
        for _ in 0..JOBS {
            executor.execute(|| count(1));
        }
        submits.push(began.elapsed().as_nanos() as f64 / JOBS as f64);
        executor.execute(expected.last());
        expected.wait();
        times.push(began.elapsed().as_nanos() as f64 / JOBS as f64);
        // Who was woken is counted when it sleeps again.
        thread::sleep(ASLEEP);
        sleeps.push(Usage::of_others().since(usage).sleeps as f64);
    }
    vec![quantile(&mut times, 0.5), quantile(&mut submits, 0.5), quantile(&mut sleeps, 0.5)]
}

fn enter<E: Executor>(work: &mut Work, workers: usize, bursts: usize) {
    work.enter(E::PEER, move || {
        let executor = E::new(workers);
        move || round(&executor, bursts)
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let metrics = [("to the end", "ns/job"), ("submits alone", "ns/job"), ("wake-ups", "per burst")];
    let mut work = Work::new("burst", format!("burst of {JOBS} into a sleeping pool"), &metrics);
    each_executor!(E => enter::<E>(&mut work, effort.workers, effort.either(50, 10)));
    vec![work]
}
