//! Parallel loops: what they go over, what becomes of the items, and what stops them.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use fastthreadpool::{IntoPar, Pool};

use crate::support::{Drops, Meeting, Occupied, pool};

/// So long that it pays to have others help.
fn toil() {
    (0..4000).for_each(|n| _ = std::hint::black_box(n));
}

/// What a loop is to give, with what it gives: as often as a loop becomes known, alone and with others.
fn each_time(check: impl Fn(&Pool, usize)) {
    for threads in 1..=3 {
        let pool: Pool = pool(threads);
        for len in [0, 1, 2, 100, 10_000] {
            (0..3).for_each(|_| check(&pool, len));
        }
    }
}

fn texts(len: usize) -> Vec<String> {
    (0..len).map(|n| n.to_string()).collect()
}

#[test]
fn every_end_gives_what_a_sequential_loop_gives() {
    each_time(|pool, len| {
        let items = texts(len);
        assert_eq!(pool.par(&items).map(String::len), items.iter().map(String::len).collect::<Vec<_>>());
        let joined = pool.par(&items).fold(String::new, |text, item| text + item, |a, b| a + &b);
        assert_eq!(joined, items.concat());
        let reduced = pool.par(items.clone()).reduce(|a, b| a + &b);
        assert_eq!(reduced, items.iter().cloned().reduce(|a, b| a + &b));
        let seen = Mutex::new(BTreeSet::new());
        pool.par(&items).for_each(|item| assert!(seen.lock().unwrap().insert(item)));
        assert_eq!(seen.into_inner().unwrap().len(), len);
        let is_one = |item: &String| item == "1";
        assert_eq!(pool.par(&items).any(is_one), len > 1);
        assert_eq!(pool.par(&items).all(|item| !is_one(item)), len < 2);
        assert_eq!(pool.par(&items).find_any(|item| is_one(item)), items.get(1));
        let checked = pool.par(&items).try_for_each(|item| if is_one(item) { Err(item) } else { Ok(()) });
        assert_eq!(checked, items.get(1).map_or(Ok(()), Err));
    });
}

#[test]
fn every_source_hands_out_each_item_once_and_in_order() {
    /// By two ways of gathering, with more to do than one would do alone, and with what is known to be over at once.
    fn check<I: IntoPar<Item: PartialEq + std::fmt::Debug>>(pool: &Pool, items: impl Fn() -> I, expected: &[I::Item]) {
        for _ in 0..3 {
            let folded = pool.par(items()).fold(
                Vec::new,
                |mut all, item| {
                    toil();
                    all.push(item);
                    all
                },
                |mut all, more| {
                    all.extend(more);
                    all
                },
            );
            assert_eq!(folded, expected);
            assert_eq!(pool.par_map(items(), |item| item), expected);
        }
    }
    let pool: Pool = pool(3);
    let numbers: Vec<u32> = (0..100).collect();
    let lent: Vec<&u32> = numbers.iter().collect();
    let array = std::array::from_fn::<u32, 100, _>(|n| numbers[n]);
    let (boxed, shared): (Box<[u32]>, Arc<[u32]>) = (array.into(), array.into());
    check(&pool, || &numbers, &lent);
    check(&pool, || &numbers[..], &lent);
    check(&pool, || &array, &lent);
    check(&pool, || &boxed, &lent);
    check(&pool, || &shared, &lent);
    check(&pool, || numbers.clone(), &numbers);
    check(&pool, || 0..100_u32, &numbers);
    check(&pool, || 0..=99_u32, &numbers);
    check(&pool, || pool.par(0..100_u32), &numbers);
    check(&pool, || array, &numbers);
    check(&pool, || numbers.clone().into_boxed_slice(), &numbers);
    // In two pieces.
    let mut turned: VecDeque<u32> = (30..100).collect();
    (0..30).rev().for_each(|number| turned.push_front(number));
    assert!(!turned.as_slices().1.is_empty());
    check(&pool, || turned.clone(), &numbers);
    let numbered: Vec<(usize, u32)> = (0..100).zip(0..).collect();
    check(&pool, || pool.par(0..100_u32).enumerate(), &numbered);
    let zipped: Vec<(&u32, (usize, u32))> = lent.iter().copied().zip(numbered).collect();
    check(&pool, || pool.par(&numbers).zip(pool.par(numbers.clone()).enumerate()), &zipped);
    for size in [1, 3, 7, 100, 101, usize::MAX] {
        let chunks: Vec<&[u32]> = numbers.chunks(size).collect();
        check(&pool, || pool.par_chunks(&numbers, size), &chunks);
        let pairs: Vec<(&[u32], u8)> = chunks.into_iter().zip(0..5_u8).collect();
        check(&pool, || pool.par_chunks(&numbers, size).zip(0..5_u8), &pairs);
    }
}

#[test]
fn ranges_reach_to_both_ends_of_their_integers() {
    let pool: Pool = pool(2);
    assert_eq!(pool.par(i8::MIN..=i8::MAX).map(i16::from), (-128..=127).collect::<Vec<i16>>());
    assert_eq!(pool.par(i64::MAX - 3..i64::MAX).map(|n| n), [i64::MAX - 3, i64::MAX - 2, i64::MAX - 1]);
    assert_eq!(pool.par(u128::MAX - 1..=u128::MAX).reduce(|a, _| a), Some(u128::MAX - 1));
    assert_eq!(pool.par(-5..5).fold(|| 0, |sum, n: i32| sum + n, |a, b| a + b), -5);
    // The wrong way round, or over.
    #[expect(clippy::reversed_empty_ranges, reason = "that is the case")]
    let reversed = (3..2, 3..=2);
    assert_eq!((pool.par(reversed.0).map(|n: u8| n), pool.par(reversed.1).map(|n: u8| n)), (vec![], vec![]));
    let mut over = 1..=1_u8;
    over.next();
    assert!(!pool.par(over).any(|_| true));
    let more = catch_unwind(AssertUnwindSafe(|| pool.par(0..u128::MAX).any(|_| true)));
    assert!(more.is_err(), "nobody can count these");
}

#[test]
fn what_is_borrowed_mutably_is_changed_in_place() {
    each_time(|pool, len| {
        let (mut numbers, texts) = (vec![0; len], texts(len));
        pool.par(&mut numbers).zip(&texts).for_each(|(number, text)| *number = text.parse::<usize>().unwrap());
        pool.par(&mut numbers[..]).enumerate().for_each(|(place, number)| assert_eq!(place, *number));
        pool.par_chunks_mut(&mut numbers, 3).enumerate().for_each(|(chunk, numbers)| {
            assert_eq!(numbers[0], chunk * 3);
            numbers.reverse();
        });
        let mut expected: Vec<usize> = (0..len).collect();
        expected.chunks_mut(3).for_each(<[usize]>::reverse);
        assert_eq!(numbers, expected);
    });
    let pool: Pool = pool(2);
    let (mut array, mut boxed) = ([1, 2, 3], vec![1, 2, 3].into_boxed_slice());
    pool.par(&mut array).zip(&mut boxed).for_each(|(a, b)| std::mem::swap(a, b));
    pool.par(&mut boxed).for_each(|n| *n += 1);
    assert_eq!((array, &*boxed), ([1, 2, 3], &[2, 3, 4][..]));
}

#[test]
fn no_item_of_a_loop_holds_up_the_others() {
    for number in [2, 4, 16] {
        let pool: Pool = pool(number);
        // Each waits for all the others, so they end only if each has a thread of its own.
        let meeting = Meeting::default();
        pool.par(0..number).for_each(|_| meeting.wait_for(number));
        let meeting = Meeting::default();
        assert!(pool.par(vec![(); number]).all(|()| {
            meeting.wait_for(number);
            true
        }));
        // So here are as many accumulators as items, whose values come in whatever order.
        let (meeting, merges) = (Meeting::default(), AtomicUsize::new(0));
        let folded = pool.par(0..number).fold(
            Vec::new,
            |mut all, n| {
                meeting.wait_for(number);
                all.push(n);
                all
            },
            |a, b| {
                merges.fetch_add(1, Ordering::SeqCst);
                [a, b].concat()
            },
        );
        assert_eq!((folded, merges.into_inner()), ((0..number).collect(), number - 1));
    }
}

#[test]
fn of_several_errors_that_of_the_first_item_is_returned() {
    for number in [2, 3, 8] {
        for _ in 0..20 {
            let (pool, meeting): (Pool, _) = (pool(number), Meeting::default());
            let failed = pool.par(0..number).try_for_each(|n| {
                meeting.wait_for(number);
                Err::<(), _>(n)
            });
            assert_eq!(failed, Err(0));
        }
    }
}

/// A loop over very many items that stops when it has come to some of them, with so many threads that it would never end else.
fn stops(stop: impl Fn(&Pool, &AtomicUsize)) {
    for threads in [1, 3] {
        let (pool, begun): (Pool, _) = (pool(threads), AtomicUsize::new(0));
        stop(&pool, &begun);
        // Again when it is known what it costs.
        stop(&pool, &begun);
        assert!((begun.into_inner() as u64) < 1 << 32);
    }
}

#[test]
fn what_is_found_stops_all_participants() {
    stops(|pool, begun| {
        let found = pool.par(0..usize::MAX).find_any(|n| {
            begun.fetch_add(1, Ordering::Relaxed);
            n % 1000 == 999
        });
        assert_eq!(found.unwrap() % 1000, 999);
    });
    stops(|pool, begun| {
        assert!(pool.par(0..usize::MAX).any(|_| begun.fetch_add(1, Ordering::Relaxed) > 10_000));
        assert!(!pool.par(isize::MIN..isize::MAX).all(|_| begun.fetch_add(1, Ordering::Relaxed) < 100_000));
    });
}

#[test]
fn an_error_stops_all_participants() {
    stops(|pool, begun| {
        let failed = pool.par(0..usize::MAX).try_for_each(|n| {
            begun.fetch_add(1, Ordering::Relaxed);
            if n % 5000 == 4999 { Err(n) } else { Ok(()) }
        });
        assert_eq!(failed.unwrap_err() % 5000, 4999);
    });
}

#[test]
fn a_panic_stops_all_participants() {
    stops(|pool, begun| {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pool.par(0..usize::MAX).for_each(|_| assert!(begun.fetch_add(1, Ordering::Relaxed) != 3000, "the bad one"));
        }));
        // For the next time.
        begun.store(0, Ordering::Relaxed);
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"the bad one"));
    });
}

#[test]
fn nobody_begins_an_item_after_what_stops_a_loop() {
    // Whether or not there are others who could come later: their places are free when the caller has stopped.
    for threads in [1, 2] {
        let pool: Pool = pool(threads);
        let occupied: Vec<_> = (0..threads).map(|_| Occupied::new(&pool)).collect();
        let begun = AtomicUsize::new(0);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            pool.par(vec![0; 100]).for_each(|_| assert!(begun.fetch_add(1, Ordering::Relaxed) != 5));
        }));
        assert!(caught.is_err());
        assert_eq!(begun.swap(0, Ordering::Relaxed), 6);
        let checked = pool.par(0..100).try_for_each(|n| {
            begun.fetch_add(1, Ordering::Relaxed);
            if n == 5 { Err(n) } else { Ok(()) }
        });
        assert_eq!((checked, begun.into_inner()), (Err(5), 6));
        drop(occupied);
    }
}

#[test]
fn items_by_value_are_dropped_once_whatever_becomes_of_a_loop() {
    let pool: Pool = pool(3);
    let check = |len: usize, run: &dyn Fn(Vec<crate::support::Dropped>)| {
        for _ in 0..3 {
            let drops = Drops::default();
            let items = (0..len).map(|_| drops.one()).collect();
            let _ = catch_unwind(AssertUnwindSafe(|| run(items)));
            assert_eq!(drops.count(), len);
        }
    };
    for len in [0, 1, 2, 100, 3000] {
        // Before, in and after the middle, from where most is stolen; and never.
        for bad in [0, len / 3, len / 2, len - len.min(1), usize::MAX] {
            let count = AtomicUsize::new(0);
            let is_bad = || count.fetch_add(1, Ordering::Relaxed) == bad;
            check(len, &|items| pool.par(items).for_each(|item| drop((item, assert!(!is_bad())))));
            count.store(0, Ordering::Relaxed);
            check(len, &|items| drop(pool.par(items).map(|item| (item, assert!(!is_bad())))));
            count.store(0, Ordering::Relaxed);
            check(len, &|items| drop(pool.par(items).reduce(|a, _| (a, assert!(!is_bad())).0)));
            count.store(0, Ordering::Relaxed);
            check(len, &|items| drop(pool.par(items).find_any(|_| is_bad())));
            count.store(0, Ordering::Relaxed);
            check(len, &|items| drop(pool.par(items).try_for_each(|item| if is_bad() { Err(item) } else { Ok(()) })));
        }
        check(len, &|items| drop(pool.par(items)));
        let is_bad = |number: usize| assert_ne!(number, len / 3);
        check(len, &|items| pool.par(items.into_boxed_slice()).enumerate().for_each(|(number, _)| is_bad(number)));
        check(len, &|items| pool.par(VecDeque::from(items)).enumerate().for_each(|(number, _)| is_bad(number)));
        // The other half has no partner.
        let half = len / 2;
        check(len, &|items| pool.par(items).zip(0..half).for_each(drop));
        check(len, &|items| pool.par(0..half).zip(items).enumerate().for_each(drop));
        check(len, &|items| assert_eq!(pool.par(&vec![(); half]).zip(items).map(|((), item)| item).len(), half));
    }
}

#[test]
fn items_without_a_size_are_items() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let pool: Pool = pool(3);
    for _ in 0..3 {
        ALIVE.store(5000, Ordering::SeqCst);
        let mut items: Vec<Nothing> = (0..5000).map(|_| Nothing).collect();
        pool.par(&mut items).for_each(|_| ());
        assert_eq!(pool.par_chunks(&items, 7).map(<[Nothing]>::len).into_iter().sum::<usize>(), 5000);
        let items = pool.par(items).map(|item| item);
        assert_eq!((items.len(), ALIVE.load(Ordering::SeqCst)), (5000, 5000));
        assert!(pool.par(items).enumerate().any(|(n, _)| n == 2500));
        assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
    }
    assert!(pool.par(vec![(); usize::MAX]).any(|()| true));
}

#[test]
#[should_panic(expected = "chunks have items")]
fn chunks_of_nothing_are_refused() {
    pool::<()>(1).par_chunks(&[1, 2], 0).for_each(|_| ());
}

#[test]
#[should_panic(expected = "chunks have items")]
fn mutable_chunks_of_nothing_are_refused() {
    pool::<()>(1).par_chunks_mut(&mut [1, 2], 0).for_each(|_| ());
}

#[test]
fn progress_ends_with_all_or_is_cut_short() {
    for threads in 1..=3 {
        let pool: Pool = pool(threads);
        for len in [0, 1, 2, 100, 1000] {
            for is_long in [true, false, false] {
                let told = Mutex::new(Vec::new());
                let hook = |done, of| told.lock().unwrap().push((done, of, thread::current().id()));
                let values = pool.par(0..len).enumerate().on_progress(hook).map(|(_, n)| {
                    if is_long {
                        toil();
                    }
                    n
                });
                assert_eq!(values, (0..len).collect::<Vec<_>>());
                let told = told.into_inner().unwrap();
                // Not all at a time, and each number once.
                assert!(told.len() > 1 || len < 2 || !is_long);
                assert_eq!(told.iter().map(|told| told.0).collect::<BTreeSet<_>>().len(), told.len());
                assert!(told.iter().all(|(done, of, _)| *done <= len && *of == len));
                assert_eq!(told.last(), Some(&(len, len, thread::current().id())));
            }
        }
        let last = AtomicUsize::new(0);
        let hook = |done, _| _ = last.fetch_max(done, Ordering::SeqCst);
        assert!(pool.par(0..1000).on_progress(hook).any(|n| n == 500));
        assert!(last.into_inner() < 1000);
        // One that panics is a panic like any other.
        let hook = |done, _| assert!(done < 500, "far enough");
        let caught = catch_unwind(AssertUnwindSafe(|| pool.par(texts(1000)).on_progress(hook).for_each(|_| toil())));
        assert!(caught.is_err());
    }
}

#[test]
fn loops_work_inside_of_jobs_and_of_each_other() {
    for threads in [1, 2] {
        let pool: Pool = pool(threads);
        let inner = pool.clone();
        let sum = pool.spawn(move || {
            inner.par(0..100_u64).fold(
                || 0,
                |sum, n| {
                    sum + inner.par(vec![n; 100]).reduce(|a, b| a + b).unwrap()
                        + inner.par(0..n).map(|m| m).len() as u64
                },
                |a, b| a + b,
            )
        });
        assert_eq!(sum.unwrap().join().unwrap(), 100 * 4950 + 4950);
    }
}

#[test]
fn loops_of_groups_and_of_closed_or_busy_pools_get_done() {
    let pool: Pool = pool(2);
    let group = pool.group::<String>().limit(1).build().unwrap();
    assert_eq!(group.par(0..1000).map(|n| n), (0..1000).collect::<Vec<_>>());
    let occupied = [Occupied::new(&pool), Occupied::new(&pool)];
    assert_eq!(pool.par(0..1000).reduce(|a, b| a + b), Some(499_500));
    drop(occupied);
    pool.shutdown();
    let is_here = AtomicBool::new(true);
    let here = thread::current().id();
    pool.par(texts(1000)).for_each(|_| _ = is_here.fetch_and(thread::current().id() == here, Ordering::SeqCst));
    assert!(is_here.into_inner());
    assert_eq!(group.par(&[1, 2, 3]).find_any(|n| **n > 2), Some(&3));
}
