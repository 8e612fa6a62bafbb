//! Submitting jobs to a group, or to the pool.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::JobId;

use crate::engine::submit::To;
use crate::engine::submit_error::SubmitError;
use crate::group::Group;
use crate::jobs::batch::SubmitAllError;
use crate::jobs::builder::Job;
use crate::jobs::call::{Call, Plain, WithContext};
use crate::jobs::context::Context;
use crate::jobs::items::ItemsShape;
use crate::jobs::once::{Keep, OnceShape};
use crate::jobs::schedule::{Overlapping, Periodic};
use crate::jobs::spawned::{JoinHandle, SpawnShape};
use crate::jobs::when::{At, When};
use crate::results::outcome::Outcome;

impl<T: Send + 'static> Group<T> {
    /// Appends a job to the end of the queue; returns its id. Its value goes to [`Group::done`], its failure to
    /// [`Group::failed`].
    ///
    /// A job submitted by a job goes to a queue of that worker, from which idle workers help themselves.
    ///
    /// # Errors
    ///
    /// [`SubmitError`] with the function: the pool is shut down, the queue is full, the group takes nothing any more, the pool
    /// has no thread and cannot start one, or this is the child of a fork.
    #[inline]
    pub fn submit<F, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.entrance().append(OnceShape { call: Plain::new(f), way: Keep })
    }

    #[inline(always)]
    fn submit_to<C>(&self, call: C, to: To) -> Result<JobId, SubmitError<C::Function>>
    where
        C: Call<T>,
        C::Value: Outcome<T>,
    {
        self.entrance().submit(OnceShape { call, way: Keep }, to)
    }

    /// Appends many jobs to the end of the queue, in their order; returns how many. Some dozens of them move the end of the
    /// queue once, and call one thread: meant for several threads that submit at the same time on many cores, where that is
    /// most of what a submit costs. On two cores it is as quick as [`Group::submit`] in a loop. In a group that is limited, keeps
    /// an order or bounds its queue, and in each but the pool's own, they go in one by one.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool = Pool::<u64>::new()?;
    /// let submitted = pool.submit_all((0..1000).map(|n| move || n * n))?;
    /// assert_eq!(submitted, 1000);
    /// pool.shutdown();
    /// let sum: u64 = pool.done().drain().map(|done| done.value).sum();
    /// # assert_eq!(sum, (0..1000).map(|n| n * n).sum());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SubmitAllError`]: as [`Group::submit`], with those that were taken from the iterator and not accepted. Hand the iterator
    /// over by reference to keep the rest of it.
    ///
    /// # Panics
    ///
    /// Passes on a panic of the iterator. The jobs that it gave before were accepted, but for the last of them, less than 32.
    pub fn submit_all<F, R>(&self, jobs: impl IntoIterator<Item = F>) -> Result<usize, SubmitAllError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        let shape = |f| OnceShape { call: Plain::new(f), way: Keep };
        self.entrance().submit_all(jobs.into_iter().map(shape))
    }

    /// [`Group::submit`] with a callback of the job's own: it runs on the worker, right after the job, with the id and the
    /// value, which then does not go to the done queue. A panic of the callback fails the job.
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
    pub fn submit_done<F, R, D>(&self, f: F, on_done: D) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
        D: FnOnce(JobId, T) + Send + 'static,
    {
        self.job(f).on_done(on_done).submit()
    }

    /// Puts a job before all others: the last one put first is the first to run. In a group that is limited or paused, before
    /// all others of the group.
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
    pub fn submit_first<F, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.submit_to(Plain::new(f), To::Front)
    }

    /// [`Group::submit_first`] with a callback as in [`Group::submit_done`].
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
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
    /// As [`Group::submit`].
    #[inline]
    pub fn submit_later<F, R>(&self, delay: Duration, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.submit_to(Plain::new(f), To::Later(self.engine.time().tick_after(delay), None))
    }

    /// [`Group::submit_later`] with a callback as in [`Group::submit_done`].
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
    pub fn submit_done_later<F, R, D>(&self, delay: Duration, f: F, on_done: D) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
        D: FnOnce(JobId, T) + Send + 'static,
    {
        self.job(f).after(delay).on_done(on_done).submit()
    }

    /// Runs a job at a point in time: an [`Instant`](std::time::Instant), or a [`SystemTime`](std::time::SystemTime) of a clock that may
    /// be set meanwhile, see [`When`].
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
    pub fn submit_at<F, R>(&self, when: impl Into<When>, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        let when = when.into();
        match when.point(&self.engine) {
            At::Tick(due) => self.submit_to(Plain::new(f), To::Later(due, None)),
            At::Wall(_) => self.job(f).at(when).submit(),
        }
    }

    /// Runs a job every `interval`, the first time after one. The times lie on a grid and do not drift; when the pool
    /// falls behind, the missed runs follow at once ([`MissedTickBehavior::Burst`](crate::MissedTickBehavior::Burst)). It
    /// never overlaps with itself. A run that fails is reported, and the schedule goes on. [`Group::periodic`] can do more.
    ///
    /// # Errors
    ///
    /// As [`Group::submit`], and [`SubmitError::ZeroInterval`].
    pub fn schedule<F, R>(&self, interval: Duration, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnMut() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.periodic(f).every(interval).submit()
    }

    /// [`Group::schedule`] with a callback for each value.
    ///
    /// # Errors
    ///
    /// As [`Group::schedule`].
    pub fn schedule_done<F, R, D>(&self, interval: Duration, f: F, on_done: D) -> Result<JobId, SubmitError<F>>
    where
        F: FnMut() -> R + Send + 'static,
        R: Outcome<T> + 'static,
        D: FnMut(JobId, T) + Send + 'static,
    {
        self.periodic(f).every(interval).on_done(on_done).submit()
    }

    /// A job with all that can be said about it; ends with [`Job::submit`] or [`Job::spawn`].
    #[inline]
    pub fn job<F, R>(&self, f: F) -> Job<'_, T, Plain<F, R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: 'static,
    {
        Job::once(self.entrance(), Plain::new(f))
    }

    /// The same with a [`Context`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let named = pool.job_with(|job| format!("job {}", job.id())).name("an introduction").spawn()?;
    /// let id = named.id();
    /// assert_eq!(named.join()?, format!("job {id}"));
    /// # Ok(()) }
    /// ```
    pub fn job_with<F, R>(&self, f: F) -> Job<'_, T, WithContext<F, R>>
    where
        F: FnOnce(&Context<'_, T>) -> R + Send + 'static,
        R: 'static,
    {
        Job::once(self.entrance(), WithContext::new(f))
    }

    /// A job that runs again and again, one run after the other.
    pub fn periodic<F, R>(&self, f: F) -> Job<'_, T, Plain<F, R>, Keep, Periodic>
    where
        F: FnMut() -> R + Send + 'static,
        R: 'static,
    {
        Job::periodic(self.entrance(), Plain::new(f))
    }

    /// The same with a [`Context`], which says which run it is, how late it begins, and by which the job can end itself or say
    /// when it runs next.
    pub fn periodic_with<F, R>(&self, f: F) -> Job<'_, T, WithContext<F, R>, Keep, Periodic>
    where
        F: FnMut(&Context<'_, T>) -> R + Send + 'static,
        R: 'static,
    {
        Job::periodic(self.entrance(), WithContext::new(f))
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
    pub fn overlapping<F, R>(&self, f: F) -> Job<'_, T, Plain<F, R>, Keep, Overlapping>
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: 'static,
    {
        Job::overlapping(self.entrance(), Plain::new(f))
    }

    /// The same with a [`Context`], of each run.
    pub fn overlapping_with<F, R>(&self, f: F) -> Job<'_, T, WithContext<F, R>, Keep, Overlapping>
    where
        F: Fn(&Context<'_, T>) -> R + Send + Sync + 'static,
        R: 'static,
    {
        Job::overlapping(self.entrance(), WithContext::new(f))
    }

    /// Appends a job that is given a [`Context`]: its id, whether it has been cancelled, a way to emit values.
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
    pub fn submit_with<F, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce(&Context<'_, T>) -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.entrance().append(OnceShape { call: WithContext::new(f), way: Keep })
    }

    /// Appends a job whose function returns an iterator: each item is a result of the job, and goes to the done queue as
    /// it is produced. An item that is an `Err` goes to the failed queue; a panic ends the job. When a bounded done queue
    /// is full the job is put off between two items.
    ///
    /// # Cancellation
    ///
    /// A job that is told to stop ends before its next item, and is one that has ended well, with the results that it has left: its function
    /// cannot be asked whether it had more to say. Where that matters the last item says that it is the last.
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
    /// As [`Group::submit`].
    pub fn submit_iter<F, I, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> I + Send + 'static,
        I: Iterator<Item = R> + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.entrance().append(ItemsShape { function: f, items: PhantomData })
    }

    /// Appends a job of any type and returns a handle to it. Nothing goes to the queues of results: a `Result` is returned
    /// as it is, and an `Err` counts as done; a panic is an error of the join, and counts as a failure.
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
    pub fn spawn<F, U>(&self, f: F) -> Result<JoinHandle<U>, SubmitError<F>>
    where
        F: FnOnce() -> U + Send + 'static,
        U: Send + 'static,
    {
        self.spawn_call(Plain::new(f))
    }

    /// The same with a [`Context`].
    ///
    /// # Errors
    ///
    /// As [`Group::submit`].
    pub fn spawn_with<F, U>(&self, f: F) -> Result<JoinHandle<U>, SubmitError<F>>
    where
        F: FnOnce(&Context<'_, T>) -> U + Send + 'static,
        U: Send + 'static,
    {
        self.spawn_call(WithContext::new(f))
    }

    fn spawn_call<C>(&self, call: C) -> Result<JoinHandle<C::Value>, SubmitError<C::Function>>
    where
        C: Call<T>,
        C::Value: Send,
    {
        let (shape, receiver) = SpawnShape::new(call);
        let entrance = self.entrance();
        let id = entrance.append_by_call(shape)?;
        Ok(receiver.into_handle(Arc::clone(entrance.engine), id))
    }
}
