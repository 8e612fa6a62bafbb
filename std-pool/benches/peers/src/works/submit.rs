//! Jobs that nobody waits for: from submit to the end of all, with closures of three sizes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::capability::Executor;
use crate::each_executor;
use crate::peers::Ring;
use crate::tally::{Expected, count};
use crate::work::{Effort, Work};
use crate::works::producers::{self, together};

const METRICS: [(&str, &str); 1] = [("", "ns/job")];

/// Jobs that capture so many words.
fn produce<E: Executor, const WORDS: usize>(executor: &E, jobs: usize) {
    for _ in 0..jobs {
        let mut words = [0_u64; WORDS];
        words[0] = 1;
        let words = black_box(words);
        executor.execute(move || count(words.iter().sum()));
    }
}

fn per_job(time: Duration, jobs: usize) -> Vec<f64> {
    vec![time.as_secs_f64() * 1e9 / jobs as f64]
}

pub fn one<E: Executor, const WORDS: usize>(executor: &E, jobs: usize) -> Vec<f64> {
    let expected = Expected::new(jobs, 1);
    let began = Instant::now();
    produce::<E, WORDS>(executor, jobs);
    executor.execute(expected.last());
    expected.wait();
    per_job(began.elapsed(), jobs)
}

fn several<E: Executor + Sync, const WORDS: usize>(executor: &E, producers: usize, jobs: usize) -> Vec<f64> {
    let expected = Expected::new(jobs, producers);
    let (began, _) = together(producers, |_| {
        produce::<E, WORDS>(executor, jobs / producers);
        executor.execute(expected.last());
    });
    expected.wait();
    per_job(began.elapsed(), jobs)
}

pub fn round<E: Executor + Sync, const WORDS: usize>(executor: &E, producers: usize, jobs: usize) -> Vec<f64> {
    match producers {
        1 => one::<E, WORDS>(executor, jobs),
        _ => several::<E, WORDS>(executor, producers, jobs),
    }
}

fn enter<E: Executor + Sync, const WORDS: usize>(work: &mut Work, producers: usize, workers: usize, jobs: usize) {
    work.enter(E::PEER, move || {
        let executor = E::new(workers);
        move || round::<E, WORDS>(&executor, producers, jobs)
    });
}

/// A ring of its own in each round: its consumer never sleeps, and would be in the way of the others.
fn enter_floor<const WORDS: usize>(work: &mut Work, jobs: usize) {
    work.enter(Ring::PEER, move || {
        move || {
            let ring = Ring::new(1);
            // The others have warmed up as well.
            one::<_, WORDS>(&ring, Ring::SLOTS);
            one::<_, WORDS>(&ring, jobs)
        }
    });
}

fn size<const WORDS: usize>(chart: &'static str, jobs: usize) -> Vec<Work> {
    let mut works = Vec::new();
    for producers in producers::NUMBERS {
        for workers in producers::WORKERS {
            let name = format!("submit {} bytes, {}", WORDS * 8, producers::name(producers, workers));
            let mut work = Work::new(chart, name, &METRICS);
            each_executor!(E => enter::<E, WORDS>(&mut work, producers, workers, jobs));
            if producers == 1 {
                enter_floor::<WORDS>(&mut work, jobs);
            }
            works.push(work);
        }
    }
    works
}

pub fn works(effort: Effort) -> Vec<Work> {
    let jobs = effort.either(200_000, 10_000);
    [size::<1>("submit-8", jobs), size::<6>("submit-48", jobs), size::<25>("submit-200", jobs)]
        .into_iter()
        .flatten()
        .collect()
}
