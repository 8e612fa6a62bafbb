//! A queue of results and the semaphore that counts it.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fastthreadpool_core::{AcquireError, Queue, TryAcquireError};

use crate::semaphore::{Permit, Semaphore};

/// What ended, oldest first, for any number of readers.
///
/// Its [semaphore](Results::semaphore) has one permit for each entry, so a reader waits without polling.
pub struct Results<E> {
    queue: Queue<E, parking_lot::RawMutex>,
    count: Semaphore,
    /// Told of each entry that was taken.
    taken: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// A callback is being called with an entry that was taken.
    calling_back: AtomicBool,
}

impl<E: Send> Results<E> {
    pub(crate) fn new() -> Self {
        Self {
            queue: Queue::new(),
            count: Semaphore::new(0),
            taken: OnceLock::new(),
            calling_back: AtomicBool::new(false),
        }
    }

    pub(crate) fn push(&self, entry: E) {
        self.queue.push(entry);
        // A queue as long as the semaphore can count does not fit into memory.
        let _ = self.count.release(1);
    }

    /// How many entries wait to be read.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits to be read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The oldest entry, if there is one.
    pub fn try_pop(&self) -> Option<E> {
        match self.count.try_acquire() {
            Ok(permit) => self.take(permit),
            Err(TryAcquireError::Closed) => self.left_over(),
            Err(_) => None,
        }
    }

    /// Waits for the oldest entry. `None` when the pool was shut down and everything has been read.
    pub fn pop(&self) -> Option<E> {
        match self.count.acquire() {
            Ok(permit) => self.take(permit),
            Err(_) => self.left_over(),
        }
    }

    /// Waits for the oldest entry, at most so long. `None` when there was none in that time, or there can be no more.
    pub fn pop_timeout(&self, timeout: Duration) -> Option<E> {
        match self.count.acquire_timeout(timeout) {
            Ok(permit) => self.take(permit),
            Err(AcquireError::Closed) => self.left_over(),
            Err(_) => None,
        }
    }

    /// Takes the entry that a permit of this queue's semaphore stands for. `None` only when the pool has been shut down
    /// meanwhile and another reader has emptied the queue.
    ///
    /// # Panics
    ///
    /// When the permit is of another semaphore, or for more than one entry.
    pub fn take(&self, permit: Permit<'_>) -> Option<E> {
        assert!(self.count.owns(&permit) && permit.count() == 1, "the permit must be one of this queue's semaphore");
        permit.forget();
        self.left_over()
    }

    /// When the semaphore is closed no more entries come, and those that are left need no permit.
    fn left_over(&self) -> Option<E> {
        let entry = self.queue.pop(thread::yield_now)?;
        if let Some(taken) = self.taken.get() {
            taken();
        }
        Some(entry)
    }

    pub(crate) fn on_taken(&self, taken: impl Fn() + Send + Sync + 'static) {
        // Set once, before anybody else sees the queue.
        let _ = self.taken.set(Box::new(taken));
    }

    /// The entries that are there now, one after the other; ends when there is none.
    pub fn drain(&self) -> impl Iterator<Item = E> + '_ {
        std::iter::from_fn(|| self.try_pop())
    }

    /// All entries, waiting for each; ends when the pool was shut down and everything has been read.
    pub fn iter(&self) -> impl Iterator<Item = E> + '_ {
        std::iter::from_fn(|| self.pop())
    }

    /// The semaphore that counts the entries. Acquire a permit to wait for one, and hand it to [`Results::take`]; a permit
    /// that is dropped leaves the entry to others.
    pub fn semaphore(&self) -> &Semaphore {
        &self.count
    }

    /// [`Results::pop`] for the callback; its end is to be told by [`Results::called_back`].
    pub(crate) fn pop_for_callback(&self) -> Option<E> {
        let permit = self.count.acquire();
        // Before the entry is taken: an empty queue then means that the callback is over, or known to be on.
        self.calling_back.store(true, Ordering::SeqCst);
        let entry = match permit {
            Ok(permit) => self.take(permit),
            Err(_) => self.left_over(),
        };
        if entry.is_none() {
            self.called_back();
        }
        entry
    }

    pub(crate) fn called_back(&self) {
        self.calling_back.store(false, Ordering::SeqCst);
    }

    /// Whether a callback, if there is one, has been called with every entry.
    pub(crate) fn is_called_back(&self) -> bool {
        self.is_empty() && !self.calling_back.load(Ordering::SeqCst)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.count.is_closed()
    }

    /// No more entries come.
    pub(crate) fn close(&self) {
        self.count.close();
    }

    /// Empties the queue and lets entries come again.
    pub(crate) fn reopen(&self, mut dispose: impl FnMut(E)) {
        if self.count.is_closed() {
            // What was read since the end took no permits.
            std::iter::from_fn(|| self.left_over()).for_each(&mut dispose);
            self.count.reopen();
            while let Ok(permit) = self.count.try_acquire() {
                permit.forget();
            }
        } else {
            self.drain().for_each(&mut dispose);
        }
    }
}

impl<E> std::fmt::Debug for Results<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Results").finish_non_exhaustive()
    }
}
