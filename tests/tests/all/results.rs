//! The done and the failed queue, and waiting for what comes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fastthreadpool::{Pool, Semaphore};

use crate::support::{Occupied, pool, values};

#[test]
fn a_queue_is_read_in_many_ways() {
    let pool = pool(1);
    assert!(pool.done().is_empty() && pool.done().try_pop().is_none());
    (0..6).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.wait_idle();
    assert_eq!((pool.done().len(), pool.done_cnt().value()), (6, 6));
    assert_eq!(pool.done().try_pop().unwrap().value, 0);
    assert_eq!(pool.done().pop().unwrap().value, 1);
    assert_eq!(pool.done().pop_timeout(Duration::from_secs(10)).unwrap().value, 2);
    let permit = pool.done_cnt().acquire().unwrap();
    assert_eq!(pool.done().take(permit).unwrap().value, 3);
    assert_eq!(values(pool.done()), [4, 5]);
    assert!(pool.done().is_empty());
    assert_eq!(pool.done_cnt().value(), 0);
}

#[test]
fn a_permit_that_is_dropped_leaves_its_entry() {
    let pool = pool(1);
    pool.submit(|| 7).unwrap();
    drop(pool.done_cnt().acquire().unwrap());
    assert_eq!(pool.done().pop().unwrap().value, 7);
}

#[test]
#[should_panic(expected = "must be one of this queue's semaphore")]
fn a_foreign_permit_takes_nothing() {
    let pool: Pool<u8> = pool(1);
    let other = Semaphore::new(1);
    pool.done().take(other.acquire().unwrap());
}

#[test]
fn waiting_ends_with_a_result_with_the_time_or_with_the_pool() {
    let pool = pool(1);
    let began = Instant::now();
    assert!(pool.done().pop_timeout(Duration::from_millis(5)).is_none());
    assert!(began.elapsed() >= Duration::from_millis(5));

    let reader = std::thread::spawn({
        let pool = pool.clone();
        move || pool.done().iter().map(|done| done.value).collect::<Vec<_>>()
    });
    (0..100).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.shutdown();
    assert_eq!(reader.join().unwrap(), (0..100).collect::<Vec<_>>());
    assert!(pool.done().pop().is_none() && pool.done().pop_timeout(Duration::MAX).is_none());
}

#[test]
fn what_is_left_at_the_end_is_read_after_it() {
    let pool = pool(2);
    (0..10).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.shutdown();
    assert_eq!(pool.done().iter().count(), 10);
}

#[test]
fn several_readers_share_a_queue() {
    let pool: Pool<u32> = pool(2);
    let mut read: Vec<u32> = std::thread::scope(|scope| {
        let readers: Vec<_> =
            (0..3).map(|_| scope.spawn(|| pool.done().iter().map(|done| done.value).collect::<Vec<_>>())).collect();
        (0..3000).for_each(|n| _ = pool.submit(move || n).unwrap());
        pool.shutdown();
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
    });
    read.sort_unstable();
    assert_eq!(read, (0..3000).collect::<Vec<_>>());
}

#[test]
fn unit_results_are_not_kept() {
    let pool: Pool = pool(1);
    (0..10).for_each(|_| _ = pool.submit(|| ()).unwrap());
    pool.wait_idle();
    assert_eq!((pool.done().len(), pool.counts().done), (0, 10));
}

#[test]
fn completed_yields_both_kinds_and_ends_by_itself() {
    let pool: Pool<i32> = pool(2);
    (0..100).for_each(|n| _ = pool.submit(move || if n % 10 == 0 { Err("tenth") } else { Ok(n) }).unwrap());
    let (done, failed): (Vec<_>, Vec<_>) = pool.completed().partition(Result::is_ok);
    assert_eq!((done.len(), failed.len()), (90, 10));
    assert_eq!(pool.completed().count(), 0);
}

#[test]
fn completed_keeps_to_its_limits() {
    let pool: Pool<i32> = pool(1);
    let occupied = Occupied::new(&pool);
    (0..5).for_each(|n| _ = pool.submit(move || n).unwrap());
    assert_eq!(pool.completed().now().count(), 0);
    let began = Instant::now();
    assert_eq!(pool.completed().timeout(Duration::from_millis(3)).count(), 0);
    assert!(began.elapsed() >= Duration::from_millis(3));
    drop(occupied);
    assert_eq!(pool.completed().limit(2).count(), 2);
    assert_eq!(pool.completed().limit(0).count(), 0);
    assert_eq!(pool.completed().count(), 3);
}

#[test]
fn completed_follows_jobs_that_submit_jobs() {
    fn chain(pool: &Pool<u32>, n: u32) -> u32 {
        if n > 0 {
            let next = pool.clone();
            pool.submit(move || chain(&next, n - 1)).unwrap();
        }
        n
    }
    let pool = pool(2);
    let first = pool.clone();
    pool.submit(move || chain(&first, 50)).unwrap();
    let seen: BTreeSet<_> = pool.completed().map(|ended| ended.unwrap().value).collect();
    assert_eq!(seen, (0..=50).collect());
}

#[test]
fn a_job_collects_what_others_leave() {
    let pool: Pool<u32> = pool(1);
    let inner = pool.clone();
    let sum = pool.spawn(move || {
        (1..=10).for_each(|n| _ = inner.submit(move || n).unwrap());
        // The only worker is inside of this: another stands in.
        inner.completed().map(|ended| ended.unwrap().value).sum::<u32>()
    });
    assert_eq!(sum.unwrap().join().unwrap(), 55);
}
