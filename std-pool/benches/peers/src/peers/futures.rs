//! The `ThreadPool` of `futures`: closures as futures that are ready at once.

use futures::executor::{ThreadPool, block_on};
use futures::future::RemoteHandle;
use futures::task::SpawnExt;

use crate::capability::{Cancels, Executor, Handles};
use crate::peer::Peer;

pub struct Futures(ThreadPool);

impl Futures {
    fn with(workers: usize) -> Self {
        Self(ThreadPool::builder().pool_size(workers).create().expect("threads can be had"))
    }
}

impl Executor for Futures {
    const PEER: Peer = Peer::Futures;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.spawn_ok(async move { job() });
    }
}

impl Handles for Futures {
    const PEER: Peer = Peer::Futures;
    type Handle = RemoteHandle<u64>;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn spawn<F: FnOnce() -> u64 + Send + 'static>(&self, job: F) -> Self::Handle {
        self.0.spawn_with_handle(async move { job() }).expect("the pool is open")
    }

    fn join(&self, handle: Self::Handle) -> u64 {
        block_on(handle)
    }
}

impl Cancels for Futures {
    type Id = RemoteHandle<()>;

    fn submit<F: FnOnce() + Send + 'static>(&self, job: F) -> Self::Id {
        self.0.spawn_with_handle(async move { job() }).expect("the pool is open")
    }

    fn cancel(&self, id: Self::Id) {
        drop(id);
    }

    fn keep(id: Self::Id) {
        id.forget();
    }
}
