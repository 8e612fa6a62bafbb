//! Forks of a pool's joins: who shows them, who is called for them, who helps.

use core::ptr::NonNull;

use super::{Duty, Pool};
use crate::fork::{self, Desk, Fork, Look, TakenFork};
use crate::host::Host;
use crate::state::Call;
use crate::storage::Storage;

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// The desk of a seat, for its worker; or a guest's, for who has taken it. `None` where there are no forks.
    pub fn desk(&self, number: usize) -> Option<&Desk> {
        self.storage.make_desks().get(number)
    }

    /// How many seats there may be: desks from this number on are guests'.
    pub fn seats_at_most(&self) -> usize {
        self.storage.limit()
    }

    /// Takes a desk for who is no worker: its number; `None` if none is free.
    pub fn take_guest(&self) -> Option<usize> {
        self.storage.take_guest()
    }

    /// Gives it back, with nothing on it.
    pub fn leave_guest(&self, number: usize) {
        if let Some(desk) = self.storage.desks().get(number) {
            debug_assert_eq!(desk.forks(), 0, "all its joins have ended");
            desk.leave();
        }
    }

    /// Shows a fork on a desk where there is room, and finds somebody for it.
    ///
    /// # Safety
    ///
    /// As [`Desk::push`].
    #[inline]
    pub unsafe fn show_fork(&self, desk: &Desk, fork: NonNull<Fork>) -> (fork::Put, Duty) {
        // SAFETY: the caller's promise.
        let put = unsafe { desk.push(fork) };
        let is_eager = desk.is_eager();
        let duty = match self.state().calls_for_fork(self.size(), is_eager) {
            Call::Nobody => Duty::Nothing,
            Call::Sleeper | Call::Newcomer if is_eager => self.call_eagerly(),
            Call::Sleeper | Call::Newcomer => self.call(true),
        };
        (put, duty)
    }

    /// Something that its owner can do to help on the thief of a fork; `None` if there is nothing, or nobody has taken it.
    pub fn help_thief(&self, fork: &Fork) -> Option<TakenFork> {
        fork::leapfrog(self.storage.desks(), fork)
    }

    /// Runs a fork that was taken, as the owner of a desk. What is returned is to be done: its owner may wait.
    pub fn run_fork(&self, number: usize, taken: TakenFork) -> Duty {
        let desk = &self.storage.desks()[number];
        taken.run(number, desk).map_or(Duty::Nothing, Duty::Wake)
    }

    /// Looks at the desks of all but a seat.
    #[inline]
    pub(crate) fn look_at_desks(&self, except: usize, look: Look) -> Option<TakenFork> {
        self.storage.look_at_desks(except, look)
    }
}
