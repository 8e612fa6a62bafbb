//! Going through the entries one by one, so that the lock can be released between any two.
#![forbid(unsafe_code)]

use super::{Entries, Key, Kind, Kinds, Slab, State, View};
use crate::host::Tick;
use crate::priority::LOW;
use crate::wheel::NONE;

/// Entries that are looked at while the lock is held.
const STEP: u32 = 256;

/// The same of the urgent stack.
const TOPMOST: usize = 64;

/// What a step of a removal has found.
#[derive(Debug)]
pub enum Step<P> {
    /// One that is meant: it was taken out.
    Removed {
        /// The job.
        payload: P,
        /// Named it.
        key: Key,
        /// As given at insertion.
        order: usize,
    },
    /// None so far: there are more to look at.
    Goes,
    /// There are no more.
    Over,
}

/// A moment: some have been put in before.
#[derive(Clone, Copy, Debug)]
pub struct Until(usize);

impl Until {
    const fn includes(self, stamp: usize) -> bool {
        // Stamps wrap.
        self.0.wrapping_sub(stamp).wrapping_sub(1) < usize::MAX / 2
    }
}

impl<P, S: Slab<P>> Entries<P, S> {
    /// Cancels one of the jobs that are meant. One at a time, so that the caller can release the lock in between. `cursor`
    /// starts at 0 and says how far the loop got: what is inserted meanwhile may be met or missed. Periodic jobs that run are
    /// told that this run is their last. With a gate only jobs are meant that belong to it, and came before.
    pub fn cancel_next(&mut self, cursor: &mut u32, kinds: Kinds, gate: Option<(Key, Until)>) -> Step<P> {
        // Fixed storage that has no more takes one step.
        let stop = if self.slab.capacity() <= STEP { self.fresh } else { self.fresh.min(cursor.saturating_add(STEP)) };
        while *cursor < stop {
            let n = *cursor;
            *cursor += 1;
            let tag = self.slab.link(n).tag;
            match tag.state {
                State::Free | State::Gate | State::Cancelled => {}
                state if !kinds.has(tag.kind, state) => {}
                _ if gate.is_some_and(|(gate, until)| !self.is_meant(n, gate, until)) => {}
                State::Running => self.slab.link_mut(n).tag.state = State::Cancelled,
                _ => return self.remove_step(n),
            }
        }
        if stop < self.fresh { Step::Goes } else { Step::Over }
    }

    /// Cancels one of the jobs that have not begun and belong to a gate: at first those of its own ring, the oldest first. Those
    /// that run do not come back. What came after `until` is spared, so that this has an end.
    pub fn cancel_next_of(&mut self, cursor: &mut u32, gate: Key, until: Until) -> Step<P> {
        if let Some(first) = self.first_gated(gate).filter(|first| until.includes(first.stamp)) {
            return self.remove_step(first.index);
        }
        let is_left = self.gate_counts(gate) == (0, 0) && self.is_idle_gate(gate);
        if is_left { Step::Over } else { self.cancel_next(cursor, Kinds::All, Some((gate, until))) }
    }

    /// Whether one of the topmost of the urgent stack had to wait for its time, and that was by then.
    pub(crate) fn has_due(&self, by: Tick) -> bool {
        let is_there = |n: &u32| *n != NONE;
        let below = |n: &u32| Some(self.slab.link(*n).next).filter(is_there);
        let stack = core::iter::successors(Some(self.stack.first()).filter(is_there), below);
        let mut times = stack.take(TOPMOST).map(|n| self.slab.link(n).deadline());
        !self.is_paused() && times.any(|due| due > Tick::ZERO && due <= by)
    }

    /// Now.
    pub fn until(&self) -> Until {
        Until(self.stamp)
    }

    fn is_meant(&self, n: u32, gate: Key, until: Until) -> bool {
        until.includes(self.slab.body(n).stamp) && self.belongs_to(n, gate.index)
    }

    fn remove_step(&mut self, n: u32) -> Step<P> {
        let body = self.slab.body(n);
        let (key, order) = (Key { index: n, stamp: body.stamp }, body.order);
        Step::Removed { payload: self.remove(n), key, order }
    }

    /// Shows one entry after the other, by number; `cursor` as for [`Entries::cancel_next`]. A periodic job that was
    /// cancelled in its last run is left out, and so are alarms.
    pub fn snapshot_next(&self, cursor: &mut u32) -> Option<View> {
        while *cursor < self.fresh {
            let n = *cursor;
            *cursor += 1;
            let tag = self.slab.link(n).tag;
            if !matches!(tag.state, State::Free | State::Cancelled | State::Gate) && tag.kind != Kind::Alarm {
                return Some(self.view(n));
            }
        }
        None
    }

    /// What may begin next and may be taken by [`Entries::take`]: the topmost, else the oldest of a line; where these repeat another,
    /// if there is one. Of the low class only `as_last`.
    pub(crate) fn next_takeable(&self, as_last: bool) -> Option<(Key, usize)> {
        let runs_once =
            |n: &u32| *n != NONE && self.slab.body(*n).period == 0 && self.slab.link(*n).tag.kind != Kind::Alarm;
        let is_meant = |n: &u32| runs_once(n) && (as_last || self.line_of(*n) != LOW);
        let is_takeable = |n: &u32| matches!(self.slab.link(*n).tag.state, State::Due | State::Ready) && is_meant(n);
        let [high, normal, low] = self.first_in_lines();
        let firsts = [self.stack.first(), high, normal, if as_last { low } else { NONE }];
        if self.is_paused() || firsts == [NONE; 4] {
            return None;
        }
        let n = firsts.into_iter().find(is_meant).or_else(|| (0..self.fresh).find(is_takeable))?;
        let body = self.slab.body(n);
        Some((Key { index: n, stamp: body.stamp }, body.order))
    }

    /// Shows one entry, if it still exists.
    pub fn get(&self, key: Key) -> Option<View> {
        (!matches!(self.state(key), State::Free | State::Gate)).then(|| self.view(key.index))
    }

    fn view(&self, n: u32) -> View {
        let (link, body) = (self.slab.link(n), self.slab.body(n));
        View {
            key: Key { index: n, stamp: body.stamp },
            order: body.order,
            due: link.deadline(),
            repeat: link.tag.repeat(body.period),
            kind: link.tag.kind,
            state: link.tag.state,
        }
    }
}
