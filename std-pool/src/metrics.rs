//! What is measured in a pool, as a value.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use fastthreadpool_core::NO_SEAT;

use crate::engine::meter::{Measured, Shift};
use crate::group::Group;
use crate::here::histogram::Histogram;
use crate::info::Counts;
use crate::pool::Pool;

/// How a pool does: from [`Pool::metrics`].
///
/// The counts are exact. Times are measured of some jobs, since a look at the clock takes longer than a job may: of those that are appended to the queue one in 64 has its run
/// timed, which then stands for 64, and each after one that took 10 microseconds or more on the same worker, until one is shorter; and of one in 256 it is known how long it has waited. Of all others
/// each run is timed. The times follow the clock of the system, but for how late runs are where [another](crate::Builder::clock) says when they are due.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// Where the pool's jobs are, and how they ended.
    pub counts: Counts,
    /// How many workers run a job that waits for something that the pool knows: others stand in for them.
    pub blocked: usize,
    /// Whether times are measured: [`Builder::metrics`](crate::Builder::metrics). Without it what follows is empty.
    pub is_measured: bool,
    /// How long the pool has been there.
    pub age: Duration,
    /// From the submit until the beginning, of jobs that are appended to the queue.
    pub waiting: Histogram,
    /// From the beginning to the end of a run.
    pub running: Histogram,
    /// From the time when a delayed job or a run of a periodic one was due until its beginning, at the limit of its group, too. Not of one that somebody
    /// who waits for it runs himself.
    pub late: Histogram,
    /// How long the oldest job in the queue has waited, at least: as far as one in 256 of the jobs, and the calls of [`Pool::metrics`], tell.
    /// None if none is known to wait.
    pub oldest: Option<Duration>,
    /// The workers, by their place; of a place all that ever had it.
    pub workers: Vec<WorkerMetrics>,
}

/// How a worker does.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// Its place: the lowest that was free, from 0.
    pub worker: usize,
    /// How long it was there.
    pub present: Duration,
    /// How long it slept of that, since it had nothing to do.
    pub asleep: Duration,
    /// How often it got up.
    pub wake_ups: u64,
}

impl WorkerMetrics {
    /// Which share of its time it was awake, from 0 to 1: it ran jobs, waited in them, or looked for some.
    #[must_use]
    pub fn awake(&self) -> f64 {
        if self.present.is_zero() { 0.0 } else { 1.0 - self.asleep.as_secs_f64() / self.present.as_secs_f64() }
    }

    fn of((worker, shift): (usize, Shift)) -> Self {
        let [present, asleep] = [shift.nanos_present, shift.nanos_asleep].map(Duration::from_nanos);
        Self { worker, present, asleep, wake_ups: shift.wake_ups }
    }
}

impl Metrics {
    /// How often workers got up.
    #[must_use]
    pub fn wake_ups(&self) -> u64 {
        self.workers.iter().map(|worker| worker.wake_ups).sum()
    }

    /// Which share of their time the workers were awake, from 0 to 1.
    #[must_use]
    pub fn awake(&self) -> f64 {
        let sum = |of: fn(&WorkerMetrics) -> Duration| self.workers.iter().map(of).sum();
        let all =
            WorkerMetrics { worker: NO_SEAT, present: sum(|w| w.present), asleep: sum(|w| w.asleep), wake_ups: 0 };
        all.awake()
    }

    fn new(counts: Counts, blocked: usize, measured: Option<Measured>) -> Self {
        let is_measured = measured.is_some();
        let Measured { waiting, running, late, shifts, nanos, oldest } = measured.unwrap_or_default();
        let (age, oldest) = (Duration::from_nanos(nanos), oldest.map(Duration::from_nanos));
        let workers = shifts.into_iter().map(WorkerMetrics::of).collect();
        Self { counts, blocked, is_measured, age, waiting, running, late, oldest, workers }
    }
}

/// Some lines for people.
impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { alive, busy, accepted, timers, gated, queued, running, done, failed, cancelled, .. } = self.counts;
        writeln!(f, "workers  {alive}, {busy} of them run a job, {} of these wait in it", self.blocked)?;
        writeln!(f, "jobs     {accepted} accepted: {done} done, {failed} failed, {cancelled} cancelled")?;
        write!(f, "now      {queued} queued, {gated} at gates, {timers} wait for their time, {running} run")?;
        if !self.is_measured {
            return Ok(());
        }
        writeln!(f)?;
        writeln!(f, "waiting  {}", self.waiting)?;
        writeln!(f, "running  {}", self.running)?;
        writeln!(f, "late     {}", self.late)?;
        if let Some(oldest) = self.oldest {
            writeln!(f, "oldest   has waited for {oldest:.1?} at least")?;
        }
        write!(f, "awake    {:.1} % of the time, {} wake-ups", 100.0 * self.awake(), self.wake_ups())
    }
}

impl<T: Send + 'static> Pool<T> {
    /// How the pool does now. With [`Builder::metrics`](crate::Builder::metrics) it tells times, too. O(workers).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::builder().threads(2).metrics(true).build()?;
    /// pool.submit_all((0..1000).map(|_| || ()))?;
    /// pool.wait_idle();
    /// let metrics = pool.metrics();
    /// assert_eq!((metrics.counts.done, metrics.waiting.count()), (1000, 4));
    /// println!("{metrics}");
    /// # Ok(()) }
    /// ```
    pub fn metrics(&self) -> Metrics {
        let engine = self.engine();
        Metrics::new(self.counts(), engine.core.blocked(), engine.meter().map(|meter| meter.read(&engine.core)))
    }
}

/// How a group does: from [`Group::metrics`].
///
/// The counts are exact. Of jobs that run once one in 64 is measured, by its id, and its run stands for 64; after a run that took 10 microseconds or
/// more each is, until one is shorter. Runs of periodic jobs are measured each, and so is each poll of a future and each item of an iterator for itself.
/// Jobs of groups inside it count.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct GroupMetrics {
    /// Where the group's jobs are, and how they ended.
    pub counts: Counts,
    /// Whether times are measured: [`Builder::metrics`](crate::Builder::metrics). Without it what follows is empty.
    pub is_measured: bool,
    /// From the submit until the beginning, at the group's limit and in the queue; of one in 64 of the jobs that did not wait for a time.
    pub waiting: Histogram,
    /// From the beginning to the end of a run.
    pub running: Histogram,
}

/// Some lines for people.
impl fmt::Display for GroupMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { accepted, queued, gated, timers, running, done, failed, cancelled, .. } = self.counts;
        writeln!(f, "jobs     {accepted} accepted: {done} done, {failed} failed, {cancelled} cancelled")?;
        write!(f, "now      {queued} queued, {gated} at gates, {timers} wait for their time, {running} run")?;
        if self.is_measured {
            write!(f, "\nwaiting  {}\nrunning  {}", self.waiting, self.running)?;
        }
        Ok(())
    }
}

impl<T: Send + 'static> Group<T> {
    /// How the group does now. With [`Builder::metrics`](crate::Builder::metrics) of its pool it tells times, too. The pool's own group is told of
    /// by [`Pool::metrics`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::builder().threads(2).metrics(true).build()?;
    /// let uploads = pool.group::<()>().name("uploads").limit(1).build()?;
    /// for _ in 0..1000 {
    ///     uploads.submit(|| ())?;
    /// }
    /// uploads.wait();
    /// let metrics = uploads.metrics();
    /// assert_eq!(metrics.counts.done, 1000);
    /// println!("{metrics}");
    /// # Ok(()) }
    /// ```
    pub fn metrics(&self) -> GroupMetrics {
        let gauge = self.inner.core.policy.gauge.as_ref();
        let (waiting, running) = gauge.map(|gauge| gauge.read()).unwrap_or_default();
        GroupMetrics { counts: self.counts(), is_measured: gauge.is_some(), waiting, running }
    }
}
