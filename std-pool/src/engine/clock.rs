//! The system's clock, which can be set, beside that of the ticks, which only goes on; and who is told when it is set.
//!
//! | [`Watch`] | tells by | where |
//! |---|---|---|
//! | [`Timer`] | a timer of the kernel's, at once; sleep of the machine, too, if the ticks have left it out | Linux |
//! | [`Looks`] | one look a minute at the difference of the two clocks | elsewhere, or where there is no such timer |
//! | `hand::Hand` | the test that turns it | tests |
#![forbid(unsafe_code)]

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastthreadpool_core::Tick;

use crate::sync::event::Event;
use crate::sync::time::WORLD;
use crate::sys::atomic::{AtomicBool, Ordering};
use crate::sys::timerfd::TimerFd;
use crate::sys::{self, Mutex};

#[cfg(test)]
pub(crate) mod hand;

/// A clock that can be set. There is one of the system; tests have others.
pub(crate) trait Clock: Send + Sync {
    fn read(&self) -> Reading;

    /// From now on somebody wants to know when it is set.
    fn watch(&self) -> Arc<dyn Watch>;
}

/// Tells one thread when the clock was set, from when it was made until it is dropped.
pub(crate) trait Watch: Send + Sync {
    /// Waits until the clock was set since the last wait, or since the watch was made; until `until`, for an interrupt, or for no
    /// reason. Returns whether it may have been set.
    fn wait(&self, until: Tick) -> bool;

    /// The present wait ends, or else the next one at once.
    fn interrupt(&self);
}

/// What both clocks say at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) tick: Tick,
    pub(crate) time: SystemTime,
}

impl Reading {
    /// When the system's clock will say `time`, if nobody sets it: now, if it does already.
    pub(crate) fn tick_at(self, time: SystemTime) -> Tick {
        self.tick.saturating_add(sys::nanos(time.duration_since(self.time).unwrap_or(Duration::ZERO)))
    }

    /// What the system's clock will say then.
    fn time_at(self, tick: Tick) -> SystemTime {
        self.time + Duration::from_nanos(tick.since(self.tick))
    }

    /// Whether the clock was set between the two, or went slower or faster than the ticks: by more than the time between two looks, as a
    /// rule.
    fn differs_from(self, former: Self) -> bool {
        const AS_GOOD_AS_EQUAL: Duration = Duration::from_millis(1);
        let expected = former.time_at(self.tick);
        let apart = |later: SystemTime, earlier| later.duration_since(earlier).is_ok_and(|by| by > AS_GOOD_AS_EQUAL);
        apart(self.time, expected) || apart(expected, self.time)
    }
}

/// The clock of the system.
pub(crate) struct System;

impl Clock for System {
    fn read(&self) -> Reading {
        // Before the ticks: so that nothing seems to be due early.
        let time = sys::system_now();
        Reading { tick: sys::now(), time }
    }

    fn watch(&self) -> Arc<dyn Watch> {
        match Timer::new() {
            Ok(timer) if !sys::is_simulated() => Arc::new(timer),
            _ => Arc::new(Looks::new()),
        }
    }
}

/// Told by a timer.
struct Timer {
    fd: TimerFd,
    is_interrupted: AtomicBool,
    /// Told to who has interrupted the wait.
    is_set: AtomicBool,
}

impl Timer {
    fn new() -> io::Result<Self> {
        let fd = TimerFd::new(SystemTime::now() + LONG)?;
        Ok(Self { fd, is_interrupted: AtomicBool::new(false), is_set: AtomicBool::new(false) })
    }

    /// A timer that was armed once is armed again: what is said of it is known to be good.
    fn arm(&self, at: SystemTime) {
        let is_set = self.fd.arm(at).unwrap_or_else(|error| unreachable!("the timer of the clock: {error}"));
        self.is_set.fetch_or(is_set, Ordering::SeqCst);
    }
}

impl Watch for Timer {
    fn wait(&self, until: Tick) -> bool {
        self.arm(System.read().time_at(until));
        // If not by now, then the interrupt arms the timer after this.
        if !self.is_interrupted.swap(false, Ordering::SeqCst) && !self.is_set.load(Ordering::SeqCst) {
            let is_set = self.fd.wait().unwrap_or_else(|error| unreachable!("the timer of the clock: {error}"));
            self.is_set.fetch_or(is_set, Ordering::SeqCst);
        }
        self.is_set.swap(false, Ordering::SeqCst)
    }

    fn interrupt(&self) {
        self.is_interrupted.store(true, Ordering::SeqCst);
        self.arm(UNIX_EPOCH);
    }
}

/// As good as never, for a timer that is about to be armed anew.
const LONG: Duration = Duration::from_secs(1 << 20);

/// Told by the difference of the clocks.
struct Looks {
    /// The last one that has told something, or the first.
    former: Mutex<Reading>,
    is_interrupted: AtomicBool,
    interrupted: Event,
}

impl Looks {
    fn new() -> Self {
        let former = Mutex::new(System.read());
        Self { former, is_interrupted: AtomicBool::new(false), interrupted: Event::default() }
    }
}

impl Watch for Looks {
    fn wait(&self, until: Tick) -> bool {
        const APART: Duration = Duration::from_secs(60);
        let is_interrupted = || self.is_interrupted.swap(false, Ordering::SeqCst);
        self.interrupted.wait(WORLD.until(until.min(sys::after(APART))), is_interrupted);
        let (mut former, present) = (self.former.lock(), System.read());
        let is_set = present.differs_from(*former);
        if is_set {
            *former = present;
        }
        is_set
    }

    fn interrupt(&self) {
        self.is_interrupted.store(true, Ordering::SeqCst);
        self.interrupted.notify();
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn reading(seconds: u64, time: u64) -> Reading {
        Reading { tick: Tick(seconds * SECOND), time: UNIX_EPOCH + Duration::from_secs(time) }
    }

    #[test]
    fn a_time_of_the_clock_is_a_tick_by_the_difference() {
        let now = reading(5, 100);
        let tick_at = |time| now.tick_at(UNIX_EPOCH + Duration::from_secs(time)).0;
        assert_eq!((tick_at(100), tick_at(107), tick_at(3)), (5 * SECOND, 12 * SECOND, 5 * SECOND));
        assert_eq!(tick_at(1 << 38), u64::MAX, "never");
        assert_eq!(now.time_at(Tick(12 * SECOND)), UNIX_EPOCH + Duration::from_secs(107));
    }

    #[test]
    fn what_was_set_is_told_from_what_went_on() {
        let former = reading(5, 100);
        for (present, is_set) in [((9, 104), false), ((9, 105), true), ((9, 103), true), ((9, 1), true)] {
            assert_eq!(reading(present.0, present.1).differs_from(former), is_set, "{present:?}");
        }
    }

    #[test]
    fn a_wait_ends_at_its_time_and_for_an_interrupt_before_or_after_it_began() {
        let watches: [Arc<dyn Watch>; 2] = [System.watch(), Arc::new(Looks::new())];
        for watch in watches {
            watch.wait(Tick::ZERO);
            watch.interrupt();
            watch.wait(sys::after(Duration::from_secs(3600)));
            std::thread::scope(|scope| {
                scope.spawn(|| watch.wait(sys::after(Duration::from_secs(3600))));
                watch.interrupt();
            });
        }
    }
}
