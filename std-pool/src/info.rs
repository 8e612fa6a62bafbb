//! Listings and counts.
#![forbid(unsafe_code)]

use std::time::Instant;

use fastthreadpool_core::{EntryState, JobId};

use crate::host;
use crate::pool::Pool;

/// A job that has not begun, as it was found in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobInfo {
    /// Its id.
    pub id: JobId,
    /// What it waits for.
    pub kind: JobKind,
    /// When it is due, if it waits for a time.
    pub due: Option<Instant>,
}

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobKind {
    /// Its turn in the queue.
    Queued,
    /// A free worker: it goes before all others.
    Urgent,
    /// Its time.
    Delayed,
    /// The time of its next run.
    Periodic,
    /// Room for its result in a bounded done queue.
    PutOff,
}

/// How many threads and jobs are where. Read while the pool works, so only exact when it stands still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Worker threads.
    pub alive: usize,
    /// Worker threads that run a job.
    pub busy: usize,
    /// Jobs that wait for a worker, or run.
    pub pending: usize,
    /// Jobs that wait for a worker.
    pub queued: usize,
    /// Delayed and periodic jobs that wait for their time.
    pub timers: usize,
    /// Runs that ended well, in all views, since the pool was built.
    pub done: usize,
    /// Runs that ended with an error or a panic; items of iterators that were errors; callbacks of the pool that panicked.
    pub failed: usize,
    /// Jobs that were removed before they ran.
    pub cancelled: usize,
}

impl<T: Send + 'static> Pool<T> {
    /// All counts at once; O(threads).
    pub fn counts(&self) -> Counts {
        let shared = self.shared();
        let (core, pending) = (shared.core.counts(), shared.pending());
        Counts {
            alive: core.alive,
            busy: core.busy,
            pending,
            queued: pending.saturating_sub(core.busy),
            timers: core.timers,
            done: shared.done(),
            failed: shared.failed(),
            cancelled: shared.cancelled(),
        }
    }

    /// Worker threads.
    pub fn alive(&self) -> usize {
        self.shared().core.counts().alive
    }

    /// Worker threads that run a job.
    pub fn busy(&self) -> usize {
        self.shared().core.counts().busy
    }

    /// Jobs that wait for a worker, or run. Delayed and periodic jobs count while they are due.
    pub fn pending(&self) -> usize {
        self.shared().pending()
    }

    /// The jobs that wait for a worker, and those that were put off. Blocks nobody for long; O(jobs).
    pub fn jobs(&self) -> Vec<JobInfo> {
        let put_off = self.shared().bounded.as_ref().map_or_else(Vec::new, |view| view.put_off());
        let mut jobs = self.entries(|kind| kind == JobKind::Urgent);
        // What waits again goes under the id that it had.
        jobs.retain(|job| put_off.iter().all(|(_, again)| *again != Some(job.id)));
        let no_time = |kind| move |id| JobInfo { id, kind, due: None };
        self.shared().core.visit_queued(|id| jobs.push(no_time(JobKind::Queued)(id)));
        jobs.extend(put_off.into_iter().map(|(id, _)| id).map(no_time(JobKind::PutOff)));
        jobs
    }

    /// The delayed jobs whose time has not come, in the order of their times.
    pub fn delayed(&self) -> Vec<JobInfo> {
        self.entries(|kind| kind == JobKind::Delayed)
    }

    /// The periodic jobs, in the order of their times.
    pub fn scheduled(&self) -> Vec<JobInfo> {
        self.entries(|kind| kind == JobKind::Periodic)
    }

    fn entries(&self, wanted: impl Fn(JobKind) -> bool) -> Vec<JobInfo> {
        let mut found = Vec::new();
        self.shared().core.visit_entries(|id, view| {
            let kind = match (view.repeat, view.state) {
                (Some(_), _) => JobKind::Periodic,
                (None, EntryState::Waiting) => JobKind::Delayed,
                (None, _) => JobKind::Urgent,
            };
            if wanted(kind) {
                let due = if kind == JobKind::Urgent { None } else { host::instant(view.due) };
                found.push(JobInfo { id, kind, due });
            }
        });
        found.sort_by_key(|job| job.due);
        found
    }
}
