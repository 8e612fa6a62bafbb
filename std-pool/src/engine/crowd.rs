//! How a worker that has nothing to do waits a moment, where others may want its processor.
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

/// Spins, and yields, for the `round`th time since something was found. False if it is better to sleep.
pub(crate) fn wait_a_moment(round: u32, spins: u32) -> bool {
    CROWD.with(|crowd| crowd.wait_a_moment(round, spins))
}
