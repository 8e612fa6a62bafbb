//! Many jobs by one call: all of them run, in their order, and those that are refused come back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastthreadpool::{Pool, SubmitError};

use crate::support::{Occupied, pool, values};

#[test]
fn batches_of_any_length_keep_the_order() {
    let pool: Pool<usize> = pool(1);
    let lengths = [0, 1, 31, 32, 33, 64, 1000];
    for length in lengths {
        assert_eq!(pool.submit_all((0..length).map(|n| move || n)).unwrap(), length);
    }
    pool.shutdown();
    assert_eq!(values(pool.done()), lengths.iter().flat_map(|length| 0..*length).collect::<Vec<_>>());
}

#[test]
fn a_job_submits_a_batch_while_others_do() {
    let pool: Pool<usize> = pool(3);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let pool = pool.clone();
            scope.spawn(move || {
                let nested = pool.clone();
                let inner = move || nested.submit_all((0..1000).map(|n| move || n)).unwrap();
                pool.submit(inner).unwrap();
                pool.submit_all((0..1000).map(|n| move || n)).unwrap();
            });
        }
    });
    pool.wait_idle();
    let mut values = values(pool.done());
    values.sort_unstable();
    // The three who submitted have left how many: a thousand each.
    let mut all: Vec<_> = (0..1000).flat_map(|n| [n; 6]).chain([1000; 3]).collect();
    all.sort_unstable();
    assert_eq!(values, all);
}

#[test]
fn a_closed_pool_gives_back_what_was_taken_from_the_iterator() {
    let pool: Pool<usize> = pool(1);
    pool.shutdown();
    let mut jobs = (0..100).map(|n| move || n);
    let error = pool.submit_all(&mut jobs).unwrap_err();
    assert!(matches!(error.reason, SubmitError::Closed(())));
    assert_eq!(error.accepted, 0);
    assert!(error.to_string().contains("0 jobs were accepted"));
    assert!(error.refused.into_iter().chain(jobs).map(|job| job()).eq(0..100), "none is lost");
    assert_eq!(pool.submit_all(std::iter::empty::<fn() -> usize>()).unwrap(), 0);
}

#[test]
fn a_bounded_queue_takes_as_many_as_fit() {
    let pool: Pool<usize> = Pool::builder().threads(1).queue_capacity(5).build().unwrap();
    let busy = Occupied::new(&pool);
    let mut jobs = (0..8).map(|n| move || n);
    let error = pool.submit_all(&mut jobs).unwrap_err();
    assert!(matches!(error.reason, SubmitError::Full(())));
    assert_eq!((error.accepted, error.refused.len()), (5, 1));
    assert!(error.refused.into_iter().chain(jobs).map(|job| job()).eq(5..8));
    drop(busy);
    pool.shutdown();
    assert_eq!(values(pool.done()), [0, 1, 2, 3, 4]);
}

#[test]
fn a_group_takes_them_one_by_one() {
    let pool: Pool<usize> = pool(2);
    let strand = pool.group::<usize>().limit(1).build().unwrap();
    assert_eq!(strand.submit_all((0..100).map(|n| move || n)).unwrap(), 100);
    strand.wait();
    assert_eq!(values(strand.done()), (0..100).collect::<Vec<_>>());
}

#[test]
fn an_iterator_that_panics_loses_less_than_a_batch_and_the_pool_nothing() {
    struct Kept(Arc<AtomicUsize>);
    impl Drop for Kept {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let pool: Pool<usize> = pool(1);
    let dropped = Arc::new(AtomicUsize::new(0));
    let jobs = (0..100).map(|n| {
        assert_ne!(n, 70, "as asked");
        let kept = Kept(Arc::clone(&dropped));
        move || {
            drop(kept);
            n
        }
    });
    catch_unwind(AssertUnwindSafe(|| pool.submit_all(jobs))).unwrap_err();
    pool.shutdown();
    let mut values = values(pool.done());
    // A worker does not wait for a job that is not quite in while later ones are.
    values.sort_unstable();
    assert!(values.iter().copied().eq(0..64), "what was full went in: {values:?}");
    assert_eq!(dropped.load(Ordering::Relaxed), 70);
}

#[test]
fn cancelling_reaches_into_a_batch() {
    let pool: Pool<usize> = pool(1);
    let busy = Occupied::new(&pool);
    assert_eq!(pool.submit_all((0..100).map(|n| move || n)).unwrap(), 100);
    assert_eq!(pool.cancel_queued().len(), 100);
    drop(busy);
    pool.shutdown();
    assert_eq!(values(pool.done()), []);
}
