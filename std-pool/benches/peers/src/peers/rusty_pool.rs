//! `rusty_pool` with a fixed number of threads.

use rusty_pool::{Builder, JoinHandle, ThreadPool};

use crate::capability::{Executor, Handles};
use crate::peer::Peer;

/// In an option, since its orderly end consumes it.
pub struct RustyPool(Option<ThreadPool>);

impl RustyPool {
    fn with(workers: usize) -> Self {
        Self(Some(Builder::new().core_size(workers).max_size(workers).build()))
    }

    fn pool(&self) -> &ThreadPool {
        self.0.as_ref().expect("it has not been dropped")
    }
}

impl Drop for RustyPool {
    fn drop(&mut self) {
        if let Some(pool) = self.0.take() {
            pool.shutdown_join();
        }
    }
}

impl Executor for RustyPool {
    const PEER: Peer = Peer::RustyPool;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.pool().execute(job);
    }
}

impl Handles for RustyPool {
    const PEER: Peer = Peer::RustyPool;
    type Handle = JoinHandle<u64>;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn spawn<F: FnOnce() -> u64 + Send + 'static>(&self, job: F) -> Self::Handle {
        self.pool().evaluate(job)
    }

    fn join(&self, handle: Self::Handle) -> u64 {
        handle.await_complete()
    }
}
