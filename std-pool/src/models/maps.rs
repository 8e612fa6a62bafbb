//! Maps: who takes what of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Tally, model, pool};

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

/// One of the participants panics: the others do the rest, and each value is dropped.
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
