//! How a job that waits for its time is given another.
#![forbid(unsafe_code)]

use super::{Entries, Key, Kind, NotMoved, Slab, State};
use crate::host::Tick;
use crate::wheel::Timing;

impl<P, S: Slab<P>> Entries<P, S> {
    /// Lets a job that waits for its time wait until `due` instead, as if it had just been put in: behind those of the same
    /// time. The grid of a periodic job goes on from there. A paused one is left where it is, and remembers the time. A constant amount
    /// of work, but in a [`Line`](crate::wheel::Line).
    ///
    /// Returns whether somebody has to be told: it was not as early before, and nothing else is.
    ///
    /// # Errors
    ///
    /// [`NotMoved`]; nothing has changed.
    pub fn reschedule(&mut self, key: Key, due: Tick) -> Result<bool, NotMoved> {
        let n = key.index;
        let state = self.state(key);
        if matches!(state, State::Free | State::Gate) {
            return Err(NotMoved::TooLate);
        }
        match (state, self.slab.link(n).tag.kind) {
            (State::Cancelled, _) | (_, Kind::Alarm) => Err(NotMoved::TooLate),
            (_, Kind::Urgent | Kind::Queued) => Err(NotMoved::NotTimed),
            (State::Running, Kind::Periodic) => Err(NotMoved::Running),
            (State::Running, _) => Err(NotMoved::TooLate),
            (State::Waiting, _) => Ok(self.move_waiting(n, due)),
            (State::Parked, _) => {
                self.slab.link_mut(n).set_deadline(due);
                Ok(false)
            }
            _ => Err(NotMoved::Due),
        }
    }

    /// The same, if it waits until `former` still.
    ///
    /// # Errors
    ///
    /// As above; [`NotMoved::TooLate`], too, when it waits until another time.
    pub fn reschedule_from(&mut self, key: Key, former: Tick, due: Tick) -> Result<bool, NotMoved> {
        if matches!(self.state(key), State::Waiting | State::Parked) {
            match self.slab.link(key.index).deadline() {
                deadline if deadline != former => return Err(NotMoved::TooLate),
                // Where it is, among those of the same time.
                deadline if deadline == due => return Ok(false),
                _ => {}
            }
        }
        self.reschedule(key, due)
    }

    fn move_waiting(&mut self, n: u32, due: Tick) -> bool {
        // Whoever minds its former deadline, or another that is no later than the new one, sees the new one then.
        let minded = self.slab.link(n).deadline() <= due || self.next_deadline().is_some_and(|next| next <= due);
        let was_in = self.wheel.remove(&mut self.slab, n);
        debug_assert!(was_in, "what waits is in the wheel");
        self.wheel.insert(&mut self.slab, n, due);
        !minded
    }
}
