//! Jobs with a handle each: all are spawned, then all are joined.

use std::hint::black_box;
use std::time::Instant;

use crate::capability::Handles;
use crate::peers::{
    ByHand, Crossbeam, Futures, Kanal, OneShot, Ours, Rayon, RustyPool, Scheduled, Threads, Tokio, TokioBlocking,
};
use crate::work::{Effort, Work};
use crate::works::producers::{self, together};

fn spawn_and_join<H: Handles>(pool: &H, jobs: usize) -> u64 {
    let spawn = |number| pool.spawn(move || black_box(number));
    let handles: Vec<_> = (0..jobs as u64).map(spawn).collect();
    handles.into_iter().map(|handle| pool.join(handle)).sum()
}

fn round<H: Handles>(pool: &H, producers: usize, jobs: usize) -> Vec<f64> {
    let each = jobs / producers;
    let (began, sums) = match producers {
        1 => (Instant::now(), vec![spawn_and_join(pool, each)]),
        _ => together(producers, |_| spawn_and_join(pool, each)),
    };
    let time = began.elapsed();
    assert!(sums.into_iter().all(|sum| sum == (0..each as u64).sum()));
    vec![time.as_secs_f64() * 1e9 / jobs as f64]
}

fn enter<H: Handles>(work: &mut Work, producers: usize, workers: usize, jobs: usize) {
    work.enter(H::PEER, move || {
        let pool = H::new(workers);
        move || round(&pool, producers, jobs)
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let jobs = effort.either(50_000, 10_000);
    let mut works = Vec::new();
    for producers in producers::NUMBERS {
        for workers in producers::WORKERS {
            let name = format!("handles, {}", producers::name(producers, workers));
            let mut work = Work::new("handles", name, &[("", "ns/job")]);
            let enter_each = [
                enter::<Ours>,
                enter::<OneShot<Rayon>>,
                enter::<OneShot<Kanal>>,
                enter::<OneShot<Crossbeam>>,
                enter::<RustyPool>,
                enter::<OneShot<Threads>>,
                enter::<Futures>,
                enter::<Tokio>,
                enter::<TokioBlocking>,
                enter::<OneShot<Scheduled>>,
                enter::<OneShot<ByHand>>,
            ];
            enter_each.into_iter().for_each(|enter| enter(&mut work, producers, workers, jobs));
            works.push(work);
        }
    }
    works
}
