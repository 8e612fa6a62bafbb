//! What was removed, as it is told: by `cancel_queued`, `cancel_timers` and `shutdown_now`.

use std::any::type_name_of_val;
use std::collections::BTreeMap;
use std::thread;

use fastthreadpool::{JobKind, Pool, RemovedJob};

use crate::support::{Drops, HOUR, Occupied, pool, tally};

/// Names and kinds, in the order of the names.
fn told(removed: &[RemovedJob]) -> Vec<(&'static str, JobKind)> {
    let mut told: Vec<_> = removed.iter().map(|job| (job.name, job.kind)).collect();
    told.sort_by_key(|(name, _)| *name);
    told
}

#[test]
fn each_call_tells_ids_names_and_kinds_of_what_it_has_removed() {
    let pool: Pool<u8> = pool(1);
    let group = pool.group::<u8>().limit(1).build().unwrap();
    let occupied = Occupied::new(&pool);
    let unnamed = || 1;
    let name = type_name_of_val(&unnamed);
    let queued = pool.submit(unnamed).unwrap();
    let ids = [
        pool.job(|| 1).name("a first").first().submit().unwrap(),
        pool.job(|| 1).name("b through").submit().unwrap(),
        group.job(|| 1).name("c let through").submit().unwrap(),
        group.job(|| 1).name("d gated").submit().unwrap(),
    ];
    let removed = pool.cancel_queued();
    assert_eq!(removed.len(), 5);
    let unnamed = removed.iter().find(|job| job.id == queued).unwrap();
    assert_eq!((unnamed.name, unnamed.kind), (name, JobKind::Queued));
    for (id, (name, kind)) in ids.into_iter().zip([
        ("a first", JobKind::Urgent),
        ("b through", JobKind::Queued),
        ("c let through", JobKind::Queued),
        ("d gated", JobKind::Gated),
    ]) {
        let job = removed.iter().find(|job| job.id == id).unwrap();
        assert_eq!((job.name, job.kind), (name, kind));
    }
    pool.job(|| 1).name("a delayed").after(HOUR).submit().unwrap();
    pool.periodic(|| 1).name("b periodic").every(HOUR).submit().unwrap();
    pool.overlapping(|| 1).name("c overlapping").every(HOUR).submit().unwrap();
    group.job(|| 1).name("d delayed").after(HOUR).submit().unwrap();
    assert_eq!(pool.cancel_queued(), []);
    let expected = [
        ("a delayed", JobKind::Delayed),
        ("b periodic", JobKind::Periodic),
        ("c overlapping", JobKind::Periodic),
        ("d delayed", JobKind::Delayed),
    ];
    assert_eq!(told(&pool.cancel_timers()), expected);
    assert_eq!(pool.cancel_timers(), []);
    drop(occupied);
    pool.wait_idle();
    assert_eq!((pool.counts().cancelled, pool.done().len()), (9, 0));
}

#[test]
fn a_shutdown_tells_all_that_it_has_removed_and_has_dropped_it() {
    let pool: Pool<u8> = pool(1);
    let drops = Drops::default();
    let occupied = Occupied::new(&pool);
    // More than fits into a place of the queue, and more than fits into any.
    let (one, other, large, huge) = (drops.one(), drops.one(), [1_u8; 100], [1_u8; 1000]);
    pool.job(move || {
        drop(one);
        1
    })
    .name("queued")
    .submit()
    .unwrap();
    pool.job(move || large[7]).name("large").submit().unwrap();
    pool.job(move || huge[7]).name("huge").submit().unwrap();
    pool.job(move || {
        drop(other);
        1
    })
    .name("delayed")
    .after(HOUR)
    .submit()
    .unwrap();
    let stopper = pool.clone();
    let stop = thread::spawn(move || stopper.shutdown_now());
    while drops.count() < 2 {
        thread::yield_now();
    }
    drop(occupied);
    let expected = [
        ("delayed", JobKind::Delayed),
        ("huge", JobKind::Queued),
        ("large", JobKind::Queued),
        ("queued", JobKind::Queued),
    ];
    assert_eq!(told(&stop.join().unwrap()), expected);
    assert_eq!(pool.shutdown_now(), []);
}

#[test]
fn every_job_that_does_not_run_is_told_once() {
    const JOBS: u32 = 4000;
    let pool: Pool<u32> = pool(2);
    let removed = thread::scope(|scope| {
        let submitter = scope.spawn(|| (0..JOBS).map(|n| pool.submit(move || n).unwrap()).collect::<Vec<_>>());
        let cancellers: Vec<_> =
            (0..2).map(|_| scope.spawn(|| (0..200).flat_map(|_| pool.cancel_queued()).collect::<Vec<_>>())).collect();
        submitter.join().unwrap();
        cancellers.into_iter().flat_map(|canceller| canceller.join().unwrap()).collect::<Vec<_>>()
    });
    let rest = pool.shutdown_now();
    let ran = pool.done().drain().map(|done| done.id);
    let counts: BTreeMap<_, _> = tally(ran.chain(removed.iter().chain(&rest).map(|job| job.id)));
    assert_eq!(counts.len(), JOBS as usize);
    assert!(counts.values().all(|times| *times == 1));
    assert_eq!(pool.counts().cancelled, (removed.len() + rest.len()) as u64);
}

#[test]
fn jobs_of_every_kind_know_their_names() {
    let pool: Pool<u8> = pool(1);
    let occupied = Occupied::new(&pool);
    let (spawned, with, items) = (|| (), |_: &fastthreadpool::Context<'_, u8>| 1, || [1, 2].into_iter());
    let names = [type_name_of_val(&spawned), type_name_of_val(&with), type_name_of_val(&items)];
    drop(pool.spawn(spawned).unwrap());
    pool.submit_with(with).unwrap();
    pool.submit_iter(items).unwrap();
    let removed: Vec<_> = pool.cancel_queued().iter().map(|job| job.name).collect();
    assert_eq!(removed, names);
    drop(occupied);
}
