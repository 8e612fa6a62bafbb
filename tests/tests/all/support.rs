//! What several subjects need.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use fastthreadpool::{Done, Pool, Results};

/// Longer than any test.
pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// A pool of so many threads.
pub(crate) fn pool<T: Send + 'static>(threads: usize) -> Pool<T> {
    Pool::builder().threads(threads).build().expect("a few threads can be had")
}

/// Occupies one worker of a pool from its creation until it is dropped: its job waits for something that the pool does not know.
pub(crate) struct Occupied {
    _open: Sender<()>,
}

impl Occupied {
    pub(crate) fn new<T: Send + 'static>(pool: &Pool<T>) -> Self {
        let ((begun, has_begun), (open, gate)) = (channel(), channel());
        drop(pool.spawn(move || {
            begun.send(()).unwrap();
            let _: Result<(), _> = gate.recv();
        }));
        has_begun.recv().unwrap();
        Self { _open: open }
    }
}

/// Counts how often it was dropped.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn one(&self) -> Dropped {
        Dropped(self.clone())
    }
}

pub(crate) struct Dropped(Drops);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Panics when it is dropped.
#[derive(Debug)]
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a destructor");
    }
}

/// The values in a queue, oldest first.
pub(crate) fn values<T: Send>(results: &Results<Done<T>>) -> Vec<T> {
    results.drain().map(|done| done.value).collect()
}

/// How often each value is there.
pub(crate) fn tally<T: Ord>(values: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut tally = BTreeMap::new();
    for value in values {
        *tally.entry(value).or_default() += 1;
    }
    tally
}
