//! A pool's metrics for the recorder of the crate `metrics`, and so for whatever that hands them to.
#![forbid(unsafe_code)]

use std::fmt;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use metrics::{SharedString, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::group::Group;
use crate::here::histogram::Histogram;
use crate::info::Counts;
use crate::metrics::{GroupMetrics, Metrics};
use crate::weak_pool::WeakPool;

/// Hands what [`Pool::metrics`](crate::Pool::metrics) tells to the recorder of the crate [`metrics`], so that Prometheus and others have it. With the feature `metrics`.
/// It is done when somebody says so, as a job of the pool's every few seconds.
///
/// | name | kind | |
/// |---|---|---|
/// | `fastthreadpool_jobs_accepted`, `_done`, `_failed`, `_cancelled` | counters | |
/// | `fastthreadpool_jobs_queued`, `_gated`, `_delayed`, `_running` | gauges | where jobs are now |
/// | `fastthreadpool_workers_alive`, `_busy`, `_blocked` | gauges | the last: those whose job waits, for which others stand in |
/// | `fastthreadpool_waiting_seconds`, `_running_seconds`, `_late_seconds` | histograms | with [`Builder::metrics`](crate::Builder::metrics); each duration as the upper end of its power of two |
/// | `fastthreadpool_oldest_seconds`, `fastthreadpool_workers_awake` | gauges | the same: how long the oldest has waited, 0 if none; the share from 0 to 1 |
/// | `fastthreadpool_wake_ups` | counter | the same |
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use fastthreadpool::Pool;
/// use fastthreadpool::Exporter;
/// use std::time::Duration;
///
/// let pool: Pool = Pool::builder().metrics(true).build()?;
/// let mut exporter = Exporter::new(pool.downgrade(), "images");
/// pool.schedule(Duration::from_secs(10), move || _ = exporter.export())?;
/// # pool.cancel_timers();
/// # Ok(()) }
/// ```
pub struct Exporter<T> {
    pool: WeakPool<T>,
    label: (&'static str, SharedString),
    /// What was handed over last: histograms are told what has come since.
    last: Metrics,
    groups: Vec<OfGroup>,
}

/// A group that is told of, too.
struct OfGroup {
    labels: [(&'static str, SharedString); 2],
    last: GroupMetrics,
    /// None if it is gone.
    read: Box<dyn Fn() -> Option<GroupMetrics> + Send>,
}

impl<T: Send + 'static> Exporter<T> {
    /// One for a pool; all that it tells is labelled with `pool` and this name. It describes the metrics to the recorder that there is now.
    pub fn new(pool: WeakPool<T>, name: impl Into<String>) -> Self {
        describe_counter!("fastthreadpool_jobs_accepted", Unit::Count, "Turns of jobs that were accepted");
        describe_counter!("fastthreadpool_jobs_done", Unit::Count, "Turns that ended well");
        describe_counter!("fastthreadpool_jobs_failed", Unit::Count, "Turns that failed, or panicked");
        describe_counter!("fastthreadpool_jobs_cancelled", Unit::Count, "Turns that were removed");
        describe_gauge!("fastthreadpool_jobs_queued", Unit::Count, "Jobs that wait for a worker");
        describe_gauge!("fastthreadpool_jobs_gated", Unit::Count, "Jobs that wait at the limits of groups");
        describe_gauge!("fastthreadpool_jobs_delayed", Unit::Count, "Jobs that wait for their time");
        describe_gauge!("fastthreadpool_jobs_running", Unit::Count, "Jobs that run");
        describe_gauge!("fastthreadpool_workers_alive", Unit::Count, "Workers");
        describe_gauge!("fastthreadpool_workers_busy", Unit::Count, "Workers that run a job");
        describe_gauge!("fastthreadpool_workers_blocked", Unit::Count, "Workers whose job waits");
        describe_histogram!("fastthreadpool_waiting_seconds", Unit::Seconds, "From the submit to the beginning");
        describe_histogram!("fastthreadpool_running_seconds", Unit::Seconds, "From the beginning to the end");
        describe_histogram!("fastthreadpool_late_seconds", Unit::Seconds, "From the due time to the beginning");
        describe_gauge!("fastthreadpool_oldest_seconds", Unit::Seconds, "How long the oldest job has waited");
        describe_gauge!("fastthreadpool_workers_awake", "Which share of their time workers were awake");
        describe_counter!("fastthreadpool_wake_ups", Unit::Count, "How often workers got up");
        Self { pool, label: ("pool", shared(name)), last: Metrics::default(), groups: Vec::new() }
    }

    /// The same of one of the pool's groups: its jobs and their times, labelled with `group` and this name besides. It does not keep the group.
    #[must_use]
    pub fn with_group<U: Send + 'static>(mut self, group: &Group<U>, name: impl Into<String>) -> Self {
        let (engine, inner) = (Arc::downgrade(&group.engine), Arc::downgrade(&group.inner));
        let read = move || Some(Group::again(&engine.upgrade()?, inner.upgrade()?).ok()?.metrics());
        let labels = [self.label.clone(), ("group", shared(name))];
        self.groups.push(OfGroup { labels, last: GroupMetrics::default(), read: Box::new(read) });
        self
    }

    /// Hands over what there is now. False if the pool is gone.
    pub fn export(&mut self) -> bool {
        let Some(pool) = self.pool.upgrade() else { return false };
        let now = pool.metrics();
        let labels = slice::from_ref(&self.label);
        let Counts { alive, busy, .. } = now.counts;
        tell_jobs(labels, &now.counts);
        gauge!("fastthreadpool_workers_alive", labels).set(of(alive as u64));
        gauge!("fastthreadpool_workers_busy", labels).set(of(busy as u64));
        gauge!("fastthreadpool_workers_blocked", labels).set(of(now.blocked as u64));
        if now.is_measured {
            let since = |now, last, told: metrics::Histogram| tell_since(now, last, &told);
            since(&now.waiting, &self.last.waiting, histogram!("fastthreadpool_waiting_seconds", labels));
            since(&now.running, &self.last.running, histogram!("fastthreadpool_running_seconds", labels));
            since(&now.late, &self.last.late, histogram!("fastthreadpool_late_seconds", labels));
            gauge!("fastthreadpool_oldest_seconds", labels).set(now.oldest.unwrap_or_default().as_secs_f64());
            gauge!("fastthreadpool_workers_awake", labels).set(now.awake());
            counter!("fastthreadpool_wake_ups", labels).absolute(now.wake_ups());
        }
        self.last = now;
        self.groups.retain_mut(OfGroup::export);
        true
    }
}

impl OfGroup {
    fn export(&mut self) -> bool {
        let Some(now) = (self.read)() else { return false };
        let labels = &self.labels;
        tell_jobs(labels, &now.counts);
        tell_since(&now.waiting, &self.last.waiting, &histogram!("fastthreadpool_waiting_seconds", labels));
        tell_since(&now.running, &self.last.running, &histogram!("fastthreadpool_running_seconds", labels));
        self.last = now;
        true
    }
}

impl<T> fmt::Debug for Exporter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter")
            .field("pool", &self.label.1)
            .field("groups", &self.groups.len())
            .finish_non_exhaustive()
    }
}

fn shared(name: impl Into<String>) -> SharedString {
    Arc::<str>::from(name.into()).into()
}

/// Where jobs are, and how they ended.
fn tell_jobs(labels: &[(&'static str, SharedString)], counts: &Counts) {
    let Counts { accepted, timers, gated, queued, running, done, failed, cancelled, .. } = *counts;
    counter!("fastthreadpool_jobs_accepted", labels).absolute(accepted);
    counter!("fastthreadpool_jobs_done", labels).absolute(done);
    counter!("fastthreadpool_jobs_failed", labels).absolute(failed);
    counter!("fastthreadpool_jobs_cancelled", labels).absolute(cancelled);
    gauge!("fastthreadpool_jobs_queued", labels).set(of(queued));
    gauge!("fastthreadpool_jobs_gated", labels).set(of(gated));
    gauge!("fastthreadpool_jobs_delayed", labels).set(of(timers));
    gauge!("fastthreadpool_jobs_running", labels).set(of(running));
}

#[expect(clippy::cast_precision_loss, reason = "a count for a picture")]
fn of(count: u64) -> f64 {
    count as f64
}

/// Tells what has come since the last time.
fn tell_since(now: &Histogram, last: &Histogram, told: &metrics::Histogram) {
    for (duration, count) in now.buckets() {
        let before = last.buckets().find(|(present, _)| *present == duration).map_or(0, |(_, count)| count);
        // A snapshot of counters that others write: it may be behind the one before, for a moment.
        let more = usize::try_from(count.saturating_sub(before)).unwrap_or(usize::MAX);
        if more > 0 {
            told.record_many(Duration::as_secs_f64(&duration), more);
        }
    }
}
