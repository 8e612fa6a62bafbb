//! How jobs pass gates: joining a ring, being let through, giving back; and one that waits for another lends it its slot. The
//! table and the invariant are in `gate`.
#![forbid(unsafe_code)]

use super::gate::{At, Exempt};
use super::slab::{Marked, Marks};
use super::{Entries, Gating, Key, Slab, State};
use crate::host::Tick;
use crate::part::Part;
use crate::wheel::{Link, NONE};

impl<P, S: Slab<P>> Entries<P, S> {
    /// Where the first gate of an entry is, or the parent of a gate.
    #[inline(always)]
    pub(super) fn gate_of(&self, n: u32) -> u32 {
        self.slab.body(n).gating.gate()
    }

    pub(super) fn marks(&self, n: u32) -> Marked {
        self.slab.link(n).tag.marks.get()
    }

    pub(super) fn mark(&mut self, n: u32, change: impl FnOnce(Marked) -> Marked) {
        let marks = &mut self.slab.link_mut(n).tag.marks;
        let now = change(marks.get());
        marks.set(now);
    }

    pub(super) fn set_gate(&mut self, n: u32, gate: u32, how: u8) {
        self.mark(n, |marks| marks.with(how));
        self.slab.body_mut(n).gating.set_gate(gate);
        *self.slab.body_mut(gate).gating.users() += 1;
    }

    /// A job that was just put in belongs to a gate.
    pub(super) fn bind(&mut self, n: u32, at: At) {
        debug_assert!(self.state(at.gate) == State::Gate, "a gate stays open while jobs are put in");
        self.set_gate(n, at.gate.index, if at.passes { Marked::LOOSE } else { Marked::GATED });
        self.mark(n, |marks| Marked { room: at.room, ..marks });
    }

    /// Whether it has to be let through before it may begin; once it has been, it has to give back what it has of its gates.
    pub(super) fn is_gated(&self, n: u32) -> bool {
        self.marks(n).has(Marked::GATED)
    }

    /// One less names the gate.
    pub(super) fn let_go(&mut self, gate: u32) {
        let users = self.slab.body_mut(gate).gating.users();
        *users -= 1;
        if *users == 0 {
            debug_assert!(self.first(gate) == NONE, "who waits at a gate names it");
            self.yard.there().gates -= 1;
            self.release(gate);
        }
    }

    /// One job more, or less, of its gates waits for its time, or is parked.
    pub(super) fn count_early(&mut self, n: u32, more: i64) {
        self.count(n, more << 32);
    }

    pub(super) fn count(&mut self, n: u32, more: i64) {
        let mut gate = self.gate_of(n);
        while gate != NONE {
            let link = self.slab.link_mut(gate);
            link.set_deadline(Tick(link.deadline().0.wrapping_add_signed(more)));
            gate = self.gate_of(gate);
        }
    }

    /// A job that is pending from now on joins its gate, as the last, or as the first.
    pub(super) fn come_to_gate(&mut self, n: u32, as_last: bool) {
        self.mark(n, |marks| Marked { passed: 0, ..marks });
        let gate = self.gate_of(n);
        if as_last {
            self.go_on(n, gate);
        } else {
            self.join(n, gate, false);
            self.settle(gate);
        }
    }

    /// A job that has been let through all before `gate` goes on from there as far as it may.
    pub(super) fn go_on(&mut self, n: u32, mut gate: u32) {
        while gate != NONE {
            if self.first(gate) != NONE || !self.admits(gate, n) {
                return self.join(n, gate, true);
            }
            self.let_through(gate, n);
            gate = self.gate_of(gate);
        }
        self.line_up(n);
    }

    /// Lets through whom the gate may. See the invariant.
    pub(super) fn settle(&mut self, gate: u32) {
        loop {
            let n = self.first(gate);
            if n == NONE || !self.admits(gate, n) {
                return;
            }
            self.leave_ring(n);
            self.let_through(gate, n);
            let next = self.gate_of(gate);
            self.go_on(n, next);
        }
    }

    pub(super) fn admits(&self, gate: u32, n: u32) -> bool {
        let (body, marks) = (self.slab.body(gate), self.marks(n));
        body.slots() > 0 && (marks.room != marks.passed + 1 || body.period > 0)
    }

    /// One that waits at a gate goes, and gives back what it has of those before it.
    pub(super) fn leave_gate(&mut self, n: u32) {
        let gate = self.nth_gate(n, self.marks(n).passed);
        self.leave_ring(n);
        self.give_back(n, false);
        self.settle(gate);
    }

    /// A gate of the chain of a job, counted from 0; for one that waits there, of those that it has passed.
    pub(super) fn nth_gate(&self, n: u32, number: u8) -> u32 {
        (0..number).fold(self.gate_of(n), |gate, _| self.gate_of(gate))
    }

    /// Whether a job that runs has a slot of a gate.
    pub(super) fn has_slot(&self, n: u32, of: u32) -> bool {
        let marks = self.marks(n);
        let has_slots = marks.has(Marked::GATED) && !marks.has(Marked::WITHOUT);
        has_slots && (0..marks.passed).any(|number| self.nth_gate(n, number) == of)
    }

    /// A job is waited for by `holder`, a job that runs: where it waits at a gate of which that one has a slot it is let through
    /// all the same, since that one does not go on meanwhile. The gates have a debt then.
    pub fn exempt(&mut self, key: Key, holder: Key) -> Exempt {
        let (n, state) = (key.index, self.state(key));
        let holds = matches!(self.state(holder), State::Running | State::Cancelled);
        let waits = matches!(state, State::Waiting | State::Parked | State::Gated);
        if !holds || !waits || !self.is_gated(n) {
            return Exempt::Free;
        }
        let (marks, is_there) = (self.marks(n), state == State::Gated);
        let mut gate = self.nth_gate(n, if is_there { marks.passed } else { 0 });
        if is_there && marks.room <= marks.passed && self.has_slot(holder.index, gate) {
            self.leave_ring(n);
            // It has one of each gate behind this one, too.
            while gate != NONE {
                self.let_through(gate, n);
                gate = self.gate_of(gate);
            }
            self.line_up(n);
            return Exempt::Ready;
        }
        while gate != NONE && !self.has_slot(holder.index, gate) {
            gate = self.gate_of(gate);
        }
        if gate == NONE { Exempt::Free } else { Exempt::Behind }
    }

    /// A job that runs gives its slots back before it has ended, and goes on without.
    pub fn go_without(&mut self, key: Key) {
        let (State::Running | State::Cancelled, n) = (self.state(key), key.index) else { return };
        let marks = self.marks(n);
        if marks.has(Marked::GATED) && !marks.has(Marked::WITHOUT) {
            self.mark(n, |marks| marks.with(Marked::WITHOUT));
            self.give_slots(n, marks.passed);
        }
    }

    /// Takes what the job needs there.
    pub(super) fn let_through(&mut self, gate: u32, n: u32) {
        self.mark(n, |marks| Marked { passed: marks.passed + 1, ..marks });
        let Marked { passed, room, .. } = self.marks(n);
        let takes_room = room == passed;
        let body = self.slab.body_mut(gate);
        body.set_slots(body.slots() - 1);
        body.period -= u64::from(takes_room);
    }

    /// What a job that leaves has of its gates goes to those that wait there; `leaves`: but for the room, which goes with what
    /// it leaves.
    #[cold]
    pub(super) fn give_back(&mut self, n: u32, leaves: bool) {
        if !self.is_gated(n) {
            return;
        }
        let marks = self.marks(n);
        let Marked { passed, room, .. } = marks;
        if !leaves && !marks.has(Marked::OWN_ROOM) && (1..=passed).contains(&room) {
            let gate = self.nth_gate(n, room - 1);
            self.slab.body_mut(gate).period += 1;
            if marks.has(Marked::WITHOUT) {
                // No slot comes with it.
                self.settle(gate);
            }
        }
        self.give_all_slots(n);
    }

    /// It holds nothing any more of the gates that have let it through.
    pub(super) fn give_all_slots(&mut self, n: u32) {
        let marks = self.marks(n);
        self.mark(n, |marks| Marked { passed: 0, ..marks.without(Marked::WITHOUT) });
        if !marks.has(Marked::WITHOUT) {
            self.give_slots(n, marks.passed);
        }
    }

    /// The first `passed` gates of its chain get a slot each.
    pub(super) fn give_slots(&mut self, n: u32, passed: u8) {
        let mut gate = self.gate_of(n);
        for _ in 0..passed {
            let body = self.slab.body_mut(gate);
            body.set_slots(body.slots() + 1);
            self.settle(gate);
            gate = self.gate_of(gate);
        }
    }

    /// The first of a ring.
    #[inline]
    pub(super) fn first(&self, gate: u32) -> u32 {
        let first = self.slab.link(gate).next;
        if first == gate { NONE } else { first }
    }

    pub(super) fn join(&mut self, n: u32, gate: u32, as_last: bool) {
        let &Link { next: first, prev: last, .. } = self.slab.link(gate);
        let (before, after) = if as_last { (last, gate) } else { (gate, first) };
        let link = self.slab.link_mut(n);
        (link.prev, link.next, link.tag.state) = (before, after, State::Gated);
        self.slab.link_mut(before).next = n;
        self.slab.link_mut(after).prev = n;
        self.yard.there().gated += 1;
        self.count(n, 1);
    }

    pub(super) fn leave_ring(&mut self, n: u32) {
        let &Link { next, prev, .. } = self.slab.link(n);
        self.slab.link_mut(prev).next = next;
        self.slab.link_mut(next).prev = prev;
        self.yard.there().gated -= 1;
        self.count(n, -1);
    }
}
