//! Pools that are made by hand: boxed closures in a channel, or in a deque behind a lock.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use super::Executor;

pub type Boxed = Box<dyn FnOnce() + Send>;

/// They end when the queue is dropped.
fn start(threads: usize, work: impl Fn() + Clone + Send + 'static) -> Vec<JoinHandle<()>> {
    (0..threads).map(|_| thread::spawn(work.clone())).collect()
}

fn join(threads: Vec<JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().expect("no job panics"));
}

pub struct Crossbeam(crossbeam_channel::Sender<Boxed>, Vec<JoinHandle<()>>);

impl Executor for Crossbeam {
    const NAME: &'static str = "crossbeam-channel";

    fn new(threads: usize) -> Self {
        let (sender, receiver) = crossbeam_channel::unbounded::<Boxed>();
        Self(sender, start(threads, move || receiver.iter().for_each(|job| job())))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        self.0.send(Box::new(f)).expect("the workers live");
    }

    fn finish(self) {
        drop(self.0);
        join(self.1);
    }
}

pub struct Kanal(kanal::Sender<Boxed>, Vec<JoinHandle<()>>);

impl Executor for Kanal {
    const NAME: &'static str = "kanal";

    fn new(threads: usize) -> Self {
        let (sender, receiver) = kanal::unbounded::<Boxed>();
        let work = move || {
            while let Ok(job) = receiver.recv() {
                job();
            }
        };
        Self(sender, start(threads, work))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        self.0.send(Box::new(f)).expect("the workers live");
    }

    fn finish(self) {
        drop(self.0);
        join(self.1);
    }
}

#[derive(Default)]
struct Shared {
    jobs: Mutex<(VecDeque<Boxed>, bool)>,
    more: Condvar,
}

/// What everybody writes first.
pub struct Naive(Arc<Shared>, Vec<JoinHandle<()>>);

impl Executor for Naive {
    const NAME: &'static str = "Mutex + Condvar";

    fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let inner = Arc::clone(&shared);
        let work = move || {
            loop {
                let mut jobs = inner.jobs.lock().expect("no job panics under the lock");
                let job = loop {
                    match jobs.0.pop_front() {
                        Some(job) => break job,
                        None if jobs.1 => return,
                        None => jobs = inner.more.wait(jobs).expect("no job panics under the lock"),
                    }
                };
                drop(jobs);
                job();
            }
        };
        Self(shared, start(threads, work))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        self.0.jobs.lock().expect("no job panics under the lock").0.push_back(Box::new(f));
        self.0.more.notify_one();
    }

    fn finish(mut self) {
        let threads = std::mem::take(&mut self.1);
        drop(self);
        join(threads);
    }
}

impl Drop for Naive {
    fn drop(&mut self) {
        self.0.jobs.lock().expect("no job panics under the lock").1 = true;
        self.0.more.notify_all();
    }
}
