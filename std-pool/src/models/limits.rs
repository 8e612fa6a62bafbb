//! The limits of jobs: who minds them, and the jobs that begin, end, or are cancelled meanwhile.

use std::sync::Arc;
use std::time::Duration;

use super::{Ends, Flag, Tally, check, check_group, model, pool};
use crate::engine::limits::Limits;
use crate::sys::thread;
use crate::{CancelReason, JobError, OnDrop, Pool};

/// Some looks at the clock.
const SOON: Duration = Duration::from_micros(9);

fn limits(pool: &Pool) -> Arc<Limits> {
    pool.engine().limits().unwrap()
}

/// Nothing is limited any more.
fn check_limits(pool: &Pool) {
    assert!(limits(pool).is_empty());
    assert!(pool.overdue().is_empty());
}

#[test]
fn a_job_begins_while_it_expires() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let handle = pool.job(tally.job()).start_by(SOON).spawn().unwrap();
        match handle.join() {
            Ok(()) => assert_eq!(tally.ran(), 1),
            Err(error) => assert!(matches!(error, JobError::Expired) && tally.dropped() == 1),
        }
        assert!(pool.wait_idle());
        check_limits(&pool);
        pool.shutdown();
        check(&pool, Ends::of(&tally));
    });
}

/// The worker is busy until it has expired: nobody else can remove it.
#[test]
fn a_job_expires_behind_one_that_waits_for_that() {
    model(|| {
        let (pool, tally, gone) = (pool(1).build().unwrap(), Tally::default(), Flag::default());
        let reported = gone.clone();
        let group = pool.group::<()>().on_cancelled(move |_, reason| {
            assert_eq!(reason, CancelReason::Expired);
            reported.raise();
        });
        let group = group.build().unwrap();
        pool.submit(tally.with(move || gone.wait())).unwrap();
        group.job(tally.job()).start_by(SOON).submit().unwrap();
        assert!(pool.wait_idle());
        assert!(group.wait());
        check_limits(&pool);
        check_group(&group, Ends { cancelled: 1, ..Ends::default() });
        pool.shutdown();
    });
}

#[test]
fn a_job_is_cancelled_while_it_expires() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        pool.pause();
        let handle = pool.job(tally.job()).start_by(SOON).spawn().unwrap();
        pool.cancel(handle.id());
        assert!(matches!(handle.join(), Err(JobError::Expired | JobError::Cancelled)));
        assert_eq!(tally.dropped(), 1);
        check_limits(&pool);
        pool.shutdown();
        check(&pool, Ends::of(&tally));
    });
}

/// A run has time until just before its end; the next run of the same job has as much, and is not told for the other.
#[test]
fn a_run_ends_while_its_time_does() {
    model(|| {
        let (pool, is_last) = (pool(1).build().unwrap(), Flag::default());
        let last = is_last.clone();
        let job = pool.periodic_with(move |job| {
            thread::yield_now();
            if job.is_cancelled() {
                // Then it is its own time that is over.
                assert_eq!(job.engine().overdue(), [job.id()]);
            }
            if job.run() == 3 {
                job.stop();
                last.raise();
            }
        });
        job.every(Duration::from_nanos(1)).time_limit(SOON).submit().unwrap();
        is_last.wait();
        pool.shutdown();
        check_limits(&pool);
        check(&pool, Ends::ran(3));
    });
}

#[test]
fn a_run_waits_until_its_time_is_over() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let count = tally.job();
        let job = pool.job_with(move |job| {
            job.cancelled();
            count();
        });
        job.time_limit(SOON).submit().unwrap();
        assert!(pool.wait_idle());
        check_limits(&pool);
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

/// The thread that minds the limits is the last that has the pool, or a worker is.
#[test]
fn nobody_has_the_pool_when_a_job_expires() {
    model(|| {
        let (pool, tally) = (pool(1).on_drop(OnDrop::Detach).build().unwrap(), Tally::default());
        let gone = Arc::downgrade(pool.engine());
        let handle = pool.job(tally.job()).start_by(SOON).spawn().unwrap();
        drop(pool);
        let _ = handle.join();
        assert_eq!((tally.left(), tally.ran() + tally.dropped()), (0, 1));
        while gone.strong_count() > 0 {
            thread::yield_now();
        }
    });
}

/// What expires has the last handle, and another job ends when its own limit is over.
#[test]
fn the_last_handle_expires() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let (gone, last) = (Arc::downgrade(pool.engine()), pool.clone());
        let count = tally.job();
        let waits = pool.job_with(move |job| {
            job.cancelled();
            count();
        });
        let waits = waits.time_limit(SOON).spawn().unwrap();
        let expires = pool.job(tally.with(move || drop(last))).start_by(SOON).spawn().unwrap();
        drop(pool);
        let _ = expires.join();
        assert!(waits.join().is_ok());
        while gone.strong_count() > 0 {
            thread::yield_now();
        }
        assert_eq!(tally.left(), 0);
    });
}

#[test]
fn nobody_has_the_pool_when_its_last_limit_is_over() {
    model(|| {
        let (pool, tally) = (pool(1).on_drop(OnDrop::Detach).build().unwrap(), Tally::default());
        let gone = Arc::downgrade(pool.engine());
        // A time that never comes.
        drop(pool.job(tally.job()).start_by(Duration::MAX).spawn().unwrap());
        drop(pool);
        while gone.strong_count() > 0 {
            thread::yield_now();
        }
        assert_eq!(tally.ran(), 1);
    });
}
