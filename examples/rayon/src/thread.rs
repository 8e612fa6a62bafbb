//! The threads of a pool: how they are started, and what they do.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;

use crate::registry::Registry;
use crate::worker::Worker;

/// A thread that is to be started; given to the handler of [`ThreadPoolBuilder::spawn_handler`](crate::ThreadPoolBuilder::spawn_handler).
pub struct ThreadBuilder {
    pub(crate) registry: Arc<Registry>,
    pub(crate) index: usize,
    pub(crate) name: Option<String>,
    pub(crate) stack_size: Option<usize>,
}

impl ThreadBuilder {
    /// Its index, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// What it is to be called.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Bytes of stack that it is to have.
    pub fn stack_size(&self) -> Option<usize> {
        self.stack_size
    }

    /// Works for the pool on the present thread until the pool has ended.
    pub fn run(self) {
        let Self { registry, index, .. } = self;
        Worker::new(&registry).enter(|worker| {
            worker.take_index(index);
            registry.handlers.start(index);
            worker.leave_index();
            while let Some(thread) = registry.reserve.next() {
                worker.take_index(index);
                thread.run();
                worker.leave_index();
                registry.reserve.come_back();
                registry.close_if_ended();
            }
            worker.take_index(index);
            worker.leave(index);
        });
    }
}

impl fmt::Debug for ThreadBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadBuilder")
            .field("index", &self.index)
            .field("name", &self.name)
            .field("stack_size", &self.stack_size)
            .finish_non_exhaustive()
    }
}

/// How threads are started.
pub trait ThreadSpawn {
    /// Whether this package may start others, which stand in.
    const STANDS_IN: bool;

    /// Starts one that calls [`ThreadBuilder::run`].
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    fn spawn(&mut self, thread: ThreadBuilder) -> io::Result<()>;
}

/// By std.
#[derive(Debug, Default)]
pub struct DefaultSpawn;

impl ThreadSpawn for DefaultSpawn {
    const STANDS_IN: bool = true;

    fn spawn(&mut self, thread: ThreadBuilder) -> io::Result<()> {
        std_builder(&thread).spawn(|| thread.run()).map(drop)
    }
}

/// A thread of std with the name and the stack that are asked for.
pub(crate) fn std_builder(thread: &ThreadBuilder) -> thread::Builder {
    let mut builder = thread::Builder::new();
    if let Some(name) = thread.name() {
        builder = builder.name(name.to_owned());
    }
    if let Some(bytes) = thread.stack_size() {
        builder = builder.stack_size(bytes);
    }
    builder
}

/// By a function of the user's.
#[derive(Debug)]
pub struct CustomSpawn<F>(pub(crate) F);

impl<F: FnMut(ThreadBuilder) -> io::Result<()>> ThreadSpawn for CustomSpawn<F> {
    const STANDS_IN: bool = false;

    fn spawn(&mut self, thread: ThreadBuilder) -> io::Result<()> {
        (self.0)(thread)
    }
}
