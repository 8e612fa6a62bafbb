//! Callbacks: of one job, and of the pool.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use fastthreadpool::{JobError, Pool};

use crate::support::{Occupied, pool, values};

#[test]
fn a_jobs_callback_gets_id_and_value_on_the_worker_instead_of_the_queue() {
    let pool: Pool<u32> = pool(1);
    let worker = pool.spawn(|| thread::current().id()).unwrap().join().unwrap();
    let (sender, receiver) = mpsc::channel();
    let report = move |sender: &mpsc::Sender<_>| {
        let sender = sender.clone();
        move |id, value| sender.send((id, value, thread::current().id())).unwrap()
    };
    let occupied = Occupied::new(&pool);
    let a = pool.submit_done(|| 1, report(&sender)).unwrap();
    let b = pool.submit_done_first(|| 2, report(&sender)).unwrap();
    drop(occupied);
    let c = pool.submit_done_later(std::time::Duration::ZERO, || 3, report(&sender)).unwrap();
    pool.shutdown();
    let mut calls: Vec<_> = receiver.try_iter().collect();
    assert!(calls.iter().all(|(_, _, thread)| *thread == worker));
    let position = |id| calls.iter().position(|call| call.0 == id);
    assert!(position(b) < position(a));
    calls.sort_by_key(|call| call.1);
    assert_eq!(calls.iter().map(|call| (call.0, call.1)).collect::<Vec<_>>(), [(a, 1), (b, 2), (c, 3)]);
    assert!(pool.done().is_empty());
}

#[test]
fn a_jobs_callback_is_not_called_for_a_failure_and_its_own_panic_is_one() {
    let pool: Pool<u8> = pool(1);
    pool.submit_done(|| Err::<u8, _>("no"), |_, _| unreachable!()).unwrap();
    let id = pool.submit_done(|| 1, |_, _| panic!("in the callback")).unwrap();
    pool.shutdown();
    assert_eq!(pool.failed().pop().unwrap().error.to_string(), "the job failed: no");
    let failed = pool.failed().pop().unwrap();
    assert_eq!(failed.id, id);
    assert!(matches!(failed.error, JobError::Panicked(panic) if panic.message() == "in the callback"));
    assert_eq!((pool.counts().done, pool.counts().failed), (0, 2));
}

#[test]
fn the_pools_callbacks_run_in_order_on_threads_of_their_own() {
    let (sender, receiver) = mpsc::channel();
    let (failures, failed) = mpsc::channel();
    let pool: Pool<u32> = Pool::builder()
        .threads(1)
        .name_prefix("own")
        .on_done(move |done| sender.send((done, thread::current().name().map(str::to_owned))).unwrap())
        .on_failed(move |failure| failures.send((failure, thread::current().name().map(str::to_owned))).unwrap())
        .build()
        .unwrap();
    let ids: Vec<_> =
        (0..100).map(|n| pool.submit(move || if n % 2 == 0 { Ok(n) } else { Err("odd") }).unwrap()).collect();
    pool.shutdown();
    let done: Vec<_> = receiver.try_iter().collect();
    assert_eq!(done.len(), 50);
    for (index, (done, thread)) in done.iter().enumerate() {
        assert_eq!((done.id, done.value as usize), (ids[2 * index], 2 * index));
        assert_eq!(thread.as_deref(), Some("own-done"));
    }
    let failed: Vec<_> = failed.try_iter().collect();
    assert_eq!(
        failed.iter().map(|(failed, _)| failed.id).collect::<Vec<_>>(),
        ids.iter().skip(1).step_by(2).copied().collect::<Vec<_>>()
    );
    assert!(failed.iter().all(|(_, thread)| thread.as_deref() == Some("own-failed")));
    assert!(pool.done().is_empty() && pool.failed().is_empty());
}

#[test]
fn a_panic_in_the_pools_callback_goes_to_failed_and_the_next_is_called() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let pool: Pool<u32> = Pool::builder()
        .threads(1)
        .on_done(move |done| {
            count.fetch_add(1, Ordering::SeqCst);
            assert!(done.value % 2 == 0, "odd");
        })
        .build()
        .unwrap();
    (0..10).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.shutdown();
    assert_eq!(calls.load(Ordering::SeqCst), 10);
    assert_eq!(pool.failed().drain().count(), 5);
    let counts = pool.counts();
    assert_eq!((counts.done, counts.failed, counts.reports), (10, 0, 5), "the runs themselves ended well");
}

#[test]
fn a_panic_in_the_callback_for_failures_is_not_passed_to_itself() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let pool: Pool<u32> = Pool::builder()
        .threads(1)
        .on_failed(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            panic!("again");
        })
        .build()
        .unwrap();
    (0..3).for_each(|_| _ = pool.submit(|| Err::<u32, _>("no")).unwrap());
    pool.shutdown();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[test]
fn unit_results_reach_the_pools_callback() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let pool: Pool =
        Pool::builder().threads(2).on_done(move |_| _ = count.fetch_add(1, Ordering::SeqCst)).build().unwrap();
    (0..100).for_each(|_| _ = pool.submit(|| ()).unwrap());
    pool.shutdown();
    assert_eq!(calls.load(Ordering::SeqCst), 100);
}

#[test]
fn a_callback_may_submit_and_shut_down() {
    let handle: Arc<OnceLock<Pool<u32>>> = Arc::default();
    let inside = Arc::clone(&handle);
    let (sender, receiver) = mpsc::channel();
    let pool: Pool<u32> = Pool::builder()
        .threads(1)
        .on_done(move |done| {
            let pool = inside.get().unwrap();
            if done.value < 5 {
                pool.submit(move || done.value + 1).unwrap();
            } else {
                pool.shutdown();
                assert!(pool.submit(|| 0).is_err());
            }
            sender.send(done.value).unwrap();
        })
        .build()
        .unwrap();
    handle.set(pool.clone()).unwrap();
    pool.submit(|| 0).unwrap();
    assert_eq!(receiver.iter().take(6).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert!(pool.submit(|| 0).is_err());
    pool.shutdown();
    assert!(pool.failed().is_empty());
}

#[test]
fn callbacks_go_on_after_clear() {
    let (sender, receiver) = mpsc::channel();
    let pool: Pool<u32> =
        Pool::builder().threads(1).on_done(move |done| sender.send(done.value).unwrap()).build().unwrap();
    for round in 0..5 {
        pool.submit(move || round).unwrap();
        pool.shutdown();
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [round]);
        pool.reset();
    }
}

#[test]
fn discarded_values_go_nowhere() {
    let pool: Pool<u32> = pool(1);
    pool.job(|| 1).discard().submit().unwrap();
    pool.job(|| Err::<u32, _>("no")).discard().submit().unwrap();
    pool.shutdown();
    assert!(values(pool.done()).is_empty());
    assert_eq!(pool.failed().len(), 1);
}
