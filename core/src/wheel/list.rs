//! A list of entries, linked both ways through their links.
#![forbid(unsafe_code)]

use super::Links;
use super::link::{Head, NONE};

#[derive(Debug)]
pub(crate) struct List {
    first: Head,
    last: Head,
}

impl List {
    pub(crate) const EMPTY: Self = Self { first: Head::EMPTY, last: Head::EMPTY };

    /// [`NONE`] if it is empty.
    pub(crate) const fn first(&self) -> u32 {
        self.first.get()
    }

    /// [`NONE`] if it is empty.
    pub(crate) const fn last(&self) -> u32 {
        self.last.get()
    }

    /// Makes two entries neighbours. [`NONE`] is before the first and after the last.
    pub(crate) fn join<L: Links + ?Sized>(&mut self, links: &mut L, before: u32, after: u32) {
        match before {
            NONE => self.first = Head::at(after),
            n => links.link_mut(n).next = after,
        }
        match after {
            NONE => self.last = Head::at(before),
            n => links.link_mut(n).prev = before,
        }
    }
}
