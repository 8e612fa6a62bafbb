//! The bound of a queue: the room in it, and those who wait for some.
//!
//! Room is the permits of a fair semaphore: who waits has what comes free in the order of coming, threads and tasks alike, and
//! nobody overtakes. A job has its room from before it is accepted until it begins, was dropped without that, or is handed back; one that
//! repeats until it repeats no more.
//!
//! | state | free | in line | a job comes | a job leaves |
//! |---|---|---|---|---|
//! | Open | > 0 | nobody | takes its room | one more is free |
//! | Full | 0 | nobody | is refused, gets in line, or has another leave, as it is said of the group | one is free: Open |
//! | Line | 0 | somebody | the same, behind those in line | the first in line has the room |
//! | Overdrawn, with any of these | | | as in that | the debt is less by one, and nothing is free |
//!
//! Only a job that its caller runs overdraws: it comes in without room, for the moment until it begins. At any time
//!
//! ```text
//! free + given to who has not come in yet + held by jobs = capacity + overdrawn
//! ```
//!
//! # Nobody waits at a door that stays shut
//!
//! Who waits gets in line, and then looks whether the group takes jobs at all, before each sleep; who closes it says so first, and
//! then turns away all who are in line: both under the lock of the line, so one of the two sees the other.
#![forbid(unsafe_code)]

use fastthreadpool_core::{Acquire, AcquireError, Semaphore, Tick, Unpark};

use crate::groups::arrivals::Arrivals;
use crate::here::blocking;
use crate::here::call::quietly;
use crate::sync::attend::in_line;
use crate::sync::time::{Deadline, OnTime};
use crate::sync::waiter::Waiter;
use crate::sys::RawMutex;
use crate::sys::atomic::{AtomicUsize, Ordering};

type Room = Semaphore<RawMutex, Waiter>;

/// A task's place in line.
pub(crate) type Line<'d> = Acquire<'d, RawMutex, Waiter>;

pub(crate) struct Door {
    room: Room,
    /// How many have come in without room, and not left.
    overdrawn: AtomicUsize,
    /// Where the oldest goes for a new one.
    pub(super) arrivals: Option<Arrivals>,
}

impl Door {
    pub(super) fn new(capacity: usize, lists: bool) -> Self {
        Self {
            room: Room::fair(capacity.min(Room::MAX_PERMITS)),
            overdrawn: AtomicUsize::new(0),
            arrivals: lists.then(Arrivals::default),
        }
    }

    /// One more job waits, if it may.
    pub(super) fn enter(&self) -> bool {
        self.room.try_acquire(1).is_ok()
    }

    /// One more job waits, though there is no room.
    pub(super) fn overdraw(&self) {
        self.overdrawn.fetch_add(1, Ordering::Relaxed);
    }

    /// One job less waits.
    pub(crate) fn leave(&self) {
        if self.overdrawn.load(Ordering::Relaxed) > 0 && self.repay() {
            return;
        }
        // A task's waker may panic: the panic hook has reported it.
        quietly(|| _ = self.room.release(1));
    }

    #[cold]
    fn repay(&self) -> bool {
        let less = |overdrawn: usize| overdrawn.checked_sub(1);
        self.overdrawn.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Waits for room until the deadline, or until `is_shut`, as who turns all away has said before. While a job waits somebody
    /// stands in for it.
    pub(super) fn wait(&self, deadline: Deadline<'_>, is_shut: impl Fn() -> bool) -> Result<(), AcquireError> {
        let acquire = |is_called: &dyn Fn() -> bool| {
            let clock = || if is_called() || is_shut() || deadline.is_over() { Tick::MAX } else { Tick::ZERO };
            self.room.permit_until(1, &OnTime(deadline), deadline.tick, clock)
        };
        let permit = blocking::maybe(|| in_line(acquire)).unwrap_or(Err(AcquireError::WouldDeadlock));
        permit.map(fastthreadpool_core::Permit::forget)
    }

    /// The same for a task.
    pub(super) fn line(&self) -> Line<'_> {
        self.room.acquire_async(1)
    }

    /// Turns away all who wait.
    pub(super) fn turn_away(&self) {
        let mut woken = Vec::new();
        self.room.turn_away(|waiter| woken.push(waiter));
        for waiter in &woken {
            // As in `leave`.
            quietly(|| waiter.unpark());
        }
    }

    /// How much room is free, and how many wait for some.
    #[cfg(all(test, shuttle))]
    pub(crate) fn counts(&self) -> (usize, usize) {
        assert_eq!(self.overdrawn.load(Ordering::Relaxed), 0, "what was overdrawn has left");
        (self.room.value(), self.room.waiters())
    }
}
