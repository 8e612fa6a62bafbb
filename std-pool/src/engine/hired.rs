//! A worker whose thread is somebody else's: from [`Builder::spawn_handler`](crate::Builder::spawn_handler).
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::presence::{self, Hire};

/// A worker that wants a thread; given to the handler of [`Builder::spawn_handler`](crate::Builder::spawn_handler). Dropped, it is
/// as if the thread could not be started. As long as it is kept and does not [run](WorkerThread::run), a shutdown of the pool waits for it.
#[must_use = "a pool counts on the thread that it has asked for"]
pub struct WorkerThread {
    /// Until it runs.
    engine: Option<Arc<Engine>>,
    hire: Hire,
}

impl WorkerThread {
    pub(super) fn new(engine: Arc<Engine>, hire: Hire) -> Self {
        Self { engine: Some(engine), hire }
    }

    /// What the pool would call the thread.
    pub fn name(&self) -> String {
        self.engine.as_ref().map_or_else(String::new, |engine| engine.thread_name(self.hire.number))
    }

    /// Bytes of stack that the builder asks for.
    pub fn stack_size(&self) -> Option<usize> {
        self.engine.as_ref().and_then(|engine| engine.config.stack_size)
    }

    /// Works for the pool on the present thread, until the pool has no more need of it: it is closed, or one that stood in for
    /// another leaves. The hooks for threads run before and after.
    pub fn run(mut self) {
        if let Some(engine) = self.engine.take() {
            presence::live_here(engine, self.hire);
        }
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.take_back(self.hire);
        }
    }
}

impl fmt::Debug for WorkerThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerThread").field("number", &self.hire.number).finish_non_exhaustive()
    }
}
