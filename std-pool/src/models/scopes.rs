//! Scopes: their jobs borrow, so nobody removes them but the scope, and it does not end before them.

use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::thread;

use super::{Ends, Tally, check, model, pool};

/// Whoever cancels all that there is, a scope's jobs run.
#[test]
fn a_scope_meets_a_cancel_of_all() {
    model(|| {
        let (pool, others) = (pool(1).build().unwrap(), Tally::default());
        let canceller = {
            let (pool, others) = (pool.clone(), others.clone());
            thread::spawn(move || {
                pool.submit(others.job()).unwrap();
                pool.cancel_all();
            })
        };
        let ran = AtomicUsize::new(0);
        pool.scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| _ = ran.fetch_add(1, Ordering::Relaxed));
            }
        });
        assert_eq!(ran.into_inner(), 2);
        canceller.join().unwrap();
        assert!(pool.wait_idle());
        let Ends { done, cancelled, .. } = Ends::of(&others);
        pool.shutdown();
        check(&pool, Ends { done: done + 2, failed: 0, cancelled });
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
            for _ in 0..2 {
                scope.spawn(|| _ = ran.fetch_add(1, Ordering::Relaxed));
            }
        });
        assert_eq!(ran.into_inner(), 2);
        closer.join().unwrap();
        let account = pool.engine().core.account();
        assert_eq!((account.pending(), account.cancelled, account.accepted), (0, 0, account.sum()));
        assert_eq!(pool.engine().core.audit().err(), None);
    });
}

/// A scope's own cancel, by a job of it: each of the others ran or was dropped when the scope is over.
#[test]
fn a_scope_is_cancelled_by_its_job() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        pool.scope(|scope| {
            scope.spawn(tally.job());
            scope.spawn(|| scope.cancel());
            scope.spawn(tally.job());
        });
        let ends = Ends::of(&tally);
        pool.shutdown();
        let account = pool.engine().core.account();
        assert_eq!((account.pending(), account.accepted), (0, account.sum()));
        assert_eq!((account.done + account.cancelled, account.cancelled >= ends.cancelled), (3, true));
        assert_eq!(pool.engine().core.audit().err(), None);
    });
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
        check(&pool, Ends::ran(4));
    });
}
