//! What a worker holds of the queue: entries that are jobs of the pool, or whose end the server does not know yet.
//!
//! | | | by |
//! |---|---|---|
//! | begin | an entry becomes a job | the reader, for new ones; the keeper, for claimed ones |
//! | end | the job has ended, or was removed: what becomes of its entry is owed to the server | the keeper |
//! | settled | the server knows: it is held no more | the keeper |
//!
//! held = waiting or running in the pool + owed. What was read keeps its place until it is held no more. The lock is held across a submit,
//! so that a job that ends at once is known.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastthreadpool::{Group, JobId, OwnedPermit};

use crate::queue::{Entry, Origin};
use crate::work::BoxError;

/// Does what an entry asks for; the second argument says whether it is still wanted.
pub type Perform = dyn Fn(&Entry, &dyn Fn() -> bool) -> Result<(), BoxError> + Send + Sync;

/// A job's entry.
#[derive(Debug)]
pub struct Held {
    /// The server's name for it.
    pub id: String,
    /// Where it was before.
    pub origin: Origin,
    /// As when it was read or claimed.
    pub deliveries: usize,
    /// Of what was read.
    pub place: Option<OwnedPermit>,
}

/// What is held.
pub struct Holding {
    jobs: Group<()>,
    perform: Arc<Perform>,
    begun: Mutex<HashMap<JobId, Held>>,
}

impl Holding {
    /// Nothing yet. Entries become jobs of this group.
    pub fn new(jobs: Group<()>, perform: Arc<Perform>) -> Self {
        Self { jobs, perform, begun: Mutex::default() }
    }

    /// The entry becomes a job. What was claimed goes before what is new, so that hardly an entry is claimed, and counted as delivered once
    /// more, whose job does not begin.
    ///
    /// # Errors
    ///
    /// If the pool takes no jobs. The entry is orphaned then.
    pub fn begin(&self, entry: Entry, place: Option<OwnedPermit>) -> Result<(), BoxError> {
        let held = Held { id: entry.id.clone(), origin: entry.origin, deliveries: entry.deliveries, place };
        let perform = Arc::clone(&self.perform);
        let mut begun = self.begun();
        // What the error says is said within the job, so that this may fail, too.
        let job = self.jobs.job_with(move |job| perform(&entry, &|| job.is_cancelled()).map_err(|why| why.to_string()));
        let job = if held.origin == Origin::New { job } else { job.first() };
        let id = job.submit().map_err(|refused| refused.to_string())?;
        begun.insert(id, held);
        Ok(())
    }

    /// The job has ended. `None` if that is known.
    pub fn end(&self, job: JobId) -> Option<Held> {
        self.begun().remove(&job)
    }

    /// The jobs that have not ended, with the ids of their entries.
    pub fn all(&self) -> Vec<(JobId, String)> {
        self.begun().iter().map(|(job, held)| (*job, held.id.clone())).collect()
    }

    /// How many of them are of entries that were there.
    pub fn count(&self, origin: Origin) -> usize {
        self.begun().values().filter(|held| held.origin == origin).count()
    }

    fn begun(&self) -> MutexGuard<'_, HashMap<JobId, Held>> {
        // Each change is one step.
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
