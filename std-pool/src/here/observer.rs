//! What an observer is told.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Instant;

use fastthreadpool_core::JobId;

use crate::here::job::JobKind;
use crate::here::removed::CancelReason;

/// Is told of what happens in a pool, where it happens: [`Builder::observer`](crate::Builder::observer).
///
/// Each method does nothing by default. They are called on the thread that submits, runs or removes the job, between its jobs or in the
/// middle of a call of the pool, so they should not take their time, and never wait. They may submit, and cancel. They say no times: an
/// observer that wants one reads a clock, which may cost more than a job. A panic in one of them is caught and ends there.
///
/// What belongs to no job of its own is not told: the tasks of [scopes](crate::Group::scope), [joins](crate::Group::join) and
/// [loops](crate::Par), of which only the job that they belong to is.
///
/// # Order
///
/// All that is told of one job is told in the order of this table, but for one thing: who submits is told that the job was accepted when it is in
/// the queue already, so that it may be told before that it has begun, or even ended, or was removed.
///
/// | told | of a job |
/// |---|---|
/// | [`accepted`](Self::accepted) | once |
/// | [`begun`](Self::begun) and [`ended`](Self::ended) | once for each run, in turn and on the same thread |
/// | [`removed`](Self::removed) | instead of another run, at most once |
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use std::sync::Arc;
///
/// use fastthreadpool::{JobRun, Observer, Pool, RunEnd};
///
/// #[derive(Default)]
/// struct Failures(AtomicUsize);
///
/// impl Observer for Failures {
///     fn ended(&self, run: &JobRun, end: RunEnd) {
///         if end == RunEnd::Failed {
///             println!("{} ({}) has failed", run.name, run.id);
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let failures = Arc::new(Failures::default());
/// let pool: Pool<u32> = Pool::builder().observer(Arc::clone(&failures)).build()?;
/// pool.submit(|| "1".parse())?;
/// pool.job(|| "one".parse()).name("parse").submit()?;
/// pool.wait_idle();
/// assert_eq!(failures.0.load(Ordering::Relaxed), 1);
/// # Ok(()) }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// The pool has taken a job. Not told of jobs that are refused.
    fn accepted(&self, job: &AcceptedJob) {
        let _ = job;
    }

    /// A job begins to run; or goes on, after [`RunEnd::PutOff`].
    fn begun(&self, run: &JobRun) {
        let _ = run;
    }

    /// The run that has begun on this thread is over.
    fn ended(&self, run: &JobRun, end: RunEnd) {
        let _ = (run, end);
    }

    /// A job was removed before it ran, ran again or went on: nothing is left of it.
    fn removed(&self, id: JobId, reason: CancelReason) {
        let _ = (id, reason);
    }

    /// Something has happened to a worker; told on its own thread.
    fn worker(&self, worker: usize, event: WorkerEvent) {
        let _ = (worker, event);
    }
}

/// A shared one, so that who has made it can ask it.
impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn accepted(&self, job: &AcceptedJob) {
        (**self).accepted(job);
    }

    fn begun(&self, run: &JobRun) {
        (**self).begun(run);
    }

    fn ended(&self, run: &JobRun, end: RunEnd) {
        (**self).ended(run, end);
    }

    fn removed(&self, id: JobId, reason: CancelReason) {
        (**self).removed(id, reason);
    }

    fn worker(&self, worker: usize, event: WorkerEvent) {
        (**self).worker(worker, event);
    }
}

/// A job that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AcceptedJob {
    /// Its id.
    pub id: JobId,
    /// As [`JobInfo`](crate::JobInfo) says of a job: the name that it was given, or the type of its function.
    pub name: &'static str,
    /// The name of its group, if that has one: [`GroupBuilder::name`](crate::GroupBuilder::name).
    pub group: &'static str,
    /// Where it waits; [`JobKind::Gated`] if it belongs to a group that lets only some begin, although it may be let through at once.
    pub kind: JobKind,
    /// When it is to begin, if it waits for a time.
    pub due: Option<Instant>,
}

/// One run of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct JobRun {
    /// Of the job.
    pub id: JobId,
    /// The same as in [`AcceptedJob`].
    pub name: &'static str,
    /// The worker, by its place: the lowest that was free, from 0. None on a thread that is no worker of the pool: one that waits for the job, or one that has
    /// submitted it where it is to run.
    pub worker: Option<usize>,
    /// When a delayed job, or the run of a periodic one, was to begin. None if somebody who waits for it runs it.
    pub due: Option<Instant>,
}

/// How a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunEnd {
    /// Well.
    Done,
    /// With an error, or a panic.
    Failed,
    /// The worker has found that the job was cancelled with its group, or was late: its function was not called. That it was removed is told before.
    Cancelled,
    /// It goes on later, on whatever worker: a future that is pending, or a result for which there was no room.
    PutOff,
}

/// What happens to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerEvent {
    /// Its thread works for the pool from now on.
    Started,
    /// It has nothing to do, and is about to sleep.
    Parked,
    /// It is up again.
    Woken,
    /// Its thread works for the pool no more.
    Ended,
}
