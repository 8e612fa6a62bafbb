//! Groups: what is waited for, counted, cancelled and called back together.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use fastthreadpool::{
    BuildError, CancelReason, Cancellation, Counts, Group, GroupOnDrop, JobError, ManualClock, NotKeyed, NotPausable,
    Pool, Semaphore, SubmitError, WhenFull,
};

use crate::support::{Drops, Gone, HOUR, Occupied, Shut, Waiting, pool, sorted, values};

/// What a group counts: accepted, done, failed, cancelled; nothing of it is left.
fn assert_ended(counts: Counts, expected: [u64; 4]) {
    assert_eq!([counts.accepted, counts.done, counts.failed, counts.cancelled], expected);
    assert_eq!((counts.accepted, counts.pending, counts.timers), (counts.sum(), 0, 0));
}

#[test]
fn a_wait_covers_what_was_accepted_before_it_and_what_descends_from_that() {
    let pool: Pool = pool(2);
    let group = pool.group::<u32>().build().unwrap();
    assert!(group.wait());
    for _ in 0..300 {
        let first = group.clone();
        let job = move || {
            let second = first.clone();
            let job = move || {
                second.submit(|| 3).unwrap();
                2
            };
            first.submit(job).unwrap();
            1
        };
        group.submit(job).unwrap();
        group.submit_later(Duration::from_micros(20), || 4).unwrap();
        assert!(group.wait());
        assert_eq!(sorted(group.done()), [1, 2, 3, 4]);
    }
    assert_ended(group.counts(), [1200, 1200, 0, 0]);
}

#[test]
fn what_comes_later_does_not_prolong_a_wait() {
    let pool: Pool = pool(2);
    let group = pool.group::<u32>().build().unwrap();
    let ((before, first), (after, second)) = (Shut::new(), Shut::new());
    group.submit(move || (first.pass(), 1).1).unwrap();
    let waits = group.clone();
    let waiting = Waiting::new(move || waits.wait());
    group.submit(move || (second.pass(), 2).1).unwrap();
    before.open();
    assert!(waiting.end());
    assert_eq!((values(group.done()), group.counts().pending), (vec![1], 1));
    assert!(!group.wait_timeout(Duration::ZERO));
    after.open();
    assert!(group.wait());
    assert_eq!(values(group.done()), [2]);
}

#[test]
fn schedules_are_not_waited_for() {
    let pool: Pool = pool(1);
    let group = pool.group::<u32>().build().unwrap();
    let id = group.schedule(HOUR, || 1).unwrap();
    group.submit(|| 2).unwrap();
    assert!(group.wait());
    assert_eq!((group.counts().timers, group.cancel_id(id)), (1, Cancellation::Removed));
    assert_ended(group.counts(), [2, 1, 0, 1]);
    let often = group.schedule(Duration::from_micros(50), || 3).unwrap();
    assert!(group.done().iter().take(20).count() == 20 && group.wait());
    assert_ne!(group.cancel_id(often), Cancellation::TooLate);
    // Nor is the run that was just going on.
    assert!(group.wait() && pool.wait_idle());
    let counts = group.counts();
    assert_eq!((counts.accepted, counts.pending, counts.timers), (counts.sum(), 0, 0));
}

#[test]
fn a_job_does_not_wait_for_itself_nor_for_those_that_wait_for_it() {
    let pool: Pool = pool(1);
    let group = pool.group::<bool>().build().unwrap();
    for _ in 0..3 {
        let inner = group.clone();
        group.submit(move || inner.wait()).unwrap();
    }
    assert!(group.wait());
    assert_eq!(values(group.done()), [true; 3]);
}

#[test]
fn it_counts_what_is_where() {
    let pool: Pool<u32> = pool(1);
    let group = pool.group::<u32>().pausable().build().unwrap();
    let other = pool.group::<u32>().build().unwrap();
    let occupied = Occupied::new(&pool);
    group.submit(|| 1).unwrap();
    group.submit_later(HOUR, || 2).unwrap();
    group.schedule(HOUR, || 3).unwrap();
    group.pause().unwrap();
    group.submit(|| 4).unwrap();
    other.submit(|| 5).unwrap();
    let counts = group.counts();
    assert_eq!((counts.accepted, counts.timers, counts.gated, counts.pending), (4, 2, 1, 2));
    assert_eq!((counts.queued, counts.running, counts.accepted), (1, 0, counts.sum()));
    let all = pool.counts();
    assert_eq!((all.accepted, all.timers, all.gated, all.pending, all.running), (6, 2, 1, 4, 1));
    drop(occupied);
    other.wait();
    assert_eq!((group.counts().done, group.counts().gated), (1, 1));
    group.resume();
    assert!(pool.wait_idle());
    assert_eq!(values(group.done()), [1, 4]);
    assert_eq!(group.cancel(), 2);
    assert_ended(group.counts(), [4, 2, 0, 2]);
    assert_ended(pool.counts(), [6, 4, 0, 2]);
}

#[test]
fn a_cancel_takes_all_that_is_there_and_says_how_many_that_are() {
    let pool: Pool = pool(2);
    let cancelled = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&cancelled);
    let group =
        pool.group::<bool>().on_cancelled(move |id, reason| list.lock().unwrap().push((id, reason))).build().unwrap();
    let (begins, has_begun) = mpsc::channel();
    let (shut, gate) = Shut::new();
    group
        .submit_with(move |job| {
            begins.send(()).unwrap();
            while !job.is_cancelled() {
                std::thread::yield_now();
            }
            gate.pass();
            true
        })
        .unwrap();
    has_begun.recv().unwrap();
    let (occupied, drops) = (Occupied::new(&pool), Drops::default());
    let mut ids = BTreeSet::new();
    for _ in 0..10 {
        let (queued, delayed, periodic) = (drops.one(), drops.one(), drops.one());
        ids.insert(group.submit(move || (queued, false).1).unwrap());
        ids.insert(group.submit_later(HOUR, move || (delayed, false).1).unwrap());
        ids.insert(group.schedule(HOUR, move || (&periodic, false).1).unwrap());
    }
    let other = pool.spawn(|| 7).unwrap();
    assert_eq!(group.cancel(), 31);
    // Those that wait for something else than a worker are gone already.
    assert_eq!(drops.count(), 20);
    assert_eq!(group.cancel(), 0, "what was cancelled is no more to be cancelled");
    drop(occupied);
    shut.open();
    assert!(group.wait());
    assert_eq!((drops.count(), other.join().unwrap()), (30, 7));
    let seen = std::mem::take(&mut *cancelled.lock().unwrap());
    assert!(seen.iter().all(|(_, reason)| *reason == CancelReason::Cancelled));
    assert_eq!((seen.len(), seen.into_iter().map(|(id, _)| id).collect::<BTreeSet<_>>()), (30, ids));
    assert_eq!(values(group.done()), [true]);
    group.submit(|| true).unwrap();
    assert!(group.wait());
    assert_ended(group.counts(), [32, 2, 0, 30]);
}

#[test]
fn one_job_is_cancelled_at_once_wherever_it_is() {
    let pool: Pool = pool(1);
    let group = pool.group::<u32>().limit(1).build().unwrap();
    let (drops, occupied) = (Drops::default(), Occupied::new(&pool));
    let tokens: Vec<_> = (0..4).map(|_| drops.one()).collect();
    let mut ids: Vec<_> = tokens.into_iter().map(|token| group.submit(move || (token, 1).1).unwrap()).collect();
    let token = drops.one();
    ids.push(group.submit_later(HOUR, move || (token, 1).1).unwrap());
    for (gone, id) in ids.iter().enumerate().rev().take(4) {
        assert_eq!(group.cancel_id(*id), Cancellation::Removed);
        assert_eq!(drops.count(), 5 - gone);
        assert_eq!(pool.cancel(*id), Cancellation::TooLate);
    }
    drop(occupied);
    assert!(group.wait());
    assert_ended(group.counts(), [5, 1, 0, 4]);
}

#[test]
fn a_failure_ends_a_group_that_fails_fast_until_somebody_waits() {
    let pool: Pool = pool(1);
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&reasons);
    let group = pool
        .group::<u32>()
        .fail_fast()
        .on_cancelled(move |_, reason| list.lock().unwrap().push(reason))
        .build()
        .unwrap();
    for round in 1..=3 {
        let occupied = Occupied::new(&pool);
        group.submit(|| Err::<u32, _>("the end")).unwrap();
        let queued = group.spawn(|| 1).unwrap();
        (0..10).for_each(|_| _ = group.submit(|| 1).unwrap());
        group.submit_later(HOUR, || 2).unwrap();
        drop(occupied);
        assert!(pool.wait_idle());
        let error = group.submit(|| 5).unwrap_err();
        assert!(matches!(error, SubmitError::Closed(_)));
        assert_eq!(error.into_inner()(), 5);
        assert!(matches!(queued.join(), Err(JobError::Cancelled)));
        assert!(group.wait());
        assert_eq!(group.failed().pop().unwrap().error.to_string(), "the job failed: the end");
        assert_eq!(std::mem::take(&mut *reasons.lock().unwrap()), [CancelReason::FailFast; 12]);
        assert_ended(group.counts(), [13 * round, 0, round, 12 * round]);
    }
    group.submit(|| 7).unwrap();
    assert!(group.wait());
    assert_eq!(values(group.done()), [7]);
}

#[test]
fn a_wait_that_fails_opens_no_group_that_has_failed() {
    let pool: Pool = pool(2);
    let group = pool.group::<u32>().fail_fast().build().unwrap();
    for round in 1..=3 {
        let ((shut, gate), (begins, has_begun)) = (Shut::new(), mpsc::channel());
        let runs = move || {
            begins.send(()).unwrap();
            gate.pass();
            1
        };
        group.submit(runs).unwrap();
        has_begun.recv().unwrap();
        let failed = group.spawn(|| -> u32 { panic!("on purpose") }).unwrap();
        assert!(failed.join().is_err());
        for _ in 0..2 {
            assert!(matches!(group.submit(|| 2), Err(SubmitError::Closed(_))));
            assert!(!group.wait_timeout(Duration::ZERO));
        }
        let waits = group.clone();
        let waiting = Waiting::new(move || waits.wait());
        assert!(matches!(group.submit(|| 2), Err(SubmitError::Closed(_))));
        shut.open();
        assert!(waiting.end());
        assert!(group.spawn(|| 3).unwrap().join().is_ok());
        assert!(group.wait());
        assert_eq!(values(group.done()), [1]);
        assert_ended(group.counts(), [3 * round, 2 * round, round, 0]);
    }
}

#[test]
fn a_failure_tells_what_runs_to_stop() {
    let pool: Pool = pool(2);
    let group = pool.group::<u32>().fail_fast().build().unwrap();
    let begun = Arc::new(Semaphore::new(0));
    let has_begun = Arc::clone(&begun);
    group
        .submit_with(move |job| {
            has_begun.release(1).unwrap();
            while !job.is_cancelled() {
                std::thread::yield_now();
            }
            7
        })
        .unwrap();
    begun.acquire().unwrap().forget();
    group.submit(|| -> u32 { panic!("the end") }).unwrap();
    assert!(group.wait());
    assert_eq!((values(group.done()), group.failed().len()), (vec![7], 1));
    assert_ended(group.counts(), [2, 1, 1, 0]);
}

#[test]
fn what_has_not_begun_by_the_deadline_is_removed() {
    let clock = ManualClock::new();
    let pool = Pool::<()>::builder().threads(1).clock(&clock).build().unwrap();
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&reasons);
    let occupied = Occupied::new(&pool);
    let group = pool
        .group::<u32>()
        .deadline(HOUR)
        .on_cancelled(move |_, reason| list.lock().unwrap().push(reason))
        .build()
        .unwrap();
    let handle = group.spawn(|| 1).unwrap();
    group.submit(|| 2).unwrap();
    group.submit_later(2 * HOUR, || 3).unwrap();
    // Nobody is there to see that it has passed.
    clock.jump(HOUR);
    drop(occupied);
    assert!(matches!(handle.join(), Err(JobError::Expired)));
    assert!(group.wait());
    assert_eq!(*reasons.lock().unwrap(), [CancelReason::Expired; 3]);
    assert!(matches!(group.submit(|| 4), Err(SubmitError::Closed(_))));
    assert_ended(group.counts(), [3, 0, 0, 3]);
}

#[test]
fn nothing_is_accepted_after_a_deadline_that_no_worker_has_come_to() {
    let clock = ManualClock::new();
    for is_paused in [false, true] {
        let pool = Pool::<()>::builder().threads(1).clock(&clock).build().unwrap();
        let occupied = if is_paused { None } else { Some(Occupied::new(&pool)) };
        if is_paused {
            pool.pause();
        }
        let late = || pool.group::<u32>().deadline(HOUR);
        let narrow = |when_full| late().queue_capacity(1).when_full(when_full).build().unwrap();
        let plain = late().build().unwrap();
        let (waits, displaces, runs) =
            (narrow(WhenFull::Wait), narrow(WhenFull::DropOldest), narrow(WhenFull::RunHere));
        let (limited, keyed) = (late().limit(1).build().unwrap(), late().keyed().build().unwrap());
        let groups = [&plain, &waits, &displaces, &runs, &limited, &keyed];
        for group in &groups {
            group.submit(|| 1).unwrap();
        }
        clock.jump(HOUR);
        for group in groups {
            assert!(matches!(group.submit(|| 2), Err(SubmitError::Closed(_))));
            assert!(matches!(group.submit_first(|| 2), Err(SubmitError::Closed(_))));
            assert!(matches!(group.submit_later(HOUR, || 2), Err(SubmitError::Closed(_))));
            assert!(matches!(group.submit_wait(|| 2), Err(SubmitError::Closed(_))));
            assert!(matches!(group.spawn(|| 2), Err(SubmitError::Closed(_))));
            assert_eq!(group.counts().accepted, 1);
        }
        assert!(matches!(keyed.keyed(&1).unwrap().submit(|| 2), Err(SubmitError::Closed(_))));
        drop(occupied);
        pool.resume();
        for group in &groups {
            assert!(group.wait());
        }
        for group in &groups {
            assert_ended(group.counts(), [1, 0, 0, 1]);
        }
    }
}

#[test]
fn a_deadline_that_is_far_off_holds_up_nobody() {
    let pool: Pool = pool(1);
    let group = pool.group::<u32>().deadline(HOUR).build().unwrap();
    group.submit(|| 1).unwrap();
    assert!(group.wait() && pool.wait_idle());
    assert_eq!((group.done().len(), pool.counts().pending, pool.counts().timers), (1, 0, 0));
    pool.shutdown();
    drop(group);
    let (builder, gone) = Gone::watch(Pool::<()>::builder().threads(1));
    let pool = builder.build().unwrap();
    let group = pool.group::<u32>().deadline(HOUR).build().unwrap();
    group.submit(|| 1).unwrap();
    drop((group, pool));
    gone.wait();
}

#[test]
fn limited_groups_are_as_deep_inside_each_other_as_is_said() {
    let pool: Pool = pool(2);
    let mut around: Group = pool.group().build().unwrap();
    for _ in 0..300 {
        around = around.group().build().unwrap();
    }
    around.submit(|| ()).unwrap();
    let mut groups = vec![around.group::<()>().limit(3).build().unwrap()];
    let refused = loop {
        match groups.last().unwrap().group().limit(3).keyed().build() {
            Ok(inside) => groups.push(inside),
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, BuildError::TooDeep) && refused.to_string().contains("254"));
    assert_eq!(groups.len(), 254);
    let [outermost, .., innermost] = groups.as_slice() else { unreachable!("there are as many") };
    assert!(matches!(innermost.group::<u32>().build(), Err(BuildError::TooDeep)));
    for key in 0..10 {
        innermost.submit(|| ()).unwrap();
        innermost.submit_later(Duration::ZERO, || ()).unwrap();
        // Each has a gate more.
        innermost.keyed(&key).unwrap().submit(|| ()).unwrap();
        drop(innermost.spawn_future(std::future::ready(())).unwrap());
    }
    assert!(innermost.wait());
    assert_ended(innermost.counts(), [40, 40, 0, 0]);
    // All places have come back.
    for group in [innermost, outermost] {
        (0..10).for_each(|_| _ = group.submit(|| ()).unwrap());
        assert!(group.wait());
    }
    assert_ended(outermost.counts(), [60, 60, 0, 0]);
}

#[test]
fn callbacks_are_called_with_everything_and_never_by_two() {
    let pool: Pool = pool(3);
    let inside = Arc::new(AtomicBool::new(false));
    let (sums, failures, removed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Drops::default());
    let enter = |inside: &Arc<AtomicBool>| {
        let inside = Arc::clone(inside);
        move || {
            assert!(!inside.swap(true, Ordering::SeqCst), "two at a time");
            std::thread::yield_now();
            inside.store(false, Ordering::SeqCst);
        }
    };
    let (first, second, third) = (enter(&inside), enter(&inside), enter(&inside));
    let (sum, count, drops) = (Arc::clone(&sums), Arc::clone(&failures), removed.clone());
    let group = pool
        .group::<usize>()
        .on_done(move |done| {
            first();
            sum.fetch_add(done.value, Ordering::SeqCst);
        })
        .on_failed(move |_| {
            second();
            count.fetch_add(1, Ordering::SeqCst);
        })
        .on_cancelled(move |_, _| {
            third();
            drop(drops.one());
        })
        .build()
        .unwrap();
    for n in 0..300 {
        group.submit(move || if n % 3 == 0 { Err("a third") } else { Ok(1) }).unwrap();
        let id = group.submit_later(HOUR, || 1).unwrap();
        assert_eq!(group.cancel_id(id), Cancellation::Removed);
    }
    assert!(group.wait());
    let seen = (sums.load(Ordering::SeqCst), failures.load(Ordering::SeqCst), removed.count());
    assert_eq!((seen, group.counts().reports), ((200, 100, 300), 0));
    assert!(group.done().is_empty() && group.failed().is_empty());
}

#[test]
fn a_callback_may_use_its_group_and_its_panic_is_reported() {
    let pool: Pool = pool(1);
    let handle: Arc<std::sync::OnceLock<Group<u32>>> = Arc::default();
    // Weak: a group whose own callback holds a handle would never be dropped.
    let inner = Arc::downgrade(&handle);
    let group = pool
        .group::<u32>()
        .on_done(move |done| {
            let group = inner.upgrade().unwrap();
            let group = group.get().unwrap();
            if done.value > 0 {
                group.submit(move || done.value - 1).unwrap();
            }
            // For all but itself.
            assert!(group.wait());
            assert!(done.value != 2, "two");
        })
        .build()
        .unwrap();
    assert!(handle.set(group.clone()).is_ok());
    group.submit(|| 4).unwrap();
    while group.counts().done < 5 {
        assert!(group.wait());
    }
    assert!(group.wait());
    assert_eq!((group.failed().len(), group.counts().reports), (1, 1));
    assert!(group.failed().pop().unwrap().error.to_string().contains("two"));
    assert_ended(group.counts(), [5, 5, 0, 0]);
}

#[test]
fn a_group_inside_another_belongs_to_both() {
    let pool: Pool = pool(2);
    let outer = pool.group::<u32>().build().unwrap();
    let inner = outer.group::<String>().build().unwrap();
    let (shut, gate) = Shut::new();
    inner.submit(move || (gate.pass(), "deep".to_owned()).1).unwrap();
    assert!(!outer.wait_timeout(Duration::ZERO));
    assert_eq!((outer.counts().pending, inner.counts().pending, outer.counts().accepted), (1, 1, 1));
    shut.open();
    assert!(outer.wait());
    assert_eq!((values(inner.done()), outer.done().len()), (vec!["deep".to_owned()], 0));

    let occupied = [Occupied::new(&pool), Occupied::new(&pool)];
    for _ in 0..5 {
        inner.submit(|| "queued".to_owned()).unwrap();
        inner.submit_later(HOUR, || "late".to_owned()).unwrap();
        outer.submit(|| 1).unwrap();
    }
    assert_eq!(inner.cancel(), 10);
    drop(occupied);
    assert!(outer.wait());
    assert!(sorted(outer.done()).into_iter().eq([1; 5]));
    let occupied = [Occupied::new(&pool), Occupied::new(&pool)];
    (0..5).for_each(|_| _ = outer.submit(|| 1).unwrap());
    (0..3).for_each(|_| _ = inner.submit(String::new).unwrap());
    assert_eq!(outer.cancel(), 8);
    outer.submit(|| 9).unwrap();
    inner.submit(|| "after".to_owned()).unwrap();
    drop(occupied);
    assert!(outer.wait());
    assert_eq!((values(outer.done()), values(inner.done())), (vec![9], vec!["after".to_owned()]));
    assert_ended(inner.counts(), [15, 2, 0, 13]);
    assert_ended(outer.counts(), [26, 8, 0, 18]);
}

#[test]
fn a_failure_inside_ends_what_is_around_if_that_fails_fast() {
    let pool: Pool = pool(1);
    let outer = pool.group::<u32>().fail_fast().build().unwrap();
    let (inner, beside) = (outer.group::<u32>().build().unwrap(), outer.group::<u32>().limit(1).build().unwrap());
    let occupied = Occupied::new(&pool);
    inner.submit(|| Err::<u32, _>("no")).unwrap();
    (0..4).for_each(|_| _ = beside.submit(|| 1).unwrap());
    outer.submit(|| 1).unwrap();
    drop(occupied);
    assert!(outer.wait());
    assert_ended(outer.counts(), [6, 0, 1, 5]);
    assert_ended(beside.counts(), [4, 0, 0, 4]);
    beside.submit(|| 7).unwrap();
    assert!(outer.wait());
    assert_eq!(values(beside.done()), [7]);
}

#[test]
fn a_dropped_group_waits_for_nothing_and_loses_nothing() {
    let (builder, gone) = Gone::watch(Pool::<()>::builder().threads(1));
    let pool = builder.build().unwrap();
    let (drops, ran) = (Drops::default(), Arc::new(AtomicUsize::new(0)));
    let occupied = Occupied::new(&pool);
    let results = pool.group::<crate::support::Dropped>().done_capacity(2).limit(1).pausable().build().unwrap();
    results.pause().unwrap();
    for _ in 0..10 {
        let (token, ran) = (drops.one(), Arc::clone(&ran));
        results.submit(move || (ran.fetch_add(1, Ordering::SeqCst), token).1).unwrap();
    }
    // Nobody is left who could resume it, or read a result.
    drop(results);
    assert_eq!(drops.count(), 0);
    drop((occupied, pool));
    gone.wait();
    assert_eq!((ran.load(Ordering::SeqCst), drops.count()), (10, 10));
}

#[test]
fn a_dropped_group_cancels_if_it_was_told_so() {
    let pool: Pool = pool(1);
    let (occupied, drops) = (Occupied::new(&pool), Drops::default());
    let group = pool.group::<u32>().on_drop(GroupOnDrop::Cancel).build().unwrap();
    let second = group.clone();
    for _ in 0..5 {
        let (queued, delayed) = (drops.one(), drops.one());
        group.submit(move || (queued, 1).1).unwrap();
        group.submit_later(HOUR, move || (delayed, 1).1).unwrap();
    }
    drop(group);
    assert_eq!(drops.count(), 0, "there is another handle");
    drop(second);
    assert_eq!(drops.count(), 5);
    drop(occupied);
    pool.shutdown();
    assert_eq!(drops.count(), 10);
    assert_ended(pool.counts(), [11, 1, 0, 10]);
}

#[test]
fn what_is_refused_comes_back_and_says_why() {
    let pool: Pool = pool(1);
    let group = pool.group::<u32>().queue_capacity(2).build().unwrap();
    let occupied = Occupied::new(&pool);
    group.submit(|| 1).unwrap();
    group.submit_later(HOUR, || 2).unwrap();
    let refused = group.submit(|| 3).unwrap_err();
    assert!(matches!(refused, SubmitError::Full(_)));
    assert_eq!(refused.into_inner()(), 3);
    assert!(matches!(group.spawn(|| 3), Err(SubmitError::Full(_))));
    assert!(matches!(group.schedule(HOUR, || 3), Err(SubmitError::Full(_))));
    assert_eq!(group.schedule(Duration::ZERO, || 4).unwrap_err().into_inner()(), 4);
    assert_eq!(group.keyed(&1).unwrap_err(), NotKeyed);
    assert_eq!(group.pause().unwrap_err(), NotPausable);
    assert!(!group.is_paused());
    assert_eq!(group.cancel(), 2);
    // There is room again, though one has not been dropped yet.
    drop(occupied);
    assert!(group.wait());
    group.submit(|| 5).unwrap();
    assert!(group.wait());
    assert_ended(group.counts(), [3, 1, 0, 2]);

    assert!(matches!(pool.group::<u32>().limit(0).build(), Err(BuildError::NoLimit)));
    assert!(matches!(pool.group::<u32>().queue_capacity(0).build(), Err(BuildError::NoCapacity)));
    assert!(matches!(pool.group::<u32>().done_capacity(0).build(), Err(BuildError::NoCapacity)));
    assert!(matches!(pool.group::<u32>().failed_capacity(0).build(), Err(BuildError::NoCapacity)));

    pool.shutdown();
    let free = pool.group::<u32>().build().unwrap();
    let limited = pool.group::<u32>().limit(1).keyed().build().unwrap();
    for refused in [free.submit(|| 6).unwrap_err().into_inner()(), limited.submit(|| 6).unwrap_err().into_inner()()] {
        assert_eq!(refused, 6);
    }
    assert!(matches!(group.submit_later(HOUR, || 7), Err(SubmitError::Closed(_))));
    assert!(matches!(limited.keyed(&1).unwrap().submit(|| 7), Err(SubmitError::Closed(_))));
    assert!(free.wait() && limited.wait() && group.wait());
    for counts in [free.counts(), limited.counts()] {
        assert_eq!((counts.accepted, counts.pending), (counts.handed_back, 0));
    }
}
