//! What goes wrong outside of the pool: threads that cannot be started.

use std::time::Duration;

use fastthreadpool::{JobError, Pool, SubmitError};

use crate::support::NO_STACK;

/// A pool whose threads ask for more memory than there are addresses.
fn without_threads() -> Pool<u32> {
    Pool::builder().threads(2).stack_size(NO_STACK).queue_capacity(4).build().expect("no thread is started yet")
}

#[test]
fn a_batch_that_nobody_could_run_comes_back() {
    let pool: Pool<u32> = Pool::builder().threads(2).stack_size(NO_STACK).build().unwrap();
    for _ in 0..10 {
        let mut jobs = (0..40).map(|n| move || n);
        let error = pool.submit_all(&mut jobs).unwrap_err();
        assert!(matches!(error.reason, SubmitError::NoThread(..)));
        assert_eq!(error.accepted, 0);
        assert!(error.refused.into_iter().chain(jobs).map(|job| job()).eq(0..40));
    }
    assert_eq!(pool.counts().pending, 0);
    pool.shutdown();
}

#[test]
fn a_job_that_nobody_could_run_comes_back() {
    let pool = without_threads();
    for n in 0..10 {
        let error = pool.submit(move || n).unwrap_err();
        let SubmitError::NoThread(_, reason) = &error else { panic!("{error}") };
        assert!(error.to_string().ends_with(&reason.to_string()));
        assert_eq!(error.into_inner()(), n);
        assert!(matches!(pool.submit_first(|| 1), Err(SubmitError::NoThread(..))));
        assert!(matches!(pool.spawn(|| 1), Err(SubmitError::NoThread(..))));
    }
    let counts = pool.counts();
    assert_eq!((counts.pending, counts.alive, counts.done, counts.failed, counts.cancelled), (0, 0, 0, 0, 0));
    pool.shutdown();
}

#[test]
fn what_the_caller_can_do_is_done() {
    let pool = without_threads();
    let items: Vec<u32> = (0..1000).collect();
    assert!(pool.par_map(&items, |n| n + 1).into_iter().eq(1..=1000));
    assert!(pool.map(0..100_u32, |n| n).iter().map(Result::unwrap).eq(0..100));
    let mut ran = [false; 20];
    pool.scope(|scope| {
        for ran in &mut ran {
            scope.spawn(|| *ran = true);
        }
    });
    assert!(ran.iter().all(|ran| *ran));
    assert!(pool.map(0..3, |n| n).to_done().is_err());
    assert!(pool.wait_idle());
}

#[test]
fn a_delayed_job_comes_back_too_and_a_late_one_is_run_by_who_shuts_down() {
    let pool = without_threads();
    assert!(matches!(pool.submit_later(Duration::ZERO, || 1), Ok(_) | Err(SubmitError::NoThread(..))));
    pool.shutdown();
    assert_eq!((pool.pending(), pool.counts().timers), (0, 0));
}

#[test]
fn a_map_over_a_stream_survives_a_pool_that_ends_in_between() {
    let pool: Pool<u32> = crate::support::pool(2);
    let mut stream = pool.map(0_u32.., |n| n).iter();
    assert_eq!(stream.next().unwrap().unwrap(), 0);
    pool.shutdown();
    let rest: Vec<_> = stream.take(1000).collect();
    let ran = rest.iter().take_while(|result| result.is_ok()).count();
    assert!(rest[ran..].iter().all(|result| matches!(result, Err(JobError::Cancelled))));
}
