//! Jobs from outside in the lanes of workers. In the main lane each of them moves the one tail, which all who submit want at the same time;
//! so who submits much may have another.
//!
//! What is in a lane is in order; between lanes there is none. A worker claims from its own and from the main one in turn, from
//! others' when these are empty, and once in a share of its claims from the next of all, so none waits for one whose worker
//! is busy for long.

use super::{Duty, Pool};
use crate::host::Host;
use crate::id::JobId;
use crate::pack::{Pack, Refused};
use crate::storage::Storage;

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// From now on jobs may come from outside to the lanes of workers, by [`Pool::submit_packed_to`]. Returns how many of these there
    /// are: 0 where no worker has its own.
    pub fn open_lanes(&self) -> usize {
        let lanes = self.storage.lanes().len() - 1;
        if lanes > 0 {
            // Who looks for work looks at the lanes of seats that were ever taken.
            self.storage.use_seat(lanes - 1);
        }
        lanes
    }

    /// [`Pool::submit_packed`] to the lane of the worker on `seat`, after [`Pool::open_lanes`]; where that returned less, or as much, to the
    /// main lane.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    ///
    /// # Panics
    ///
    /// As [`Pool::submit_packed`].
    #[inline(always)]
    pub fn submit_packed_to<J: Pack<P>>(&self, seat: usize, job: J) -> Result<(JobId, Duty), Refused<J>> {
        debug_assert!(
            self.own_lane(seat) <= self.storage.used_seats(),
            "nobody would look there before its worker comes"
        );
        self.submit_outside(self.own_lane(seat), job)
    }

    /// Appends a job from outside to a lane.
    #[inline(always)]
    pub(super) fn submit_outside<J: Pack<P>>(&self, lane: usize, job: J) -> Result<(JobId, Duty), Refused<J>> {
        if !self.state().is_running() {
            return Err(Refused::Closed(job));
        }
        let position = self.push(lane, job).map_err(Refused::Full)?;
        let state = self.state();
        if !state.is_running() {
            if let Some(payload) = self.take_back(lane, position) {
                // SAFETY: it is what `push` has made of a job of this type, since nobody else had this position.
                return Err(Refused::Closed(unsafe { J::unpack(payload) }));
            }
        }
        // As `JobId::at`, by which a static pool would be 32 bytes larger.
        let id = if lane == 0 { JobId::in_main(position) } else { JobId::at(lane, position) };
        Ok((id, self.wake_for_one(state)))
    }
}
