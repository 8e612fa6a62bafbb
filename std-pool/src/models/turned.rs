//! Who turns a clock by hand, and those who fall asleep until a time of it, come, begin, wait, and end meanwhile.

use std::time::Duration;

use fastthreadpool_core::Tick;

use super::{Ends, Tally, check, model};
use crate::sync::event::Event;
use crate::sys::thread;
use crate::{JobError, ManualClock, Pool};

const HOUR: Duration = Duration::from_secs(3600);

/// With one worker: the checker has parked threads get up for no reason again and again, and of two one would always be up when the one
/// who waits for them looks.
fn set_up() -> (ManualClock, Pool) {
    let clock = ManualClock::new();
    let pool = Pool::builder().threads(1).clock(&clock).build().unwrap();
    (clock, pool)
}

/// Turns it by an hour, on another thread.
fn jump(clock: &ManualClock) -> thread::JoinHandle<()> {
    let clock = clock.clone();
    thread::Builder::new().spawn(move || clock.jump(HOUR)).unwrap()
}

#[test]
fn somebody_falls_asleep_while_the_clock_is_turned() {
    model(|| {
        let clock = ManualClock::new();
        let time = clock.time();
        let Tick(end) = time.tick_after(HOUR);
        let turner = jump(&clock);
        let event = Event::default();
        assert!(!event.wait(time.until(Tick(end)), || false), "the time is over");
        assert_eq!(time.now(), Tick(end));
        turner.join().unwrap();
    });
}

#[test]
fn a_job_comes_while_the_clock_is_turned_to_its_time() {
    model(|| {
        let ((clock, pool), tally) = (set_up(), Tally::default());
        let due = clock.system_time() + HOUR;
        let turner = jump(&clock);
        let handle = pool.job(tally.job()).at(due).spawn().unwrap();
        handle.join().unwrap();
        turner.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

/// The worker has looked when the next job is due, and is about to sleep until then.
#[test]
fn a_worker_falls_asleep_while_the_clock_is_turned() {
    model(|| {
        let ((clock, pool), tally) = (set_up(), Tally::default());
        let handle = pool.job(tally.job()).after(HOUR).spawn().unwrap();
        clock.jump(HOUR);
        handle.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

#[test]
fn a_limit_comes_while_the_clock_is_turned_to_its_time() {
    model(|| {
        let ((clock, pool), tally) = (set_up(), Tally::default());
        pool.pause();
        let by = clock.system_time() + HOUR;
        let turner = jump(&clock);
        let handle = pool.job(tally.job()).start_by(by).spawn().unwrap();
        assert!(matches!(handle.join(), Err(JobError::Expired)));
        turner.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::of(&tally));
    });
}

#[test]
fn an_advance_waits_for_what_is_due_and_what_that_submits() {
    model(|| {
        let ((clock, pool), tally) = (set_up(), Tally::default());
        let (handle, inner) = (pool.clone(), tally.job());
        let outer = tally.with(move || handle.submit(inner).unwrap());
        pool.job(move || _ = outer()).after(HOUR).submit().unwrap();
        clock.advance(HOUR);
        assert_eq!(tally.ran(), 2);
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

#[test]
fn an_advance_waits_for_who_has_waited_for_the_clock() {
    model(|| {
        let ((clock, pool), tally) = (set_up(), Tally::default());
        let ran = tally.job();
        pool.submit_with(move |job| {
            assert!(!job.cancelled_timeout(HOUR));
            ran();
        })
        .unwrap();
        clock.advance(HOUR);
        assert_eq!(tally.ran(), 1);
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

#[test]
fn an_advance_waits_for_threads_that_have_had_nothing_to_do() {
    model(|| {
        let clock = ManualClock::new();
        let pool: Pool = Pool::builder().threads(1).keep_alive(HOUR).clock(&clock).build().unwrap();
        pool.submit(|| ()).unwrap();
        clock.advance(Duration::ZERO);
        assert_eq!(pool.alive(), 1);
        clock.advance(HOUR);
        assert_eq!(pool.alive(), 0);
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

#[test]
fn two_advance() {
    model(|| {
        let ((clock, pool), tally) = (set_up(), Tally::default());
        for _ in 0..2 {
            pool.job(tally.job()).after(2 * HOUR).submit().unwrap();
        }
        let other = clock.clone();
        let other = thread::Builder::new().spawn(move || other.advance(HOUR)).unwrap();
        clock.advance(HOUR);
        other.join().unwrap();
        assert_eq!(tally.ran(), 2);
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}
