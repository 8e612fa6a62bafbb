//! What everybody writes first: a queue under a mutex, and a condition variable.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};

use crate::capability::Executor;
use crate::peer::Peer;
use crate::peers::channels::{Boxed, Crew};

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Boxed>,
    is_closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    more: Condvar,
}

impl Shared {
    fn next(&self) -> Option<Boxed> {
        let mut queue = self.queue.lock().expect("no job panics");
        loop {
            match queue.jobs.pop_front() {
                None if !queue.is_closed => queue = self.more.wait(queue).expect("no job panics"),
                job => return job,
            }
        }
    }
}

pub struct ByHand {
    shared: Arc<Shared>,
    _crew: Crew,
}

impl Executor for ByHand {
    const PEER: Peer = Peer::ByHand;

    fn new(workers: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let inner = Arc::clone(&shared);
        let work = move || {
            while let Some(job) = inner.next() {
                job();
            }
        };
        Self { shared, _crew: Crew::new(workers, work) }
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.shared.queue.lock().expect("no job panics").jobs.push_back(Box::new(job));
        self.shared.more.notify_one();
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        self.shared.queue.lock().expect("no job panics").is_closed = true;
        self.shared.more.notify_all();
    }
}
