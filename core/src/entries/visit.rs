//! Going through the entries one by one, so that the lock can be released between any two.
#![forbid(unsafe_code)]

use super::{Entries, Key, Kind, Kinds, Slab, State, View};

/// Entries that are looked at while the lock is held.
const STEP: u32 = 256;

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

impl<P, S: Slab<P>> Entries<P, S> {
    /// Cancels one of the jobs that are meant. One at a time, so that the caller can release the lock in between. `cursor`
    /// starts at 0 and says how far the loop got: what is inserted meanwhile may be met or missed. Periodic jobs that run are
    /// told that this run is their last. With a gate only jobs that belong to it are meant.
    pub fn cancel_next(&mut self, cursor: &mut u32, kinds: Kinds, gate: Option<Key>) -> Step<P> {
        // Fixed storage that has no more takes one step.
        let stop = if self.slab.capacity() <= STEP { self.fresh } else { self.fresh.min(cursor.saturating_add(STEP)) };
        while *cursor < stop {
            let n = *cursor;
            *cursor += 1;
            let tag = self.slab.link(n).tag;
            match tag.state {
                State::Free | State::Gate | State::Cancelled => {}
                state if !kinds.has(tag.kind, state) => {}
                _ if gate.is_some_and(|gate| !self.belongs_to(n, gate.index)) => {}
                State::Running => self.slab.link_mut(n).tag.state = State::Cancelled,
                _ => return self.remove_step(n),
            }
        }
        if stop < self.fresh { Step::Goes } else { Step::Over }
    }

    /// Cancels one of the jobs that have not begun and belong to a gate: at first those of its own ring, the oldest first.
    pub fn cancel_next_of(&mut self, cursor: &mut u32, gate: Key) -> Step<P> {
        if let Some(first) = self.first_gated(gate) {
            return self.remove_step(first.index);
        }
        if self.gate_counts(gate) == (0, 0) { Step::Over } else { self.cancel_next(cursor, Kinds::All, Some(gate)) }
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
