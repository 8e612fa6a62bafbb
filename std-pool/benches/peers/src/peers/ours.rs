//! This pool.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use fastthreadpool::{Cancellation, Group, JobId, JoinHandle, Pool, Producer};

use crate::algorithms;
use crate::capability::{Cancels, Executor, Handles, Joins, Maps, Results, Scopes, Timers};
use crate::peer::Peer;

/// Without results: jobs of a `Pool<()>` leave nothing.
pub struct Ours(pub Pool);

impl Ours {
    fn with(workers: usize) -> Self {
        Self(Pool::builder().threads(workers).build().expect("threads can be had"))
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.0.cancel_timers();
    }
}

impl Executor for Ours {
    const PEER: Peer = Peer::Ours;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.submit(job).expect("the pool is open");
    }
}

/// By a group without limits.
pub struct OursInGroup {
    group: Group,
    _pool: Pool,
}

impl Executor for OursInGroup {
    const PEER: Peer = Peer::Ours;

    fn new(workers: usize) -> Self {
        let pool: Pool = Pool::builder().threads(workers).build().expect("threads can be had");
        Self { group: pool.group().build().expect("nothing is limited"), _pool: pool }
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.group.submit(job).expect("the pool is open");
    }
}

/// By the builder of jobs.
pub struct OursByBuilder(Pool);

impl Executor for OursByBuilder {
    const PEER: Peer = Peer::Ours;

    fn new(workers: usize) -> Self {
        Self(Pool::builder().threads(workers).build().expect("threads can be had"))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.job(job).submit().expect("the pool is open");
    }
}

thread_local! {
    static PRODUCER: OnceCell<Producer> = const { OnceCell::new() };
}

/// By a producer of each thread that submits, which submits to no other of these.
pub struct OursByProducer(Pool);

impl Executor for OursByProducer {
    const PEER: Peer = Peer::Ours;

    fn new(workers: usize) -> Self {
        Self(Pool::builder().threads(workers).build().expect("threads can be had"))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        PRODUCER.with(|producer| producer.get_or_init(|| self.0.producer()).submit(job).expect("the pool is open"));
    }
}

impl Handles for Ours {
    const PEER: Peer = Peer::Ours;
    type Handle = JoinHandle<u64>;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn spawn<F: FnOnce() -> u64 + Send + 'static>(&self, job: F) -> Self::Handle {
        self.0.spawn(job).expect("the pool is open")
    }

    fn join(&self, handle: Self::Handle) -> u64 {
        handle.join().expect("no job panics")
    }
}

impl Cancels for Ours {
    type Id = JobId;

    fn submit<F: FnOnce() + Send + 'static>(&self, job: F) -> JobId {
        self.0.submit(job).expect("the pool is open")
    }

    fn cancel(&self, id: JobId) {
        assert_eq!(self.0.cancel(id), Cancellation::Removed);
    }

    fn keep(_: JobId) {}
}

impl Timers for Ours {
    const PEER: Peer = Peer::Ours;
    type Id = JobId;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn at<F: FnOnce() + Send + 'static>(&self, due: Instant, job: F) -> JobId {
        self.0.submit_at(due, job).expect("the pool is open")
    }

    fn cancel(&self, id: JobId) {
        assert_eq!(self.0.cancel(id), Cancellation::Removed);
    }

    fn every<F: Fn() + Send + Sync + 'static>(&self, period: Duration, job: F) {
        self.0.schedule(period, job).expect("the pool is open");
    }
}

impl Maps for Ours {
    const PEER: Peer = Peer::Ours;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn map<R: Send, F: Fn(&u64) -> R + Send + Sync>(&self, items: &[u64], f: F) -> Vec<R> {
        self.0.par_map(items, f)
    }
}

impl Joins for Ours {
    const PEER: Peer = Peer::Ours;

    fn new(threads: usize) -> Self {
        // The caller is one more.
        Self::with((threads - 1).max(1))
    }
}

algorithms! {
    Ours, &Pool:
    enter |ours, run| run(&ours.0),
    join |pool, a, b| pool.join(|| a(pool), || b(pool)),
}

impl Scopes for Ours {
    const PEER: Peer = Peer::Ours;

    fn new(workers: usize) -> Self {
        Self::with(workers)
    }

    fn scope_of<F: Fn(usize) + Sync>(&self, tasks: usize, task: &F) {
        self.0.scope(|scope| (0..tasks).for_each(|number| scope.spawn(move || task(number))));
    }
}

/// With the done queue.
pub struct OursResults(pub Pool<u64>);

impl Results for OursResults {
    const PEER: Peer = Peer::Ours;

    fn new(workers: usize) -> Self {
        Self(Pool::builder().threads(workers).build().expect("threads can be had"))
    }

    fn submit<F: FnOnce() -> u64 + Send + 'static>(&self, job: F) {
        self.0.submit(job).expect("the pool is open");
    }

    fn sum(&self, results: usize) -> u64 {
        self.0.wait_idle();
        let mut read = 0;
        let sum = self.0.done().drain().inspect(|_| read += 1).map(|done| done.value).sum();
        assert_eq!(read, results);
        sum
    }
}
