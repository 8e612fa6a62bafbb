//! A running job: its token, and what can be asked about it.
#![forbid(unsafe_code)]

use crate::host::Host;
use crate::id::JobId;
use crate::pool::{Duty, Pool};
use crate::state::Phase;
use crate::storage::Storage;

/// A running job: which worker's, and how many jobs it runs inside of. The rest stands in the seat, so that this travels in
/// registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    seat: usize,
    /// The lowest bit says whether it is periodic, the others how deep it is.
    depth: usize,
}

impl Running {
    #[inline(always)]
    pub(crate) const fn new(seat: usize, depth: usize, times: Times) -> Self {
        Self { seat, depth: depth << 1 | times as usize }
    }

    /// Whether it may run again.
    #[inline(always)]
    pub const fn is_periodic(&self) -> bool {
        self.depth & 1 != 0
    }

    /// How many jobs it runs inside of, on the same worker.
    #[inline(always)]
    pub const fn depth(&self) -> usize {
        self.depth >> 1
    }
}

/// How often a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Once = 0,
    Again = 1,
}

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// Takes a job that could begin now, as [`Pool::take`], to run it inside the job that runs on `seat` and then hand
    /// `running` to [`Pool::end`].
    pub fn take_inside(&self, seat: usize, id: JobId) -> Option<(P, Running)> {
        let depth = self.storage.seats()[seat].begin(id);
        let payload = self.take(id);
        if payload.is_none() {
            self.storage.seats()[seat].end(depth);
        }
        Some((payload?, Running::new(seat, depth, Times::Once)))
    }

    /// For a host that puts a job off after it has begun: it cannot be told to stop from here on. Returns whether it has
    /// been told before. Not for a periodic job.
    pub fn conceal(&self, running: &Running) -> bool {
        self.rename(running, JobId::NEVER)
    }

    /// The running job goes on under another id, for a host that has put off the job of that id and takes it up again.
    /// Returns whether it has been asked to stop. Not for a periodic job.
    pub fn rename(&self, running: &Running, id: JobId) -> bool {
        debug_assert!(!running.is_periodic(), "the id of a periodic job leads to its entry");
        self.storage.seats()[running.seat].rename(running.depth(), id)
    }

    /// The id of a running job, asked by its worker. `None` when it runs inside of [`STOPPABLE_DEPTH`] others or more; who
    /// began it knows its id.
    ///
    /// [`STOPPABLE_DEPTH`]: crate::STOPPABLE_DEPTH
    #[inline(always)]
    pub fn running_id(&self, running: &Running) -> Option<JobId> {
        self.storage.seats()[running.seat].id(running.depth())
    }

    /// Whether the job has been asked to stop, or the pool is stopping.
    #[inline]
    pub fn is_cancelled(&self, running: &Running) -> bool {
        self.storage.seats()[running.seat].is_stopped(running.depth()) || self.phase() == Phase::Stopping
    }

    /// Ends a job of [`Pool::take_inside`] or [`Worker::next`](crate::Worker::next), once. A periodic job's payload comes back here for its next run;
    /// what is returned was cancelled meanwhile (or was not periodic) and is the caller's to drop.
    pub fn end(&self, running: &Running, payload: Option<P>) -> (Option<P>, Duty) {
        let seat = &self.storage.seats()[running.seat];
        let periodic = if running.is_periodic() { seat.id(running.depth()) } else { None };
        seat.end(running.depth());
        let ended = match periodic {
            Some(id) => self.end_periodic(id, payload),
            None => (payload, Duty::Nothing),
        };
        seat.count();
        ended
    }
}
