//! Jobs that borrow from the caller's stack, because the caller waits for them.
//!
//! # Why borrowing is sound
//!
//! A scoped job may borrow for `'scope`, which outlives the call of [`Pool::scope`]. That call does not return, by value
//! or by panic, before the scope's count of jobs is zero; and a job's count goes down only after its function has been
//! consumed or dropped, since the count is dropped after it. A job that is cancelled is dropped as well, so it counts.
//!
//! Waiting helps with the scope's own jobs and with nothing else, so a job never finds itself on top of a foreign one
//! that holds a lock it wants.

use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};

use fastthreadpool_core::{JobId, Run};
use parking_lot::Mutex;

use crate::outcome::{Panic, catch};
use crate::pool::Pool;
use crate::shared::{Payload, Shared};
use crate::submit::To;
use crate::worker::Env;

/// Where jobs can be spawned that borrow; from [`Pool::scope`].
pub struct Scope<'scope, 'env: 'scope> {
    shared: &'scope Arc<Shared>,
    state: Arc<State>,
    jobs: Mutex<Vec<JobId>>,
    /// Invariant in both, like [`std::thread::Scope`].
    lifetimes: PhantomData<(&'scope mut &'scope (), &'env mut &'env ())>,
}

struct State {
    /// Jobs that may still borrow.
    jobs: AtomicUsize,
    owner: Thread,
    panic: Mutex<Option<Panic>>,
}

/// One of the scope's jobs, until dropped.
struct Counted(Arc<State>);

impl Drop for Counted {
    fn drop(&mut self) {
        // The owner may be gone as soon as the count is zero, but not its handle.
        let owner = self.0.owner.clone();
        // Released: all that the job did comes before the end of the scope.
        if self.0.jobs.fetch_sub(1, Ordering::AcqRel) == 1 {
            owner.unpark();
        }
    }
}

struct Scoped<F> {
    function: F,
    // After the function: fields are dropped in order.
    counted: Counted,
}

impl<F: FnOnce() + Send> Run<Env> for Scoped<F> {
    fn run(self, env: &mut Env) -> Option<Self> {
        let Self { function, counted } = self;
        if let Err(panic) = catch(function) {
            env.shared.count_failure();
            counted.0.panic.lock().get_or_insert(panic);
        }
        drop(counted);
        None
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Appends a job that may borrow from outside the scope. If the pool does not take it, because it is full, closed or
    /// without threads, it runs here and now.
    pub fn spawn<F>(&'scope self, f: F)
    where
        F: FnOnce() + Send + 'scope,
    {
        self.state.jobs.fetch_add(1, Ordering::Relaxed);
        let job = Scoped { function: f, counted: Counted(Arc::clone(&self.state)) };
        // SAFETY: `run` below does not return before the job's function is consumed or dropped: see the module's head.
        let payload = unsafe { Payload::new_unbounded(job) };
        if let Some(id) = self.submit(payload) {
            self.jobs.lock().push(id);
        }
    }

    fn submit(&self, payload: Payload) -> Option<JobId> {
        let shared = self.shared;
        if !shared.enter_queue() {
            self.run_here(payload);
            shared.count_end();
            return None;
        }
        match shared.put(payload, To::Back) {
            Ok((id, duty)) => {
                // Without threads the wait runs it.
                shared.perform_or_leave(duty);
                Some(id)
            }
            Err(refused) => {
                shared.left_queue();
                self.run_here(refused.into_inner());
                shared.count_end();
                None
            }
        }
    }

    fn run_here(&self, payload: Payload) {
        let _ = payload.run(&mut Env::outside(self.shared));
    }

    /// Helps with the jobs that have not begun, the latest first, then waits for the others.
    fn wait(&self) {
        // A job may spawn into its scope while this waits.
        while self.state.jobs.load(Ordering::Acquire) > 0 {
            let latest = self.jobs.lock().pop();
            match latest {
                Some(id) => {
                    let _ = self.shared.run_inside(id) || self.shared.run_outside(id, |payload| self.run_here(payload));
                }
                None => self.wait_for_others(),
            }
        }
    }

    fn wait_for_others(&self) {
        let until_something_changes = || {
            while self.state.jobs.load(Ordering::Acquire) > 0 && self.jobs.lock().is_empty() {
                thread::park();
            }
        };
        // Without a stand-in it waits all the same: what it waits for runs, and borrows.
        if self.shared.blocking(until_something_changes).is_none() {
            until_something_changes();
        }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("jobs", &self.state.jobs).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Pool<T> {
    /// Calls `f` with a scope in which jobs can be spawned that borrow from the caller's stack; returns when all have
    /// ended. The caller works too. A job that is cancelled or shut down before it has begun does not run.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let mut halves = [0, 0];
    /// let numbers: Vec<u64> = (1..=1000).collect();
    /// let (left, right) = numbers.split_at(500);
    /// let [a, b] = &mut halves;
    /// pool.scope(|s| {
    ///     s.spawn(|| *a = left.iter().sum());
    ///     s.spawn(|| *b = right.iter().sum());
    /// });
    /// assert_eq!(halves.iter().sum::<u64>(), 500_500);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// Passes on a panic of `f`, else the first panic of a job, after all have ended.
    pub fn scope<'env, F, U>(&'env self, f: F) -> U
    where
        F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> U,
    {
        run(self.shared(), f)
    }
}

/// [`Pool::scope`] without the pool's type.
pub(crate) fn run<'env, F, U>(shared: &'env Arc<Shared>, f: F) -> U
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> U,
{
    let state = State { jobs: AtomicUsize::new(0), owner: thread::current(), panic: Mutex::new(None) };
    let scope = Scope { shared, state: Arc::new(state), jobs: Mutex::new(Vec::new()), lifetimes: PhantomData };
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    scope.wait();
    match result {
        Err(payload) => resume_unwind(payload),
        Ok(value) => {
            let panic = scope.state.panic.lock().take();
            match panic {
                Some(panic) => resume_unwind(panic.into_payload()),
                None => value,
            }
        }
    }
}
