//! Several jobs at once: all of them, or the first that succeeds.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::awaits::Awaits;
use crate::engine::submit_error::SubmitError;
use crate::engine::waits::InLine;
use crate::group::Group;
use crate::here::cancellation::Cancellation;
use crate::here::{blocking, inside};
use crate::jobs::call::Plain;
use crate::jobs::spawned::{JoinHandle, SpawnShape};
use crate::results::outcome::JobError;
use crate::sync::race::Race;
use crate::sync::time::Deadline;

impl<T: Send + 'static> Group<T> {
    /// Submits jobs of any type, waits until all have ended, and returns what they returned, in their order. Nothing goes to the
    /// queues of results. Where the queue is full it waits for room, as [`Group::submit_wait`] does.
    ///
    /// Inside a job of the same pool it does not deadlock: see [`JoinHandle::join`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let lengths = pool.invoke_all(["all", "of", "them"].map(|word| move || word.len()));
    /// assert!(lengths.into_iter().map(Result::unwrap).eq([3, 2, 4]));
    /// # Ok(()) }
    /// ```
    ///
    /// An error is that of one job: it panicked, or was cancelled by somebody; one that the pool did not take, since it is
    /// closed, or has no thread, is [`JobError::Cancelled`].
    ///
    /// # Panics
    ///
    /// Passes on a panic of the iterator. The jobs that it gave before are cancelled.
    pub fn invoke_all<F, U>(&self, jobs: impl IntoIterator<Item = F>) -> Vec<Result<U, JobError>>
    where
        F: FnOnce() -> U + Send + 'static,
        U: Send + 'static,
    {
        self.invoke_all_until(jobs, Deadline::NEVER)
    }

    /// [`Group::invoke_all`], at most so long: then the rest is cancelled, and is [`JobError::Expired`]. Of these what has not
    /// begun will not, and what runs is told to stop, and not waited for. A job that was begun in here, inside of one of the same
    /// pool, is not left alone.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{JobError, Pool};
    /// use std::time::Duration;
    ///
    /// let pool: Pool = Pool::builder().threads(1).build()?;
    /// let (sender, receiver) = std::sync::mpsc::channel::<u32>();
    /// let jobs: [Box<dyn FnOnce() -> u32 + Send>; 2] = [Box::new(|| 1), Box::new(move || receiver.recv().unwrap_or(2))];
    /// let results = pool.invoke_all_timeout(jobs, Duration::from_millis(50));
    /// assert!(matches!(results[1], Err(JobError::Expired)));
    /// # drop(sender);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// As [`Group::invoke_all`].
    pub fn invoke_all_timeout<F, U>(
        &self,
        jobs: impl IntoIterator<Item = F>,
        timeout: Duration,
    ) -> Vec<Result<U, JobError>>
    where
        F: FnOnce() -> U + Send + 'static,
        U: Send + 'static,
    {
        self.invoke_all_until(jobs, self.engine.time().after(timeout))
    }

    fn invoke_all_until<F, U>(&self, jobs: impl IntoIterator<Item = F>, end: Deadline<'_>) -> Vec<Result<U, JobError>>
    where
        F: FnOnce() -> U + Send + 'static,
        U: Send + 'static,
    {
        let mut several = Several(Vec::new());
        jobs.into_iter().for_each(|job| several.0.push(self.spawn_until(job, end)));
        several.results(end)
    }

    /// Submits jobs, and returns what the first has returned that succeeds. The others are cancelled then: what has not begun
    /// will not, what runs is told to stop, and not waited for; and nothing more is taken from the iterator. Where the queue is
    /// full it waits for room, as [`Group::submit_wait`] does; inside a job another worker stands in for this one.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{Attempt, Pool};
    /// let pool: Pool = Pool::new()?;
    /// let parsed = pool.invoke_any(["one", "2", "three"].map(|text| move || text.parse::<u32>()));
    /// assert_eq!(parsed.unwrap(), 2);
    ///
    /// let errors = pool.invoke_any(["one", "two"].map(|text| move || text.parse::<u32>())).unwrap_err();
    /// assert!(errors.len() == 2 && matches!(errors[0], Attempt::Failed(_)));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// What has become of each of them, in their order, if none succeeds; of no jobs nothing.
    ///
    /// # Panics
    ///
    /// As [`Group::invoke_all`].
    pub fn invoke_any<F, U, E>(&self, jobs: impl IntoIterator<Item = F>) -> Result<U, Vec<Attempt<E>>>
    where
        F: FnOnce() -> Result<U, E> + Send + 'static,
        U: Send + 'static,
        E: Send + 'static,
    {
        self.invoke_any_until(jobs, Deadline::NEVER)
    }

    /// [`Group::invoke_any`], at most so long: then all are cancelled, and those that had not ended are [`JobError::Expired`].
    ///
    /// # Errors
    ///
    /// As [`Group::invoke_any`].
    ///
    /// # Panics
    ///
    /// As [`Group::invoke_all`].
    pub fn invoke_any_timeout<F, U, E>(
        &self,
        jobs: impl IntoIterator<Item = F>,
        timeout: Duration,
    ) -> Result<U, Vec<Attempt<E>>>
    where
        F: FnOnce() -> Result<U, E> + Send + 'static,
        U: Send + 'static,
        E: Send + 'static,
    {
        self.invoke_any_until(jobs, self.engine.time().after(timeout))
    }

    fn invoke_any_until<F, U, E>(
        &self,
        jobs: impl IntoIterator<Item = F>,
        end: Deadline<'_>,
    ) -> Result<U, Vec<Attempt<E>>>
    where
        F: FnOnce() -> Result<U, E> + Send + 'static,
        U: Send + 'static,
        E: Send + 'static,
    {
        let race = Race::new();
        let mut several = Several(Vec::new());
        {
            // Nobody is the last before all have come.
            let _start = race.enter();
            for job in jobs {
                let runner = race.enter();
                let job = move || job().map_or_else(Some, |value| runner.wins(value));
                several.0.push(self.spawn_until(job, end));
                if race.is_over() {
                    break;
                }
            }
        }
        let is_over = self.await_race(&race, &several, end);
        if let Some(value) = race.packet.take().flatten() {
            return Ok(value);
        }
        let losers = several.results(match is_over {
            Some(true) => Deadline::NEVER,
            Some(false) => end,
            None => Deadline::NOW,
        });
        // One may have been the first after all.
        if let Some(value) = race.packet.take().flatten() {
            return Ok(value);
        }
        let attempt = |result| match result {
            Ok(Some(error)) => Attempt::Failed(error),
            Ok(None) => unreachable!("who succeeds leaves its value, or another has"),
            Err(JobError::Expired) if is_over.is_none() => Attempt::Ended(JobError::WouldDeadlock),
            Err(error) => Attempt::Ended(error),
        };
        Err(losers.into_iter().map(attempt).collect())
    }

    /// Waits until one has won, or none can any more; false when the time is over, `None` when nobody is left to stand in.
    fn await_race<U, R: Send + 'static>(
        &self,
        race: &Race<U>,
        several: &Several<R>,
        end: Deadline<'_>,
    ) -> Option<bool> {
        if race.packet.is_full() || !inside::is_in_any() {
            return Some(self.engine.attended(|| race.packet.wait(end)));
        }
        let (engine, core) = (&*self.engine, &self.inner.core);
        if core.is_gated {
            engine.give_way(core.slot(engine));
        }
        // Those who wait for this job see what it waits for.
        let lines = several.0.iter().flatten().map(|handle| InLine::enter(Awaits::Job(engine, handle.id())));
        let _lines: Vec<_> = lines.collect();
        blocking::maybe(|| engine.attended(|| race.packet.wait(end)))
    }

    /// Spawns a job when there is room for it.
    fn spawn_until<F, U>(&self, f: F, end: Deadline<'_>) -> Result<JoinHandle<U>, JobError>
    where
        F: FnOnce() -> U + Send + 'static,
        U: Send + 'static,
    {
        let entrance = self.entrance();
        let submitted = match entrance.wait_for_room(end) {
            Ok(()) => {
                let (shape, receiver) = SpawnShape::new(Plain::new(f));
                let submitted = entrance.submit_with_room(shape);
                submitted.map(|id| receiver.into_handle(Arc::clone(&self.engine), id))
            }
            Err(refusal) => Err(refusal.of(f)),
        };
        submitted.map_err(|refused| match refused {
            SubmitError::TimedOut(_) => JobError::Expired,
            SubmitError::WouldDeadlock(_) => JobError::WouldDeadlock,
            _ => JobError::Cancelled,
        })
    }
}

/// What has become of one of several jobs, none of which has succeeded; from [`Group::invoke_any`].
#[derive(Debug)]
pub enum Attempt<E> {
    /// It returned this error.
    Failed(E),
    /// It returned nothing: it panicked, was cancelled, or was not taken.
    Ended(JobError),
}

impl<E: fmt::Display> fmt::Display for Attempt<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Ended(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for Attempt<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Ended(error) => error.source(),
        }
    }
}

/// Jobs that are cancelled when nobody waits for them any more.
struct Several<U: Send + 'static>(Vec<Result<JoinHandle<U>, JobError>>);

impl<U: Send + 'static> Several<U> {
    /// Waits for what they return; from `end` on for nothing any more.
    fn results(&mut self, end: Deadline<'_>) -> Vec<Result<U, JobError>> {
        let mut results = Vec::with_capacity(self.0.len());
        while results.len() < self.0.len() {
            // In its place: those behind it are still to be cancelled if this panics.
            let next = mem::replace(&mut self.0[results.len()], Err(JobError::Cancelled));
            results.push(next.and_then(|handle| join_until(handle, end)));
        }
        results
    }
}

impl<U: Send + 'static> Drop for Several<U> {
    fn drop(&mut self) {
        for handle in self.0.iter().flatten() {
            handle.cancel();
        }
    }
}

fn join_until<U: Send + 'static>(handle: JoinHandle<U>, end: Deadline<'_>) -> Result<U, JobError> {
    if end.is_never() {
        return handle.join();
    }
    let handle = if end.now() < end.tick {
        match handle.join_until(end) {
            Ok(result) => return result,
            Err(late) => late,
        }
    } else {
        handle
    };
    let cancelled = handle.cancel();
    match handle.is_finished().then(|| handle.join()) {
        Some(Err(JobError::Cancelled)) if cancelled == Cancellation::Removed => Err(JobError::Expired),
        Some(result) => result,
        None => Err(JobError::Expired),
    }
}
