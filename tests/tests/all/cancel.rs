//! Cancelling jobs wherever they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastthreadpool::{Cancellation, Pool, Semaphore};

use crate::support::{Drops, Occupied, pool, values};

#[test]
fn a_queued_job_is_removed_and_dropped_at_once() {
    let pool: Pool<u8> = pool(1);
    let occupied = Occupied::new(&pool);
    let drops = Drops::default();
    let token = drops.one();
    let id = pool
        .submit(move || {
            drop(token);
            1
        })
        .unwrap();
    let urgent = pool.submit_first(|| 2).unwrap();
    pool.submit(|| 3).unwrap();
    assert_eq!(pool.cancel(id), Cancellation::Removed);
    assert_eq!(drops.count(), 1);
    assert_eq!(pool.cancel(urgent), Cancellation::Removed);
    assert_eq!((pool.cancel(id), pool.cancel(urgent)), (Cancellation::TooLate, Cancellation::TooLate));
    drop(occupied);
    pool.shutdown();
    assert_eq!(values(pool.done()), [3]);
    assert_eq!(pool.counts().cancelled, 2);
}

#[test]
fn a_running_job_is_told_and_may_look() {
    let pool: Pool<bool> = pool(1);
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (has_begun, wait) = (Arc::clone(&begun), Arc::clone(&gate));
    let id = pool
        .submit_with(move |job| {
            let before = job.is_cancelled();
            has_begun.release(1).unwrap();
            wait.acquire().unwrap().forget();
            !before && job.is_cancelled()
        })
        .unwrap();
    begun.acquire().unwrap().forget();
    assert_eq!(pool.cancel(id), Cancellation::Stopping);
    assert_eq!(pool.cancel(id), Cancellation::Stopping);
    gate.release(1).unwrap();
    assert!(pool.done().pop().unwrap().value);
    pool.wait_idle();
    assert_eq!(pool.cancel(id), Cancellation::TooLate);
    // The next job on that worker is not taken for it.
    assert!(!pool.with_results::<bool>().spawn(|| false).unwrap().join().unwrap());
    pool.submit_with(|job| !job.is_cancelled()).unwrap();
    assert!(pool.done().pop().unwrap().value);
}

#[test]
fn there_is_no_moment_at_which_a_job_is_too_late_and_has_not_begun() {
    // A cancelled job either never runs, or has begun: then it is running or over. Nothing in between.
    let pool: Pool<()> = pool(2);
    for _ in 0..20_000 {
        let began = Arc::new(AtomicUsize::new(0));
        let inside = Arc::clone(&began);
        let id = pool
            .submit_with(move |job| {
                let told = job.is_cancelled();
                inside.store(if told { 2 } else { 1 }, Ordering::SeqCst);
            })
            .unwrap();
        match pool.cancel(id) {
            Cancellation::Removed => {
                pool.wait_idle();
                assert_eq!(began.load(Ordering::SeqCst), 0);
            }
            Cancellation::Stopping => {
                pool.wait_idle();
                assert_ne!(began.load(Ordering::SeqCst), 0);
            }
            Cancellation::TooLate => assert_ne!(began.load(Ordering::SeqCst), 0),
        }
    }
}

#[test]
fn a_hundred_thousand_of_a_million() {
    let pool: Pool<u8> = pool(1);
    let occupied = Occupied::new(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let ids: Vec<_> = (0..1_000_000)
        .map(|_| {
            let ran = Arc::clone(&ran);
            pool.job(move || ran.fetch_add(1, Ordering::Relaxed) as u8).discard().submit().unwrap()
        })
        .collect();
    for id in ids.iter().step_by(10) {
        assert_eq!(pool.cancel(*id), Cancellation::Removed);
    }
    assert_eq!(pool.pending(), 900_001);
    drop(occupied);
    pool.wait_idle();
    assert_eq!(ran.load(Ordering::Relaxed), 900_000);
    assert_eq!(Arc::strong_count(&ran), 1);
    assert!(ids.iter().all(|id| pool.cancel(*id) == Cancellation::TooLate));
}

#[test]
fn all_queued_jobs_at_once_from_outside_and_from_jobs() {
    let pool: Pool<u8> = pool(1);
    let occupied = Occupied::new(&pool);
    (0..1000).for_each(|_| _ = pool.submit(|| 1).unwrap());
    (0..10).for_each(|_| _ = pool.submit_first(|| 1).unwrap());
    assert_eq!(pool.cancel_queued().len(), 1010);
    assert_eq!(pool.cancel_queued().len(), 0);
    drop(occupied);
    pool.wait_idle();

    let inside = pool.clone();
    let removed = pool.spawn(move || {
        (0..100).for_each(|_| _ = inside.submit(|| 1).unwrap());
        inside.cancel_queued().len()
    });
    assert_eq!(removed.unwrap().join().unwrap(), 100);
    pool.wait_idle();
    assert!(pool.done().is_empty());
    assert_eq!((pool.counts().cancelled, pool.pending()), (1110, 0));
}

#[test]
fn an_id_never_comes_back() {
    fn one() -> u8 {
        1
    }
    let pool: Pool<u8> = pool(1);
    let old: Vec<_> =
        (0..2000).map(|n| if n % 2 == 0 { pool.submit(one) } else { pool.submit_first(one) }.unwrap()).collect();
    pool.wait_idle();
    let occupied = Occupied::new(&pool);
    // Enough that every slot and every entry is used again.
    (0..5000).for_each(|n| _ = if n % 2 == 0 { pool.submit(one) } else { pool.submit_first(one) }.unwrap());
    assert!(old.iter().all(|id| pool.cancel(*id) == Cancellation::TooLate));
    assert_eq!(pool.pending(), 5001);
    pool.shutdown_timeout(std::time::Duration::ZERO);
    drop(occupied);
}

#[test]
fn cancellers_and_workers_agree_on_each_job() {
    let pool: Pool<()> = pool(2);
    let ran = Arc::new(AtomicUsize::new(0));
    let mut removed = 0;
    for _ in 0..50 {
        let ids: Vec<_> = (0..400)
            .map(|_| {
                let ran = Arc::clone(&ran);
                pool.submit(move || _ = ran.fetch_add(1, Ordering::Relaxed)).unwrap()
            })
            .collect();
        removed += std::thread::scope(|scope| {
            let cancel = |ids: &[_]| ids.iter().filter(|id| pool.cancel(**id) == Cancellation::Removed).count();
            let (front, back) = ids.split_at(200);
            let other = scope.spawn(move || cancel(front));
            cancel(back) + other.join().unwrap()
        });
    }
    pool.wait_idle();
    assert_eq!(ran.load(Ordering::Relaxed) + removed, 20_000);
    let counts = pool.counts();
    assert_eq!((counts.done, counts.cancelled), (20_000 - removed as u64, removed as u64));
}

#[test]
fn a_destructor_may_use_the_pool() {
    struct Submits(Pool<u8>);
    impl Drop for Submits {
        fn drop(&mut self) {
            self.0.submit(|| 7).unwrap();
            self.0.cancel_timers();
        }
    }
    let pool: Pool<u8> = pool(1);
    let occupied = Occupied::new(&pool);
    let hour = crate::support::HOUR;
    for submitted in 0..3 {
        let captured = Submits(pool.clone());
        let job = move || (captured, 1).1;
        let id = match submitted {
            0 => pool.submit(job),
            1 => pool.submit_first(job),
            _ => pool.submit_later(hour, job),
        };
        assert_eq!(pool.cancel(id.unwrap()), Cancellation::Removed);
    }
    let captured = Submits(pool.clone());
    pool.submit_first(move || (captured, 1).1).unwrap();
    pool.cancel_queued();
    drop(occupied);
    pool.wait_idle();
    assert!(values(pool.done()).iter().all(|value| *value == 7));
}
