//! Gates of a pool: jobs that were accepted and may not begin yet for another reason than time. See `entries::gate`.
#![forbid(unsafe_code)]

use super::{Duty, Pool};
use crate::end::End;
pub use crate::entries::Exempt;
use crate::entries::{At, Entering, Key, Kind, Kinds, Slab};
use crate::host::{Host, Tick};
use crate::id::{JobId, Place};
use crate::pack::Refused;
use crate::period::Repeat;
use crate::priority::Priority;
use crate::running::Running;
use crate::state::Phase;
use crate::storage::Storage;
use crate::sync::sized;

/// Names a gate of one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate(pub(super) Key);

/// At which gate a job is put in, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gated {
    /// The first one that it has to pass; that one's parents follow.
    pub gate: Gate,
    /// Which of them, counted from 1, has the room for what it leaves; 0 if it leaves nothing.
    pub room: u8,
    /// Whether it only belongs to the gate: it is cancelled with it, and begins without it.
    pub passes: bool,
}

impl Gated {
    fn at(self) -> At {
        At { gate: self.gate.0, room: self.room, passes: self.passes }
    }
}

/// When a job may begin, as far as time is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Behind the others of its gate.
    Last,
    /// Before them.
    First,
    /// When it is time; then behind the others.
    At(Tick, Option<Repeat>),
}

/// As many slots, or so much room, as there never are jobs.
pub const WITHOUT_END: usize = crate::entries::WITHOUT_END;

/// As many gates as a job passes: the one where it is put in, and those behind.
pub const MAX_GATES: usize = crate::entries::MAX_GATES;

/// Slots that are given at a time, while others are let through: as many jobs move under the lock.
const PORTION: usize = sized(64, 1);

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// A gate that lets through as many jobs at a time as it has slots, and no more with results than it has room; behind it
    /// `parent`, if there is one, which stays open as long. `None` in fixed storage without room, and where it would be more than
    /// [`MAX_GATES`] in a row.
    ///
    /// # Panics
    ///
    /// In a pool without gates, see [`Fixed`](crate::Fixed).
    pub fn open_gate(&self, slots: usize, room: usize, parent: Option<Gate>) -> Option<Gate> {
        loop {
            let mut entries = self.entries.lock();
            let Some(need) = entries.needs_room() else {
                return entries.open_gate(slots, room, parent.map(|Gate(key)| key)).map(Gate);
            };
            drop(entries);
            let left = S::Slab::allocate(need);
            let left = self.entries.lock().add_room(left);
            drop(left);
        }
    }

    /// Nobody puts anything in any more. Those that wait are let through as before.
    pub fn close_gate(&self, Gate(key): Gate) {
        self.with_entries(|entries| entries.close_gate(key));
    }

    /// The same, if nobody names it: no job, and no gate behind which it stands. Returns whether it was closed.
    pub fn close_idle_gate(&self, Gate(key): Gate) -> bool {
        self.with_entries(|entries| {
            let is_idle = entries.is_idle_gate(key);
            if is_idle {
                entries.close_gate(key);
            }
            is_idle
        })
    }

    /// Puts in a job at a gate. `nested`: see [`Pool::submit_first`].
    ///
    /// # Errors
    ///
    /// As [`Pool::submit_at`].
    pub fn submit_gated(
        &self,
        payload: P,
        nested: bool,
        start: Start,
        gated: Gated,
    ) -> Result<(JobId, Duty), Refused<P>> {
        self.submit_in_class(Priority::Normal, payload, nested, start, Some(gated))
    }

    /// The same for a job of any class; without a gate it waits in the line of its class. Of the normal class it is then what is to
    /// begin before all others.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit_at`].
    ///
    /// # Panics
    ///
    /// In a pool without gates, see [`Fixed`](crate::Fixed).
    pub fn submit_in_class(
        &self,
        class: Priority,
        payload: P,
        nested: bool,
        start: Start,
        gated: Option<Gated>,
    ) -> Result<(JobId, Duty), Refused<P>> {
        let (kind, due, repeat) = match start {
            Start::Last => (Kind::Queued, Tick::ZERO, None),
            Start::First => (Kind::Urgent, Tick::ZERO, None),
            Start::At(due, None) => (Kind::Delayed, due, None),
            Start::At(due, repeat) => (Kind::Periodic, due, repeat),
        };
        let entering = Entering { at: gated.map(Gated::at), class, kind, due, repeat };
        self.insert_at(entering, payload, nested)
    }

    /// Something that is to be done at a time, by a worker, and is no job: it counts nowhere, nobody waits for it, and the
    /// pool ends without it. It is cancelled as a job is.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit_at`].
    ///
    /// # Panics
    ///
    /// In a pool without gates, see [`Fixed`](crate::Fixed).
    pub fn set_alarm(&self, payload: P, due: Tick) -> Result<(JobId, Duty), Refused<P>> {
        let entering = Entering { at: None, class: Priority::Normal, kind: Kind::Alarm, due, repeat: None };
        self.insert_at(entering, payload, true)
    }

    fn insert_at(&self, entering: Entering, payload: P, nested: bool) -> Result<(JobId, Duty), Refused<P>> {
        self.insert_by(entering.kind, payload, nested, entering.due, |entries, order, payload| {
            entries.put_at(order, entering, payload)
        })
    }

    /// Gives a gate so many slots more, and so much more room: so many of those that wait may begin.
    pub fn give(&self, gate: Gate, slots: usize, room: usize) -> Duty {
        let mut left = (slots, room);
        while left != (0, 0) {
            left = self.with_entries(|entries| entries.give(gate.0, left.0, left.1, PORTION));
        }
        self.call(false)
    }

    /// Gives a gate room for one more. Asks for somebody only if that has let somebody through.
    pub fn give_room(&self, gate: Gate) -> Duty {
        let lets_through = self.with_entries(|entries| {
            let before = entries.ready();
            let _ = entries.give(gate.0, 0, 1, 1);
            entries.ready() > before
        });
        if lets_through { self.call(false) } else { Duty::Nothing }
    }

    /// Takes away so many slots, whether they are free or not: what is in use pays the debt as it comes back.
    pub fn take_slots(&self, gate: Gate, slots: usize) {
        self.with_entries(|entries| entries.take_slots(gate.0, slots));
    }

    /// How many slots are free; negative if more are in use than there are.
    pub fn free_slots(&self, gate: Gate) -> isize {
        self.entries.lock().free_slots(gate.0)
    }

    /// Takes room for one more result of a job that runs; false if there is none.
    pub fn take_room(&self, gate: Gate) -> bool {
        self.entries.lock().take_room(gate.0)
    }

    /// A job that runs and was let through with room says itself from here on what becomes of that: its end does not give it
    /// back. Returns whether it has any, of which that was not said before.
    pub fn own_room(&self, running: &Running) -> bool {
        let id = self.storage.seats()[running.seat()].id(running.depth());
        match id.map(JobId::place) {
            Some(Place::Entry { index, stamp }) if running.is_gated() => {
                self.entries.lock().own_room(Key { index, stamp })
            }
            _ => false,
        }
    }

    /// A job is waited for by `holder`, one that runs: where it waits at a gate of which that one has a slot it is let
    /// through all the same, since that one does not go on meanwhile.
    pub fn exempt(&self, id: JobId, holder: JobId) -> Exempt {
        let (Place::Entry { index, stamp }, Place::Entry { index: by, stamp: since }) = (id.place(), holder.place())
        else {
            return Exempt::Free;
        };
        self.with_entries(|entries| entries.exempt(Key { index, stamp }, Key { index: by, stamp: since }))
    }

    /// A job that runs gives the slots back that it has of gates, and goes on without: others may begin.
    pub fn go_without(&self, id: JobId) -> Duty {
        let Place::Entry { index, stamp } = id.place() else { return Duty::Nothing };
        self.with_entries(|entries| entries.go_without(Key { index, stamp }));
        self.call(false)
    }

    /// Of the jobs of a gate and of those below it: how many wait for their time, how many at gates.
    pub fn gate_counts(&self, gate: Gate) -> (usize, usize) {
        self.entries.lock().gate_counts(gate.0)
    }

    /// Removes the jobs that belong to a gate and wait there, or for their time, and hands each to `dispose` with no lock held.
    /// Those that run do not come back; what is put in meanwhile is spared. Returns how many were removed.
    pub fn cancel_gated(&self, gate: Gate, dispose: impl FnMut(JobId, P)) -> usize {
        let until = self.entries.lock().until();
        self.cancel_each(|entries, cursor| entries.cancel_next_of(cursor, gate.0, until), dispose)
    }

    /// The same of some kinds of them, whether they wait there or elsewhere.
    pub fn cancel_gated_kinds(&self, gate: Gate, kinds: Kinds, dispose: impl FnMut(JobId, P)) -> usize {
        let until = self.entries.lock().until();
        self.cancel_each(|entries, cursor| entries.cancel_next(cursor, kinds, Some((gate.0, until))), dispose)
    }

    /// The run of a job at a gate goes on later, when there is room: [`After::Back`](crate::After::Back). What is returned was
    /// cancelled meanwhile, and is the caller's to drop.
    pub fn end_back(&self, running: &Running, payload: P) -> (Option<P>, Duty) {
        let seat = &self.storage.seats()[running.seat()];
        let Some(Place::Entry { index, stamp }) = seat.id(running.depth()).map(JobId::place) else {
            unreachable!("what comes back has an entry, and a mark")
        };
        let back = self.go_back(Key { index, stamp }, payload, || seat.end(running.depth()));
        if back.is_some() {
            seat.end(running.depth());
            seat.count(End::Cancelled);
        }
        (back, self.call(false))
    }

    /// It waits at its gate again, and `leave` is called then; or else it was cancelled, and this is it.
    pub(super) fn go_back(&self, key: Key, payload: P, leave: impl FnOnce()) -> Option<P> {
        self.with_entries(|entries| {
            // Asked under the lock: who stops the pool removes what waits under the same lock afterwards.
            if self.state().phase() == Phase::Stopping {
                let _ = entries.cancel(key);
            }
            let back = entries.back(key, payload);
            if back.is_ok() {
                // Under the lock: who cancels it finds it where it runs, or where it waits.
                leave();
            }
            back.err()
        })
    }

    /// Pauses a periodic job, from its present run on. Returns whether there is such a job.
    pub fn pause_periodic(&self, id: JobId) -> bool {
        let Place::Entry { index, stamp } = id.place() else { return false };
        self.with_entries(|entries| entries.park(Key { index, stamp }))
    }

    /// Ends the pause of a periodic job; it runs next at the next point of its grid. `None` if there is no such job.
    pub fn resume_periodic(&self, id: JobId) -> Option<Duty> {
        let Place::Entry { index, stamp } = id.place() else { return None };
        let now = self.host.time();
        let due = self.with_entries(|entries| entries.unpark(Key { index, stamp }, now))?;
        Some(if due < Tick::MAX { self.timer_added(due) } else { Duty::Nothing })
    }
}
