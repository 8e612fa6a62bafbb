//! A job that runs where it is submitted, if it may begin.

use std::sync::Arc;

use fastthreadpool_core::JobId;

use crate::engine::{Engine, Payload};

impl Engine {
    /// Runs a job here that was put in just now. If it may not begin it comes back.
    pub(crate) fn run_or_take_back(self: &Arc<Self>, id: JobId) -> Option<Payload> {
        if self.run_inside(id).or_else(|| self.run_outside(id)).is_some() {
            return None;
        }
        // Else somebody else runs it, or has removed it.
        let payload = self.take_back_job(id)?;
        self.has_removed();
        Some(payload)
    }
}
