//! What runs closures: this pool, and pools made by hand around the channels of others.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use fastthreadpool::Pool;

pub type Boxed = Box<dyn FnOnce() + Send>;

pub trait Executor: Sized {
    const NAME: &'static str;
    fn new(threads: usize) -> Self;
    fn execute<F: FnOnce() + Send + 'static>(&self, f: F);
    /// Runs everything to its end.
    fn finish(self);
}

pub struct Ours(Pool);

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

fn start(threads: usize, work: impl Fn() + Clone + Send + 'static) -> Vec<JoinHandle<()>> {
    (0..threads).map(|_| thread::spawn(work.clone())).collect()
}

fn join(threads: Vec<JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().expect("no job panics"));
}

pub struct Channel(crossbeam_channel::Sender<Boxed>, Vec<JoinHandle<()>>);

impl Executor for Channel {
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
        Self(
            sender,
            start(threads, move || {
                while let Ok(job) = receiver.recv() {
                    job()
                }
            }),
        )
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
        let work = move || loop {
            let job = {
                let mut jobs = inner.jobs.lock().expect("no job panics");
                loop {
                    if let Some(job) = jobs.0.pop_front() {
                        break job;
                    }
                    if jobs.1 {
                        return;
                    }
                    jobs = inner.more.wait(jobs).expect("no job panics");
                }
            };
            job();
        };
        Self(shared, start(threads, work))
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        self.0.jobs.lock().expect("no job panics").0.push_back(Box::new(f));
        self.0.more.notify_one();
    }

    fn finish(self) {
        self.0.jobs.lock().expect("no job panics").1 = true;
        self.0.more.notify_all();
        join(self.1);
    }
}
