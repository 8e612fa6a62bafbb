//! The threads of a pool that wait until it wants a worker.
//!
//! They were all started when the pool was built, each with its name, by whoever starts threads. The pool below asks for workers when
//! there is work for them, and sends one home that another has stood in for: it comes back here.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};

use fastthreadpool::WorkerThread;

use crate::unwind::lock;

pub(crate) struct Reserve {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Threads that wait here, or are about to, and for which there is no worker yet.
    free: usize,
    workers: VecDeque<WorkerThread>,
    is_closed: bool,
}

impl Reserve {
    /// So many threads are about to come.
    pub(crate) fn new(threads: usize) -> Self {
        let state = State { free: threads, workers: VecDeque::new(), is_closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// A worker for one of the threads; `Err` if none is free.
    pub(crate) fn hand(&self, worker: WorkerThread) -> Result<(), WorkerThread> {
        let mut state = lock(&self.state);
        if state.free == 0 || state.is_closed {
            return Err(worker);
        }
        state.free -= 1;
        state.workers.push_back(worker);
        self.changed.notify_one();
        Ok(())
    }

    /// What the present thread is to do; `None` when there will be nothing more.
    pub(crate) fn next(&self) -> Option<WorkerThread> {
        let mut state = lock(&self.state);
        loop {
            if let Some(worker) = state.workers.pop_front() {
                return Some(worker);
            }
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// The present thread has done that.
    pub(crate) fn come_back(&self) {
        lock(&self.state).free += 1;
    }

    /// No worker will be wanted any more.
    pub(crate) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.changed.notify_all();
    }
}
