//! A tenth of many queued jobs is cancelled, in no order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use fastthreadpool::{Cancellation, Pool, Semaphore};

use crate::bench::{Bench, Peer, Settings};
use crate::peers::{Executor, Kanal, Ours, Tokio};
use crate::round::{self, nanos};

const JOBS: usize = 1_000_000;

/// Every tenth, in an order that no prefetcher guesses.
fn tenth(jobs: usize) -> impl Iterator<Item = usize> {
    let tenths = jobs / 10;
    // Prime, and so no divisor of a power of ten.
    (0..tenths).map(move |n| n * 7919 % tenths * 10)
}

fn occupy(execute: impl FnOnce(Box<dyn FnOnce() + Send>)) -> Arc<Semaphore> {
    let (begun, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (told, waits) = (Arc::clone(&begun), Arc::clone(&go));
    execute(Box::new(move || {
        told.release(1).expect("few permits");
        waits.acquire().expect("it is open").forget();
    }));
    begun.acquire().expect("it is open").forget();
    go
}

fn ours(jobs: usize) -> Peer {
    let mut pool = None;
    Peer::new(Ours::NAME, move || {
        let pool: &mut Pool =
            pool.get_or_insert_with(|| Pool::builder().threads(1).build().expect("a thread can be had"));
        let go = occupy(|job| _ = pool.submit(job).expect("the pool is open"));
        round::expect(jobs - jobs / 10);
        let ids: Vec<_> = (0..jobs).map(|_| pool.submit(|| round::ended(1)).expect("the pool is open")).collect();
        let began = Instant::now();
        for index in tenth(jobs) {
            assert_eq!(pool.cancel(ids[index]), Cancellation::Removed);
        }
        let each = nanos(began) / (jobs / 10) as f64;
        go.release(1).expect("few permits");
        round::wait();
        vec![each]
    })
}

/// The task is told, and dropped by a worker when its turn comes.
fn tokio(jobs: usize) -> Peer {
    let mut runtime = None;
    Peer::new(Tokio::NAME, move || {
        let Tokio(runtime) = runtime.get_or_insert_with(|| Tokio::new(1));
        let go = occupy(|job| _ = runtime.spawn(async { job() }));
        round::expect(jobs - jobs / 10);
        let tasks: Vec<_> = (0..jobs).map(|_| runtime.spawn(async { round::ended(1) })).collect();
        let began = Instant::now();
        for index in tenth(jobs) {
            tasks[index].abort();
        }
        let each = nanos(began) / (jobs / 10) as f64;
        go.release(1).expect("few permits");
        round::wait();
        vec![each]
    })
}

/// A flag in each job, which stays in the queue.
fn flags(jobs: usize) -> Peer {
    let mut executor = None;
    Peer::new("flag by hand", move || {
        let executor = executor.get_or_insert_with(|| Kanal::new(1));
        let go = occupy(|job| executor.execute(job));
        round::expect(jobs - jobs / 10);
        let submit = |_| {
            let flag = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&flag);
            executor.execute(move || {
                if !seen.load(Ordering::Relaxed) {
                    round::ended(1);
                }
            });
            flag
        };
        let flags: Vec<_> = (0..jobs).map(submit).collect();
        let began = Instant::now();
        for index in tenth(jobs) {
            flags[index].store(true, Ordering::Relaxed);
        }
        let each = nanos(began) / (jobs / 10) as f64;
        go.release(1).expect("few permits");
        round::wait();
        vec![each]
    })
}

pub fn benches(settings: &Settings) -> Vec<Bench> {
    let jobs = settings.count(JOBS);
    let name = format!("a tenth of {jobs} queued jobs");
    vec![Bench::new("cancel", name, &["ns per cancelled job"]).with([ours(jobs), tokio(jobs), flags(jobs)])]
}
