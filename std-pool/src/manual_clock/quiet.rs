//! When all that a moment has brought about has ended, or waits: see *When a moment is settled*.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::Tick;

use super::Inner;
use crate::sync::looks::{self, Looks};
use crate::sys::{self, thread};

impl Inner {
    /// Waits until all that has come of the present moment has ended, or waits.
    pub(super) fn settle(&self) {
        let mut patience = Patience::new();
        self.wait_until_quiet(&mut patience);
        self.expire();
        self.wait_until_quiet(&mut patience);
    }

    fn wait_until_quiet(&self, patience: &mut Patience) {
        loop {
            let has_worked = self.pools().iter().fold(false, |worked, pool| pool.work() | worked);
            if !has_worked && self.is_quiet(patience) {
                return;
            }
            patience.wait_a_moment();
        }
    }

    pub(super) fn is_quiet(&self, patience: &mut Patience) -> bool {
        let Some(first) = self.look() else { return false };
        // Who was told something, and has not got up yet, looks at it now.
        for looks in first.waiting.iter().filter(|looks| !looks.is_abroad() && !looks.is_present()) {
            let Some(sleep) = looks.asleep() else { return false };
            looks.ask();
            while looks.asleep().is_none_or(|present| present == sleep) {
                if looks.is_over() {
                    return false;
                }
                patience.wait_a_moment();
            }
        }
        self.look().is_some_and(|second| second.is_as(&first))
    }

    /// What is seen, if all are quiet.
    fn look(&self) -> Option<Seen> {
        let pools = self.pools();
        let places: Vec<_> = pools.iter().map(|pool| pool.place()).collect();
        let waiting = looks::of(&places);
        let asleep: usize = pools.iter().map(|pool| pool.quiet()).sum::<Option<_>>()?;
        let ended = pools.iter().map(|pool| pool.ended()).fold(0, usize::wrapping_add);
        (asleep == self.hands.lock().resting()).then_some(Seen { waiting, ended })
    }
}

/// What a look has seen.
struct Seen {
    waiting: Vec<Arc<Looks>>,
    ended: usize,
}

impl Seen {
    /// Whether nobody has gone on between two looks.
    fn is_as(&self, other: &Self) -> bool {
        let are_same = |(one, other): (&Arc<Looks>, &Arc<Looks>)| Arc::ptr_eq(one, other);
        (self.ended, self.waiting.len()) == (other.ended, other.waiting.len())
            && self.waiting.iter().zip(&other.waiting).all(are_same)
    }
}

/// Of who waits for others to get quiet.
pub(super) struct Patience {
    rounds: u32,
    /// When to say that it takes long.
    ends: Tick,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { rounds: 0, ends: sys::after(Duration::from_secs(5)) }
    }

    pub(super) fn wait_a_moment(&mut self) {
        const YIELDS: u32 = 20;
        self.rounds += 1;
        if self.rounds < YIELDS {
            return thread::yield_now();
        }
        sys::park_until(sys::after(Duration::from_micros(50)));
        if sys::now() > self.ends {
            self.ends = Tick::MAX;
            log::warn!("a clock that is turned by hand waits for jobs that neither end nor wait");
        }
    }
}
