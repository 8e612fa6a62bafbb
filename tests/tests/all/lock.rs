//! The lock that any thread may release.

use std::cell::UnsafeCell;
use std::time::{Duration, Instant};

use fastthreadpool::{FastLock, NotLocked};

#[test]
fn it_is_held_once_and_released_by_anybody() {
    let lock = FastLock::new();
    assert!(!lock.is_locked());
    lock.acquire().forget();
    assert!(lock.is_locked() && lock.try_acquire().is_none());
    std::thread::scope(|scope| scope.spawn(|| lock.release()).join().unwrap().unwrap());
    assert_eq!(lock.release(), Err(NotLocked));
    lock.try_acquire().unwrap().forget();
    let began = Instant::now();
    assert!(lock.acquire_timeout(Duration::from_millis(3)).is_none() && began.elapsed() >= Duration::from_millis(3));
    lock.release().unwrap();
    assert!(lock.acquire_timeout(Duration::MAX).is_some() && !lock.is_locked());
}

#[test]
fn a_guard_releases() {
    let lock = FastLock::default();
    {
        let _guard = lock.acquire();
        assert!(lock.try_acquire().is_none());
    }
    assert!(lock.try_acquire().is_some());
    assert!(!lock.is_locked());
}

#[test]
fn it_excludes() {
    struct Shared(FastLock, UnsafeCell<usize>);
    // SAFETY: the number is touched under the lock only.
    unsafe impl Sync for Shared {}
    let shared = Shared(FastLock::new(), UnsafeCell::new(0));
    std::thread::scope(|scope| {
        for n in 0..4 {
            let shared = &shared;
            scope.spawn(move || {
                for _ in 0..5000 {
                    // SAFETY: under the lock.
                    let add = || unsafe { *shared.1.get() += 1 };
                    if n % 2 == 0 {
                        let _guard = shared.0.acquire();
                        add();
                    } else {
                        shared.0.acquire().forget();
                        add();
                        shared.0.release().unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(shared.1.into_inner(), 20_000);
}
