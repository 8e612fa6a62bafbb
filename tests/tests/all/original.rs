//! The tests and examples of the Python module, against this pool.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use fastthreadpool::{JobId, Pool, Semaphore};

use crate::support::{pool, tally, values};

const VALUES: u64 = 1000;

fn work(n: u64) -> u64 {
    n * n
}

fn sum_of_work() -> u64 {
    (0..VALUES).map(work).sum()
}

#[test]
fn map_to_the_done_queue() {
    let pool = pool(2);
    pool.map(0..VALUES, work).to_done().unwrap();
    pool.shutdown();
    assert_eq!(values(pool.done()).iter().sum::<u64>(), sum_of_work());
}

#[test]
fn map_without_results() {
    let pool: Pool<u64> = pool(2);
    let sum = Arc::new(AtomicUsize::new(0));
    let total = Arc::clone(&sum);
    pool.map(0..VALUES, move |n| {
        total.fetch_add(work(n) as usize, Ordering::Relaxed);
        n
    })
    .discard()
    .unwrap();
    pool.shutdown();
    assert_eq!((sum.load(Ordering::Relaxed) as u64, pool.done().len()), (sum_of_work(), 0));
}

#[test]
fn map_with_a_callback() {
    let pool: Pool<u64> = pool(2);
    let sum = Arc::new(Mutex::new(0));
    let total = Arc::clone(&sum);
    pool.map(0..VALUES, work).on_each(move |_, value| *total.lock().unwrap() += value).unwrap();
    pool.shutdown();
    assert_eq!(*sum.lock().unwrap(), sum_of_work());
}

#[test]
fn map_with_failures_and_the_pools_callback_for_them() {
    let failures = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&failures);
    let pool: Pool<u64> =
        Pool::builder().threads(2).on_failed(move |_| _ = count.fetch_add(1, Ordering::Relaxed)).build().unwrap();
    pool.map(0..VALUES, |n| if n % 10 == 0 { Err("tenth") } else { Ok(work(n)) }).to_done().unwrap();
    pool.shutdown();
    assert_eq!((failures.load(Ordering::Relaxed), pool.done().len()), (100, 900));
}

#[test]
fn generators() {
    let pool = pool(2);
    pool.map_iter(0..20_u64, |n| (0..n).map(work)).unwrap();
    pool.submit_iter(|| (0..VALUES).map(work)).unwrap();
    pool.shutdown();
    let expected = (0..20).flat_map(|n| 0..n).chain(0..VALUES).map(work);
    assert_eq!(tally(values(pool.done())), tally(expected));
}

#[test]
fn generators_with_the_pools_callback() {
    let sum = Arc::new(Mutex::new(0));
    let total = Arc::clone(&sum);
    let pool: Pool<u64> =
        Pool::builder().threads(2).on_done(move |done| *total.lock().unwrap() += done.value).build().unwrap();
    pool.submit_iter(|| (0..VALUES).map(work)).unwrap();
    pool.shutdown();
    assert_eq!(*sum.lock().unwrap(), sum_of_work());
}

#[test]
fn submit_and_its_kinds() {
    let pool = pool(2);
    let called = Arc::new(Mutex::new(Vec::new()));
    let callback = || {
        let called = Arc::clone(&called);
        move |id: JobId, value: u64| called.lock().unwrap().push((id, value))
    };
    let soon = Duration::from_millis(1);
    let mut plain =
        vec![pool.submit(|| 1).unwrap(), pool.submit_first(|| 2).unwrap(), pool.submit_later(soon, || 3).unwrap()];
    let mut done = vec![
        pool.submit_done(|| 4, callback()).unwrap(),
        pool.submit_done_first(|| 5, callback()).unwrap(),
        pool.submit_done_later(soon, || 6, callback()).unwrap(),
    ];
    pool.shutdown();
    let mut got: Vec<_> = pool.done().drain().map(|done| (done.value, done.id)).collect();
    got.sort_unstable();
    assert_eq!(got, plain.drain(..).zip(1..).map(|(id, n)| (n, id)).collect::<Vec<_>>());
    let mut got = called.lock().unwrap().clone();
    got.sort_unstable_by_key(|call| call.1);
    assert_eq!(got, done.drain(..).zip(4..).collect::<Vec<_>>());
}

#[test]
fn ids_tell_which_result_is_whose() {
    let pool = pool(2);
    let ids: Vec<_> = (0..VALUES).map(|n| pool.submit(move || work(n)).unwrap()).collect();
    pool.shutdown();
    let mut by_id: Vec<_> = pool.done().drain().collect();
    by_id.sort_by_key(|done| done.id);
    assert!(by_id.iter().zip(ids).zip(0..).all(|((done, id), n)| done.id == id && done.value == work(n)));
}

#[test]
fn a_schedule_runs_until_it_is_cancelled() {
    let pool: Pool<u64> = pool(2);
    let called = Arc::new(Semaphore::new(0));
    let each = Arc::clone(&called);
    let id = pool.schedule_done(Duration::from_micros(300), || 7, move |_, _| each.release(1).unwrap()).unwrap();
    called.acquire_many(5).unwrap().forget();
    pool.cancel(id);
    pool.wait_idle();
    assert!(pool.scheduled().is_empty());
}

#[test]
fn a_semaphore_alone() {
    let semaphore = Semaphore::default();
    for _ in 0..1000 {
        semaphore.acquire().unwrap().forget();
        assert_eq!((semaphore.value(), semaphore.is_locked()), (0, true));
        semaphore.release(1).unwrap();
    }
    let semaphore = Semaphore::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..1000).for_each(|_| drop(semaphore.acquire().unwrap())));
        }
    });
    assert_eq!(semaphore.value(), 8);
}

#[test]
fn a_semaphore_from_jobs() {
    let pool: Pool = pool(2);
    let (started, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    for _ in 0..2 {
        let (started, go) = (Arc::clone(&started), Arc::clone(&go));
        pool.submit(move || {
            started.release(1).unwrap();
            go.acquire().unwrap().forget();
            started.release(1).unwrap();
        })
        .unwrap();
    }
    started.acquire_many(2).unwrap().forget();
    assert_eq!((go.waiters() <= 2, started.value()), (true, 0));
    go.release(2).unwrap();
    started.acquire_many(2).unwrap().forget();
    pool.wait_idle();
    assert_eq!((go.value(), started.value()), (0, 0));
}
