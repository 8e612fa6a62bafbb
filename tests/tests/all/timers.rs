//! Delayed jobs.

use std::time::{Duration, Instant, SystemTime};

use fastthreadpool::{Cancellation, JobKind, Pool, When};

use crate::support::{Drops, HOUR, Occupied, pool, values};

const SOON: Duration = Duration::from_millis(3);
#[test]
fn a_delayed_job_never_runs_early() {
    let pool: Pool<Instant> = pool(2);
    let began = Instant::now();
    for n in 0..20 {
        pool.submit_later(SOON * n / 10, Instant::now).unwrap();
    }
    pool.shutdown();
    let mut ran = values(pool.done());
    ran.sort_unstable();
    for (n, ran) in ran.into_iter().enumerate() {
        assert!(ran.duration_since(began) >= SOON * n as u32 / 10);
    }
}

#[test]
fn what_is_due_runs_in_the_order_of_its_times() {
    let pool = pool(1);
    let occupied = Occupied::new(&pool);
    let now = Instant::now();
    // All in the past by the time that the worker looks; and before the queue.
    pool.submit(|| 9).unwrap();
    for n in [3, 1, 2] {
        pool.submit_at(now.checked_sub(HOUR / 4).unwrap() + Duration::from_millis(n), move || n).unwrap();
    }
    drop(occupied);
    pool.shutdown();
    assert_eq!(values(pool.done()), [1, 2, 3, 9]);
}

#[test]
fn every_way_to_name_a_time_works() {
    let pool = pool(1);
    pool.submit_at(Instant::now() + SOON, || "instant").unwrap();
    pool.submit_at(SystemTime::now() + SOON, || "system time").unwrap();
    pool.submit_at(SOON, || "duration").unwrap();
    pool.submit_at(SystemTime::UNIX_EPOCH, || "long ago").unwrap();
    pool.job(|| "builder").at(Instant::now()).submit().unwrap();
    pool.job(|| "builder").after(SOON).submit().unwrap();
    pool.shutdown();
    let mut all = values(pool.done());
    all.sort_unstable();
    assert_eq!(all, ["builder", "builder", "duration", "instant", "long ago", "system time"]);
}

#[test]
fn a_delayed_job_wakes_a_pool_that_sleeps_or_works() {
    let pool: Pool<u8> = pool(1);
    // Nobody there yet.
    pool.submit_later(SOON, || 1).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 1);
    // One that sleeps, then an earlier one than it sleeps for.
    pool.submit_later(HOUR, || 9).unwrap();
    pool.submit_later(SOON, || 2).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 2);
    // One that works.
    let occupied = Occupied::new(&pool);
    pool.submit_later(Duration::ZERO, || 3).unwrap();
    drop(occupied);
    assert_eq!(pool.done().pop().unwrap().value, 3);
    assert_eq!(pool.cancel_timers().len(), 1);
}

#[test]
fn waiting_for_quiet_includes_what_is_due_and_not_what_is_not() {
    let pool: Pool<u8> = pool(1);
    for _ in 0..200 {
        pool.submit_later(Duration::ZERO, || 1).unwrap();
        pool.submit_later(HOUR, || 2).unwrap();
        assert!(pool.wait_idle());
        assert_eq!(values(pool.done()), [1]);
        assert_eq!((pool.delayed().len(), pool.pending()), (1, 0));
        assert_eq!(pool.cancel_timers().len(), 1);
    }
}

#[test]
fn timers_are_cancelled_and_dropped_at_once() {
    let pool: Pool<()> = pool(1);
    let drops = Drops::default();
    let ids: Vec<_> = (0..1000)
        .map(|_| {
            let token = drops.one();
            pool.submit_later(HOUR, move || drop(token)).unwrap()
        })
        .collect();
    for id in ids.iter().step_by(2) {
        assert_eq!(pool.cancel(*id), Cancellation::Removed);
        assert_eq!(pool.cancel(*id), Cancellation::TooLate);
    }
    assert_eq!((drops.count(), pool.counts().timers), (500, 500));
    assert_eq!(pool.cancel_timers().len(), 500);
    assert_eq!((drops.count(), pool.counts().timers), (1000, 0));
    assert_eq!(pool.counts().cancelled, 1000);
}

#[test]
fn a_listing_shows_the_times_in_order() {
    let pool: Pool<u8> = pool(1);
    let now = Instant::now();
    let late = pool.submit_at(now + 2 * HOUR, || 1).unwrap();
    let early = pool.submit_at(now + HOUR, || 1).unwrap();
    let listed: Vec<_> = pool.delayed().into_iter().map(|job| (job.id, job.kind, job.due)).collect();
    assert_eq!(listed, [(early, JobKind::Delayed, Some(now + HOUR)), (late, JobKind::Delayed, Some(now + 2 * HOUR))]);
    pool.cancel_timers();
}

#[test]
fn a_time_beyond_the_clock_is_never_and_holds_up_nothing() {
    let pool: Pool<u8> = pool(1);
    pool.submit_later(Duration::MAX, || 1).unwrap();
    assert_eq!(When::from(Duration::MAX).instant(), None);
    assert!(When::from(SOON).instant() > Some(Instant::now()));
    pool.submit(|| 2).unwrap();
    pool.shutdown();
    assert_eq!(values(pool.done()), [2]);
    assert_eq!(pool.counts().cancelled, 1);
}

#[test]
fn a_shutdown_waits_for_delayed_jobs() {
    let pool: Pool<u8> = pool(1);
    pool.submit_later(SOON, || 1).unwrap();
    pool.shutdown();
    assert_eq!(values(pool.done()), [1]);
}

#[test]
fn cancel_queued_takes_what_is_due_and_leaves_what_is_not() {
    let pool: Pool<u8> = pool(1);
    let occupied = Occupied::new(&pool);
    pool.submit_later(Duration::ZERO, || 1).unwrap();
    pool.submit_first(|| 2).unwrap();
    pool.submit(|| 3).unwrap();
    pool.submit_later(HOUR, || 4).unwrap();
    assert_eq!(pool.cancel_queued().len(), 3);
    assert_eq!((pool.delayed().len(), pool.jobs().len()), (1, 0));
    drop(occupied);
    pool.wait_idle();
    assert!(pool.done().is_empty());
    pool.cancel_timers();
}

#[test]
fn many_timers_of_many_threads_all_run() {
    let pool: Pool<u32> = pool(2);
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let pool = &pool;
            scope.spawn(move || {
                for n in 0..500 {
                    let delay = Duration::from_micros(u64::from((n * 7919 + thread * 104_729) % 5000));
                    pool.submit_later(delay, move || thread * 500 + n).unwrap();
                }
            });
        }
    });
    pool.shutdown();
    let mut all = values(pool.done());
    all.sort_unstable();
    assert_eq!(all, (0..2000).collect::<Vec<_>>());
}
