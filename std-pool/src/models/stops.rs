//! Jobs that wait to be told to stop, and those who tell them, while they fall asleep.

use std::sync::Arc;

use super::{Ends, Flag, Tally, check, check_group, group, model, pool};
use crate::{AcquireError, Cancellation, Context, Semaphore};

fn wait(job: &Context<'_, ()>) {
    job.cancelled();
}

/// A job that has begun, waits, and counts.
fn waits<W: FnOnce(&Context<'_, ()>) + Send>(
    tally: &Tally,
    begun: &Flag,
    wait: W,
) -> impl FnOnce(&Context<'_, ()>) + Send + use<W> {
    let (count, begun) = (tally.job(), begun.clone());
    move |job| {
        begun.raise();
        wait(job);
        count();
    }
}

#[test]
fn a_job_waits_to_be_cancelled() {
    model(|| {
        let (pool, tally, begun) = (pool(1).build().unwrap(), Tally::default(), Flag::default());
        let id = pool.submit_with(waits(&tally, &begun, wait)).unwrap();
        begun.wait();
        assert_eq!(pool.cancel(id), Cancellation::Stopping);
        assert!(pool.wait_idle());
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

#[test]
fn a_job_waits_for_its_group_to_be_cancelled() {
    model(|| {
        let (pool, tally, begun) = (pool(1).build().unwrap(), Tally::default(), Flag::default());
        let outer = group(&pool, |group| group);
        let inner = outer.group::<()>().build().unwrap();
        inner.submit_with(waits(&tally, &begun, wait)).unwrap();
        begun.wait();
        assert_eq!(outer.cancel(), 1);
        assert!(outer.wait());
        check_group(&inner, Ends::ran(1));
        pool.shutdown();
    });
}

#[test]
fn a_job_waits_for_another_of_its_group_to_fail() {
    model(|| {
        let (pool, tally, begun) = (pool(2).build().unwrap(), Tally::default(), Flag::default());
        let fails = pool.group::<()>().fail_fast().build().unwrap();
        fails.submit_with(waits(&tally, &begun, wait)).unwrap();
        begun.wait();
        fails.submit(tally.with(|| Err::<(), _>("fails"))).unwrap();
        assert!(fails.wait());
        check_group(&fails, Ends { done: 1, failed: 1, cancelled: 0 });
        pool.shutdown();
    });
}

#[test]
fn a_job_waits_for_the_pool_to_stop() {
    model(|| {
        let (pool, tally, begun) = (pool(1).build().unwrap(), Tally::default(), Flag::default());
        pool.submit_with(waits(&tally, &begun, wait)).unwrap();
        begun.wait();
        pool.shutdown_now();
        check(&pool, Ends::ran(1));
    });
}

/// It has the permit or says why not, and the permit is there for the next.
#[test]
fn a_job_waits_for_a_permit_or_to_be_cancelled() {
    model(|| {
        let (pool, tally, begun) = (pool(1).build().unwrap(), Tally::default(), Flag::default());
        let semaphore = Arc::new(Semaphore::new(0));
        let acquire = {
            let semaphore = Arc::clone(&semaphore);
            move |job: &Context<'_, ()>| match job.acquire(&semaphore, 1) {
                Ok(permit) => drop(permit),
                Err(error) => assert_eq!(error, AcquireError::Cancelled),
            }
        };
        let id = pool.submit_with(waits(&tally, &begun, acquire)).unwrap();
        begun.wait();
        pool.cancel(id);
        // Without a release: the cancellation alone ends the wait.
        assert!(pool.wait_idle());
        semaphore.release(1).unwrap();
        assert_eq!((semaphore.value(), semaphore.waiters()), (1, 0));
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

/// A release comes while the job is cancelled: whichever was first, no permit is lost.
#[test]
fn a_job_that_waits_for_a_permit_meets_a_release_and_a_cancel() {
    model(|| {
        let (pool, tally, begun) = (pool(1).build().unwrap(), Tally::default(), Flag::default());
        let semaphore = Arc::new(Semaphore::new(0));
        let acquire = {
            let semaphore = Arc::clone(&semaphore);
            move |job: &Context<'_, ()>| drop(job.acquire(&semaphore, 1))
        };
        let id = pool.submit_with(waits(&tally, &begun, acquire)).unwrap();
        let releaser = {
            let semaphore = Arc::clone(&semaphore);
            shuttle::thread::spawn(move || semaphore.release(1).unwrap())
        };
        begun.wait();
        pool.cancel(id);
        semaphore.acquire().unwrap().forget();
        releaser.join().unwrap();
        assert!(pool.wait_idle());
        assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}
