//! `scheduled-thread-pool`, which throws away what is still to come when it is dropped.

use std::time::{Duration, Instant};

use scheduled_thread_pool::{JobHandle, OnPoolDropBehavior, ScheduledThreadPool};

use crate::capability::{Executor, Timers};
use crate::peer::Peer;

pub struct Scheduled(ScheduledThreadPool);

impl Scheduled {
    fn with(workers: usize) -> Self {
        let builder = ScheduledThreadPool::builder().num_threads(workers);
        Self(builder.on_drop_behavior(OnPoolDropBehavior::DiscardPendingScheduled).build())
    }
}

impl Executor for Scheduled {
    const PEER: Peer = Peer::Scheduled;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.execute(job);
    }
}

impl Timers for Scheduled {
    const PEER: Peer = Peer::Scheduled;
    type Id = JobHandle;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn at<F: FnOnce() + Send + 'static>(&self, due: Instant, job: F) -> JobHandle {
        self.0.execute_after(due.saturating_duration_since(Instant::now()), job)
    }

    fn cancel(&self, id: JobHandle) {
        id.cancel();
    }

    fn every<F: Fn() + Send + Sync + 'static>(&self, period: Duration, job: F) {
        self.0.execute_at_fixed_rate(period, period, job);
    }
}
