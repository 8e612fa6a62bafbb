//! Broadcasts: once on each thread that there is, between two jobs.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread::{self, ThreadId};

use fastthreadpool::Pool;

use crate::support::pool;

/// Sees to it that all threads of a pool are there.
fn start_all(pool: &Pool, threads: usize) {
    let barrier = Arc::new(Barrier::new(threads));
    let waits: Vec<_> = (0..threads)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            pool.spawn(move || _ = barrier.wait()).unwrap()
        })
        .collect();
    for wait in waits {
        wait.join().unwrap();
    }
}

fn threads(pool: &Pool) -> HashSet<ThreadId> {
    let threads = pool.broadcast(|| thread::current().id());
    let all = threads.len();
    let distinct: HashSet<_> = threads.into_iter().collect();
    assert_eq!(distinct.len(), all, "no thread twice");
    distinct
}

#[test]
fn each_thread_calls_it_once_and_nobody_else() {
    let pool: Pool = pool(3);
    assert!(threads(&pool).is_empty(), "there is none yet");
    start_all(&pool, 3);
    let all = threads(&pool);
    assert_eq!(all.len(), 3);
    assert!(!all.contains(&thread::current().id()));
    assert_eq!(threads(&pool), all);
    pool.shutdown();
    assert!(threads(&pool).is_empty(), "there is none any more");
    pool.reset();
    start_all(&pool, 3);
    assert_eq!(threads(&pool).len(), 3);
}

#[test]
fn it_borrows_and_reaches_thread_local_values() {
    thread_local!(static SUM: Cell<u64> = const { Cell::new(0) });
    let pool: Pool = pool(2);
    for n in 1..=1000 {
        pool.submit(move || SUM.set(SUM.get() + n)).unwrap();
    }
    pool.wait_idle();
    let factor = 2;
    assert_eq!(pool.broadcast(|| factor * SUM.take()).into_iter().sum::<u64>(), 1_001_000);
    assert_eq!(pool.broadcast(|| SUM.get()).into_iter().sum::<u64>(), 0);
}

#[test]
fn a_thread_in_the_middle_of_a_job_calls_it_after_that_and_before_the_next() {
    let pool: Pool = pool(2);
    start_all(&pool, 2);
    let (name, named) = channel();
    let (open, gate) = channel::<()>();
    pool.submit(move || {
        name.send(thread::current().id()).unwrap();
        let _ = gate.recv();
    })
    .unwrap();
    let busy = named.recv().unwrap();
    let (given, is_given) = channel();
    let (say, said) = channel();
    let other = {
        let (pool, say) = (pool.clone(), say.clone());
        thread::spawn(move || {
            pool.broadcast(|| {
                if thread::current().id() == busy {
                    say.send("the broadcast").unwrap();
                } else {
                    // Until the busy one has run the job.
                    let (end, ended) = channel::<()>();
                    given.send(end).unwrap();
                    assert!(ended.recv().is_err());
                }
            })
            .len()
        })
    };
    let end = is_given.recv().unwrap();
    pool.submit(move || say.send("the job").unwrap()).unwrap();
    drop(open);
    assert_eq!([said.recv().unwrap(), said.recv().unwrap()], ["the broadcast", "the job"]);
    drop(end);
    assert_eq!(other.join().unwrap(), 2);
}

#[test]
fn a_job_broadcasts_and_its_own_thread_is_among_them() {
    let pool: Pool = pool(2);
    start_all(&pool, 2);
    let inside = pool.clone();
    let (own, all) = pool.spawn(move || (thread::current().id(), threads(&inside))).unwrap().join().unwrap();
    assert!(all.contains(&own) && all.len() == 2);
}

#[test]
fn all_threads_broadcast_at_the_same_time() {
    const THREADS: usize = 3;
    let pool: Pool = pool(THREADS);
    let (barrier, calls) = (Arc::new(Barrier::new(THREADS)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..50 {
        let jobs: Vec<_> = (0..THREADS)
            .map(|_| {
                let (inside, barrier, calls) = (pool.clone(), Arc::clone(&barrier), Arc::clone(&calls));
                pool.spawn(move || {
                    barrier.wait();
                    let at_least = inside.broadcast(|| calls.fetch_add(1, Ordering::Relaxed)).len();
                    assert!(at_least >= THREADS);
                })
                .unwrap()
            })
            .collect();
        for job in jobs {
            job.join().unwrap();
        }
    }
    assert!(calls.load(Ordering::Relaxed) >= 50 * THREADS * THREADS);
}

#[test]
fn one_inside_of_another_is_called_by_all_in_turn() {
    let pool: Pool = pool(2);
    start_all(&pool, 2);
    let inner = AtomicUsize::new(0);
    let outer = pool.broadcast(|| pool.broadcast(|| inner.fetch_add(1, Ordering::Relaxed)).len());
    assert_eq!(outer, [2, 2]);
    assert_eq!(inner.into_inner(), 4);
}

#[test]
fn a_panic_is_passed_on_when_all_have_called_it() {
    let pool: Pool = pool(2);
    start_all(&pool, 2);
    let calls = AtomicUsize::new(0);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        pool.broadcast(|| {
            calls.fetch_add(1, Ordering::Relaxed);
            panic!("in a broadcast")
        })
    }));
    assert_eq!(caught.err().and_then(|panic| panic.downcast_ref().copied()), Some("in a broadcast"));
    assert_eq!(calls.into_inner(), 2);
    assert_eq!(threads(&pool).len(), 2, "the threads are still there");
    assert_eq!(pool.counts().sum(), pool.counts().accepted);
}

#[test]
fn it_is_called_while_the_pool_is_paused() {
    let pool: Pool = pool(2);
    start_all(&pool, 2);
    pool.pause();
    pool.submit(|| ()).unwrap();
    assert_eq!(threads(&pool).len(), 2);
    assert_eq!(pool.counts().queued, 1);
    pool.resume();
    pool.wait_idle();
}

#[test]
fn it_is_called_between_many_short_jobs() {
    thread_local!(static JOBS: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) });
    let pool: Pool = pool(2);
    let collected = AtomicUsize::new(0);
    for round in 0..20 {
        for n in 0..5_000 {
            pool.submit(move || JOBS.with_borrow_mut(|jobs| jobs.push(n))).unwrap();
        }
        if round % 2 == 0 {
            for jobs in pool.broadcast(|| JOBS.take()) {
                collected.fetch_add(jobs.len(), Ordering::Relaxed);
            }
        }
    }
    pool.wait_idle();
    let rest: usize = pool.broadcast(|| JOBS.take().len()).into_iter().sum();
    assert_eq!(collected.into_inner() + rest, 100_000);
}
