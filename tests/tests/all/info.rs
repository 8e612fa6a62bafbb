//! Listings and counts.

use std::time::Duration;

use fastthreadpool::{Counts, JobKind, Pool};

use crate::support::{HOUR, Occupied, pool};

#[test]
fn listings_say_what_waits_for_what() {
    let pool: Pool<u8> = pool(1);
    let occupied = Occupied::new(&pool);
    let queued = [pool.submit(|| 1).unwrap(), pool.submit(|| 2).unwrap()];
    let urgent = pool.submit_first(|| 3).unwrap();
    let delayed = pool.submit_later(HOUR, || 4).unwrap();
    let periodic = pool.schedule(HOUR, || 5).unwrap();
    let jobs: Vec<_> = pool.jobs().into_iter().map(|job| (job.id, job.kind, job.due)).collect();
    assert_eq!(
        jobs,
        [(urgent, JobKind::Urgent, None), (queued[0], JobKind::Queued, None), (queued[1], JobKind::Queued, None)]
    );
    assert_eq!(pool.delayed().iter().map(|job| job.id).collect::<Vec<_>>(), [delayed]);
    assert_eq!(pool.scheduled().iter().map(|job| job.id).collect::<Vec<_>>(), [periodic]);
    drop(occupied);
    pool.wait_idle();
    assert!(pool.jobs().is_empty());
    pool.cancel_timers();
    assert!(pool.delayed().is_empty() && pool.scheduled().is_empty());
}

#[test]
fn counts_add_up() {
    let pool: Pool<u8> = pool(2);
    assert_eq!(pool.counts(), Counts::default());
    let occupied = Occupied::new(&pool);
    let other = Occupied::new(&pool);
    let ids: Vec<_> = (0..10).map(|n| pool.submit(move || if n == 5 { Err("five") } else { Ok(n) }).unwrap()).collect();
    pool.submit_later(HOUR, || 1).unwrap();
    pool.schedule(HOUR, || 1).unwrap();
    pool.cancel(ids[0]);
    let counts = pool.counts();
    assert_eq!((counts.alive, counts.busy, counts.pending, counts.queued), (2, 2, 11, 9));
    assert_eq!((counts.timers, counts.done, counts.failed, counts.cancelled), (2, 0, 0, 1));
    assert_eq!((pool.alive(), pool.busy(), pool.pending()), (2, 2, 11));
    drop((occupied, other));
    pool.wait_idle();
    pool.cancel_timers();
    let counts = pool.counts();
    assert_eq!((counts.pending, counts.queued, counts.timers), (0, 0, 0));
    assert_eq!((counts.done, counts.failed, counts.cancelled), (10, 1, 3));
    pool.shutdown();
    assert_eq!((pool.alive(), pool.busy()), (0, 0));
}

#[test]
fn counts_of_all_kinds_of_jobs() {
    let pool: Pool<u8> = pool(1);
    pool.submit(|| 1).unwrap();
    pool.submit_first(|| 1).unwrap();
    pool.submit_later(Duration::ZERO, || 1).unwrap();
    pool.spawn(|| ()).unwrap().join().unwrap();
    pool.scope(|scope| scope.spawn(|| ()));
    pool.submit_iter(|| [1, 2, 3].into_iter()).unwrap();
    pool.spawn(|| panic!("oh")).unwrap().join().unwrap_err();
    pool.submit(|| -> u8 { panic!("oh") }).unwrap();
    pool.wait_idle();
    let counts = pool.counts();
    assert_eq!((counts.done, counts.failed, counts.cancelled), (6, 2, 0));
}
