//! The works. Each checks that all of it was done.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::executors::Executor;

pub trait Work {
    const NAME: &'static str;
    const JOBS: usize;
    fn run<E: Executor>(threads: usize, jobs: usize) -> Duration;
}

static DONE: AtomicUsize = AtomicUsize::new(0);

fn timed<E: Executor>(threads: usize, jobs: usize, submit: impl FnOnce(&E)) -> Duration {
    let executor = E::new(threads);
    DONE.store(0, Ordering::Relaxed);
    let began = Instant::now();
    submit(&executor);
    executor.finish();
    let time = began.elapsed();
    assert_eq!(DONE.load(Ordering::Relaxed), jobs, "{} did not do it all", E::NAME);
    time
}

/// One producer, jobs that capture a word.
pub struct Small;

impl Work for Small {
    const NAME: &'static str = "one producer, jobs of 8 bytes";
    const JOBS: usize = 1_000_000;

    fn run<E: Executor>(threads: usize, jobs: usize) -> Duration {
        timed::<E>(threads, jobs, |executor| {
            for _ in 0..jobs {
                let one = std::hint::black_box(1_usize);
                executor.execute(move || _ = DONE.fetch_add(one, Ordering::Relaxed));
            }
        })
    }
}

/// One producer, jobs that capture six words.
pub struct Captures;

impl Work for Captures {
    const NAME: &'static str = "one producer, jobs of 48 bytes";
    const JOBS: usize = 1_000_000;

    fn run<E: Executor>(threads: usize, jobs: usize) -> Duration {
        timed::<E>(threads, jobs, |executor| {
            for _ in 0..jobs {
                let words = std::hint::black_box([1_usize, 0, 0, 0, 0, 0]);
                executor.execute(move || _ = DONE.fetch_add(words.iter().sum(), Ordering::Relaxed));
            }
        })
    }
}
