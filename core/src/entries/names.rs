//! What entries are called and what is said about them: keys, states, kinds, answers.
#![forbid(unsafe_code)]

use core::fmt;

#[cfg(doc)]
use super::Entries;
use super::gate::At;
use crate::host::Tick;
use crate::period::Repeat;
use crate::priority::Priority;

/// Names an entry for good: the number says where it is, the stamp whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Where.
    pub index: u32,
    /// Whose.
    pub stamp: usize,
}

/// Where an entry is on its way; see the drawing at the head of the module's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
// In this order: questions about several are questions about a range.
pub enum State {
    /// Nobody's.
    Free,
    /// No job, but a gate.
    Gate,
    /// As `Running`, but this run is its last.
    Cancelled,
    /// A job whose payload is out to run, and whose entry is needed at the end of the run.
    Running,
    /// In the wheel.
    Waiting,
    /// A periodic job that is paused: out of the wheel.
    Parked,
    /// In the ring of a gate.
    Gated,
    /// On the urgent stack.
    Due,
    /// In the line of those that a gate has let through.
    Ready,
}

/// How a job came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// By [`Entries::push_urgent`].
    Urgent,
    /// By [`Entries::insert`], to run once.
    Delayed,
    /// By [`Entries::insert`], to run again and again.
    Periodic,
    /// At a gate, behind all others.
    Queued,
    /// No job: something to be done at a time, which counts nowhere, and for which nobody waits.
    Alarm,
}

/// How a job comes in, all but its payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entering {
    pub(crate) at: Option<At>,
    pub(crate) class: Priority,
    pub(crate) kind: Kind,
    /// Means nothing for one that does not wait for a time.
    pub(crate) due: Tick,
    pub(crate) repeat: Option<Repeat>,
}

/// Which jobs are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kinds {
    /// All that would begin if there were workers and their gates were open: not those that wait for their time, nor those
    /// that repeat.
    Arrived,
    /// Those of them that wait at a gate.
    Gated,
    /// Those of them that a gate has let through.
    Ready,
    /// [`Kind::Delayed`].
    Delayed,
    /// [`Kind::Periodic`].
    Periodic,
    /// [`Kind::Delayed`] and [`Kind::Periodic`].
    Timed,
    /// Every job.
    Jobs,
    /// Alarms, too.
    All,
}

impl Kinds {
    /// Whether `kind` in `state` is among them.
    #[must_use]
    pub const fn has(self, kind: Kind, state: State) -> bool {
        match self {
            Self::Arrived => {
                !matches!(kind, Kind::Periodic | Kind::Alarm)
                    && matches!(state, State::Gated | State::Due | State::Ready)
            }
            Self::Gated => Self::Arrived.has(kind, state) && matches!(state, State::Gated),
            Self::Ready => Self::Arrived.has(kind, state) && matches!(state, State::Ready),
            Self::Delayed => matches!(kind, Kind::Delayed),
            Self::Periodic => matches!(kind, Kind::Periodic),
            Self::Timed => matches!(kind, Kind::Delayed | Kind::Periodic),
            Self::Jobs => !matches!(kind, Kind::Alarm),
            Self::All => true,
        }
    }
}

/// A job that is to be run.
#[derive(Debug)]
pub struct Popped<P> {
    /// What to run.
    pub payload: P,
    /// Names it.
    pub key: Key,
    /// As given at insertion.
    pub order: usize,
    /// Its deadline; [`Tick::ZERO`] for one without.
    pub due: Tick,
    /// What becomes of its entry.
    pub stays: Stays,
}

/// What becomes of the entry of a job that was popped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// It is free already.
    No,
    /// The same, and it was an alarm.
    Alarm,
    /// It waits for [`Entries::finish`].
    Repeats,
    /// It waits for [`Entries::leave`].
    Holds,
}

/// What [`Entries::cancel`] found.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a removed payload is the caller's to drop, with no lock held"]
pub enum Cancel<P> {
    /// It will not run.
    Removed(P),
    /// It runs now; if it is periodic this run is its last.
    Running,
    /// Not there, or not any more.
    Unknown,
}

/// Why a job was not given another time. It goes on as if nobody had asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotMoved {
    /// Its time has come: it waits for a worker, or for its group.
    Due,
    /// It is periodic and runs just now: when it runs next is known at the end of that.
    Running,
    /// It runs and is not periodic, has ended, or was cancelled.
    TooLate,
    /// It never waits for a time: it was put in the queue.
    NotTimed,
    /// The pool ends, and would wait for ever for a job whose time never comes.
    Closed,
}

impl fmt::Display for NotMoved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Due => "the time of the job has come already",
            Self::Running => "the periodic job runs just now",
            Self::TooLate => "the job runs, has ended, or was cancelled",
            Self::NotTimed => "the job waits for no time",
            Self::Closed => "the pool ends",
        })
    }
}

impl core::error::Error for NotMoved {}

/// An entry as a listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Names it.
    pub key: Key,
    /// As given at insertion.
    pub order: usize,
    /// Its deadline, of the present or coming run; [`Tick::ZERO`] for one without.
    pub due: Tick,
    /// How it repeats.
    pub repeat: Option<Repeat>,
    /// How it came in.
    pub kind: Kind,
    /// Where it is; never `Free` or `Gate`.
    pub state: State,
}
