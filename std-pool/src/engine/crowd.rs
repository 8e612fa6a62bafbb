//! How a worker that has nothing to do waits a moment, where others may want its processor, and when that does not pay.
//!
//! With more threads than processors the one that has work for it may be waiting for this processor; so it yields. But if a
//! thread of something else then works on for its whole slice, the worker is gone for milliseconds, and nobody wakes it, for it
//! does not sleep. (Three loops beside a pool of two workers, on two processors: half of the jobs were begun after 2.8 ms or
//! more, and half of the timers were 1.5 ms late; now 13 to 15 us, and 22 to 44 us.) Who has met that, and found nothing to do
//! afterwards, sleeps at once for a while, and twice as long each time.
#![forbid(unsafe_code)]

use std::cell::Cell;

use fastthreadpool_core::Tick;

use crate::sys::{self, local, thread};

/// A yield that takes so long, in nanoseconds, has let another thread work on: longer than any system call, shorter than a slice.
const LONG: u64 = 500_000;

/// For how long it then sleeps at once, in nanoseconds: at first, and at most.
const FIRST: u64 = 10_000_000;
const MOST: u64 = 1_000_000_000;

local! {
    static CROWD: Crowd = const { Crowd { was_long: Cell::new(false), until: Cell::new(Tick::ZERO), next: Cell::new(FIRST) } };
}

/// What the present thread knows of others on its processor.
struct Crowd {
    /// The last yield was long.
    was_long: Cell<bool>,
    /// Until when it sleeps at once, and how long the next time.
    until: Cell<Tick>,
    next: Cell<u64>,
}

impl Crowd {
    fn wait_a_moment(&self, round: u32, spins: u32) -> bool {
        let before = sys::now();
        if self.was_long.take() && round > 0 {
            let length = self.next.get();
            self.until.set(before.saturating_add(length));
            self.next.set((2 * length).min(MOST));
        }
        if before < self.until.get() {
            return false;
        }
        for _ in 0..spins {
            std::hint::spin_loop();
        }
        thread::yield_now();
        if sys::now().since(before) < LONG {
            self.next.set(FIRST);
        } else {
            self.was_long.set(true);
        }
        true
    }
}

/// What comes within so many nanoseconds after a worker fell asleep would have been worth looking on for, or nearly.
const SOON: u64 = 100_000;

/// After so many sleeps in a row that were longer it sleeps at once,
const LONG_SLEEPS: u32 = 2;

/// if it was busy for less than so many nanoseconds: to look on takes longer.
const BRIEF: u64 = 5_000;

local! {
    static PAUSES: Pauses =
        const { Pauses { asleep: Cell::new(Tick::ZERO), up: Cell::new(Tick::ZERO), long: Cell::new(0) } };
}

/// What the present thread, as a worker, knows of the pauses between its jobs.
struct Pauses {
    /// When it fell asleep last.
    asleep: Cell<Tick>,
    /// When it got up; [`Tick::ZERO`] if it has found nothing once since.
    up: Cell<Tick>,
    /// Sleeps in a row that were long, and after which it was up alone and but briefly busy.
    long: Cell<u32>,
}

impl Pauses {
    fn fall_asleep(&self, now: Tick) {
        self.asleep.set(now);
    }

    fn get_up(&self, now: Tick, others_are: bool) {
        let was_long = now.since(self.asleep.get()) > SOON;
        self.long.set(if was_long && !others_are { self.long.get().saturating_add(1) } else { 0 });
        self.up.set(now);
    }

    /// It finds nothing, for the first time since it found something or got up.
    fn begin(&self, now: Tick) {
        let up = self.up.replace(Tick::ZERO);
        if up == Tick::ZERO || now.since(up) > BRIEF {
            self.long.set(0);
        }
    }

    fn looks_on(&self) -> bool {
        self.long.get() < LONG_SLEEPS
    }
}

/// Waits a moment by `relax`, for the `round`th time since something was found, as long as that pays: who is called for single short
/// jobs with long pauses in between would look on in vain after each.
pub(crate) fn pause(round: u32, relax: impl FnOnce(u32) -> bool) -> bool {
    PAUSES.with(|pauses| {
        if round == 0 {
            pauses.begin(sys::now());
        }
        // Once in any case, so that who has woken it may go on, if it has taken his processor.
        let looks_on = (round == 0 || pauses.looks_on()) && relax(round);
        if !looks_on {
            pauses.fall_asleep(sys::now());
        }
        looks_on
    })
}

/// A worker is up again, and maybe others are: what they have claimed may be shared.
pub(crate) fn get_up(others_are: bool) {
    PAUSES.with(|pauses| pauses.get_up(sys::now(), others_are));
}

/// Spins, and yields, for the `round`th time since something was found. False if it is better to sleep.
pub(crate) fn wait_a_moment(round: u32, spins: u32) -> bool {
    CROWD.with(|crowd| crowd.wait_a_moment(round, spins))
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn who_was_called_late_and_for_little_twice_in_a_row_sleeps_at_once() {
        let zero = || Cell::new(Tick::ZERO);
        let pauses = Pauses { asleep: zero(), up: zero(), long: Cell::new(0) };
        let mut now = Tick(1);
        let mut round = |sleeps: u64, others_are: bool, works: u64| {
            pauses.fall_asleep(now);
            now = now.saturating_add(sleeps);
            pauses.get_up(now, others_are);
            now = now.saturating_add(works);
            pauses.begin(now);
            pauses.looks_on()
        };
        assert_eq!([(); 3].map(|()| round(SOON + 1, false, BRIEF)), [true, false, false]);
        // Something came soon, or not to it alone, or there was much to do.
        for (sleeps, others_are, works) in [(SOON, false, BRIEF), (SOON + 1, true, BRIEF), (SOON + 1, false, BRIEF + 1)]
        {
            assert!(round(sleeps, others_are, works));
            assert_eq!([(); 2].map(|()| round(SOON + 1, false, BRIEF)), [true, false]);
        }
        // Something came while it looked once.
        pauses.begin(Tick::MAX);
        assert!(pauses.looks_on());
    }
}
