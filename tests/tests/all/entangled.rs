//! Groups inside others, limits, deadlines, failures and repeats, where they meet: each of these once hung, or said what was not so.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use fastthreadpool::{Group, JobError, ManualClock, Pool, SubmitError};

use crate::support::{HOUR, Occupied, Shut, pool, values};

#[test]
fn a_job_of_a_limited_group_waits_for_a_group_inside() {
    let pool: Pool = pool(1);
    let limited = pool.group::<u32>().limit(1).build().unwrap();
    let (within, beside) = (limited.clone(), limited.group::<u32>().build().unwrap());
    let job = move || {
        let inner = within.group::<u32>().build().unwrap();
        inner.submit(|| 1).unwrap();
        beside.submit(|| 2).unwrap();
        // Their jobs need the place that this one has.
        assert!(inner.wait() && beside.wait());
        inner.submit(|| 3).unwrap();
        inner.completed().flatten().map(|done| done.value).sum::<u32>()
    };
    limited.submit(job).unwrap();
    assert!(limited.wait());
    assert_eq!(values(limited.done()), [4]);
}

#[test]
fn a_wait_in_a_job_that_repeats_waits_for_the_others() {
    let pool: Pool = pool(2);
    let group = pool.group::<bool>().build().unwrap();
    let (shut, gate) = Shut::new();
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    group.job(move || (gate.pass(), over.store(true, Ordering::SeqCst), true).2).discard().submit().unwrap();
    let (waits, (about_to, is_about_to)) = (group.clone(), mpsc::channel());
    let mut first = Some(());
    let id = group
        .schedule(Duration::from_millis(1), move || {
            if first.take().is_none() {
                return true;
            }
            assert!(!waits.wait_timeout(Duration::ZERO), "the other one has not ended");
            about_to.send(()).unwrap();
            waits.wait() && is_over.load(Ordering::SeqCst)
        })
        .unwrap();
    is_about_to.recv().unwrap();
    shut.open();
    assert!(group.done().pop().unwrap().value);
    group.cancel_id(id);
}

#[test]
fn items_that_leave_nothing_need_no_room() {
    let pool: Pool = pool(1);
    for group in [pool.group().limit(1).done_capacity(1), pool.group().done_capacity(1)] {
        let group: Group = group.build().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let items = Arc::clone(&count);
        group.submit_iter(move || (0..3).map(move |_| _ = items.fetch_add(1, Ordering::SeqCst))).unwrap();
        assert!(group.wait());
        assert_eq!(count.load(Ordering::SeqCst), 3);
    }
}

#[test]
fn a_cancel_around_stops_what_runs_in_a_group_whose_time_is_over() {
    // One worker sees that the time is over.
    let clock = ManualClock::new();
    let pool: Pool = Pool::builder().threads(2).clock(&clock).build().unwrap();
    let outer = pool.group::<bool>().build().unwrap();
    let expired = outer.group::<bool>().deadline(HOUR).build().unwrap();
    let (begins, has_begun) = mpsc::channel();
    let (shut, gate) = Shut::new();
    expired
        .submit_with(move |job| {
            begins.send(()).unwrap();
            gate.pass();
            job.is_cancelled()
        })
        .unwrap();
    has_begun.recv().unwrap();
    // Then its time is over. The job waits for something that the clock does not know of, so nobody waits for it here.
    clock.jump(HOUR);
    while !matches!(expired.submit(|| false), Err(SubmitError::Closed(_))) {
        std::thread::yield_now();
    }
    outer.cancel();
    shut.open();
    assert!(outer.wait());
    assert_eq!(values(expired.done()).pop(), Some(true));
}

#[test]
fn a_job_of_a_former_cohort_submits_to_a_group_that_was_cancelled_once() {
    let pool: Pool = pool(2);
    let outer = pool.group::<bool>().build().unwrap();
    let inner = outer.group::<bool>().build().unwrap();
    let (shut, gate) = Shut::new();
    let (begins, has_begun) = mpsc::channel();
    let submits = inner.clone();
    outer
        .submit(move || {
            begins.send(()).unwrap();
            gate.pass();
            submits.submit(|| true).is_ok()
        })
        .unwrap();
    has_begun.recv().unwrap();
    let occupied = Occupied::new(&pool);
    inner.submit(|| false).unwrap();
    assert_eq!(inner.cancel(), 1);
    // From here on the present cohorts are others.
    assert!(!outer.wait_timeout(Duration::ZERO));
    drop(occupied);
    shut.open();
    assert!(outer.wait());
    assert_eq!((values(outer.done()), values(inner.done())), (vec![true], vec![true]));
}

#[test]
fn a_cancel_does_not_count_what_a_cancel_inside_has_counted() {
    let pool: Pool = pool(1);
    let outer = pool.group::<u32>().build().unwrap();
    let (inner, beside) = (outer.group::<u32>().build().unwrap(), outer.group::<u32>().build().unwrap());
    let innermost = inner.group::<u32>().build().unwrap();
    let occupied = Occupied::new(&pool);
    for group in [&outer, &inner, &innermost, &beside] {
        group.submit(|| 1).unwrap();
        group.submit(|| 2).unwrap();
    }
    assert_eq!(innermost.cancel(), 2);
    innermost.submit(|| 3).unwrap();
    assert_eq!(inner.cancel(), 3, "its own two, and the one that came later");
    inner.submit(|| 4).unwrap();
    assert_eq!(outer.cancel(), 5, "its own two, those beside, and the one that came later");
    assert_eq!(outer.cancel(), 0);
    drop(occupied);
    assert!(outer.wait());
    let counts = outer.counts();
    assert_eq!((counts.accepted, counts.cancelled, counts.pending), (10, 10, 0));
}

#[test]
fn a_deadline_outlasts_a_reset_and_the_last_handle() {
    let clock = ManualClock::new();
    let pool = Pool::<()>::builder().threads(1).clock(&clock).build().unwrap();
    let root: &Group = &pool;
    let group = pool.group::<u32>().deadline(HOUR).build().unwrap();
    assert_eq!(root.cancel(), 0, "a deadline is no job");
    pool.reset();
    group.submit_later(2 * HOUR, || 1).unwrap();
    let spawned = pool.group::<u32>().deadline(HOUR).build().unwrap();
    spawned.submit_later(2 * HOUR, || 1).unwrap();
    drop(spawned);
    clock.advance(HOUR);
    // Neither waits for the other hour.
    assert!(group.wait());
    pool.shutdown();
    assert_eq!(group.counts().cancelled, 1);
    assert!(matches!(group.submit(|| 2), Err(SubmitError::Closed(_))));
}

#[test]
fn a_group_that_was_made_in_a_closed_pool_keeps_its_deadline() {
    let pool: Pool = pool(1);
    pool.shutdown();
    let late = pool.group::<u32>().deadline(Instant::now()).build().unwrap();
    pool.reset();
    assert!(matches!(late.submit(|| 1), Err(SubmitError::Closed(_))));
    assert!(late.wait());
    assert_eq!((late.counts().accepted, pool.spawn(|| 2).unwrap().join().unwrap()), (0, 2));
}

#[test]
fn a_failure_ends_all_that_the_group_has() {
    let pool: Pool = pool(2);
    for limit in [None, Some(1)] {
        let builder = pool.group::<u32>().fail_fast();
        let group = limit.map_or(builder, |limit| pool.group().fail_fast().limit(limit)).build().unwrap();
        let (shut, gate) = Shut::new();
        let (begins, has_begun) = mpsc::channel();
        let fails = group
            .spawn(move || {
                begins.send(()).unwrap();
                gate.pass();
                panic!("on purpose")
            })
            .unwrap();
        has_begun.recv().unwrap();
        // What comes now is another cohort.
        assert!(!group.wait_timeout(Duration::ZERO));
        let occupied = Occupied::new(&pool);
        let later = group.spawn(|| 1).unwrap();
        shut.open();
        let failed: Result<(), _> = fails.join();
        assert!(matches!(failed, Err(JobError::Panicked(_))));
        assert!(matches!(group.submit(|| 2), Err(SubmitError::Closed(_))));
        drop(occupied);
        assert!(matches!(later.join(), Err(JobError::Cancelled)), "it had not begun");
        assert!(group.wait());
        group.submit(|| 3).unwrap();
        assert!(group.wait());
    }
}
