//! A running job: its token, and what can be asked about it.
#![forbid(unsafe_code)]

use crate::end::End;
use crate::entries::{Key, Stays};
use crate::host::{Host, Tick};
use crate::id::{JobId, Place};
use crate::pool::{Duty, Pool};
use crate::seat::STOPPABLE_DEPTH;
use crate::state::Phase;
use crate::storage::Storage;

/// A running job: which worker's, how many jobs it runs inside of, and what its end has to be told. The rest stands in the
/// seat, so that this travels in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    seat: usize,
    /// The lowest two bits say what becomes of its entry, the others how deep it is.
    depth: usize,
}

impl Running {
    #[inline(always)]
    pub(crate) const fn new(seat: usize, depth: usize, stays: Stays) -> Self {
        Self { seat, depth: depth << 2 | stays as usize }
    }

    /// Whether it may run again.
    #[inline(always)]
    pub const fn is_periodic(&self) -> bool {
        self.is(Stays::Repeats)
    }

    /// Whether it was let through by gates, to which it gives back what it has of them when it ends.
    #[inline(always)]
    pub const fn is_gated(&self) -> bool {
        self.is(Stays::Holds)
    }

    /// Whether it is an alarm, which the account does not know: see [`Pool::set_alarm`](crate::Pool::set_alarm).
    #[inline(always)]
    pub const fn is_alarm(&self) -> bool {
        self.is(Stays::Alarm)
    }

    #[inline(always)]
    const fn is(&self, stays: Stays) -> bool {
        self.depth & 3 == stays as usize
    }

    /// How many jobs it runs inside of, on the same worker.
    #[inline(always)]
    pub const fn depth(&self) -> usize {
        self.depth >> 2
    }

    /// The seat of its worker.
    #[inline(always)]
    pub const fn seat(&self) -> usize {
        self.seat
    }
}

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// Takes a job that could begin now, as [`Pool::take`], to run it inside the job that runs on `seat` and then hand
    /// `running` to [`Pool::end`]. Where too many run inside each other for their ids to be known, a job of a gate is not taken.
    pub fn take_inside(&self, seat: usize, id: JobId) -> Option<(P, Running)> {
        let this = &self.storage.seats()[seat];
        let depth = this.begin(id);
        let Some((payload, key)) = self.take_any(id, depth < STOPPABLE_DEPTH) else {
            this.end(depth);
            return None;
        };
        if depth == 0 {
            // What its worker has run before may have had a time.
            this.set_due(Tick::ZERO);
        }
        let stays = if key.is_some() { Stays::Holds } else { Stays::No };
        Some((payload, Running::new(seat, depth, stays)))
    }

    /// The id of a running job, asked by its worker. `None` when it runs inside of [`STOPPABLE_DEPTH`] others or more; who
    /// began it knows its id.
    #[inline(always)]
    pub fn running_id(&self, running: &Running) -> Option<JobId> {
        self.storage.seats()[running.seat].id(running.depth())
    }

    /// The id of the job that runs on a seat inside of `depth` others, asked by its worker. `None` if there is none, or at a
    /// [`STOPPABLE_DEPTH`] or more.
    pub fn running_at(&self, seat: usize, depth: usize) -> Option<JobId> {
        let seat = &self.storage.seats()[seat];
        if depth < seat.running() { seat.id(depth) } else { None }
    }

    /// Visits the jobs that run on workers, by seat, the outermost first; those inside of [`STOPPABLE_DEPTH`] others or more are left out. What
    /// begins or ends meanwhile may be missed.
    pub fn visit_running(&self, mut visit: impl FnMut(usize, JobId)) {
        for (number, seat) in self.storage.seats().iter().enumerate() {
            (0..STOPPABLE_DEPTH).map_while(|depth| seat.seen(depth)).for_each(|id| visit(number, id));
        }
    }

    /// Whether the job has been asked to stop, or the pool is stopping.
    #[inline]
    pub fn is_cancelled(&self, running: &Running) -> bool {
        self.storage.seats()[running.seat].is_stopped(running.depth()) || self.phase() == Phase::Stopping
    }

    /// Ends a job of [`Pool::take_inside`] or [`Worker::next`](crate::Worker::next), once. A periodic job's payload comes back
    /// here for its next run; what is returned was cancelled meanwhile (or was not periodic) and is the caller's to drop.
    pub fn end(&self, running: &Running, end: End, payload: Option<P>) -> (Option<P>, Duty) {
        let seat = &self.storage.seats()[running.seat];
        // What follows comes before this turn ends, so that who waits for both sees no moment between them.
        let ended = if running.is_periodic() {
            debug_assert!(running.depth() == 0, "a periodic job is left to workers that run nothing else");
            self.end_periodic(seat, payload)
        } else {
            let key = if S::GATES && running.is_gated() { seat.id(running.depth()).and_then(Self::key) } else { None };
            seat.end(running.depth());
            (payload, self.leave_entry(key, end))
        };
        if !S::GATES || !running.is(Stays::Alarm) {
            seat.count(end);
        }
        ended
    }

    /// The worker has been dropped in the middle of what runs on its seat: all of that has failed.
    pub(crate) fn end_all(&self, seat: usize) {
        let this = &self.storage.seats()[seat];
        while let Some(depth) = this.running().checked_sub(1) {
            if let Some(key) = this.id(depth).and_then(Self::key) {
                // It may have an entry that waits for the end.
                self.with_entries(|entries| entries.abandon(key));
            }
            this.end(depth);
            this.count(End::Failed);
        }
    }

    fn key(id: JobId) -> Option<Key> {
        match id.place() {
            Place::Entry { index, stamp } => Some(Key { index, stamp }),
            Place::Lane { .. } => None,
        }
    }
}
