//! Joins: both halves are run once, wherever; what they borrow, hold, wait for and panic with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use fastthreadpool::{Cancellation, Group, Pool};

use crate::support::{Bomb, Drops, HOUR, Occupied, pool};

fn sum(pool: &Pool, numbers: &[u64], leaf: usize) -> u64 {
    if numbers.len() <= leaf {
        return numbers.iter().sum();
    }
    let (left, right) = numbers.split_at(numbers.len() / 2);
    let (left, right) = pool.join(|| sum(pool, left, leaf), || sum(pool, right, leaf));
    left + right
}

fn sum_here(numbers: &[u64]) -> u64 {
    if numbers.len() < 10 {
        return numbers.iter().sum();
    }
    let (left, right) = numbers.split_at(numbers.len() / 2);
    let (left, right) = fastthreadpool::join(|| sum_here(left), || sum_here(right));
    left + right
}

/// Joins so that the second half is begun by somebody else, while the first has not ended. Once for each pool and place: of a join
/// that was over soon the pool may do the first half alone.
fn elsewhere<T, RA, RB>(pool: &Pool<T>, a: impl FnOnce() -> RA, b: impl FnOnce() -> RB + Send) -> (RA, RB)
where
    T: Send + 'static,
    RB: Send,
{
    let (begun, has_begun): (Sender<()>, Receiver<()>) = channel();
    let here = thread::current().id();
    pool.join(
        || {
            has_begun.recv().unwrap();
            a()
        },
        move || {
            begun.send(()).unwrap();
            assert_ne!(thread::current().id(), here);
            b()
        },
    )
}

#[test]
fn all_is_summed_from_outside_and_from_jobs_by_few_and_by_many() {
    let numbers: Vec<u64> = (1..=20_000).collect();
    for threads in [1, 2, 5] {
        let pool: Pool = pool(threads);
        for leaf in [1, 10, 3_000, 20_000] {
            assert_eq!(sum(&pool, &numbers, leaf), 200_010_000);
        }
        let (inside, numbers) = (pool.clone(), numbers.clone());
        let all = pool.with_results::<u64>().spawn(move || sum(&inside, &numbers, 7)).unwrap();
        assert_eq!(all.join().unwrap(), 200_010_000);
        pool.wait_idle();
        assert_eq!(pool.counts().accepted, 1, "halves are no jobs");
    }
}

#[test]
fn many_join_at_a_time() {
    let numbers: Vec<u64> = (1..=2_000).collect();
    let pool: Pool = pool(2);
    // More than there are desks for.
    thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| (0..20).for_each(|_| assert_eq!(sum(&pool, &numbers, 3), 2_001_000)));
        }
    });
    let jobs: Vec<_> = (0..40)
        .map(|_| {
            let (inside, numbers) = (pool.clone(), numbers.clone());
            pool.with_results::<u64>().spawn(move || sum(&inside, &numbers, 3)).unwrap()
        })
        .collect();
    assert!(jobs.into_iter().all(|job| job.join().unwrap() == 2_001_000));
}

#[test]
fn the_second_half_runs_elsewhere_and_returns_what_it_likes() {
    let pool: Pool = pool(1);
    let text = "borrowed".to_owned();
    let (length, upper) = elsewhere(&pool, || text.len(), || text.to_uppercase());
    assert_eq!((length, upper.as_str()), (8, "BORROWED"));
}

#[test]
fn a_panic_of_either_half_comes_after_both_have_ended() {
    let numbers: Vec<u64> = (1..=2_000).collect();
    let panics = |a: bool, b: bool, apart: bool| {
        let pool: Pool = pool(1);
        let ended = AtomicUsize::new(0);
        let end = |half: &str, panics: bool| {
            ended.fetch_add(1, Ordering::SeqCst);
            assert!(!panics, "the {half} half");
        };
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let (a, b) = (|| end("first", a), || end("second", b));
            if apart { elsewhere(&pool, a, b) } else { pool.join(a, b) }
        }));
        let message = caught.err().map(|payload| *payload.downcast::<String>().unwrap());
        // Nothing is left where the next one joins.
        assert_eq!(sum(&pool, &numbers, 3), 2_001_000);
        (message, ended.into_inner())
    };
    let first = || Some("the first half".to_owned());
    let second = || Some("the second half".to_owned());
    for _ in 0..20 {
        assert_eq!(panics(false, false, true), (None, 2));
        assert_eq!(panics(true, false, true), (first(), 2));
        assert_eq!(panics(false, true, true), (second(), 2));
        assert_eq!(panics(true, true, true), (first(), 2));
        assert_eq!(panics(false, true, false), (second(), 2));
        // What nobody has begun is dropped.
        let (message, ended) = panics(true, false, false);
        assert!(message == first() && (1..=2).contains(&ended));
    }
}

#[test]
fn what_is_not_run_is_dropped_and_so_is_what_is_not_returned() {
    let pool: Pool = pool(1);
    let drops = Drops::default();
    let occupied = Occupied::new(&pool);
    let bomb = drops.one();
    let caught = catch_unwind(AssertUnwindSafe(|| pool.join(|| panic!("the first"), move || drop(bomb))));
    assert!(caught.is_err());
    assert_eq!(drops.count(), 1);
    drop(occupied);
    let value = drops.one();
    let caught = catch_unwind(AssertUnwindSafe(|| elsewhere(&pool, || panic!("the first"), move || value)));
    assert!(caught.is_err());
    assert_eq!(drops.count(), 2);
}

/// A join that was short is tried alone; then, too, a panic of what is dropped with the first half's panic ends nothing.
#[test]
fn a_second_half_that_panics_in_its_destructor_does_not_end_the_program() {
    struct Worse(bool);

    impl Drop for Worse {
        fn drop(&mut self) {
            assert!(!self.0, "a destructor");
        }
    }

    let pool: Pool = pool(1);
    let join = |panics: bool| {
        let second = Worse(panics);
        catch_unwind(AssertUnwindSafe(|| pool.join(move || assert!(!panics, "the first"), move || drop(second))))
    };
    // As often as it takes to know that it is short, whatever came in between.
    assert!((0..40).all(|_| join(false).is_ok()));
    let panic = join(true).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the first"));
}

#[test]
fn a_lock_that_is_held_across_a_join_meets_no_foreign_job() {
    let pool: Pool = pool(2);
    let lock = Arc::new(Mutex::new(0));
    let (inside, held) = (pool.clone(), Arc::clone(&lock));
    let job = move || {
        let mut held = held.lock().unwrap();
        elsewhere(
            &inside,
            || *held += 1,
            || {
                // Who waits for this, holding the lock, has all of these in sight.
                for _ in 0..50 {
                    let lock = Arc::clone(&lock);
                    inside.submit(move || *lock.lock().unwrap() += 1).unwrap();
                }
                (0..2000).for_each(|_| thread::yield_now());
            },
        );
        drop(held);
        lock
    };
    let lock = pool.with_results::<Arc<Mutex<i32>>>().spawn(job).unwrap().join().unwrap();
    pool.wait_idle();
    assert_eq!(*lock.lock().unwrap(), 51);
}

#[test]
fn both_halves_belong_to_the_job() {
    let pool: Pool<bool> = pool(2);
    let inside = pool.clone();
    let (tell, told) = channel();
    let id = pool
        .submit_with(move |job| {
            let ((), is_cancelled) = elsewhere(
                &inside,
                || tell.send(()).unwrap(),
                || {
                    while !job.is_cancelled() {
                        thread::yield_now();
                    }
                    true
                },
            );
            is_cancelled && job.is_cancelled()
        })
        .unwrap();
    told.recv().unwrap();
    assert_eq!(pool.cancel(id), Cancellation::Stopping);
    assert!(pool.done().pop().unwrap().value);
}

#[test]
fn a_half_may_wait_for_the_pool_that_waits_for_its_job() {
    let pool: Pool = pool(2);
    let group: Group<()> = pool.group().build().unwrap();
    let (inside, of_group) = (pool.clone(), group.clone());
    let job = move || {
        let both = elsewhere(&inside, || inside.wait_idle(), || inside.wait_idle() && of_group.wait());
        assert_eq!(both, (true, true));
    };
    group.submit(job).unwrap();
    assert!(pool.wait_idle());
    assert_eq!((group.counts().done, group.counts().failed), (1, 0));
}

#[test]
fn somebody_stands_in_for_halves_that_wait() {
    let pool: Pool<u32> = pool(1);
    let outside = elsewhere(&pool, || 1, || pool.with_results::<u32>().spawn(|| 2).unwrap().join().unwrap());
    assert_eq!(outside, (1, 2));
    let inside = pool.clone();
    let job = move || {
        // The worker waits for the other half, that one for a job: two stand-ins.
        let (one, two) = elsewhere(
            &inside,
            || 1,
            || {
                let (tell, told) = channel();
                inside.submit(move || (tell.send(2).unwrap(), 0).1).unwrap();
                inside.blocking(|| told.recv().unwrap())
            },
        );
        one + two
    };
    // Without the first of them nobody would be there to take the half.
    let blocking = pool.clone();
    assert_eq!(pool.spawn(move || blocking.blocking(job)).unwrap().join().unwrap(), 3);
}

#[test]
fn halves_submit_while_the_pool_drains() {
    let pool: Pool<u32> = pool(2);
    let inside = pool.clone();
    let (tell, told) = channel();
    let (go, gone) = channel::<()>();
    let job = move || {
        let both = elsewhere(
            &inside,
            || {
                tell.send(()).unwrap();
                gone.recv().unwrap();
                inside.submit(|| 1).is_ok()
            },
            || {
                while inside.submit(|| 0).is_ok() && !inside.is_closed() {
                    thread::yield_now();
                }
                inside.submit(|| 2).is_ok()
            },
        );
        if both == (true, true) { 3 } else { 9 }
    };
    pool.submit(job).unwrap();
    told.recv().unwrap();
    assert!(!pool.shutdown_timeout(std::time::Duration::ZERO));
    go.send(()).unwrap();
    pool.shutdown();
    let mut values: Vec<_> = pool.done().drain().map(|done| done.value).filter(|value| *value > 0).collect();
    values.sort_unstable();
    assert_eq!(values, [1, 2, 3]);
}

#[test]
fn pools_join_in_each_others_halves() {
    let (one, two): (Pool, Pool) = (pool(1), pool(2));
    let numbers: Vec<u64> = (1..=3_000).collect();
    let (a, b) = elsewhere(
        &one,
        || sum(&two, &numbers, 10),
        || {
            let (a, b) = elsewhere(&two, || sum(&one, &numbers, 10), || sum(&two, &numbers, 10));
            a + b
        },
    );
    assert_eq!((a, b), (4_501_500, 9_003_000));
    one.shutdown();
    assert_eq!(sum(&one, &numbers, 10), 4_501_500, "a pool that is closed joins, too");
    assert!(two.shutdown_timeout(HOUR));
}

#[test]
fn a_function_is_run_by_a_worker_with_what_it_borrows_and_joins_find_its_pool() {
    let pool: Pool = pool(2);
    let numbers: Vec<u64> = (1..=1_000).collect();
    let here = thread::current().id();
    let mut elsewhere = None;
    let sum = pool.run(|| {
        elsewhere = Some(thread::current().id());
        // Where it is already.
        let inner = pool.run(|| thread::current().id());
        assert_eq!(elsewhere, Some(inner));
        sum_here(&numbers)
    });
    assert_eq!((sum, elsewhere.is_some_and(|thread| thread != here)), (500_500, true));
    // Outside of all pools both are called.
    assert_eq!((sum_here(&numbers), fastthreadpool::join(|| 1, || 2)), (500_500, (1, 2)));

    let caught = catch_unwind(AssertUnwindSafe(|| pool.run(|| panic!("for who has called"))));
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"for who has called"));
    pool.shutdown();
    assert_eq!(pool.run(|| thread::current().id()), here, "a pool that is closed takes nothing");
}

#[test]
fn free_joins_fork_in_the_pool_whose_job_runs() {
    let named = |name: &str| -> Pool { Pool::builder().threads(2).name_prefix(name).build().unwrap() };
    let (outer, inner) = (named("outer"), named("inner"));
    let name = || thread::current().name().map_or_else(String::new, str::to_owned);
    // The second half is begun by somebody else, while the first waits for that.
    let thief = || {
        let (begun, has_begun) = channel();
        fastthreadpool::join(
            || has_begun.recv().unwrap(),
            || {
                begun.send(()).unwrap();
                name()
            },
        )
        .1
    };
    assert!(outer.run(thief).starts_with("outer"));
    let (there, here) = outer.run(|| (inner.run(thief), name()));
    assert!(there.starts_with("inner") && here.starts_with("outer"), "{there} {here}");
    // In the middle of a join of another pool, and back.
    let both = outer.join(|| inner.join(thief, || outer.run(name)), name);
    assert!(both.0.0.starts_with("inner") && both.0.1.starts_with("outer"), "{both:?}");
}

#[test]
fn one_job_at_a_time_is_run_by_who_asks_for_it_by_name() {
    let pool: Pool<u32> = pool(1);
    assert!(!pool.run_one());
    let occupied = Occupied::new(&pool);
    let here = thread::current().id();
    let ids: Vec<_> = (0..3)
        .map(|n| {
            pool.submit(move || {
                assert_eq!(thread::current().id(), here);
                n
            })
        })
        .collect::<Result<_, _>>()
        .unwrap();
    pool.submit_first(|| 3).unwrap();
    assert_eq!(pool.cancel(ids[1]), Cancellation::Removed);
    let group: Group<u32> = pool.group().limit(1).build().unwrap();
    for n in [4, 5] {
        group.submit(move || n).unwrap();
    }
    for _ in 0..5 {
        assert!(pool.run_one());
    }
    assert!(!pool.run_one());
    let all: Vec<_> = pool.done().drain().map(|done| done.value).collect();
    assert_eq!(all, [3, 0, 2]);
    assert_eq!(group.done().drain().map(|done| done.value).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(pool.counts().done, 5);
    pool.pause();
    pool.submit(|| 6).unwrap();
    assert!(!pool.run_one());
    pool.resume();
    assert!(pool.run_one());
    drop(occupied);
}

#[test]
fn what_repeats_hides_no_job_from_who_runs_one() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&ran);
    pool.submit_first(move || _ = counts.fetch_add(1, Ordering::Relaxed)).unwrap();
    let repeats = pool.schedule(std::time::Duration::from_nanos(1), || ()).unwrap();
    // Due, and on top.
    while pool.counts().timers > 0 {}
    // Once in 64 times others than those that are due have their turn.
    let runs = (0..200).take_while(|_| ran.load(Ordering::Relaxed) == 0 && pool.run_one()).count();
    assert_eq!(ran.load(Ordering::Relaxed), 1, "after {runs}");
    pool.cancel(repeats);
    drop(occupied);
}

#[test]
fn a_second_half_that_has_not_begun_is_dropped_whatever_its_destructor_does() {
    let pool: Pool = pool(1);
    for outside in [true, false] {
        let bomb = Bomb;
        let second = move || drop(bomb);
        let first = || -> u32 { panic!("the first") };
        let joined = || if outside { fastthreadpool::join(first, second) } else { pool.join(first, second) };
        let panic = catch_unwind(AssertUnwindSafe(joined)).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the first"));
    }
}
