//! Who waits for what in a pool, for one that seems stuck.
#![forbid(unsafe_code)]

use std::fmt;

use fastthreadpool_core::{JobId, Phase};

use crate::engine::waits::{self, Waits, What};
use crate::info::Counts;
use crate::pool::Pool;

/// What a pool does now, and who waits in it for what: from [`Pool::report`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The prefix of its threads' names.
    pub name: String,
    /// Whether it takes jobs.
    pub is_open: bool,
    /// Whether it is [paused](crate::Group::pause).
    pub is_paused: bool,
    /// Where its jobs are.
    pub counts: Counts,
    /// How many threads there are to be at most, but for those that stand in for others that wait.
    pub threads: usize,
    /// How many workers run a job that waits for something that the pool knows.
    pub waiting: usize,
    /// The jobs that run, by the place of their worker; those that run inside of others after these.
    pub running: Vec<(usize, JobId)>,
    /// Who waits for something of the pool's, or in a job of it.
    pub waits: Vec<Wait>,
    /// How many groups have results or failures that their callbacks have not been called with.
    pub untold: usize,
}

/// One that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Wait {
    /// The job in which it does, if it is one of the pool's.
    pub by: Option<JobId>,
    /// For what.
    pub what: Awaited,
}

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Awaited {
    /// Nothing is pending.
    Idle,
    /// The jobs of a group have ended.
    Group,
    /// The jobs of a scope have.
    Scope,
    /// One job has. It may be another pool's.
    Job(JobId),
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("nothing to be pending"),
            Self::Group => f.write_str("the jobs of a group"),
            Self::Scope => f.write_str("the jobs of a scope"),
            Self::Job(id) => write!(f, "job {id}"),
        }
    }
}

/// Some lines for people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { alive, busy, timers, gated, queued, .. } = self.counts;
        let state = if self.is_open { "open" } else { "closed" };
        let paused = if self.is_paused { ", paused" } else { "" };
        writeln!(f, "{}: {state}{paused}", self.name)?;
        writeln!(f, "workers: {alive} of {}, {busy} run a job, {} of these wait in it", self.threads, self.waiting)?;
        write!(
            f,
            "jobs: {queued} queued, {gated} at the limits of groups or pending futures, {timers} wait for their time"
        )?;
        for (worker, id) in &self.running {
            write!(f, "\nworker {worker} runs job {id}")?;
        }
        for Wait { by, what } in &self.waits {
            match by {
                Some(id) => write!(f, "\njob {id} waits for {what}")?,
                None => write!(f, "\nsomebody outside waits for {what}")?,
            }
        }
        match self.untold {
            0 => Ok(()),
            groups => write!(f, "\ncallbacks of {groups} groups are behind"),
        }
    }
}

impl<T: Send + 'static> Pool<T> {
    /// Who waits for what: for a pool that seems stuck. What is not known to the pool, as a job that waits for a lock, is seen as a job that
    /// runs. Taken while the pool works, its parts are of different moments. O(jobs that run + waits).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{Awaited, Pool};
    /// use std::sync::mpsc;
    ///
    /// let pool: Pool = Pool::builder().threads(1).build()?;
    /// let (begun, has_begun) = mpsc::channel();
    /// let (open, gate) = mpsc::channel::<()>();
    /// let stuck = pool.submit(move || {
    ///     drop(begun);
    ///     gate.recv().unwrap_or(());
    /// })?;
    /// has_begun.recv().unwrap_or(());
    /// let report = pool.report();
    /// assert_eq!(report.running, [(0, stuck)]);
    /// println!("{report}");
    /// drop(open);
    /// # Ok(()) }
    /// ```
    pub fn report(&self) -> Report {
        let engine = self.engine();
        let wait = |Waits { by, what }| {
            let what = match what {
                What::Idle => Awaited::Idle,
                What::Groups => Awaited::Group,
                What::Scope => Awaited::Scope,
                What::Job(id) => Awaited::Job(id),
            };
            Wait { by, what }
        };
        let (mut running, mut untold) = (Vec::new(), 0);
        engine.core.visit_running(|worker, id| running.push((worker, id)));
        engine.each_party(&mut |party| untold += usize::from(!party.is_told()));
        Report {
            name: engine.config.name_prefix.clone(),
            is_open: engine.core.phase() == Phase::Running,
            is_paused: engine.core.is_paused(),
            counts: self.counts(),
            threads: self.threads(),
            waiting: engine.core.blocked(),
            running,
            waits: waits::waits(engine).into_iter().map(wait).collect(),
            untold,
        }
    }
}
