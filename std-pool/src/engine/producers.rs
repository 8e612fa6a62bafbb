//! Which lanes the producers have.
//!
//! | a lane of a worker | |
//! |---|---|
//! | has | so many producers; all together have as many as there are |
//! | is given | to the next one, if no other has fewer |
#![forbid(unsafe_code)]

use crate::engine::Engine;
use crate::sys::Mutex;

/// How many producers submit to each lane; none, before the first has come.
pub(super) struct Producers(Mutex<Vec<usize>>);

impl Producers {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The seat whose lane has the fewest, which has one more now. `None` where no worker has a lane.
    fn take(&self, open_lanes: impl FnOnce() -> usize) -> Option<usize> {
        let mut lanes = self.0.lock();
        if lanes.is_empty() {
            lanes.resize(open_lanes(), 0);
        }
        let (seat, producers) = lanes.iter_mut().enumerate().min_by_key(|(_, producers)| **producers)?;
        *producers += 1;
        Some(seat)
    }

    fn leave(&self, seat: usize) {
        self.0.lock()[seat] -= 1;
    }
}

impl Engine {
    /// A producer has come: the seat to whose lane it submits. `None`: the main lane.
    pub(crate) fn take_lane(&self) -> Option<usize> {
        // In the child of a fork the lock may be held by nobody who is there.
        if self.is_elsewhere() { None } else { self.producers.take(|| self.core.open_lanes()) }
    }

    /// It has gone.
    pub(crate) fn leave_lane(&self, seat: Option<usize>) {
        if let Some(seat) = seat.filter(|_| !self.is_elsewhere()) {
            self.producers.leave(seat);
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_shared_only_when_each_has_a_producer() {
        let producers = Producers::new();
        let take = || producers.take(|| 3);
        assert_eq!([take(), take(), take(), take()], [Some(0), Some(1), Some(2), Some(0)]);
        producers.leave(1);
        assert_eq!([take(), take()], [Some(1), Some(1)]);
        assert_eq!(*producers.0.lock(), [2, 2, 1]);
        assert_eq!(Producers::new().take(|| 0), None);
    }
}
