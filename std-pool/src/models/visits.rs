//! Threads that work for a pool while they wait, or for a while.

use std::time::Duration;

use shuttle::thread;

use super::{Ends, Tally, check, model, pool};
use crate::Pool;
use crate::sync::semaphore::Semaphore;

fn threadless<T: Send + 'static>() -> Pool<T> {
    Pool::builder().threadless().build().unwrap()
}

/// It is asleep when a job comes, or about to be.
#[test]
fn a_job_meets_who_waits_for_its_result() {
    model(|| {
        let pool: Pool<u32> = threadless();
        let handle = pool.clone();
        let submitter = thread::spawn(move || [1, 2].map(|n| handle.submit(move || n).unwrap()));
        let values = [(); 2].map(|()| pool.done().pop().unwrap().value);
        assert_eq!(values, [1, 2]);
        submitter.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// One of them goes with what it has waited for, and leaves the rest to the other.
#[test]
fn two_wait_for_a_result_each() {
    model(|| {
        let pool: Pool<u32> = threadless();
        let others = [(); 2].map(|()| {
            let handle = pool.clone();
            thread::spawn(move || handle.done().pop().unwrap().value)
        });
        (1..=2).for_each(|n| _ = pool.submit(move || n).unwrap());
        assert_eq!(others.map(|other| other.join().unwrap()).iter().sum::<u32>(), 3);
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// The job that ends the wait comes when it has begun, or before, and nobody else would run it.
#[test]
fn a_job_waits_for_one_that_comes_meanwhile() {
    model(|| {
        let pool: Pool<u32> = threadless();
        let handle = pool.clone();
        let permits = std::sync::Arc::new(Semaphore::new(0));
        let releases = permits.clone();
        let outer = pool.spawn(move || permits.acquire().map(drop)).unwrap();
        let other = thread::spawn(move || drop(handle.spawn(move || releases.release(1)).unwrap()));
        assert_eq!(outer.join().unwrap(), Ok(()));
        other.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// It works until the pool is closed, by whoever.
#[test]
fn a_shutdown_meets_who_works_here() {
    model(|| {
        let (pool, tally): (Pool<()>, _) = (threadless(), Tally::default());
        let handle = pool.clone();
        let works = thread::spawn(move || handle.run_here(Duration::MAX));
        (0..2).for_each(|_| _ = pool.submit(tally.job()).unwrap());
        pool.shutdown();
        assert!(works.join().unwrap() <= 2);
        check(&pool, Ends::of(&tally));
        assert_eq!((tally.ran(), pool.alive()), (2, 0));
    });
}

/// Where there are threads nobody makes way for who visits, and nothing that it leaves is lost.
#[test]
fn jobs_meet_a_worker_and_who_runs_one() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let handle = pool.clone();
        let visitor = thread::spawn(move || handle.run_one());
        (0..2).for_each(|_| _ = pool.submit(tally.job()).unwrap());
        assert!(pool.wait_idle());
        visitor.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(2));
        assert_eq!(tally.left(), 0);
    });
}

/// What is removed by a stop goes, and what runs here goes on.
#[test]
fn a_stop_meets_who_runs_until_idle() {
    model(|| {
        let (pool, tally): (Pool<()>, _) = (threadless(), Tally::default());
        (0..2).for_each(|_| _ = pool.submit(tally.job()).unwrap());
        let handle = pool.clone();
        let runs = thread::spawn(move || handle.run_until_idle());
        let removed = pool.shutdown_now().len();
        assert_eq!(removed + runs.join().unwrap(), 2);
        check(&pool, Ends::of(&tally));
    });
}

/// Who has it gives it to the first in line: that is not one who runs another job meanwhile, and so could not go on.
#[test]
fn jobs_on_top_of_each_other_wait_for_what_somebody_has() {
    model(|| {
        let pool: Pool<()> = threadless();
        let turn = std::sync::Arc::new(Semaphore::fair(0));
        for _ in 0..2 {
            let turn = turn.clone();
            pool.submit(move || drop(turn.acquire().unwrap())).unwrap();
        }
        let releases = turn.clone();
        let other = thread::spawn(move || releases.release(1).unwrap());
        assert!(pool.wait_idle());
        other.join().unwrap();
        assert_eq!((turn.value(), turn.waiters()), (1, 0));
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// It runs one of two, and leaves what that has submitted.
#[test]
fn a_shutdown_meets_who_runs_one() {
    model(|| {
        let (pool, tally): (Pool<()>, _) = (threadless(), Tally::default());
        let (handle, nested) = (pool.clone(), tally.job());
        pool.submit(move || _ = handle.submit(nested).map_err(drop)).unwrap();
        let handle = pool.clone();
        let runs = thread::spawn(move || handle.run_one());
        pool.shutdown();
        runs.join().unwrap();
        check(&pool, Ends::ran(2));
        assert_eq!(tally.ran(), 1);
    });
}

/// Each works for both, and for one at a time.
#[test]
fn a_job_of_one_pool_waits_for_another() {
    model(|| {
        let (one, other): (Pool<u32>, Pool<u32>) = (threadless(), threadless());
        let handle = other.clone();
        let waits = one.spawn(move || handle.done().pop().unwrap().value).unwrap();
        let (handle, helped) = (other.clone(), other.clone());
        let submits = thread::spawn(move || _ = handle.submit(|| 1).unwrap());
        let helps = thread::spawn(move || helped.run_one());
        assert_eq!(waits.join().unwrap(), 1);
        submits.join().unwrap();
        helps.join().unwrap();
        one.shutdown();
        other.shutdown();
        check(&one, Ends::ran(1));
        check(&other, Ends::ran(1));
    });
}
