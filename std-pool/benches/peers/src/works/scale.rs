//! The same work on more and more cores: how it scales, which two cores cannot show. Only when asked for, by `--cores`.
//!
//! Who submits and the workers share the cores: one producer and all others workers, or half and half. Who joins or maps works.

use std::hint::black_box;
use std::time::Instant;

use crate::capability::{Admits, Executor};
use crate::each_executor;
use crate::peers::{AsyncLock, OursByProducer, OursSemaphore, ParkingLot, TokioSemaphore};
use crate::tally::{Expected, count};
use crate::work::{Effort, Work};
use crate::works::map::{STEPS, work_through};
use crate::works::producers::together;
use crate::works::{joins, picture, semaphore};

pub const CHART: &str = "scale";

/// What is between the name of what scales and the number of cores, for the curves.
pub const ON: &str = " on ";

const METRICS: [(&str, &str); 1] = [("", "ns/job")];

/// Nanoseconds of a job, and its name.
const COSTS: [(u64, &str); 4] = [(0, "8 bytes"), (200, "0.2 us"), (1_000, "1 us"), (10_000, "10 us")];

fn work(name: &str, cores: usize) -> Work {
    Work::new(CHART, format!("{name}{ON}{cores}"), &METRICS)
}

fn round<E: Executor + Sync>(executor: &E, producers: usize, jobs: usize, cost: u64) -> Vec<f64> {
    let steps = *STEPS * cost / 1000;
    let expected = Expected::new(jobs, producers);
    let (began, _): (Instant, Vec<()>) = together(producers, |_| {
        for job in 0..jobs / producers {
            executor.execute(move || {
                black_box(work_through(job as u64, steps));
                count(1);
            });
        }
        executor.execute(expected.last());
    });
    expected.wait();
    vec![began.elapsed().as_secs_f64() * 1e9 / jobs as f64]
}

fn enter<E: Executor + Sync>(work: &mut Work, producers: usize, workers: usize, jobs: usize, cost: u64) {
    work.enter(E::PEER, move || {
        let executor = E::new(workers);
        move || round(&executor, producers, jobs, cost)
    });
}

fn enter_semaphore<A: Admits>(work: &mut Work, threads: usize, pairs: usize) {
    work.enter(A::PEER, move || {
        let semaphore = A::new(1);
        move || semaphore::contended(&semaphore, threads, pairs)
    });
}

/// On each of these numbers of cores, of which a machine should have as many.
pub fn works(effort: Effort, cores: &[usize]) -> Vec<Work> {
    let mut works = Vec::new();
    for (cost, name) in COSTS {
        let jobs = effort.either(200_000, 10_000) / (1 + cost as usize / 200);
        for &cores in cores {
            let workers = cores.saturating_sub(1).max(1);
            let mut one = work(&format!("{name}, 1 producer"), cores);
            each_executor!(E => enter::<E>(&mut one, 1, workers, jobs, cost));
            works.push(one);
        }
    }
    let jobs = effort.either(200_000, 10_000);
    for &cores in cores.iter().filter(|cores| **cores >= 4) {
        let half = cores / 2;
        let mut several = work("8 bytes, as many producers as workers", cores);
        each_executor!(E => enter::<E>(&mut several, half, cores - half, jobs / half * half, 0));
        works.push(several);
        let mut lanes = work("8 bytes, as many producers as workers, by a `Producer` each", cores);
        enter::<OursByProducer>(&mut lanes, half, cores - half, jobs / half * half, 0);
        works.push(lanes);
    }
    let pairs = effort.either(200_000, 20_000);
    for &threads in cores.iter().filter(|cores| **cores >= 2) {
        let mut work = work("semaphore, one permit, a pair", threads);
        enter_semaphore::<OursSemaphore>(&mut work, threads, pairs);
        enter_semaphore::<ParkingLot>(&mut work, threads, pairs);
        enter_semaphore::<TokioSemaphore>(&mut work, threads, pairs);
        enter_semaphore::<AsyncLock>(&mut work, threads, pairs);
        works.push(work);
    }
    for &threads in cores.iter().filter(|cores| **cores >= 2) {
        let place = format!("{ON}{threads}");
        works.extend(joins::on(effort, CHART, threads, &place));
        works.push(picture::on(effort, CHART, threads, &place));
    }
    works
}
