//! What entries are called and what is said about them: keys, states, kinds, answers.
#![forbid(unsafe_code)]

#[cfg(doc)]
use super::Entries;
use crate::host::Tick;
use crate::period::Repeat;

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
pub enum State {
    /// Nobody's.
    Free,
    /// In the wheel.
    Waiting,
    /// On the urgent stack.
    Due,
    /// A periodic job whose payload is out to run.
    Running,
    /// The same, but this run is its last.
    Cancelled,
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
}

/// Which jobs are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kinds {
    /// [`Kind::Urgent`], and [`Kind::Delayed`] that is [`State::Due`]: what could begin now.
    Urgent,
    /// [`Kind::Delayed`].
    Delayed,
    /// [`Kind::Periodic`].
    Periodic,
    /// [`Kind::Delayed`] and [`Kind::Periodic`].
    Timed,
    /// Every one.
    All,
}

impl Kinds {
    /// Whether `kind` in `state` is among them.
    #[must_use]
    pub const fn has(self, kind: Kind, state: State) -> bool {
        match self {
            Self::Urgent => !matches!(kind, Kind::Periodic) && matches!(state, State::Due),
            Self::Delayed => matches!(kind, Kind::Delayed),
            Self::Periodic => matches!(kind, Kind::Periodic),
            Self::Timed => !matches!(kind, Kind::Urgent),
            Self::All => true,
        }
    }
}

/// A job off the urgent stack, to be run.
#[derive(Debug)]
pub struct Popped<P> {
    /// What to run.
    pub payload: P,
    /// Names it; if it repeats, for [`Entries::finish`].
    pub key: Key,
    /// As given at insertion.
    pub order: usize,
    /// Its deadline; [`Tick::ZERO`] for an urgent job.
    pub due: Tick,
    /// `Some`: its entry waits for [`Entries::finish`]. `None`: its entry is free already.
    pub repeat: Option<Repeat>,
}

/// What [`Entries::cancel`] found.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a removed payload is the caller's to drop, with no lock held"]
pub enum Cancel<P> {
    /// It was waiting or due, and will not run.
    Removed(P),
    /// A periodic job that runs now; this run is its last.
    Running,
    /// Not there, or not any more.
    Unknown,
}

/// An entry as a listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Names it.
    pub key: Key,
    /// As given at insertion.
    pub order: usize,
    /// Its deadline, of the present or coming run; [`Tick::ZERO`] for an urgent job.
    pub due: Tick,
    /// How it repeats.
    pub repeat: Option<Repeat>,
    /// How it came in.
    pub kind: Kind,
    /// Where it is; never `Free`.
    pub state: State,
}
