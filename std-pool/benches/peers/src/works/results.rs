//! Jobs whose value is wanted: all of them in a queue, or each through a handle of its own.

use std::hint::black_box;
use std::sync::mpsc;
use std::time::Instant;

use fastthreadpool::Pool;
use futures::task::SpawnExt;

use crate::bench::{Bench, Peer, Runner, Settings};
use crate::peers::{self, Executor, Futures, Kanal, Ours, Rusty, Tokio, Work};
use crate::round::nanos;

const JOBS: usize = 50_000;
const WORKERS: usize = 2;

fn square(n: usize) -> usize {
    black_box(n * n)
}

fn expected(jobs: usize) -> usize {
    (0..jobs).map(|n| n * n).sum()
}

/// The values come through a channel that the jobs share.
struct Channelled {
    jobs: usize,
}

impl Work for Channelled {
    fn runner<E: Executor>(&self) -> Runner {
        let jobs = self.jobs;
        let mut executor = None;
        Box::new(move || {
            let executor = executor.get_or_insert_with(|| E::new(WORKERS));
            let (sender, receiver) = kanal::unbounded();
            let began = Instant::now();
            for n in 0..jobs {
                let sender = sender.clone();
                executor.execute(move || _ = sender.send(square(n)));
            }
            let sum: usize = (0..jobs).map(|_| receiver.recv().expect("every job sends")).sum();
            assert_eq!(sum, expected(jobs));
            vec![nanos(began) / jobs as f64]
        })
    }
}

/// Ours: the done queue.
fn done_queue(jobs: usize) -> Peer {
    let mut pool = None;
    Peer::new(Ours::NAME, move || {
        let pool: &mut Pool<usize> =
            pool.get_or_insert_with(|| Pool::builder().threads(WORKERS).build().expect("threads can be had"));
        let began = Instant::now();
        for n in 0..jobs {
            pool.submit(move || square(n)).expect("the pool is open");
        }
        let sum: usize = pool.done().iter().take(jobs).map(|done| done.value).sum();
        assert_eq!(sum, expected(jobs));
        vec![nanos(began) / jobs as f64]
    })
}

/// The original's own headline: a function over a range, the results added up.
fn mapped(jobs: usize) -> Peer {
    let mut pool = None;
    Peer::new(Ours::NAME, move || {
        let pool: &mut Pool<usize> =
            pool.get_or_insert_with(|| Pool::builder().threads(WORKERS).build().expect("threads can be had"));
        let began = Instant::now();
        pool.map(0..jobs, square).to_done().expect("the pool is open");
        let sum: usize = pool.done().iter().take(jobs).map(|done| done.value).sum();
        assert_eq!(sum, expected(jobs));
        vec![nanos(began) / jobs as f64]
    })
}

/// Spawns all, then waits for each handle in turn.
fn handles<E: Executor, H: 'static>(jobs: usize, spawn: fn(&E, usize) -> H, join: fn(&E, H) -> usize) -> Peer {
    let mut executor = None;
    Peer::new(E::NAME, move || {
        let executor = &*executor.get_or_insert_with(|| E::new(WORKERS));
        let began = Instant::now();
        let handles: Vec<H> = (0..jobs).map(|n| spawn(executor, n)).collect();
        let sum: usize = handles.into_iter().map(|handle| join(executor, handle)).sum();
        assert_eq!(sum, expected(jobs));
        vec![nanos(began) / jobs as f64]
    })
}

/// A channel for each value, where a pool has no handles.
fn one_shot(executor: &Kanal, n: usize) -> mpsc::Receiver<usize> {
    let (sender, receiver) = mpsc::sync_channel(1);
    executor.execute(move || _ = sender.send(square(n)));
    receiver
}

pub fn benches(settings: &Settings) -> Vec<Bench> {
    let jobs = settings.count(JOBS);
    let others = || peers::all(&Channelled { jobs }).into_iter().filter(|peer| peer.name != Ours::NAME);
    vec![
        Bench::new("results", "a queue of results", &["ns per job"]).with([done_queue(jobs)]).with(others()),
        Bench::new("results", "a map over a range", &["ns per job"]).with([mapped(jobs)]).with(others()),
        Bench::new("results", "a handle for each job", &["ns per job"]).with([
            handles::<Ours, _>(
                jobs,
                |ours, n| ours.0.spawn(move || square(n)).expect("the pool is open"),
                |_, handle| handle.join().expect("no job panics"),
            ),
            handles::<Kanal, _>(jobs, one_shot, |_, receiver| receiver.recv().expect("every job sends")),
            handles::<Rusty, _>(
                jobs,
                |rusty, n| rusty.0.evaluate(move || square(n)),
                |_, handle| handle.await_complete(),
            ),
            handles::<Futures, _>(
                jobs,
                |futures, n| futures.0.spawn_with_handle(async move { square(n) }).expect("the pool is open"),
                |_, handle| futures::executor::block_on(handle),
            ),
            handles::<Tokio, _>(
                jobs,
                |tokio, n| tokio.0.spawn(async move { square(n) }),
                |tokio, handle| tokio.0.block_on(handle).expect("no task panics"),
            ),
        ]),
    ]
}
