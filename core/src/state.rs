//! The pool's one shared word: its phase, and how many workers do what. Only numbers here; who sleeps is in `sleepers`.
//!
//! # The word
//!
//! | field | means | changed by |
//! |---|---|---|
//! | phase | see [`Phase`] | `set_phase` |
//! | sentinel | one of the sleepers has a deadline: it minds the timers, or it naps | under the sleepers' lock |
//! | napping | the sentinel will look again very soon, whatever happens | under the sleepers' lock |
//! | short | jobs take less time than a wake-up | workers, when their measure crosses the line |
//! | alive | workers that were started and have not ended; a start counts from the decision | submit, exit |
//! | sleeping | workers on the sleepers' list | under the sleepers' lock |
//! | searching | workers that look for work and will find whatever is there; a wake-up counts from the decision | all |
//! | blocked | workers whose job waits for something and wants another worker to stand in | jobs |
//!
//! `sleeping + searching + blocked <= alive`; the others run jobs.
//!
//! A submit does nothing while somebody searches: the last searcher looks again after it has taken itself off the count,
//! and passes the search on when it finds more than it can do. That is why a burst of submits costs one wake-up.
#![forbid(unsafe_code)]

use core::fmt;

/// Width of a counter.
const WIDTH: u32 = if usize::BITS >= 64 { 14 } else { 6 };

const PHASE: usize = 0b11;
const SENTINEL: usize = 1 << 2;
const NAPPING: usize = 1 << 3;
const SHORT: usize = 1 << 4;
const COUNTERS: u32 = 5;

const _: () = assert!(COUNTERS + 4 * WIDTH <= usize::BITS);

const fn shift(field: u32) -> u32 {
    COUNTERS + field * WIDTH
}

/// One worker more in each field: what to add to the word, and what to take off.
pub(crate) const ALIVE: usize = 1 << shift(0);
pub(crate) const SLEEPING: usize = 1 << shift(1);
pub(crate) const SEARCHING: usize = 1 << shift(2);
pub(crate) const BLOCKED: usize = 1 << shift(3);

/// The most workers that a pool can count.
pub const MAX_WORKERS: usize = (1 << WIDTH) - 1;

/// What a pool accepts and what becomes of its workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Everything is accepted.
    Running,
    /// Jobs come from running jobs only. Queued and delayed jobs are still run, periodic ones have ended; a worker that
    /// finds nothing more ends.
    Draining,
    /// Nothing is accepted. What waits is the host's to remove; until it has done so a worker may still start it. Running
    /// jobs see that they should stop, and a worker that finds nothing more ends.
    Stopping,
}

impl Phase {
    const fn bits(self) -> usize {
        match self {
            Self::Running => 0,
            Self::Draining => 1,
            Self::Stopping => 2,
        }
    }
}

/// A snapshot of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State(pub(crate) usize);

impl State {
    pub(crate) const NEW: Self = Self(0);

    const fn field(self, field: u32) -> usize {
        self.0 >> shift(field) & MAX_WORKERS
    }

    pub(crate) const fn alive(self) -> usize {
        self.field(0)
    }

    pub(crate) const fn sleeping(self) -> usize {
        self.field(1)
    }

    pub(crate) const fn searching(self) -> usize {
        self.field(2)
    }

    pub(crate) const fn blocked(self) -> usize {
        self.field(3)
    }

    pub(crate) const fn has_sentinel(self) -> bool {
        self.0 & SENTINEL != 0
    }

    pub(crate) const fn is_napping(self) -> bool {
        self.0 & NAPPING != 0
    }

    pub(crate) const fn is_short(self) -> bool {
        self.0 & SHORT != 0
    }

    pub(crate) const fn is_running(self) -> bool {
        self.0 & PHASE == 0
    }

    pub(crate) const fn phase(self) -> Phase {
        match self.0 & PHASE {
            0 => Phase::Running,
            1 => Phase::Draining,
            _ => Phase::Stopping,
        }
    }

    #[must_use]
    pub(crate) const fn with_phase(self, phase: Phase) -> Self {
        Self(self.0 & !PHASE | phase.bits())
    }

    #[must_use]
    pub(crate) const fn with_short(self, short: bool) -> Self {
        Self(if short { self.0 | SHORT } else { self.0 & !SHORT })
    }

    /// One more sleeper, who was searching.
    #[must_use]
    pub(crate) const fn fall_asleep(self, role: Role) -> Self {
        debug_assert!(self.searching() > 0);
        let word = self.0 - SEARCHING + SLEEPING;
        Self(match role {
            Role::Plain => word,
            Role::Sentinel => word & !NAPPING | SENTINEL,
            Role::Napper => word | SENTINEL | NAPPING,
        })
    }

    /// One sleeper less, who searches from now on.
    #[must_use]
    pub(crate) const fn wake_up(self, was_sentinel: bool) -> Self {
        debug_assert!(self.sleeping() > 0);
        let word = self.0 - SLEEPING + SEARCHING;
        Self(if was_sentinel { word & !(SENTINEL | NAPPING) } else { word })
    }

    /// One more worker, who searches as soon as it runs.
    #[must_use]
    pub(crate) const fn start(self) -> Self {
        Self(self.0 + ALIVE + SEARCHING)
    }

    /// Workers beyond the wanted number, which stood in for blocked ones.
    pub(crate) const fn is_crowded(self, size: Size) -> bool {
        // Without seats for stand-ins nobody stands in; a start that was asked for and fails counts for a moment, too.
        size.limit > size.target && self.alive() - self.blocked() > size.target
    }

    /// Whether new work makes it right to wake or start a worker.
    ///
    /// Nobody is called while somebody searches, nor for short jobs while another worker runs and the sentinel naps.
    #[inline(always)]
    pub(crate) const fn calls_for(self, size: Size) -> Call {
        if self.searching() > 0 {
            Call::Nobody
        } else if self.sleeping() > 0 {
            if self.is_short() && self.is_napping() && self.sleeping() + self.blocked() < self.alive() {
                Call::Nobody
            } else {
                Call::Sleeper
            }
        } else if self.alive() - self.blocked() < size.target && self.alive() < size.limit {
            Call::Newcomer
        } else {
            Call::Nobody
        }
    }
}

/// How many workers there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// That are not blocked.
    pub(crate) target: usize,
    /// In all: there are so many seats.
    pub(crate) limit: usize,
}

/// How a worker sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Until it is woken.
    Plain,
    /// Until the next timer is due at the latest.
    Sentinel,
    /// For a moment, because there are jobs that were claimed and not started.
    Napper,
}

/// Whom new work calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Nobody,
    Sleeper,
    Newcomer,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("phase", &self.phase())
            .field("alive", &self.alive())
            .field("sleeping", &self.sleeping())
            .field("searching", &self.searching())
            .field("blocked", &self.blocked())
            .field("sentinel", &self.has_sentinel())
            .field("napping", &self.is_napping())
            .field("short", &self.is_short())
            .finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn size(target: usize) -> Size {
        Size { target, limit: 8 }
    }

    #[test]
    fn the_fields_share_no_bit_and_fill_the_masks() {
        let fields = [
            PHASE,
            SENTINEL,
            NAPPING,
            SHORT,
            ALIVE * MAX_WORKERS,
            SLEEPING * MAX_WORKERS,
            SEARCHING * MAX_WORKERS,
            BLOCKED * MAX_WORKERS,
        ];
        for (i, a) in fields.iter().enumerate() {
            for b in &fields[i + 1..] {
                assert_eq!(a & b, 0);
            }
        }
    }

    #[test]
    fn a_submit_calls_nobody_while_somebody_searches() {
        let one = State::NEW.start();
        assert_eq!(one.calls_for(size(4)), Call::Nobody);
        let asleep = one.fall_asleep(Role::Plain);
        assert_eq!(asleep.calls_for(size(4)), Call::Sleeper);
        assert_eq!(asleep.wake_up(false).calls_for(size(4)), Call::Nobody);
    }

    #[test]
    fn workers_start_on_demand_up_to_the_target_and_stand_in_for_the_blocked() {
        assert_eq!(State::NEW.calls_for(size(2)), Call::Newcomer);
        let busy = State(State::NEW.start().0 - SEARCHING);
        assert_eq!(busy.calls_for(size(2)), Call::Newcomer);
        assert_eq!(busy.calls_for(size(1)), Call::Nobody);
        let blocked = State(busy.0 + BLOCKED);
        assert_eq!(blocked.calls_for(size(1)), Call::Newcomer);
        let stand_in = State(blocked.start().0 - BLOCKED);
        assert!(stand_in.is_crowded(size(1)) && !stand_in.is_crowded(size(2)));
    }

    #[test]
    fn a_napper_looks_after_short_jobs_only_while_another_worker_runs() {
        let asleep = State::NEW.start().fall_asleep(Role::Napper).with_short(true);
        assert_eq!(asleep.calls_for(size(2)), Call::Sleeper);
        let other_runs = State(asleep.0 + ALIVE);
        assert_eq!(other_runs.calls_for(size(2)), Call::Nobody);
        assert_eq!(other_runs.with_short(false).calls_for(size(2)), Call::Sleeper);
        assert!(!other_runs.wake_up(true).has_sentinel());
    }

    #[test]
    fn phases_round_trip_and_leave_the_counts_alone() {
        let state = State::NEW.start();
        for phase in [Phase::Draining, Phase::Stopping, Phase::Running] {
            assert_eq!(state.with_phase(phase).phase(), phase);
            assert_eq!(state.with_phase(phase).alive(), 1);
        }
        assert!(!state.with_phase(Phase::Draining).is_running());
    }
}
