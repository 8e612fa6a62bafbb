//! Jobs under a clock that the test sets. What the thread does is waited for, for ever if it does not.
#![forbid(unsafe_code)]

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::*;
use crate::engine::clock::hand::Hand;
use crate::{Cancellation, OnDrop, Pool, Semaphore};

const DAY: Duration = Duration::from_secs(86_400);

fn pool<T: Send + 'static>() -> (Pool<T>, Arc<Hand>, Arc<WallClock>) {
    let (pool, hand) = (Pool::builder().threads(1).build().unwrap(), Hand::new());
    let wall = WallClock::by(Arc::clone(&hand) as _, pool.engine());
    (pool, hand, wall)
}

fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

/// When the only job that waits is due.
fn due<T: Send + 'static>(pool: &Pool<T>) -> Option<Instant> {
    let waiting: Vec<_> = pool.delayed().into_iter().chain(pool.scheduled()).collect();
    assert_eq!(waiting.len(), 1);
    waiting[0].due
}

/// When the clock will say so.
fn instant(hand: &Hand, time: SystemTime) -> Option<Instant> {
    sys::instant(hand.tick_at(time))
}

#[test]
fn a_job_whose_time_has_passed_because_the_clock_was_set_runs_now() {
    let (pool, hand, wall) = pool();
    pool.submit_at(hand.after(DAY), || "tomorrow").unwrap();
    pool.submit_at(hand.after(3 * DAY), || "later").unwrap();
    pool.job(|| "by the ticks").after(DAY).submit().unwrap();
    assert_eq!((wall.len(), hand.is_watched()), (2, true));
    hand.set_forward(2 * DAY);
    assert_eq!(pool.done().pop().map(|done| done.value), Some("tomorrow"));
    until(|| wall.len() == 1);
    assert_eq!(pool.delayed().len(), 2);
    pool.cancel_timers();
}

#[test]
fn a_job_is_due_so_much_later_when_the_clock_is_set_back() {
    let (pool, hand, wall) = pool::<()>();
    let time = hand.after(DAY);
    pool.job(|| ()).at(time).submit().unwrap();
    let before = due(&pool);
    assert_eq!(before, instant(&hand, time));
    hand.set_back(DAY / 2);
    until(|| due(&pool) != before);
    assert_eq!((due(&pool), due(&pool)), (instant(&hand, time), before.map(|due| due + DAY / 2)));
    // And back again: it goes on following.
    hand.set_forward(DAY / 2);
    until(|| due(&pool) == before);
    assert_eq!(wall.len(), 1);
    pool.cancel_timers();
}

#[test]
fn a_job_that_was_moved_to_a_time_of_the_clock_follows_it() {
    let (pool, hand, _wall) = pool();
    let id = pool.submit_later(9 * DAY, || ()).unwrap();
    let time = hand.after(DAY);
    pool.reschedule(id, time).unwrap();
    assert_eq!(due(&pool), instant(&hand, time));
    hand.set_forward(DAY);
    pool.wait_idle();
    until(|| pool.counts().done == 1);
    assert_eq!(pool.reschedule(id, hand.after(DAY)), Err(NotMoved::TooLate));
}

#[test]
fn a_job_that_somebody_has_moved_to_another_time_stays_there() {
    let (pool, hand, wall) = pool::<()>();
    let id = pool.submit_at(hand.after(DAY), || ()).unwrap();
    pool.reschedule(id, 9 * DAY).unwrap();
    let moved = due(&pool);
    hand.set_forward(5 * DAY);
    until(|| wall.len() == 0);
    assert_eq!((due(&pool), pool.cancel(id)), (moved, Cancellation::Removed));
}

#[test]
fn only_the_first_run_of_a_grid_follows() {
    let (pool, hand, wall) = pool();
    let time = hand.after(DAY);
    let mut run = 0;
    let count = move || {
        run += 1;
        run
    };
    pool.periodic(count).every(9 * DAY).starting(time).submit().unwrap();
    let first = due(&pool);
    hand.set_back(DAY);
    until(|| due(&pool) == first.map(|first| first + DAY));
    hand.set_forward(2 * DAY);
    assert_eq!(pool.done().pop().map(|done| done.value), Some(1));
    until(|| wall.len() == 0);
    hand.set_forward(100 * DAY);
    until(|| !hand.is_watched());
    assert_eq!(pool.scheduled().len(), 1);
    pool.cancel_timers();
}

#[test]
fn a_run_that_has_begun_follows_no_more() {
    let (pool, hand, wall) = pool::<()>();
    let (begun, end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (has_begun, ends) = (Arc::clone(&begun), Arc::clone(&end));
    let job = pool.periodic(move || {
        has_begun.release(1).unwrap();
        ends.acquire().unwrap().forget();
    });
    let id = job.every(DAY).starting(hand.after(DAY)).submit().unwrap();
    hand.set_forward(DAY);
    begun.acquire().unwrap().forget();
    hand.set_back(DAY);
    until(|| wall.len() == 0);
    pool.cancel(id);
    end.release(1).unwrap();
}

#[test]
fn the_first_of_runs_that_may_overlap_follows() {
    let (pool, hand, _wall) = pool();
    pool.overlapping(|| "once").every(9 * DAY).starting(hand.after(DAY)).submit().unwrap();
    hand.set_forward(DAY);
    assert_eq!(pool.done().pop().map(|done| done.value), Some("once"));
    pool.cancel_timers();
}

#[test]
fn each_run_that_says_a_time_of_the_clock_is_followed_by_one_that_follows() {
    let (pool, hand, wall) = pool();
    let clock = Arc::clone(&hand);
    let daily = pool.periodic_with(move |job| {
        // What is said last holds.
        job.next_at(DAY);
        job.next_at(clock.after(DAY));
        if job.run() == 3 {
            job.stop();
        }
        job.run()
    });
    daily.every(Duration::MAX).starting(hand.after(DAY)).submit().unwrap();
    for day in 1..=3 {
        // It may be that the run before is not yet over: then it is moved as soon as it is.
        until(|| wall.len() == 1);
        hand.set_forward(DAY + Duration::from_secs(1));
        assert_eq!(pool.done().pop().map(|done| done.value), Some(day));
    }
    pool.wait_idle();
    assert_eq!(pool.scheduled().len(), 0);
}

#[test]
fn nobody_watches_the_clock_but_while_a_job_waits_for_it() {
    let (pool, hand, wall) = pool();
    pool.submit_later(Duration::ZERO, || ()).unwrap();
    pool.submit_at(hand.after(Duration::ZERO), || ()).unwrap();
    pool.submit_at(SystemTime::UNIX_EPOCH, || ()).unwrap();
    pool.wait_idle();
    assert!(!hand.is_watched());
    for _ in 0..3 {
        let handle = pool.job(|| ()).at(hand.after(DAY)).spawn().unwrap();
        assert!(hand.is_watched());
        hand.set_forward(DAY);
        handle.join().unwrap();
        wall.wake();
        until(|| !hand.is_watched());
    }
}

#[test]
fn jobs_that_were_cancelled_leave_the_list_at_a_look_and_do_not_make_it_long() {
    let (pool, hand, wall) = pool();
    let keep = pool.submit_at(hand.after(DAY), || ()).unwrap();
    for _ in 0..1000 {
        pool.cancel(pool.submit_at(hand.after(DAY), || ()).unwrap());
        assert!(wall.len() <= SHORT);
    }
    wall.wake();
    until(|| wall.len() == 1);
    pool.cancel(keep);
    wall.wake();
    until(|| !hand.is_watched());
}

#[test]
fn a_job_that_was_refused_leaves_nobody_who_watches() {
    let (pool, hand, _wall) = pool::<()>();
    pool.shutdown();
    assert!(pool.submit_at(hand.after(DAY), || ()).is_err());
    assert!(pool.job(|| ()).at(hand.after(DAY)).spawn().is_err());
    until(|| !hand.is_watched());
}

#[test]
fn the_thread_ends_with_the_pool() {
    for on_drop in [OnDrop::Stop, OnDrop::Detach, OnDrop::Wait] {
        let (pool, hand) = (Pool::<()>::builder().threads(1).on_drop(on_drop).build().unwrap(), Hand::new());
        let wall = WallClock::by(Arc::clone(&hand) as _, pool.engine());
        pool.submit_at(hand.after(DAY), || ()).unwrap();
        if on_drop == OnDrop::Wait {
            hand.set_forward(DAY);
        }
        let engine = Arc::downgrade(pool.engine());
        drop(pool);
        if on_drop == OnDrop::Detach {
            assert_eq!(wall.len(), 1);
            hand.set_forward(DAY);
        }
        until(|| engine.strong_count() == 0);
        assert!(!hand.is_watched());
    }
}

#[test]
fn threads_that_are_over_are_not_kept() {
    let (pool, hand, wall) = pool::<()>();
    for _ in 0..20 {
        pool.cancel(pool.submit_at(hand.after(DAY), || ()).unwrap());
        wall.wake();
        until(|| !hand.is_watched());
    }
    assert!(pool.engine().callbacks() <= 3);
}
