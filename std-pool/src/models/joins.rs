//! Joins: both halves are run, once each, whoever waits, cancels or ends the pool meanwhile.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::thread;

use super::{Ends, Tally, check, model, pool};
use crate::{Pool, Semaphore};

/// Three halves, one inside another.
fn three(pool: &Pool) -> usize {
    let ran = AtomicUsize::new(0);
    let one = || {
        thread::yield_now();
        ran.fetch_add(1, Ordering::Relaxed)
    };
    let (a, (b, c)) = pool.join(one, || pool.join(one, one));
    assert_eq!(a + b + c, 3);
    ran.into_inner()
}

#[test]
fn guests_join_while_workers_come_and_go() {
    model(|| {
        let pool = pool(2).build().unwrap();
        let other = {
            let pool = pool.clone();
            thread::spawn(move || assert_eq!(three(&pool), 3))
        };
        assert_eq!(three(&pool), 3);
        other.join().unwrap();
        pool.shutdown();
        check(&pool, Ends { done: 0, failed: 0, cancelled: 0 });
    });
}

#[test]
fn a_job_joins_while_the_pool_ends() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let jobs = Tally::default();
        let inside = pool.clone();
        pool.submit(jobs.with(move || assert_eq!(three(&inside), 3))).unwrap();
        let guest = {
            let pool = pool.clone();
            thread::spawn(move || assert_eq!(three(&pool), 3))
        };
        pool.shutdown();
        guest.join().unwrap();
        check(&pool, Ends { done: 1, failed: 0, cancelled: 0 });
    });
}

/// The only worker may have a half that waits for something that needs a worker.
#[test]
fn somebody_stands_in_for_a_half_that_waits() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let jobs = Tally::default();
        let half = || {
            let semaphore = Arc::new(Semaphore::new(0));
            let releases = Arc::clone(&semaphore);
            pool.submit(jobs.with(move || releases.release(1).unwrap())).unwrap();
            semaphore.acquire().unwrap().forget();
        };
        pool.join(half, half);
        pool.shutdown();
        check(&pool, Ends::of(&jobs));
    });
}

#[test]
fn a_half_panics_and_the_other_has_ended_by_then() {
    for second in [false, true] {
        model(move || {
            let pool = pool(1).build().unwrap();
            let halves = Tally::default();
            let (well, ill) = (halves.job(), halves.with(|| resume_unwind(Box::new("a half"))));
            let caught =
                catch_unwind(AssertUnwindSafe(|| if second { pool.join(well, ill) } else { pool.join(ill, well) }));
            assert!(caught.is_err());
            // The one that has panicked.
            assert_eq!(halves.left(), 1);
            pool.shutdown();
        });
    }
}
