//! Jobs that wait to be cancelled, and for permits until then.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::task::{self, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use fastthreadpool::{AcquireError, Cancellation, Context, Group, JobId, Pool, Semaphore};

use crate::support::{HOUR, pool, values};

/// Submits a job, and returns when it has begun.
fn begun<R: Send + 'static>(group: &Group<R>, f: impl FnOnce(&Context<'_, R>) -> R + Send + 'static) -> JobId {
    let (begins, has_begun) = channel();
    let id = group.submit_with(move |job: &Context<'_, R>| {
        begins.send(()).unwrap();
        f(job)
    });
    has_begun.recv().unwrap();
    id.unwrap()
}

fn wait(job: &Context<'_, ()>) {
    job.cancelled();
}

/// A job that waits in one of three ways to be cancelled, and returns the number of that.
fn waits(group: &Group<usize>, way: usize) -> JobId {
    begun(group, move |job| {
        match way {
            0 => job.cancelled(),
            1 => assert!(job.cancelled_timeout(HOUR)),
            _ => assert!(matches!(job.acquire(&Semaphore::new(0), 1), Err(AcquireError::Cancelled))),
        }
        assert!(job.is_cancelled());
        way
    })
}

#[test]
fn whoever_cancels_a_job_ends_its_wait() {
    for way in 0..3 {
        let pool: Pool<usize> = pool(1);
        let id = waits(&pool, way);
        assert_eq!(pool.cancel(id), Cancellation::Stopping);
        pool.wait_idle();

        waits(&pool, way);
        assert_eq!(Group::cancel(&pool), 1);
        pool.wait_idle();

        let outer = pool.group::<usize>().build().unwrap();
        let inner = outer.group::<usize>().build().unwrap();
        waits(&inner, way);
        outer.cancel();
        outer.wait();
        assert_eq!(values(inner.done()), [way]);

        let fails = pool.group::<usize>().fail_fast().build().unwrap();
        waits(&fails, way);
        fails.submit(|| "seven".parse::<usize>()).unwrap();
        fails.wait();
        assert_eq!(values(fails.done()), [way]);

        waits(&pool, way);
        pool.shutdown_now();
        assert_eq!(values(pool.done()), [way; 3]);
    }
}

#[test]
fn who_is_cancelled_already_does_not_wait() {
    let pool: Pool = pool(1);
    let (go, goes) = channel();
    let id = begun(&pool, move |job| {
        goes.recv().unwrap();
        let free = Semaphore::new(1);
        assert!(matches!(job.acquire(&free, 1), Err(AcquireError::Cancelled)) && free.value() == 1);
        job.cancelled();
        assert!(job.cancelled_timeout(Duration::ZERO));
    });
    pool.cancel(id);
    go.send(()).unwrap();
    pool.wait_idle();
    assert_eq!(pool.counts().done, 1);
}

#[test]
fn a_wait_with_a_limit_ends_without_a_cancellation() {
    let pool: Pool<(bool, bool)> = pool(1);
    begun(&pool, |job| (job.cancelled_timeout(Duration::ZERO), job.cancelled_timeout(Duration::from_millis(1))));
    pool.wait_idle();
    assert_eq!(values(pool.done()), [(false, false)]);
}

#[test]
fn a_drain_does_not_cancel_what_runs() {
    let pool: Pool<bool> = pool(1);
    let semaphore = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&semaphore);
    begun(&pool, move |job| job.acquire(&own, 1).is_ok());
    assert!(!pool.shutdown_timeout(Duration::from_millis(1)));
    semaphore.release(1).unwrap();
    pool.shutdown();
    assert_eq!(values(pool.done()), [true]);
}

#[test]
fn a_cancellation_of_another_ends_no_wait() {
    let pool: Pool = pool(2);
    let semaphore = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&semaphore);
    let other = begun(&pool, wait);
    begun(&pool, move |job| job.acquire(&own, 1).unwrap().forget());
    while semaphore.waiters() < 1 {
        thread::yield_now();
    }
    pool.cancel(other);
    while pool.counts().done < 1 {
        thread::yield_now();
    }
    assert_eq!(semaphore.waiters(), 1);
    semaphore.release(1).unwrap();
    pool.wait_idle();
    assert_eq!(pool.counts().done, 2);
}

#[test]
fn others_run_while_a_job_waits_to_be_cancelled() {
    let pool: Pool = pool(1);
    let id = begun(&pool, wait);
    let handle = pool.clone();
    pool.spawn(move || handle.cancel(id)).unwrap().join().unwrap();
    pool.wait_idle();
    assert_eq!(pool.counts().done, 2);
}

#[test]
fn who_is_cancelled_in_line_lets_the_next_go() {
    let pool: Pool = pool(1);
    let semaphore = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&semaphore);
    let id = begun(&pool, move |job| assert!(matches!(job.acquire(&own, 2), Err(AcquireError::Cancelled))));
    while semaphore.waiters() < 1 {
        thread::yield_now();
    }
    semaphore.release(1).unwrap();
    assert!(semaphore.try_acquire().is_err(), "it is kept for the first in line");
    pool.cancel(id);
    semaphore.acquire().unwrap().forget();
    pool.wait_idle();
    assert_eq!((semaphore.value(), semaphore.waiters(), pool.counts().done), (0, 0, 1));
}

#[test]
fn too_many_and_closed_are_errors_here_too() {
    let pool: Pool = pool(1);
    begun(&pool, |job| {
        assert!(matches!(job.acquire(&Semaphore::new(1), usize::MAX), Err(AcquireError::TooMany)));
        let closed = Semaphore::new(1);
        closed.close();
        assert!(matches!(job.acquire(&closed, 1), Err(AcquireError::Closed)));
    });
    pool.wait_idle();
    assert_eq!(pool.counts().done, 1);
}

#[derive(Default)]
struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_task_is_woken_once_by_the_cancellation_of_its_job() {
    let pool: Pool = pool(1);
    let (former, present) = (Arc::<Counts>::default(), Arc::<Counts>::default());
    let (own_former, own_present) = (Arc::clone(&former), Arc::clone(&present));
    let (polled, is_polled) = channel();
    let (go, goes) = channel();
    let id = begun(&pool, move |job| {
        let mut cancelled = pin!(job.cancelled_async());
        for counts in [own_former, own_present] {
            let waker = Waker::from(counts);
            assert!(cancelled.as_mut().poll(&mut task::Context::from_waker(&waker)).is_pending());
        }
        // One that is dropped is not told.
        let dropped = Waker::from(Arc::new(Panics));
        assert!(pin!(job.cancelled_async()).poll(&mut task::Context::from_waker(&dropped)).is_pending());
        polled.send(()).unwrap();
        goes.recv().unwrap();
        assert_eq!(cancelled.poll(&mut task::Context::from_waker(Waker::noop())), Poll::Ready(()));
    });
    is_polled.recv().unwrap();
    assert_eq!(pool.cancel(id), Cancellation::Stopping);
    assert_eq!(pool.cancel(id), Cancellation::Stopping);
    assert_eq!((former.0.load(Ordering::SeqCst), present.0.load(Ordering::SeqCst)), (0, 1));
    go.send(()).unwrap();
    pool.wait_idle();
    assert_eq!(pool.counts().done, 1);
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker");
    }
}

#[test]
fn a_waker_that_panics_keeps_no_other_from_being_told() {
    let pool: Pool = pool(2);
    let (polled, is_polled) = channel();
    for _ in 0..2 {
        let polled = polled.clone();
        begun(&pool, move |job| {
            let mut task = pin!(job.cancelled_async());
            let waker = Waker::from(Arc::new(Panics));
            assert!(task.as_mut().poll(&mut task::Context::from_waker(&waker)).is_pending());
            polled.send(()).unwrap();
            job.cancelled();
        });
        is_polled.recv().unwrap();
    }
    assert_eq!(Group::cancel(&pool), 2);
    pool.wait_idle();
    assert_eq!(pool.counts().done, 2);
}
