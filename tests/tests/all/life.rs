//! The end of a pool in all its ways: who waits for it, who does not, and from where it is asked for.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock, mpsc};
use std::time::Duration;

use fastthreadpool::{Builder, OnDrop, Pool, SubmitError};

use crate::support::{Dropped, Drops, Gate, Gone, HOUR, Occupied, Shut, Waiting, pool, sorted, values};

const MOMENT: Duration = Duration::from_millis(2);

thread_local! {
    static LAST: RefCell<Option<Box<dyn Send>>> = const { RefCell::new(None) };
}

/// Waits when it is dropped.
struct Stuck(Gate);

impl Drop for Stuck {
    fn drop(&mut self) {
        self.0.pass();
    }
}

fn builder<T: Send + 'static>() -> Builder<T> {
    Pool::builder().threads(1)
}

#[test]
fn each_of_several_shutdowns_returns_when_all_has_ended() {
    for _ in 0..20 {
        let (stopped, gone) = (Arc::new(AtomicUsize::new(0)), Drops::default());
        let count = Arc::clone(&stopped);
        let stop = move |_| _ = count.fetch_add(1, Ordering::SeqCst);
        let pool: Pool<u32> = Pool::builder().threads(2).on_thread_stop(stop).build().unwrap();
        let (begun, calls) = (Arc::new(Barrier::new(3)), Arc::new(Barrier::new(5)));
        let (shut, gate) = Shut::new();
        let gate = Arc::new(Mutex::new(gate));
        for n in 0..2 {
            let (begun, gate, token) = (Arc::clone(&begun), Arc::clone(&gate), gone.one());
            let job = move || {
                LAST.set(Some(Box::new(token)));
                begun.wait();
                gate.lock().unwrap().pass();
                n
            };
            pool.submit(job).unwrap();
        }
        begun.wait();
        std::thread::scope(|threads| {
            for n in 0..4 {
                let (pool, calls, stopped, gone) = (&pool, &calls, &stopped, &gone);
                threads.spawn(move || {
                    calls.wait();
                    match n {
                        0 | 1 => pool.shutdown(),
                        2 => drop(pool.shutdown_now()),
                        _ => assert!(pool.shutdown_timeout(HOUR)),
                    }
                    assert_eq!((pool.alive(), pool.pending(), pool.is_ended()), (0, 0, true));
                    assert_eq!((stopped.load(Ordering::SeqCst), gone.count()), (2, 2));
                });
            }
            calls.wait();
            while !pool.is_closed() {
                std::thread::yield_now();
            }
            shut.open();
        });
        let counts = pool.counts();
        assert_eq!((counts.accepted, counts.done + counts.cancelled), (2, 2));
    }
}

/// A pool with something in it that is stuck, and that has begun to be: a shutdown with a limit keeps to it, and the drop
/// afterwards does not wait; when the gate is opened the pool ends by itself.
fn keeps_to_its_limit(builder: Builder<u32>, get_stuck: impl FnOnce(&Pool<u32>), shut: Shut) {
    let (builder, gone) = Gone::watch(builder);
    let pool = builder.build().unwrap();
    get_stuck(&pool);
    assert!(!pool.shutdown_timeout(MOMENT));
    assert!(!pool.shutdown_timeout(Duration::ZERO));
    assert!(!pool.wait_ended(Some(Duration::ZERO)));
    assert!(matches!(pool.submit(|| 1), Err(SubmitError::Closed(_))));
    drop(pool);
    shut.open();
    gone.wait();
}

#[test]
fn a_limit_is_kept_while_a_job_runs_and_others_wait() {
    let (shut, gate) = Shut::new();
    let drops = Drops::default();
    let queued = drops.clone();
    let get_stuck = move |pool: &Pool<u32>| {
        let (begins, has_begun) = mpsc::channel();
        let job = move || {
            begins.send(()).unwrap();
            gate.pass();
            1
        };
        pool.submit(job).unwrap();
        has_begun.recv().unwrap();
        for _ in 0..3 {
            let token = queued.one();
            pool.submit(move || (token, 1).1).unwrap();
        }
        let token = queued.one();
        pool.schedule(HOUR, move || (&token, 1).1).unwrap();
    };
    keeps_to_its_limit(builder(), get_stuck, shut);
    assert_eq!(drops.count(), 4);
}

#[test]
fn a_limit_is_kept_while_a_start_hook_runs() {
    let (shut, gate) = Shut::new();
    let gate = Mutex::new(gate);
    let builder = builder().on_thread_start(move |_| gate.lock().unwrap().pass());
    keeps_to_its_limit(builder, |pool| _ = pool.submit(|| 1).unwrap(), shut);
}

#[test]
fn a_limit_is_kept_while_a_thread_local_destructor_runs() {
    let (shut, gate) = Shut::new();
    let get_stuck = move |pool: &Pool<u32>| {
        let job = move || {
            LAST.set(Some(Box::new(Stuck(gate))));
            1
        };
        pool.submit(job).unwrap();
    };
    keeps_to_its_limit(builder(), get_stuck, shut);
}

#[test]
fn a_limit_is_kept_while_a_callback_runs() {
    let (shut, gate) = Shut::new();
    let builder = builder().on_done(move |_| gate.pass());
    keeps_to_its_limit(builder, |pool| _ = pool.submit(|| 1).unwrap(), shut);
    let (shut, gate) = Shut::new();
    let get_stuck = move |pool: &Pool<u32>| {
        let group = pool.group::<u32>().on_done(move |_| gate.pass()).build().unwrap();
        group.submit(|| 1).unwrap();
    };
    keeps_to_its_limit(self::builder(), get_stuck, shut);
}

#[test]
fn a_limit_is_kept_while_what_was_removed_would_have_to_be_dropped() {
    let (shut, gate) = Shut::new();
    let get_stuck = move |pool: &Pool<u32>| {
        let captured = Stuck(gate);
        pool.schedule(HOUR, move || (&captured, 1).1).unwrap();
    };
    keeps_to_its_limit(builder(), get_stuck, shut);
}

#[test]
fn a_limit_is_kept_while_a_stop_hook_runs() {
    let (shut, gate) = Shut::new();
    let (gate, token) = (Mutex::new(gate), Drops::default());
    let dropped = token.one();
    let stop = move |_| {
        let _dropped = &dropped;
        gate.lock().unwrap().pass();
    };
    let pool: Pool<u32> = builder().on_thread_stop(stop).build().unwrap();
    pool.submit(|| 1).unwrap();
    pool.wait_idle();
    assert!(!pool.shutdown_timeout(MOMENT));
    drop(pool);
    shut.open();
    while token.count() == 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_limit_that_is_long_enough_sees_the_end() {
    let (shut, gate) = Shut::new();
    let gate = Mutex::new(gate);
    let pool: Pool<u32> = builder().on_thread_stop(move |_| gate.lock().unwrap().pass()).build().unwrap();
    pool.submit(|| 1).unwrap();
    assert!(!pool.shutdown_timeout(MOMENT));
    shut.open();
    assert!(pool.wait_ended(None));
    assert!(pool.shutdown_timeout(HOUR));
    assert_eq!(values(pool.done()), [1]);
}

#[test]
fn a_panic_that_drops_the_pool_waits_for_nothing() {
    let (builder, gone) = Gone::watch(builder::<u32>());
    let drops = Drops::default();
    let (begins, has_begun) = mpsc::channel();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let pool = builder.build().unwrap();
        let (late, queued) = (drops.one(), drops.one());
        pool.submit_with(move |job| {
            begins.send(()).unwrap();
            while !job.is_cancelled() {
                std::thread::yield_now();
            }
            1
        })
        .unwrap();
        has_begun.recv().unwrap();
        pool.submit(move || (queued, 1).1).unwrap();
        pool.submit_later(HOUR, move || (late, 1).1).unwrap();
        panic!("in main");
    }));
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"in main"));
    gone.wait();
    assert_eq!(drops.count(), 2);
}

/// Drops a pool whose one worker is in the middle of a job, and has another before it; says when it is gone.
fn dropped_busy(builder: Builder<u32>, let_go: impl FnOnce(Pool<u32>)) -> (Shut, Gone, Arc<AtomicUsize>) {
    let (builder, gone) = Gone::watch(builder);
    let pool = builder.build().unwrap();
    let ((shut, gate), (begins, has_begun)) = (Shut::new(), mpsc::channel());
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let job = move || {
        begins.send(()).unwrap();
        gate.pass();
        count.fetch_add(1, Ordering::SeqCst);
        1
    };
    pool.submit(job).unwrap();
    has_begun.recv().unwrap();
    let count = Arc::clone(&ran);
    pool.submit(move || count.fetch_add(1, Ordering::SeqCst) as u32).unwrap();
    let_go(pool);
    (shut, gone, ran)
}

#[test]
fn who_detaches_does_not_wait_and_all_is_run() {
    let detached = dropped_busy(builder(), Pool::detach);
    let dropped = dropped_busy(builder().on_drop(OnDrop::Detach), drop);
    let limited = dropped_busy(builder().on_drop(OnDrop::WaitTimeout(MOMENT)), drop);
    for (shut, gone, ran) in [detached, dropped, limited] {
        assert_eq!(ran.load(Ordering::SeqCst), 0);
        shut.open();
        gone.wait();
        assert_eq!(ran.load(Ordering::SeqCst), 2);
    }
}

#[test]
fn who_gave_up_before_a_reset_has_not_given_up_what_comes_after() {
    let pool: Pool<u32> = pool(1);
    let (occupied, other, ran) = (Occupied::new(&pool), pool.clone(), Arc::new(AtomicUsize::new(0)));
    let waits = std::thread::spawn(move || other.shutdown_timeout(HOUR));
    while !pool.is_closed() {
        std::thread::yield_now();
    }
    pool.reset();
    assert!(!waits.join().unwrap());
    let (count, (shut, gate)) = (Arc::clone(&ran), Shut::new());
    pool.submit(move || {
        gate.pass();
        count.fetch_add(1, Ordering::SeqCst);
        1
    })
    .unwrap();
    drop(occupied);
    let opener = std::thread::spawn(move || {
        // Long enough for one who would not wait.
        (0..1000).for_each(|_| std::thread::yield_now());
        shut.open();
    });
    drop(pool);
    assert_eq!(ran.load(Ordering::SeqCst), 1);
    opener.join().unwrap();
}

#[test]
fn other_handles_of_a_detached_pool_may_still_wait() {
    let pool: Pool<u32> = pool(1);
    let occupied = Occupied::new(&pool);
    pool.submit(|| 1).unwrap();
    pool.clone().detach();
    assert!(pool.is_closed() && !pool.is_ended());
    drop(occupied);
    pool.shutdown();
    assert_eq!((values(pool.done()), pool.is_ended()), (vec![1], true));
}

#[test]
fn a_drop_may_remove_what_has_not_begun() {
    let drops = Drops::default();
    let pool: Pool<u32> = builder().on_drop(OnDrop::Stop).build().unwrap();
    let ((begins, has_begun), queued) = (mpsc::channel(), drops.one());
    pool.submit_with(move |job| {
        begins.send(()).unwrap();
        while !job.is_cancelled() {
            std::thread::yield_now();
        }
        1
    })
    .unwrap();
    has_begun.recv().unwrap();
    let late = drops.one();
    pool.submit_later(HOUR, move || (late, 1).1).unwrap();
    pool.submit(move || (queued, 1).1).unwrap();
    drop(pool);
    assert_eq!(drops.count(), 2);
}

#[test]
fn a_limit_of_a_drop_that_is_long_enough_sees_the_end() {
    let (builder, drops) = (builder::<Dropped>().on_drop(OnDrop::WaitTimeout(HOUR)), Drops::default());
    let pool = builder.build().unwrap();
    for _ in 0..100 {
        let token = drops.one();
        pool.submit(move || token).unwrap();
    }
    drop(pool);
    assert_eq!(drops.count(), 100);
}

#[test]
fn a_job_of_another_pool_waits_for_the_end() {
    let (a, b): (Pool<u32>, Pool<u32>) = (pool(1), pool(1));
    let (shut, gate) = Shut::new();
    b.submit(move || (gate.pass(), 7).1).unwrap();
    let other = b.clone();
    let ends = a.spawn(move || (other.shutdown(), other.is_ended(), other.alive())).unwrap();
    while !b.is_closed() {
        std::thread::yield_now();
    }
    // Somebody stands in for it.
    assert_eq!(a.spawn(|| 1).unwrap().join().unwrap(), 1);
    shut.open();
    assert_eq!(ends.join().unwrap(), ((), true, 0));
    assert_eq!(values(b.done()), [7]);
}

#[test]
fn it_may_be_asked_for_from_hooks_and_destructors_of_another_pool() {
    struct Ends(Pool<u32>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.shutdown();
        }
    }
    let others: Vec<Pool<u32>> = (0..4).map(|_| pool(1)).collect();
    for other in &others {
        (0..100).for_each(|n| _ = other.submit(move || n).unwrap());
    }
    let (first, second) = (others[0].clone(), others[1].clone());
    let pool: Pool<u32> = Pool::builder()
        .threads(1)
        .on_thread_start(move |_| first.shutdown())
        .on_thread_stop(move |_| second.shutdown())
        .build()
        .unwrap();
    let (captured, last) = (Ends(others[2].clone()), Ends(others[3].clone()));
    let job = move || {
        // There a thread that ends holds up all that begin or end.
        if cfg!(not(windows)) {
            LAST.set(Some(Box::new(last)));
        }
        (captured, 1).1
    };
    pool.submit(job).unwrap();
    pool.shutdown();
    for other in &others {
        assert_eq!((other.is_ended(), other.done().len()), (true, 100));
    }
}

#[test]
fn a_destructor_of_the_pools_own_only_closes_it() {
    struct Ends(Pool<u32>, mpsc::Sender<bool>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.shutdown();
            self.1.send(self.0.shutdown_timeout(HOUR)).unwrap();
        }
    }
    let (tell, told) = mpsc::channel();
    let pool: Pool<u32> = pool(1);
    let (captured, last) = (Ends(pool.clone(), tell.clone()), Ends(pool.clone(), tell));
    let job = move || {
        LAST.set(Some(Box::new(last)));
        (captured, 1).1
    };
    pool.submit(job).unwrap();
    pool.shutdown();
    assert_eq!(told.iter().take(2).collect::<Vec<_>>(), [false; 2]);
    assert!(pool.is_ended());
}

#[test]
fn a_callback_of_a_group_may_shut_the_pool_down() {
    let pool: Pool<u32> = pool(1);
    let inner = pool.clone();
    let group = pool.group::<u32>().on_done(move |_| inner.shutdown()).build().unwrap();
    group.submit(|| 1).unwrap();
    // Perhaps too late.
    let _ = pool.submit(|| 2);
    assert!(pool.wait_ended(None) && pool.is_closed());
    assert!(matches!(group.submit(|| 3), Err(SubmitError::Closed(_))));
}

#[test]
fn who_waits_for_the_end_sees_it_whoever_closes() {
    let pool: Pool<u32> = pool(1);
    assert!(!pool.is_closed() && !pool.is_ended() && !pool.wait_ended(Some(Duration::ZERO)));
    let (first, second) = (pool.clone(), pool.clone());
    let waiting = [Waiting::new(move || first.wait_ended(None)), Waiting::new(move || second.wait_ended(Some(HOUR)))];
    let inner = pool.clone();
    assert!(!pool.spawn(move || inner.wait_ended(None)).unwrap().join().unwrap(), "it cannot wait for itself");
    pool.shutdown();
    assert!(waiting.into_iter().all(Waiting::end));
    assert!(pool.is_closed() && pool.is_ended() && pool.wait_ended(Some(Duration::ZERO)));
    // Nobody sees the end of what is opened again.
    pool.reset();
    assert!(!pool.is_closed() && !pool.is_ended());
    let again = pool.clone();
    let waiting = Waiting::new(move || again.wait_ended(None));
    pool.reset();
    assert!(!waiting.end());
}

#[test]
fn clear_against_shutdown_leaves_an_open_or_an_ended_pool() {
    for round in 0..100 {
        let pool: Pool<u32> = pool(2);
        (0..20).for_each(|n| _ = pool.submit(move || n).unwrap());
        std::thread::scope(|threads| {
            threads.spawn(|| if round % 2 == 0 { pool.shutdown() } else { drop(pool.shutdown_now()) });
            threads.spawn(|| pool.reset());
            threads.spawn(|| pool.shutdown_timeout(MOMENT));
        });
        pool.reset();
        assert!(!pool.is_closed());
        pool.submit(|| 99).unwrap();
        // What ran while the pool was cleared may have left its results since.
        assert!(pool.done().iter().any(|done| done.value == 99));
        pool.shutdown();
        assert_eq!((pool.is_ended(), pool.alive(), pool.pending()), (true, 0, 0));
    }
}

#[test]
fn a_shutdown_ends_all_pauses_and_keeps_the_results() {
    let pool: Pool<u32> = pool(2);
    let group = pool.group::<u32>().pausable().build().unwrap();
    let inner = group.group::<u32>().pausable().limit(1).build().unwrap();
    let (drops, token) = (Drops::default(), Drops::default());
    let periodic = token.one();
    let id = pool.schedule(HOUR, move || (&periodic, 1).1).unwrap();
    assert!(pool.pause_periodic(id));
    group.pause().unwrap();
    inner.pause().unwrap();
    pool.pause();
    for n in 0..10 {
        let token = drops.one();
        inner.submit(move || (token, n).1).unwrap();
        group.submit(move || n).unwrap();
        pool.submit(move || n).unwrap();
    }
    pool.shutdown();
    assert_eq!((drops.count(), token.count(), pool.is_ended()), (10, 1, true));
    assert!(values(inner.done()).into_iter().eq(0..10));
    assert!(sorted(group.done()).into_iter().eq(0..10) && sorted(pool.done()).into_iter().eq(0..10));
    assert_eq!((pool.counts().done, pool.counts().cancelled), (30, 1));
}

#[test]
fn a_pool_that_is_closed_is_not_paused() {
    let pool: Pool<u32> = pool(1);
    let group = pool.group::<u32>().pausable().build().unwrap();
    let (inner, within) = (pool.clone(), group.clone());
    let occupied = Occupied::new(&pool);
    let job = move || {
        within.pause().unwrap();
        within.submit(|| 1).unwrap();
        inner.pause();
        inner.submit(|| 2).unwrap();
        3
    };
    pool.submit(job).unwrap();
    assert!(!pool.shutdown_timeout(Duration::ZERO));
    pool.pause();
    group.pause().unwrap();
    assert!(!pool.is_paused() && !group.is_paused());
    drop(occupied);
    pool.shutdown();
    assert_eq!((values(group.done()), values(pool.done())), (vec![1], vec![3, 2]));
    pool.pause();
    pool.reset();
    assert!(!pool.is_paused());
    pool.pause();
    group.pause().unwrap();
    assert!(pool.is_paused() && group.is_paused());
}

#[test]
fn the_last_handle_may_be_dropped_anywhere_and_the_pool_ends() {
    static HANDLE: OnceLock<Mutex<Option<Pool<u32>>>> = OnceLock::new();
    let handle = HANDLE.get_or_init(|| Mutex::new(None));
    // In a callback of its own, and in a thread-local destructor of its own.
    let (builder, gone) = Gone::watch(builder::<u32>());
    let builder = builder.on_done(|_| drop(HANDLE.get().unwrap().lock().unwrap().take()));
    let pool = builder.build().unwrap();
    *handle.lock().unwrap() = Some(pool.clone());
    let occupied = Occupied::new(&pool);
    pool.submit(|| 1).unwrap();
    drop(pool);
    drop(occupied);
    gone.wait();
    let (builder, gone) = Gone::watch(self::builder::<u32>());
    let pool = builder.build().unwrap();
    let own = pool.clone();
    let job = move || {
        LAST.set(Some(Box::new(own)));
        1
    };
    pool.submit(job).unwrap();
    pool.wait_idle();
    pool.shutdown();
    drop(pool);
    gone.wait();
}
