//! A pool that has nothing to do: the processor time that it takes, and how often its threads wake up.

use std::thread;
use std::time::Duration;

use crate::capability::Executor;
use crate::each_executor;
use crate::tally::{Expected, count};
use crate::usage::{Usage, wait_until_alone};
use crate::work::{Effort, Work};

const JOBS: usize = 1000;
/// Until those that look for work have given up.
const SETTLED: Duration = Duration::from_millis(50);

/// What all others take in a second in which nobody has work: processor time in microseconds, and wake-ups.
pub fn at_rest(time: Duration) -> Vec<f64> {
    thread::sleep(SETTLED);
    let before = Usage::of_others();
    thread::sleep(time);
    let usage = Usage::of_others().since(before);
    let per_second = |value: f64| value / time.as_secs_f64();
    vec![per_second(usage.processor.as_secs_f64() * 1e6), per_second(usage.sleeps as f64)]
}

fn round<E: Executor>(workers: usize, time: Duration) -> Vec<f64> {
    wait_until_alone();
    let executor = E::new(workers);
    let expected = Expected::new(JOBS, 1);
    (0..JOBS).for_each(|_| executor.execute(|| count(1)));
    executor.execute(expected.last());
    expected.wait();
    at_rest(time)
}

fn enter<E: Executor>(work: &mut Work, workers: usize, time: Duration) {
    work.enter(E::PEER, move || move || round::<E>(workers, time));
}

pub fn works(effort: Effort) -> Vec<Work> {
    let time = Duration::from_millis(effort.either(1000, 250));
    let metrics = [("processor time", "us/s"), ("wake-ups", "per s")];
    let mut work = Work::new("idle", "idle pool", &metrics).at_most(effort.either(3, 1)).without_warm_up();
    each_executor!(E => enter::<E>(&mut work, effort.workers, time));
    vec![work]
}
