//! What a peer can do: one trait for each ability. A peer that has not got one has no cell there.
//!
//! All are made with a number of workers, and end by being dropped when nothing of theirs waits any more.

use std::time::{Duration, Instant};

use crate::algorithms::Algorithms;
use crate::peer::Peer;

/// Runs closures and tells nobody.
pub trait Executor: Sized + 'static {
    const PEER: Peer;
    fn new(workers: usize) -> Self;
    fn execute<F: FnOnce() + Send + 'static>(&self, job: F);
}

/// Keeps the results until somebody reads them.
pub trait Results: Sync + Sized + 'static {
    const PEER: Peer;
    fn new(workers: usize) -> Self;
    fn submit<F: FnOnce() -> u64 + Send + 'static>(&self, job: F);
    /// Waits for so many results and adds them up.
    fn sum(&self, results: usize) -> u64;
}

/// Gives a handle to each job.
pub trait Handles: Sync + Sized + 'static {
    const PEER: Peer;
    type Handle: Send;
    fn new(workers: usize) -> Self;
    fn spawn<F: FnOnce() -> u64 + Send + 'static>(&self, job: F) -> Self::Handle;
    fn join(&self, handle: Self::Handle) -> u64;
}

/// Takes a queued job back.
pub trait Cancels: Executor {
    type Id;
    fn submit<F: FnOnce() + Send + 'static>(&self, job: F) -> Self::Id;
    fn cancel(&self, id: Self::Id);
    /// Lets the job go on although nobody holds its id any more.
    fn keep(id: Self::Id);
}

/// Runs closures when their time has come.
pub trait Timers: Sized + 'static {
    const PEER: Peer;
    type Id;
    fn new(workers: usize) -> Self;
    fn at<F: FnOnce() + Send + 'static>(&self, due: Instant, job: F) -> Self::Id;
    fn cancel(&self, id: Self::Id);
    /// For the first time after one period. Goes on until the peer is dropped.
    fn every<F: Fn() + Send + Sync + 'static>(&self, period: Duration, job: F);
}

/// Applies a function to each item and collects in order.
pub trait Maps: Sized + 'static {
    const PEER: Peer;
    fn new(workers: usize) -> Self;
    fn map<R: Send, F: Fn(&u64) -> R + Send + Sync>(&self, items: &[u64], f: F) -> Vec<R>;
}

/// Runs two functions, perhaps side by side, and the recursions that are made of that.
pub trait Joins: Algorithms + Sized + 'static {
    const PEER: Peer;
    /// With so many threads that work, the caller among them where it may.
    fn new(threads: usize) -> Self;
}

/// Tasks that borrow, in one scope.
pub trait Scopes: Sized + 'static {
    const PEER: Peer;
    fn new(workers: usize) -> Self;
    /// Calls `task` with each number below `tasks`, in a task of its own.
    fn scope_of<F: Fn(usize) + Sync>(&self, tasks: usize, task: &F);
}

/// Lets only so many in at a time.
pub trait Admits: Sync + Sized + 'static {
    const PEER: Peer;
    fn new(permits: usize) -> Self;
    /// In, and out again.
    fn pass<R>(&self, inside: impl FnOnce() -> R) -> R;
}
