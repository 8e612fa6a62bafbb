//! The semaphore for threads and tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use fastthreadpool::{AcquireError, Overflow, Pool, Semaphore, TryAcquireError};

use crate::support::pool;

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
    use std::future::Future;
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
    use std::future::Future;
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
