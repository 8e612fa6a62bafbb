//! Which lanes the producers have.
//!
//! | a lane | |
//! |---|---|
//! | has | so many producers; all together have as many as there are |
//! | is given | to the next one, if no other has fewer: the main lane last |
#![forbid(unsafe_code)]

use fastthreadpool_core::NO_SEAT;

use crate::engine::Engine;
use crate::sys::Mutex;

/// How many producers submit to the lane of each worker, and to the main one, as to that of a seat without; nothing, before the first has
/// come.
pub(super) struct Producers(Mutex<Vec<usize>>);

impl Producers {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The seat whose lane has the fewest, which has one more now.
    fn take(&self, open_lanes: impl FnOnce() -> usize) -> usize {
        let mut lanes = self.0.lock();
        if lanes.is_empty() {
            lanes.resize(open_lanes() + 1, 0);
        }
        let fewest = (0..lanes.len()).min_by_key(|seat| lanes[*seat]);
        let seat = fewest.unwrap_or_else(|| unreachable!("there is the main lane"));
        lanes[seat] += 1;
        seat
    }

    fn leave(&self, seat: usize) {
        self.0.lock()[seat] -= 1;
    }
}

impl Engine {
    /// A producer has come: the seat to whose lane it submits.
    pub(crate) fn take_lane(&self) -> usize {
        // In the child of a fork the lock may be held by nobody who is there, and nothing is submitted.
        if self.is_elsewhere() { NO_SEAT } else { self.producers.take(|| self.core.open_lanes()) }
    }

    /// It has gone.
    pub(crate) fn leave_lane(&self, seat: usize) {
        if !self.is_elsewhere() {
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
        let take = || producers.take(|| 2);
        assert_eq!([take(), take(), take(), take()], [0, 1, 2, 0]);
        producers.leave(1);
        assert_eq!([take(), take()], [1, 1]);
        assert_eq!(*producers.0.lock(), [2, 2, 1]);
        assert_eq!(Producers::new().take(|| 0), 0);
    }
}
