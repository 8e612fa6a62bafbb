//! Groups whose jobs wait for each other: limits, keys, pauses, bounds of results.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use fastthreadpool::{JobKind, Pool};

use crate::support::{Drops, HOUR, Occupied, Shut, pool, sorted, values};

/// How many are inside at the same time, and how many were at most.
#[derive(Clone, Default)]
struct Inside(Arc<(AtomicUsize, AtomicUsize)>);

impl Inside {
    fn visit(&self) {
        let inside = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(inside, Ordering::SeqCst);
        std::thread::yield_now();
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

#[test]
fn a_limit_of_one_is_one_at_a_time_in_order() {
    let pool: Pool = pool(4);
    let group = pool.group::<u32>().limit(1).build().unwrap();
    let inside = Inside::default();
    for n in 0..2000 {
        let inside = inside.clone();
        group.submit(move || (inside.visit(), n).1).unwrap();
    }
    assert!(group.wait());
    assert!(values(group.done()).into_iter().eq(0..2000));
    assert_eq!(inside.most(), 1);
}

#[test]
fn a_limit_is_reached_and_never_exceeded() {
    let pool: Pool = pool(4);
    let group = pool.group::<u32>().limit(2).build().unwrap();
    let (inside, pair) = (Inside::default(), Arc::new(Barrier::new(2)));
    for n in 0..200 {
        let (inside, pair) = (inside.clone(), Arc::clone(&pair));
        let job = move || {
            // Two have to be there.
            pair.wait();
            inside.visit();
            n
        };
        match n % 3 {
            0 => group.submit(job).unwrap(),
            1 => group.submit_first(job).unwrap(),
            _ => group.submit_later(Duration::from_micros(10), job).unwrap(),
        };
    }
    assert!(group.wait());
    assert_eq!((group.done().len(), inside.most() <= 2), (200, true));
}

#[test]
fn those_that_wait_at_a_limit_take_no_worker() {
    let pool: Pool<u32> = pool(2);
    let group = pool.group::<u32>().limit(1).build().unwrap();
    let (shut, gate) = Shut::new();
    group.submit(move || (gate.pass(), 0).1).unwrap();
    let late: Vec<_> = (1..=3).map(|n| group.submit(move || n).unwrap()).collect();
    let first = group.submit_first(|| 4).unwrap();
    assert_eq!(pool.spawn(|| 7).unwrap().join().unwrap(), 7);
    let mut gated: Vec<_> =
        pool.jobs().into_iter().filter(|job| job.kind == JobKind::Gated).map(|job| job.id).collect();
    gated.sort();
    let mut expected: Vec<_> = late.into_iter().chain([first]).collect();
    expected.sort();
    assert_eq!((gated, group.counts().gated, pool.counts().gated), (expected, 4, 4));
    shut.open();
    assert!(group.wait());
    assert_eq!(values(group.done()), [0, 4, 1, 2, 3]);
}

#[test]
fn a_job_of_a_limited_group_may_submit_to_it() {
    let pool: Pool = pool(2);
    let group = pool.group::<u32>().limit(1).build().unwrap();
    let inner = group.clone();
    let job = move || {
        (1..=5).for_each(|n| _ = inner.submit(move || n).unwrap());
        0
    };
    group.submit(job).unwrap();
    assert!(group.wait());
    assert!(values(group.done()).into_iter().eq(0..=5));
}

#[test]
fn a_failure_or_a_cancel_makes_room_for_the_next() {
    let pool: Pool = pool(2);
    let group = pool.group::<u32>().limit(1).build().unwrap();
    for _ in 0..100 {
        group.submit(|| Err::<u32, _>("no")).unwrap();
        group.submit(|| -> u32 { panic!("no") }).unwrap();
        let cancelled = group.submit(|| 1).unwrap();
        group.cancel_id(cancelled);
        group.spawn(|| 2).unwrap().join().unwrap();
    }
    assert!(group.wait());
    assert_eq!((group.failed().len(), group.counts().pending), (200, 0));
}

#[test]
fn jobs_of_one_key_run_in_order() {
    let pool: Pool = pool(3);
    let group = pool.group::<(u32, u32)>().keyed().build().unwrap();
    let inside: Vec<_> = (0..3).map(|_| Inside::default()).collect();
    for n in 0..300 {
        for key in 0..3 {
            let inside = inside[key as usize].clone();
            group.keyed(&key).unwrap().submit(move || (inside.visit(), (key, n)).1).unwrap();
        }
    }
    assert!(group.wait());
    let all = values(group.done());
    for key in 0..3 {
        assert!(all.iter().filter(|value| value.0 == key).map(|value| value.1).eq(0..300));
        assert_eq!(inside[key as usize].most(), 1);
    }
}

#[test]
fn jobs_of_different_keys_run_side_by_side_within_the_limit() {
    let pool: Pool = pool(4);
    let group = pool.group::<u32>().keyed().limit(2).build().unwrap();
    let (pair, inside) = (Arc::new(Barrier::new(2)), Inside::default());
    for key in 0..100 {
        let (pair, inside) = (Arc::clone(&pair), inside.clone());
        let job = move || {
            pair.wait();
            inside.visit();
            key
        };
        group.keyed(&key).unwrap().submit(job).unwrap();
    }
    assert!(group.wait());
    assert!(sorted(group.done()).into_iter().eq(0..100) && inside.most() <= 2);
    // Keys that nobody has a job of any more are forgotten, and come again.
    for key in 0..1000_u32 {
        group.keyed(&key.to_string()).unwrap().spawn(move || key).unwrap().join().unwrap();
    }
    assert!(group.wait());
    assert_eq!((group.counts().done, group.counts().pending), (1100, 0));
}

#[test]
fn a_key_that_panics_changes_nothing() {
    struct Bad(bool);
    impl Hash for Bad {
        fn hash<H: Hasher>(&self, state: &mut H) {
            assert!(!self.0, "a key");
            state.write_u8(1);
        }
    }
    let pool: Pool = pool(1);
    let group = pool.group::<u32>().keyed().build().unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| group.keyed(&Bad(true)).is_ok())).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a key"));
    assert_eq!(group.counts().accepted, 0);
    group.keyed(&Bad(false)).unwrap().submit(|| 1).unwrap();
    assert!(group.wait());
    assert_eq!(values(group.done()), [1]);
}

#[test]
fn a_cancel_of_a_keyed_group_takes_all_keys() {
    let pool: Pool = pool(1);
    let group = pool.group::<u32>().keyed().build().unwrap();
    let (drops, occupied) = (Drops::default(), Occupied::new(&pool));
    for n in 0..30 {
        let token = drops.one();
        group.keyed(&(n % 3)).unwrap().submit(move || (token, 1).1).unwrap();
    }
    assert_eq!(group.cancel(), 30);
    // One of each key was let through, and waits for the worker.
    assert!(drops.count() >= 27);
    drop(occupied);
    assert!(group.wait());
    assert_eq!((drops.count(), group.counts().cancelled, group.done().len()), (30, 30, 0));
}

#[test]
fn a_paused_group_accepts_and_does_not_begin() {
    let pool: Pool<u32> = pool(2);
    let group = pool.group::<u32>().pausable().build().unwrap();
    let inner = group.group::<u32>().build().unwrap();
    for _ in 0..3 {
        group.pause().unwrap();
        group.pause().unwrap();
        assert!(group.is_paused() && !inner.is_paused());
        (0..3).for_each(|n| _ = group.submit(move || n).unwrap());
        inner.submit(|| 9).unwrap();
        assert_eq!(pool.spawn(|| 7).unwrap().join().unwrap(), 7);
        assert_eq!((group.counts().gated, group.counts().running, inner.counts().gated), (4, 0, 1));
        assert!(!group.wait_timeout(Duration::ZERO) && !pool.wait_idle_timeout(Duration::ZERO));
        group.resume();
        group.resume();
        assert!(!group.is_paused() && group.wait());
        assert_eq!((sorted(group.done()), values(inner.done())), (vec![0, 1, 2], vec![9]));
    }
}

#[test]
fn a_cancel_takes_what_waits_for_the_end_of_a_pause_at_once() {
    let pool: Pool = pool(1);
    let group = pool.group::<u32>().pausable().build().unwrap();
    let inner = group.group::<u32>().limit(1).build().unwrap();
    group.pause().unwrap();
    let drops = Drops::default();
    for _ in 0..4 {
        let (first, second, third) = (drops.one(), drops.one(), drops.one());
        group.submit(move || (first, 1).1).unwrap();
        inner.submit(move || (second, 1).1).unwrap();
        inner.submit_later(HOUR, move || (third, 1).1).unwrap();
    }
    assert_eq!((group.cancel(), drops.count()), (12, 12));
    assert!(group.wait());
    group.submit(|| 1).unwrap();
    assert_eq!(group.counts().gated, 1);
    group.resume();
    assert!(group.wait());
    assert_eq!((values(group.done()), inner.counts().cancelled), (vec![1], 8));
}

#[test]
fn a_paused_pool_begins_nothing() {
    let pool: Pool<u32> = pool(2);
    pool.wait_idle();
    pool.pause();
    assert!(pool.is_paused());
    let group = pool.group::<u32>().build().unwrap();
    (0..3).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.submit_first(|| 3).unwrap();
    pool.submit_later(Duration::ZERO, || 4).unwrap();
    group.submit(|| 5).unwrap();
    assert!(!pool.wait_idle_timeout(Duration::from_millis(2)));
    assert_eq!((pool.counts().done, pool.counts().running, pool.counts().accepted), (0, 0, 6));
    pool.resume();
    assert!(!pool.is_paused() && pool.wait_idle());
    assert_eq!((sorted(pool.done()), values(group.done())), (vec![0, 1, 2, 3, 4], vec![5]));
}

#[test]
fn a_limit_around_holds_for_all_inside() {
    let pool: Pool = pool(4);
    let outer = pool.group::<u32>().limit(1).build().unwrap();
    let (left, right) = (outer.group::<u32>().limit(3).build().unwrap(), outer.group::<u32>().build().unwrap());
    let inside = Inside::default();
    for n in 0..200 {
        for group in [&outer, &left, &right] {
            let inside = inside.clone();
            group.submit(move || (inside.visit(), n).1).unwrap();
        }
    }
    assert!(outer.wait());
    assert_eq!(inside.most(), 1);
    for group in [&outer, &left, &right] {
        assert!(values(group.done()).into_iter().eq(0..200));
    }
    assert_eq!((outer.counts().done, left.counts().done), (600, 200));
}

#[test]
fn a_full_done_queue_holds_back_the_jobs_of_its_group_only() {
    let pool: Pool<u32> = pool(2);
    let group = pool.group::<u32>().done_capacity(2).build().unwrap();
    (0..10).for_each(|n| _ = group.submit(move || n).unwrap());
    // What leaves nothing does not wait behind what does.
    group.spawn(|| ()).unwrap().join().unwrap();
    pool.spawn(|| ()).unwrap().join().unwrap();
    let mut all = Vec::new();
    while all.len() < 10 {
        assert!(group.done().len() <= 2);
        all.push(group.done().pop().unwrap().value);
    }
    all.sort_unstable();
    assert!(all.into_iter().eq(0..10) && group.wait());
    assert_eq!(group.counts().done, 11);
}

#[test]
fn unread_failures_go_with_their_permits_the_oldest_first() {
    let pool: Pool<u32> = Pool::builder().threads(1).failed_capacity(2).build().unwrap();
    let group = pool.group::<u32>().failed_capacity(3).build().unwrap();
    let ids: Vec<_> = (0..10).map(|_| group.submit(|| Err::<u32, _>("no")).unwrap()).collect();
    (0..5).for_each(|_| _ = pool.submit(|| Err::<u32, _>("no")).unwrap());
    assert!(group.wait() && pool.wait_idle());
    let failed = group.failed();
    assert_eq!((failed.len(), failed.lost(), group.failed_cnt().value()), (3, 7, 3));
    assert!(failed.drain().map(|failed| failed.id).eq(ids[7..].iter().copied()));
    assert_eq!((pool.failed().len(), pool.failed().lost(), pool.failed_cnt().value()), (2, 3, 2));
    assert_eq!((group.counts().failed, pool.counts().failed), (10, 15), "they are counted all the same");
    assert_eq!((group.done().lost(), failed.try_pop().is_none()), (0, true));
}
