//! Scopes: their jobs borrow, so nobody removes them but the scope, and it does not end before them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::thread;

use super::{Ends, Flag, Tally, check_balance, model, pool};
use crate::{ScopedContext, Semaphore};

/// Whoever cancels all that there is, a scope's jobs run.
#[test]
fn a_scope_meets_a_cancel_of_all() {
    model(|| {
        let (pool, others) = (pool(1).build().unwrap(), Tally::default());
        let canceller = {
            let (pool, others) = (pool.clone(), others.clone());
            thread::spawn(move || {
                pool.submit(others.job()).unwrap();
                pool.cancel_queued();
            })
        };
        let ran = AtomicUsize::new(0);
        pool.scope(|scope| {
            for _ in 0..2 {
                drop(scope.spawn_with_handle(|| ran.fetch_add(1, Ordering::Relaxed)));
            }
        });
        assert_eq!(ran.into_inner(), 2);
        canceller.join().unwrap();
        assert!(pool.wait_idle());
        pool.shutdown();
        check_balance(&pool);
    });
}

/// The same for the end of the pool.
#[test]
fn a_scope_meets_a_shutdown_that_removes() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let closer = {
            let pool = pool.clone();
            thread::spawn(move || pool.shutdown_now())
        };
        let ran = AtomicUsize::new(0);
        pool.scope(|scope| {
            drop(scope.spawn_with_handle(|| ran.fetch_add(1, Ordering::Relaxed)));
            scope.spawn(|| _ = ran.fetch_add(1, Ordering::Relaxed));
        });
        assert_eq!(ran.into_inner(), 2);
        closer.join().unwrap();
        check_balance(&pool);
    });
}

/// A scope's own cancel, by a job of it: each of the others ran or was dropped when the scope is over.
#[test]
fn a_scope_is_cancelled_by_its_job() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        pool.scope(|scope| {
            drop(scope.spawn_with_handle(tally.job()));
            scope.spawn(|| scope.cancel());
            scope.spawn(tally.job());
            drop(scope.spawn_with_handle(|| ()));
        });
        let ends = Ends::of(&tally);
        pool.shutdown();
        check_balance(&pool);
        assert_eq!(ends.done + ends.cancelled, 2);
    });
}

/// A job waits to be told to stop, and another one tells it so: by a cancel, or by a panic, as a task and as a job with a handle.
#[test]
fn a_job_of_a_scope_waits_to_be_told_to_stop() {
    for stop in 0..3 {
        model(move || {
            let (pool, tally, begun) = (pool(2).build().unwrap(), Tally::default(), Flag::default());
            let (counts, tells) = (tally.job(), begun.clone());
            let scope = || {
                pool.scope(|scope| {
                    scope.stop_on_panic();
                    let stops = move || {
                        begun.wait();
                        match stop {
                            0 => scope.cancel(),
                            _ => panic!("on purpose"),
                        }
                    };
                    let waits = move |job: &ScopedContext<'_>| {
                        tells.raise();
                        job.cancelled();
                        counts();
                    };
                    // What its own thread spawns last it begins first.
                    if stop == 2 {
                        drop(scope.spawn_with_handle(stops));
                    } else {
                        scope.spawn(stops);
                    }
                    scope.spawn_with(waits);
                });
            };
            assert_eq!(catch_unwind(AssertUnwindSafe(scope)).is_err(), stop == 1);
            assert_eq!((tally.ran(), tally.left()), (1, 0));
            pool.shutdown();
            check_balance(&pool);
        });
    }
}

/// A job of a scope spawns into it while the owner leaves.
#[test]
fn a_job_spawns_into_a_scope_that_ends() {
    model(|| {
        let (pool, tally) = (pool(2).build().unwrap(), Tally::default());
        pool.scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| scope.spawn(tally.job()));
            }
        });
        assert_eq!((tally.ran(), tally.left()), (2, 0));
        pool.shutdown();
        check_balance(&pool);
    });
}

/// The owner waits for its tasks by means that nobody knows, and helps with nothing.
#[test]
fn who_is_called_for_tasks_comes() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let last = Flag::default();
        pool.scope(|scope| {
            scope.spawn(tally.job());
            thread::yield_now();
            scope.spawn(tally.with(|| last.raise()));
            last.wait();
        });
        assert_eq!((tally.ran(), tally.left()), (2, 0));
        pool.shutdown();
        check_balance(&pool);
    });
}

/// Tasks wait for each other: whoever has both does not keep the other from those who are there.
#[test]
fn tasks_wait_for_each_other() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let flag = Flag::default();
        pool.scope(|scope| {
            scope.spawn(tally.job());
            scope.spawn(tally.with(|| flag.wait()));
            scope.spawn(tally.with(|| flag.raise()));
            scope.spawn(tally.job());
        });
        assert_eq!((tally.ran(), tally.left()), (4, 0));
        pool.shutdown();
    });
}

/// The only worker has all, and waits in the first; its stand-in goes on.
#[test]
fn a_stand_in_helps_with_tasks() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let (semaphore, over) = (Semaphore::new(0), Flag::default());
        pool.scope(|scope| {
            scope.spawn(tally.with(|| {
                semaphore.acquire().unwrap().forget();
                over.raise();
            }));
            scope.spawn(tally.with(|| semaphore.release(1).unwrap()));
            over.wait();
        });
        assert_eq!((tally.ran(), tally.left()), (2, 0));
        pool.shutdown();
    });
}

/// Few, and more than there is room for: those for which there is none are jobs.
#[test]
fn tasks_are_each_run_once() {
    for tasks in [3, 7] {
        model(move || {
            let pool = pool(1).build().unwrap();
            let ran: Vec<_> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
            pool.scope(|scope| ran.iter().for_each(|ran| scope.spawn(|| _ = ran.fetch_add(1, Ordering::Relaxed))));
            assert!(ran.into_iter().all(|ran| ran.into_inner() == 1));
            pool.shutdown();
            check_balance(&pool);
        });
    }
}

/// The owner is about to sleep when a job of its scope spawns another one, for which there is nobody else.
#[test]
fn a_job_waits_for_what_only_the_owner_can_run() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        pool.scope(|scope| {
            let tally = &tally;
            let _waits = scope.spawn_with_handle(move || {
                let ran = Flag::default();
                let tells = ran.clone();
                let inner = tally.job();
                scope.spawn(move || {
                    inner();
                    tells.raise();
                });
                ran.wait();
            });
        });
        assert_eq!(tally.ran(), 1);
        pool.shutdown();
        check_balance(&pool);
    });
}
