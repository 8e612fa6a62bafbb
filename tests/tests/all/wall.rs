//! Jobs that wait for a time of the system's clock. What becomes of them when somebody sets it is tested where there is a clock to set:
//! in the crate, and in its models.

use std::time::{Duration, Instant, SystemTime};

use fastthreadpool::{NotMoved, Pool, SubmitError, When};

use crate::support::{HOUR, pool, values};

const SOON: Duration = Duration::from_millis(3);

#[test]
fn a_job_runs_when_the_clock_shows_its_time_and_at_once_if_that_has_passed() {
    let pool: Pool<SystemTime> = pool(1);
    let soon = SystemTime::now() + SOON;
    pool.submit_at(soon, SystemTime::now).unwrap();
    assert!(pool.done().pop().unwrap().value >= soon);
    for past in [SystemTime::now(), SystemTime::now() - HOUR, SystemTime::UNIX_EPOCH - HOUR] {
        pool.job(SystemTime::now).at(past).submit().unwrap();
        assert!(pool.done().pop().unwrap().value >= past);
    }
}

#[test]
fn many_jobs_of_the_clock_come_and_go() {
    let pool: Pool<usize> = pool(2);
    let now = SystemTime::now();
    for n in 0..300 {
        let id = pool.submit_at(now + HOUR, move || n).unwrap();
        if n % 3 == 0 {
            pool.cancel(id);
        } else {
            pool.reschedule(id, now + SOON).unwrap();
        }
    }
    pool.shutdown();
    let mut ran = values(pool.done());
    ran.sort_unstable();
    assert!(ran.into_iter().eq((0..300).filter(|n| n % 3 != 0)));
}

#[test]
fn a_job_is_moved_between_the_clocks() {
    let pool: Pool<u8> = pool(1);
    let id = pool.submit_later(HOUR, || 1).unwrap();
    pool.reschedule(id, SystemTime::now() + SOON).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 1);
    assert_eq!(pool.reschedule(id, SystemTime::now() + HOUR), Err(NotMoved::TooLate));
    let id = pool.submit_at(SystemTime::now() + HOUR, || 2).unwrap();
    pool.reschedule(id, Instant::now()).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 2);
}

#[test]
fn repeating_jobs_begin_and_go_on_at_times_of_the_clock() {
    let pool: Pool<u64> = pool(1);
    let start = SystemTime::now() + SOON;
    let by_clock = pool.periodic_with(|job| {
        job.next_at(SystemTime::now() + SOON);
        job.run()
    });
    let id = by_clock.every(Duration::MAX).starting(start).submit().unwrap();
    assert!(pool.done().iter().take(3).map(|done| done.value).eq(1..=3));
    assert!(SystemTime::now() >= start + 2 * SOON);
    pool.cancel(id);
    pool.wait_idle();
    pool.done().drain().for_each(drop);
    let overlapping = pool.overlapping_with(|job| 9 * job.run()).every(HOUR).starting(SystemTime::now() + SOON);
    overlapping.submit().unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 9);
    pool.cancel_timers();
}

#[test]
fn a_job_of_the_clock_knows_when_it_was_due_and_how_late_it_is() {
    let pool = pool(1);
    pool.job_with(|job| (job.due(), job.late(), Instant::now())).at(SystemTime::now() + SOON).submit().unwrap();
    let (due, late, began) = pool.done().pop().unwrap().value;
    assert!(due.is_some_and(|due| due + late <= began));
}

#[test]
fn a_pool_that_is_closed_refuses_jobs_of_the_clock_and_ends_without_them() {
    let pool: Pool<u8> = pool(1);
    pool.submit_at(SystemTime::now() + HOUR, || 1).unwrap();
    assert_eq!(pool.shutdown_now().len(), 1);
    let refused = pool.submit_at(SystemTime::now() + HOUR, || 2);
    assert!(refused.is_err_and(|error| matches!(error, SubmitError::Closed(job) if job() == 2)));
    drop(pool);
}

#[test]
fn a_when_is_a_value_that_is_compared_and_copied() {
    let (time, instant) = (SystemTime::now() + HOUR, Instant::now() + HOUR);
    let [by_clock, by_ticks] = [When::from(time), When::from(instant)];
    assert_eq!((by_clock, by_ticks), (time.into(), instant.into()));
    assert_ne!(by_clock, (time + SOON).into());
    assert_ne!(by_clock, by_ticks);
    assert_eq!(by_ticks.instant(), Some(instant));
    let by_then = by_clock.instant().unwrap();
    assert!(by_then > instant.checked_sub(HOUR / 2).unwrap() && by_then <= Instant::now() + HOUR);
    assert_eq!((When::from(Duration::MAX).instant(), format!("{by_clock:?}").is_empty()), (None, false));
}
