//! Listings and counts.
#![forbid(unsafe_code)]

use std::ptr;
use std::time::Instant;

use fastthreadpool_core::{EntryState, JobId};

use crate::engine::Engine;
use crate::groups::inner::Inner;
use crate::here::job::JobKind;
use crate::pool::Pool;

/// A job that has not begun, as it was found in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct JobInfo {
    /// Its id.
    pub id: JobId,
    /// What it waits for.
    pub kind: JobKind,
    /// When it is due, if it waits for a time.
    pub due: Option<Instant>,
}

/// How many threads and jobs are where, and how many jobs have ended how. The unit is a *turn*: a job that runs once is one, and
/// so is each run of one that repeats. At any time
///
/// ```text
/// accepted = timers + gated + queued + running + done + failed + cancelled + handed_back
/// ```
///
/// Only how the pending are divided into queued and running is approximate while the pool works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Worker threads of the pool.
    pub alive: usize,
    /// Worker threads that run a job; of a group, one of its jobs.
    pub busy: usize,
    /// Turns that were ever accepted.
    pub accepted: u64,
    /// Delayed and periodic jobs that wait for their time; paused schedules, too.
    pub timers: u64,
    /// Jobs that wait for their group, and futures that are pending.
    pub gated: u64,
    /// Jobs that wait for a worker.
    pub queued: u64,
    /// Jobs that run, or that a worker is about to begin: one of these can still be removed.
    pub running: u64,
    /// All that wait for no time: gated, queued and running together.
    pub pending: u64,
    /// Runs that ended well.
    pub done: u64,
    /// Runs that ended with an error or a panic.
    pub failed: u64,
    /// Jobs that were removed before they ran.
    pub cancelled: u64,
    /// Jobs that were accepted, and given back to who had submitted them after all: the pool was closed just then, or had no
    /// thread.
    pub handed_back: u64,
    /// What was reported besides the ends of runs: items of iterators that were errors, callbacks that panicked.
    pub reports: u64,
}

impl Counts {
    /// The right side of the equation.
    pub fn sum(&self) -> u64 {
        self.timers + self.pending + self.done + self.failed + self.cancelled + self.handed_back
    }

    /// Of a pool, all groups included.
    fn of_pool(engine: &Engine) -> Self {
        let sums = engine.sums();
        let core = engine.core.counts();
        Self {
            alive: core.alive,
            busy: core.busy,
            accepted: sums.accepted,
            timers: sums.waiting,
            gated: sums.gated,
            queued: sums.queued,
            running: sums.running,
            pending: sums.gated + sums.queued + sums.running,
            done: sums.done,
            failed: sums.failed,
            cancelled: sums.cancelled,
            handed_back: sums.handed_back,
            reports: engine.reports(),
        }
    }

    /// Of a group.
    pub(crate) fn of<T: Send + 'static>(engine: &Engine, group: &Inner<T>) -> Self {
        let core = &group.core;
        if core.policy.is_root {
            return Self::of_pool(engine);
        }
        engine.core.expire();
        let is_own = |owner: *mut ()| ptr::eq(owner, core.owner());
        let on_seats = engine.shown.count(|slot| is_own(slot.owner()));
        let shown = on_seats + core.cohorts.deep();
        // The ends come first, the accepted ones last; what waits in between.
        let inside = core.cohorts.inside();
        let (totals, (timers, gated)) = core.cohorts.totals(|| core.waiting(engine, &inside));
        let live = totals.live();
        let timers = (timers as u64).min(live);
        let pending = live - timers;
        let gated = (gated as u64).min(pending);
        let running = (shown as u64).min(pending - gated);
        Self {
            alive: engine.core.alive(),
            busy: on_seats,
            accepted: totals.accepted,
            timers,
            gated,
            queued: pending - gated - running,
            running,
            pending,
            done: totals.done,
            failed: totals.failed,
            cancelled: totals.cancelled,
            handed_back: totals.handed_back,
            reports: group.outlet.reports(),
        }
    }
}

impl<T: Send + 'static> Pool<T> {
    /// The counts of the whole pool; those of a group are asked of the group. O(threads).
    pub fn counts(&self) -> Counts {
        Counts::of_pool(self.engine())
    }

    /// Jobs that wait for a worker or for their group, or run. Delayed and periodic jobs count while they are due.
    pub fn pending(&self) -> usize {
        self.engine().pending()
    }

    /// The jobs that wait for a worker or for their group, oldest first in each. Blocks nobody for long; O(jobs).
    pub fn jobs(&self) -> Vec<JobInfo> {
        let mut jobs = self.entries(|kind| matches!(kind, JobKind::Urgent | JobKind::Gated));
        self.engine().core.visit_queued(|id| jobs.push(JobInfo { id, kind: JobKind::Queued, due: None }));
        jobs
    }

    /// The delayed jobs whose time has not come, in the order of their times.
    pub fn delayed(&self) -> Vec<JobInfo> {
        self.entries(|kind| kind == JobKind::Delayed)
    }

    /// The periodic jobs, in the order of their times; those that are paused first.
    pub fn scheduled(&self) -> Vec<JobInfo> {
        self.entries(|kind| kind == JobKind::Periodic)
    }

    /// The jobs whose present runs take longer than they [may](crate::Job::time_limit), the oldest first. They have been told to stop.
    pub fn overdue(&self) -> Vec<JobId> {
        self.engine().overdue()
    }

    fn entries(&self, wanted: impl Fn(JobKind) -> bool) -> Vec<JobInfo> {
        let mut found = Vec::new();
        self.engine().core.visit_entries(|id, view| {
            let Some(kind) = JobKind::of(&view) else { return };
            let kind_is_wanted = wanted(kind) || kind == JobKind::Queued && wanted(JobKind::Gated);
            if kind_is_wanted {
                let has_time = match view.state {
                    EntryState::Waiting => true,
                    EntryState::Parked => false,
                    _ => kind == JobKind::Periodic,
                };
                let due = if has_time { self.engine().time().instant(view.due) } else { None };
                found.push(JobInfo { id, kind, due });
            }
        });
        found.sort_by_key(|job| job.due);
        found
    }
}
