//! Submitting: order, ids, what a job may return, and refusals.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastthreadpool::{Cancellation, Group, JobError, JobId, Pool, SubmitError};

use crate::support::{Occupied, pool, tally, values};

#[test]
fn one_worker_keeps_the_order() {
    let pool = pool(1);
    for n in 0..1000 {
        pool.submit(move || n).unwrap();
    }
    pool.shutdown();
    assert_eq!(values(pool.done()), (0..1000).collect::<Vec<_>>());
}

#[test]
fn every_job_of_many_producers_runs_once() {
    let pool: Pool<usize> = pool(3);
    std::thread::scope(|scope| {
        for producer in 0..4 {
            let pool = &pool;
            scope.spawn(move || (0..5000).for_each(|n| _ = pool.submit(move || producer * 5000 + n).unwrap()));
        }
    });
    pool.shutdown();
    let tally = tally(values(pool.done()));
    assert_eq!(tally.len(), 20_000);
    assert!(tally.values().all(|times| *times == 1));
}

#[test]
fn ids_are_unique_ordered_and_on_every_result() {
    let pool: Pool<usize> = pool(2);
    let ids: Vec<JobId> = (0..500)
        .map(|n| {
            let job = move || n;
            match n % 3 {
                0 => pool.submit(job),
                1 => pool.submit_first(job),
                _ => pool.submit_later(std::time::Duration::ZERO, job),
            }
        })
        .map(Result::unwrap)
        .collect();
    assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] < pair[1]));
    let texts = tally(ids.iter().map(ToString::to_string));
    assert_eq!(texts.len(), ids.len(), "and they print differently");
    pool.shutdown();
    for done in pool.done().drain() {
        assert_eq!(ids[done.value], done.id);
    }
}

#[test]
fn a_job_may_return_a_value_or_a_result() {
    let pool: Pool<u8> = pool(1);
    pool.submit(|| 1).unwrap();
    pool.submit(|| "2".parse::<u8>()).unwrap();
    let bad = pool.submit(|| "x".parse::<u8>()).unwrap();
    pool.submit(|| Err::<u8, _>("text is an error too")).unwrap();
    pool.shutdown();
    assert_eq!(values(pool.done()), [1, 2]);
    let failed: Vec<_> = pool.failed().drain().collect();
    assert_eq!(failed[0].id, bad);
    assert!(matches!(&failed[0].error, JobError::Failed(error) if error.is::<std::num::ParseIntError>()));
    assert_eq!(failed[1].error.to_string(), "the job failed: text is an error too");
}

#[test]
fn in_a_pool_of_results_an_error_is_a_value() {
    let pool: Pool<Result<u8, String>> = pool(1);
    pool.submit(|| Ok::<u8, String>(1)).unwrap();
    pool.submit(|| Err::<u8, _>("no".to_owned())).unwrap();
    pool.shutdown();
    assert_eq!(values(pool.done()), [Ok(1), Err("no".to_owned())]);
    assert!(pool.failed().is_empty());
}

#[test]
fn first_is_last_in_first_out_and_before_the_queue() {
    let pool = pool(1);
    let occupied = Occupied::new(&pool);
    pool.submit(|| "a").unwrap();
    pool.submit(|| "b").unwrap();
    pool.submit_first(|| "c").unwrap();
    pool.submit_first(|| "d").unwrap();
    pool.submit(|| "e").unwrap();
    drop(occupied);
    pool.shutdown();
    assert_eq!(values(pool.done()), ["d", "c", "a", "b", "e"]);
}

#[test]
fn jobs_submit_jobs() {
    fn tree(pool: &Pool<u64>, depth: u32) -> u64 {
        if depth > 0 {
            for _ in 0..2 {
                let other = pool.clone();
                pool.submit(move || tree(&other, depth - 1)).unwrap();
            }
        }
        1
    }
    for threads in 1..=3 {
        let pool = pool(threads);
        let other = pool.clone();
        pool.submit(move || tree(&other, 10)).unwrap();
        pool.wait_idle();
        assert_eq!(values(pool.done()).iter().sum::<u64>(), 2047);
    }
}

#[test]
fn jobs_of_all_sizes_and_alignments_arrive_whole() {
    #[repr(align(64))]
    #[derive(Clone, Copy)]
    struct Aligned([u8; 64]);

    let pool: Pool<usize> = pool(2);
    let none = || 0;
    let (word, inline, large, aligned) = (7_usize, [1_usize; 5], [1_usize; 100], Aligned([1; 64]));
    pool.submit(none).unwrap();
    pool.submit(move || word).unwrap();
    pool.submit(move || inline.len()).unwrap();
    pool.submit(move || large.len()).unwrap();
    pool.submit(move || {
        assert_eq!((&raw const aligned).addr() % 64, 0);
        aligned.0.len()
    })
    .unwrap();
    pool.shutdown();
    assert_eq!(tally(values(pool.done())), tally([0, 7, 5, 100, 64]));
}

/// By each way that stores jobs: such as fit in a slot, beside it, and in neither; as many as take several pages.
#[test]
fn jobs_around_the_sizes_at_which_they_are_stored_elsewhere_arrive_whole() {
    #[repr(align(512))]
    #[derive(Clone, Copy)]
    struct Aligned([u8; 512]);

    fn submit<const SIZE: usize>(pool: &Pool<usize>, number: u8) {
        let held = Arc::new([number; SIZE]);
        let job = |bytes: [u8; SIZE], held: Arc<[u8; SIZE]>| move || usize::from(bytes == *held);
        let group = pool.with_results::<usize>();
        let _ = pool.submit(job(*held, held.clone())).unwrap();
        let _ = pool.submit_first(job(*held, held.clone())).unwrap();
        let _ = pool.submit_later(std::time::Duration::ZERO, job(*held, held.clone())).unwrap();
        let _ = pool.submit_all((0..3).map(|_| job(*held, held.clone()))).unwrap();
        let _ = group.submit(job(*held, held.clone())).unwrap();
        let spawned = pool.spawn(job(*held, held.clone())).unwrap();
        let scoped = pool.scope(|scope| scope.spawn_with_handle(job(*held, held.clone())).join().unwrap());
        assert_eq!(scoped + spawned.join().unwrap() + group.done().pop().unwrap().value, 3);
        pool.wait_idle();
        assert_eq!(values(pool.done()), [1; 6]);
        pool.pause();
        let removed = pool.submit(job(*held, held.clone())).unwrap();
        assert_eq!(pool.cancel(removed), Cancellation::Removed);
        pool.resume();
        drop(group);
        assert_eq!(Arc::strong_count(&held), 1, "{SIZE}: each is dropped once");
    }

    let pool: Pool<usize> = pool(2);
    for number in 0..40 {
        submit::<40>(&pool, number);
        submit::<200>(&pool, number);
        submit::<249>(&pool, number);
    }
    let aligned = Aligned([1; 512]);
    let look = move || {
        assert_eq!((&raw const aligned).addr() % 512, 0);
        aligned.0.iter().map(|byte| usize::from(*byte)).sum::<usize>()
    };
    assert_eq!(pool.spawn(look).unwrap().join().unwrap(), 512);
    pool.shutdown();
}

#[test]
fn a_closed_pool_gives_the_function_back() {
    let pool: Pool<u32> = pool(1);
    pool.shutdown();
    let token = Arc::new(());
    for submit in [Group::submit, Group::submit_first] {
        let captured = token.clone();
        let error = submit(&pool, move || Arc::strong_count(&captured) as u32).unwrap_err();
        assert!(matches!(error, SubmitError::Closed(_)));
        assert!(error.to_string().contains("shut down"));
        assert_eq!(error.into_inner()(), 2, "it is the same function, and can be called");
    }
    let captured = token.clone();
    let error = pool.submit_later(std::time::Duration::ZERO, move || Arc::strong_count(&captured) as u32);
    assert_eq!(error.unwrap_err().into_inner()(), 2);
    assert!(matches!(pool.spawn(|| 1).unwrap_err(), SubmitError::Closed(_)));
    assert!(matches!(pool.schedule(std::time::Duration::from_secs(1), || 1).unwrap_err(), SubmitError::Closed(_)));
    assert_eq!(Arc::strong_count(&token), 1, "nothing was kept");
    assert_eq!(pool.counts().cancelled, 0, "what was never accepted was not cancelled");
}

#[test]
fn what_comes_before_a_submit_is_seen_by_the_job_and_back() {
    let pool: Pool<usize> = pool(2);
    let number = Arc::new(AtomicUsize::new(0));
    for round in 0..2000 {
        number.store(round, Ordering::Relaxed);
        let shared = Arc::clone(&number);
        pool.submit(move || shared.swap(usize::MAX, Ordering::Relaxed)).unwrap();
        assert_eq!(pool.done().pop().unwrap().value, round);
        assert_eq!(number.load(Ordering::Relaxed), usize::MAX);
    }
}

#[test]
fn the_builder_says_all_at_once() {
    let pool: Pool<u8> = pool(1);
    let occupied = Occupied::new(&pool);
    pool.submit(|| 2).unwrap();
    pool.job(|| 1).first().submit().unwrap();
    pool.job(|| 3).name("three").discard().submit().unwrap();
    let id = pool.job(|| -> u8 { panic!("oh") }).name("four").discard().submit().unwrap();
    assert!(format!("{:?}", pool.job(|| 0).name("five")).contains("five"));
    drop(occupied);
    pool.shutdown();
    assert_eq!(values(pool.done()), [1, 2]);
    let failed = pool.failed().pop().unwrap();
    assert_eq!((failed.id, failed.name), (id, "four"));
    assert_eq!(failed.error.to_string(), "the job panicked: oh");
}

#[test]
fn a_job_without_a_name_goes_by_its_function() {
    fn divide() -> u8 {
        panic!("by zero")
    }
    let pool: Pool<u8> = pool(1);
    pool.submit(divide).unwrap();
    pool.shutdown();
    assert!(pool.failed().pop().unwrap().name.ends_with("divide"));
}
