//! What runs when a worker thread begins and ends.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::{io, thread};

use fastthreadpool::{Pool, SubmitError, WorkerThread};

use crate::support::{Occupied, values};

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

#[test]
fn hooks_run_on_the_worker_and_may_set_thread_local_state() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (begins, ends) = (Arc::clone(&log), Arc::clone(&log));
    let pool: Pool<usize> = Pool::builder()
        .threads(2)
        .on_thread_start(move |number| {
            NUMBER.set(number);
            begins.lock().unwrap().push((number, "begins", thread::current().id()));
        })
        .on_thread_stop(move |number| {
            assert_eq!(NUMBER.get(), number);
            ends.lock().unwrap().push((number, "ends", thread::current().id()));
        })
        .build()
        .unwrap();
    let both = [Occupied::new(&pool), Occupied::new(&pool)];
    drop(both);
    (0..100).for_each(|_| _ = pool.submit(|| NUMBER.get()).unwrap());
    pool.shutdown();
    assert!(values(pool.done()).iter().all(|number| (1..=2).contains(number)));
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 4);
    for number in 1..=2 {
        let of_one: Vec<_> = log.iter().filter(|entry| entry.0 == number).collect();
        assert_eq!((of_one[0].1, of_one[1].1), ("begins", "ends"));
        assert_eq!(of_one[0].2, of_one[1].2);
    }
}

#[test]
fn a_hook_that_panics_does_not_cost_a_worker() {
    let pool: Pool<usize> = Pool::builder()
        .threads(1)
        .on_thread_start(|_| panic!("at the start"))
        .on_thread_stop(|_| panic!("at the end"))
        .build()
        .unwrap();
    (0..10).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.shutdown();
    assert_eq!(pool.done().len(), 10);
}

#[test]
fn a_hook_may_submit() {
    let handle: Arc<std::sync::OnceLock<Pool<usize>>> = Arc::default();
    // Weak: a pool whose own hook holds a handle would never be dropped.
    let (inner, calls) = (Arc::downgrade(&handle), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&calls);
    let pool: Pool<usize> = Pool::builder()
        .threads(1)
        .on_thread_start(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            inner.upgrade().unwrap().get().unwrap().submit(|| 2).unwrap();
        })
        .build()
        .unwrap();
    handle.set(pool.clone()).unwrap();
    pool.submit(|| 1).unwrap();
    pool.wait_idle();
    let mut all = values(pool.done());
    all.sort_unstable();
    assert_eq!((all, calls.load(Ordering::SeqCst)), (vec![1, 2], 1));
}

#[test]
fn a_thread_of_the_users_works_for_the_pool_and_goes_on_afterwards() {
    let (workers, wanted) = mpsc::channel::<WorkerThread>();
    let mine = thread::spawn(move || {
        let worker = wanted.recv().unwrap();
        let asked = (worker.name(), worker.stack_size());
        worker.run();
        (asked, NUMBER.get())
    });
    let builder =
        Pool::builder().threads(1).name_prefix("asked").stack_size(1 << 20).on_thread_start(|n| NUMBER.set(n));
    let pool: Pool =
        builder.spawn_handler(move |worker| workers.send(worker).map_err(io::Error::other)).build().unwrap();
    let worked = pool.spawn(|| thread::current().id()).unwrap().join().unwrap();
    assert_eq!(worked, mine.thread().id());
    pool.shutdown();
    assert_eq!(mine.join().unwrap(), (("asked-1".to_owned(), Some(1 << 20)), 1));
}

#[test]
fn a_worker_whose_thread_does_not_come_is_not_counted_on() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let handler = move |worker: WorkerThread| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Err(io::Error::other("no")),
        1 => panic!("never"),
        _ => thread::Builder::new().spawn(|| worker.run()).map(drop),
    };
    let pool: Pool<u32> = Pool::builder().threads(1).spawn_handler(handler).build().unwrap();
    for reason in ["no", "never"] {
        match pool.submit(|| 1) {
            Err(SubmitError::NoThread(_, error)) => assert_eq!(error.to_string(), reason),
            other => panic!("{other:?}"),
        }
    }
    pool.submit(|| 2).unwrap();
    pool.shutdown();
    assert_eq!((values(pool.done()), calls.load(Ordering::SeqCst)), (vec![2], 3));
}
