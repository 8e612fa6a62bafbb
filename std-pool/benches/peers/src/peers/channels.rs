//! Pools made by hand in ten lines around the channels of others: boxed closures, and threads that receive them.

use std::thread::{self, JoinHandle};

use crate::capability::Executor;
use crate::peer::Peer;

pub type Boxed = Box<dyn FnOnce() + Send>;

/// Threads that are joined in the end.
pub struct Crew(Vec<JoinHandle<()>>);

impl Crew {
    pub fn new(workers: usize, work: impl Fn() + Clone + Send + 'static) -> Self {
        Self((0..workers).map(|_| thread::spawn(work.clone())).collect())
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.0.drain(..).for_each(|thread| thread.join().expect("no job panics"));
    }
}

/// Fields are dropped in order: without a sender the threads end, then they are joined.
pub struct Crossbeam {
    jobs: crossbeam_channel::Sender<Boxed>,
    _crew: Crew,
}

impl Executor for Crossbeam {
    const PEER: Peer = Peer::Crossbeam;

    fn new(workers: usize) -> Self {
        let (jobs, receiver) = crossbeam_channel::unbounded::<Boxed>();
        Self { jobs, _crew: Crew::new(workers, move || receiver.iter().for_each(|job| job())) }
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.jobs.send(Box::new(job)).expect("the workers live");
    }
}

/// As [`Crossbeam`].
pub struct Kanal {
    jobs: kanal::Sender<Boxed>,
    _crew: Crew,
}

impl Executor for Kanal {
    const PEER: Peer = Peer::Kanal;

    fn new(workers: usize) -> Self {
        let (jobs, receiver) = kanal::unbounded::<Boxed>();
        let work = move || {
            while let Ok(job) = receiver.recv() {
                job();
            }
        };
        Self { jobs, _crew: Crew::new(workers, work) }
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.jobs.send(Box::new(job)).expect("the workers live");
    }
}
