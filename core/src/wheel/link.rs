//! What the wheel keeps with each entry, and where it finds it.
#![forbid(unsafe_code)]

use crate::host::Tick;

/// No entry: the end of a list.
pub const NONE: u32 = u32::MAX;

/// [`Link::slot`] of what is in no wheel: zero, as all of an entry that was never used, see [`Head`].
pub(super) const OUT: u16 = 0;
/// [`Link::slot`] of what is in a line.
pub(super) const LISTED: u16 = 1;
/// [`Link::slot`] of what is in the wheel and never falls due.
pub(super) const NEVER: u16 = u16::MAX;

/// What the wheel keeps with each entry. `T` is the owner's, it fills the hole that alignment leaves.
#[derive(Debug)]
pub struct Link<T = ()> {
    pub(super) deadline: Tick,
    pub(crate) next: u32,
    pub(crate) prev: u32,
    /// Level times slots per level plus slot plus one, or [`NEVER`]; [`LISTED`]; or [`OUT`].
    pub(super) slot: u16,
    pub(crate) tag: T,
}

impl<T> Link<T> {
    /// In no wheel.
    pub const fn new(tag: T) -> Self {
        Self { deadline: Tick::ZERO, next: 0, prev: 0, slot: OUT, tag }
    }

    /// The deadline it was last inserted with.
    pub const fn deadline(&self) -> Tick {
        self.deadline
    }

    /// For what never was in the wheel.
    pub(crate) const fn set_deadline(&mut self, deadline: Tick) {
        self.deadline = deadline;
    }
}

/// Where the links live, by number. Numbers go up to `NONE - 1`.
pub trait Links {
    /// What the owner keeps in the link.
    type Tag;

    /// The link of entry `n`.
    fn link(&self, n: u32) -> &Link<Self::Tag>;

    /// The link of entry `n`.
    fn link_mut(&mut self, n: u32) -> &mut Link<Self::Tag>;
}

/// The end of a list: the number of its entry, or [`NONE`].
///
/// Kept so that no entry is zero. A pool that is all zeros at the beginning lies in `.bss`; else it would lie in `.data`, and
/// take as much flash as RAM.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head(u32);

impl Head {
    pub(crate) const EMPTY: Self = Self::at(NONE);

    pub(crate) const fn at(n: u32) -> Self {
        Self(!n)
    }

    pub(crate) const fn get(self) -> u32 {
        !self.0
    }
}
