//! Due jobs while all workers are busy.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use fastthreadpool::{BuildError, OnDrop, Pool};

use crate::support::{Gone, HOUR, Occupied};

const LEEWAY: Duration = Duration::from_millis(1);

fn punctual<T: Send + 'static>(threads: usize, extra: usize) -> Pool<T> {
    Pool::builder().threads(threads).punctual(LEEWAY, extra).build().unwrap()
}

#[test]
fn what_is_due_begins_though_all_workers_are_busy() {
    let pool: Pool<u32> = punctual(2, 1);
    let occupied = [Occupied::new(&pool), Occupied::new(&pool)];
    // Also what comes while they are.
    for n in 0..20 {
        pool.submit_later(LEEWAY, move || n).unwrap();
        assert_eq!(pool.done().pop().unwrap().value, n);
    }
    let id = pool.periodic(|| 20).every(LEEWAY).submit().unwrap();
    assert!(pool.done().iter().take(5).all(|done| done.id == id && done.value == 20));
    pool.cancel(id);
    drop(occupied);
    pool.wait_idle();
    assert!(pool.largest() <= 3);
}

#[test]
fn who_is_started_for_it_does_nothing_else() {
    let pool: Pool<&str> = punctual(1, 1);
    let occupied = Occupied::new(&pool);
    pool.submit(|| "queued").unwrap();
    for _ in 0..10 {
        pool.submit_later(LEEWAY, || "due").unwrap();
        assert_eq!(pool.done().pop().unwrap().value, "due");
    }
    // The last one has left its value, and may be about to end.
    while pool.pending() > 2 {
        thread::yield_now();
    }
    assert_eq!((pool.pending(), pool.done().len()), (2, 0));
    drop(occupied);
    assert_eq!(pool.done().pop().unwrap().value, "queued");
    pool.wait_idle();
    // It does not stay either.
    while pool.alive() > 1 {
        thread::yield_now();
    }
}

#[test]
fn no_more_are_started_than_may() {
    let pool: Pool = punctual(1, 2);
    let _occupied = Occupied::new(&pool);
    let (begun, has_begun) = channel();
    let (open, gate) = channel::<()>();
    let gate = std::sync::Arc::new(std::sync::Mutex::new(gate));
    for n in 0..4 {
        let (begun, gate) = (begun.clone(), std::sync::Arc::clone(&gate));
        let wait = move || {
            begun.send(n).unwrap();
            let _: Result<(), _> = gate.lock().unwrap().recv();
        };
        pool.submit_later(Duration::ZERO, wait).unwrap();
    }
    let mut first = [has_begun.recv().unwrap(), has_begun.recv().unwrap()];
    first.sort_unstable();
    // Those that are due, in their order; the others as these end.
    assert_eq!((first, pool.alive(), pool.largest()), ([0, 1], 3, 3));
    open.send(()).unwrap();
    assert_eq!(has_begun.recv().unwrap(), 2);
    assert!(pool.largest() <= 3);
    drop(open);
    assert_eq!(has_begun.recv().unwrap(), 3);
}

#[test]
fn a_pool_that_is_dropped_takes_its_timekeeper_along() {
    for on_drop in [OnDrop::Wait, OnDrop::Stop, OnDrop::Detach] {
        let builder = Pool::<()>::builder().threads(1).punctual(LEEWAY, 1).on_drop(on_drop);
        let (builder, gone) = Gone::watch(builder);
        let pool = builder.build().unwrap();
        pool.submit_later(Duration::ZERO, || ()).unwrap();
        pool.submit(|| ()).unwrap();
        drop(pool);
        gone.wait();
    }
    // Never used.
    drop(punctual::<()>(4, 4));
}

#[test]
fn a_paused_pool_and_a_shut_one_have_nobody_late() {
    let pool: Pool<u32> = punctual(1, 1);
    let occupied = Occupied::new(&pool);
    pool.pause();
    pool.submit_later(Duration::ZERO, || 1).unwrap();
    pool.resume();
    assert_eq!(pool.done().pop().unwrap().value, 1);
    let late = pool.submit_later(HOUR, || 2).unwrap();
    drop(occupied);
    pool.cancel(late);
    pool.shutdown();
    pool.reset();
    let _occupied = Occupied::new(&pool);
    pool.submit_later(LEEWAY, || 3).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 3);
}

#[test]
fn neither_without_a_leeway_nor_without_a_thread() {
    for (leeway, extra) in [(Duration::ZERO, 1), (LEEWAY, 0)] {
        let error = Pool::<()>::builder().punctual(leeway, extra).build().unwrap_err();
        assert!(matches!(error, BuildError::NotPunctual));
        assert!(error.to_string().contains("punctual"));
    }
}
