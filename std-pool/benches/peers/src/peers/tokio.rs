//! `tokio`: its multi-threaded runtime with so many workers, and the threads of `spawn_blocking`, as many, that stay.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time;

use crate::capability::{Cancels, Executor, Handles, Timers};
use crate::peer::Peer;

const FOR_EVER: Duration = Duration::from_secs(3600);

pub struct Tokio(Runtime);

impl Tokio {
    fn with(workers: usize) -> Self {
        Self(Builder::new_multi_thread().worker_threads(workers).enable_time().build().expect("threads can be had"))
    }
}

impl Executor for Tokio {
    const PEER: Peer = Peer::Tokio;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.spawn(async move { job() });
    }
}

impl Handles for Tokio {
    const PEER: Peer = Peer::Tokio;
    type Handle = JoinHandle<u64>;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn spawn<F: FnOnce() -> u64 + Send + 'static>(&self, job: F) -> Self::Handle {
        self.0.spawn(async move { job() })
    }

    fn join(&self, handle: Self::Handle) -> u64 {
        self.0.block_on(handle).expect("no job panics")
    }
}

impl Cancels for Tokio {
    type Id = AbortHandle;

    fn submit<F: FnOnce() + Send + 'static>(&self, job: F) -> AbortHandle {
        self.0.spawn(async move { job() }).abort_handle()
    }

    fn cancel(&self, id: AbortHandle) {
        id.abort();
    }

    fn keep(_: AbortHandle) {}
}

impl Timers for Tokio {
    const PEER: Peer = Peer::Tokio;
    type Id = AbortHandle;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn at<F: FnOnce() + Send + 'static>(&self, due: Instant, job: F) -> AbortHandle {
        let sleeper = async move {
            time::sleep_until(due.into()).await;
            job();
        };
        self.0.spawn(sleeper).abort_handle()
    }

    fn cancel(&self, id: AbortHandle) {
        id.abort();
    }

    fn every<F: Fn() + Send + Sync + 'static>(&self, period: Duration, job: F) {
        self.0.spawn(async move {
            let mut interval = time::interval_at(time::Instant::now() + period, period);
            loop {
                interval.tick().await;
                job();
            }
        });
    }
}

/// The runtime's other threads, for what blocks; a worker of its own it has too, which sleeps.
pub struct TokioBlocking(Runtime);

impl TokioBlocking {
    fn with(workers: usize) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(workers)
            .thread_keep_alive(FOR_EVER)
            .build();
        Self(runtime.expect("threads can be had"))
    }
}

impl Executor for TokioBlocking {
    const PEER: Peer = Peer::TokioBlocking;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.spawn_blocking(job);
    }
}

impl Handles for TokioBlocking {
    const PEER: Peer = Peer::TokioBlocking;
    type Handle = JoinHandle<u64>;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn spawn<F: FnOnce() -> u64 + Send + 'static>(&self, job: F) -> Self::Handle {
        self.0.spawn_blocking(job)
    }

    fn join(&self, handle: Self::Handle) -> u64 {
        self.0.block_on(handle).expect("no job panics")
    }
}

impl Cancels for TokioBlocking {
    type Id = AbortHandle;

    fn submit<F: FnOnce() + Send + 'static>(&self, job: F) -> AbortHandle {
        self.0.spawn_blocking(job).abort_handle()
    }

    fn cancel(&self, id: AbortHandle) {
        id.abort();
    }

    fn keep(_: AbortHandle) {}
}
