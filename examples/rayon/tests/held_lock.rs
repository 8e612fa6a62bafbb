//! A lock that is held across a join, the end of a scope or a broadcast does not meet a foreign job that wants it. With rayon these hang:
//! there the thread that waits takes any job that it finds, and on top of its own stack waits for itself.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Barrier, Mutex};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

fn two_threads() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(2).build().unwrap()
}

/// Spawns a job that wants the lock, and returns when that has been begun.
fn spawn_foreign(pool: &ThreadPool, lock: &'static Mutex<u32>) -> Receiver<()> {
    let ((begins, begun), (ends, ended)) = (channel(), channel());
    pool.spawn(move || {
        begins.send(()).unwrap();
        *lock.lock().unwrap() += 1;
        ends.send(()).unwrap();
    });
    begun.recv().unwrap();
    ended
}

#[test]
fn a_job_that_wants_the_lock_of_a_join_is_not_run_inside_of_that() {
    static LOCK: Mutex<u32> = Mutex::new(0);
    let (pool, both) = (two_threads(), Barrier::new(2));
    let ended = pool.install(|| {
        let mut held = LOCK.lock().unwrap();
        // The second half is on the other thread, and begins the job while this one waits: so no thread is left but that.
        let second = || {
            both.wait();
            spawn_foreign(&pool, &LOCK)
        };
        let (_, ended) = rayon_core::join(|| both.wait(), second);
        *held += 1;
        ended
    });
    ended.recv().unwrap();
    assert_eq!(*LOCK.lock().unwrap(), 2);
}

#[test]
fn a_job_that_wants_the_lock_of_a_scope_is_not_run_inside_of_that() {
    static LOCK: Mutex<u32> = Mutex::new(0);
    let (pool, both) = (two_threads(), Barrier::new(2));
    let (sender, receiver) = channel();
    pool.install(|| {
        let mut held = LOCK.lock().unwrap();
        rayon_core::scope(|s| {
            s.spawn(|_| {
                both.wait();
                sender.send(spawn_foreign(&pool, &LOCK)).unwrap();
            });
            both.wait();
        });
        *held += 1;
    });
    receiver.recv().unwrap().recv().unwrap();
    assert_eq!(*LOCK.lock().unwrap(), 2);
}

#[test]
fn a_broadcast_that_wants_the_lock_of_another_is_not_run_inside_of_that() {
    static LOCK: Mutex<u32> = Mutex::new(0);
    let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let mut held = LOCK.lock().unwrap();
        rayon_core::spawn_broadcast(|_| *LOCK.lock().unwrap() += 1);
        rayon_core::broadcast(|_| ());
        *held += 1;
    });
    // After the first.
    pool.broadcast(|_| ());
    assert_eq!(*LOCK.lock().unwrap(), 2);
}
