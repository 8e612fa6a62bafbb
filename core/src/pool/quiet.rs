//! Whether a pool is quiet: asked by who turns the clock of its host by hand, and wants to see what that has brought about.
//!
//! Quiet is a pool of which nobody does anything but wait, and nobody could begin anything: there is nothing, or there is no worker for
//! it. It is one look at several words. Who wants to be sure looks again, and compares [`Pool::ended`]: who was quiet at both looks, and has
//! not come back from a wait in between, has begun nothing.
#![forbid(unsafe_code)]

use super::Pool;
use crate::fork::Look;
use crate::host::Host;
use crate::seat::NO_SEAT;
use crate::storage::Storage;
use crate::sync::Ordering;

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// How many workers sleep, if no other does anything but [wait](Pool::block) inside a job, and none could begin anything.
    pub fn quiet(&self) -> Option<usize> {
        let state = self.state();
        let is_idle = state.alive() <= state.sleeping() + state.blocked();
        let may_begin = state.sleeping() > 0 || state.has_room(self.size());
        let is_quiet = is_idle && !(may_begin && self.has_something()) && self.state() == state;
        is_quiet.then_some(state.sleeping())
    }

    /// How many turns have come by other ways than through the queues until now, those included whose time has come.
    pub fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }

    /// Whether there is something to begin, or to take over.
    pub fn has_something(&self) -> bool {
        let has_forks = S::FORKS && self.look_at_desks(NO_SEAT, Look::Forks).is_some();
        let inside = self.inside();
        has_forks || self.visible_work() > 0 || self.has_unstarted(inside.pinned(), NO_SEAT)
    }
}
