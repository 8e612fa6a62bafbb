//! The pools of others, each as its documentation sets it up.

use super::Executor;
use crate::round;

pub struct Rayon(rayon::ThreadPool);

impl Executor for Rayon {
    const NAME: &'static str = "rayon";

    fn new(threads: usize) -> Self {
        Self(rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be had"))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        self.0.spawn(f);
    }

    /// It has no way to wait for its threads; dropping it lets them run to the end of what was spawned.
    fn finish(self) {}
}

pub struct Threadpool(threadpool::ThreadPool);

impl Executor for Threadpool {
    const NAME: &'static str = "threadpool";

    fn new(threads: usize) -> Self {
        Self(threadpool::ThreadPool::new(threads))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        self.0.execute(f);
    }

    fn finish(self) {
        self.0.join();
    }
}

/// As many core workers as may exist at all, so that it starts no others.
pub struct Rusty(pub rusty_pool::ThreadPool);

impl Executor for Rusty {
    const NAME: &'static str = "rusty_pool";

    fn new(threads: usize) -> Self {
        Self(rusty_pool::Builder::new().core_size(threads).max_size(threads).build())
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        self.0.execute(f);
    }

    fn finish(self) {
        self.0.shutdown_join();
    }
}

pub struct Futures(pub futures::executor::ThreadPool);

impl Executor for Futures {
    const NAME: &'static str = "futures";

    fn new(threads: usize) -> Self {
        Self(futures::executor::ThreadPool::builder().pool_size(threads).create().expect("threads can be had"))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        self.0.spawn_ok(async { f() });
    }

    /// It has no way to wait for its threads; dropping it lets them run to the end of what was spawned.
    fn finish(self) {}
}

/// The multi-threaded runtime with so many workers; a job is a task without a wait.
pub struct Tokio(pub tokio::runtime::Runtime);

impl Executor for Tokio {
    const NAME: &'static str = "tokio";

    fn new(threads: usize) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self(builder.worker_threads(threads).enable_time().build().expect("threads can be had"))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        drop(self.0.spawn(async { f() }));
    }

    /// The drop waits for the threads, but not for tasks that have not begun.
    fn finish(self) {
        round::wait();
        drop(self.0);
    }
}

/// Its pool for what blocks, with so many threads.
pub struct TokioBlocking(tokio::runtime::Runtime);

impl Executor for TokioBlocking {
    const NAME: &'static str = "tokio blocking";

    fn new(threads: usize) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self(builder.worker_threads(1).max_blocking_threads(threads).build().expect("threads can be had"))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        drop(self.0.spawn_blocking(f));
    }

    fn finish(self) {
        drop(self.0);
    }
}
