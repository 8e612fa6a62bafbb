//! A handle to a job of a scope.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use fastthreadpool_core::JobId;

use crate::engine::Engine;
use crate::engine::awaits::Awaits;
use crate::engine::waits::InLine;
use crate::here::{blocking, inside};
use crate::parallel::scope;
use crate::results::outcome::JobError;
use crate::sync::packet::Packet;
use crate::sync::time::Deadline;

/// A handle to a job of a scope that has a value; from [`Scope::spawn_with_handle`](crate::Scope::spawn_with_handle).
pub struct ScopedJoinHandle<'scope, U> {
    engine: &'scope Arc<Engine>,
    id: Option<JobId>,
    packet: Arc<Packet<Result<U, JobError>>>,
}

impl<'scope, U> ScopedJoinHandle<'scope, U> {
    /// `id`: of the job, if the pool has taken it.
    pub(super) fn new(
        engine: &'scope Arc<Engine>,
        id: Option<JobId>,
        packet: Arc<Packet<Result<U, JobError>>>,
    ) -> Self {
        Self { engine, id, packet }
    }
}

impl<U: Send> ScopedJoinHandle<'_, U> {
    /// Whether the job has ended, in whatever way.
    pub fn is_finished(&self) -> bool {
        self.packet.is_full()
    }

    /// Waits for the job and returns what it returned; runs it here and now if it has not begun.
    ///
    /// # Errors
    ///
    /// [`JobError`], when the job panicked, or was not begun; [`JobError::WouldDeadlock`] when it waits for the job that asks.
    pub fn join(self) -> Result<U, JobError> {
        if let (false, Some(id)) = (self.is_finished(), self.id) {
            scope::help(self.engine, id);
            if !self.is_finished() && inside::is_in_any() {
                let line = InLine::enter(Awaits::Job(self.engine, id));
                if line.is_circular && !self.is_finished() {
                    return Err(JobError::WouldDeadlock);
                }
                blocking::anyway(|| self.engine.attended(|| self.packet.wait(Deadline::NEVER)));
            }
        }
        self.engine.attended(|| self.packet.wait(Deadline::NEVER));
        self.packet.take().unwrap_or_else(|| unreachable!("only a finished job's value is taken, and once"))
    }
}

impl<U> fmt::Debug for ScopedJoinHandle<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
