//! Gates: accepted jobs that may not begin yet for another reason than time.
//!
//! A gate *is an entry*. It has so many free *slots*, of which each job that it lets through takes one until it has ended, and
//! so much *room*, of which a job that is to leave something takes one until that has been read. Its link is the sentinel of
//! the ring of those that wait at it, the oldest first. A gate may have a parent: who is let through here waits there next.
//!
//! ```text
//!            slots, room             slots                       the line
//!  job ──► [ gate of a key ] ──► [ gate of its group ] ──► .. ──►  Ready  ──► a worker ──► leave: all slots back
//!             Gated                  Gated
//! ```
//!
//! | of a gate | stands in |
//! |---|---|
//! | free slots, may be negative: a debt | `order`, as a signed number |
//! | room | `period` |
//! | first and last of the ring; itself if there is none | `next`, `prev` |
//! | jobs of it, and of gates below it, that wait for their time, and that are in rings | two halves of `deadline` |
//! | its parent | `gate` |
//! | how many gates are behind it | `passed`, in its marks |
//! | who names it: its owner, jobs, gates below it | `users`; at 0 it is free |
//!
//! # The invariant
//!
//! Whenever the lock is free, of each gate: *the ring is empty, or it does not let its first one through*. Four things could
//! break it: one that joins a ring, a slot or room that is given, a first one that is removed, and a parent that has let
//! somebody through. Each function here that does one of them ends with `settle` of that gate; and what a gate lets
//! through goes on at once as far as it may, so that nothing is left to do for the gates above.
//!
//! A slot never leaves with a thread. How many gates hold one for a job stands in its entry (`passed`); they get it back on
//! every way on which the job leaves, or goes back to the beginning of its gate.
//!
//! Who closes a gate for a while takes more slots than there are, and gives them back in portions, so that no more are let
//! through at a time than the lock is to be held for.
#![forbid(unsafe_code)]

use super::slab::{Marked, Marks};
use super::{Entering, Entries, Gating, Key, Kind, Slab, State, Stays};
use crate::host::Tick;
use crate::part::Part;
use crate::priority::Priority;
use crate::wheel::{NONE, Timing};

/// At which gate a job is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The first one of its chain.
    pub gate: Key,
    /// Which gate of the chain, counted from 1, has the room that it needs; 0 if it leaves nothing.
    pub room: u8,
    /// Whether it only belongs to the gate, for what is asked of that, and begins without it.
    pub passes: bool,
}

/// What becomes of a job that a job waits for which has a slot of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exempt {
    /// It does not need that slot, or has begun.
    Free,
    /// It waited for that slot, and may begin now.
    Ready,
    /// It will need it.
    Behind,
}

/// As many as nobody counts to: what a gate without a limit has.
pub(crate) const WITHOUT_END: usize = usize::MAX / 4;

/// As many as a job passes: it counts them in a byte.
pub(crate) const MAX_GATES: usize = u8::MAX as usize;

impl<P, S: Slab<P>> Entries<P, S> {
    /// A gate with so many slots and so much room; at most a quarter of what a `usize` holds counts. `None` if there is no
    /// room in storage, or as many are behind it as a job may pass, see [`MAX_GATES`](crate::MAX_GATES).
    pub fn open_gate(&mut self, slots: usize, room: usize, parent: Option<Key>) -> Option<Key> {
        let behind = parent.map_or(0, |parent| usize::from(self.marks(parent.index).passed) + 1);
        if behind >= MAX_GATES {
            return None;
        }
        let (key, _) = self.claim(slots.min(WITHOUT_END), room.min(WITHOUT_END) as u64)?;
        let n = key.index;
        let link = self.slab.link_mut(n);
        link.tag.fill(State::Gate, Kind::Queued, None);
        (link.next, link.prev) = (n, n);
        link.set_deadline(Tick::ZERO);
        *self.slab.body_mut(n).gating.users() = 1;
        self.yard.there().gates += 1;
        if let Some(parent) = parent {
            debug_assert!(self.state(parent) == State::Gate, "a parent stays open");
            self.set_gate(n, parent.index, Marked::LOOSE);
            self.mark(n, |marks| Marked { passed: behind as u8, ..marks });
        }
        Some(key)
    }

    /// The owner lets go of it. It lets through as before until nobody names it any more.
    pub fn close_gate(&mut self, gate: Key) {
        if self.state(gate) == State::Gate {
            self.let_go(gate.index);
        }
    }

    /// Whether nobody but its owner names it.
    pub fn is_idle_gate(&mut self, gate: Key) -> bool {
        self.state(gate) == State::Gate && *self.slab.body_mut(gate.index).gating.users() == 1
    }

    /// The room that a job was let through with is its own from here on. Returns whether it has any, which was not so already.
    pub fn own_room(&mut self, key: Key) -> bool {
        let (State::Running | State::Cancelled, n) = (self.state(key), key.index) else { return false };
        let marks = self.marks(n);
        let has_room = !marks.has(Marked::OWN_ROOM) && (1..=marks.passed).contains(&marks.room);
        if has_room {
            self.mark(n, |marks| marks.with(Marked::OWN_ROOM));
        }
        has_room
    }

    /// Whether it is open.
    pub fn has_gate(&self, gate: Key) -> bool {
        self.state(gate) == State::Gate
    }

    /// Gives so many slots, and so much room: at once what makes up for a debt, and as much as lets `portion` through; all, if
    /// nobody waits for more of it. Returns what is left to be given.
    pub fn give(&mut self, gate: Key, slots: usize, room: usize, portion: usize) -> (usize, usize) {
        if self.state(gate) != State::Gate {
            return (0, 0);
        }
        let debt = self.free_slots(gate).min(0).unsigned_abs();
        let (now, room_now) = (slots.min(debt + portion), room.min(portion));
        self.give_some(gate, now, room_now);
        let rest = (slots - now, room - room_now);
        // The first of the ring waits for what is yet to be given, or nobody waits for it.
        let awaited = if self.free_slots(gate) > 0 { rest.1 } else { rest.0 };
        if self.first(gate.index) != NONE && awaited > 0 {
            return rest;
        }
        self.give_some(gate, rest.0, rest.1);
        (0, 0)
    }

    /// Takes so many slots away, whether they are free or not.
    pub fn take_slots(&mut self, gate: Key, slots: usize) {
        if self.state(gate) == State::Gate {
            let body = self.slab.body_mut(gate.index);
            body.set_slots(body.slots().saturating_sub_unsigned(slots));
        }
    }

    /// How many slots are free; negative for a debt, 0 if it is not there.
    pub fn free_slots(&self, gate: Key) -> isize {
        if self.state(gate) == State::Gate { self.slab.body(gate.index).slots() } else { 0 }
    }

    fn give_some(&mut self, gate: Key, slots: usize, room: usize) {
        let body = self.slab.body_mut(gate.index);
        body.set_slots(body.slots().saturating_add_unsigned(slots));
        body.period = body.period.saturating_add(room as u64);
        self.settle(gate.index);
    }

    /// Takes room for one result that comes now, if there is any and nobody has waited for it.
    pub fn take_room(&mut self, gate: Key) -> bool {
        if self.state(gate) != State::Gate {
            // Nobody is left who would read.
            return true;
        }
        let room = &mut self.slab.body_mut(gate.index).period;
        let has_room = *room > 0;
        *room -= u64::from(has_room);
        has_room
    }

    /// Jobs of the gate, and of those below it: how many wait for their time, how many are in rings.
    pub fn gate_counts(&self, gate: Key) -> (usize, usize) {
        if self.state(gate) != State::Gate {
            return (0, 0);
        }
        let Tick(both) = self.slab.link(gate.index).deadline();
        ((both >> 32) as usize, both as u32 as usize)
    }

    /// The oldest job in the ring of a gate.
    pub fn first_gated(&self, gate: Key) -> Option<Key> {
        let n = if self.state(gate) == State::Gate { self.first(gate.index) } else { NONE };
        (n != NONE).then(|| Key { index: n, stamp: self.slab.body(n).stamp })
    }

    /// Puts in a job of any kind, or an alarm, at a gate that is open.
    pub(crate) fn put_at(&mut self, order: usize, entering: Entering, payload: P) -> Result<Key, P> {
        let Entering { at, class, kind, due, repeat } = entering;
        let is_timed = !matches!(kind, Kind::Urgent | Kind::Queued);
        let state = if is_timed { State::Waiting } else { State::Due };
        let key = self.claim_job(order, payload, state, kind, repeat)?;
        let n = key.index;
        if let Some(at) = at {
            self.bind(n, at);
        }
        match class {
            Priority::Normal => {}
            Priority::High => self.mark(n, |marks| marks.with(Marked::HIGH)),
            Priority::Low => self.mark(n, |marks| marks.with(Marked::LOW)),
        }
        if kind == Kind::Alarm {
            self.mark(n, |marks| marks.with(Marked::ALARM));
            self.yard.there().alarms += 1;
        } else {
            self.count_accepted();
        }
        if is_timed {
            self.wheel.insert(&mut self.slab, n, due);
            self.waiting += 1;
            self.count_early(n, 1);
            return Ok(key);
        }
        self.count_arrived(1);
        if self.is_gated(n) {
            self.slab.link_mut(n).set_deadline(Tick::ZERO);
            self.come_to_gate(n, kind == Kind::Queued);
        } else if kind == Kind::Queued && self.has_class(n) {
            self.line_up(n);
        } else {
            self.push(n);
        }
        Ok(key)
    }

    /// Whether a job belongs to the gate, at any distance.
    pub(super) fn belongs_to(&self, n: u32, gate: u32) -> bool {
        let mut at = self.gate_of(n);
        while at != NONE && at != gate {
            at = self.gate_of(at);
        }
        at == gate
    }

    /// A job that runs and holds slots goes back to where it came from, as the first there. If it was cancelled meanwhile, it
    /// leaves, and its payload is the caller's to drop.
    ///
    /// # Errors
    ///
    /// The payload.
    pub fn back(&mut self, key: Key, payload: P) -> Result<(), P> {
        if self.state(key) != State::Running {
            // The room that it had has gone with what it has left.
            self.leave(key, true);
            return Err(payload);
        }
        let n = key.index;
        self.running -= 1;
        self.slab.body_mut(n).payload.fill(payload);
        // It has no room: that is why it comes back.
        let marks = self.marks(n);
        self.mark(n, |marks| Marked { passed: 0, ..marks.without(Marked::OWN_ROOM | Marked::WITHOUT) });
        let first = self.gate_of(n);
        self.join(n, first, false);
        if marks.has(Marked::WITHOUT) {
            self.settle(first);
        } else {
            self.give_slots(n, marks.passed);
        }
        Ok(())
    }

    /// Pauses a periodic job: from its present run on, or the one that is due. Returns whether there is such a job.
    pub fn park(&mut self, key: Key) -> bool {
        let n = key.index;
        if !Self::GATES || self.state(key) == State::Free || self.slab.link(n).tag.kind != Kind::Periodic {
            return false;
        }
        self.mark(n, |marks| marks.with(Marked::PARKS));
        if self.slab.link(n).tag.state == State::Waiting {
            self.unwait_special(n);
            self.slab.link_mut(n).tag.state = State::Parked;
            self.yard.there().parked += 1;
        }
        true
    }

    /// Ends the pause of a periodic job; the points of its grid that have passed are left out. Returns when it runs next,
    /// [`Tick::MAX`] if it was not waiting; `None` if there is no such job.
    pub fn unpark(&mut self, key: Key, now: Tick) -> Option<Tick> {
        let n = key.index;
        let state = self.state(key);
        if !Self::GATES || state == State::Free {
            return None;
        }
        let tag = self.slab.link(n).tag;
        let repeat = tag.repeat(self.slab.body(n).period)?;
        self.mark(n, |marks| marks.without(Marked::PARKS));
        if state != State::Parked {
            return Some(Tick::MAX);
        }
        self.yard.there().parked -= 1;
        let due = repeat.resume(self.slab.link(n).deadline(), now);
        self.slab.link_mut(n).tag.state = State::Waiting;
        self.wheel.insert(&mut self.slab, n, due);
        self.waiting += 1;
        Some(due)
    }

    /// What a special entry leaves when it begins, if it runs once.
    #[cold]
    pub(super) fn stays(&self, n: u32) -> Stays {
        let marks = self.marks(n);
        if marks.has(Marked::GATED) {
            Stays::Holds
        } else if marks.has(Marked::ALARM) {
            Stays::Alarm
        } else {
            Stays::No
        }
    }

    /// A special entry has fallen due. `None` if it has gone to its gate, or into line, and all is done; else how many jobs it is: an alarm is
    /// none.
    #[cold]
    pub(super) fn expire_special(&mut self, n: u32) -> Option<usize> {
        self.count_early(n, -1);
        if self.marks(n).has(Marked::ALARM) {
            self.yard.there().alarms -= 1;
            return Some(0);
        }
        let is_gated = self.is_gated(n);
        if !is_gated && !self.has_class(n) {
            return Some(1);
        }
        self.count_arrived(1);
        if is_gated {
            self.come_to_gate(n, true);
        } else {
            self.line_up(n);
        }
        None
    }

    /// A special entry is to wait until `due`. Returns whether it is parked: all is done then.
    #[cold]
    pub(super) fn wait_special(&mut self, n: u32, due: Tick) -> bool {
        self.count_early(n, 1);
        let parks = self.marks(n).has(Marked::PARKS);
        if parks {
            let link = self.slab.link_mut(n);
            link.set_deadline(due);
            link.tag.state = State::Parked;
            self.yard.there().parked += 1;
        }
        parks
    }

    /// Takes a special entry that has its payload out of where it is. Returns whether it is a job, and whether that has not
    /// arrived.
    #[cold]
    #[inline(never)]
    pub(super) fn take_out_special(&mut self, n: u32) -> (bool, bool) {
        let (state, marks) = (self.slab.link(n).tag.state, self.marks(n));
        let is_job = !marks.has(Marked::ALARM);
        let is_early = matches!(state, State::Waiting | State::Parked);
        match state {
            State::Waiting => {
                self.unwait_special(n);
                self.yard.there().alarms -= u32::from(!is_job);
            }
            State::Parked => self.yard.there().parked -= 1,
            State::Due => self.unstack(n),
            State::Ready => {
                self.leave_line(n);
                self.give_back(n, false);
            }
            _ => {
                debug_assert!(state == State::Gated, "nothing else has a payload");
                self.leave_gate(n);
            }
        }
        if is_early {
            self.count_early(n, -1);
        }
        (is_job, is_early)
    }

    #[cold]
    #[inline(never)]
    fn unwait_special(&mut self, n: u32) {
        self.unwait(n);
    }

    /// What is special about an entry that is freed, is not any more.
    #[cold]
    pub(super) fn clear_special(&mut self, n: u32) {
        self.mark(n, |_| Marked::NONE);
        let gate = self.gate_of(n);
        if gate != NONE {
            self.slab.body_mut(n).gating = S::Gating::NONE;
            self.let_go(gate);
        }
    }
}
