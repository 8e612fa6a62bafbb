//! Broadcasts: each thread that there is calls it once, whatever it is in the middle of, and whoever comes, goes, or gives another.

use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::thread;

use super::{Ends, Flag, Tally, check, model, pool};
use crate::Pool;
use crate::sys::limit_starts;

/// No thread twice. Returns how many.
fn broadcast(pool: &Pool) -> usize {
    let mut threads = pool.broadcast(|| format!("{:?}", thread::current().id()));
    let all = threads.len();
    threads.sort_unstable();
    threads.dedup();
    assert_eq!(threads.len(), all);
    all
}

#[test]
fn it_meets_workers_that_come_work_and_sleep() {
    model(|| {
        let (pool, tally) = (pool(2).build().unwrap(), Tally::default());
        pool.submit(tally.job()).unwrap();
        let submitter = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || _ = pool.submit(tally.job()).unwrap())
        };
        assert!((1..=2).contains(&broadcast(&pool)));
        submitter.join().unwrap();
        assert!(pool.wait_idle());
        assert!((1..=2).contains(&broadcast(&pool)));
        pool.shutdown();
        assert_eq!(broadcast(&pool), 0);
        check(&pool, Ends::ran(2));
    });
}

#[test]
fn it_meets_the_end_of_the_pool() {
    model(|| {
        let (pool, tally) = (pool(2).build().unwrap(), Tally::default());
        pool.submit(tally.job()).unwrap();
        let closes = {
            let pool = pool.clone();
            thread::spawn(move || pool.shutdown())
        };
        assert!(broadcast(&pool) <= 2);
        closes.join().unwrap();
        check(&pool, Ends::ran(1));
    });
}

/// Each waits for the other's thread, which waits.
#[test]
fn two_jobs_broadcast_at_the_same_time() {
    model(|| {
        let (pool, tally) = (pool(2).build().unwrap(), Tally::default());
        let (one, two) = (Flag::default(), Flag::default());
        for (mine, other) in [(&one, &two), (&two, &one)].map(|(mine, other)| (mine.clone(), other.clone())) {
            let inside = pool.clone();
            pool.submit(tally.with(move || {
                mine.raise();
                other.wait();
                assert!(broadcast(&inside) >= 2);
            }))
            .unwrap();
        }
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// What it borrows is not called any more when it has returned.
#[test]
fn a_start_fails_while_it_waits_for_that_thread() {
    model(|| {
        limit_starts(1);
        let (pool, tally) = (pool(2).build().unwrap(), Tally::default());
        let submitter = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || {
                for _ in 0..2 {
                    pool.submit(tally.job()).unwrap();
                }
            })
        };
        let calls = AtomicUsize::new(0);
        let values = pool.broadcast(|| calls.fetch_add(1, Ordering::Relaxed));
        assert_eq!(calls.into_inner(), values.len());
        assert!(values.len() <= 1);
        submitter.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}
