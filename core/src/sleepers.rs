//! Who sleeps: a stack, so that the worker that slept last and is still warm is woken first, and below it the sentinel.
//!
//! The list lives behind the pool's raw mutex, its links in the seats, its counts in the pool's word; the three change
//! together under the lock. The sentinel is the sleeper with a deadline. It is woken last, because whoever wakes it must
//! find somebody else to mind the deadline.
#![forbid(unsafe_code)]

use crate::entries::Gating;
use crate::host::Tick;
use crate::seat::Seat;
use crate::state::Role;
use crate::sync::Ordering;

/// No sleeper. The others are told by one more than their seat's number: an empty list is all zeros, so that a pool in a
/// static takes no flash for what is in it at the beginning.
const NOBODY: usize = 0;

#[derive(Debug)]
pub(crate) struct Sleepers {
    top: usize,
    sentinel: usize,
    /// The sentinel's, if there is one.
    deadline: Tick,
}

/// A worker that has been taken off the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Woken {
    pub(crate) seat: usize,
    pub(crate) was_sentinel: bool,
}

impl Sleepers {
    pub(crate) const fn new() -> Self {
        Self { top: NOBODY, sentinel: NOBODY, deadline: Tick::ZERO }
    }

    /// The sentinel's deadline; [`Tick::MAX`] without one.
    pub(crate) fn deadline(&self) -> Tick {
        if self.sentinel == NOBODY { Tick::MAX } else { self.deadline }
    }

    /// Lists a worker that wants to sleep in this role until `deadline`, which is [`Tick::MAX`] if it is [`Role::Plain`].
    /// It becomes the sentinel if that is before the present sentinel's. Returns its role.
    pub(crate) fn list<G: Gating>(&mut self, seats: &[Seat<G>], seat: usize, deadline: Tick, role: Role) -> Role {
        seats[seat].listed.store(true, Ordering::Relaxed);
        if deadline >= self.deadline() {
            self.push(seats, seat);
            return Role::Plain;
        }
        if let Some(former) = self.sentinel.checked_sub(1) {
            self.push(seats, former);
        }
        self.sentinel = seat + 1;
        self.deadline = deadline;
        role
    }

    fn push<G: Gating>(&mut self, seats: &[Seat<G>], seat: usize) {
        seats[seat].below.store(self.top, Ordering::Relaxed);
        self.top = seat + 1;
    }

    /// Takes off the one to be woken: the latest sleeper, or the sentinel if there is no other.
    pub(crate) fn pop<G: Gating>(&mut self, seats: &[Seat<G>]) -> Option<Woken> {
        let Some(seat) = self.top.checked_sub(1) else {
            return self.pop_sentinel(seats);
        };
        self.top = seats[seat].below.load(Ordering::Relaxed);
        seats[seat].listed.store(false, Ordering::Relaxed);
        Some(Woken { seat, was_sentinel: false })
    }

    pub(crate) fn pop_sentinel<G: Gating>(&mut self, seats: &[Seat<G>]) -> Option<Woken> {
        let seat = self.sentinel.checked_sub(1)?;
        self.sentinel = NOBODY;
        seats[seat].listed.store(false, Ordering::Relaxed);
        Some(Woken { seat, was_sentinel: true })
    }

    /// Takes off a worker that has woken by itself; `None` when somebody else was quicker.
    pub(crate) fn unlist<G: Gating>(&mut self, seats: &[Seat<G>], seat: usize) -> Option<Woken> {
        if !seats[seat].listed.load(Ordering::Relaxed) {
            return None;
        }
        if self.sentinel == seat + 1 {
            return self.pop_sentinel(seats);
        }
        let below = seats[seat].below.load(Ordering::Relaxed);
        if self.top == seat + 1 {
            self.top = below;
        } else {
            let mut above = &seats[self.top - 1].below;
            while above.load(Ordering::Relaxed) != seat + 1 {
                above = &seats[above.load(Ordering::Relaxed) - 1].below;
            }
            above.store(below, Ordering::Relaxed);
        }
        seats[seat].listed.store(false, Ordering::Relaxed);
        Some(Woken { seat, was_sentinel: false })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::entries::Gates;
    use std::vec::Vec;

    fn seats() -> Vec<Seat<Gates>> {
        (0..4).map(|_| Seat::new()).collect()
    }

    fn drain(sleepers: &mut Sleepers, seats: &[Seat<Gates>]) -> Vec<usize> {
        core::iter::from_fn(|| sleepers.pop(seats)).map(|woken| woken.seat).collect()
    }

    #[test]
    fn the_last_to_sleep_wakes_first_and_the_sentinel_last() {
        let (seats, mut sleepers) = (seats(), Sleepers::new());
        assert_eq!(sleepers.list(&seats, 0, Tick(9), Role::Sentinel), Role::Sentinel);
        assert_eq!(sleepers.list(&seats, 1, Tick::MAX, Role::Plain), Role::Plain);
        assert_eq!(sleepers.list(&seats, 2, Tick(9), Role::Sentinel), Role::Plain, "one is enough");
        assert_eq!(drain(&mut sleepers, &seats), [2, 1, 0]);
        assert_eq!(sleepers.pop(&seats), None);
    }

    #[test]
    fn an_earlier_deadline_takes_over() {
        let (seats, mut sleepers) = (seats(), Sleepers::new());
        sleepers.list(&seats, 0, Tick(9), Role::Sentinel);
        assert_eq!(sleepers.list(&seats, 1, Tick(3), Role::Napper), Role::Napper);
        assert_eq!(sleepers.deadline(), Tick(3));
        assert_eq!(drain(&mut sleepers, &seats), [0, 1]);
    }

    #[test]
    fn anybody_can_leave_once() {
        let (seats, mut sleepers) = (seats(), Sleepers::new());
        sleepers.list(&seats, 3, Tick(9), Role::Sentinel);
        (0..3).for_each(|seat| _ = sleepers.list(&seats, seat, Tick::MAX, Role::Plain));
        assert_eq!(sleepers.unlist(&seats, 1), Some(Woken { seat: 1, was_sentinel: false }));
        assert_eq!(sleepers.unlist(&seats, 1), None);
        assert_eq!(sleepers.unlist(&seats, 3), Some(Woken { seat: 3, was_sentinel: true }));
        assert_eq!(sleepers.unlist(&seats, 2), Some(Woken { seat: 2, was_sentinel: false }));
        assert_eq!(drain(&mut sleepers, &seats), [0]);
    }
}
