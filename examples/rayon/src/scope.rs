//! Scopes: jobs that borrow, because their scope does not end before them.
//!
//! # Rules
//!
//! 1. A scope does not end, by value or by panic, before all that was put into it is over: [`Base::complete`] waits, and aborts the
//!    process rather than leave.
//! 2. What is over is gone, with all that it had borrowed: a job is called by value before it counts as over, and so is a part of a
//!    broadcast, which is dropped before.
//! 3. A scope stays where it is until it ends: it is lent to who puts jobs into it.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use crate::broadcast::BroadcastContext;
use crate::inboxes::{Part, Waiter};
use crate::jobs::{Job, Jobs, Order};
use crate::registry::{self, Registry};
use crate::unwind::{AbortOnDrop, catch};
use crate::worker::{self, Worker};

/// How often who waits lets others run before it sleeps, and another thread stands in for it.
const LOOKS: usize = 16;

/// Where jobs can be spawned that borrow; the last one is begun first, where nobody else has taken it. From [`scope`].
pub struct Scope<'scope> {
    base: Base,
    /// Invariant.
    lifetime: PhantomData<fn(&'scope ()) -> &'scope ()>,
}

/// The same, where the first one is begun first. From [`scope_fifo`].
pub struct ScopeFifo<'scope> {
    base: Base,
    /// Invariant.
    lifetime: PhantomData<fn(&'scope ()) -> &'scope ()>,
}

/// A scope that its jobs find again.
struct Lent<S>(*const S);

// SAFETY: it is a reference, but for its lifetime.
unsafe impl<S: Sync> Send for Lent<S> {}
// SAFETY: the same.
unsafe impl<S: Sync> Sync for Lent<S> {}

impl<S> Lent<S> {
    /// # Safety
    ///
    /// The caller is a job of this scope.
    unsafe fn get(&self) -> &S {
        // SAFETY: rules 1 and 3.
        unsafe { &*self.0 }
    }
}

impl<'scope> Scope<'scope> {
    fn new(registry: &Arc<Registry>) -> Self {
        Self { base: Base::new(registry, Order::Lifo), lifetime: PhantomData }
    }

    /// Puts a job that may borrow from outside of the scope.
    pub fn spawn<BODY>(&self, body: BODY)
    where
        BODY: FnOnce(&Scope<'scope>) + Send + 'scope,
    {
        let scope = Lent(self);
        // SAFETY: it is a job of this scope.
        let job: Box<dyn FnOnce() + Send + 'scope> = Box::new(move || body(unsafe { scope.get() }));
        // SAFETY: it borrows for `'scope`, which outlives this scope.
        unsafe { self.base.put(job) };
    }

    /// Puts a job that is run once by each thread of the pool.
    pub fn spawn_broadcast<BODY>(&self, body: BODY)
    where
        BODY: Fn(&Scope<'scope>, BroadcastContext<'_>) + Send + Sync + 'scope,
    {
        let scope = Lent(self);
        // SAFETY: it is a job of this scope, and borrows for `'scope`, which outlives that.
        unsafe { self.base.put_parts(move |context| body(scope.get(), context)) };
    }
}

impl<'scope> ScopeFifo<'scope> {
    fn new(registry: &Arc<Registry>) -> Self {
        Self { base: Base::new(registry, Order::Fifo), lifetime: PhantomData }
    }

    /// Puts a job that may borrow from outside of the scope.
    pub fn spawn_fifo<BODY>(&self, body: BODY)
    where
        BODY: FnOnce(&ScopeFifo<'scope>) + Send + 'scope,
    {
        let scope = Lent(self);
        // SAFETY: it is a job of this scope.
        let job: Box<dyn FnOnce() + Send + 'scope> = Box::new(move || body(unsafe { scope.get() }));
        // SAFETY: it borrows for `'scope`, which outlives this scope.
        unsafe { self.base.put(job) };
    }

    /// Puts a job that is run once by each thread of the pool.
    pub fn spawn_broadcast<BODY>(&self, body: BODY)
    where
        BODY: Fn(&ScopeFifo<'scope>, BroadcastContext<'_>) + Send + Sync + 'scope,
    {
        let scope = Lent(self);
        // SAFETY: it is a job of this scope, and borrows for `'scope`, which outlives that.
        unsafe { self.base.put_parts(move |context| body(scope.get(), context)) };
    }
}

/// What the two kinds have in common.
struct Base {
    registry: Arc<Registry>,
    jobs: Arc<Jobs>,
}

impl Base {
    fn new(registry: &Arc<Registry>, order: Order) -> Self {
        Self { registry: Arc::clone(registry), jobs: Arc::new(Jobs::new(order)) }
    }

    /// # Safety
    ///
    /// What the job borrows outlives this scope.
    unsafe fn put<'scope>(&self, job: Box<dyn FnOnce() + Send + 'scope>) {
        // SAFETY: rules 1 and 2: it is gone before what it borrows is.
        let job = unsafe { mem::transmute::<Box<dyn FnOnce() + Send + 'scope>, Job>(job) };
        self.jobs.put(job);
        let jobs = Arc::clone(&self.jobs);
        if let Some(errand) = self.registry.submit(move |_| jobs.run_errand()) {
            self.jobs.sent(errand);
        }
    }

    /// # Safety
    ///
    /// What the body borrows outlives this scope.
    unsafe fn put_parts<'scope>(&self, body: impl Fn(BroadcastContext<'_>) + Send + Sync + 'scope) {
        let threads = self.registry.threads();
        self.jobs.put_parts(threads);
        let body = Arc::new(body);
        self.registry.broadcast(Waiter::new(&self.jobs), || {
            let (body, jobs) = (Arc::clone(&body), Arc::clone(&self.jobs));
            let part: Box<dyn FnOnce(usize) + Send + 'scope> = Box::new(move |index| {
                let result = catch(|| body(BroadcastContext::new(index, threads)));
                let dropped = catch(|| drop(body));
                jobs.finish(result.and(dropped));
            });
            // SAFETY: rules 1 and 2: what it borrows is dropped before it says that it is over.
            unsafe { mem::transmute::<Box<dyn FnOnce(usize) + Send + 'scope>, Part>(part) }
        });
    }

    /// Calls the function that puts the first jobs, and waits for all.
    fn complete<R>(&self, op: impl FnOnce() -> R) -> R {
        let result = catch(op);
        let stays = AbortOnDrop("a scope cannot be left");
        self.wait();
        mem::forget(stays);
        match (result, self.jobs.take_panic()) {
            (Ok(value), None) => value,
            (Err(panic), _) | (Ok(_), Some(panic)) => resume_unwind(panic),
        }
    }

    /// A thread of the pool helps with the scope's own jobs, and with nothing else.
    fn wait(&self) {
        worker::with_member_of(&self.registry, |worker| {
            if let Some(index) = worker.filter(|_| self.jobs.has_parts()).and_then(Worker::index) {
                // Where nobody stands in, others may wait for this thread as it does for them: then what they wait for, too.
                let waiter = self.registry.has_stand_ins().then(|| Waiter::new(&self.jobs));
                let Registry { inboxes, pool, .. } = &*self.registry;
                while let Some((index, part)) = inboxes.next_without(pool, index, waiter) {
                    part(index);
                }
            }
            let helps = worker.is_some();
            loop {
                while helps && self.jobs.help(&self.registry.pool) {}
                if (0..LOOKS).any(|_| self.jobs.is_over() || (thread::yield_now(), false).1) {
                    return;
                }
                self.registry.pool.blocking(|| self.jobs.sleep(helps));
            }
        });
    }
}

/// Calls `op` in a thread of the present pool with a scope in which jobs can be spawned that borrow; returns when all are over.
///
/// ```
/// let mut halves = [0, 0];
/// let [left, right] = &mut halves;
/// rayon_core::scope(|s| {
///     s.spawn(|_| *left = 1);
///     s.spawn(|_| *right = 2);
/// });
/// assert_eq!(halves, [1, 2]);
/// ```
///
/// # Panics
///
/// Passes on a panic of `op`, else the first one of a job, after all are over.
pub fn scope<'scope, OP, R>(op: OP) -> R
where
    OP: FnOnce(&Scope<'scope>) -> R + Send,
    R: Send,
{
    registry::in_worker(|registry, _| in_place_scope_of(registry, op))
}

/// The same where the jobs are begun in the order in which they are put.
///
/// # Panics
///
/// As [`scope`].
pub fn scope_fifo<'scope, OP, R>(op: OP) -> R
where
    OP: FnOnce(&ScopeFifo<'scope>) -> R + Send,
    R: Send,
{
    registry::in_worker(|registry, _| in_place_scope_fifo_of(registry, op))
}

/// As [`scope`], but that `op` is called on the present thread, whosever that is. The jobs run in the pool.
///
/// # Panics
///
/// As [`scope`].
pub fn in_place_scope<'scope, OP, R>(op: OP) -> R
where
    OP: FnOnce(&Scope<'scope>) -> R,
{
    registry::with_current(|registry| in_place_scope_of(registry, op))
}

/// As [`scope_fifo`], but that `op` is called on the present thread, whosever that is. The jobs run in the pool.
///
/// # Panics
///
/// As [`scope`].
pub fn in_place_scope_fifo<'scope, OP, R>(op: OP) -> R
where
    OP: FnOnce(&ScopeFifo<'scope>) -> R,
{
    registry::with_current(|registry| in_place_scope_fifo_of(registry, op))
}

pub(crate) fn in_place_scope_of<'scope, R>(registry: &Arc<Registry>, op: impl FnOnce(&Scope<'scope>) -> R) -> R {
    let scope = Scope::new(registry);
    scope.base.complete(|| op(&scope))
}

pub(crate) fn in_place_scope_fifo_of<'scope, R>(
    registry: &Arc<Registry>,
    op: impl FnOnce(&ScopeFifo<'scope>) -> R,
) -> R {
    let scope = ScopeFifo::new(registry);
    scope.base.complete(|| op(&scope))
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

impl fmt::Debug for ScopeFifo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeFifo").finish_non_exhaustive()
    }
}
