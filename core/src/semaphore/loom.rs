//! Models: `RUSTFLAGS="--cfg loom" cargo test --release -p fastthreadpool-core --lib semaphore::loom`.

use ::loom::cell::UnsafeCell;
use ::loom::sync::Arc;
use ::loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use ::loom::thread;

use super::*;
use crate::host::Tick;
use crate::hosts::loom::{LoomMutex, LoomParker, LoomUnparker, model};
use crate::lock::Lock;

type Checked = Semaphore<LoomMutex, LoomUnparker>;

fn spawn<T: 'static>(semaphore: &Arc<Checked>, run: impl FnOnce(&Checked) -> T + 'static) -> thread::JoinHandle<T> {
    let semaphore = semaphore.clone();
    thread::spawn(move || run(&semaphore))
}

fn acquire(count: usize) -> impl FnOnce(&Checked) -> Result<(), AcquireError> {
    move |semaphore| semaphore.acquire(count, &LoomParker::new())
}

/// Gives up after one short sleep.
fn acquire_briefly(count: usize) -> impl FnOnce(&Checked) -> Result<(), AcquireError> {
    move |semaphore| {
        let time = AtomicU64::new(0);
        semaphore.acquire_until(count, &LoomParker::new(), Tick(1), || Tick(time.fetch_add(1, Relaxed)))
    }
}

#[test]
fn a_release_meets_an_acquire() {
    model(3, || {
        let semaphore = Arc::new(Checked::new(0));
        let waiter = spawn(&semaphore, acquire(1));
        semaphore.release(1).unwrap();
        assert_eq!(waiter.join().unwrap(), Ok(()));
        assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
    });
}

#[test]
fn a_release_meets_a_timeout() {
    model(3, || {
        let semaphore = Arc::new(Checked::new(0));
        let waiter = spawn(&semaphore, acquire_briefly(1));
        semaphore.release(1).unwrap();
        let left = usize::from(waiter.join().unwrap().is_err());
        assert_eq!((semaphore.value(), semaphore.waiters()), (left, 0));
        assert_eq!(semaphore.try_acquire(left), Ok(()), "no flag is left behind");
    });
}

#[test]
fn one_release_serves_two() {
    model(3, || {
        let semaphore = Arc::new(Checked::new(0));
        let waiters = [spawn(&semaphore, acquire(1)), spawn(&semaphore, acquire(1))];
        semaphore.release(2).unwrap();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Ok(()));
        }
        assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
    });
}

#[test]
fn many_are_gathered_for_the_head() {
    model(3, || {
        let semaphore = Arc::new(Checked::new(1));
        let big = spawn(&semaphore, |semaphore| {
            acquire(2)(semaphore).unwrap();
            semaphore.release(2).unwrap();
        });
        let small = spawn(&semaphore, |semaphore| {
            acquire(1)(semaphore).unwrap();
            semaphore.release(1).unwrap();
        });
        semaphore.release(1).unwrap();
        big.join().unwrap();
        small.join().unwrap();
        assert_eq!((semaphore.value(), semaphore.waiters()), (2, 0));
    });
}

#[test]
fn a_head_that_gives_up_lets_the_next_go() {
    model(3, || {
        let semaphore = Arc::new(Checked::new(1));
        let big = spawn(&semaphore, acquire_briefly(3));
        let small = spawn(&semaphore, acquire(2));
        semaphore.release(1).unwrap();
        assert_eq!(big.join().unwrap(), Err(AcquireError::TimedOut));
        assert_eq!(small.join().unwrap(), Ok(()));
        assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
    });
}

#[test]
fn closing_wakes_all() {
    model(3, || {
        let semaphore = Arc::new(Checked::new(1));
        let waiters = [spawn(&semaphore, acquire(2)), spawn(&semaphore, acquire(2))];
        semaphore.close();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Err(AcquireError::Closed));
        }
        assert_eq!((semaphore.value(), semaphore.waiters()), (1, 0));
    });
}

#[test]
fn a_close_meets_a_reopening_and_a_release() {
    model(3, || {
        let semaphore = Arc::new(Checked::new(0));
        let closer = spawn(&semaphore, Semaphore::close);
        let waiter = spawn(&semaphore, acquire(1));
        semaphore.release(1).unwrap();
        semaphore.reopen();
        closer.join().unwrap();
        let served = usize::from(waiter.join().unwrap().is_ok());
        assert_eq!((semaphore.value(), semaphore.waiters()), (1 - served, 0));
    });
}

#[test]
fn two_releases_meet_one_who_wants_both() {
    model(3, || {
        let semaphore = Arc::new(Checked::new(0));
        let other = spawn(&semaphore, |semaphore| semaphore.release(1).unwrap());
        let waiter = spawn(&semaphore, acquire(2));
        semaphore.release(1).unwrap();
        other.join().unwrap();
        assert_eq!(waiter.join().unwrap(), Ok(()));
        assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
    });
}

#[test]
fn two_releases_meet_one_who_wants_one() {
    model(3, || {
        let semaphore = Arc::new(Checked::new(0));
        let other = spawn(&semaphore, |semaphore| semaphore.release(1).unwrap());
        let waiter = spawn(&semaphore, acquire(1));
        semaphore.release(1).unwrap();
        other.join().unwrap();
        assert_eq!(waiter.join().unwrap(), Ok(()));
        assert_eq!((semaphore.value(), semaphore.waiters()), (1, 0));
    });
}

#[test]
fn one_who_waits_meets_one_who_overtakes() {
    for semaphore in [Checked::new, Checked::fair] {
        model(3, move || {
            let semaphore = Arc::new(semaphore(0));
            let pass = |semaphore: &Checked| {
                acquire(1)(semaphore).unwrap();
                semaphore.release(1).unwrap();
            };
            let (one, other) = (spawn(&semaphore, pass), spawn(&semaphore, pass));
            semaphore.release(1).unwrap();
            one.join().unwrap();
            other.join().unwrap();
            assert_eq!((semaphore.value(), semaphore.waiters()), (1, 0));
            assert_eq!(semaphore.try_acquire(1), Ok(()), "nothing is kept for those who are gone");
        });
    }
}

#[test]
fn one_who_was_called_gives_up() {
    model(3, || {
        let semaphore = Arc::new(Checked::new(0));
        let brief = spawn(&semaphore, acquire_briefly(1));
        let waiter = spawn(&semaphore, acquire(1));
        semaphore.release(1).unwrap();
        if brief.join().unwrap().is_ok() {
            semaphore.release(1).unwrap();
        }
        assert_eq!(waiter.join().unwrap(), Ok(()));
        assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
    });
}

#[test]
fn one_who_is_granted_its_permits_gives_up() {
    model(3, || {
        let semaphore = Arc::new(Checked::fair(0));
        let brief = spawn(&semaphore, acquire_briefly(1));
        semaphore.release(1).unwrap();
        let left = usize::from(brief.join().unwrap().is_err());
        assert_eq!((semaphore.value(), semaphore.waiters()), (left, 0));
    });
}

#[test]
fn a_lock_excludes_and_publishes() {
    model(3, || {
        let shared = Arc::new((Lock::<LoomMutex, LoomUnparker>::new(), UnsafeCell::new(0)));
        let add = |shared: &(Lock<LoomMutex, LoomUnparker>, UnsafeCell<usize>)| {
            let guard = shared.0.guard(&LoomParker::new());
            // SAFETY: the lock is held.
            shared.1.with_mut(|value| unsafe { *value += 1 });
            drop(guard);
        };
        let other = thread::spawn({
            let shared = shared.clone();
            move || add(&shared)
        });
        add(&shared);
        other.join().unwrap();
        let _guard = shared.0.guard(&LoomParker::new());
        // SAFETY: the lock is held.
        shared.1.with_mut(|value| assert_eq!(unsafe { *value }, 2));
    });
}
