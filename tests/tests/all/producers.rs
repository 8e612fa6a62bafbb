//! Producers: each submits by a queue of its own, and nothing is lost, out of order, or left behind.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use fastthreadpool::{
    Cancellation, Group, JobError, JobId, ManualClock, Pool, Priority, Producer, SubmitError, WhenFull,
};

use crate::support::{Occupied, pool, values};

#[test]
fn what_several_submit_at_the_same_time_runs_once_each() {
    let pool: Pool<(usize, usize)> = pool(3);
    // More than there are queues; and one who submits to the pool.
    thread::scope(|scope| {
        for number in 0..5 {
            let producer = pool.producer();
            scope.spawn(move || (0..10_000).for_each(|n| _ = producer.submit(move || (number, n)).unwrap()));
        }
        (0..10_000).for_each(|n| _ = pool.submit(move || (5, n)).unwrap());
    });
    pool.shutdown();
    let mut values = values(pool.done());
    values.sort_unstable();
    assert!(values.into_iter().eq((0..6).flat_map(|number| (0..10_000).map(move |n| (number, n)))));
}

#[test]
fn jobs_of_one_begin_in_their_order() {
    let pool: Pool<(usize, usize)> = pool(1);
    let producers = [pool.producer(), pool.producer()];
    let occupied = Occupied::new(&pool);
    for n in 0..1000 {
        for (number, producer) in producers.iter().enumerate() {
            producer.submit(move || (number, n)).unwrap();
        }
    }
    drop(occupied);
    pool.shutdown();
    let values = values(pool.done());
    for number in 0..2 {
        let of_one = values.iter().filter(|value| value.0 == number).map(|value| value.1);
        assert!(of_one.eq(0..1000));
    }
}

#[test]
fn the_first_jobs_of_a_pool_start_its_threads() {
    for producers in 1..=3 {
        let pool: Pool<usize> = pool(3);
        // The last of them has the queue of a thread that is not there.
        let producers: Vec<_> = (0..producers).map(|_| pool.producer()).collect();
        producers.last().unwrap().submit(|| 1).unwrap();
        pool.wait_idle();
        assert_eq!(pool.done().pop().unwrap().value, 1);
    }
}

/// One of two workers has more to do than it can, and the other is busy.
#[test]
fn none_waits_for_all_others_behind_a_worker_that_is_busy() {
    fn again(pool: &Pool, left: &Arc<AtomicUsize>) {
        let (next, others) = (pool.clone(), Arc::clone(left));
        let refused = pool.submit(move || {
            if others.load(Ordering::SeqCst) > 0 {
                again(&next, &others);
            }
        });
        refused.map(drop).unwrap();
    }
    let pool: Pool = pool(2);
    let left = Arc::new(AtomicUsize::new(2));
    let _occupied = Occupied::new(&pool);
    // There is always a job of this kind more than the worker that is left has begun, in its own queue.
    (0..100).for_each(|_| again(&pool, &left));
    for producer in [pool.producer(), pool.producer()] {
        let left = Arc::clone(&left);
        producer.submit(move || _ = left.fetch_sub(1, Ordering::SeqCst)).unwrap();
    }
    while left.load(Ordering::SeqCst) > 0 {
        thread::yield_now();
    }
}

/// A job of the group that submits itself again until it is told to end.
fn again_in(group: &Group<()>, ends: &Arc<AtomicBool>) {
    let (inside, told) = (group.clone(), Arc::clone(ends));
    let job = move || {
        if !told.load(Ordering::Relaxed) {
            again_in(&inside, &told);
        }
    };
    group.submit(job).unwrap();
}

/// The main queue is empty, so it is always the turn of what a gate lets through.
#[test]
fn none_waits_for_all_that_gates_let_through() {
    let pool: Pool = pool(1);
    let group = pool.group().limit(1).build().unwrap();
    let ends = Arc::new(AtomicBool::new(false));
    let producer = pool.producer();
    let occupied = Occupied::new(&pool);
    (0..3).for_each(|_| again_in(&group, &ends));
    let end = Arc::clone(&ends);
    producer.submit(move || end.store(true, Ordering::Relaxed)).unwrap();
    drop(occupied);
    pool.wait_idle();
    assert!(ends.load(Ordering::Relaxed));
}

/// As where all others are the pool's own.
#[test]
fn classes_have_their_shares_beside_producers() {
    for (class, number, until) in [(Priority::High, 500, 2000), (Priority::Low, 50, 8000)] {
        let pool: Pool<Option<usize>> = pool(1);
        let (producer, occupied) = (pool.producer(), Occupied::new(&pool));
        (0..20_000).for_each(|_| _ = producer.submit(|| None).unwrap());
        (0..number).for_each(|n| _ = pool.job(move || Some(n)).priority(class).submit().unwrap());
        drop(occupied);
        pool.shutdown();
        let values = values(pool.done());
        let last = values.iter().position(|value| *value == Some(number - 1)).unwrap();
        assert!(last < until, "{class:?}: {last}");
    }
}

#[test]
fn a_job_is_found_by_its_id() {
    let pool: Pool<u8> = pool(2);
    let occupied = [Occupied::new(&pool), Occupied::new(&pool)];
    let (one, other) = (pool.producer(), pool.producer());
    let ids = [one.submit(|| 1).unwrap(), other.submit(|| 2).unwrap(), one.submit(|| 3).unwrap()];
    assert_eq!(pool.counts().pending, 5);
    assert_eq!(pool.cancel(ids[0]), Cancellation::Removed);
    assert_eq!(pool.cancel(ids[0]), Cancellation::TooLate);
    drop(occupied);
    pool.shutdown();
    let mut done = values(pool.done());
    done.sort_unstable();
    assert_eq!(done, [2, 3]);
}

#[test]
fn jobs_of_each_kind_are_submitted_in_one_order() {
    let pool: Pool<(usize, Option<JobId>)> = pool(1);
    // The main lane is the last's.
    for producer in [pool.producer(), pool.producer()] {
        let occupied = Occupied::new(&pool);
        let (told, order) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let next = || {
            let order = Arc::clone(&order);
            move || order.fetch_add(1, Ordering::SeqCst)
        };
        let (first, second, third, fourth) = (next(), next(), next(), next());
        let plain = producer.submit(move || (first(), None)).unwrap();
        let with = producer.submit_with(move |job| (second(), Some(job.id()))).unwrap();
        let tell = Arc::clone(&told);
        let done =
            producer.submit_done(move || (third(), None), move |id, value| tell.lock().unwrap().push((id, value)));
        let spawned = producer.spawn(fourth).unwrap();
        let removed = producer.spawn(|| unreachable!("it is removed")).unwrap();
        assert!(matches!(removed.cancel(), Cancellation::Removed));
        drop(occupied);
        assert_eq!(spawned.join().unwrap(), 3);
        assert!(matches!(removed.join(), Err(JobError::Cancelled)));
        let values: Vec<_> = pool.done().drain().map(|done| (done.id, done.value)).collect();
        assert_eq!(values, [(plain, (0, None)), (with, (1, Some(with)))]);
        assert_eq!(*told.lock().unwrap(), [(done.unwrap(), (2, None))]);
    }
}

#[test]
fn a_job_joins_what_was_spawned_by_a_producer() {
    let pool: Pool = pool(1);
    let producers = [pool.producer(), pool.producer()];
    let occupied = Occupied::new(&pool);
    let handles = producers.map(|producer| producer.spawn(|| 20).unwrap());
    let sum = pool.job(move || handles.map(|handle| handle.join().unwrap()).iter().sum::<u32>()).first().spawn();
    drop(occupied);
    assert_eq!(sum.unwrap().join().unwrap(), 40);
}

#[test]
fn a_closed_pool_gives_the_function_back() {
    let pool: Pool<String> = pool(1);
    let producer = pool.producer();
    let text = "not lost".to_owned();
    pool.shutdown();
    let refused = producer.submit(move || text).unwrap_err();
    assert!(matches!(refused, SubmitError::Closed(_)));
    assert_eq!(refused.into_inner()(), "not lost");
    // As groups do, it stays when the last handle of the pool goes, and keeps nothing open.
    drop(pool);
    assert!(matches!(producer.clone().submit(String::new), Err(SubmitError::Closed(_))));
}

/// What a job submits is taken as long as the pool is not stopped.
#[test]
fn a_job_submits_to_a_pool_that_is_shut_down() {
    let pool: Pool<u32> = pool(2);
    let (occupied, producer) = (Occupied::new(&pool), pool.producer());
    pool.submit(move || {
        // It has begun after the pool was closed.
        producer.submit(|| 2).unwrap();
        1
    })
    .unwrap();
    let another = pool.clone();
    let outside = pool.producer();
    let other = Occupied::new(&pool);
    let closes = thread::spawn(move || another.shutdown());
    while outside.submit(|| 0).is_ok() {}
    drop((occupied, other));
    closes.join().unwrap();
    let done = values(pool.done());
    assert_eq!(done.iter().filter(|value| **value == 2).count(), 1);
}

#[test]
fn where_the_pool_is_bounded_it_makes_no_difference() {
    let builder = Pool::<usize>::builder().threads(2).queue_capacity(2);
    let pool = builder.build().unwrap();
    let occupied = [Occupied::new(&pool), Occupied::new(&pool)];
    let producer = pool.producer();
    let (one, two) = (producer.submit(|| 1), producer.submit(|| 2));
    assert!(one.is_ok() && two.is_ok());
    assert!(matches!(producer.submit(|| 3), Err(SubmitError::Full(_))));
    drop(occupied);
    pool.shutdown();
    let mut done = values(pool.done());
    done.sort_unstable();
    assert_eq!(done, [1, 2]);
    let displaces = Pool::<usize>::builder().threads(1).queue_capacity(1).when_full(WhenFull::DropOldest).build();
    let pool = displaces.unwrap();
    let occupied = Occupied::new(&pool);
    let producer = pool.producer();
    (0..10).for_each(|n| _ = producer.submit(move || n).unwrap());
    drop(occupied);
    pool.shutdown();
    assert_eq!(values(pool.done()), [9]);
}

#[test]
fn one_of_a_pool_without_threads_submits_to_the_pool() {
    let pool: Pool<u8> = Pool::builder().threadless().clock(&ManualClock::new()).build().unwrap();
    let producer: Producer<u8> = pool.producer();
    producer.submit(|| 1).unwrap();
    pool.run_until_idle();
    assert_eq!(values(pool.done()), [1]);
}
