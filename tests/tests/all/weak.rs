//! Weak handles of a pool: they keep nothing open, and are worth nothing once the last of the others has gone.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use fastthreadpool::{OnDrop, Pool, SubmitError, WeakPool};

use crate::support::{Drops, HOUR, Shut, pool, sorted};

#[test]
fn a_weak_handle_keeps_nothing_open() {
    let pool: Pool = pool(1);
    let drops = Drops::default();
    let (weak, held) = (pool.downgrade(), drops.one());
    let run = move || _ = (&held, weak.upgrade());
    pool.periodic(run).every(HOUR).submit().unwrap();
    let weak: WeakPool = pool.downgrade();
    assert!(weak.upgrade().is_some_and(|again| again.scheduled().len() == 1));
    drop(pool);
    assert_eq!(drops.count(), 1);
    assert!(weak.clone().upgrade().is_none());
}

#[test]
fn a_job_reaches_its_pool_as_long_as_somebody_has_it() {
    let pool: Pool = pool(1);
    let texts = pool.with_results::<&'static str>();
    let submitted = texts.submit_with(|job| {
        let pool = job.pool().upgrade().expect("it has two handles");
        let id = pool.submit_later(HOUR, || "late").unwrap();
        pool.submit(move || "another").unwrap();
        pool.reschedule(id, Duration::ZERO).unwrap();
        "one"
    });
    submitted.unwrap();
    pool.wait_idle();
    assert_eq!(sorted(texts.done()), ["another", "late", "one"]);
}

#[test]
fn there_is_nothing_to_upgrade_from_the_moment_at_which_the_last_handle_goes() {
    for on_drop in [OnDrop::Wait, OnDrop::Stop, OnDrop::Detach] {
        let pool: Pool = Pool::builder().threads(1).on_drop(on_drop).build().unwrap();
        let (sender, receiver) = channel();
        let (shut, gate) = Shut::new();
        let (begun, has_begun) = channel();
        pool.submit_with(move |job| {
            let weak = job.pool();
            begun.send(()).unwrap();
            gate.pass();
            sender.send(weak.upgrade().is_some()).unwrap();
        })
        .unwrap();
        has_begun.recv().unwrap();
        let (weak, group) = (pool.downgrade(), pool.group::<()>().build().unwrap());
        let dropper = thread::spawn(move || drop(pool));
        while let Ok(id) = group.submit(|| ()) {
            // Else there would be many of them if the other thread takes its time.
            group.cancel_id(id);
            thread::yield_now();
        }
        assert!(weak.upgrade().is_none());
        shut.open();
        assert!(!receiver.recv().unwrap(), "{on_drop:?}");
        dropper.join().unwrap();
    }
}

#[test]
fn a_job_that_has_the_last_handle_ends_the_pool_and_nobody_waits_in_it() {
    let pool: Pool = pool(1);
    let (sender, receiver) = channel();
    let (shut, gate) = Shut::new();
    pool.submit_with(move |job| {
        let pool = job.pool().upgrade().unwrap();
        sender.send(None).unwrap();
        gate.pass();
        pool.submit(|| ()).unwrap();
        let weak = pool.downgrade();
        drop(pool);
        sender.send(Some(weak.upgrade().is_none())).unwrap();
    })
    .unwrap();
    assert_eq!(receiver.recv().unwrap(), None);
    drop(pool);
    shut.open();
    assert_eq!(receiver.recv().unwrap(), Some(true));
}

#[test]
fn a_pool_that_was_shut_down_can_be_had_and_takes_nothing() {
    let pool: Pool = pool(1);
    let weak = pool.downgrade();
    pool.shutdown();
    let again = weak.upgrade().expect("it has a handle");
    assert!(again.is_ended() && matches!(again.submit(|| ()), Err(SubmitError::Closed(_))));
    again.reset();
    assert!(pool.submit(|| ()).is_ok());
}

#[test]
fn a_group_that_is_gone_is_so_for_weak_handles() {
    let pool: Pool = pool(1);
    let numbers = pool.with_results::<u8>();
    let weak = numbers.downgrade();
    let (shut, gate) = Shut::new();
    numbers
        .submit(move || {
            gate.pass();
            7
        })
        .unwrap();
    drop(numbers);
    // Its job is there.
    let numbers = weak.upgrade().expect("the group has a job");
    shut.open();
    assert_eq!(numbers.done().pop().map(|done| done.value), Some(7));
    numbers.wait();
    drop(numbers);
    assert!(weak.upgrade().is_none() && pool.downgrade().upgrade().is_some());
}
