//! What several subjects need.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use fastthreadpool::{Builder, Done, JoinHandle, Pool, Results};

/// Longer than any test.
/// More than the addresses that a process has.
pub(crate) const NO_STACK: usize = usize::MAX / 16 * (if cfg!(target_pointer_width = "64") { 1 } else { 14 });
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

/// Something that waits, in a job of a pool of its own.
pub(crate) struct Waiting<R> {
    _pool: Pool,
    handle: JoinHandle<R>,
}

impl<R: Send + 'static> Waiting<R> {
    /// Returns when it waits: the one worker has a stand-in then, which runs another job.
    pub(crate) fn new(wait: impl FnOnce() -> R + Send + 'static) -> Self {
        let pool = pool(1);
        let handle = pool.spawn(wait).unwrap();
        pool.spawn(|| ()).unwrap().join().unwrap();
        Self { _pool: pool, handle }
    }

    pub(crate) fn end(self) -> R {
        self.handle.join().unwrap()
    }
}

/// The end of a pool that nobody waits for: all its threads let go of it, and it has found its account in balance.
pub(crate) struct Gone(Receiver<()>);

impl Gone {
    /// Watches the pool that is built.
    pub(crate) fn watch<T: Send + 'static>(builder: Builder<T>) -> (Builder<T>, Self) {
        let (sender, receiver) = channel();
        (builder.on_thread_stop(move |_| _ = &sender), Self(receiver))
    }

    pub(crate) fn wait(self) {
        assert!(self.0.recv().is_err(), "nothing is sent");
    }
}

/// A gate that is shut until it is opened or dropped. Who waits at it is not known to a pool.
pub(crate) struct Shut(Sender<()>);

/// Where to wait.
pub(crate) struct Gate(Receiver<()>);

impl Shut {
    pub(crate) fn new() -> (Self, Gate) {
        let (sender, receiver) = channel();
        (Self(sender), Gate(receiver))
    }

    pub(crate) fn open(self) {
        drop(self.0);
    }
}

impl Gate {
    pub(crate) fn pass(&self) {
        assert!(self.0.recv().is_err(), "nothing is sent");
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

/// The same, in order of size.
pub(crate) fn sorted<T: Send + Ord>(results: &Results<Done<T>>) -> Vec<T> {
    let mut values = values(results);
    values.sort();
    values
}

/// How often each value is there.
pub(crate) fn tally<T: Ord>(values: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut tally = BTreeMap::new();
    for value in values {
        *tally.entry(value).or_default() += 1;
    }
    tally
}

/// Waits until so many are here.
#[derive(Default)]
pub(crate) struct Meeting(AtomicUsize);

impl Meeting {
    pub(crate) fn wait_for(&self, number: usize) {
        self.0.fetch_add(1, Ordering::SeqCst);
        while self.0.load(Ordering::SeqCst) < number {
            thread::yield_now();
        }
    }
}
