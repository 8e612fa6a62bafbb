//! When a periodic job runs again: pure arithmetic on [`Tick`]s, a constant amount of it however far the clock has jumped.
//!
//! | repeat | the run that was due at `due` and is over at `now` is followed by one at |
//! |---|---|
//! | rate, in time | `due + period` |
//! | rate, missed, [`Burst`](MissedTickBehavior::Burst) | `due + period`, which has passed: it is due at once |
//! | rate, missed, [`Delay`](MissedTickBehavior::Delay) | `now + period`: a new grid |
//! | rate, missed, [`Skip`](MissedTickBehavior::Skip) | the first point of the old grid after `now` |
//! | delay | `now + period` |
//!
//! Rules:
//!
//! 1. Sums saturate. [`Tick::MAX`] means *never again*.
//! 2. The grid is computed from `due`, never from the time of the run: lateness does not add up.
#![forbid(unsafe_code)]

use core::num::NonZeroU64;

use crate::host::Tick;

/// What becomes of the points of the grid that passed while a fixed-rate job could not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MissedTickBehavior {
    /// Makes up for all of them, one run directly after the other, until the grid is caught up with.
    #[default]
    Burst,
    /// Drops them and starts a new grid one period after now.
    Delay,
    /// Drops them and goes on with the next point of the same grid.
    Skip,
}

/// How a job repeats.
///
/// ```
/// use core::num::NonZeroU64;
/// use fastthreadpool_core::{MissedTickBehavior, Repeat, Tick};
///
/// let period = NonZeroU64::new(10).unwrap();
/// let rate = Repeat::Rate { period, missed: MissedTickBehavior::Skip };
/// assert_eq!(rate.next(Tick(100), Tick(104)), Tick(110));
/// assert_eq!(rate.next(Tick(100), Tick(134)), Tick(140));
/// assert_eq!(Repeat::Delay { period }.next(Tick(100), Tick(134)), Tick(144));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// On the grid of `period` ticks through the first deadline.
    Rate {
        /// Ticks from one point of the grid to the next.
        period: NonZeroU64,
        /// What to do when the grid got ahead of the runs.
        missed: MissedTickBehavior,
    },
    /// `period` ticks after the end of the run before.
    Delay {
        /// Ticks from the end of one run to the start of the next.
        period: NonZeroU64,
    },
}

impl Repeat {
    pub(crate) const fn period(self) -> u64 {
        match self {
            Self::Delay { period } | Self::Rate { period, .. } => period.get(),
        }
    }

    /// When to run after a pause that ends at `now`, in which a run may have been due at `due`: what has passed is left out.
    #[must_use]
    pub(crate) const fn resume(self, due: Tick, now: Tick) -> Tick {
        if due.0 > now.0 {
            return due;
        }
        match self {
            Self::Delay { .. } => self.next(due, now),
            Self::Rate { period, .. } => Self::Rate { period, missed: MissedTickBehavior::Skip }.next(due, now),
        }
    }

    /// When to run again after the run that was due at `due` and is over at `now`. [`Tick::MAX`]: never.
    #[must_use]
    pub const fn next(self, due: Tick, now: Tick) -> Tick {
        let late = now.since(due);
        let (from, period) = match self {
            Self::Delay { period } => (now, period),
            Self::Rate { period, missed } => match missed {
                MissedTickBehavior::Delay if late > period.get() => (now, period),
                // The last point of the grid that is not after `now`.
                MissedTickBehavior::Skip => (Tick(due.0 + (late - remainder(late, period.get()))), period),
                MissedTickBehavior::Burst | MissedTickBehavior::Delay => (due, period),
            },
        };
        from.saturating_add(period.get())
    }
}

/// `number % divisor`, one bit of the quotient after the other. The operator is half a KiB of library on a 32-bit machine; and
/// the quotient, the points missed, is a small number most of the time.
const fn remainder(mut number: u64, divisor: u64) -> u64 {
    let mut step = divisor;
    while step <= number / 2 {
        step *= 2;
    }
    loop {
        if number >= step {
            number -= step;
        }
        if step == divisor {
            return number;
        }
        step /= 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(period: u64, missed: MissedTickBehavior) -> Repeat {
        Repeat::Rate { period: NonZeroU64::new(period).unwrap(), missed }
    }

    fn delay(period: u64) -> Repeat {
        Repeat::Delay { period: NonZeroU64::new(period).unwrap() }
    }

    const ALL: [MissedTickBehavior; 3] =
        [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip];

    #[test]
    fn in_time_stays_on_the_grid() {
        for missed in ALL {
            assert_eq!(rate(10, missed).next(Tick(100), Tick(100)), Tick(110));
            assert_eq!(rate(10, missed).next(Tick(100), Tick(109)), Tick(110));
            // A clock behind the deadline: the same point is not run twice.
            assert_eq!(rate(10, missed).next(Tick(100), Tick(3)), Tick(110));
        }
    }

    #[test]
    fn missed() {
        assert_eq!(rate(10, MissedTickBehavior::Burst).next(Tick(100), Tick(125)), Tick(110));
        assert_eq!(rate(10, MissedTickBehavior::Delay).next(Tick(100), Tick(125)), Tick(135));
        assert_eq!(rate(10, MissedTickBehavior::Skip).next(Tick(100), Tick(125)), Tick(130));
    }

    #[test]
    fn after_a_pause_the_grid_goes_on() {
        for missed in ALL {
            assert_eq!(rate(10, missed).resume(Tick(100), Tick(99)), Tick(100));
            assert_eq!(rate(10, missed).resume(Tick(100), Tick(100)), Tick(110));
            assert_eq!(rate(10, missed).resume(Tick(100), Tick(134)), Tick(140));
        }
        assert_eq!(delay(10).resume(Tick(100), Tick(50)), Tick(100));
        assert_eq!(delay(10).resume(Tick(100), Tick(134)), Tick(144));
        assert_eq!(delay(10).resume(Tick::MAX, Tick(134)), Tick::MAX);
    }

    #[test]
    fn exactly_at_the_next_point() {
        assert_eq!(rate(10, MissedTickBehavior::Burst).next(Tick(100), Tick(110)), Tick(110));
        assert_eq!(rate(10, MissedTickBehavior::Delay).next(Tick(100), Tick(110)), Tick(110));
        assert_eq!(rate(10, MissedTickBehavior::Skip).next(Tick(100), Tick(110)), Tick(120));
    }

    #[test]
    fn the_end_of_time_is_never() {
        for missed in ALL {
            assert_eq!(rate(u64::MAX, missed).next(Tick(1), Tick(1)), Tick::MAX);
            assert_eq!(rate(7, missed).next(Tick(u64::MAX - 3), Tick(u64::MAX - 2)), Tick::MAX);
            assert_eq!(rate(7, missed).next(Tick::MAX, Tick::MAX), Tick::MAX);
        }
        assert_eq!(delay(1).next(Tick::ZERO, Tick::MAX), Tick::MAX);
        assert_eq!(delay(u64::MAX).next(Tick::ZERO, Tick(1)), Tick::MAX);
        // Skip over the whole range lands on the grid or on never.
        assert_eq!(rate(1, MissedTickBehavior::Skip).next(Tick::ZERO, Tick(u64::MAX - 2)), Tick(u64::MAX - 1));
    }

    proptest! {
        #[test]
        fn the_remainder_is_what_division_leaves(number: u64, divisor in 1_u64.., shift in 0_u32..64) {
            for (number, divisor) in [(number, divisor), (number, (divisor >> shift).max(1)), (number >> shift, divisor)] {
                prop_assert_eq!(remainder(number, divisor), number % divisor);
            }
        }

        #[test]
        fn skip_is_the_first_grid_point_after_now(due: u64, ahead: u64, period in 1_u64..) {
            let now = due.saturating_add(ahead);
            let next = rate(period, MissedTickBehavior::Skip).next(Tick(due), Tick(now));
            // The same in 128 bits, where nothing saturates.
            let (due, now, period) = (u128::from(due), u128::from(now), u128::from(period));
            let exact = due + ((now - due) / period + 1) * period;
            prop_assert_eq!(u128::from(next.0), exact.min(u128::from(u64::MAX)));
        }

        #[test]
        fn never_back_in_time(due: u64, now: u64, period in 1_u64..) {
            for missed in ALL {
                let next = rate(period, missed).next(Tick(due), Tick(now));
                prop_assert!(next > Tick(due) || next == Tick::MAX);
            }
            prop_assert!(delay(period).next(Tick(due), Tick(now)) > Tick(now) || now == u64::MAX);
        }
    }
}
