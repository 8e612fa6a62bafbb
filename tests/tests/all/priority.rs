//! Classes of jobs: who begins before whom, and that nobody waits for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fastthreadpool::{Cancellation, JobKind, Pool, Priority, SubmitError};

use crate::support::{HOUR, Occupied, pool};

const CLASSES: [Priority; 3] = [Priority::Low, Priority::Normal, Priority::High];

fn values<T: Send + 'static>(pool: &Pool<T>) -> Vec<T> {
    pool.done().drain().map(|done| done.value).collect()
}

#[test]
fn jobs_begin_by_class_and_within_one_in_the_order_of_submission() {
    let pool = pool(1);
    pool.pause();
    for n in 0..20 {
        for class in CLASSES {
            pool.job(move || (class, n)).priority(class).submit().unwrap();
        }
    }
    pool.submit_first(|| (Priority::Normal, 100)).unwrap();
    pool.resume();
    pool.shutdown();
    let of = |class| (0..20).map(move |n| (class, n));
    let first = std::iter::once((Priority::Normal, 100));
    let expected = first.chain(of(Priority::High)).chain(of(Priority::Normal)).chain(of(Priority::Low));
    assert!(values(&pool).into_iter().eq(expected));
}

#[test]
fn of_64_starts_one_is_of_those_that_wait_behind_the_high_class() {
    let pool = pool(1);
    pool.pause();
    for n in 0..200 {
        pool.job(move || (Priority::High, n)).priority(Priority::High).submit().unwrap();
    }
    pool.job(|| (Priority::Normal, 0)).submit().unwrap();
    pool.job(|| (Priority::Low, 0)).priority(Priority::Low).submit().unwrap();
    pool.resume();
    pool.shutdown();
    let values = values(&pool);
    let place = |class| values.iter().position(|value| *value == (class, 0)).unwrap();
    assert_eq!((place(Priority::Normal), place(Priority::Low)), (63, 127));
}

#[test]
fn of_64_starts_one_is_of_those_that_wait_behind_what_is_due() {
    let pool = pool(1);
    pool.pause();
    for n in 0..300 {
        pool.job(move || (None, n)).after(Duration::from_nanos(1)).submit().unwrap();
    }
    for class in CLASSES {
        pool.job(move || (Some(class), 0)).priority(class).submit().unwrap();
    }
    pool.resume();
    pool.wait();
    let values = values(&pool);
    let place = |class| values.iter().position(|(is, _)| *is == Some(class)).unwrap();
    assert_eq!((place(Priority::High), place(Priority::Normal)), (63, 127));
    assert_eq!(place(Priority::Low), 191);
}

#[test]
fn of_64_starts_one_is_of_those_that_wait_behind_a_job_of_a_gate_that_is_always_due() {
    let pool: Pool<usize> = pool(1);
    let kinds = [pool.group::<()>().pausable(), pool.group().limit(100), pool.group().keyed()];
    for group in kinds.map(|kind| kind.build().unwrap()) {
        pool.pause();
        let runs = Arc::new(AtomicUsize::new(0));
        let of_group = Arc::clone(&runs);
        let id = group.schedule(Duration::from_nanos(1), move || _ = of_group.fetch_add(1, Ordering::Relaxed)).unwrap();
        // What jobs have submitted, too, whose queue is a worker's own.
        let inside = pool.clone();
        let nested = move || _ = inside.submit(move || runs.load(Ordering::Relaxed)).unwrap();
        let group_of_nested = pool.group::<()>().build().unwrap();
        group_of_nested.submit(nested).unwrap();
        pool.resume();
        let runs = pool.done().pop().unwrap().value;
        assert!(runs <= 3 * 64, "{runs}");
        pool.cancel(id);
    }
}

/// A job that submits itself again, in the same class and from outside of the lanes or as a child, until it is told to end.
fn again(pool: &Pool, class: Priority, ends: &Arc<AtomicBool>) {
    let (inside, ends) = (pool.clone(), Arc::clone(ends));
    let job = move || {
        if !ends.load(Ordering::Relaxed) {
            again(&inside, class, &ends);
        }
    };
    pool.job(job).priority(class).submit().unwrap();
}

#[test]
fn the_low_class_is_not_starved_whatever_the_others_do() {
    for class in [Priority::Normal, Priority::High] {
        let (pool, ends): (Pool, _) = (pool(1), Arc::new(AtomicBool::new(false)));
        for _ in 0..100 {
            again(&pool, class, &ends);
        }
        let end = Arc::clone(&ends);
        pool.job(move || end.store(true, Ordering::Relaxed)).priority(Priority::Low).submit().unwrap();
        pool.wait_idle();
        assert!(ends.load(Ordering::Relaxed));
    }
}

#[test]
fn the_normal_class_is_not_starved_by_both_others() {
    let (pool, ends): (Pool, _) = (pool(1), Arc::new(AtomicBool::new(false)));
    for _ in 0..100 {
        again(&pool, Priority::High, &ends);
        again(&pool, Priority::Low, &ends);
    }
    let end = Arc::clone(&ends);
    pool.submit(move || end.store(true, Ordering::Relaxed)).unwrap();
    pool.wait_idle();
    assert!(ends.load(Ordering::Relaxed));
}

#[test]
fn what_falls_due_begins_by_its_class() {
    let pool = pool(1);
    let occupied = Occupied::new(&pool);
    pool.submit(|| "normal").unwrap();
    pool.job(|| "low, later").priority(Priority::Low).after(Duration::ZERO).submit().unwrap();
    pool.job(|| "high, later").after(Duration::ZERO).priority(Priority::High).submit().unwrap();
    drop(occupied);
    pool.shutdown();
    assert_eq!(values(&pool), ["high, later", "normal", "low, later"]);
}

#[test]
fn one_that_repeats_may_be_of_any_class() {
    for class in CLASSES {
        let pool = pool(1);
        let id = pool.periodic(|| 1).every(Duration::from_millis(1)).priority(class).submit().unwrap();
        for _ in 0..3 {
            assert_eq!(pool.done().pop().map(|done| (done.id, done.value)), Some((id, 1)));
        }
        assert_ne!(pool.cancel(id), Cancellation::TooLate);
        pool.shutdown();
        assert_eq!(pool.counts().sum(), pool.counts().accepted);
    }
}

#[test]
fn they_are_cancelled_listed_and_counted_as_others_are() {
    let pool: Pool = pool(1);
    pool.pause();
    let submit = |class| pool.job(|| ()).priority(class).submit().unwrap();
    let ids = CLASSES.map(submit);
    let later = pool.job(|| ()).priority(Priority::Low).after(HOUR).submit().unwrap();
    let listed = pool.jobs();
    assert!(ids.iter().all(|id| listed.iter().any(|job| job.id == *id && job.kind == JobKind::Queued)));
    assert_eq!((pool.counts().queued, pool.counts().timers), (3, 1));
    assert!(ids.into_iter().chain([later]).all(|id| pool.cancel(id) == Cancellation::Removed));
    let _ = CLASSES.map(submit);
    assert_eq!(pool.cancel_queued().len(), 3);
    pool.shutdown_now();
    let counts = pool.counts();
    assert_eq!((counts.cancelled, counts.done, counts.sum()), (7, 0, counts.accepted));
}

#[test]
fn in_a_group_they_count_and_wait_at_its_limit() {
    let pool: Pool = pool(1);
    let (free, one) = (pool.group::<u32>().build().unwrap(), pool.group::<u32>().limit(1).build().unwrap());
    pool.pause();
    for group in [&free, &one] {
        for (n, class) in (0..).zip(CLASSES) {
            group.job(move || n).priority(class).submit().unwrap();
        }
    }
    pool.resume();
    assert!(free.wait() && one.wait());
    assert!(free.done().drain().map(|done| done.value).eq([2, 1, 0]));
    assert!(one.done().drain().map(|done| done.value).eq([0, 1, 2]), "the group's order holds");
    pool.pause();
    free.job(|| 1).priority(Priority::High).submit().unwrap();
    assert_eq!(free.cancel(), 1);
    pool.resume();
    pool.wait_idle();
    assert_eq!((free.counts().cancelled, free.done().len()), (1, 0));
}

#[test]
fn a_full_queue_refuses_them_and_a_closed_pool() {
    let pool: Pool = Pool::builder().threads(1).queue_capacity(1).build().unwrap();
    pool.pause();
    pool.job(|| ()).priority(Priority::High).submit().unwrap();
    assert!(matches!(pool.job(|| ()).priority(Priority::High).submit(), Err(SubmitError::Full(_))));
    pool.shutdown();
    assert!(matches!(pool.job(|| ()).priority(Priority::Low).submit(), Err(SubmitError::Closed(_))));
}

#[test]
fn who_runs_one_job_takes_the_most_urgent() {
    let pool = pool(1);
    let _occupied = Occupied::new(&pool);
    for class in CLASSES {
        pool.job(move || class).priority(class).submit().unwrap();
    }
    while pool.run_one() {}
    assert_eq!(values(&pool), [Priority::High, Priority::Normal, Priority::Low]);
}

#[test]
fn all_run_once_whoever_submits() {
    const JOBS: usize = 3_000;
    let (pool, ran) = (pool::<()>(3), Arc::new(AtomicUsize::new(0)));
    std::thread::scope(|scope| {
        for class in CLASSES {
            let (pool, ran) = (&pool, &ran);
            scope.spawn(move || {
                for n in 0..JOBS {
                    let (inside, ran) = (pool.clone(), Arc::clone(ran));
                    let child = CLASSES[n % 3];
                    let job = move || {
                        let ran = Arc::clone(&ran);
                        inside.job(move || _ = ran.fetch_add(1, Ordering::Relaxed)).priority(child).submit().unwrap();
                    };
                    pool.job(job).priority(class).submit().unwrap();
                }
            });
        }
    });
    pool.shutdown();
    assert_eq!(ran.load(Ordering::Relaxed), 3 * JOBS);
    assert_eq!(pool.counts().done, 6 * JOBS as u64);
}
