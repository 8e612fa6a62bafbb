//! Threads that stand in: while one of a pool's waits in the middle of a job, another works.
#![forbid(unsafe_code)]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fastthreadpool::WorkerThread;

use crate::registry::Registry;
use crate::worker::Worker;

/// How they are started: each like one of the pool's threads, in turn.
pub(crate) struct StandIns {
    names: Vec<Option<String>>,
    stack_size: Option<usize>,
    started: AtomicUsize,
}

impl StandIns {
    pub(crate) fn new(names: Vec<Option<String>>, stack_size: Option<usize>) -> Self {
        Self { names, stack_size, started: AtomicUsize::new(0) }
    }

    pub(crate) fn start(&self, registry: &Arc<Registry>, worker: WorkerThread) -> io::Result<()> {
        let like = self.started.fetch_add(1, Ordering::Relaxed) % self.names.len();
        let mut builder = thread::Builder::new();
        if let Some(name) = &self.names[like] {
            builder = builder.name(name.clone());
        }
        if let Some(bytes) = self.stack_size {
            builder = builder.stack_size(bytes);
        }
        let registry = Arc::clone(registry);
        builder.spawn(move || live(&registry, like, worker)).map(drop)
    }
}

fn live(registry: &Arc<Registry>, like: usize, thread: WorkerThread) {
    Worker::new(registry).enter(|worker| {
        registry.handlers.start(like);
        thread.run();
        registry.close_if_ended();
        worker.leave_index();
        worker.leave(like);
    });
}
