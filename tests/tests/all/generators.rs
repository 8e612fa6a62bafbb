//! Several results from one job.

use std::sync::Arc;

use fastthreadpool::{Cancellation, EmitError, JobError, Pool, Semaphore};

use crate::support::{Occupied, pool, values};

#[test]
fn an_iterators_items_are_results_in_its_order() {
    let pool = pool(2);
    let a = pool.submit_iter(|| 0..100).unwrap();
    let b = pool.submit_iter(|| 100..200).unwrap();
    pool.shutdown();
    let all: Vec<_> = pool.done().drain().collect();
    for (id, from) in [(a, 0), (b, 100)] {
        let of_one: Vec<_> = all.iter().filter(|done| done.id == id).map(|done| done.value).collect();
        assert_eq!(of_one, (from..from + 100).collect::<Vec<i32>>());
    }
    assert_eq!(pool.counts().done, 2);
}

#[test]
fn items_are_there_as_they_are_produced() {
    let pool = pool(1);
    let gate = Arc::new(Semaphore::new(0));
    let inside = Arc::clone(&gate);
    pool.submit_iter(move || {
        (0..3).inspect(move |n| {
            if *n > 0 {
                inside.acquire().unwrap().forget();
            }
        })
    })
    .unwrap();
    for n in 0..3 {
        assert_eq!(pool.done().pop().unwrap().value, n);
        if n < 2 {
            assert_eq!((pool.busy(), pool.done().len()), (1, 0));
            gate.release(1).unwrap();
        }
    }
}

#[test]
fn an_item_can_fail_alone_and_a_panic_ends_the_job() {
    let pool: Pool<i32> = pool(1);
    let id = pool.submit_iter(|| ["1", "x", "3"].into_iter().map(str::parse::<i32>)).unwrap();
    let other = pool.submit_iter(|| (0..5).inspect(|n| assert!(*n < 2, "two is too much"))).unwrap();
    let third = pool.submit_iter(|| -> std::ops::Range<i32> { panic!("before the first") }).unwrap();
    pool.shutdown();
    assert_eq!(values(pool.done()), [1, 3, 0, 1]);
    let failed: Vec<_> = pool.failed().drain().map(|failed| (failed.id, failed.error.to_string())).collect();
    assert_eq!(failed[0].0, id);
    assert_eq!(failed[1], (other, "the job panicked: two is too much".to_owned()));
    assert_eq!(failed[2], (third, "the job panicked: before the first".to_owned()));
    let counts = pool.counts();
    assert_eq!((counts.done, counts.failed, counts.reports), (1, 2, 1), "the job whose item failed ended well");
}

#[test]
fn emitted_values_come_before_the_returned_one() {
    let pool: Pool<i32> = pool(1);
    let id = pool
        .submit_with(|job| {
            assert!(!job.is_cancelled());
            for n in 0..3 {
                job.emit(n)?;
            }
            Ok::<_, EmitError<i32>>(3)
        })
        .unwrap();
    let told = pool.submit_with(|job| i32::from(format!("{job:?}").contains("Context"))).unwrap();
    pool.shutdown();
    let all: Vec<_> = pool.done().drain().map(|done| (done.id, done.value)).collect();
    assert_eq!(all, [(id, 0), (id, 1), (id, 2), (id, 3), (told, 1)]);
}

#[test]
fn a_job_knows_its_id() {
    let pool: Pool<String> = pool(1);
    let occupied = Occupied::new(&pool);
    let ids =
        [pool.submit_with(|job| job.id().to_string()).unwrap(), pool.submit_with(|job| job.id().to_string()).unwrap()];
    drop(occupied);
    pool.shutdown();
    for (done, id) in pool.done().drain().zip(ids) {
        assert_eq!((done.id, done.value), (id, id.to_string()));
    }
}

#[test]
fn a_cancelled_iterator_ends_between_two_items() {
    let pool = pool(1);
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (has_begun, inside) = (Arc::clone(&begun), Arc::clone(&gate));
    let id = pool
        .submit_iter(move || {
            (0..).inspect(move |n| {
                if *n == 2 {
                    has_begun.release(1).unwrap();
                    inside.acquire().unwrap().forget();
                }
            })
        })
        .unwrap();
    begun.acquire().unwrap().forget();
    assert_eq!(pool.cancel(id), Cancellation::Stopping);
    gate.release(1).unwrap();
    pool.wait_idle();
    assert_eq!(values(pool.done()), [0, 1, 2]);
    assert_eq!(pool.cancel(id), Cancellation::TooLate);
}

#[test]
fn an_iterator_of_a_cancelled_group_does_not_wait_for_room() {
    let pool: Pool = pool(1);
    let group = pool.group::<i32>().done_capacity(1).build().unwrap();
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (has_begun, inside) = (Arc::clone(&begun), Arc::clone(&gate));
    group
        .submit_iter(move || {
            (0..).inspect(move |_| {
                has_begun.release(1).unwrap();
                inside.acquire().unwrap().forget();
            })
        })
        .unwrap();
    begun.acquire().unwrap().forget();
    assert_eq!(group.cancel(), 1);
    gate.release(1).unwrap();
    // Nobody reads the result that takes the only room.
    assert!(group.wait());
    assert_eq!(values(group.done()), [0]);
    assert_eq!((group.counts().pending, group.counts().accepted), (0, 1));
}

#[test]
fn map_iter_makes_one_job_of_each_item() {
    let pool = pool(2);
    let ids = pool.map_iter(1..=3, |n| (0..n).map(move |m| (n, m))).unwrap();
    pool.shutdown();
    let all: Vec<_> = pool.done().drain().collect();
    for (id, n) in ids.into_iter().zip(1..) {
        let of_one: Vec<_> = all.iter().filter(|done| done.id == id).map(|done| done.value).collect();
        assert_eq!(of_one, (0..n).map(|m| (n, m)).collect::<Vec<_>>());
    }
    let error = pool.map_iter(0..3, |n| std::iter::once((n, 0))).unwrap_err();
    assert!(error.submitted.is_empty() && error.to_string().starts_with("0 items"));
}

#[test]
fn the_context_says_why_a_value_was_not_taken() {
    let error = EmitError(7);
    assert!(!error.to_string().is_empty());
    assert!(matches!(JobError::from_emit(error), JobError::Failed(_)));
}

trait FromEmit {
    fn from_emit(error: EmitError<i32>) -> JobError;
}

impl FromEmit for JobError {
    fn from_emit(error: EmitError<i32>) -> JobError {
        JobError::Failed(error.into())
    }
}
