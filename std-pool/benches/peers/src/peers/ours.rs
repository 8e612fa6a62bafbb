//! This pool.

use fastthreadpool::Pool;

use super::Executor;

pub struct Ours(pub Pool);

impl Executor for Ours {
    const NAME: &'static str = "fastthreadpool";

    fn new(threads: usize) -> Self {
        Self(Pool::builder().threads(threads).build().expect("threads can be had"))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        self.0.submit(f).expect("the pool is open");
    }

    fn finish(self) {
        self.0.shutdown();
    }
}
