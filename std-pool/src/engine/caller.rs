//! A job that runs where it is submitted, if it may begin.

use std::sync::Arc;

use fastthreadpool_core::{Duty, JobId, Refused};

use crate::engine::submit::{Submission, SubmitError};
use crate::engine::{Engine, Payload};

/// [`Engine::run_or_take_back`], where there are queues with bounds.
pub(crate) type RunOrTakeBack = fn(&Arc<Engine>, JobId) -> Option<Payload>;

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

    /// [`Engine::submit_by`], and then the job is run here by `run`, if that is given; one that may not begin is refused.
    #[inline(always)]
    pub(crate) fn submit_and_run<J: Submission>(
        self: &Arc<Self>,
        job: J,
        put: impl FnOnce(Payload, bool) -> Result<(JobId, Duty), Refused<Payload>>,
        run: Option<RunOrTakeBack>,
    ) -> Result<JobId, SubmitError<J::Function>> {
        let submitted = self.submit_by(job, put);
        let (Some(run), Ok(id)) = (run, &submitted) else { return submitted };
        match run(self, *id) {
            None => submitted,
            // SAFETY: what `submit_by` has made of this type has come back: nobody has run it.
            Some(payload) => Err(SubmitError::Full(unsafe { payload.into_job::<J>() }.into_function())),
        }
    }
}
