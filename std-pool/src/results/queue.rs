//! A queue of results and the semaphore that counts it.
#![forbid(unsafe_code)]

use std::sync::Weak;
use std::time::Duration;

use fastthreadpool_core::{AcquireError, Queue, TryAcquireError};

use crate::engine::Engine;
use crate::here::call::quietly;
use crate::sync::permit::Permit;
use crate::sync::semaphore::Semaphore;
use crate::sync::time::{Deadline, Time};
use crate::sync::waiter::Waiter;
use crate::sys::atomic::{AtomicBool, Ordering};
use crate::sys::{Mutex, OnceLock, RawMutex, thread};

/// What ended, oldest first, for any number of readers.
///
/// Its [semaphore](Results::semaphore) has one permit for each entry, so a reader waits without polling.
pub struct Results<E> {
    queue: Queue<E, RawMutex>,
    count: Semaphore,
    /// With more entries than this the oldest go.
    capacity: usize,
    /// By which readers wait.
    time: Time,
    /// How many have gone so.
    lost: Mutex<u64>,
    /// Told of each entry that was taken.
    taken: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// A callback is being called with an entry that was taken.
    calling_back: AtomicBool,
    /// Of a pool without threads: readers work for it while they wait.
    attended: OnceLock<Weak<Engine>>,
}

impl<E: Send> Results<E> {
    /// One that keeps at most so many.
    pub(crate) fn new(capacity: usize, time: Time) -> Self {
        Self {
            queue: Queue::new(),
            count: Semaphore::new(0),
            capacity,
            time,
            lost: Mutex::new(0),
            taken: OnceLock::new(),
            calling_back: AtomicBool::new(false),
            attended: OnceLock::new(),
        }
    }

    /// What there was before somebody asked for the queue. Nobody waits for it yet, and so nobody is woken. Called under a lock.
    pub(crate) fn begin(&self, entries: impl IntoIterator<Item = E>, lost: u64) {
        for entry in entries {
            self.queue.push(entry);
            self.count.release_locked(1);
        }
        *self.lost.lock() = lost;
    }

    /// Returns the oldest if there were too many; to be dropped by the caller.
    #[must_use = "user code drops it"]
    pub(crate) fn push(&self, entry: E) -> Option<E> {
        self.queue.push(entry);
        // A queue as long as the semaphore can count does not fit into memory. A task's waker may panic: the panic hook has
        // reported it, and all who were to be woken have been.
        quietly(|| _ = self.count.release(1));
        // An unbounded one does not look: how far the readers are is on a line that they write.
        if self.capacity < usize::MAX { self.lose() } else { None }
    }

    #[cold]
    fn lose(&self) -> Option<E> {
        if self.queue.len() <= self.capacity {
            return None;
        }
        // Its permit goes with it. If there is none, readers are about to take what is too much.
        self.count.try_acquire().ok()?.forget();
        let oldest = self.queue.pop(thread::yield_now);
        *self.lost.lock() += u64::from(oldest.is_some());
        oldest
    }

    /// How many entries were dropped unread because there were too many: the failed queue is bounded, see
    /// [`Builder::failed_capacity`](crate::Builder::failed_capacity). In the done queue it is always 0.
    pub fn lost(&self) -> u64 {
        *self.lost.lock()
    }

    /// How many entries wait to be read.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits to be read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an entry waits that [`Results::try_pop`] would take.
    pub(crate) fn has_ready(&self) -> bool {
        !self.is_empty() && (self.count.value() > 0 || self.count.is_closed())
    }

    /// The oldest entry, if there is one.
    pub fn try_pop(&self) -> Option<E> {
        self.read(|| self.count.try_acquire().map_err(|error| error == TryAcquireError::Closed))
    }

    /// Waits for the oldest entry. `None` when the pool was shut down and everything has been read. In a job, for which another
    /// worker stands in meanwhile, also when all workers wait and there can be no more.
    pub fn pop(&self) -> Option<E> {
        self.wait_until(Deadline::NEVER)
    }

    /// Waits for the oldest entry, at most so long. `None` when there was none in that time, or as for [`Results::pop`].
    pub fn pop_timeout(&self, timeout: Duration) -> Option<E> {
        self.wait_until(self.time.after(timeout))
    }

    #[inline]
    fn wait_until(&self, deadline: Deadline<'_>) -> Option<E> {
        self.read(|| match self.count.try_acquire() {
            Ok(permit) => Ok(permit),
            Err(_) => self.attended(|| self.acquire_until(deadline)),
        })
    }

    fn acquire_until(&self, deadline: Deadline<'_>) -> Result<Permit<'_>, bool> {
        self.count.acquire_until(1, deadline).map_err(|error| error == AcquireError::Closed)
    }

    pub(crate) fn attend(&self, engine: &Weak<Engine>) {
        // Set once, before anybody else sees the queue.
        let _ = self.attended.set(Weak::clone(engine));
    }

    /// Calls `wait`, in which a reader waits: see [`Engine::attended`].
    pub(crate) fn attended<R>(&self, wait: impl FnOnce() -> R) -> R {
        match self.attended.get().and_then(Weak::upgrade) {
            Some(engine) => engine.attended(wait),
            None => wait(),
        }
    }

    /// Takes what a permit stands for; without one, what is left if the queue is closed.
    #[inline(always)]
    fn read<'q>(&'q self, mut acquire: impl FnMut() -> Result<Permit<'q>, bool>) -> Option<E> {
        loop {
            match acquire() {
                // None if the entry was read without a permit while the queue was closed: that permit is one too many.
                Ok(permit) => {
                    let entry = self.take(permit);
                    if entry.is_some() {
                        return entry;
                    }
                }
                Err(is_closed) => return if is_closed { self.left_over() } else { None },
            }
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
        // Not taken apart: it is where it is returned.
        let entry = self.queue.pop(thread::yield_now);
        if entry.is_some() {
            if let Some(taken) = self.taken.get() {
                taken();
            }
        }
        entry
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
        let entry = self.read(|| {
            let permit = self.count.acquire();
            // Who has seen that all calls are over is not to see one again for which there is nothing.
            if permit.is_err() && self.is_empty() {
                return Err(false);
            }
            // Before the entry is taken: an empty queue then means that the callback is over, or known to be on.
            self.calling_back.store(true, Ordering::SeqCst);
            permit.map_err(|_| true)
        });
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

    /// No more entries come. Gives back whom to wake: a task's waker is code of somebody else's.
    pub(crate) fn close_for(&self, woken: &mut Vec<Waiter>) {
        self.count.close_for(woken);
    }

    /// Takes out what is there; to be dropped by the caller.
    pub(crate) fn take_all(&self) -> Vec<E> {
        if self.count.is_closed() {
            // What is read after the end takes no permits.
            return std::iter::from_fn(|| self.left_over()).collect();
        }
        self.drain().collect()
    }

    /// Lets entries come again. Called under a lock.
    pub(crate) fn reopen(&self) {
        if self.count.is_closed() {
            self.count.reopen();
            // Of what was read since the end.
            while self.count.value() > self.queue.len() && self.count.forget_locked() {}
        }
    }
}

impl<E> std::fmt::Debug for Results<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Results").finish_non_exhaustive()
    }
}
