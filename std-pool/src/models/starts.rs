//! Threads that do not start, and those that leave: somebody does what is there to be done.

use std::time::Duration;

use shuttle::thread;

use super::{Ends, Flag, Tally, check, model, pool};
use crate::SubmitError;
use crate::sys::limit_starts;

/// The second worker cannot be started: the first does everything, or comes back for it.
#[test]
fn a_start_that_fails_meets_the_only_worker() {
    model(|| {
        limit_starts(1);
        let (pool, tally) = (pool(2).build().unwrap(), Tally::default());
        let submitter = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || _ = pool.submit(tally.job()).unwrap())
        };
        for _ in 0..2 {
            pool.submit(tally.job()).unwrap();
        }
        submitter.join().unwrap();
        assert!(pool.wait_idle());
        assert_eq!(tally.ran(), 3);
        pool.shutdown();
        check(&pool, Ends::ran(3));
    });
}

/// None can be started at all: each job is given back, or run by who waits for the end.
#[test]
fn no_start_succeeds() {
    model(|| {
        limit_starts(0);
        let (pool, tally) = (pool(2).build().unwrap(), Tally::default());
        let submit = {
            let (pool, tally) = (pool.clone(), tally.clone());
            move || match pool.submit(tally.job()) {
                Ok(_) => 1,
                Err(SubmitError::NoThread(..)) => 0,
                Err(error) => panic!("{error}"),
            }
        };
        let other = thread::spawn(submit.clone());
        let accepted = submit() + other.join().unwrap();
        pool.shutdown();
        assert_eq!((tally.ran(), tally.dropped()), (accepted, 2 - accepted));
        check(&pool, Ends::ran(accepted));
    });
}

/// A stand-in leaves as the job that it stood in for goes on, and others come.
#[test]
fn a_stand_in_leaves_while_jobs_come() {
    model(|| {
        // Both may leave as one too many, and then another is needed.
        limit_starts(3);
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let flag = Flag::default();
        let blocked = {
            let (pool, flag) = (pool.clone(), flag.clone());
            tally.with(move || pool.blocking(|| flag.wait()))
        };
        pool.submit(blocked).unwrap();
        pool.submit(tally.with(move || flag.raise())).unwrap();
        let submitter = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || _ = pool.submit(tally.job()).unwrap())
        };
        submitter.join().unwrap();
        assert!(pool.wait_idle());
        assert_eq!(tally.ran(), 3);
        pool.shutdown();
        check(&pool, Ends::ran(3));
    });
}

/// The last worker of a pool that is closed leaves while a thread is asked for in vain, and somebody waits for both.
#[test]
fn the_last_worker_leaves_while_a_start_fails() {
    model(|| {
        limit_starts(1);
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        pool.submit(tally.job()).unwrap();
        let submitter = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || match pool.submit(tally.job()) {
                Ok(_) => 1,
                Err(SubmitError::NoThread(..) | SubmitError::Closed(..)) => 0,
                Err(error) => panic!("{error}"),
            })
        };
        pool.shutdown();
        let accepted = submitter.join().unwrap();
        assert_eq!((tally.ran(), tally.left()), (1 + accepted, 0));
        check(&pool, Ends::ran(1 + accepted));
    });
}

/// Who waits for the end works in the place of a worker, as soon as the one that was asked for is known not to come.
#[test]
fn a_start_that_fails_meets_a_shutdown() {
    model(|| {
        limit_starts(0);
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        pool.pause();
        pool.submit(tally.job()).unwrap();
        let resumer = {
            let pool = pool.clone();
            thread::spawn(move || pool.resume())
        };
        pool.shutdown();
        assert_eq!(tally.ran(), 1);
        resumer.join().unwrap();
        check(&pool, Ends::ran(1));
    });
}

/// Two want something to be run elsewhere, and the thread that one of them counts on is one that the other could not start. The same of
/// tasks that their owner waits for without helping.
#[test]
fn nobody_waits_for_a_thread_that_somebody_else_could_not_start() {
    model(|| {
        limit_starts(0);
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let run = {
            let (pool, tally) = (pool.clone(), tally.clone());
            move || pool.run(tally.job())
        };
        let other = thread::spawn(run.clone());
        run();
        other.join().unwrap();
        pool.scope(|scope| {
            let flag = Flag::default();
            let raised = flag.clone();
            scope.spawn(tally.with(move || raised.raise()));
            flag.wait();
        });
        assert_eq!(tally.ran(), 3);
        pool.shutdown();
    });
}

/// Threads end as soon as they have nothing to do, and others come.
#[test]
fn threads_that_were_idle_end_while_jobs_come() {
    model(|| {
        let (pool, tally) = (pool(2).keep_alive(Duration::ZERO).build().unwrap(), Tally::default());
        let submitter = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || _ = pool.submit(tally.job()).unwrap())
        };
        for _ in 0..2 {
            pool.submit(tally.job()).unwrap();
        }
        submitter.join().unwrap();
        assert!(pool.wait_idle());
        assert_eq!(tally.ran(), 3);
        pool.shutdown();
        check(&pool, Ends::ran(3));
    });
}

/// The number of threads goes down to none and up again; then the pool is shut down, whatever it is by then.
#[test]
fn the_number_of_threads_changes_while_jobs_come_and_the_pool_ends() {
    model(|| {
        let (pool, tally) = (pool(2).build().unwrap(), Tally::default());
        let changer = {
            let pool = pool.clone();
            thread::spawn(move || [0, 1, 0].map(|number| pool.set_threads(number).unwrap()))
        };
        for _ in 0..2 {
            pool.submit(tally.job()).unwrap();
        }
        pool.shutdown();
        changer.join().unwrap();
        assert_eq!(tally.ran(), 2);
        check(&pool, Ends::ran(2));
    });
}
