//! The semaphore for threads, jobs and tasks: who gives up, and a release.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use shuttle::thread;

use super::{Ends, Tally, check, model, pool};
use crate::{AcquireError, Semaphore};

/// A job behind one that gives up gets what was not enough for that.
#[test]
fn who_gives_up_meets_a_release() {
    model(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let greedy = {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || match semaphore.acquire_many_timeout(2, Duration::from_millis(1)) {
                Ok(permits) => {
                    permits.forget();
                    true
                }
                Err(error) => {
                    assert_eq!(error, AcquireError::TimedOut);
                    false
                }
            })
        };
        let acquire = {
            let semaphore = Arc::clone(&semaphore);
            tally.with(move || semaphore.acquire().unwrap().forget())
        };
        pool.submit(acquire).unwrap();
        semaphore.release(1).unwrap();
        semaphore.release(1).unwrap();
        if greedy.join().unwrap() {
            semaphore.release(1).unwrap();
        } else {
            semaphore.acquire().unwrap().forget();
        }
        assert!(pool.wait_idle());
        assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

/// A task that is dropped in line, called, or with a permit that it has not seen, leaves it to who comes behind it.
#[test]
fn a_task_that_is_dropped_meets_a_release() {
    model(|| {
        for semaphore in [Semaphore::new(0), Semaphore::fair(0)].map(Arc::new) {
            let task = {
                let semaphore = Arc::clone(&semaphore);
                thread::spawn(move || {
                    let mut acquire = Box::pin(semaphore.acquire_async(1));
                    match acquire.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        Poll::Ready(permit) => drop(permit.unwrap()),
                        Poll::Pending => drop(acquire),
                    }
                })
            };
            let waiter = {
                let semaphore = Arc::clone(&semaphore);
                thread::spawn(move || semaphore.acquire().unwrap().forget())
            };
            semaphore.release(1).unwrap();
            waiter.join().unwrap();
            task.join().unwrap();
            assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
        }
    });
}

/// Jobs that wait do not keep the one that they wait for from running, however few workers there are.
#[test]
fn a_release_in_a_job_behind_those_that_wait() {
    model(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        for _ in 0..2 {
            let semaphore = Arc::clone(&semaphore);
            pool.submit(tally.with(move || semaphore.acquire().unwrap().forget())).unwrap();
        }
        pool.submit(tally.with(move || semaphore.release(2).unwrap())).unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(3));
    });
}

/// A close turns away who waits and who comes.
#[test]
fn a_close_meets_those_who_wait() {
    model(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let waiters = [(); 2].map(|()| {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || semaphore.acquire().map(crate::Permit::forget))
        });
        let closer = {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || semaphore.close())
        };
        semaphore.release(1).unwrap();
        let ends = waiters.map(|waiter| waiter.join().unwrap());
        closer.join().unwrap();
        let granted = ends.iter().filter(|end| end.is_ok()).count();
        assert!(ends.iter().all(|end| matches!(end, Ok(()) | Err(AcquireError::Closed))));
        assert_eq!((granted + semaphore.value(), semaphore.waiters()), (1, 0));
    });
}
