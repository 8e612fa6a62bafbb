//! A handle to a job that repeats: what its runs return, one after the other.
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use fastthreadpool_core::{End, JobId, Unpark};

use crate::engine::Engine;
use crate::engine::worker::Env;
use crate::groups::hold::Run;
use crate::here::call::{catch, drop_quietly, quietly};
use crate::here::cancellation::Cancellation;
use crate::jobs::periodic::EachRun;
use crate::results::outcome::{JobError, panicked};
use crate::results::queue::Results;

/// Values that wait at most: a job that repeats has a newer one.
const CAPACITY: usize = 1024;

type Values<U> = Results<Result<U, JobError>>;

/// A handle to a periodic job, from [`Job::spawn`](crate::Job::spawn): a queue of what its runs have returned, a panic as
/// [`JobError::Panicked`]. It ends, as the pool's queues do when that is shut down, when the job does not run any more. 1024 values wait in
/// it at most; then the oldest are dropped, and [counted](Results::lost). Dropping it lets the job go on by itself.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use fastthreadpool::Pool;
/// use std::time::Duration;
///
/// let pool: Pool = Pool::new()?;
/// let ticks = pool.periodic_with(|job| job.run()).every(Duration::from_millis(1)).spawn()?;
/// assert!(ticks.iter().take(3).flatten().eq(1..=3));
/// ticks.cancel();
/// let _more = ticks.iter().count();
/// # Ok(()) }
/// ```
#[must_use = "a handle that is dropped tells nothing; use `submit` where nobody listens"]
pub struct Runs<U> {
    engine: Arc<Engine>,
    id: JobId,
    values: Arc<Values<U>>,
}

impl<U> Runs<U> {
    pub(crate) fn new(engine: &Arc<Engine>, id: JobId, values: Arc<Values<U>>) -> Self {
        Self { engine: Arc::clone(engine), id, values }
    }

    /// The job's id.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Cancels the job: see [`Pool::cancel`](crate::Pool::cancel).
    pub fn cancel(&self) -> Cancellation {
        self.engine.cancel(self.id)
    }
}

impl<U> Deref for Runs<U> {
    type Target = Values<U>;

    fn deref(&self) -> &Values<U> {
        &self.values
    }
}

impl<U> fmt::Debug for Runs<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runs").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The job's end of it. Dropped, there are no more.
pub(crate) struct ToRuns<U: Send>(Arc<Values<U>>);

impl<U: Send> ToRuns<U> {
    pub(crate) fn new(engine: &Arc<Engine>) -> (Self, Arc<Values<U>>) {
        let values = Arc::new(Results::new(CAPACITY, engine.time().clone()));
        if engine.is_threadless() {
            values.attend(&Arc::downgrade(engine));
        }
        (Self(Arc::clone(&values)), values)
    }
}

impl<U: Send> Drop for ToRuns<U> {
    fn drop(&mut self) {
        let mut woken = Vec::new();
        self.0.close_for(&mut woken);
        for waiter in woken {
            // A task's waker is code of somebody else's.
            quietly(|| waiter.unpark());
        }
    }
}

impl<T: Send + 'static, U: Send + 'static> EachRun<T, U> for ToRuns<U> {
    fn run(&mut self, env: &Env, run: &impl Run<T>, name: &'static str, f: impl FnOnce() -> U) -> End {
        let result = run.inside(env, || catch(f)).map_err(|panic| panicked(env, name, panic));
        let end = if result.is_ok() { End::Done } else { End::Failed };
        if let Some(lost) = self.0.push(result) {
            drop_quietly(lost);
        }
        end
    }
}
