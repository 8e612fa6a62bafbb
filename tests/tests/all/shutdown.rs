//! Waiting until nothing is left, ending, and beginning again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fastthreadpool::{Cancellation, Group, Pool, Semaphore, SubmitError};

use crate::support::{Drops, HOUR, Occupied, pool, values};

#[test]
fn waiting_for_quiet() {
    let pool: Pool<u32> = pool(2);
    assert!(pool.wait_idle() && pool.wait_idle_timeout(Duration::ZERO));
    for _ in 0..500 {
        (0..10).for_each(|n| _ = pool.submit(move || n).unwrap());
        assert!(pool.wait_idle());
        assert_eq!((pool.pending(), pool.done().len()), (0, 10));
        pool.done().drain().for_each(drop);
    }
    let occupied = Occupied::new(&pool);
    let began = Instant::now();
    assert!(!pool.wait_idle_timeout(Duration::from_millis(3)));
    assert!(began.elapsed() >= Duration::from_millis(3));
    drop(occupied);
    assert!(pool.wait_idle_timeout(Duration::MAX));
}

#[test]
fn a_job_waits_for_all_others() {
    for threads in 1..=2 {
        let pool: Pool<u32> = pool(threads);
        let inner = pool.clone();
        let seen = pool.spawn(move || {
            (0..100).for_each(|n| _ = inner.submit(move || n).unwrap());
            assert!(inner.wait_idle());
            inner.done().len()
        });
        assert_eq!(seen.unwrap().join().unwrap(), 100);
    }
}

#[test]
fn many_waiters_all_see_it() {
    let pool: Pool<u32> = pool(2);
    let occupied = Occupied::new(&pool);
    std::thread::scope(|scope| {
        let waiters: Vec<_> = (0..4).map(|_| scope.spawn(|| pool.wait_idle())).collect();
        (0..100).for_each(|n| _ = pool.submit(move || n).unwrap());
        drop(occupied);
        assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
    });
}

#[test]
fn a_shutdown_runs_what_was_accepted_and_ends_the_threads() {
    let pool: Pool<u32> = pool(2);
    (0..1000).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.shutdown();
    assert_eq!(pool.done().len(), 1000);
    assert_eq!((pool.alive(), pool.pending()), (0, 0));
    pool.shutdown();
    assert!(pool.shutdown_timeout(Duration::ZERO));
}

#[test]
fn a_shutdown_with_a_limit_says_whether_all_ended() {
    let pool: Pool<u32> = pool(1);
    let occupied = Occupied::new(&pool);
    pool.submit(|| 1).unwrap();
    let began = Instant::now();
    assert!(!pool.shutdown_timeout(Duration::from_millis(3)));
    assert!(began.elapsed() >= Duration::from_millis(3));
    assert!(pool.submit(|| 2).is_err());
    drop(occupied);
    assert!(pool.shutdown_timeout(Duration::MAX));
    assert_eq!(values(pool.done()), [1]);
}

#[test]
fn now_removes_what_has_not_begun_and_tells_what_has() {
    let pool: Pool<bool> = pool(1);
    let (begun, drops) = (Arc::new(Semaphore::new(0)), Drops::default());
    let has_begun = Arc::clone(&begun);
    pool.submit_with(move |job| {
        has_begun.release(1).unwrap();
        while !job.is_cancelled() {
            std::thread::yield_now();
        }
        true
    })
    .unwrap();
    begun.acquire().unwrap().forget();
    for n in 0..30 {
        let token = drops.one();
        let job = move || (token, false).1;
        match n % 3 {
            0 => pool.submit(job),
            1 => pool.submit_first(job),
            _ => pool.submit_later(HOUR, job),
        }
        .unwrap();
    }
    pool.schedule(HOUR, || false).unwrap();
    pool.shutdown_now();
    assert_eq!(drops.count(), 30);
    assert_eq!(values(pool.done()), [true]);
    assert_eq!((pool.counts().cancelled, pool.alive()), (31, 0));
}

#[test]
fn jobs_may_submit_while_the_pool_drains_but_others_may_not() {
    let pool: Pool<u32> = pool(1);
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (has_begun, wait, inner) = (Arc::clone(&begun), Arc::clone(&gate), pool.clone());
    pool.submit(move || {
        has_begun.release(1).unwrap();
        wait.acquire().unwrap().forget();
        inner.submit(|| 2).unwrap();
        inner.submit_first(|| 3).unwrap();
        inner.submit_later(Duration::from_millis(1), || 4).unwrap();
        1
    })
    .unwrap();
    begun.acquire().unwrap().forget();
    assert!(!pool.shutdown_timeout(Duration::ZERO));
    assert!(pool.submit(|| 9).is_err());
    gate.release(1).unwrap();
    pool.shutdown();
    let mut all = values(pool.done());
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3, 4]);
}

/// Submits in all ways from a function that the pool did not take; each gives its job back.
fn is_refused(pool: &Pool<u32>, group: &Group<u32>) -> bool {
    let drops = Drops::default();
    let job = || {
        let token = drops.one();
        move || (token, 1).1
    };
    let is_closed = |error: SubmitError<_>| matches!(error, SubmitError::Closed(_));
    let refused = [
        matches!(pool.submit(job()), Err(SubmitError::Closed(_)) if drops.count() == 0),
        pool.submit_first(job()).is_err_and(is_closed),
        pool.submit_later(HOUR, job()).is_err_and(is_closed),
        pool.submit_wait(job()).is_err_and(is_closed),
        group.submit(job()).is_err_and(is_closed),
        pool.submit_all((0..2).map(|_| job())).is_err(),
        pool.spawn(job()).is_err(),
        pool.schedule(HOUR, || 1).is_err(),
    ];
    refused == [true; 8]
}

#[test]
fn nothing_that_an_ended_pool_refused_submits_to_it() {
    for pool in [pool(1), Pool::builder().threadless().build().unwrap()] {
        let group = pool.group::<u32>().limit(1).build().unwrap();
        let is_refused = || is_refused(&pool, &group);
        pool.shutdown();
        assert!(pool.run(is_refused));
        assert!(pool.run(|| pool.run(is_refused)));
        assert!(pool.scope(|scope| scope.spawn_with_handle(is_refused).join().unwrap()));
        let mut refused = [false; 3];
        let [task, left, right] = &mut refused;
        pool.scope(|scope| scope.spawn(|| *task = is_refused()));
        pool.join(|| *left = is_refused(), || *right = is_refused());
        assert_eq!(refused, [true; 3]);
        assert_eq!((pool.is_ended(), pool.pending()), (true, 0));
        pool.reset();
        assert_eq!(pool.run(|| pool.submit(|| 7).is_ok()), pool.wait_idle());
        assert_eq!(values(pool.done()), [7]);
    }
}

#[test]
fn who_runs_in_the_place_of_an_ended_pool_is_told_to_stop_if_its_jobs_were() {
    for (end, is_told) in [(Pool::shutdown as fn(&Pool), false), (|pool| _ = pool.shutdown_now(), true)] {
        let pool: Pool = pool(1);
        end(&pool);
        let mut seen = None;
        pool.scope(|scope| scope.spawn_with(|job| seen = Some(job.is_cancelled())));
        assert_eq!(seen, Some(is_told));
        pool.reset();
        pool.scope(|scope| scope.spawn_with(|job| seen = Some(job.is_cancelled())));
        assert_eq!(seen, Some(false));
    }
}

#[test]
fn a_function_that_a_draining_pool_refused_outlives_it_and_submits_nothing() {
    let pool: Pool<u32> = pool(1);
    let group = pool.group::<u32>().build().unwrap();
    let occupied = Occupied::new(&pool);
    assert!(!pool.shutdown_timeout(Duration::ZERO));
    let refused = pool.run(|| {
        let before = is_refused(&pool, &group);
        drop(occupied);
        assert!(std::thread::scope(|threads| threads.spawn(|| pool.wait_ended(None)).join().unwrap()));
        (before, is_refused(&pool, &group))
    });
    assert_eq!((refused, pool.pending()), ((true, true), 0));
}

#[test]
fn a_job_that_its_scope_runs_submits_while_the_pool_drains() {
    let pool: Pool<u32> = pool(1);
    let occupied = Occupied::new(&pool);
    let accepted = pool.scope(|scope| {
        let handle = scope.spawn_with_handle(|| pool.submit(|| 1).is_ok());
        assert!(!pool.shutdown_timeout(Duration::ZERO));
        handle.join().unwrap()
    });
    drop(occupied);
    pool.shutdown();
    assert!(accepted);
    assert_eq!(values(pool.done()), [1]);
}

#[test]
fn a_job_may_shut_its_pool_down() {
    for now in [false, true] {
        let pool: Pool<u32> = pool(2);
        let inner = pool.clone();
        pool.submit(move || {
            if now {
                inner.shutdown_now();
            } else {
                inner.shutdown();
            }
            assert!(!inner.shutdown_timeout(HOUR), "it cannot wait for itself");
            7
        })
        .unwrap();
        // Ends when the pool has.
        assert_eq!(pool.done().iter().map(|done| done.value).collect::<Vec<_>>(), [7]);
        pool.shutdown();
        assert!(pool.submit(|| 1).is_err());
        assert!(pool.failed().is_empty());
    }
}

#[test]
fn a_hook_may_shut_its_pool_down() {
    let handle: Arc<std::sync::OnceLock<Pool<u32>>> = Arc::default();
    // Weak: a pool whose own hook holds a handle would never be dropped.
    let inner = Arc::downgrade(&handle);
    let shut_down = move |_| inner.upgrade().unwrap().get().unwrap().shutdown();
    let pool: Pool<u32> = Pool::builder().threads(1).on_thread_start(shut_down).build().unwrap();
    handle.set(pool.clone()).unwrap();
    let _ = pool.submit(|| 7);
    pool.shutdown();
    assert_eq!(values(pool.done()), [7]);
}

#[test]
fn a_hook_at_the_end_may_shut_its_pool_down() {
    let handle: Arc<std::sync::OnceLock<Pool<u32>>> = Arc::default();
    let (inner, calls) = (Arc::downgrade(&handle), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&calls);
    let shut_down = move |_| {
        let pool = inner.upgrade().unwrap();
        pool.get().unwrap().shutdown_now();
        assert!(!pool.get().unwrap().shutdown_timeout(HOUR), "it cannot wait for itself");
        count.fetch_add(1, Ordering::SeqCst);
    };
    let pool: Pool<u32> = Pool::builder().threads(2).on_thread_stop(shut_down).build().unwrap();
    handle.set(pool.clone()).unwrap();
    drop([Occupied::new(&pool), Occupied::new(&pool)]);
    pool.shutdown();
    assert_eq!((calls.load(Ordering::SeqCst), pool.alive()), (2, 0));
}

#[test]
fn a_jobs_callback_may_shut_its_pool_down() {
    for now in [false, true] {
        let pool: Pool<u32> = pool(2);
        let inner = pool.clone();
        let shut_down = move |_, value| {
            assert_eq!(value, 7);
            if now {
                inner.shutdown_now();
            } else {
                inner.shutdown();
            }
            assert!(!inner.shutdown_timeout(HOUR), "it cannot wait for itself");
            assert!(inner.submit(|| 8).is_err() || !now);
        };
        pool.submit_done(|| 7, shut_down).unwrap();
        pool.wait_idle();
        pool.shutdown();
        assert_eq!((pool.alive(), pool.counts().failed), (0, 0));
    }
}

/// Shuts the pool down when it is dropped, which does not wait.
struct Ends(Pool<u32>, Arc<AtomicUsize>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.shutdown();
        assert!(!self.0.shutdown_timeout(HOUR) && !self.0.wait_ended(None));
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn one_of_many_that_are_removed_may_shut_the_pool_down() {
    let ways: [fn(&Pool<u32>); 5] = [
        Pool::shutdown,
        Pool::reset,
        |pool| _ = pool.shutdown_now(),
        |pool| _ = pool.cancel_timers(),
        |pool| _ = Group::cancel(pool),
    ];
    for remove in ways {
        let (pool, calls): (Pool<u32>, _) = (pool(1), Arc::new(AtomicUsize::new(0)));
        for _ in 0..3 {
            let ends = Ends(pool.clone(), Arc::clone(&calls));
            pool.schedule(HOUR, move || (&ends, 1).1).unwrap();
        }
        remove(&pool);
        assert_eq!(calls.load(Ordering::SeqCst), 3);
        pool.shutdown();
        assert!(pool.is_ended());
    }
}

#[test]
fn what_a_shutdown_removes_may_shut_the_pool_down() {
    for is_inside in [false, true] {
        let (pool, calls): (Pool<u32>, _) = (pool(2), Arc::new(AtomicUsize::new(0)));
        let ends = || Ends(pool.clone(), Arc::clone(&calls));
        let (weak, count) = (pool.downgrade(), Arc::clone(&calls));
        let told = move |_, _| drop(Ends(weak.upgrade().unwrap(), Arc::clone(&count)));
        let group = pool.group::<u32>().limit(1).on_removed(told).build().unwrap();
        let begun = Arc::new(Semaphore::new(0));
        let has_begun = Arc::clone(&begun);
        let waits = pool.job_with(move |job| {
            has_begun.release(1).unwrap();
            job.cancelled();
            7
        });
        waits.submit().unwrap();
        begun.acquire().unwrap().forget();
        for _ in 0..2 {
            let ends = ends();
            pool.submit_later(HOUR, move || (ends, 1).1).unwrap();
            group.submit_later(HOUR, || 2).unwrap();
        }
        let shut_down = || pool.shutdown_now().len();
        assert_eq!(if is_inside { pool.run(shut_down) } else { shut_down() }, 4);
        assert!(pool.wait_ended(None));
        assert_eq!((calls.load(Ordering::SeqCst), values(pool.done())), (4, vec![7]));
        assert!(pool.shutdown_timeout(Duration::ZERO), "this thread may wait again");
    }
}

#[test]
fn the_last_handle_drains() {
    let ran = Arc::new(AtomicUsize::new(0));
    let pool: Pool = pool(2);
    let second = pool.clone();
    for n in 0..300 {
        let ran = Arc::clone(&ran);
        let job = move || _ = ran.fetch_add(1, Ordering::SeqCst);
        if n % 10 == 0 { pool.submit_later(Duration::from_micros(n), job) } else { pool.submit(job) }.unwrap();
    }
    drop(pool);
    second.submit(|| ()).unwrap();
    drop(second);
    assert_eq!(ran.load(Ordering::SeqCst), 300);
    assert_eq!(Arc::strong_count(&ran), 1);
}

#[test]
fn the_last_handle_may_be_dropped_by_a_job() {
    let (sender, receiver) = std::sync::mpsc::channel();
    for _ in 0..50 {
        let pool: Pool = pool(2);
        let (inner, sender) = (pool.clone(), sender.clone());
        let gate = Arc::new(Semaphore::new(0));
        let wait = Arc::clone(&gate);
        pool.submit(move || {
            wait.acquire().unwrap().forget();
            let last = inner.clone();
            last.submit(move || sender.send(()).unwrap()).unwrap();
            drop((inner, last));
        })
        .unwrap();
        drop(pool);
        gate.release(1).unwrap();
    }
    drop(sender);
    assert_eq!(receiver.iter().count(), 50);
}

#[test]
fn clear_opens_again_with_nothing_left() {
    let pool: Pool<u32> = pool(2);
    for round in 0..20 {
        (0..50).for_each(|n| _ = pool.submit(move || n).unwrap());
        pool.submit(|| Err::<u32, _>("no")).unwrap();
        pool.submit_later(HOUR, || 9).unwrap();
        pool.schedule(HOUR, || 9).unwrap();
        if round % 2 == 0 {
            pool.cancel_timers();
            pool.shutdown();
        } else {
            pool.shutdown_now();
        }
        assert!(pool.submit(|| 1).is_err());
        pool.reset();
        assert!(pool.done().is_empty() && pool.failed().is_empty() && pool.delayed().is_empty());
        pool.submit(|| 7).unwrap();
        assert_eq!(pool.done().pop().unwrap().value, 7);
        pool.wait_idle();
    }
}

#[test]
fn clear_on_an_open_pool_empties_it() {
    let pool: Pool<u32> = pool(1);
    pool.submit(|| 1).unwrap();
    pool.wait_idle();
    let occupied = Occupied::new(&pool);
    let drops = Drops::default();
    for _ in 0..10 {
        let token = drops.one();
        pool.submit(move || (token, 1).1).unwrap();
    }
    pool.reset();
    assert_eq!((drops.count(), pool.done().len(), pool.pending()), (10, 0, 1));
    drop(occupied);
    pool.submit(|| 2).unwrap();
    pool.shutdown();
    assert_eq!(values(pool.done()), [2]);
}

#[test]
fn submitters_against_a_shutdown_lose_nothing() {
    for _ in 0..100 {
        let pool: Pool = pool(2);
        let (accepted, ran) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let ran = Arc::clone(&ran);
                        if pool.submit(move || _ = ran.fetch_add(1, Ordering::SeqCst)).is_ok() {
                            accepted.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
            pool.shutdown();
        });
        // What was accepted at the last moment is waited for by another shutdown.
        pool.shutdown();
        assert_eq!(ran.load(Ordering::SeqCst), accepted.load(Ordering::SeqCst));
    }
}

#[test]
fn a_shutdown_ends_when_the_last_timer_is_cancelled() {
    for (round, all) in [false, true].repeat(20).into_iter().enumerate() {
        let pool: Pool<u32> = pool(2);
        pool.submit(|| 1).unwrap();
        let id = pool.submit_later(HOUR, || 2).unwrap();
        std::thread::scope(|scope| {
            let shutdown = scope.spawn(|| pool.shutdown_timeout(Duration::from_mins(1)));
            while pool.submit(|| 3).is_ok() {}
            // The workers are anywhere between getting up for the shutdown and being asleep again.
            (0..round * 50).for_each(|_| std::thread::yield_now());
            if all {
                assert_eq!(pool.cancel_timers().len(), 1);
            } else {
                assert_eq!(pool.cancel(id), Cancellation::Removed);
            }
            assert!(shutdown.join().unwrap(), "it still waits for the timer");
        });
    }
}

#[test]
fn a_wait_inside_a_short_job_ends() {
    let pool: Pool = pool(1);
    for round in 0..50 {
        // Known to be short, so that many are claimed at a time.
        (0..300).for_each(|_| _ = pool.submit(|| ()).unwrap());
        let (inner, waited) = (pool.clone(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&waited);
        pool.submit(move || count.store(1 + usize::from(inner.wait_idle_timeout(HOUR)), Ordering::SeqCst)).unwrap();
        // Behind it, in the same claim: another worker has to take it over.
        (0..3).for_each(|_| _ = pool.submit(|| ()).unwrap());
        assert!(pool.wait_idle_timeout(Duration::from_mins(1)), "round {round}");
        assert_eq!(waited.load(Ordering::SeqCst), 2);
    }
}
