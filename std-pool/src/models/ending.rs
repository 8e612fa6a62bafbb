//! The end of a pool: against submits, against itself, against a new beginning.

use shuttle::thread;

use super::{Ends, Tally, check, model, pool};
use crate::SubmitError;

/// Each job is given back to who submits it, or ends before a shutdown returns.
#[test]
fn a_submit_meets_a_shutdown() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let tally = Tally::default();
        let submitter = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || {
                (0..2)
                    .filter(|_| match pool.submit(tally.job()) {
                        Ok(_) => true,
                        Err(SubmitError::Closed(job)) => {
                            drop(job);
                            false
                        }
                        Err(error) => panic!("{error}"),
                    })
                    .count()
            })
        };
        pool.shutdown();
        let ran = tally.ran();
        let accepted = submitter.join().unwrap();
        assert_eq!((tally.ran(), tally.dropped()), (accepted, 2 - accepted));
        assert_eq!(ran, accepted, "the shutdown waited for all of them");
        check(&pool, Ends { done: accepted, ..Ends::default() });
    });
}

/// Each returns when all has ended, the hooks of the threads too.
#[test]
fn two_shutdowns_meet() {
    model(|| {
        let (jobs, left) = (Tally::default(), Tally::default());
        let stopped = left.clone();
        let pool = pool(1).on_thread_stop(move |_| stopped.job()()).build().unwrap();
        pool.submit(jobs.job()).unwrap();
        let shutdown = {
            let (pool, jobs, left) = (pool.clone(), jobs.clone(), left.clone());
            move || {
                pool.shutdown();
                assert_eq!((jobs.ran(), left.ran()), (1, 1));
                assert!(pool.is_ended());
            }
        };
        let other = thread::spawn(shutdown.clone());
        shutdown();
        other.join().unwrap();
        check(&pool, Ends { done: 1, ..Ends::default() });
    });
}
