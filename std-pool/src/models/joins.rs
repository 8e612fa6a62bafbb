//! Joins: both halves are run, once each, whoever waits, cancels or ends the pool meanwhile.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::thread;

use super::{Ends, Flag, Tally, check, model, pool};
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

/// A worker waits for its second half; that submits a job, and waits for it or does not. So somebody stands in for who waits,
/// and it is told while that one comes.
#[test]
fn a_stand_in_starts_while_who_waits_is_told() {
    for waits in [true, false] {
        model(move || {
            let (pool, jobs) = (pool(2).build().unwrap(), Tally::default());
            let over = Flag::default();
            let raises = over.clone();
            let (inside, last) = (pool.clone(), jobs.with(move || raises.raise()));
            let joins = move || {
                let begun = Flag::default();
                let second = || {
                    begun.raise();
                    inside.submit(last).unwrap();
                    if waits {
                        over.wait();
                    }
                };
                inside.join(|| begun.wait(), second);
            };
            pool.submit(jobs.with(joins)).unwrap();
            assert!(pool.wait_idle());
            assert_eq!(jobs.ran(), 2);
            pool.shutdown();
            check(&pool, Ends::ran(2));
        });
    }
}

/// Both call, and one of them nobody if somebody searches already. Who finds the job waits there for the half: so another comes.
#[test]
fn a_fork_meets_a_submit() {
    model(|| {
        let (pool, jobs) = (pool(2).build().unwrap(), Tally::default());
        pool.submit(jobs.job()).unwrap();
        let over = Flag::default();
        let submitter = {
            let (pool, over) = (pool.clone(), over.clone());
            let job = jobs.with(move || over.wait());
            thread::spawn(move || _ = pool.submit(job).unwrap())
        };
        pool.join(|| over.wait(), || over.raise());
        submitter.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// A worker naps while a guest joins. It gets up by itself, joins, and waits, before it is woken by who has called it.
#[test]
fn a_late_wake_up_meets_who_waits() {
    model(|| {
        let (pool, jobs) = (pool(2).build().unwrap(), Tally::default());
        let over = Flag::default();
        let submitter = {
            let (pool, inside, over) = (pool.clone(), pool.clone(), over.clone());
            let is_over = over.clone();
            let joins = move || {
                let begun = Flag::default();
                let second = || {
                    begun.raise();
                    is_over.wait();
                };
                inside.join(|| begun.wait(), second);
            };
            let job = jobs.with(joins);
            thread::spawn(move || {
                pool.submit(job).unwrap();
                over.raise();
            })
        };
        pool.join(|| over.wait(), || ());
        submitter.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

/// A job joins, and one with a desk for guests, and one for whom there is none: while the pool is told to stop.
#[test]
fn joins_meet_a_stop() {
    model(|| {
        let (pool, jobs) = (pool(1).build().unwrap(), Tally::default());
        let inside = pool.clone();
        pool.submit(jobs.with(move || assert_eq!(three(&inside), 3))).unwrap();
        let guests: Vec<_> = (0..2)
            .map(|_| {
                let pool = pool.clone();
                thread::spawn(move || assert_eq!(three(&pool), 3))
            })
            .collect();
        pool.shutdown_now();
        for guest in guests {
            guest.join().unwrap();
        }
        check(&pool, Ends::of(&jobs));
    });
}

/// Who waits helps with what its thief has forked, and that panics; and so may what the thief does itself.
#[test]
fn a_half_panics_that_who_waits_helps_with() {
    for both in [false, true] {
        model(move || {
            let pool = pool(1).build().unwrap();
            let halves = Tally::default();
            let (shown, taken) = (Flag::default(), Flag::default());
            // The only worker has it, and nobody else is there for its second half.
            let outer = || {
                let first = halves.with(|| {
                    shown.raise();
                    taken.wait();
                    if both {
                        resume_unwind(Box::new("first"));
                    }
                });
                let second = halves.with(|| {
                    taken.raise();
                    resume_unwind(Box::new("second"));
                });
                pool.join(first, second)
            };
            let caught = catch_unwind(AssertUnwindSafe(|| pool.join(|| shown.wait(), outer)));
            let payload = caught.err().and_then(|payload| payload.downcast_ref::<&str>().copied());
            assert_eq!(payload, Some(if both { "first" } else { "second" }));
            assert_eq!((halves.ran(), halves.dropped()), (usize::from(!both), 0));
            // Nothing is left where the next one joins.
            assert_eq!(three(&pool), 3);
            pool.shutdown();
            check(&pool, Ends::default());
        });
    }
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
