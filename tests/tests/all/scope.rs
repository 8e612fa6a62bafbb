//! Jobs that borrow.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use fastthreadpool::{Cancellation, JobError, Pool, ScopedContext, Semaphore};

use crate::support::{Bomb, Drops, HOUR, Occupied, pool};

#[test]
fn jobs_borrow_from_the_caller() {
    for threads in 1..=3 {
        let pool: Pool = pool(threads);
        let mut parts = [0_u64; 64];
        let numbers: Vec<u64> = (0..6400).collect();
        let returned = pool.scope(|scope| {
            for (part, numbers) in parts.iter_mut().zip(numbers.chunks(100)) {
                scope.spawn(|| *part = numbers.iter().sum());
            }
            "done"
        });
        assert_eq!((returned, parts.iter().sum::<u64>()), ("done", 6399 * 3200));
    }
}

#[test]
fn the_caller_works_when_nobody_else_does() {
    let pool: Pool = pool(1);
    let _occupied = Occupied::new(&pool);
    let count = AtomicUsize::new(0);
    pool.scope(|scope| (0..100).for_each(|_| scope.spawn(|| _ = count.fetch_add(1, Ordering::SeqCst))));
    assert_eq!(count.load(Ordering::SeqCst), 100);
}

#[test]
fn a_scoped_job_spawns_into_its_scope() {
    let pool: Pool = pool(2);
    let count = AtomicUsize::new(0);
    pool.scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                scope.spawn(|| _ = count.fetch_add(1, Ordering::SeqCst));
                count.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    assert_eq!(count.load(Ordering::SeqCst), 20);
}

#[test]
fn scopes_nest_in_jobs_of_one_worker() {
    fn tree(pool: &Pool, depth: u32) -> u32 {
        if depth == 0 {
            return 1;
        }
        let (mut left, mut right) = (0, 0);
        pool.scope(|scope| {
            scope.spawn(|| left = tree(pool, depth - 1));
            scope.spawn(|| right = tree(pool, depth - 1));
        });
        left + right
    }
    for threads in 1..=2 {
        let pool: Pool = pool(threads);
        let inner = pool.clone();
        assert_eq!(pool.spawn(move || tree(&inner, 8)).unwrap().join().unwrap(), 256);
        assert_eq!(tree(&pool, 8), 256);
    }
}

#[test]
fn it_returns_after_all_jobs_even_when_something_panics() {
    let pool: Pool = pool(2);
    let ended = AtomicUsize::new(0);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        pool.scope(|scope| {
            for n in 0..50 {
                let ended = &ended;
                scope.spawn(move || {
                    ended.fetch_add(1, Ordering::SeqCst);
                    assert!(n != 7, "seven");
                });
            }
        });
    }));
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"seven"));
    assert_eq!(ended.load(Ordering::SeqCst), 50);

    let panic = catch_unwind(AssertUnwindSafe(|| {
        pool.scope(|scope| {
            (0..50).for_each(|_| scope.spawn(|| _ = ended.fetch_add(1, Ordering::SeqCst)));
            panic!("the caller");
        });
    }));
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"the caller"));
    assert_eq!(ended.load(Ordering::SeqCst), 100);
    assert_eq!(pool.counts().failed, 0, "tasks are no jobs");
}

#[test]
fn a_pool_that_is_closed_lets_the_caller_run_the_jobs_and_a_full_one_takes_them() {
    let closed: Pool = pool(1);
    closed.shutdown();
    let full: Pool = Pool::builder().threads(1).queue_capacity(1).build().unwrap();
    let occupied = Occupied::new(&full);
    full.submit(|| ()).unwrap();
    for (pool, accepted) in [(&closed, 0), (&full, 1)] {
        let done = pool.counts().done;
        let count = AtomicUsize::new(0);
        pool.scope(|scope| (0..10).for_each(|_| scope.spawn(|| _ = count.fetch_add(1, Ordering::SeqCst))));
        assert_eq!(count.load(Ordering::SeqCst), 10);
        assert_eq!(pool.counts().done, done + accepted, "only who helps is a job");
    }
    drop(occupied);
}

#[test]
fn nobody_else_removes_the_jobs_of_a_scope() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let (ran, drops) = (AtomicUsize::new(0), Drops::default());
    pool.scope(|scope| {
        for _ in 0..10 {
            let (ran, token) = (&ran, drops.one());
            scope.spawn(move || {
                let _token = token;
                ran.fetch_add(1, Ordering::SeqCst);
            });
        }
        assert_eq!(pool.cancel_queued().len(), 0);
        assert_eq!(drops.count(), 0);
    });
    assert_eq!((ran.load(Ordering::SeqCst), drops.count()), (10, 10));
    drop(occupied);
}

#[test]
fn a_destructor_that_panics_does_not_end_the_scope_early() {
    let pool: Pool = pool(2);
    let results = Mutex::new(Vec::new());
    let panic = catch_unwind(AssertUnwindSafe(|| {
        pool.scope(|scope| {
            for n in 0..20 {
                let results = &results;
                let bomb = Bomb;
                scope.spawn(move || {
                    results.lock().unwrap().push(n);
                    drop(bomb);
                });
            }
        });
    }));
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"a destructor"));
    assert_eq!(results.lock().unwrap().len(), 20);
}

#[test]
fn handles_of_a_scope_return_values_that_borrow() {
    let text = "some words of a text".to_owned();
    for threads in 1..=3 {
        let pool: Pool = pool(threads);
        let _occupied = Occupied::new(&pool);
        let lengths = pool.scope(|scope| {
            let words: Vec<_> = text.split(' ').collect();
            let handles: Vec<_> =
                words.into_iter().map(|word| scope.spawn_with_handle(move || (word, word.len()))).collect();
            // The last one first: who joins runs what has not begun.
            let joined: Vec<_> = handles.into_iter().rev().map(|handle| handle.join().unwrap()).collect();
            joined
        });
        assert_eq!(lengths, [("text", 4), ("a", 1), ("of", 2), ("words", 5), ("some", 4)]);
    }
}

#[test]
fn a_handle_of_a_scope_gets_the_panic_and_may_be_dropped() {
    let pool: Pool = pool(2);
    let drops = Drops::default();
    pool.scope(|scope| {
        let panics = scope.spawn_with_handle(|| -> u32 { panic!("for the handle") });
        assert!(matches!(panics.join(), Err(JobError::Panicked(panic)) if panic.message() == "for the handle"));
        for _ in 0..10 {
            drop(scope.spawn_with_handle(|| drops.one()));
        }
        drop(scope.spawn_with_handle(|| -> u32 { panic!("for nobody") }));
    });
    assert_eq!((drops.count(), pool.counts().failed), (10, 2));
}

#[test]
fn a_scope_stops_at_the_first_panic_if_it_is_told_so() {
    for stops in [false, true] {
        let pool: Pool = pool(1);
        let _occupied = Occupied::new(&pool);
        let (ran, drops, told) = (AtomicUsize::new(0), Drops::default(), AtomicUsize::new(0));
        let panic = catch_unwind(AssertUnwindSafe(|| {
            pool.scope(|scope| {
                if stops {
                    scope.stop_on_panic();
                }
                for _ in 0..10 {
                    let (ran, token) = (&ran, drops.one());
                    scope.spawn(move || {
                        let _token = token;
                        ran.fetch_add(1, Ordering::SeqCst);
                    });
                }
                // The caller runs the latest first.
                scope.spawn(|| {
                    told.store(usize::from(scope.is_cancelled()), Ordering::SeqCst);
                    panic!("stop");
                });
            });
        }));
        assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"stop"));
        let expected = if stops { 0 } else { 10 };
        assert_eq!((ran.load(Ordering::SeqCst), drops.count(), told.into_inner()), (expected, 10, 0));
    }
}

#[test]
fn a_scope_that_is_cancelled_begins_nothing_more() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let (ran, drops) = (AtomicUsize::new(0), Drops::default());
    pool.scope(|scope| {
        let first = scope.spawn_with_handle(|| ran.fetch_add(1, Ordering::SeqCst));
        assert_eq!(first.join().unwrap(), 0);
        let handles: Vec<_> = (0..5)
            .map(|_| {
                let token = drops.one();
                scope.spawn_with_handle(|| (token, ran.fetch_add(1, Ordering::SeqCst)).1)
            })
            .collect();
        assert!(!scope.is_cancelled());
        scope.cancel();
        assert!(scope.is_cancelled());
        for handle in handles {
            assert!(matches!(handle.join(), Err(JobError::Cancelled)));
        }
        scope.spawn(|| _ = ran.fetch_add(1, Ordering::SeqCst));
    });
    assert_eq!((ran.load(Ordering::SeqCst), drops.count(), pool.counts().cancelled), (1, 5, 5));
    drop(occupied);
}

#[test]
fn nobody_ends_a_scope_from_outside() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let ran = AtomicUsize::new(0);
    let late = pool.submit_later(HOUR, || ()).unwrap();
    pool.scope(|scope| {
        (0..10).for_each(|_| scope.spawn(|| _ = ran.fetch_add(1, Ordering::SeqCst)));
        pool.submit(|| ()).unwrap();
        assert_eq!(
            (pool.cancel_queued().len(), pool.cancel_timers().len(), pool.cancel(late)),
            (1, 1, Cancellation::TooLate)
        );
        // The job of `Occupied` is told to stop, and nobody else.
        assert_eq!(pool.cancel(pool.spawn(|| ()).unwrap().id()), Cancellation::Removed);
        pool.group::<()>().build().unwrap().cancel();
        drop(occupied);
        assert!(!pool.shutdown_timeout(std::time::Duration::ZERO) || ran.load(Ordering::SeqCst) == 10);
        pool.shutdown_now();
        assert_eq!(ran.load(Ordering::SeqCst), 10, "its end waits for the scope");
    });
    assert!(pool.is_ended());
    assert_eq!(pool.counts().accepted, pool.counts().sum());
}

#[test]
fn many_tasks_of_all_sizes_are_each_run_once() {
    let pool: Pool = pool(3);
    for tasks in [1, 31, 32, 33, 1000, 10_000] {
        let ran: Vec<_> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
        let large = [1_usize; 40];
        pool.scope(|scope| {
            for (n, ran) in ran.iter().enumerate() {
                match n % 3 {
                    0 => scope.spawn(|| _ = ran.fetch_add(1, Ordering::Relaxed)),
                    // In a box.
                    1 => scope.spawn(move || _ = ran.fetch_add(large[n % 40], Ordering::Relaxed)),
                    _ => scope.spawn(move || scope.spawn(|| _ = ran.fetch_add(1, Ordering::Relaxed))),
                }
            }
        });
        assert!(ran.into_iter().all(|ran| ran.into_inner() == 1));
    }
}

#[test]
fn tasks_that_wait_for_each_other_and_for_the_owner_run_at_the_same_time() {
    let pool: Pool = pool(3);
    let barrier = std::sync::Barrier::new(4);
    pool.scope(|scope| {
        (0..3).for_each(|_| scope.spawn(|| _ = barrier.wait()));
        // The owner is no help.
        barrier.wait();
    });
    // As many as there are threads, the owner included.
    pool.scope(|scope| (0..4).for_each(|_| scope.spawn(|| _ = barrier.wait())));
}

#[test]
fn a_paused_or_occupied_pool_keeps_no_scope_from_its_end() {
    let pool: Pool = pool(1);
    pool.pause();
    let count = AtomicUsize::new(0);
    pool.scope(|scope| (0..10).for_each(|_| scope.spawn(|| _ = count.fetch_add(1, Ordering::Relaxed))));
    pool.resume();
    let occupied = Occupied::new(&pool);
    pool.scope(|scope| {
        scope.spawn(|| {
            pool.scope(|inner| (0..10).for_each(|_| inner.spawn(|| _ = count.fetch_add(1, Ordering::Relaxed))));
        });
    });
    drop(occupied);
    assert_eq!(count.into_inner(), 20);
}

#[test]
fn what_a_scope_does_not_begin_is_dropped_at_once_and_all_of_it() {
    let pool: Pool = pool(1);
    // By a worker, while the owner waits for just that.
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    pool.scope(|scope| {
        scope.cancel();
        scope.spawn(move || drop(sender));
        assert!(receiver.recv().is_err());
    });
    // A job that the owner runs at its end spawns one more, and stops the scope.
    let _occupied = Occupied::new(&pool);
    let drops = Drops::default();
    pool.scope(|scope| {
        let token = drops.one();
        drop(scope.spawn_with_handle(move || {
            scope.spawn(move || drop(token));
            scope.cancel();
        }));
    });
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_start_that_fails_once_does_not_keep_tasks_from_workers() {
    let starts = AtomicUsize::new(0);
    let pool: Pool = Pool::builder()
        .threads(2)
        .spawn_handler(move |worker| match starts.fetch_add(1, Ordering::SeqCst) {
            0 => Err(std::io::Error::other("not yet")),
            // As good as an error.
            1 => {
                drop(worker);
                Ok(())
            }
            _ => std::thread::Builder::new().spawn(|| worker.run()).map(drop),
        })
        .build()
        .unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    pool.scope(|scope| {
        for n in 0..5 {
            let sender = sender.clone();
            scope.spawn(move || sender.send(n).unwrap());
        }
        let mut all: Vec<_> = receiver.iter().take(5).collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
    });
    assert_eq!(pool.run(|| 1), 1);
}

#[test]
fn a_function_that_is_to_run_elsewhere_runs_here_if_nobody_comes_and_not_while_the_pool_is_paused() {
    let nobody = |worker| {
        drop(worker);
        Ok(())
    };
    let alone: Pool = Pool::builder().threads(1).spawn_handler(nobody).build().unwrap();
    let here = std::thread::current().id();
    assert_eq!(alone.run(|| std::thread::current().id()), here);
    alone.shutdown();

    let paused: Pool = pool(1);
    paused.pause();
    let ran = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        threads.spawn(|| paused.run(|| ran.fetch_add(1, Ordering::SeqCst)));
        while paused.pending() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(ran.load(Ordering::SeqCst), 0);
        paused.resume();
    });
    assert_eq!(ran.into_inner(), 1);
}

#[test]
fn a_function_that_is_to_run_elsewhere_runs_here_if_the_one_who_was_to_come_does_not() {
    let (hand, handed) = std::sync::mpsc::channel();
    let hand = Mutex::new(Some(hand));
    let pool: Pool = Pool::builder()
        .threads(1)
        .spawn_handler(move |worker| match hand.lock().unwrap().take() {
            // It comes, one thinks.
            Some(hand) => hand.send(worker).map_err(std::io::Error::other),
            None => Err(std::io::Error::other("nobody")),
        })
        .build()
        .unwrap();
    std::thread::scope(|threads| {
        let waits = threads.spawn(|| pool.run(|| std::thread::current().id()) == std::thread::current().id());
        let worker = handed.recv().unwrap();
        while pool.pending() == 0 {
            std::thread::yield_now();
        }
        drop(worker);
        assert!(waits.join().unwrap());
    });
}

/// A result that joins where it is dropped: with the last thread of its pool.
struct Joins(std::sync::mpsc::Sender<(u32, u32)>);

impl Drop for Joins {
    fn drop(&mut self) {
        self.0.send(fastthreadpool::join(|| 1, || 2)).unwrap();
    }
}

#[test]
fn a_destructor_joins_while_its_pool_goes() {
    let pool: Pool<Joins> = Pool::builder().threads(1).on_drop(fastthreadpool::OnDrop::Detach).build().unwrap();
    let ((sender, receiver), (open, gate)) = (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
    pool.submit(move || {
        let _ = gate.recv();
        Joins(sender)
    })
    .unwrap();
    drop(pool);
    drop(open);
    assert_eq!(receiver.recv().unwrap(), (1, 2));
}

/// Tells when it has begun, and waits to be told to stop.
fn waits(begun: &Semaphore, told: &AtomicUsize) -> impl Fn(&ScopedContext<'_>) {
    move |job| {
        assert!(!job.is_cancelled() && !job.cancelled_timeout(Duration::ZERO));
        begun.release(1).unwrap();
        job.cancelled();
        assert!(job.is_cancelled() && job.cancelled_timeout(HOUR));
        told.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn jobs_of_a_scope_that_wait_are_told_to_stop_by_a_cancel_and_by_a_panic() {
    let pool: Pool = pool(3);
    for panics in [false, true] {
        let (begun, told) = (Semaphore::new(0), AtomicUsize::new(0));
        let scope = || {
            pool.scope(|scope| {
                scope.stop_on_panic();
                let (begun, told) = (&begun, &told);
                scope.spawn(move || {
                    begun.acquire_many(2).unwrap().forget();
                    assert!(!panics, "on purpose");
                    scope.cancel();
                });
                (0..2).for_each(|_| scope.spawn_with(waits(begun, told)));
            });
        };
        assert_eq!(catch_unwind(AssertUnwindSafe(scope)).is_err(), panics);
        assert_eq!(told.into_inner(), 2);
    }
}

#[test]
fn jobs_of_a_scope_that_wait_are_told_that_the_pool_stops() {
    let pool: Pool = pool(1);
    let (begun, told) = (Semaphore::new(0), AtomicUsize::new(0));
    thread::scope(|threads| {
        threads.spawn(|| {
            begun.acquire_many(2).unwrap().forget();
            pool.shutdown_now();
        });
        pool.scope(|scope| (0..2).for_each(|_| scope.spawn_with(waits(&begun, &told))));
    });
    assert_eq!(told.into_inner(), 2);
}

#[test]
fn a_job_of_a_scope_knows_its_thread() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let number = Mutex::new(Some(7));
    pool.scope(|scope| scope.spawn_with(|job| *number.lock().unwrap() = job.thread_number()));
    assert_eq!(*number.lock().unwrap(), None);
    drop(occupied);
    pool.scope(|scope| {
        let (sender, receiver) = channel();
        let number = &number;
        scope.spawn_with(move |job| {
            *number.lock().unwrap() = job.thread_number();
            sender.send(()).unwrap();
        });
        // The scope's own thread does not help before this is over.
        receiver.recv().unwrap();
    });
    assert_eq!(*number.lock().unwrap(), Some(1));
}

#[test]
fn who_waits_for_a_scope_does_what_its_jobs_spawn_meanwhile() {
    let pool: Pool = pool(1);
    pool.scope(|scope| {
        let (begun, has_begun) = channel();
        let _waits = scope.spawn_with_handle(move || {
            begun.send(()).unwrap();
            // The one worker is here, and this is known to nobody as a wait.
            for _ in 0..100 {
                let (told, tells) = channel();
                scope.spawn(move || told.send(()).unwrap());
                tells.recv().unwrap();
            }
        });
        has_begun.recv().unwrap();
    });
}

#[test]
fn a_chain_of_spawns_is_no_deeper_than_one() {
    fn chain<'s>(scope: &'s fastthreadpool::Scope<'s, '_>, left: u32) {
        if left > 0 {
            scope.spawn(move || chain(scope, left - 1));
        }
    }
    let threadless = Pool::builder().threadless().build().unwrap();
    let closed: Pool = pool(1);
    closed.shutdown();
    let paused: Pool = pool(1);
    paused.pause();
    for pool in [threadless, closed, paused, pool(2)] {
        pool.scope(|scope| chain(scope, 100_000));
    }
}
