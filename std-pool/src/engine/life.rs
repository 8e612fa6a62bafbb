//! The life of a pool: one state machine, of numbers only. What its edges make somebody do is in `ending`.
//!
//! | stage \ event | `close(Drain)` | `close(Stop)` | `swept` | `quiet` | `reopen` |
//! |---|---|---|---|---|---|
//! | Open | Draining: drain | Sweeping: sweep | - | - | Open: open |
//! | Draining | - | Sweeping: sweep | - | Ended: close | Open: open |
//! | Sweeping | - | sweep | Stopping: stop | - | Open: open |
//! | Stopping | - | - | - | Ended: close | Open: open |
//! | Ended | - | - | - | - | Open: open |
//!
//! | stage | of the pool's word the phase | means |
//! |---|---|---|
//! | Open | Running | everything is accepted |
//! | Draining | Draining | only jobs submit; what is there is run |
//! | Sweeping | Draining | the same, while somebody removes all that has not begun: before the running jobs see that they should stop, since the worker of one that does would start what is left |
//! | Stopping | Stopping | nothing is accepted, running jobs should stop |
//! | Ended | Stopping | nobody works, and nothing is left to be done; who comes to help with a join submits nothing |
//!
//! Each `reopen` begins a *round*. Whoever found out something about a round says which it was: what comes too late changes
//! nothing. The phase of the word is set under the lock of the life, so that the two agree.
//!
//! # Threads
//!
//! A thread is present from the decision to start it until its last thread-local value is gone (or it could not be started).
//! It belongs to the round in which it was asked for. A shutdown is over when its round has ended and no thread of it or of an
//! earlier round is present.
#![forbid(unsafe_code)]

use fastthreadpool_core::Phase;

/// How a pool is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// What was accepted is run.
    Drain,
    /// What has not begun is removed.
    Stop,
}

/// Where a pool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Open,
    Draining,
    Sweeping,
    Stopping,
    Ended,
}

impl Stage {
    /// The phase of the pool's word.
    pub(crate) fn phase(self) -> Phase {
        match self {
            Self::Open => Phase::Running,
            Self::Draining | Self::Sweeping => Phase::Draining,
            Self::Stopping | Self::Ended => Phase::Stopping,
        }
    }
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody closes the pool.
    Close(Close),
    /// All that had not begun in this round was removed.
    Swept(u64),
    /// In this round nobody works, nothing is pending, and nothing waits for its time.
    Quiet(u64),
    /// Somebody opens it again.
    Reopen,
}

/// What the caller is to do, with no lock held, for the round that it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Duty {
    Nothing,
    /// End all pauses; remove what would never end.
    Drain,
    /// Remove all that has not begun, then say that it is [`Event::Swept`].
    Sweep,
    /// Tell the running jobs; remove again.
    Stop,
    /// Close the outlets.
    Close,
    /// Open the outlets.
    Open,
}

#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) stage: Stage,
    pub(crate) round: u64,
    /// The threads that are present, by their rounds; none of 0.
    present: Vec<(u64, usize)>,
    /// Somebody had no time to wait for the end of this round: the last handle does not wait either.
    pub(crate) is_given_up: bool,
    /// What runs was told to stop, in this round: it may have ended otherwise.
    pub(crate) is_stopped: bool,
    /// A thread that waits for the end works in the place of a worker.
    pub(crate) is_lent: bool,
}

impl Life {
    pub(crate) const fn new() -> Self {
        Self {
            stage: Stage::Open,
            round: 0,
            present: Vec::new(),
            is_given_up: false,
            is_stopped: false,
            is_lent: false,
        }
    }

    pub(crate) fn event(&mut self, event: Event) -> Duty {
        let (stage, duty) = match (self.stage, event) {
            (Stage::Open, Event::Close(Close::Drain)) => (Stage::Draining, Duty::Drain),
            (Stage::Open | Stage::Draining | Stage::Sweeping, Event::Close(Close::Stop)) => {
                (Stage::Sweeping, Duty::Sweep)
            }
            (Stage::Sweeping, Event::Swept(round)) if round == self.round => (Stage::Stopping, Duty::Stop),
            (Stage::Draining | Stage::Stopping, Event::Quiet(round)) if round == self.round => {
                (Stage::Ended, Duty::Close)
            }
            (_, Event::Reopen) => {
                self.round += 1;
                self.is_given_up = false;
                self.is_stopped = false;
                (Stage::Open, Duty::Open)
            }
            (stage, _) => (stage, Duty::Nothing),
        };
        self.stage = stage;
        self.is_stopped |= stage == Stage::Stopping;
        duty
    }

    /// Somebody waits no more for the end of a round, or never did: the last handle does not either.
    pub(crate) fn give_up(&mut self, round: u64) {
        self.is_given_up |= self.round == round;
    }

    /// A thread is about to be started. Returns its round.
    pub(crate) fn thread_asked(&mut self) -> u64 {
        match self.present.last_mut() {
            Some((round, count)) if *round == self.round => *count += 1,
            _ => self.present.push((self.round, 1)),
        }
        self.round
    }

    /// A thread is gone, or could not be started.
    pub(crate) fn thread_gone(&mut self, of: u64) {
        let Some(index) = self.present.iter().position(|(round, _)| *round == of) else {
            debug_assert!(false, "who goes has come");
            return;
        };
        self.present[index].1 -= 1;
        if self.present[index].1 == 0 {
            self.present.remove(index);
        }
    }

    /// Whether a round has ended and its threads are gone; `None` if the pool was opened again since.
    pub(crate) fn is_over(&self, round: u64) -> Option<bool> {
        if self.round != round {
            return None;
        }
        Some(self.stage == Stage::Ended && self.present.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [Stage; 5] = [Stage::Open, Stage::Draining, Stage::Sweeping, Stage::Stopping, Stage::Ended];

    fn at(stage: Stage) -> Life {
        Life { stage, round: 7, ..Life::new() }
    }

    #[test]
    fn the_table_is_what_happens() {
        use Duty::{Close as CloseAll, Drain, Nothing, Open as OpenAll, Stop, Sweep};
        use Stage::{Draining, Ended, Open, Stopping, Sweeping};
        let events =
            [Event::Close(Close::Drain), Event::Close(Close::Stop), Event::Swept(7), Event::Quiet(7), Event::Reopen];
        let table = [
            [(Draining, Drain), (Sweeping, Sweep), (Open, Nothing), (Open, Nothing), (Open, OpenAll)],
            [(Draining, Nothing), (Sweeping, Sweep), (Draining, Nothing), (Ended, CloseAll), (Open, OpenAll)],
            [(Sweeping, Nothing), (Sweeping, Sweep), (Stopping, Stop), (Sweeping, Nothing), (Open, OpenAll)],
            [(Stopping, Nothing), (Stopping, Nothing), (Stopping, Nothing), (Ended, CloseAll), (Open, OpenAll)],
            [(Ended, Nothing), (Ended, Nothing), (Ended, Nothing), (Ended, Nothing), (Open, OpenAll)],
        ];
        for (stage, row) in STAGES.into_iter().zip(table) {
            for (event, expected) in events.into_iter().zip(row) {
                let mut life = at(stage);
                let duty = life.event(event);
                assert_eq!((life.stage, duty), expected, "{stage:?}, {event:?}");
            }
        }
    }

    #[test]
    fn what_was_found_out_in_another_round_changes_nothing() {
        for stage in STAGES {
            for event in [Event::Swept(6), Event::Quiet(6)] {
                let mut life = at(stage);
                assert_eq!((life.event(event), life.stage), (Duty::Nothing, stage));
            }
            let mut life = at(stage);
            life.give_up(6);
            assert!(!life.is_given_up);
            life.give_up(7);
            assert!(life.is_given_up);
            let _ = life.event(Event::Reopen);
            assert!(!life.is_given_up);
        }
    }

    #[test]
    fn a_round_is_over_when_the_threads_of_all_until_then_are_gone() {
        let mut life = Life::new();
        assert_eq!((life.thread_asked(), life.thread_asked()), (0, 0));
        let _ = life.event(Event::Reopen);
        assert_eq!(life.thread_asked(), 1);
        let _ = life.event(Event::Close(Close::Drain));
        assert_eq!((life.is_over(1), life.is_over(0)), (Some(false), None));
        let _ = life.event(Event::Quiet(1));
        for round in [0, 1] {
            assert_eq!(life.is_over(1), Some(false));
            life.thread_gone(round);
        }
        assert_eq!(life.is_over(1), Some(false), "one of the first round is there still");
        life.thread_gone(0);
        assert_eq!(life.is_over(1), Some(true));
    }
}
