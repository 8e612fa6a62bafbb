//! For a few: one list in the order of the deadlines, instead of a wheel.
//!
//! An insertion looks at the entries that fall due later, from the last one on. For some dozens that is quicker than the
//! wheel, which takes four times the code and most of a KiB of RAM besides.
//!
//! Rules:
//!
//! 1. In the list, no entry's deadline is later than the next one's; those that were reached when they were put in count
//!    as if theirs was the time the line had reached.
//! 2. Among equals the list keeps the order of insertion.
//! 3. [`Tick::MAX`] is never: such entries are at the end of the list.
#![forbid(unsafe_code)]

use super::link::{LISTED, NONE, OUT};
use super::list::List;
use super::{Links, Timing};
use crate::host::Tick;

/// A list in the order of the deadlines, to be used as a [`Timing`] for a few entries.
///
/// ```
/// use fastthreadpool_core::wheel::{Line, Timing};
/// use fastthreadpool_core::{Fixed, Pool};
///
/// assert!(size_of::<Line>() <= 16);
/// # struct Board;
/// # impl fastthreadpool_core::Host for Board {
/// #     type Mutex = fastthreadpool_core::hosts::ScriptedMutex;
/// #     fn now(&self) -> fastthreadpool_core::Tick { fastthreadpool_core::Tick(0) }
/// # }
/// // Room for 16 jobs and 8 timers, one worker.
/// static POOL: Pool<fn(), Board, Fixed<fn(), 16, 8, 1, Line>> = Pool::fixed(Board);
/// ```
#[derive(Debug)]
pub struct Line {
    /// No entry that is put in now can be due earlier.
    reached: Tick,
    list: List,
}

impl Timing for Line {
    const EMPTY: Self = Self { reached: Tick::ZERO, list: List::EMPTY };

    /// Work grows with the number of entries that fall due later.
    fn insert<L: Links + ?Sized>(&mut self, links: &mut L, n: u32, deadline: Tick) {
        let at = deadline.max(self.reached);
        let (mut before, mut after) = (self.list.last(), NONE);
        while before != NONE && links.link(before).deadline > at {
            after = before;
            before = links.link(before).prev;
        }
        let link = links.link_mut(n);
        debug_assert!(link.slot == OUT, "entry {n} is in a line already");
        link.deadline = deadline;
        link.slot = LISTED;
        self.list.join(links, before, n);
        self.list.join(links, n, after);
    }

    fn remove<L: Links + ?Sized>(&mut self, links: &mut L, n: u32) -> bool {
        let link = links.link_mut(n);
        if link.slot == OUT {
            return false;
        }
        link.slot = OUT;
        let (before, after) = (link.prev, link.next);
        self.list.join(links, before, after);
        true
    }

    fn expire<L: Links + ?Sized>(&mut self, links: &mut L, now: Tick) -> Option<u32> {
        let now = now.min(Tick(u64::MAX - 1)).max(self.reached);
        let first = self.list.first();
        if first != NONE {
            let deadline = links.link(first).deadline;
            if deadline <= now {
                self.reached = self.reached.max(deadline);
                self.remove(links, first);
                return Some(first);
            }
        }
        self.reached = now;
        None
    }

    fn next_deadline<L: Links + ?Sized>(&mut self, links: &L) -> Option<Tick> {
        let first = self.list.first();
        if first == NONE {
            return None;
        }
        Some(links.link(first).deadline.max(self.reached)).filter(|deadline| *deadline < Tick::MAX)
    }
}
