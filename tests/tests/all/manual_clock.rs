//! A clock that is turned by hand.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fastthreadpool::{
    AcquireError, Builder, CancelReason, Done, Group, JobError, ManualClock, MissedTickBehavior, NotMoved, OnDrop,
    Pool, RemovedJob, Semaphore, SubmitError, WhenFull,
};

use crate::support::{HOUR, Occupied};

const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);
const NANO: Duration = Duration::from_nanos(1);

fn set_up<T: Send + 'static>(threads: usize, more: impl FnOnce(Builder<T>) -> Builder<T>) -> (ManualClock, Pool<T>) {
    let clock = ManualClock::new();
    let pool = more(Pool::builder().threads(threads).clock(&clock)).build().unwrap();
    (clock, pool)
}

fn pool<T: Send + 'static>(threads: usize) -> (ManualClock, Pool<T>) {
    set_up(threads, |builder| builder)
}

fn values<T: Send + 'static>(pool: &Group<T>) -> Vec<T> {
    pool.done().drain().map(|Done { value, .. }| value).collect()
}

/// Waits until `is_so`, which others bring about.
fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

/// Somebody outside who waits for the clock: by `wait`, until it is over.
fn waiting<R: Send + 'static>(clock: &ManualClock, wait: impl FnOnce() -> R + Send + 'static) -> Receiver<R> {
    let ((sender, receiver), clock) = (channel(), clock.clone());
    thread::spawn(move || sender.send(wait()).unwrap());
    // In line when the clock knows of its moment.
    let before = clock.now();
    until(|| clock.advance_to_next().is_some());
    assert_eq!(clock.now(), before + MINUTE);
    receiver
}

// ----- the clock

#[test]
fn it_stands_still() {
    let clock = ManualClock::starting_at(UNIX_EPOCH + DAY);
    let (instant, time) = (clock.now(), clock.system_time());
    assert_eq!(time, UNIX_EPOCH + DAY);
    assert_eq!((clock.now(), clock.system_time()), (instant, time));
    let same = clock.clone();
    same.advance(MINUTE);
    assert_eq!((clock.now(), clock.system_time()), (instant + MINUTE, time + MINUTE));
    assert_eq!((clock.advance_to_next(), clock.now()), (None, instant + MINUTE), "nobody waits for anything");
}

#[test]
fn it_shows_the_present_time_at_first() {
    let (instant, time) = (Instant::now(), SystemTime::now());
    let clock = ManualClock::default();
    let near = Duration::from_secs(1);
    assert!(clock.now() + near >= instant && clock.now() <= Instant::now() + near);
    assert!(clock.system_time() >= time && clock.system_time() <= SystemTime::now());
}

#[test]
fn it_goes_no_further_than_a_hundred_years() {
    let (clock, pool) = pool(1);
    pool.submit_later(Duration::MAX, || 1).unwrap();
    pool.submit_later(200 * 365 * DAY, || 2).unwrap();
    pool.submit_later(50 * 365 * DAY, || 3).unwrap();
    let before = clock.now();
    clock.advance(Duration::MAX);
    assert!(clock.now() > before + 99 * 365 * DAY);
    assert_eq!(values(&pool), [3]);
    assert_eq!(clock.advance_to_next(), None);
    clock.jump(Duration::MAX);
    assert_eq!(pool.cancel_timers().len(), 2);
}

// ----- jobs that wait for their time

#[test]
fn delayed_jobs_run_when_the_clock_shows_their_time() {
    let (clock, pool) = pool(2);
    pool.submit_later(HOUR, || "by a duration").unwrap();
    pool.submit_at(clock.now() + 2 * HOUR, || "by an instant").unwrap();
    pool.submit_at(clock.system_time() + 3 * HOUR, || "by the wall").unwrap();
    pool.job(|| "by a builder").after(4 * HOUR).submit().unwrap();
    pool.job(|| "by a handle").at(clock.system_time() + 5 * HOUR).submit().unwrap();
    clock.advance(HOUR.saturating_sub(NANO));
    assert_eq!(values(&pool), [""; 0]);
    clock.advance(NANO);
    for expected in ["by a duration", "by an instant", "by the wall", "by a builder", "by a handle"] {
        assert_eq!(values(&pool), [expected]);
        clock.advance(HOUR);
    }
}

#[test]
fn what_is_past_begins_at_once() {
    let (clock, pool) = pool(1);
    clock.advance(HOUR);
    pool.submit_at(clock.now().checked_sub(MINUTE).unwrap(), || 1).unwrap();
    pool.submit_at(clock.system_time() - MINUTE, || 2).unwrap();
    pool.submit_later(Duration::ZERO, || 3).unwrap();
    clock.advance(Duration::ZERO);
    let mut all = values(&pool);
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3]);
}

#[test]
fn moments_come_in_order_and_each_is_settled_before_the_next() {
    let (clock, pool) = pool(4);
    let start = clock.now();
    for n in (1..=100_u32).rev() {
        let clock = clock.clone();
        pool.submit_later(n * MINUTE, move || (n, clock.now())).unwrap();
    }
    clock.advance(DAY);
    let expected: Vec<_> = (1..=100).map(|n| (n, start + n * MINUTE)).collect();
    assert_eq!(values(&pool), expected);
}

#[test]
fn what_a_moment_brings_about_is_over_before_the_next() {
    let (clock, pool) = pool(2);
    let start = clock.now();
    let (handle, show) = (pool.clone(), clock.clone());
    pool.submit_later(MINUTE, move || {
        let first = show.now();
        for _ in 0..10 {
            let show = show.clone();
            handle.submit(move || show.now()).unwrap();
        }
        let again = show.clone();
        handle.submit_later(Duration::ZERO, move || again.now()).unwrap();
        let later = show.clone();
        handle.submit_later(MINUTE, move || later.now()).unwrap();
        first
    })
    .unwrap();
    clock.advance(HOUR);
    let mut all = values(&pool);
    assert_eq!(all.pop(), Some(start + 2 * MINUTE));
    assert_eq!(all, [start + MINUTE; 12]);
}

#[test]
fn what_was_submitted_before_has_begun_when_the_clock_goes_on() {
    let (clock, pool) = pool(1);
    let start = clock.now();
    let (handle, show) = (pool.clone(), clock.clone());
    pool.submit(move || {
        let later = show.clone();
        handle.submit_later(MINUTE, move || later.now()).unwrap();
        show.now()
    })
    .unwrap();
    clock.advance(HOUR);
    assert_eq!(values(&pool), [start, start + MINUTE]);
}

#[test]
fn an_hourly_job_runs_24_times_a_day() {
    let (clock, pool) = pool(2);
    let start = clock.now();
    let show = clock.clone();
    pool.schedule(HOUR, move || show.now()).unwrap();
    clock.advance(DAY);
    let expected: Vec<_> = (1..=24).map(|n| start + n * HOUR).collect();
    assert_eq!(values(&pool), expected);
}

#[test]
fn a_jump_misses_ticks() {
    for (behavior, expected) in
        [(MissedTickBehavior::Skip, 1), (MissedTickBehavior::Burst, 24), (MissedTickBehavior::Delay, 1)]
    {
        let (clock, pool) = pool(1);
        pool.periodic(|| ()).every(HOUR).missed(behavior).submit().unwrap();
        clock.jump(DAY);
        // What is due now, and no more.
        clock.advance(Duration::ZERO);
        assert_eq!(pool.counts().done, expected, "{behavior:?}");
    }
}

#[test]
fn fixed_delays_last_runs_and_overlapping_jobs_follow_it() {
    let (clock, pool) = pool(2);
    let mut left = 3;
    pool.periodic_with(move |job| {
        left -= 1;
        if left == 0 {
            job.stop();
        }
        "delay"
    })
    .with_delay(MINUTE)
    .submit()
    .unwrap();
    let overlapping = pool.overlapping(|| "overlapping").every(HOUR).at_most(2).submit().unwrap();
    clock.advance(2 * HOUR);
    assert_eq!(values(&pool), ["delay", "delay", "delay", "overlapping", "overlapping"]);
    pool.cancel(overlapping);
}

#[test]
fn a_job_says_when_it_is_next() {
    let (clock, pool) = pool(1);
    let (start, show) = (clock.now(), clock.clone());
    pool.periodic_with(move |job| {
        match job.run() {
            1 => job.next_at(MINUTE),
            2 => job.next_at(show.now() + HOUR),
            3 => job.next_at(show.system_time() + DAY),
            _ => job.stop(),
        }
        (show.now(), job.due(), job.late())
    })
    .every(Duration::MAX)
    .starting(Duration::ZERO)
    .submit()
    .unwrap();
    clock.advance(7 * DAY);
    let times = [start, start + MINUTE, start + MINUTE + HOUR, start + MINUTE + HOUR + DAY];
    assert_eq!(values(&pool), times.map(|time| (time, Some(time), Duration::ZERO)));
}

#[test]
fn a_job_knows_how_late_it_is() {
    let (clock, pool) = pool(1);
    let due = clock.now() + MINUTE;
    pool.job_with(|job| (job.due(), job.late())).at(due).submit().unwrap();
    clock.jump(HOUR);
    pool.wait_idle();
    assert_eq!(values(&pool), [(Some(due), HOUR.saturating_sub(MINUTE))]);
}

#[test]
fn jobs_are_moved_and_listed_by_it() {
    let (clock, pool) = pool(1);
    let id = pool.submit_later(HOUR, || "moved").unwrap();
    pool.reschedule(id, clock.now() + DAY).unwrap();
    assert_eq!(pool.delayed()[0].due, Some(clock.now() + DAY));
    clock.advance(HOUR);
    assert_eq!(values(&pool), [""; 0]);
    pool.reschedule(id, MINUTE).unwrap();
    pool.reschedule(id, clock.system_time() + MINUTE).unwrap();
    assert_eq!(clock.advance_to_next(), Some(clock.now()));
    assert_eq!(values(&pool), ["moved"]);
    assert_eq!(pool.reschedule(id, MINUTE), Err(NotMoved::TooLate));
}

#[test]
fn a_leeway_is_one_of_its_own() {
    let (clock, pool) = pool(1);
    pool.job(|| ()).after(HOUR).leeway(MINUTE).submit().unwrap();
    clock.advance(HOUR + MINUTE);
    assert_eq!(pool.counts().done, 1);
}

#[test]
fn paused_jobs_do_not_run() {
    let (clock, pool) = pool(1);
    let periodic = pool.schedule(HOUR, || "periodic").unwrap();
    assert!(pool.pause_periodic(periodic));
    clock.advance(DAY);
    assert!(pool.resume_periodic(periodic));
    clock.advance(HOUR);
    assert_eq!(values(&pool), ["periodic"]);
    pool.cancel(periodic);

    pool.submit_later(HOUR, || "delayed").unwrap();
    pool.pause();
    clock.advance(DAY);
    assert_eq!(values(&pool), [""; 0], "and nobody waits for what may not begin");
    pool.resume();
    clock.advance(Duration::ZERO);
    assert_eq!(values(&pool), ["delayed"]);
}

#[test]
fn the_next_moment_is_that_of_whatever_is_first() {
    let (clock, pool) = pool::<()>(2);
    let start = clock.now();
    for hours in [3_u32, 1, 2, 1] {
        pool.submit_later(hours * HOUR, || ()).unwrap();
    }
    let gone = pool.submit_later(MINUTE, || ()).unwrap();
    pool.cancel(gone);
    for (hours, done) in [(1, 2), (2, 3), (3, 4)] {
        assert_eq!(clock.advance_to_next(), Some(start + hours * HOUR));
        assert_eq!(pool.counts().done, done);
    }
    assert_eq!(clock.advance_to_next(), None);
}

#[test]
fn two_pools_follow_one_clock() {
    let (clock, one) = pool(1);
    let other: Pool = Pool::builder().threads(1).clock(&clock).build().unwrap();
    let (show, first) = (clock.clone(), one.clone());
    let submit = move || {
        let show = show.clone();
        first.submit_later(MINUTE, move || show.now()).map(drop).unwrap();
    };
    other.schedule(HOUR, submit).unwrap();
    let start = clock.now();
    clock.advance(3 * HOUR);
    assert_eq!(values(&one), [1, 2].map(|n| start + n * HOUR + MINUTE));
    clock.advance(MINUTE);
    assert_eq!(values(&one), [start + 3 * HOUR + MINUTE]);
    assert_eq!(other.counts().done, 3);
}

#[test]
fn each_follows_its_own_clock() {
    let ((clock, mine), (_, other)) = (pool(1), pool(1));
    mine.submit_later(HOUR, || ()).unwrap();
    other.submit_later(HOUR, || ()).unwrap();
    clock.advance(DAY);
    assert_eq!((mine.counts().done, other.counts().done), (1, 0));
    other.cancel_timers();
}

// ----- limits

#[test]
fn what_has_not_begun_by_its_time_is_removed() {
    let (clock, pool) = pool::<()>(1);
    pool.pause();
    let expired = pool.job(|| ()).start_by(HOUR).spawn().unwrap();
    let also = pool.job(|| ()).start_by(clock.now() + HOUR).spawn().unwrap();
    let wall = pool.job(|| ()).start_by(clock.system_time() + 2 * HOUR).spawn().unwrap();
    clock.advance(HOUR.saturating_sub(MINUTE));
    assert!(!expired.is_finished() && !also.is_finished());
    clock.advance(MINUTE);
    assert!(matches!((expired.join(), also.join()), (Err(JobError::Expired), Err(JobError::Expired))));
    assert!(!wall.is_finished());
    assert_eq!(clock.advance_to_next(), Some(clock.now()));
    assert!(matches!(wall.join(), Err(JobError::Expired)));
    let too_late = pool.job(|| ()).start_by(clock.now()).spawn().unwrap();
    assert!(matches!(too_late.join(), Err(JobError::Expired)));
    pool.resume();
}

#[test]
fn a_run_that_takes_too_long_is_told_to_stop() {
    let (clock, pool) = pool(2);
    let job = |job: &fastthreadpool::Context<'_, _>| {
        let until = job.deadline();
        job.cancelled();
        until
    };
    let until = clock.now() + MINUTE;
    let id = pool.job_with(job).time_limit(MINUTE).submit().unwrap();
    clock.advance(MINUTE.saturating_sub(NANO));
    assert_eq!((pool.overdue().len(), pool.done().len()), (0, 0));
    clock.advance(NANO);
    assert_eq!((pool.overdue().len(), values(&pool)), (0, vec![Some(until)]));

    // It runs on, and waits by other means.
    let (sender, receiver) = channel();
    let handle = pool.clone();
    let slow = pool.job(move || handle.blocking(|| receiver.recv()).ok()).time_limit(MINUTE).submit().unwrap();
    assert!(slow > id);
    clock.advance(MINUTE);
    assert_eq!(pool.overdue(), [slow]);
    sender.send(clock.now()).unwrap();
    pool.wait_idle();
    assert_eq!((pool.overdue().len(), values(&pool)), (0, vec![Some(clock.now())]));
    // At once.
    pool.job_with(job).time_limit(Duration::ZERO).submit().unwrap();
    assert_eq!(pool.done().pop().map(|done| done.value), Some(Some(clock.now())));
}

#[test]
fn a_group_is_over_at_its_deadline() {
    let (clock, pool) = pool::<()>(1);
    let removed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&removed);
    let on_cancelled = move |_, reason| {
        assert_eq!(reason, CancelReason::Expired);
        count.fetch_add(1, Ordering::SeqCst);
    };
    let group: Group<u32> = pool.group().deadline(HOUR).on_cancelled(on_cancelled).build().unwrap();
    group.submit_later(MINUTE, || 1).unwrap();
    group.submit_later(2 * HOUR, || 2).unwrap();
    group.job_with(|job| job.deadline().map_or(0, |_| 3)).submit().unwrap();
    clock.advance(HOUR.saturating_sub(NANO));
    assert_eq!((values(&group), removed.load(Ordering::SeqCst)), (vec![3, 1], 0));
    clock.advance(NANO);
    assert_eq!(removed.load(Ordering::SeqCst), 1);
    assert!(matches!(group.submit(|| 4), Err(SubmitError::Closed(_))));
    assert!(group.wait());
}

#[test]
fn a_group_inside_is_over_at_the_deadline_of_the_one_around() {
    // By an alarm, or by none, since nobody is there who could take it.
    for is_occupied in [false, true] {
        let (clock, pool) = pool::<()>(1);
        let end = clock.now() + HOUR;
        let removed = Arc::new(Mutex::new(Vec::new()));
        let outer: Group = pool.group().deadline(HOUR).build().unwrap();
        let tell = || {
            let list = Arc::clone(&removed);
            move |job: RemovedJob, why| list.lock().unwrap().push((job.id, why))
        };
        let middle = outer.group::<()>().build().unwrap();
        let groups = [
            outer.group::<u32>().on_removed(tell()).build().unwrap(),
            middle.group::<u32>().on_removed(tell()).build().unwrap(),
            outer.group::<u32>().on_removed(tell()).deadline(2 * HOUR).build().unwrap(),
            outer.group::<u32>().on_removed(tell()).limit(1).build().unwrap(),
            outer.group::<u32>().on_removed(tell()).queue_capacity(3).when_full(WhenFull::Wait).build().unwrap(),
        ];
        let own: Group<u32> = outer.group().deadline(MINUTE).build().unwrap();
        assert!(groups[1].spawn_with(move |job| job.deadline() == Some(end)).unwrap().join().unwrap());
        assert!(groups[2].spawn_with(move |job| job.deadline() == Some(end)).unwrap().join().unwrap());
        let until = clock.now() + MINUTE;
        assert!(own.spawn_with(move |job| job.deadline() == Some(until)).unwrap().join().unwrap());
        let occupied = is_occupied.then(|| Occupied::new(&pool));
        let mut ids = Vec::new();
        for group in &groups {
            ids.extend((0..3).map(|_| group.submit_later(2 * HOUR, || 1).unwrap()));
        }
        clock.jump(MINUTE);
        assert!(matches!(own.submit(|| 1), Err(SubmitError::Closed(_))) && outer.spawn(|| ()).is_ok());
        let narrow = groups[4].clone();
        let waits = thread::spawn(move || matches!(narrow.submit_wait(|| 1), Err(SubmitError::Closed(_))));
        clock.jump(HOUR);
        for group in &groups {
            assert!(matches!(group.submit(|| 1), Err(SubmitError::Closed(_))));
        }
        assert!(waits.join().unwrap());
        drop(occupied);
        assert!(outer.wait() && groups.iter().all(Group::wait));
        // Each was told once, though the alarms of the groups around have gone off, too.
        let mut told = std::mem::take(&mut *removed.lock().unwrap());
        assert!(told.iter().all(|(_, why)| *why == CancelReason::Expired));
        told.sort_unstable_by_key(|(id, _)| *id);
        ids.sort_unstable();
        assert!(told.into_iter().map(|(id, _)| id).eq(ids));
        for group in &groups {
            let counts = group.counts();
            assert_eq!((counts.cancelled, counts.accepted, counts.pending), (3, counts.sum(), 0));
        }
        assert_eq!(outer.counts().pending, 0);
    }
}

// ----- waits

#[test]
fn waits_outside_end_when_the_clock_shows_so() {
    let (clock, pool) = set_up(1, |builder| builder.queue_capacity(1));
    let handle = || pool.clone();
    let (full, done, joined, idle, group, all, over) =
        (handle(), handle(), handle(), handle(), handle(), handle(), handle());
    let (sender, receiver) = channel::<()>();
    let blocked = pool.clone();
    let slow = pool.spawn(move || blocked.blocking(|| receiver.recv()).is_ok()).unwrap();
    // It has left the queue.
    clock.advance(Duration::ZERO);
    pool.submit_later(Duration::MAX, || 0_u32).unwrap();

    let timed_out = waiting(&clock, move || matches!(full.submit_timeout(MINUTE, || 1), Err(SubmitError::TimedOut(_))));
    assert!(timed_out.recv().unwrap());
    assert!(waiting(&clock, move || done.done().pop_timeout(MINUTE)).recv().unwrap().is_none());
    assert!(waiting(&clock, move || joined.completed().timeout(MINUTE).next()).recv().unwrap().is_none());
    assert!(!waiting(&clock, move || idle.wait_idle_timeout(MINUTE)).recv().unwrap());
    assert!(!waiting(&clock, move || group.wait_timeout(MINUTE)).recv().unwrap());
    assert!(!waiting(&clock, move || all.wait_ended(Some(MINUTE))).recv().unwrap());
    let Err(slow) = waiting(&clock, move || slow.join_timeout(MINUTE)).recv().unwrap() else { panic!("it waits") };
    assert!(!waiting(&clock, move || over.shutdown_timeout(MINUTE)).recv().unwrap());
    pool.cancel_timers();
    sender.send(()).unwrap();
    assert!(slow.join().unwrap());
    pool.shutdown();
}

#[test]
fn several_jobs_have_time_until_the_clock_shows_so() {
    let (clock, pool) = pool::<()>(2);
    let all = pool.clone();
    let results =
        waiting(&clock, move || all.invoke_all_timeout((0..2).map(|_| || SEMAPHORE.acquire().is_ok()), MINUTE));
    let results = results.recv().unwrap();
    assert!(results.iter().all(|result| matches!(result, Err(JobError::Expired))), "{results:?}");
    SEMAPHORE.release(2).unwrap();
    pool.wait_idle();
}

static SEMAPHORE: Semaphore = Semaphore::new(0);

#[test]
fn waits_inside_jobs_end_when_the_clock_shows_so_and_what_follows_is_waited_for() {
    let (clock, pool) = pool(2);
    let start = clock.now();
    for n in 1..=3_u32 {
        let (handle, show) = (pool.clone(), clock.clone());
        pool.submit_with(move |job| {
            assert!(!job.cancelled_timeout(n * MINUTE));
            // It goes on, and waits for others: on this moment all of it.
            let show = show.clone();
            handle.spawn(move || show.now()).unwrap().join().unwrap()
        })
        .unwrap();
    }
    for n in 1..=3 {
        clock.advance(MINUTE);
        assert_eq!(values(&pool), [start + n * MINUTE]);
    }
    let inside = pool.clone();
    let show = clock.clone();
    pool.submit(move || {
        assert!(inside.done().pop_timeout(HOUR).is_none());
        show.now()
    })
    .unwrap();
    clock.advance(DAY);
    assert_eq!(values(&pool), [start + 3 * MINUTE + HOUR]);
}

#[test]
fn jobs_that_wait_for_each_other_are_over_before_the_next_moment() {
    let (clock, pool) = pool(2);
    let start = clock.now();
    for n in 1..=20_u32 {
        let (handle, show) = (pool.clone(), clock.clone());
        pool.submit_later(n * MINUTE, move || {
            let (here, there) = (Semaphore::new(0), Semaphore::new(0));
            handle.scope(|scope| {
                scope.spawn(|| (0..5).for_each(|_| (there.release(1).unwrap(), here.acquire().unwrap().forget()).1));
                scope.spawn(|| (0..5).for_each(|_| (there.acquire().unwrap().forget(), here.release(1).unwrap()).1));
            });
            let (a, b) = handle.join(|| show.now(), || show.now());
            assert_eq!(a, b);
            a
        })
        .unwrap();
    }
    clock.advance(DAY);
    let expected: Vec<_> = (1..=20).map(|n| start + n * MINUTE).collect();
    assert_eq!(values(&pool), expected);
}

#[test]
fn semaphores_do_not_follow_it() {
    let (_clock, pool) = pool::<()>(1);
    let none = Semaphore::new(0);
    let timed_out = move || matches!(none.acquire_timeout(Duration::from_millis(1)), Err(AcquireError::TimedOut));
    assert!(pool.spawn(timed_out).unwrap().join().unwrap());
}

// ----- threads

#[test]
fn threads_end_that_have_had_nothing_to_do_for_long() {
    let (clock, pool) = set_up::<()>(3, |builder| builder.min_threads(1).keep_alive(HOUR).prestart(3));
    clock.advance(HOUR.saturating_sub(MINUTE));
    assert_eq!(pool.alive(), 3);
    clock.advance(MINUTE);
    assert_eq!(pool.alive(), 1);
    // And come again.
    pool.submit(|| ()).unwrap();
    clock.advance(Duration::ZERO);
    assert_eq!(pool.counts().done, 1);
}

#[test]
fn what_is_late_gets_a_worker() {
    let (clock, pool) = set_up(1, |builder| builder.punctual(MINUTE, 1));
    let _occupied = Occupied::new(&pool);
    pool.submit_later(HOUR, || "due").unwrap();
    // The only worker waits by means that nobody knows: so nothing is waited for.
    clock.jump(HOUR);
    clock.jump(MINUTE.saturating_sub(NANO));
    assert_eq!(pool.alive(), 1);
    clock.jump(NANO);
    assert_eq!(pool.done().pop().map(|done| done.value), Some("due"));
}

#[test]
fn nothing_is_late_while_a_worker_is_free() {
    let (clock, pool) = set_up(2, |builder| builder.punctual(MINUTE, 1));
    pool.schedule(HOUR, || "due").unwrap();
    clock.advance(DAY);
    assert_eq!(values(&pool).len(), 24);
    assert!(pool.largest() <= 2);
}

// ----- who turns it

#[test]
fn inside_a_job_an_advance_is_a_jump() {
    let (clock, pool) = pool(1);
    let (start, inside) = (clock.now(), clock.clone());
    pool.submit_later(MINUTE, {
        let show = clock.clone();
        move || show.now()
    })
    .unwrap();
    pool.submit_later(HOUR, move || {
        inside.advance(HOUR);
        assert_eq!(inside.advance_to_next(), None);
        inside.now()
    })
    .unwrap();
    clock.advance(HOUR);
    assert_eq!((values(&pool), clock.now()), (vec![start + MINUTE, start + 2 * HOUR], start + 2 * HOUR));
}

#[test]
fn several_threads_turn_it() {
    let (clock, pool) = pool::<()>(2);
    let start = clock.now();
    pool.schedule(MINUTE, || ()).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10).for_each(|_| clock.advance(MINUTE)));
        }
    });
    assert_eq!((clock.now() - start, pool.counts().done), (40 * MINUTE, 40));
}

#[test]
fn a_job_that_waits_by_other_means_is_not_waited_for() {
    let (clock, pool) = pool(1);
    let ((sender, receiver), handle) = (channel(), pool.clone());
    pool.submit(move || handle.blocking(|| receiver.recv()).unwrap_or("nothing")).unwrap();
    pool.submit_later(HOUR, || "due").unwrap();
    clock.advance(DAY);
    assert_eq!(values(&pool), ["due"], "another worker stands in");
    sender.send("told").unwrap();
    pool.wait_idle();
    assert_eq!(values(&pool), ["told"]);
}

#[test]
fn jobs_may_panic() {
    let (clock, pool) = pool::<u32>(1);
    pool.schedule(HOUR, || -> u32 { panic!("again") }).unwrap();
    clock.advance(DAY);
    assert_eq!(pool.counts().failed, 24);
}

#[test]
fn a_pool_that_is_shut_down_runs_what_was_delayed() {
    let (clock, pool) = pool(1);
    pool.submit_later(HOUR, || "delayed").unwrap();
    let other = pool.clone();
    let shut = thread::spawn(move || other.shutdown());
    until(|| pool.is_closed());
    clock.advance(HOUR);
    shut.join().unwrap();
    assert_eq!(values(&pool), ["delayed"]);
    clock.advance(HOUR);
    drop(pool);
    clock.advance(HOUR);
}

#[test]
fn the_last_handle_waits_by_the_clock_of_the_world() {
    let (_clock, pool) = set_up(1, |builder| builder.on_drop(OnDrop::WaitTimeout(Duration::from_millis(1))));
    pool.submit_later(HOUR, || ()).unwrap();
    drop(pool);
}

#[test]
fn futures_go_on_within_a_moment() {
    let (clock, pool) = pool::<()>(2);
    let (sender, receiver) = channel();
    let (handle, show) = (pool.clone(), clock.clone());
    pool.submit_later(HOUR, move || {
        let show = show.clone();
        let job = handle.spawn(move || show.now()).unwrap();
        handle.spawn_future(async move { sender.send(job.await.unwrap()).unwrap() }).map(drop).unwrap();
    })
    .unwrap();
    let start = clock.now();
    clock.advance(DAY);
    assert_eq!(receiver.try_recv(), Ok(start + HOUR));
}
