//! A bounded queue of jobs, and a bounded queue of results.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastthreadpool::{Cancellation, EmitError, JobKind, Pool, Semaphore, SubmitError};

use crate::support::{Drops, HOUR, Occupied, values};

fn queue_of(capacity: usize) -> Pool<u32> {
    Pool::builder().threads(1).queue_capacity(capacity).build().unwrap()
}

fn results_of(capacity: usize) -> Pool<u32> {
    Pool::builder().threads(2).done_capacity(capacity).build().unwrap()
}

/// The bound holds: so many more are taken and not one else.
fn assert_room(pool: &Pool<u32>, room: usize) {
    let occupied = Occupied::new(pool);
    let ids: Vec<_> = std::iter::from_fn(|| pool.submit(|| 0).ok()).take(room + 1).collect();
    assert_eq!(ids.len(), room);
    for id in ids {
        assert_eq!(pool.cancel(id), Cancellation::Removed);
    }
    drop(occupied);
    pool.wait_idle();
}

#[test]
fn a_full_queue_gives_the_function_back_until_there_is_room() {
    let pool = queue_of(3);
    let occupied = Occupied::new(&pool);
    let ids: Vec<_> = (0..3).map(|n| pool.submit(move || n).unwrap()).collect();
    let error = pool.submit(|| 3).unwrap_err();
    assert!(matches!(error, SubmitError::Full(_)) && error.to_string().contains("full"));
    assert_eq!(error.into_inner()(), 3);
    assert!(matches!(pool.submit_first(|| 3), Err(SubmitError::Full(_))));
    assert!(matches!(pool.submit_later(HOUR, || 3), Err(SubmitError::Full(_))));
    assert!(matches!(pool.schedule(HOUR, || 3), Err(SubmitError::Full(_))));
    assert!(matches!(pool.spawn(|| 3), Err(SubmitError::Full(_))));
    pool.cancel(ids[0]);
    pool.submit_later(HOUR, || 3).unwrap();
    assert!(pool.submit(|| 3).is_err());
    drop(occupied);
    pool.wait_idle();
    assert_eq!(values(pool.done()), [1, 2]);
    assert_eq!(pool.cancel_timers().len(), 1);
    assert_room(&pool, 3);
}

#[test]
fn room_comes_back_however_a_job_ends() {
    let pool = queue_of(4);
    let drops = Drops::default();
    for round in 0..20 {
        let token = drops.one();
        pool.submit(move || (token, 1).1).unwrap();
        pool.submit(|| -> u32 { panic!("oh") }).unwrap();
        pool.wait_idle();
        pool.submit_first(|| 1).unwrap();
        pool.submit_later(Duration::ZERO, || 1).unwrap();
        pool.spawn(|| 1).unwrap().join().unwrap();
        pool.wait_idle();
        pool.scope(|scope| (0..10).for_each(|_| scope.spawn(|| ())));
        // Periodic jobs: cancelled, ended by failure, cancelled while they run.
        let id = pool.schedule(HOUR, || 1).unwrap();
        pool.cancel(id);
        pool.periodic(|| Err::<u32, _>("no")).every(Duration::from_micros(10)).stop_on_failure().submit().unwrap();
        let failures = pool.failed().iter().take(2).count();
        pool.wait_idle();
        let inner = pool.clone();
        pool.schedule(Duration::from_micros(10), move || {
            inner.cancel_timers();
            1
        })
        .unwrap();
        while pool.counts().timers > 0 {
            std::thread::yield_now();
        }
        pool.wait_idle();
        assert_eq!((failures, drops.count()), (2, round + 1));
        assert_room(&pool, 4);
    }
    pool.shutdown();
    pool.submit(|| 1).unwrap_err();
    pool.reset();
    assert_room(&pool, 4);
    // A time that never comes again.
    pool.periodic(|| 1).every(Duration::MAX).starting(Duration::ZERO).submit().unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 1);
    while pool.counts().timers > 0 {
        std::thread::yield_now();
    }
    pool.wait_idle();
    assert_room(&pool, 4);
}

#[test]
fn a_full_done_queue_puts_jobs_off_and_parks_no_worker() {
    let pool = results_of(3);
    let ids: Vec<_> = (0..20).map(|n| pool.submit(move || n).unwrap()).collect();
    // The rest of the pool works while they wait.
    let other = pool.with_results::<&str>();
    other.submit(|| "other").unwrap();
    assert_eq!(other.done().pop().unwrap().value, "other");
    let waiting = || pool.jobs().iter().filter(|job| job.kind == JobKind::Gated).count();
    // A worker is not busy any more a moment before its run is counted as ended.
    while pool.done().len() < 3 || waiting() < 17 || pool.busy() > 0 || pool.pending() > 17 {
        std::thread::yield_now();
    }
    assert_eq!((pool.done().len(), pool.pending(), pool.busy()), (3, 17, 0));
    assert!(!pool.wait_idle_timeout(Duration::ZERO));
    let mut all: Vec<_> = (0..20).map(|_| pool.done().pop().unwrap()).collect();
    all.sort_by_key(|done| done.value);
    assert_eq!(all.iter().map(|done| done.id).collect::<Vec<_>>(), ids);
    pool.wait_idle();
    let counts = pool.counts();
    assert_eq!((counts.done, counts.pending, counts.cancelled), (21, 0, 0));
}

#[test]
fn a_job_that_is_put_off_keeps_its_id() {
    let pool: Pool<u32> = Pool::builder().threads(1).done_capacity(1).build().unwrap();
    pool.submit(|| 0).unwrap();
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (has_begun, wait) = (Arc::clone(&begun), Arc::clone(&gate));
    let id = pool
        .submit_with(move |job| {
            has_begun.release(1).unwrap();
            wait.acquire().unwrap().forget();
            assert!(job.is_cancelled());
            1
        })
        .unwrap();
    let second = pool.submit(|| 2).unwrap();
    let third = pool.submit(|| 3).unwrap();
    while pool.jobs().iter().filter(|job| job.kind == JobKind::Gated).count() < 3 {
        std::thread::yield_now();
    }
    // It has room, and waits for the worker under its own id.
    let occupied = Occupied::new(&pool);
    assert_eq!(pool.done().pop().unwrap().value, 0);
    let listed: Vec<_> = pool.jobs().iter().map(|job| (job.id, job.kind)).collect();
    assert_eq!(listed.len(), 3);
    assert!(listed.contains(&(id, JobKind::Queued)));
    assert!([second, third].iter().all(|id| listed.contains(&(*id, JobKind::Gated))));
    assert_eq!(pool.pending(), 4);
    drop(occupied);
    begun.acquire().unwrap().forget();
    assert_eq!(pool.jobs().len(), 2);
    assert_eq!(pool.cancel(id), Cancellation::Stopping);
    assert_eq!(pool.cancel(second), Cancellation::Removed);
    assert_eq!(pool.cancel(second), Cancellation::TooLate);
    gate.release(1).unwrap();
    let done = pool.done().pop().unwrap();
    assert_eq!((done.id, done.value), (id, 1));
    let done = pool.done().pop().unwrap();
    assert_eq!((done.id, done.value), (third, 3));
    pool.wait_idle();
    assert_eq!((pool.counts().done, pool.counts().cancelled), (4, 1));
    assert!(pool.failed().is_empty());
}

#[test]
fn one_that_was_given_room_can_still_be_removed_and_gives_it_back() {
    let pool: Pool<u32> = Pool::builder().threads(1).done_capacity(1).queue_capacity(10).build().unwrap();
    for all in [false, true] {
        pool.submit(|| 0).unwrap();
        let drops = Drops::default();
        let token = drops.one();
        let id = pool.submit(move || (token, 1).1).unwrap();
        while pool.jobs().iter().filter(|job| job.kind == JobKind::Gated).count() < 1 {
            std::thread::yield_now();
        }
        let occupied = Occupied::new(&pool);
        assert_eq!(pool.done().pop().unwrap().value, 0);
        if all {
            assert_eq!(pool.cancel_queued().len(), 1);
        } else {
            assert_eq!(pool.cancel(id), Cancellation::Removed);
        }
        assert_eq!((drops.count(), pool.jobs().len()), (1, 0));
        drop(occupied);
        pool.wait_idle();
        // The room is there again: exactly one result.
        pool.submit(|| 2).unwrap();
        pool.submit(|| 3).unwrap();
        assert_eq!(pool.done().pop().unwrap().value, 2);
        assert_eq!(pool.done().pop().unwrap().value, 3);
        pool.wait_idle();
    }
    assert_room(&pool, 10);
}

#[test]
fn both_bounds_hold_together() {
    let pool: Pool<u32> = Pool::builder().threads(1).queue_capacity(5).done_capacity(2).build().unwrap();
    let mut accepted = 0;
    // Nobody reads: two results, five that wait, then it is full for good.
    for _ in 0..1000 {
        accepted += usize::from(pool.submit(|| 1).is_ok());
        std::thread::yield_now();
    }
    while pool.done().len() < 2 {
        std::thread::yield_now();
    }
    while pool.submit(|| 1).is_ok() {
        accepted += 1;
    }
    // One more where a submit came between the begin of a job and its being put off.
    assert!((7..=8).contains(&accepted), "{accepted}");
    for _ in 0..accepted {
        pool.done().pop().unwrap();
    }
    pool.wait_idle();
    assert!(pool.done().is_empty());
    assert_room(&pool, 5);
}

#[test]
fn iterators_and_emitting_jobs_wait_for_room() {
    let pool = results_of(2);
    pool.submit_iter(|| 0..50).unwrap();
    pool.submit_with(|job| {
        for n in 100..110 {
            job.emit(n)?;
        }
        Ok::<_, EmitError<u32>>(110)
    })
    .unwrap();
    let mut all: Vec<_> = (0..61)
        .map(|_| {
            assert!(pool.done().len() <= 3);
            pool.done().pop().unwrap().value
        })
        .collect();
    pool.wait_idle();
    assert!(pool.done().is_empty());
    assert!(all.iter().filter(|n| **n < 100).is_sorted() && all.iter().filter(|n| **n >= 100).is_sorted());
    all.sort_unstable();
    assert_eq!(all, (0..50).chain(100..=110).collect::<Vec<_>>());
}

#[test]
fn an_emitting_job_gives_up_when_it_is_told_to_stop() {
    for now in [false, true] {
        let pool = results_of(1);
        pool.submit(|| 1).unwrap();
        let (begun, refused) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        while pool.done().is_empty() {
            std::thread::yield_now();
        }
        pool.done().pop().unwrap();
        let (has_begun, count) = (Arc::clone(&begun), Arc::clone(&refused));
        let id = pool
            .submit_with(move |job| {
                // It has reserved the only room for what it returns, and nothing is there to be read.
                job.emit(6).unwrap();
                has_begun.release(1).unwrap();
                count.store(job.emit(7).unwrap_err().0 as usize, Ordering::SeqCst);
                8
            })
            .unwrap();
        begun.acquire().unwrap().forget();
        if now {
            pool.shutdown_now();
        } else {
            assert_eq!(pool.cancel(id), Cancellation::Stopping);
        }
        while refused.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        assert_eq!([(); 2].map(|()| pool.done().pop().unwrap().value), [6, 8]);
        pool.wait_idle();
        assert_eq!(refused.load(Ordering::SeqCst), 7);
    }
}

#[test]
fn a_stop_removes_what_was_put_off() {
    let pool = results_of(1);
    let drops = Drops::default();
    for _ in 0..10 {
        let token = drops.one();
        pool.submit(move || (token, 1).1).unwrap();
    }
    let token = drops.one();
    pool.submit_iter(move || {
        let _token = token;
        [1, 2, 3].into_iter()
    })
    .unwrap();
    pool.shutdown_now();
    assert_eq!((drops.count(), pool.pending()), (11, 0));
    assert!(pool.done().len() <= 1);
    pool.reset();
    pool.submit(|| 7).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 7);
}

#[test]
fn the_last_drop_does_not_wait_for_a_reader() {
    let ran = Arc::new(AtomicUsize::new(0));
    let pool = results_of(1);
    for n in 0..20 {
        let ran = Arc::clone(&ran);
        pool.submit(move || {
            ran.fetch_add(1, Ordering::SeqCst);
            n
        })
        .unwrap();
    }
    drop(pool);
    assert_eq!(ran.load(Ordering::SeqCst), 20);
}

#[test]
fn a_pool_that_nobody_reads_ends_and_counts_all() {
    let pool = results_of(1);
    for n in 0..20 {
        pool.submit(move || n).unwrap();
    }
    // The first is in the queue, and of the others as many are put off as have begun.
    pool.done_cnt().acquire().unwrap().forget();
    assert!(!pool.shutdown_timeout(Duration::ZERO), "there is no room for what is left");
    pool.shutdown_now();
    let counts = pool.counts();
    assert_eq!((counts.pending, counts.alive, counts.failed), (0, 0, 0));
    assert_eq!(counts.done + counts.cancelled, 20);
    assert_eq!((pool.done().len(), counts.done), (1, 1));
}

#[test]
fn a_failed_job_leaves_its_room_to_others() {
    let pool = results_of(1);
    for _ in 0..50 {
        pool.submit(|| Err::<u32, _>("no")).unwrap();
        pool.submit(|| -> u32 { panic!("oh") }).unwrap();
        pool.submit_iter(|| [Err("no"), Err("no")].into_iter()).unwrap();
        pool.submit(|| 1).unwrap();
        assert_eq!(pool.done().pop().unwrap().value, 1);
        pool.wait_idle();
    }
    assert_eq!(pool.failed().len(), 200);
}

#[test]
fn a_bounded_queue_with_a_callback_flows() {
    let sum = Arc::new(AtomicUsize::new(0));
    let total = Arc::clone(&sum);
    let pool: Pool<u32> = Pool::builder()
        .threads(2)
        .done_capacity(2)
        .on_done(move |done| _ = total.fetch_add(done.value as usize, Ordering::SeqCst))
        .build()
        .unwrap();
    (0..1000).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.shutdown();
    assert_eq!(sum.load(Ordering::SeqCst), 499_500);
}

#[test]
fn jobs_that_hold_all_the_room_emit_and_return() {
    for capacity in [1, 2, 10] {
        let pool = results_of(capacity);
        for n in 0..300 {
            pool.submit_with(move |job| job.emit(n).map(|()| n)).unwrap();
        }
        let mut all: Vec<_> = (0..600)
            .map(|_| {
                assert!(pool.done().len() <= capacity + 1);
                pool.done().pop().unwrap().value
            })
            .collect();
        pool.wait_idle();
        assert!(pool.done().is_empty());
        all.sort_unstable();
        assert!(all.into_iter().eq((0..300).flat_map(|n| [n; 2])));
        // There is as much room as before.
        (0..100).for_each(|n| _ = pool.submit(move || n).unwrap());
        while pool.done().len() < capacity {
            std::thread::yield_now();
        }
        assert_eq!((pool.done().len(), pool.counts().gated), (capacity, 100 - capacity as u64));
    }
}

#[test]
fn a_job_without_a_result_waits_for_others_that_leave_one_where_there_is_room_for_one() {
    let pool: Pool = Pool::builder().threads(2).build().unwrap();
    let group = pool.group::<u32>().done_capacity(1).build().unwrap();
    let inside = group.clone();
    let waits = move || {
        inside.submit(|| 2).unwrap();
        u32::from(inside.wait())
    };
    group.job(waits).discard().submit().unwrap();
    assert!(group.wait());
    assert_eq!((values(group.done()), group.counts().done), (vec![2], 2));
}
