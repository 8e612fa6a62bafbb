//! Faults that were seen once, each as a kind.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, OnceLock, mpsc};
use std::time::{Duration, Instant};

use fastthreadpool::{Cancellation, JobKind, Pool, Semaphore};

use crate::support::{HOUR, Occupied, Shut, Waiting, pool};

/// Looks that somebody has to take before what should not happen would have happened.
fn give_others_time() {
    (0..1000).for_each(|_| std::thread::yield_now());
}

#[test]
fn what_is_not_kept_takes_no_room() {
    let units: Pool = Pool::builder().threads(1).done_capacity(2).build().unwrap();
    let group = units.group::<()>().done_capacity(1).build().unwrap();
    for _ in 0..5 {
        units.submit(|| ()).unwrap();
        group.submit(|| ()).unwrap();
    }
    assert!(units.wait_idle() && group.wait());
    assert_eq!((units.counts().done, units.done().len(), group.counts().done), (10, 0, 5));

    let numbers: Pool<u32> = Pool::builder().threads(1).done_capacity(1).build().unwrap();
    let called = Arc::new(AtomicUsize::new(0));
    for _ in 0..5 {
        let count = Arc::clone(&called);
        numbers.job(|| 1).discard().submit().unwrap();
        numbers.submit_done(|| 2, move |_, value| _ = count.fetch_add(value as usize, Ordering::SeqCst)).unwrap();
        numbers.submit(|| Err::<u32, _>("no")).unwrap();
        numbers.spawn(|| 3).unwrap().join().unwrap();
    }
    assert!(numbers.wait_idle());
    assert_eq!((called.load(Ordering::SeqCst), numbers.done().len(), numbers.failed().len()), (10, 0, 5));
    numbers.submit(|| 4).unwrap();
    assert_eq!(numbers.done().pop().unwrap().value, 4);
}

#[test]
fn a_job_that_goes_from_place_to_place_is_always_pending() {
    let pool: Pool<u32> = Pool::builder().threads(1).done_capacity(1).build().unwrap();
    pool.submit(|| 1).unwrap();
    assert!(pool.wait_idle());
    for _ in 0..2000 {
        // It comes due, wants to begin, and there is no room for its result.
        let id = pool.submit_at(Instant::now(), || 2).unwrap();
        let mut was_pending = false;
        while !pool.jobs().iter().any(|job| job.id == id && job.kind == JobKind::Gated) {
            let is_pending = pool.pending() > 0;
            assert!(is_pending || !was_pending);
            was_pending |= is_pending;
        }
        assert_eq!((pool.pending(), pool.cancel(id)), (1, Cancellation::Removed));
        assert!(pool.wait_idle());
    }
}

#[test]
fn a_job_that_is_let_through_is_always_found() {
    let pool: Pool<u32> = Pool::builder().threads(1).done_capacity(1).build().unwrap();
    for round in 0..2000 {
        pool.submit(|| 1).unwrap();
        assert!(pool.wait_idle());
        let (running, release) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (runs, is_released) = (Arc::clone(&running), Arc::clone(&release));
        let id = pool
            .submit_with(move |job| {
                runs.store(true, Ordering::SeqCst);
                while !job.is_cancelled() && !is_released.load(Ordering::SeqCst) {
                    std::hint::spin_loop();
                }
                2
            })
            .unwrap();
        pool.done().pop().unwrap();
        (0..round % 300).for_each(|_| std::hint::spin_loop());
        match pool.cancel(id) {
            Cancellation::Removed => assert!(!running.load(Ordering::SeqCst)),
            Cancellation::Stopping => {}
            Cancellation::TooLate => panic!("it can end only when it is told to"),
        }
        release.store(true, Ordering::SeqCst);
        assert!(pool.wait_idle());
        pool.done().drain().for_each(drop);
    }
}

#[test]
fn a_job_that_its_scope_runs_is_a_job() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let caller = std::thread::current().id();
    let mut seen = None;
    pool.scope(|scope| {
        scope.spawn(|| {
            let is_caller = std::thread::current().id() == caller;
            drop(occupied);
            // All but this one.
            let is_idle = pool.wait_idle();
            seen = Some((is_caller, is_idle, pool.shutdown_timeout(HOUR)));
        });
    });
    assert_eq!(seen, Some((true, true, false)));
    pool.shutdown();
}

#[test]
fn a_shutdown_in_a_callback_of_another_pool_waits_for_the_callbacks() {
    let (shut, gate) = Shut::new();
    let called = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&called);
    let b: Pool<u32> = Pool::builder()
        .threads(1)
        .on_done(move |_| {
            gate.pass();
            count.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    (0..3).for_each(|n| _ = b.submit(move || n).unwrap());
    let (begins, has_begun) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let a: Pool<u32> = Pool::builder()
        .threads(1)
        .on_done(move |_| {
            begins.send(()).unwrap();
            b.shutdown();
            tell.send(called.load(Ordering::SeqCst)).unwrap();
        })
        .build()
        .unwrap();
    a.submit(|| 1).unwrap();
    has_begun.recv().unwrap();
    give_others_time();
    shut.open();
    assert_eq!(told.recv().unwrap(), 3);
}

#[test]
fn a_shutdown_starts_no_threads_for_what_a_scopes_own_thread_runs() {
    let started = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&started);
    let start = move |_| _ = count.fetch_add(1, Ordering::SeqCst);
    let pool: Pool = Pool::builder().threads(1).on_thread_start(start).build().unwrap();
    let occupied = Occupied::new(&pool);
    let (shut, gate) = Shut::new();
    let (begins, has_begun) = mpsc::channel();
    std::thread::scope(|threads| {
        let pool = &pool;
        threads.spawn(move || {
            pool.scope(|scope| {
                scope.spawn(move || {
                    begins.send(()).unwrap();
                    gate.pass();
                });
            });
        });
        has_begun.recv().unwrap();
        let before = started.load(Ordering::SeqCst);
        drop(occupied);
        threads.spawn(|| pool.shutdown());
        while !pool.is_closed() || pool.alive() > 0 {
            std::thread::yield_now();
        }
        give_others_time();
        shut.open();
        assert_eq!((before, started.load(Ordering::SeqCst)), (1, 1));
    });
    assert!(pool.is_ended());
}

#[test]
fn a_value_that_shuts_the_pool_down_is_dropped_by_clear() {
    struct Ends(Arc<OnceLock<Pool<Ends>>>, Arc<AtomicUsize>);
    impl Drop for Ends {
        fn drop(&mut self) {
            if let Some(pool) = self.0.get() {
                pool.shutdown();
                self.1.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
    let (handle, drops) = (Arc::new(OnceLock::new()), Arc::new(AtomicUsize::new(0)));
    let pool: Pool<Ends> = pool(1);
    let value = || Ends(Arc::clone(&handle), Arc::clone(&drops));
    let (result, removed) = (value(), value());
    pool.submit(move || result).unwrap();
    pool.wait_idle();
    pool.submit_later(HOUR, move || removed).unwrap();
    assert!(handle.set(pool.clone()).is_ok());
    pool.reset();
    assert_eq!(drops.load(Ordering::SeqCst), 2);
    // Else the pool would hold itself.
    drop(Arc::try_unwrap(handle).ok().and_then(OnceLock::into_inner));
    pool.shutdown();
    assert!(pool.is_ended());
}

#[test]
fn a_start_hook_holds_up_nobody_else() {
    let (shut, gate) = Shut::new();
    let (enters, has_entered) = mpsc::channel();
    let gate = std::sync::Mutex::new((gate, enters));
    let pool: Pool = Pool::builder()
        .threads(2)
        .on_thread_start(move |number| {
            if number == 2 {
                let gate = gate.lock().unwrap();
                gate.1.send(()).unwrap();
                gate.0.pass();
            }
        })
        .build()
        .unwrap();
    let occupied = Occupied::new(&pool);
    // For this one the second thread is started.
    let second = pool.spawn(|| ()).unwrap();
    has_entered.recv().unwrap();
    drop(occupied);
    second.join().unwrap();
    for _ in 0..100 {
        // The first is asleep or about to be.
        pool.spawn(|| ()).unwrap().join().unwrap();
    }
    shut.open();
    pool.shutdown();
    assert_eq!(pool.counts().done, 102);
}

#[test]
fn a_start_hook_may_wait_for_a_job() {
    let handle: Arc<OnceLock<Pool>> = Arc::default();
    // Weak: a pool whose own hook holds a handle would never be dropped.
    let inner = Arc::downgrade(&handle);
    let (tell, told) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let pool: Pool = Pool::builder()
        .threads(2)
        .on_thread_start(move |number| {
            if number == 2 {
                let handle = inner.upgrade().unwrap();
                let (ran, has_run) = mpsc::channel();
                handle.get().unwrap().submit(move || ran.send(()).unwrap()).unwrap();
                tell.lock().unwrap().send(has_run.recv()).unwrap();
            }
        })
        .build()
        .unwrap();
    handle.set(pool.clone()).unwrap();
    let occupied = Occupied::new(&pool);
    pool.submit(|| ()).unwrap();
    drop(occupied);
    assert_eq!(told.recv().unwrap(), Ok(()));
}

#[test]
fn start_hooks_may_wait_for_each_other() {
    // Where words are short no more begin at the same time.
    const MANY: usize = if cfg!(target_pointer_width = "64") { 4 } else { 3 };
    let met = Arc::new(Barrier::new(MANY));
    let pool: Pool = Pool::builder().threads(MANY).on_thread_start(move |_| _ = met.wait()).build().unwrap();
    let all = Arc::new(Barrier::new(MANY));
    for _ in 0..MANY {
        let all = Arc::clone(&all);
        pool.submit(move || _ = all.wait()).unwrap();
    }
    assert!(pool.wait_idle());
    assert_eq!((pool.counts().done, pool.alive()), (MANY as u64, MANY));
}

#[test]
fn a_moment_of_idleness_is_seen_by_all_who_waited_for_it() {
    for _ in 0..50 {
        let pool: Pool = pool(4);
        let occupied = Occupied::new(&pool);
        let (returned, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let waiters: Vec<_> = (0..4)
            .map(|_| {
                let (pool, returned, release) = (pool.clone(), Arc::clone(&returned), Arc::clone(&release));
                Waiting::new(move || {
                    let is_idle = pool.wait_idle();
                    // From here on the pool is not idle until all have returned.
                    pool.submit(move || release.acquire().unwrap().forget()).unwrap();
                    returned.release(1).unwrap();
                    is_idle
                })
            })
            .collect();
        drop(occupied);
        returned.acquire_many(4).unwrap().forget();
        release.release(4).unwrap();
        assert!(waiters.into_iter().all(Waiting::end));
    }
}

#[test]
fn waits_do_not_use_up_the_threads_of_a_pool() {
    fn nest(pool: &Pool, depth: u32) -> usize {
        if depth == 0 {
            // Side by side: the owner runs one, and somebody else the other.
            let (meeting, met) = (Barrier::new(2), AtomicUsize::new(0));
            pool.scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        meeting.wait();
                        met.fetch_add(1, Ordering::SeqCst);
                    });
                }
            });
            return met.into_inner();
        }
        let (begun, mut met) = (AtomicBool::new(false), 0);
        pool.scope(|scope| {
            scope.spawn(|| {
                begun.store(true, Ordering::SeqCst);
                met = nest(pool, depth - 1);
            });
            // Another worker takes it, so that its owner waits.
            while !begun.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        });
        met
    }
    let pool: Pool = pool(2);
    let inner = pool.clone();
    assert_eq!(pool.spawn(move || nest(&inner, 40)).unwrap().join().unwrap(), 2);
}

#[test]
fn others_who_submit_do_not_keep_those_who_wait_for_a_group() {
    let pool: Pool = pool(2);
    let group = pool.group::<()>().build().unwrap();
    let has_returned = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            // The pool is never idle meanwhile.
            while !has_returned.load(Ordering::SeqCst) {
                if pool.pending() < 50 {
                    pool.submit(std::thread::yield_now).unwrap();
                    group.submit(std::thread::yield_now).unwrap();
                } else {
                    std::thread::yield_now();
                }
            }
        });
        let waits: Vec<_> = (0..6).map(|_| threads.spawn(|| group.wait())).collect();
        let all = waits.into_iter().all(|wait| wait.join().unwrap());
        has_returned.store(true, Ordering::SeqCst);
        assert!(all);
    });
    assert!(pool.wait_idle_timeout(Duration::MAX));
}
