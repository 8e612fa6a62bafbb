//! Jobs with results: submitted, run, and all results read and added up.

use std::hint::black_box;
use std::time::Instant;

use crate::capability::{Executor, Results};
use crate::each_executor;
use crate::peer::Peer;
use crate::peers::{OursResults, Sent};
use crate::work::{Effort, Work};
use crate::works::producers::{self, together};

fn produce<R: Results>(pool: &R, numbers: impl Iterator<Item = u64>) {
    for number in numbers {
        pool.submit(move || black_box(number));
    }
}

/// The time of one job in nanoseconds, from the first submit to the sum.
pub fn run<R: Results>(pool: &R, producers: usize, jobs: usize) -> f64 {
    let each = jobs / producers;
    let began = match producers {
        1 => {
            let began = Instant::now();
            produce(pool, 0..each as u64);
            began
        }
        _ => together(producers, |producer| produce(pool, (producer * each) as u64..((producer + 1) * each) as u64)).0,
    };
    let sum = pool.sum(jobs);
    let time = began.elapsed();
    assert_eq!(sum, (0..jobs as u64).sum());
    time.as_secs_f64() * 1e9 / jobs as f64
}

fn enter<R: Results>(work: &mut Work, producers: usize, workers: usize, jobs: usize) {
    work.enter(R::PEER, move || {
        let pool = R::new(workers);
        move || vec![run(&pool, producers, jobs)]
    });
}

/// All that have results of their own, and the others with a channel.
pub fn enter_all(work: &mut Work, producers: usize, workers: usize, jobs: usize) {
    enter::<OursResults>(work, producers, workers, jobs);
    each_executor!(E => if <E as Executor>::PEER != Peer::Ours {
        enter::<Sent<E>>(work, producers, workers, jobs);
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let jobs = effort.either(100_000, 20_000);
    let mut works = Vec::new();
    for producers in producers::NUMBERS {
        for workers in producers::WORKERS {
            let name = format!("results, {}", producers::name(producers, workers));
            let mut work = Work::new("results", name, &[("", "ns/job")]);
            enter_all(&mut work, producers, workers, jobs);
            works.push(work);
        }
    }
    works
}
