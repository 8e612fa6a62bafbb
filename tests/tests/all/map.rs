//! A function over many items.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use fastthreadpool::{JobError, Pool, SubmitError};

use crate::support::{Meeting, Occupied, pool, tally, values};

fn ok<U>(results: Vec<Result<U, JobError>>) -> Vec<U> {
    results.into_iter().map(Result::unwrap).collect()
}

#[test]
fn collected_values_are_in_the_order_of_the_items() {
    for threads in 1..=3 {
        let pool: Pool = pool(threads);
        for len in [0, 1, 2, 100, 10_000] {
            let items: Vec<u64> = (0..len).collect();
            let expected: Vec<u64> = items.iter().map(|n| n * 3).collect();
            assert_eq!(pool.par_map(&items, |n| n * 3), expected);
            assert_eq!(ok(pool.map(items.clone(), |n| n * 3).collect()), expected);
            assert_eq!(ok(pool.map(items, |n| n * 3).iter().collect()), expected);
        }
    }
}

#[test]
fn items_functions_and_values_may_borrow() {
    let pool: Pool = pool(2);
    let texts: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let suffix = String::from("!");
    let lengths = pool.par_map(&texts, |text| text.len() + suffix.len());
    assert_eq!(lengths.iter().sum::<usize>(), 1000 + 10 + 2 * 90 + 3 * 900);
    let borrowed: Vec<&str> = pool.par_map(&texts, |text| &text[..1]);
    assert_eq!(borrowed[777], "7");
    let again: Vec<&String> = ok(pool.map(&texts, |text| text).collect());
    assert!(std::ptr::eq(again[5], &raw const texts[5]));
}

#[test]
fn no_item_holds_up_the_others() {
    for number in [2, 4, 16] {
        let pool: Pool = pool(number);
        // Each waits for all the others, so they end only if each has a thread of its own.
        let meeting = Meeting::default();
        pool.par_map(&vec![(); number], |()| meeting.wait_for(number));
    }
}

#[test]
fn several_threads_work_when_it_is_worth_it() {
    let pool: Pool = pool(3);
    // Again when it is known what they cost.
    for _ in 0..3 {
        let threads = Mutex::new(BTreeSet::new());
        let both = AtomicUsize::new(0);
        // Each of the last waits until another thread has come, so it ends only if one does.
        let results = pool.par_map(&(0..200).collect::<Vec<u32>>(), |n| {
            if *n < 40 {
                // Long enough that helpers are called.
                (0..20_000).for_each(|n| _ = std::hint::black_box(n));
            } else {
                let number = {
                    let mut threads = threads.lock().unwrap();
                    threads.insert(format!("{:?}", thread::current().id()));
                    threads.len()
                };
                both.fetch_max(number, Ordering::SeqCst);
                while both.load(Ordering::SeqCst) < 2 {
                    thread::yield_now();
                }
            }
        });
        assert_eq!(results.len(), 200);
        assert!(both.load(Ordering::SeqCst) >= 2);
    }
}

#[test]
fn long_items_hidden_among_quick_ones_hold_up_nobody() {
    for apart in [1, 2, 60] {
        let pool: Pool = pool(16);
        let meeting = Meeting::default();
        let items: Vec<usize> = (0..1016).collect();
        let long = |n: usize| (0..16).any(|long| long * apart == n);
        let values = pool.par_map(&items, |n| {
            if long(*n) {
                meeting.wait_for(16);
            } else {
                // As quick as something for which it pays to take one at a time.
                (0..40_000).for_each(|n| _ = std::hint::black_box(n));
            }
            *n
        });
        assert_eq!(values, items);
    }
}

#[test]
fn a_panic_of_par_map_is_passed_on_and_every_value_is_dropped() {
    struct Counted<'a>(&'a AtomicUsize);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let pool: Pool = pool(3);
    let alive = AtomicUsize::new(0);
    // At the start, where the caller is alone; and where others help.
    for bad in [0, 700, 999] {
        let items: Vec<u32> = (0..1000).collect();
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pool.par_map(&items, |n| {
                assert!(*n != bad, "the bad one");
                (0..500).for_each(|n| _ = std::hint::black_box(n));
                alive.fetch_add(1, Ordering::SeqCst);
                Counted(&alive)
            })
        }));
        assert_eq!(caught.err().and_then(|panic| panic.downcast_ref::<&str>().copied()), Some("the bad one"));
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }
    assert_eq!(pool.par_map(&[1, 2], |n| n * 2), [2, 4]);
}

#[test]
fn a_panic_fails_its_item_alone() {
    let pool: Pool = pool(2);
    let results = pool.map(0..1000_u32, |n| {
        assert!(n % 100 != 7, "seven");
        n
    });
    let results = results.collect();
    for (n, result) in results.into_iter().enumerate() {
        match result {
            Ok(value) => assert_eq!(value as usize, n),
            Err(JobError::Panicked(panic)) => assert_eq!((n % 100, panic.message()), (7, "seven")),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(pool.map(0..10, |n| assert!(n != 3)).iter().filter(Result::is_err).count(), 1);
}

#[test]
fn owned_items_are_given_away_once() {
    let pool: Pool = pool(2);
    let token = Arc::new(());
    let items: Vec<_> = (0..500).map(|_| Arc::clone(&token)).collect();
    let back = ok(pool.map(items, |item| item).collect());
    assert_eq!((back.len(), Arc::strong_count(&token)), (500, 501));
    drop(back);
    assert_eq!(Arc::strong_count(&token), 1);
}

#[test]
fn a_stream_takes_only_a_little_ahead() {
    let pool: Pool = pool(2);
    let taken = AtomicUsize::new(0);
    let counted = (0_usize..).inspect(|_| _ = taken.fetch_add(1, Ordering::SeqCst));
    let mut stream = pool.map(counted, |n| n + 1).iter();
    for n in 0..10_000 {
        assert_eq!(stream.next().unwrap().unwrap(), n + 1);
    }
    assert!(taken.load(Ordering::SeqCst) <= 10_000 + 2 * 64);
    assert_eq!(pool.map(0..5, |n| n).iter().size_hint(), (5, Some(5)));
}

#[test]
fn to_the_queue_to_a_callback_or_nowhere() {
    let pool: Pool<u32> = pool(2);
    let ids = pool.map(0..100, |n| n).to_done().unwrap();
    pool.wait_idle();
    let by_id: Vec<_> = pool.done().drain().collect();
    assert!(by_id.iter().all(|done| ids[done.value as usize] == done.id));

    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    let ids = pool
        .map(0..100, |n| n * 2)
        .on_each(move |id, value| sender.lock().unwrap().send((id, value)).unwrap())
        .unwrap();
    pool.wait_idle();
    let calls: Vec<_> = receiver.try_iter().collect();
    assert_eq!(calls.len(), 100);
    assert!(calls.iter().all(|(id, value)| ids[*value as usize / 2] == *id));

    pool.map(0..100, |n| if n == 5 { Err("five") } else { Ok(n) }).discard().unwrap();
    pool.wait_idle();
    assert_eq!((values(pool.done()).len(), pool.failed().len()), (0, 1));
}

#[test]
fn maps_work_inside_jobs_and_each_other() {
    let pool: Pool = pool(1);
    let inner = pool.clone();
    let sum = pool.spawn(move || {
        let outer = inner.par_map(&[10_u64, 20, 30], |n| {
            ok(inner.map(0..*n, |m| m).collect()).into_iter().sum::<u64>()
                + inner.map(0..*n, |m| m).iter().map(Result::unwrap).sum::<u64>()
        });
        outer.into_iter().sum::<u64>()
    });
    assert_eq!(sum.unwrap().join().unwrap(), 2 * (45 + 190 + 435));
}

#[test]
fn a_closed_pool_still_maps_in_the_caller_but_takes_no_jobs() {
    let pool: Pool<u32> = pool(2);
    pool.shutdown();
    assert_eq!(pool.par_map(&[1, 2, 3], |n| n + 1), [2, 3, 4]);
    assert_eq!(ok(pool.map(0..1000, |n| n).collect()).len(), 1000);
    let error = pool.map(0..3, |n| n).to_done().unwrap_err();
    assert!(matches!(error.reason, SubmitError::Closed(())) && error.submitted.is_empty());
    assert!(error.to_string().ends_with(&error.reason.to_string()));
    assert_eq!(ok(pool.map(0..1000, |n| n).iter().collect()).len(), 1000);
}

#[test]
fn who_reads_a_map_goes_on_alone_when_the_pool_is_closed_and_not_far_ahead() {
    let pool: Pool = pool(2);
    let called = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&called);
    let squares = pool.map(1_u64.., move |n| {
        counts.fetch_add(1, Ordering::Relaxed);
        n * n
    });
    let mut squares = squares.iter().map(Result::unwrap);
    assert_eq!(squares.next(), Some(1));
    pool.shutdown();
    assert_eq!(squares.find(|square| *square > 250_000), Some(251_001));
    // A window that it had taken, and one.
    assert!(called.load(Ordering::Relaxed) <= 501 + 2 * 64 + 1);
    // What it had taken, and was removed, is said to be.
    let pool: Pool = crate::support::pool(1);
    let occupied = Occupied::new(&pool);
    let mut stream = pool.map(0..1000_u32, |n| n).iter();
    let reader = thread::scope(|threads| {
        let reads = threads.spawn(|| (stream.next(), stream.collect::<Vec<_>>()));
        // Each of its first window.
        while pool.counts().queued < 64 {
            std::hint::spin_loop();
        }
        let stops = threads.spawn(|| pool.shutdown_now().len());
        while !pool.is_closed() {
            std::hint::spin_loop();
        }
        drop(occupied);
        assert_eq!(stops.join().unwrap(), 64);
        reads.join().unwrap()
    });
    assert!(matches!(reader.0, Some(Err(JobError::Cancelled))));
    let cancelled = reader.1.iter().filter(|result| matches!(result, Err(JobError::Cancelled))).count();
    assert_eq!((cancelled, reader.1.len()), (63, 999));
}

#[test]
fn a_map_that_meets_a_full_queue_says_how_far_it_got() {
    let pool: Pool<u32> = Pool::builder().threads(1).queue_capacity(3).build().unwrap();
    let occupied = Occupied::new(&pool);
    let error = pool.map(0..10, |n| n).to_done().unwrap_err();
    assert!(matches!(error.reason, SubmitError::Full(())));
    assert_eq!(error.submitted.len(), 3);
    // Where values are collected, the reader does what the pool does not take.
    drop(occupied);
    pool.wait_idle();
    let occupied = Occupied::new(&pool);
    let mut stream = pool.map(0..10, |n| n).iter();
    assert!(stream.size_hint().0 <= 10);
    drop(occupied);
    assert_eq!(stream.by_ref().map(Result::unwrap).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    assert_eq!(tally(values(pool.done())), tally(0..3));
}
