//! The semaphore for threads and tasks.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use fastthreadpool::{AcquireError, Overflow, Pool, Semaphore, TryAcquireError};

use crate::support::{pool, sorted};

#[test]
fn permits_come_and_go() {
    let semaphore = Semaphore::default();
    assert_eq!((semaphore.value(), semaphore.is_locked()), (1, false));
    let permit = semaphore.acquire().unwrap();
    assert_eq!((semaphore.value(), semaphore.is_locked()), (0, true));
    assert!(matches!(semaphore.try_acquire(), Err(TryAcquireError::NoPermits)));
    drop(permit);
    semaphore.try_acquire().unwrap().forget();
    assert!(semaphore.is_locked());
    semaphore.release(3).unwrap();
    assert_eq!(semaphore.acquire_many(2).unwrap().count(), 2);
    assert_eq!(semaphore.value(), 3);
    semaphore.try_acquire_many(3).unwrap().forget();
    drop(semaphore.adopt(2));
    assert_eq!(semaphore.value(), 2);
}

#[test]
fn free_permits_can_be_taken_away() {
    let semaphore = Semaphore::new(3);
    let permit = semaphore.acquire().unwrap();
    assert_eq!((semaphore.forget_permits(1), semaphore.value()), (1, 1));
    assert_eq!((semaphore.forget_permits(7), semaphore.forget_permits(7), semaphore.value()), (1, 0, 0));
    drop(permit);
    semaphore.close();
    assert_eq!((semaphore.forget_permits(1), semaphore.value()), (1, 0));
}

#[test]
fn what_one_waits_for_can_be_taken_away_from_it() {
    let semaphore = Semaphore::fair(0);
    std::thread::scope(|scope| {
        let many = scope.spawn(|| semaphore.acquire_many(2).unwrap().forget());
        while semaphore.waiters() < 1 {
            thread::yield_now();
        }
        semaphore.release(1).unwrap();
        assert_eq!(semaphore.forget_permits(2), 1);
        semaphore.release(1).unwrap();
        assert_eq!((semaphore.value(), semaphore.waiters()), (1, 1));
        semaphore.release(1).unwrap();
        many.join().unwrap();
    });
    assert_eq!(semaphore.value(), 0);
}

#[test]
fn a_permit_goes_into_a_job_with_its_semaphore() {
    let pool: Pool<usize> = pool(2);
    let semaphore = Arc::new(Semaphore::new(3));
    let one = Arc::clone(&semaphore).acquire_owned().unwrap();
    let two = Arc::clone(&semaphore).try_acquire_many_owned(2).unwrap();
    assert!(matches!(Arc::clone(&semaphore).try_acquire_owned(), Err(TryAcquireError::NoPermits)));
    let timed_out = Arc::clone(&semaphore).acquire_owned_timeout(Duration::from_millis(1));
    assert!(matches!(timed_out, Err(AcquireError::TimedOut)));
    pool.submit(move || one.count()).unwrap();
    let timed = Arc::clone(&semaphore).acquire_owned_timeout(Duration::MAX).unwrap();
    pool.submit(move || two.count()).unwrap();
    let many = Arc::clone(&semaphore).acquire_many_owned_timeout(2, Duration::MAX).unwrap();
    assert_eq!((semaphore.value(), timed.count() + many.count()), (0, 3));
    drop((timed, many));
    // It is there as long as its last permit.
    let last = semaphore.acquire_many_owned(3).unwrap();
    pool.submit(move || last.count()).unwrap();
    pool.wait_idle();
    assert_eq!(sorted(pool.done()), [1, 2, 3]);
}

#[test]
fn an_owned_permit_is_parted_merged_and_forgotten() {
    let semaphore = Arc::new(Semaphore::new(4));
    let mut permit = Arc::clone(&semaphore).acquire_many_owned(3).unwrap();
    let part = permit.split(2).unwrap();
    assert!(permit.split(2).is_none());
    assert_eq!((permit.count(), part.count()), (1, 2));
    drop(part);
    permit.merge(Arc::clone(&semaphore).acquire_many_owned(2).unwrap());
    assert_eq!((permit.count(), semaphore.value()), (3, 1));
    permit.forget();
    assert_eq!(semaphore.value(), 1);
    drop(Arc::clone(&semaphore).adopt_owned(3));
    assert_eq!(semaphore.value(), 4);
}

#[test]
#[should_panic = "permits of two semaphores cannot be merged"]
fn owned_permits_of_two_semaphores_do_not_merge() {
    let permits = || Arc::new(Semaphore::new(1)).acquire_owned().unwrap();
    permits().merge(permits());
}

#[test]
fn a_task_waits_for_an_owned_permit() {
    let semaphore = Arc::new(Semaphore::new(0));
    let mut acquire = Box::pin(Arc::clone(&semaphore).acquire_owned_async(2));
    let mut context = Context::from_waker(Waker::noop());
    assert!(acquire.as_mut().poll(&mut context).is_pending());
    semaphore.release(2).unwrap();
    let Poll::Ready(permit) = acquire.as_mut().poll(&mut context) else { panic!("its permits are free") };
    let permit = permit.unwrap();
    assert_eq!((permit.count(), semaphore.value()), (2, 0));
    drop(permit);
    assert_eq!(semaphore.value(), 2);
}

#[test]
fn too_many_are_errors_that_change_nothing() {
    let semaphore = Semaphore::new(1);
    assert_eq!(semaphore.release(Semaphore::MAX_PERMITS), Err(Overflow));
    assert_eq!(semaphore.release(usize::MAX), Err(Overflow));
    assert_eq!(semaphore.value(), 1);
    assert!(matches!(semaphore.acquire_many(usize::MAX), Err(AcquireError::TooMany)));
    assert!(semaphore.release(Semaphore::MAX_PERMITS - 1).is_ok());
}

#[test]
fn a_limit_in_time_is_kept() {
    let semaphore = Semaphore::new(1);
    let began = Instant::now();
    let error = semaphore.acquire_many_timeout(2, Duration::from_millis(3)).unwrap_err();
    assert!(matches!(error, AcquireError::TimedOut) && began.elapsed() >= Duration::from_millis(3));
    assert_eq!((semaphore.value(), semaphore.waiters()), (1, 0));
    assert!(semaphore.acquire_timeout(Duration::MAX).is_ok());
    assert!(semaphore.acquire_timeout(Duration::ZERO).is_ok());
}

#[test]
fn a_release_lets_as_many_go_as_there_are_permits() {
    let semaphore = Semaphore::new(0);
    let through = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                semaphore.acquire().unwrap().forget();
                through.fetch_add(1, Ordering::SeqCst);
            });
        }
        while semaphore.waiters() < 6 {
            std::thread::yield_now();
        }
        semaphore.release(2).unwrap();
        while through.load(Ordering::SeqCst) < 2 {
            std::thread::yield_now();
        }
        assert_eq!((semaphore.waiters(), semaphore.value()), (4, 0));
        semaphore.release(4).unwrap();
    });
    assert_eq!((through.load(Ordering::SeqCst), semaphore.value()), (6, 0));
}

#[test]
fn nobody_overtakes_one_who_waits_for_many() {
    let semaphore = Semaphore::new(0);
    std::thread::scope(|scope| {
        let many = scope.spawn(|| semaphore.acquire_many(3).unwrap().forget());
        while semaphore.waiters() < 1 {
            std::thread::yield_now();
        }
        semaphore.release(2).unwrap();
        assert!(semaphore.try_acquire().is_err());
        assert!(matches!(semaphore.acquire_timeout(Duration::from_millis(1)), Err(AcquireError::TimedOut)));
        semaphore.release(1).unwrap();
        many.join().unwrap();
    });
    assert_eq!(semaphore.value(), 0);
}

#[test]
fn closing_turns_all_away_and_opening_lets_them_in() {
    let semaphore = Semaphore::new(0);
    std::thread::scope(|scope| {
        let waiters: Vec<_> = (0..3).map(|_| scope.spawn(|| semaphore.acquire().map(|_| ()))).collect();
        while semaphore.waiters() < 3 {
            std::thread::yield_now();
        }
        semaphore.close();
        assert!(waiters.into_iter().all(|waiter| matches!(waiter.join().unwrap(), Err(AcquireError::Closed))));
    });
    assert!(semaphore.is_closed());
    semaphore.release(1).unwrap();
    assert!(matches!(semaphore.try_acquire(), Err(TryAcquireError::Closed)));
    semaphore.reopen();
    assert!(semaphore.try_acquire().is_ok());
}

#[test]
fn no_more_inside_than_permits() {
    let semaphore = Semaphore::new(2);
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5000 {
                    let _permit = semaphore.acquire().unwrap();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert!(most.load(Ordering::SeqCst) <= 2);
    assert_eq!((semaphore.value(), semaphore.waiters()), (2, 0));
}

#[test]
fn tasks_wait_in_the_same_line() {
    struct Counts(AtomicUsize);
    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let semaphore = Semaphore::new(0);
    let counts = Arc::new(Counts(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&counts));
    let mut context = Context::from_waker(&waker);
    let mut first = Box::pin(semaphore.acquire_async(1));
    let mut second = Box::pin(semaphore.acquire_async(2));
    assert!(first.as_mut().poll(&mut context).is_pending() && second.as_mut().poll(&mut context).is_pending());
    semaphore.release(1).unwrap();
    assert_eq!(counts.0.load(Ordering::SeqCst), 1);
    assert!(first.as_mut().poll(&mut context).is_ready());
    // Dropped while it waits: what it was given is passed on.
    semaphore.release(1).unwrap();
    drop(second);
    drop(first);
    assert_eq!((semaphore.waiters(), semaphore.value()), (0, 2));
}

#[test]
fn jobs_use_it_too() {
    let pool: Pool = pool(2);
    let semaphore = Arc::new(Semaphore::new(1));
    let count = Arc::new(AtomicUsize::new(0));
    for _ in 0..1000 {
        let (semaphore, count) = (Arc::clone(&semaphore), Arc::clone(&count));
        pool.submit(move || {
            let _permit = semaphore.acquire().unwrap();
            let before = count.load(Ordering::Relaxed);
            count.store(before + 1, Ordering::Relaxed);
        })
        .unwrap();
    }
    pool.wait_idle();
    assert_eq!((count.load(Ordering::Relaxed), semaphore.value()), (1000, 1));
}

#[test]
fn a_waker_that_panics_keeps_nobody_waiting() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker");
        }
    }
    let waker = Waker::from(Arc::new(Panics));
    let semaphore = Arc::new(Semaphore::new(0));
    // More than are woken at a time, and more than one that panics among them.
    let mut tasks: Vec<_> = (0..20).map(|_| Box::pin(semaphore.acquire_async(1))).collect();
    let mut threads = Vec::new();
    for task in &mut tasks {
        let listed = semaphore.waiters();
        assert!(task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let behind = Arc::clone(&semaphore);
        threads.push(thread::spawn(move || behind.acquire().unwrap().forget()));
        while semaphore.waiters() < listed + 2 {
            thread::yield_now();
        }
    }
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| semaphore.release(40))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a waker"));
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!((semaphore.waiters(), semaphore.value()), (0, 0));
    for task in &mut tasks {
        assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}
