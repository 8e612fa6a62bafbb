//! Maps and other loops: who takes what of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Flag, Tally, model, pool};

/// The caller and helpers take from their shares and steal from each other; there are more items than the words of shares can tell
/// apart here, so that what is taken is several.
#[test]
fn a_map_is_shared_and_each_item_is_done_once() {
    for items in [3, 9] {
        model(move || {
            let pool = pool(3).build().unwrap();
            let counts: Vec<_> = (0..items).map(|_| AtomicUsize::new(0)).collect();
            let numbers: Vec<usize> = (0..items).collect();
            let values = pool.par_map(&numbers, |n| {
                shuttle::thread::yield_now();
                counts[*n].fetch_add(1, Ordering::Relaxed);
                *n
            });
            assert_eq!(values, numbers);
            assert!(counts.into_iter().all(|count| count.into_inner() == 1));
            pool.shutdown();
        });
    }
}

/// One of the participants panics: each value is dropped.
#[test]
fn a_participant_of_a_map_panics() {
    model(|| {
        let pool = pool(2).build().unwrap();
        let values = Tally::default();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.par_map(&[0, 1, 2], |n| {
                if *n == 1 {
                    std::panic::resume_unwind(Box::new("an item"));
                }
                values.job()
            })
        }));
        assert!(caught.is_err());
        assert_eq!((values.ran(), values.left()), (0, 0));
        pool.shutdown();
    });
}

/// Items by value, of which some stop the loop: each is given away or dropped, once. There are two participants, and who has failed
/// takes no more.
#[test]
fn a_loop_is_stopped_and_no_item_is_lost() {
    for items in [9, 3] {
        model(move || {
            let pool = pool(2).build().unwrap();
            let (tally, failures) = (Tally::default(), AtomicUsize::new(0));
            let jobs: Vec<_> = (0..items).map(|_| tally.job()).collect();
            let failed = pool.par(jobs).enumerate().try_for_each(|(n, job)| {
                job();
                if n % 2 == 0 {
                    return Ok(());
                }
                failures.fetch_add(1, Ordering::Relaxed);
                Err(n)
            });
            assert_eq!(failed.unwrap_err() % 2, 1);
            assert!(failures.into_inner() <= 2);
            assert_eq!(tally.left(), 0);
            pool.shutdown();
        });
    }
}

/// Both workers do something else, so that the caller has panicked before anybody helps: nobody begins anything then.
#[test]
fn a_loop_that_panics_begins_no_other_item() {
    model(|| {
        let pool = pool(2).build().unwrap();
        let (tally, open) = (Tally::default(), Flag::default());
        for _ in 0..2 {
            let open = open.clone();
            pool.submit(move || open.wait()).unwrap();
        }
        let jobs: Vec<_> = (0..9).map(|_| tally.job()).collect();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.par(jobs).for_each(|job| {
                job();
                std::panic::resume_unwind(Box::new("an item"));
            });
        }));
        assert!(caught.is_err());
        assert_eq!((tally.ran(), tally.left()), (1, 0));
        open.raise();
        pool.shutdown();
    });
}
