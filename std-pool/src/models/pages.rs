//! Those who take berths, and those who bring them back.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::sync::Mutex;
use shuttle::thread;

use super::{Ends, Tally, check, model, pool};
use crate::Cancellation;
use crate::engine::pages::{Berth, free, page_of};

/// What a berth is used for: somebody writes who he is, and somebody else finds that.
struct Used {
    berth: Berth,
    by: usize,
}

impl Used {
    fn take(by: usize) -> Self {
        let berth = Berth::take();
        // SAFETY: a berth has room for a word.
        unsafe { berth.as_ptr().cast::<usize>().write(by) };
        Self { berth, by }
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        // SAFETY: written when it was taken.
        let found = unsafe { self.berth.as_ptr().cast::<usize>().read() };
        if found != self.by {
            crate::sys::fault(format!("the berth of {} is {found}'s", self.by));
        }
    }
}

/// Two threads take more than a page has, and two others drop them. In the end each page is free, once.
#[test]
fn berths_are_one_owners_and_all_come_back() {
    model(|| {
        let (queue, pages) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(HashSet::new())));
        let takers = [0, 1].map(|taker| {
            let (queue, pages) = (queue.clone(), pages.clone());
            thread::spawn(move || {
                for number in 0..4 {
                    let used = Used::take(10 * taker + number);
                    pages.lock().unwrap().insert(page_of(used.berth.as_ptr()).addr());
                    queue.lock().unwrap().push(used);
                }
            })
        });
        let droppers = [3, 3].map(|number| {
            let queue = queue.clone();
            thread::spawn(move || {
                for _ in 0..number {
                    let used = queue.lock().unwrap().pop();
                    drop(used);
                }
            })
        });
        takers.into_iter().chain(droppers).for_each(|thread| thread.join().unwrap());
        // By a thread that ends: this one has hands of its own, which it keeps.
        thread::spawn(move || drop(queue)).join().unwrap();
        let pages = pages.lock().unwrap();
        let free = free(pages.len() + 1);
        assert_eq!(free.iter().copied().collect::<HashSet<_>>(), *pages, "pages that are not free");
        assert_eq!(free.len(), pages.len(), "a page is free twice");
    });
}

/// Jobs that do not fit into their slots, more than a page has room for; one of them meets a cancel. Each is run as it was made,
/// or dropped.
#[test]
fn large_jobs_are_run_as_they_were_made() {
    model(|| {
        let (pool, tally, sum) = (pool(1).build().unwrap(), Tally::default(), Arc::new(AtomicUsize::new(0)));
        let ids = [1, 2, 4, 8, 16, 32, 64].map(|number| {
            let (words, sum) = ([number; 20], sum.clone());
            let add = move || words.iter().for_each(|word| _ = sum.fetch_add(*word, Ordering::Relaxed));
            pool.submit(tally.with(add)).unwrap()
        });
        let removed = if pool.cancel(ids[6]) == Cancellation::Removed { 64 } else { 0 };
        pool.shutdown();
        check(&pool, Ends::of(&tally));
        assert_eq!(sum.load(Ordering::Relaxed), 20 * (127 - removed));
    });
}
