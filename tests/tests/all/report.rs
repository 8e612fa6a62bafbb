//! Who waits for what, as a pool says.

use std::sync::mpsc::channel;
use std::thread;

use fastthreadpool::{Awaited, Pool, Wait};

use crate::support::{HOUR, Occupied, Shut, pool};

/// Those who wait, once they are so many.
fn waits(pool: &Pool, number: usize) -> Vec<Wait> {
    loop {
        let waits = pool.report().waits;
        if waits.len() == number {
            return waits;
        }
        thread::yield_now();
    }
}

#[test]
fn an_idle_pool_has_nothing_to_say() {
    let pool: Pool = pool(2);
    let report = pool.report();
    assert!(report.is_open && !report.is_paused && report.running.is_empty() && report.waits.is_empty());
    assert_eq!((report.threads, report.waiting, report.untold, report.name.as_str()), (2, 0, 0, "ThreadPool"));
    assert_eq!(report.to_string().lines().count(), 3);
    pool.pause();
    assert!(pool.report().is_paused && pool.report().to_string().starts_with("ThreadPool: open, paused"));
    pool.resume();
    pool.shutdown();
    assert!(!pool.report().is_open);
}

#[test]
fn a_job_that_waits_for_another_is_told_with_it() {
    let pool: Pool = pool(2);
    let (shut, gate) = Shut::new();
    let (begun, has_begun) = channel();
    let slow = pool
        .spawn(move || {
            begun.send(()).unwrap();
            gate.pass();
        })
        .unwrap();
    has_begun.recv().unwrap();
    let awaited = slow.id();
    let waits_for_it = pool.submit(move || slow.join().unwrap()).unwrap();
    assert_eq!(
        waits(&pool, 1).iter().map(|wait| (wait.by, wait.what)).collect::<Vec<_>>(),
        [(Some(waits_for_it), Awaited::Job(awaited))]
    );
    let report = loop {
        let report = pool.report();
        if report.waiting == 1 && report.running.len() == 2 {
            break report;
        }
    };
    let mut running: Vec<_> = report.running.iter().map(|(_, id)| *id).collect();
    running.sort();
    assert_eq!(running, [awaited, waits_for_it]);
    let text = report.to_string();
    assert!(text.contains(&format!("job {waits_for_it} waits for job {awaited}")), "{text}");
    shut.open();
    pool.wait_idle();
}

#[test]
fn who_waits_outside_is_told_too() {
    let pool: Pool = pool(1);
    let group = pool.group::<()>().limit(1).build().unwrap();
    let occupied = Occupied::new(&pool);
    group.submit(|| ()).unwrap();
    group.submit(|| ()).unwrap();
    let later = pool.submit_later(HOUR, || ()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| pool.wait_idle());
        scope.spawn(|| group.wait());
        let mut all: Vec<_> = waits(&pool, 2).into_iter().map(|wait| (wait.by, wait.what)).collect();
        all.sort_by_key(|(_, what)| *what == Awaited::Group);
        assert_eq!(all, [(None, Awaited::Idle), (None, Awaited::Group)]);
        let counts = pool.report().counts;
        assert_eq!((counts.timers, counts.gated, counts.queued, counts.running), (1, 1, 1, 1));
        drop(occupied);
    });
    assert!(pool.report().waits.is_empty());
    pool.cancel(later);
}

#[test]
fn callbacks_that_are_behind_are_told() {
    let (begun, has_begun) = channel();
    let (shut, gate) = Shut::new();
    let gate = std::sync::Mutex::new(gate);
    let pool: Pool<u32> = Pool::builder()
        .threads(1)
        .on_done(move |_| {
            begun.send(()).unwrap();
            gate.lock().unwrap().pass();
        })
        .build()
        .unwrap();
    pool.submit(|| 1).unwrap();
    has_begun.recv().unwrap();
    assert_eq!(pool.report().untold, 1);
    shut.open();
    pool.shutdown();
    assert_eq!(pool.report().untold, 0);
}
