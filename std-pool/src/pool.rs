//! The pool's handle: submitting, waiting, ending.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastthreadpool_core::{JobId, Kinds, Phase};

use crate::builder::{BuildError, Builder};
use crate::callback;
use crate::cancellation::Cancellation;
use crate::completed::Completed;
use crate::context::Context;
use crate::handle::{JoinHandle, Spawned};
use crate::job::{Call, Function, Iterate, Overlap, Plain, Primary, ToBounded, ToDone, WithContext};
use crate::job_builder::{Job, PeriodicJob};
use crate::outcome::Outcome;
use crate::results::Results;
use crate::semaphore::Semaphore;
use crate::shared::Shared;
use crate::submit::{SubmitError, To};
use crate::view::{Calls, Done, Failed, View};
use crate::when::When;

/// A pool of worker threads whose jobs return `T`.
///
/// A handle: cheap to clone, `Send` and `Sync`. When the last one is dropped the pool is shut down as by
/// [`Pool::shutdown`], so no accepted job is lost.
///
/// `T` is what the done queue holds. The first [`submit`](Pool::submit) lets the compiler infer it; who does not want
/// results writes `Pool` without it, and a job that returns `()` leaves nothing in the queue.
///
/// # `fork`
///
/// The threads of a pool do not exist in a child that the process forks, and what they were in the middle of stays so. The
/// child may drop or forget its handles, which does nothing; [`shutdown`](Pool::shutdown) and
/// [`wait_idle`](Pool::wait_idle) return at once, without effect. All else is not to be used there: a job that the child
/// submits is never run, and whoever waits for it waits for ever. A program that forks builds its pools afterwards.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::Pool;
///
/// let squares = Pool::new()?;
/// for n in 1..=10_u64 {
///     squares.submit(move || n * n)?;
/// }
/// squares.shutdown();
/// assert_eq!(squares.done().drain().map(|done| done.value).sum::<u64>(), 385);
///
/// let pool: Pool = Pool::new()?;
/// pool.submit(|| println!("from a worker"))?;
/// # Ok(()) }
/// ```
pub struct Pool<T = ()> {
    handle: Arc<Handle>,
    view: Arc<View<T>>,
    /// Whether the view is the one that the pool was built with, which its jobs find by themselves.
    is_first: bool,
}

/// Ends the pool with the last of the users' handles.
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle), view: Arc::clone(&self.view), is_first: self.is_first }
    }
}

impl<T: Send + 'static> Pool<T> {
    /// A pool with one thread for each processor available to the process, started when there is work for them.
    ///
    /// # Errors
    ///
    /// [`BuildError::Cpus`] when the number of processors cannot be found out.
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// A pool set up differently.
    pub fn builder() -> Builder<T> {
        Builder::new()
    }

    pub(crate) fn first(shared: Arc<Shared>, view: Arc<View<T>>) -> Self {
        view.connect(&shared);
        Self { handle: Arc::new(Handle { shared }), view, is_first: true }
    }

    /// Another view of the same workers, for jobs that return `U`, with queues of its own. The pool lives until the last
    /// handle of all views is dropped.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let numbers: Pool<u32> = Pool::new()?;
    /// let texts = numbers.with_results::<String>();
    /// numbers.submit(|| 7)?;
    /// texts.submit(|| "seven".to_owned())?;
    /// numbers.wait_idle();
    /// assert_eq!((numbers.done().len(), texts.done().len()), (1, 1));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_results<U: Send + 'static>(&self) -> Pool<U> {
        let view = Arc::new(View::new(None, Calls::default()));
        view.connect(self.shared());
        let weak = Arc::downgrade(&view);
        self.shared().add_view(weak);
        Pool { handle: Arc::clone(&self.handle), view, is_first: false }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    pub(crate) fn view(&self) -> &Arc<View<T>> {
        &self.view
    }

    pub(crate) fn start_callbacks(
        &self,
        on_done: Option<Box<dyn FnMut(Done<T>) + Send>>,
        on_failed: Option<Box<dyn FnMut(Failed) + Send>>,
    ) -> io::Result<()> {
        if let Some(on_done) = on_done {
            callback::on_done(self.shared(), &self.view, on_done)?;
        }
        if let Some(on_failed) = on_failed {
            callback::on_failed(self.shared(), &self.view, on_failed)?;
        }
        Ok(())
    }

    // ----- submitting

    /// Appends a job to the end of the queue; returns its id. Its value goes to [`Pool::done`], its failure to
    /// [`Pool::failed`].
    ///
    /// A job submitted by a job goes to a queue of that worker, from which idle workers help themselves.
    ///
    /// # Errors
    ///
    /// [`SubmitError`] with the function: the pool is shut down, its queue is full, or it has no thread and cannot start
    /// one.
    #[inline]
    pub fn submit<F, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.submit_to(f, To::Back)
    }

    #[inline(always)]
    pub(crate) fn submit_to<F, R>(&self, f: F, to: To) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.submit_call(Plain(f, PhantomData), to)
    }

    #[inline(always)]
    pub(crate) fn submit_call<C>(&self, call: C, to: To) -> Result<JobId, SubmitError<C::Function>>
    where
        C: Call<T> + Function,
    {
        if self.view.is_bounded() {
            self.shared().submit(ToBounded { view: Arc::clone(&self.view), call }, to)
        } else if self.is_first {
            self.shared().submit(ToDone::new(Primary, call), to)
        } else {
            self.shared().submit(ToDone::new(Arc::clone(&self.view), call), to)
        }
    }

    /// [`Pool::submit`] with a callback of the job's own: it runs on the worker, right after the job, with the id and the
    /// value, which then does not go to the done queue. A panic of the callback fails the job.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    pub fn submit_done<F, R, D>(&self, f: F, on_done: D) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
        D: FnOnce(JobId, T) + Send + 'static,
    {
        self.job(f).on_done(on_done).submit()
    }

    /// Puts a job before all others: the last one put first is the first to run.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    pub fn submit_first<F, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.submit_to(f, To::Front)
    }

    /// [`Pool::submit_first`] with a callback as in [`Pool::submit_done`].
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    pub fn submit_done_first<F, R, D>(&self, f: F, on_done: D) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
        D: FnOnce(JobId, T) + Send + 'static,
    {
        self.job(f).first().on_done(on_done).submit()
    }

    /// Runs a job when `delay` has passed, before all that wait in the queue then. Costs no thread.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    pub fn submit_later<F, R>(&self, delay: Duration, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.submit_at(delay, f)
    }

    /// [`Pool::submit_later`] with a callback as in [`Pool::submit_done`].
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    pub fn submit_done_later<F, R, D>(&self, delay: Duration, f: F, on_done: D) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
        D: FnOnce(JobId, T) + Send + 'static,
    {
        self.job(f).after(delay).on_done(on_done).submit()
    }

    /// Runs a job at a point in time: an [`Instant`] or a [`SystemTime`](std::time::SystemTime).
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    pub fn submit_at<F, R>(&self, when: impl Into<When>, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.submit_to(f, To::Later(when.into().0, None))
    }

    /// Runs a job every `interval`, the first time after one. The times lie on a grid and do not drift; when the pool
    /// falls behind, the missed runs follow at once ([`MissedTickBehavior::Burst`](crate::MissedTickBehavior::Burst)). It
    /// never overlaps with itself. A run that fails is reported, and the schedule goes on. [`Pool::periodic`] can do more.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`], and [`SubmitError::ZeroInterval`].
    pub fn schedule<F, R>(&self, interval: Duration, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnMut() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.periodic(f).every(interval).submit()
    }

    /// [`Pool::schedule`] with a callback for each value.
    ///
    /// # Errors
    ///
    /// As [`Pool::schedule`].
    pub fn schedule_done<F, R, D>(&self, interval: Duration, f: F, on_done: D) -> Result<JobId, SubmitError<F>>
    where
        F: FnMut() -> R + Send + 'static,
        R: Outcome<T> + 'static,
        D: FnMut(JobId, T) + Send + 'static,
    {
        self.periodic(f).every(interval).on_done(on_done).submit()
    }

    /// A job with all that can be said about it; ends with [`Job::submit`].
    pub fn job<F, R>(&self, f: F) -> Job<'_, T, F, R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        Job::new(self, f)
    }

    /// A job that runs again and again; ends with [`PeriodicJob::submit`].
    pub fn periodic<F, R>(&self, f: F) -> PeriodicJob<'_, T, F, R>
    where
        F: FnMut() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        PeriodicJob::new(self, f)
    }

    /// A job that runs again and again, where a run may begin while earlier ones still run: each is a job of its own in the
    /// queue, with an id of its own. A failure of one is reported, and a run for which the queue has no room is left out.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new()?;
    /// let id = pool.overlapping(|| "now").every(Duration::from_millis(1)).submit()?;
    /// let run = pool.done().pop().expect("the pool is open");
    /// assert!(run.value == "now" && run.id != id);
    /// pool.cancel(id);
    /// # Ok(()) }
    /// ```
    pub fn overlapping<F, R>(&self, f: F) -> PeriodicJob<'_, T, F, R, Overlap>
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Outcome<T> + 'static,
    {
        PeriodicJob::overlapping(self, f)
    }

    /// Appends a job that is given a [`Context`]: its id, whether it has been cancelled, a way to emit values.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    pub fn submit_with<F, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce(&Context<'_, T>) -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.submit_call(WithContext(f, PhantomData), To::Back)
    }

    /// Appends a job whose function returns an iterator: each item is a result of the job, and goes to the done queue as
    /// it is produced. An item that is an `Err` goes to the failed queue; a panic ends the job. When a bounded done queue
    /// is full the job is put off between two items.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool = Pool::new()?;
    /// let id = pool.submit_iter(|| (0..3).map(|n| n * 10))?;
    /// pool.shutdown();
    /// let all: Vec<i32> = pool.done().drain().filter(|done| done.id == id).map(|done| done.value).collect();
    /// assert_eq!(all, [0, 10, 20]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    pub fn submit_iter<F, I, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> I + Send + 'static,
        I: Iterator<Item = R> + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.shared().submit(Iterate { view: Arc::clone(&self.view), function: f, items: PhantomData }, To::Back)
    }

    /// Appends a job of any type and returns a handle to it. Nothing goes to the queues of results: a `Result` is returned
    /// as it is, a panic as an error of the join.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    pub fn spawn<F, U>(&self, f: F) -> Result<JoinHandle<U>, SubmitError<F>>
    where
        F: FnOnce() -> U + Send + 'static,
        U: Send + 'static,
    {
        let (job, receiver) = Spawned::new(f);
        let id = self.shared().submit(job, To::Back)?;
        Ok(receiver.into_handle(Arc::clone(self.shared()), id))
    }

    // ----- cancelling

    /// Cancels a job wherever it is: queued, delayed, periodic or running. O(1).
    pub fn cancel(&self, id: JobId) -> Cancellation {
        self.shared().cancel(id)
    }

    /// Removes all jobs that wait for a worker; delayed ones that are not due and periodic ones stay, running ones go on.
    /// Returns how many were removed.
    pub fn cancel_all(&self) -> usize {
        self.shared().dispose_queued()
    }

    /// Removes all delayed and periodic jobs. A periodic job that runs now does not run again. Returns how many were
    /// removed.
    pub fn cancel_timers(&self) -> usize {
        self.shared().dispose_timers(Kinds::Timed)
    }

    // ----- results

    /// The values of the jobs that succeeded, oldest first.
    pub fn done(&self) -> &Results<Done<T>> {
        &self.view.done
    }

    /// The failures, oldest first.
    pub fn failed(&self) -> &Results<Failed> {
        &self.view.failed
    }

    /// The semaphore of the done queue.
    pub fn done_cnt(&self) -> &Semaphore {
        self.view.done.semaphore()
    }

    /// The semaphore of the failed queue.
    pub fn failed_cnt(&self) -> &Semaphore {
        self.view.failed.semaphore()
    }

    /// What ends, as it ends, from both queues, until nothing is pending.
    pub fn as_completed(&self) -> Completed<'_, T> {
        Completed::new(self)
    }

    // ----- waiting and ending

    /// Waits until no job is queued or runs. Delayed and periodic jobs count while they are due. Inside a job, that job
    /// does not count.
    ///
    /// Returns whether it came to that: false only inside a job, when every worker of the pool waits for other jobs, and
    /// so nobody is left who could end the wait.
    pub fn wait_idle(&self) -> bool {
        self.shared().wait_idle(None)
    }

    /// [`Pool::wait_idle`], at most so long; returns whether it came to that.
    pub fn wait_idle_timeout(&self, timeout: Duration) -> bool {
        self.shared().wait_idle(Instant::now().checked_add(timeout))
    }

    /// Accepts no more jobs and waits until all have ended: queued ones are run, delayed ones too when their time comes;
    /// periodic ones end. Running jobs may still submit. The threads end; when it returns their thread-local state is
    /// gone, and all callbacks have been called.
    ///
    /// Inside a job it does not wait; and it waits no more when somebody opens the pool again by [`Pool::clear`].
    pub fn shutdown(&self) {
        self.shared().shutdown(Phase::Draining, None);
    }

    /// [`Pool::shutdown`], but waits at most so long. Returns whether all workers have ended; if not, they go on.
    pub fn shutdown_timeout(&self, timeout: Duration) -> bool {
        self.shared().shutdown(Phase::Draining, Instant::now().checked_add(timeout))
    }

    /// Accepts no more jobs, removes all that have not begun, tells the running ones to stop, and waits for them.
    ///
    /// Inside a job it does not wait.
    pub fn shutdown_now(&self) {
        self.shared().shutdown(Phase::Stopping, None);
    }

    /// Removes all jobs that have not begun, empties the queues of results, and accepts jobs again after a shutdown.
    pub fn clear(&self) {
        self.shared().clear();
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("counts", &self.handle.shared.core.counts()).finish_non_exhaustive()
    }
}
