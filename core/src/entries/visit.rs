//! Going through the entries one by one, so that the lock can be released between any two.
#![forbid(unsafe_code)]

use super::{Entries, Key, Kinds, Slab, State, View};

impl<P, S: Slab<P>> Entries<P, S> {
    /// Cancels one of the jobs that are meant, with its key and order; `None` when there are no more. One at a time, so that
    /// the caller can release the lock in between. `cursor` starts at 0 and says how far the loop got: what is inserted
    /// meanwhile may be met or missed. Periodic jobs that run are told that this run is their last.
    pub fn cancel_next(&mut self, cursor: &mut u32, kinds: Kinds) -> Option<(Key, usize, P)> {
        while *cursor < self.fresh {
            let n = *cursor;
            *cursor += 1;
            let tag = &mut self.slab.link_mut(n).tag;
            match tag.state {
                state if !kinds.has(tag.kind, state) => {}
                State::Waiting | State::Due => {
                    let body = self.slab.body(n);
                    let (key, order) = (Key { index: n, stamp: body.stamp }, body.order);
                    return Some((key, order, self.remove(n)));
                }
                State::Running => tag.state = State::Cancelled,
                State::Free | State::Cancelled => {}
            }
        }
        None
    }

    /// Shows one entry after the other, by number; `cursor` as for [`Entries::cancel_next`]. A periodic job that was
    /// cancelled in its last run is left out.
    pub fn snapshot_next(&self, cursor: &mut u32) -> Option<View> {
        while *cursor < self.fresh {
            let n = *cursor;
            *cursor += 1;
            if !matches!(self.slab.link(n).tag.state, State::Free | State::Cancelled) {
                return Some(self.view(n));
            }
        }
        None
    }

    /// Shows one entry, if it still exists.
    pub fn get(&self, key: Key) -> Option<View> {
        self.state(key).map(|_| self.view(key.index))
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
