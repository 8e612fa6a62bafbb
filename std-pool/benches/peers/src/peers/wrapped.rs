//! What one adds to a pool that only runs closures: a channel for the results, a one-shot channel for each handle.

use crossbeam_channel::{Receiver, Sender};
use futures::channel::oneshot;
use futures::executor::block_on;

use crate::capability::{Executor, Handles, Results};
use crate::peer::Peer;

/// Results in one channel, the quickest of the unbounded ones with several senders.
pub struct Sent<E> {
    executor: E,
    sender: Sender<u64>,
    receiver: Receiver<u64>,
}

impl<E: Executor + Sync> Results for Sent<E> {
    const PEER: Peer = E::PEER;

    fn new(workers: usize) -> Self {
        let (sender, receiver) = crossbeam_channel::unbounded();
        Self { executor: E::new(workers), sender, receiver }
    }

    fn submit<F: FnOnce() -> u64 + Send + 'static>(&self, job: F) {
        let sender = self.sender.clone();
        self.executor.execute(move || sender.send(job()).expect("somebody listens"));
    }

    fn sum(&self, results: usize) -> u64 {
        self.receiver.iter().take(results).sum()
    }
}

/// A handle is the receiver of a channel for one value.
pub struct OneShot<E>(E);

impl<E: Executor + Sync> Handles for OneShot<E> {
    const PEER: Peer = E::PEER;
    type Handle = oneshot::Receiver<u64>;

    fn new(workers: usize) -> Self {
        Self(E::new(workers))
    }

    fn spawn<F: FnOnce() -> u64 + Send + 'static>(&self, job: F) -> Self::Handle {
        let (sender, receiver) = oneshot::channel();
        self.0.execute(move || sender.send(job()).expect("somebody waits"));
        receiver
    }

    fn join(&self, handle: Self::Handle) -> u64 {
        block_on(handle).expect("no job panics")
    }
}
