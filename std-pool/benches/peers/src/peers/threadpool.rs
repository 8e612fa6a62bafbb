//! `threadpool`, as it is.

use crate::capability::Executor;
use crate::peer::Peer;

pub struct Threads(threadpool::ThreadPool);

impl Executor for Threads {
    const PEER: Peer = Peer::ThreadPool;

    fn new(workers: usize) -> Self {
        Self(threadpool::ThreadPool::new(workers))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.execute(job);
    }
}
