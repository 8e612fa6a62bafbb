//! A running job: its token, and what can be asked about it.
#![forbid(unsafe_code)]

use crate::host::Host;
use crate::id::JobId;
use crate::pool::{Duty, Pool};
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
    const fn new(seat: usize, depth: usize, times: Times) -> Self {
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
    /// Begins a job that was taken with [`Pool::take`], inside the job that runs on `seat`.
    pub fn begin(&self, seat: usize, id: JobId) -> Running {
        self.begin_on(seat, id, Times::Once)
    }

    #[inline(always)]
    pub(crate) fn begin_on(&self, seat: usize, id: JobId, times: Times) -> Running {
        Running::new(seat, self.storage.seats()[seat].begin(id), times)
    }

    /// The id of a running job, asked by its worker. `None` when it runs inside of [`STOPPABLE_DEPTH`] others or more; who
    /// began it knows its id.
    ///
    /// [`STOPPABLE_DEPTH`]: crate::STOPPABLE_DEPTH
    #[inline(always)]
    pub fn running_id(&self, running: &Running) -> Option<JobId> {
        self.storage.seats()[running.seat].id(running.depth())
    }

    /// Whether the job has been asked to stop.
    #[inline]
    pub fn is_cancelled(&self, running: &Running) -> bool {
        self.storage.seats()[running.seat].is_stopped(running.depth())
    }

    /// Ends a job of [`Pool::begin`] or [`Worker::next`](crate::Worker::next), once. A periodic job's payload comes back here for its next run;
    /// what is returned was cancelled meanwhile (or was not periodic) and is the caller's to drop.
    pub fn end(&self, running: &Running, payload: Option<P>) -> (Option<P>, Duty) {
        let seat = &self.storage.seats()[running.seat];
        let id = seat.id(running.depth());
        seat.end(running.depth());
        let ended = match id {
            Some(id) if running.is_periodic() => self.end_periodic(id, payload),
            _ => (payload, Duty::Nothing),
        };
        seat.count();
        ended
    }
}
