//! What a pool tells of how it does.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use fastthreadpool::{Metrics, Observer, Pool};

use crate::support::{HOUR, Occupied, Shut, pool};

const SOON: Duration = Duration::from_millis(3);

fn measured<T: Send + 'static>(threads: usize) -> Pool<T> {
    Pool::builder().threads(threads).metrics(true).build().unwrap()
}

/// The longest that was measured is at least so long.
fn longest(histogram: &fastthreadpool::Histogram) -> Duration {
    histogram.quantile(1.0).unwrap_or_default()
}

#[test]
fn without_measuring_there_are_the_counts() {
    let pool: Pool<u32> = pool(1);
    pool.submit(|| 1).unwrap();
    pool.submit(|| "x".parse()).unwrap();
    pool.wait_idle();
    let metrics = pool.metrics();
    assert_eq!((metrics.counts.done, metrics.counts.failed), (1, 1));
    assert_eq!(metrics, {
        let mut none = Metrics::default();
        none.counts = metrics.counts;
        none
    });
    assert_eq!(metrics.to_string().lines().count(), 3);
    let other: Pool = Pool::builder().threads(1).metrics(true).metrics(false).build().unwrap();
    assert!(!other.metrics().is_measured);
}

#[test]
fn of_64_jobs_one_is_timed_for_all_and_of_256_one_has_its_wait_measured() {
    // One worker: where there are more, a run of the queue may be gone before its first job begins.
    let pool = measured::<()>(1);
    for _ in 0..640 {
        pool.submit(|| ()).unwrap();
    }
    pool.wait_idle();
    let metrics = pool.metrics();
    // About as many: one that took long by accident has others timed, or not.
    assert!(metrics.running.count() > 0, "{metrics}");
    assert_eq!((metrics.waiting.count(), metrics.late.count()), (3, 0));
    // At once, and to a group, too.
    let group = pool.group::<()>().build().unwrap();
    pool.submit_all((0..640).map(|_| || ())).unwrap();
    (0..1280).for_each(|_| _ = group.submit(|| ()).unwrap());
    pool.wait_idle();
    let metrics = pool.metrics();
    assert_eq!((metrics.waiting.count(), metrics.counts.done), (10, 2560));
}

#[test]
fn after_a_long_run_each_is_timed() {
    let pool = measured::<()>(1);
    for _ in 0..10 {
        pool.submit(|| {
            let until = Instant::now() + Duration::from_micros(50);
            while Instant::now() < until {
                thread::yield_now();
            }
        })
        .unwrap();
    }
    pool.wait_idle();
    let running = pool.metrics().running;
    assert_eq!(running.count(), 64 + 9);
    assert!(running.quantile(0.0).unwrap() >= Duration::from_micros(50));
}

#[test]
fn jobs_that_jobs_submit_are_measured_in_their_own_queue() {
    let pool = measured::<()>(1);
    let inner = pool.clone();
    pool.submit(move || (0..640).for_each(|_| _ = inner.submit(|| ()).unwrap())).unwrap();
    pool.wait_idle();
    let metrics = pool.metrics();
    assert_eq!(metrics.waiting.count(), 4);
}

#[test]
fn what_is_no_part_of_the_queue_is_timed_each() {
    let pool = measured::<()>(1);
    for _ in 0..10 {
        pool.submit_first(|| ()).unwrap();
        pool.submit_later(Duration::from_micros(10), || ()).unwrap();
    }
    pool.wait_idle();
    assert_eq!((pool.metrics().running.count(), pool.metrics().waiting.count()), (20, 0));
}

#[test]
fn what_waits_for_a_time_says_how_late_it_began_and_nothing_else_does() {
    let pool = measured::<()>(1);
    let occupied = Occupied::new(&pool);
    let group = pool.group::<()>().limit(1).build().unwrap();
    pool.submit_first(|| ()).unwrap();
    pool.job(|| ()).priority(fastthreadpool::Priority::Low).submit().unwrap();
    group.submit(|| ()).unwrap();
    let due = Instant::now() + Duration::from_micros(10);
    pool.job(|| ()).at(due).submit().unwrap();
    group.job(|| ()).at(due).submit().unwrap();
    while Instant::now() < due + SOON {
        thread::yield_now();
    }
    drop(occupied);
    pool.wait_idle();
    let metrics = pool.metrics();
    assert_eq!(metrics.late.count(), 2, "{metrics}");
    assert!(metrics.late.quantile(0.0).unwrap() >= SOON / 2, "{metrics}");
}

#[test]
fn who_waits_in_a_job_is_told_of() {
    let pool = measured::<()>(2);
    let (shut, gate) = Shut::new();
    let inner = pool.spawn(move || gate.pass()).unwrap();
    pool.submit(move || inner.join().unwrap()).unwrap();
    while pool.metrics().blocked == 0 {
        thread::yield_now();
    }
    let metrics = pool.metrics();
    assert!(
        metrics.to_string().lines().next().unwrap().ends_with(" 2 of them run a job, 1 of these wait in it"),
        "{metrics}"
    );
    shut.open();
    pool.wait_idle();
    assert_eq!(pool.metrics().blocked, 0);
}

#[test]
fn a_wait_is_as_long_as_it_is() {
    let pool = measured::<()>(1);
    let (begun, has_begun) = channel();
    let (shut, gate) = Shut::new();
    pool.submit(move || {
        begun.send(()).unwrap();
        gate.pass();
    })
    .unwrap();
    has_begun.recv().unwrap();
    (1..=256).for_each(|_| _ = pool.submit(|| ()).unwrap());
    let until = Instant::now() + SOON;
    while Instant::now() < until {
        thread::yield_now();
    }
    shut.open();
    pool.wait_idle();
    let metrics = pool.metrics();
    assert!(longest(&metrics.waiting) >= SOON && longest(&metrics.running) >= SOON, "{metrics}");
    assert_eq!(metrics.waiting.count(), 2);
}

#[test]
fn the_oldest_job_has_waited_since_somebody_has_seen_it() {
    let pool = measured::<()>(1);
    assert_eq!(pool.metrics().oldest, None);
    let occupied = Occupied::new(&pool);
    assert_eq!(pool.metrics().oldest, None);
    let first = pool.submit(|| ()).unwrap();
    assert!(pool.metrics().oldest.is_some());
    let seen = Instant::now();
    while seen.elapsed() < SOON {
        thread::yield_now();
    }
    pool.submit(|| ()).unwrap();
    assert!(pool.metrics().oldest.unwrap() >= SOON);
    pool.cancel(first);
    drop(occupied);
    pool.wait_idle();
    assert_eq!(pool.metrics().oldest, None);
}

#[test]
fn the_oldest_may_wait_in_the_queue_of_a_producer() {
    let pool = measured::<()>(1);
    let producer = pool.producer();
    // The time of the first of a queue is kept.
    producer.submit(|| ()).unwrap();
    pool.wait_idle();
    let occupied = Occupied::new(&pool);
    producer.submit(|| ()).unwrap();
    assert!(pool.metrics().oldest.is_some());
    drop(occupied);
    pool.wait_idle();
    assert_eq!(pool.metrics().oldest, None);
}

#[test]
fn where_jobs_are_many_the_queue_tells_how_long_they_have_waited() {
    let pool = measured::<()>(1);
    let occupied = Occupied::new(&pool);
    // The last of them is the first of a run of the queue.
    (1..=256).for_each(|_| _ = pool.submit(|| ()).unwrap());
    let submitted = Instant::now();
    while submitted.elapsed() < SOON {
        thread::yield_now();
    }
    assert!(pool.metrics().oldest.unwrap() >= SOON);
    drop(occupied);
}

#[test]
fn each_run_of_a_periodic_job_says_how_late_it_was() {
    let pool = measured::<()>(1);
    let (shut, gate) = Shut::new();
    let runs = pool.periodic_with(move |job| {
        if job.run() == 1 {
            gate.pass();
        }
        job.run()
    });
    let runs = runs.every(SOON).missed(fastthreadpool::MissedTickBehavior::Burst).spawn().unwrap();
    let begun = Instant::now();
    while begun.elapsed() < 3 * SOON {
        thread::yield_now();
    }
    shut.open();
    let mut runs = runs.iter();
    assert!(runs.by_ref().take(2).map(Result::unwrap).eq(1..=2));
    drop(runs);
    pool.cancel_timers();
    pool.wait_idle();
    let metrics = pool.metrics();
    assert!(metrics.late.count() >= 2 && longest(&metrics.late) >= SOON, "{metrics}");
}

#[test]
fn workers_say_how_long_they_slept() {
    let pool = measured::<()>(1);
    for _ in 0..3 {
        pool.submit(|| ()).unwrap();
        pool.wait_idle();
        let handle = pool.job(|| ()).after(SOON).spawn().unwrap();
        handle.join().unwrap();
    }
    let before = pool.metrics();
    pool.shutdown();
    let metrics = pool.metrics();
    let [worker] = &metrics.workers[..] else { panic!("{metrics:?}") };
    assert_eq!(worker.worker, 0);
    assert!(worker.asleep <= worker.present && worker.present <= metrics.age, "{metrics:?}");
    assert!(worker.present >= before.workers[0].present && metrics.wake_ups() >= before.wake_ups());
    assert!((0.0..=1.0).contains(&worker.awake()) && (metrics.awake() - worker.awake()).abs() < 1e-9);
    assert_eq!(metrics.to_string().lines().count(), 7);
}

#[test]
fn an_observer_takes_nothing_from_the_metrics() {
    struct Nothing;
    impl Observer for Nothing {}
    let pool: Pool = Pool::builder().threads(1).observer(Nothing).metrics(true).build().unwrap();
    (0..640).for_each(|_| _ = pool.submit(|| ()).unwrap());
    let later = pool.job(|| ()).after(HOUR).submit().unwrap();
    pool.wait_idle();
    assert!(pool.metrics().running.count() > 0);
    assert_eq!(pool.metrics().counts.timers, 1);
    pool.cancel(later);
}

#[test]
fn a_job_that_is_run_where_somebody_waits_is_measured() {
    let pool = measured::<()>(1);
    let inner = pool.clone();
    let handle = pool.spawn(move || (0..10).for_each(|_| inner.spawn(|| ()).unwrap().join().unwrap()));
    handle.unwrap().join().unwrap();
    pool.wait_idle();
    // The first stands for others, too.
    assert!(pool.metrics().running.count() >= 64);
}

#[test]
fn a_group_tells_how_its_own_jobs_do() {
    let pool = measured::<u32>(1);
    let group = pool.group::<u32>().limit(1).build().unwrap();
    let inside = group.group::<u32>().build().unwrap();
    (0..6400).for_each(|n| _ = group.submit(move || n).unwrap());
    pool.submit_all((0..640).map(|n| move || n)).unwrap();
    pool.wait_idle();
    let metrics = group.metrics();
    assert_eq!((metrics.counts.done, inside.metrics().counts.done), (6400, 0));
    // By their ids, so about one in 64, but for those whose note was lost to another; after one that took long by accident others stand for
    // themselves.
    assert!((20..=200).contains(&metrics.waiting.count()) && metrics.running.count() > 0, "{metrics}");
    assert_eq!(inside.metrics().waiting.count(), 0);
    // Jobs of the group inside are those of this one, too; handles and urgent ones are measured as others.
    for n in 0..2000 {
        drop(inside.spawn(move || n).unwrap());
        inside.submit_first(move || n).unwrap();
    }
    pool.wait_idle();
    let [inner, outer] = [&inside, &group].map(fastthreadpool::Group::metrics);
    assert!((20..=150).contains(&inner.waiting.count()) && inner.running.count() > 0, "{inner}");
    assert_eq!(outer.waiting.count(), metrics.waiting.count() + inner.waiting.count());
    assert_eq!(outer.running.count(), metrics.running.count() + inner.running.count());
    assert_eq!((outer.to_string().lines().count(), outer.is_measured), (4, true));
}

#[test]
fn waits_at_a_limit_and_long_runs_are_a_group_s_times() {
    let pool = measured::<()>(2);
    let group = pool.group::<()>().limit(1).build().unwrap();
    let (shut, gate) = Shut::new();
    let occupied = group.submit(move || gate.pass()).unwrap();
    (0..1000).for_each(|_| _ = group.submit(|| ()).unwrap());
    let began = Instant::now();
    while began.elapsed() < SOON {
        thread::yield_now();
    }
    assert!(group.metrics().waiting.count() <= 1, "all wait but the first");
    shut.open();
    group.wait();
    let metrics = group.metrics();
    assert!(longest(&metrics.waiting) >= SOON, "{metrics}");
    assert_eq!(pool.cancel(occupied), fastthreadpool::Cancellation::TooLate);
    // Runs of one that repeats are measured each.
    let before = metrics.running.count();
    group
        .periodic_with(|run| {
            if run.run() == 3 {
                run.stop();
            }
        })
        .every(Duration::from_micros(1))
        .submit()
        .unwrap();
    group.wait();
    while group.metrics().counts.done < 1004 {
        thread::yield_now();
    }
    assert!(group.metrics().running.count() >= before + 3);
}

#[test]
fn a_group_of_a_pool_that_is_not_measured_has_its_counts() {
    let pool: Pool<u32> = pool(1);
    let group = pool.group::<u32>().build().unwrap();
    group.submit(|| 1).unwrap();
    group.wait();
    let metrics = group.metrics();
    assert_eq!((metrics.counts.done, metrics.is_measured, metrics.running.count()), (1, false, 0));
    assert_eq!(metrics.to_string().lines().count(), 2);
}
