//! Broadcasts: a function that is run once by each thread of a pool.
#![forbid(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use crate::inboxes::Waiter;
use crate::registry::{self, Registry};
use crate::scope::in_place_scope_of;
use crate::unwind::lock;

/// Which of the threads this is.
pub struct BroadcastContext<'a> {
    index: usize,
    threads: usize,
    /// Neither `Send` nor `Sync`, like rayon's.
    thread: PhantomData<&'a mut dyn Fn()>,
}

impl BroadcastContext<'_> {
    pub(crate) fn new(index: usize, threads: usize) -> Self {
        Self { index, threads, thread: PhantomData }
    }

    /// Its index, from 0.
    #[inline]
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many threads there are.
    #[inline]
    pub fn num_threads(&self) -> usize {
        self.threads
    }
}

impl fmt::Debug for BroadcastContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastContext")
            .field("index", &self.index)
            .field("num_threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// Calls `op` once in each thread of the present pool, as soon as it has nothing else to do, and returns what it has returned, by
/// index. Where threads wait in the middle of a job, one that stands in may do it instead.
///
/// ```
/// let indices = rayon_core::broadcast(|context| context.index());
/// assert!(indices.into_iter().eq(0..rayon_core::current_num_threads()));
/// ```
///
/// # Panics
///
/// Passes on the first panic, after all calls are over.
pub fn broadcast<OP, R>(op: OP) -> Vec<R>
where
    OP: Fn(BroadcastContext<'_>) -> R + Sync,
    R: Send,
{
    registry::with_current(|registry| broadcast_in(registry, op))
}

/// The same for a function that borrows nothing, for which nobody waits.
pub fn spawn_broadcast<OP>(op: OP)
where
    OP: Fn(BroadcastContext<'_>) + Send + Sync + 'static,
{
    registry::with_current(|registry| spawn_broadcast_in(registry, op));
}

pub(crate) fn broadcast_in<OP, R>(registry: &Arc<Registry>, op: OP) -> Vec<R>
where
    OP: Fn(BroadcastContext<'_>) -> R + Sync,
    R: Send,
{
    let results: Vec<_> = (0..registry.threads()).map(|_| Mutex::new(None)).collect();
    in_place_scope_of(registry, |scope| {
        scope.spawn_broadcast(|_, context| {
            let index = context.index();
            let result = op(context);
            *lock(&results[index]) = Some(result);
        });
    });
    results.into_iter().filter_map(|result| lock(&result).take()).collect()
}

pub(crate) fn spawn_broadcast_in<OP>(registry: &Arc<Registry>, op: OP)
where
    OP: Fn(BroadcastContext<'_>) + Send + Sync + 'static,
{
    let op = Arc::new(op);
    registry.broadcast(Waiter::NOBODY, || {
        let (op, registry) = (Arc::clone(&op), Arc::clone(registry));
        Box::new(move |index| registry.catch(|| op(BroadcastContext::new(index, registry.threads()))))
    });
}
