//! Waits inside jobs: of one pool and between pools, with as few workers as there can be.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use fastthreadpool::{JobError, JoinHandle, Pool, Semaphore};

use crate::support::{HOUR, Shut, Waiting, pool, sorted, values};

/// A job of a pool of one worker waits, in the way that is given, for a job of another, which needs the first one's worker.
fn across(wait: impl FnOnce(&Pool<u32>, Arc<dyn Fn() -> u32 + Send + Sync>) -> u32 + Send + 'static) -> u32 {
    let (a, b): (Pool<u32>, Pool<u32>) = (pool(1), pool(1));
    let (own, other) = (a.clone(), b.clone());
    let needs_a = Arc::new(move || own.spawn(|| 7).unwrap().join().unwrap());
    a.spawn(move || wait(&other, needs_a)).unwrap().join().unwrap()
}

#[test]
fn joins_across_pools_end() {
    let join = |b: &Pool<u32>, job: Arc<dyn Fn() -> u32 + Send + Sync>| b.spawn(move || job()).unwrap().join().unwrap();
    assert_eq!(across(join), 7);
    let timed = |b: &Pool<u32>, job: Arc<dyn Fn() -> u32 + Send + Sync>| {
        b.spawn(move || job()).unwrap().join_timeout(HOUR).unwrap().unwrap()
    };
    assert_eq!(across(timed), 7);
}

#[test]
fn waits_for_idleness_across_pools_end() {
    assert_eq!(across(|b, job| (b.submit(move || job()).unwrap(), u32::from(b.wait_idle())).1), 1);
    assert_eq!(across(|b, job| (b.submit(move || job()).unwrap(), b.completed().count() as u32).1), 1);
    let group = |b: &Pool<u32>, job: Arc<dyn Fn() -> u32 + Send + Sync>| {
        let group = b.group::<u32>().build().unwrap();
        group.submit(move || job()).unwrap();
        u32::from(group.wait()) + group.done().len() as u32
    };
    assert_eq!(across(group), 2);
}

#[test]
fn waits_for_results_and_ends_across_pools_end() {
    assert_eq!(across(|b, job| (b.submit(move || job()).unwrap(), b.done().pop().unwrap().value).1), 7);
    let shutdown = |b: &Pool<u32>, job: Arc<dyn Fn() -> u32 + Send + Sync>| {
        b.submit(move || job()).unwrap();
        b.shutdown();
        b.done().pop().unwrap().value
    };
    assert_eq!(across(shutdown), 7);
}

#[test]
fn scopes_and_maps_across_pools_end() {
    let scope = |b: &Pool<u32>, job: Arc<dyn Fn() -> u32 + Send + Sync>| {
        let (sum, both) = (AtomicUsize::new(0), Barrier::new(2));
        b.scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    // One is run by the caller, which is A's worker.
                    both.wait();
                    sum.fetch_add(job() as usize, Ordering::SeqCst);
                });
            }
        });
        sum.into_inner() as u32
    };
    assert_eq!(across(scope), 14);
    assert_eq!(across(|b, job| b.par_map(&[1, 2, 3, 4], |n| n * job()).into_iter().sum()), 70);
}

#[test]
fn jobs_that_wait_for_an_idle_pool_excuse_each_other() {
    for threads in 1..=3 {
        let pool: Pool<bool> = pool(threads);
        let met = Arc::new(Barrier::new(threads));
        for _ in 0..threads {
            let (inner, met) = (pool.clone(), Arc::clone(&met));
            let job = move || {
                met.wait();
                inner.wait_idle()
            };
            pool.submit(job).unwrap();
        }
        assert!(pool.wait_idle());
        assert_eq!(values(pool.done()), vec![true; threads]);
    }
}

#[test]
fn main_excuses_nobody() {
    let pool: Pool<bool> = pool(1);
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (has_begun, wait, inner) = (Arc::clone(&begun), Arc::clone(&gate), pool.clone());
    let job = move || {
        has_begun.release(1).unwrap();
        let is_idle = inner.wait_idle();
        wait.acquire().unwrap().forget();
        is_idle
    };
    pool.submit(job).unwrap();
    begun.acquire().unwrap().forget();
    assert!(!pool.wait_idle_timeout(Duration::from_millis(2)));
    gate.release(1).unwrap();
    assert!(pool.wait_idle());
    assert_eq!(values(pool.done()), [true]);
}

#[test]
fn a_job_that_joins_itself_is_told() {
    let pool: Pool = pool(1);
    let (give, take) = mpsc::channel::<JoinHandle<Result<bool, ()>>>();
    let (tell, told) = mpsc::channel();
    let job = move || {
        let own = take.recv().map_err(drop)?;
        let joined = own.join();
        tell.send(matches!(joined, Err(JobError::WouldDeadlock))).map_err(drop)?;
        Ok(true)
    };
    let handle = pool.spawn(job).unwrap();
    give.send(handle).unwrap();
    assert!(told.recv().unwrap());
    assert!(pool.wait_idle());
    assert_eq!(pool.counts().done, 1);
}

#[test]
fn jobs_that_join_each_other_are_told() {
    for across in [false, true] {
        let first: Pool = pool(2);
        let second: Pool = if across { pool(2) } else { first.clone() };
        let met = Arc::new(Barrier::new(2));
        let slots: [Arc<Mutex<Option<JoinHandle<bool>>>>; 2] = Default::default();
        let ready = Arc::new(Barrier::new(3));
        for (pool, (own, other)) in [&first, &second].into_iter().zip([(0, 1), (1, 0)]) {
            let (other, met, go) = (Arc::clone(&slots[other]), Arc::clone(&met), Arc::clone(&ready));
            let job = move || {
                go.wait();
                let handle = other.lock().unwrap().take().unwrap();
                met.wait();
                matches!(handle.join(), Err(JobError::WouldDeadlock))
            };
            *slots[own].lock().unwrap() = Some(pool.spawn(job).unwrap());
        }
        ready.wait();
        assert!(first.wait_idle() && second.wait_idle());
        assert_eq!(first.counts().done + if across { second.counts().done } else { 0 }, 2);
    }
}

#[test]
fn a_ring_of_joins_over_pools_ends_with_an_error_for_one() {
    const POOLS: usize = 4;
    let pools: Vec<Pool> = (0..POOLS).map(|_| pool(1)).collect();
    let ready = Arc::new(Barrier::new(POOLS + 1));
    let slots: Arc<Vec<Mutex<Option<JoinHandle<usize>>>>> = Arc::new((0..POOLS).map(|_| Mutex::default()).collect());
    let (tell, told) = mpsc::channel();
    for (n, pool) in pools.iter().enumerate() {
        let (ready, slots, tell) = (Arc::clone(&ready), Arc::clone(&slots), tell.clone());
        let handle = pool.spawn({
            let slots = Arc::clone(&slots);
            move || {
                ready.wait();
                let next = slots[(n + 1) % POOLS].lock().unwrap().take().unwrap();
                match next.join() {
                    Ok(errors) => errors,
                    Err(JobError::WouldDeadlock) => {
                        tell.send(n).unwrap();
                        1
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        });
        *slots[n].lock().unwrap() = Some(handle.unwrap());
    }
    drop(tell);
    ready.wait();
    assert!(pools.iter().all(Pool::wait_idle));
    assert_eq!(told.iter().count(), 1, "who closes the ring is told, and only that one");
}

#[test]
fn a_wait_that_the_pool_does_not_know_can_be_said_to_it() {
    let pool: Pool<u32> = pool(1);
    let mut last = pool.spawn(|| 0).unwrap();
    for n in 1..=20 {
        let (sender, receiver) = mpsc::channel();
        let inner = pool.clone();
        let waits = pool.spawn(move || inner.blocking(|| receiver.recv().unwrap())).unwrap();
        pool.submit(move || (sender.send(n).unwrap(), n).1).unwrap();
        assert_eq!(std::mem::replace(&mut last, waits).join().unwrap(), n - 1);
    }
    assert_eq!((last.join().unwrap(), pool.blocking(|| 5)), (20, 5));
    assert!(pool.wait_idle());
    assert!(sorted(pool.done()).into_iter().eq(1..=20));
    // A panic goes on, and the worker is one again.
    let inner = pool.clone();
    let panics = pool.spawn(move || inner.blocking(|| panic!("foreign")));
    assert!(matches!(panics.unwrap().join(), Err(JobError::Panicked(panic)) if panic.message() == "foreign"));
    assert_eq!(pool.spawn(|| 1).unwrap().join().unwrap(), 1);
}

#[test]
fn one_worker_is_enough_for_jobs_that_wait_for_each_others_permits_and_results() {
    let pool: Pool<u32> = pool(1);
    let semaphore = Arc::new(Semaphore::new(0));
    for n in 0..50 {
        let (semaphore, inner) = (Arc::clone(&semaphore), pool.clone());
        if n % 2 == 0 {
            pool.submit(move || (semaphore.acquire().unwrap().forget(), n).1).unwrap();
        } else {
            let job = move || {
                semaphore.release(1).unwrap();
                // Of whatever job.
                inner.done().pop().unwrap().value
            };
            pool.submit(job).unwrap();
        }
    }
    assert!(pool.wait_idle());
    assert_eq!((pool.counts().done, pool.done().len(), semaphore.value()), (50, 25, 0));
}

#[test]
fn all_who_wait_for_the_same_are_woken_however_many() {
    let pool: Pool = pool(1);
    let group = pool.group::<u32>().build().unwrap();
    for many in [3, 4, 5, 8, 9, 20] {
        let (shut, gate) = Shut::new();
        group.submit(move || (gate.pass(), 1).1).unwrap();
        let waiting: Vec<_> = (0..many)
            .map(|n| {
                let (pool, group) = (pool.clone(), group.clone());
                Waiting::new(move || if n % 3 == 0 { pool.wait_idle() } else { group.wait() })
            })
            .collect();
        shut.open();
        assert!(waiting.into_iter().all(Waiting::end));
    }
    assert_eq!(group.done().len(), 6);
}
