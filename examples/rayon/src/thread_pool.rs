//! The handle of a pool, and what is asked of the present one.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::broadcast::{BroadcastContext, broadcast_in, spawn_broadcast_in};
use crate::join::join;
use crate::registry::{self, Registry};
use crate::scope::{Scope, ScopeFifo, in_place_scope_fifo_of, in_place_scope_of, scope, scope_fifo};
use crate::spawn::spawn_in;
use crate::worker::{self, Worker};
use crate::yields::Yield;

/// A pool of threads; from [`ThreadPoolBuilder::build`](crate::ThreadPoolBuilder::build). When it is dropped its threads end as soon
/// as they have done what is left; nobody waits for that.
pub struct ThreadPool(pub(crate) Arc<Registry>);

impl ThreadPool {
    /// As [`Configuration::build`](crate::Configuration::build).
    ///
    /// # Errors
    ///
    /// As there.
    #[deprecated(note = "use `ThreadPoolBuilder::build`")]
    #[allow(deprecated)]
    pub fn new(configuration: crate::Configuration) -> Result<Self, Box<dyn Error>> {
        configuration.build()
    }

    /// Calls a function in a thread of this pool, which is then the present one for all that the function does.
    ///
    /// # Panics
    ///
    /// Passes on a panic of the function.
    pub fn install<OP, R>(&self, op: OP) -> R
    where
        OP: FnOnce() -> R + Send,
        R: Send,
    {
        self.0.in_worker(|_| op())
    }

    /// As [`broadcast`](crate::broadcast()) in this pool.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn broadcast<OP, R>(&self, op: OP) -> Vec<R>
    where
        OP: Fn(BroadcastContext<'_>) -> R + Sync,
        R: Send,
    {
        broadcast_in(&self.0, op)
    }

    /// How many threads it has, without those that stand in.
    pub fn current_num_threads(&self) -> usize {
        self.0.threads()
    }

    /// The index of the present thread, if it is one of this pool and has one.
    pub fn current_thread_index(&self) -> Option<usize> {
        self.with_member(Worker::index).flatten()
    }

    /// Whether jobs wait, if the present thread is one of this pool.
    pub fn current_thread_has_pending_tasks(&self) -> Option<bool> {
        self.with_member(has_pending_tasks)
    }

    /// As [`join`](crate::join()) in this pool.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn join<A, B, RA, RB>(&self, oper_a: A, oper_b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        self.install(|| join(oper_a, oper_b))
    }

    /// As [`scope`](crate::scope()) in this pool.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn scope<'scope, OP, R>(&self, op: OP) -> R
    where
        OP: FnOnce(&Scope<'scope>) -> R + Send,
        R: Send,
    {
        self.install(|| scope(op))
    }

    /// As [`scope_fifo`](crate::scope_fifo()) in this pool.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn scope_fifo<'scope, OP, R>(&self, op: OP) -> R
    where
        OP: FnOnce(&ScopeFifo<'scope>) -> R + Send,
        R: Send,
    {
        self.install(|| scope_fifo(op))
    }

    /// As [`in_place_scope`](crate::in_place_scope()) with the jobs in this pool.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn in_place_scope<'scope, OP, R>(&self, op: OP) -> R
    where
        OP: FnOnce(&Scope<'scope>) -> R,
    {
        in_place_scope_of(&self.0, op)
    }

    /// As [`in_place_scope_fifo`](crate::in_place_scope_fifo()) with the jobs in this pool.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn in_place_scope_fifo<'scope, OP, R>(&self, op: OP) -> R
    where
        OP: FnOnce(&ScopeFifo<'scope>) -> R,
    {
        in_place_scope_fifo_of(&self.0, op)
    }

    /// As [`spawn`](crate::spawn()) in this pool.
    pub fn spawn<OP>(&self, op: OP)
    where
        OP: FnOnce() + Send + 'static,
    {
        spawn_in(&self.0, op);
    }

    /// As [`spawn_fifo`](crate::spawn_fifo()) in this pool.
    pub fn spawn_fifo<OP>(&self, op: OP)
    where
        OP: FnOnce() + Send + 'static,
    {
        spawn_in(&self.0, op);
    }

    /// As [`spawn_broadcast`](crate::spawn_broadcast()) in this pool.
    pub fn spawn_broadcast<OP>(&self, op: OP)
    where
        OP: Fn(BroadcastContext<'_>) + Send + Sync + 'static,
    {
        spawn_broadcast_in(&self.0, op);
    }

    /// As [`yield_now`](crate::yield_now()); `None` if the present thread is none of this pool.
    pub fn yield_now(&self) -> Option<Yield> {
        self.with_member(|worker| Yield::to(&worker.registry))
    }

    /// As [`yield_local`](crate::yield_local()); `None` if the present thread is none of this pool.
    pub fn yield_local(&self) -> Option<Yield> {
        self.yield_now()
    }

    fn with_member<R>(&self, f: impl FnOnce(&Worker) -> R) -> Option<R> {
        worker::with_member_of(&self.0, |worker| worker.map(f))
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.0.terminate();
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool").field("num_threads", &self.0.threads()).finish_non_exhaustive()
    }
}

fn has_pending_tasks(worker: &Worker) -> bool {
    worker.registry.pool.counts().queued > 0
}

/// The most threads that a pool can have.
pub fn max_num_threads() -> usize {
    fastthreadpool::MAX_WORKERS / 2
}

/// How many threads the present pool has, without those that stand in: that of the present thread, or else the global one.
pub fn current_num_threads() -> usize {
    registry::with_current(|registry| registry.threads())
}

/// The index of the present thread, if it is a pool's. One that stands in for another has none as long as all are taken; an index is
/// never that of two threads at the same time.
pub fn current_thread_index() -> Option<usize> {
    worker::with(|worker| worker.and_then(Worker::index))
}

/// Whether jobs wait in the present pool; `None` in a thread of none.
pub fn current_thread_has_pending_tasks() -> Option<bool> {
    worker::with(|worker| worker.map(has_pending_tasks))
}
