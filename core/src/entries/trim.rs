//! Giving back what a burst took: the room above the last entry that is still in use.
//!
//! The search for that entry goes down from the last one that ever was, some at a time, so that the lock can be released in
//! between. It begins anew if anything was put in meanwhile.
#![forbid(unsafe_code)]

use super::{Entries, Slab, State};
use crate::wheel::Head;

/// Entries that are looked at while the lock is held. What is left in use may not be more, since the free ones among them
/// are listed anew.
const STEP: u32 = 4096;

/// How far a search has got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    stamp: usize,
    /// None is in use from here on.
    end: u32,
}

/// What became of a step.
#[derive(Debug)]
pub(crate) enum Trim<T> {
    /// There is more to do.
    Goes(Search),
    /// It is over: this is to be dropped with no lock held.
    Over(Option<T>),
}

impl<P, S: Slab<P>> Entries<P, S> {
    /// Whether so many were in use that it may be worth it.
    pub(crate) fn has_surplus(&self) -> bool {
        self.fresh > STEP / 4 && self.len() + (self.yard(|yard| yard.gates) as usize) < self.fresh as usize / 4
    }

    /// The next step of a search, the first for `None`.
    pub(crate) fn trim(&mut self, search: Option<Search>) -> Trim<S::Surplus> {
        let search = search.filter(|search| search.stamp == self.stamp && search.end <= self.fresh);
        let mut end = search.map_or(self.fresh, |search| search.end);
        let stop = end.saturating_sub(STEP);
        while end > stop && self.slab.link(end - 1).tag.state == State::Free {
            end -= 1;
        }
        if end == stop && end > 0 {
            return Trim::Goes(Search { stamp: self.stamp, end });
        }
        if end == self.fresh || end > STEP {
            return Trim::Over(None);
        }
        self.fresh = end;
        self.free = Head::EMPTY;
        for n in (0..end).rev() {
            let link = self.slab.link_mut(n);
            if link.tag.state == State::Free {
                link.next = core::mem::replace(&mut self.free, Head::at(n)).get();
            }
        }
        Trim::Over(self.slab.shrink(end))
    }
}
