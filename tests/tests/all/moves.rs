//! Delayed and periodic jobs that are given another time.

use std::time::{Duration, Instant};

use fastthreadpool::{Cancellation, MissedTickBehavior, NotMoved, Pool};

use crate::support::{Drops, HOUR, Occupied, pool, values};

#[test]
fn an_earlier_time_wakes_a_worker_that_sleeps_until_the_old_one() {
    let pool: Pool<u8> = pool(1);
    let id = pool.submit_later(HOUR, || 1).unwrap();
    // It sleeps, or is on its way.
    pool.wait_idle();
    pool.reschedule(id, Duration::from_millis(3)).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 1);
    let id = pool.submit_later(HOUR, || 2).unwrap();
    // The past is now.
    pool.reschedule(id, Instant::now().checked_sub(HOUR / 4).unwrap()).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 2);
}

#[test]
fn a_job_that_is_moved_again_and_again_runs_once_at_the_last_time() {
    let pool: Pool<Instant> = pool(1);
    let drops = Drops::default();
    let token = drops.one();
    let id = pool
        .submit_later(HOUR, move || {
            drop(token);
            Instant::now()
        })
        .unwrap();
    for n in (0..10_000).rev() {
        pool.reschedule(id, HOUR + Duration::from_micros(n)).unwrap();
    }
    assert_eq!(pool.delayed().len(), 1);
    let last = Instant::now() + Duration::from_millis(5);
    pool.reschedule(id, last).unwrap();
    pool.shutdown();
    let ran = values(pool.done());
    assert!(ran.len() == 1 && ran[0] >= last && drops.count() == 1);
    assert_eq!((pool.counts().accepted, pool.counts().done), (1, 1));
}

#[test]
fn too_late_and_never_timed_are_told_apart() {
    let pool: Pool<u8> = pool(1);
    let occupied = Occupied::new(&pool);
    let queued = pool.submit(|| 1).unwrap();
    let first = pool.submit_first(|| 2).unwrap();
    let due = pool.submit_later(Duration::ZERO, || 3).unwrap();
    let removed = pool.submit_later(HOUR, || 4).unwrap();
    assert_eq!(pool.cancel(removed), Cancellation::Removed);
    assert_eq!(pool.pending(), 4, "what is due counts from here on");
    let moved = [queued, first, due, removed].map(|id| pool.reschedule(id, HOUR));
    let expected = [NotMoved::NotTimed, NotMoved::NotTimed, NotMoved::Due, NotMoved::TooLate].map(Err);
    assert_eq!(moved, expected);
    drop(occupied);
    pool.shutdown();
    assert_eq!(values(pool.done()), [3, 2, 1]);
    assert_eq!(pool.reschedule(due, HOUR), Err(NotMoved::Closed));
}

#[test]
fn an_id_of_another_pool_is_answered() {
    let (here, there): (Pool<u8>, Pool<u8>) = (pool(1), pool(1));
    let ids: Vec<_> = (0..300).map(|_| there.submit_later(HOUR, || 1).unwrap()).collect();
    let queued = there.submit(|| 1).unwrap();
    assert_eq!(here.reschedule(ids[299], HOUR), Err(NotMoved::TooLate));
    assert_eq!(here.reschedule(queued, HOUR), Err(NotMoved::NotTimed));
    there.cancel_timers();
}

#[test]
fn a_periodic_job_goes_on_from_where_it_was_moved_to() {
    let pool: Pool<Instant> = pool(1);
    let every = Duration::from_millis(2);
    let id =
        pool.periodic(Instant::now).every(every).starting(HOUR).missed(MissedTickBehavior::Burst).submit().unwrap();
    let begin = Instant::now() + every;
    pool.reschedule(id, begin).unwrap();
    for n in 0..3 {
        assert!(pool.done().pop().unwrap().value >= begin + n * every);
    }
    // In the middle of a run its next one is not known.
    pool.pause_periodic(id);
    while pool.scheduled()[0].due.is_some() {
        std::thread::yield_now();
    }
    pool.wait_idle();
    pool.done().drain().for_each(drop);
    // What is paused remembers the time.
    pool.reschedule(id, HOUR).unwrap();
    assert!(pool.resume_periodic(id) && pool.scheduled()[0].due > Some(Instant::now() + HOUR / 2));
    assert_eq!((pool.cancel(id), pool.reschedule(id, HOUR)), (Cancellation::Removed, Err(NotMoved::TooLate)));
}

#[test]
fn a_periodic_job_that_runs_is_not_moved() {
    let pool: Pool<Result<(), NotMoved>> = pool(1);
    let handle = pool.clone();
    let (sender, receiver) = std::sync::mpsc::channel();
    let id = pool
        .periodic(move || receiver.recv().map_or(Ok(()), |id| handle.reschedule(id, HOUR)))
        .every(HOUR)
        .starting(Duration::ZERO)
        .submit()
        .unwrap();
    sender.send(id).unwrap();
    pool.wait_idle();
    assert_eq!(values(pool.done()), [Err(NotMoved::Running)]);
    assert_eq!(pool.reschedule(id, HOUR), Ok(()), "it waits for the next one");
    pool.cancel(id);
}

#[test]
fn a_pool_that_ends_waits_for_no_job_that_never_comes() {
    let pool: Pool<u8> = pool(1);
    let id = pool.submit_later(HOUR, || 1).unwrap();
    pool.reschedule(id, Duration::MAX).unwrap();
    assert_eq!(pool.delayed()[0].due, None);
    pool.shutdown();
    assert_eq!((pool.done().len(), pool.counts().cancelled), (0, 1));
    // While one drains its jobs can come sooner, and not never.
    pool.reset();
    let id = pool.submit_later(HOUR, || 2).unwrap();
    assert!(!pool.shutdown_timeout(Duration::ZERO));
    assert_eq!(pool.reschedule(id, Duration::MAX), Err(NotMoved::Closed));
    pool.reschedule(id, Duration::ZERO).unwrap();
    pool.shutdown();
    assert_eq!(values(pool.done()), [2]);
}

#[test]
fn jobs_of_groups_are_moved_too() {
    let pool: Pool = pool(1);
    let group = pool.group::<u8>().limit(1).build().unwrap();
    let id = group.submit_later(HOUR, || 1).unwrap();
    assert_eq!((pool.reschedule(id, 2 * HOUR), group.counts().timers), (Ok(()), 1));
    pool.reschedule(id, Duration::ZERO).unwrap();
    assert!(group.wait());
    assert_eq!((values(group.done()), group.counts().timers), (vec![1], 0));
}
