//! What must hold of gates after every step, recounted from nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::gate::{Exempt, WITHOUT_END};
use super::slab::{Marked, Marks};
use super::*;
use crate::period::MissedTickBehavior;
use crate::priority::Priority;

/// Gates: an outer one, two within it, two within each of those, and one without a parent.
pub(super) const PARENTS: [Option<usize>; 8] = [None, Some(0), Some(0), Some(1), Some(1), Some(2), Some(2), None];

#[derive(Clone, Debug)]
pub(super) enum Op {
    /// At a gate; whether it leaves a result there, or at the gate behind it; whether it comes before the others.
    Put {
        gate: usize,
        room: u8,
        first: bool,
    },
    /// Belongs to a gate, and begins without it.
    Loose {
        gate: usize,
        delayed: Option<u64>,
    },
    Later {
        gate: usize,
        after: u64,
        period: Option<u64>,
    },
    Alarm(u64),
    Expire(u64),
    /// Without a gate: of its class, or urgent.
    Free(Option<u64>),
    /// What is put in from now on is of another class.
    Class(Priority),
    Pop,
    PopReady {
        head: usize,
        in_turn: bool,
    },
    /// Ends a run; whether it leaves a result.
    Leave {
        which: usize,
        leaves: bool,
    },
    Finish {
        which: usize,
        again: bool,
    },
    Back(usize),
    /// A result is read.
    Read(usize),
    TakeRoom(usize),
    Take(usize),
    Cancel(usize),
    CancelOf(usize),
    Reschedule {
        which: usize,
        after: u64,
    },
    Park(usize),
    Unpark(usize),
    /// Taken back for who had put it in.
    Recall(usize),
    /// Waited for by one that runs.
    Exempt {
        which: usize,
        holder: usize,
    },
    /// One that runs gives its slots back.
    GoWithout(usize),
    /// Closes a gate for a while, or opens it again by a portion.
    Turn(usize),
    Pause,
    CloseGate(usize),
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let gate = || 0..PARENTS.len();
    let which = any::<usize>;
    let period = || prop_oneof![2 => Just(None), 1 => (1_u64..20).prop_map(Some)];
    prop_oneof![
        12 => (gate(), 0_u8..3, prop::bool::weighted(0.2)).prop_map(|(gate, room, first)| Op::Put { gate, room, first }),
        2 => (gate(), prop::option::of(0_u64..20)).prop_map(|(gate, delayed)| Op::Loose { gate, delayed }),
        4 => (gate(), 0_u64..30, period()).prop_map(|(gate, after, period)| Op::Later { gate, after, period }),
        1 => (0_u64..20).prop_map(Op::Alarm),
        3 => (0_u64..10).prop_map(Op::Expire),
        3 => Just(Op::Pop),
        12 => (0_usize..300, any::<bool>()).prop_map(|(head, in_turn)| Op::PopReady { head, in_turn }),
        3 => prop::option::of(0_u64..20).prop_map(Op::Free),
        2 => prop_oneof![Just(Priority::High), Just(Priority::Normal), Just(Priority::Low)].prop_map(Op::Class),
        12 => (which(), any::<bool>()).prop_map(|(which, leaves)| Op::Leave { which, leaves }),
        3 => (which(), prop::bool::weighted(0.8)).prop_map(|(which, again)| Op::Finish { which, again }),
        3 => which().prop_map(Op::Back),
        4 => gate().prop_map(Op::Read),
        2 => gate().prop_map(Op::TakeRoom),
        2 => which().prop_map(Op::Take),
        4 => which().prop_map(Op::Cancel),
        1 => gate().prop_map(Op::CancelOf),
        2 => (which(), 0_u64..30).prop_map(|(which, after)| Op::Reschedule { which, after }),
        2 => which().prop_map(Op::Park),
        2 => which().prop_map(Op::Unpark),
        2 => which().prop_map(Op::Recall),
        4 => (which(), which()).prop_map(|(which, holder)| Op::Exempt { which, holder }),
        2 => which().prop_map(Op::GoWithout),
        2 => gate().prop_map(Op::Turn),
        1 => Just(Op::Pause),
        1 => gate().prop_map(Op::CloseGate),
    ]
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) key: Key,
    gate: Option<usize>,
    /// Its last begin came after a `back`, so it may stand before those that came earlier.
    was_back: bool,
    counts: bool,
}

pub(super) struct Gate {
    pub(super) key: Key,
    pub(super) is_open: bool,
    pub(super) slots: usize,
    pub(super) room: usize,
    pub(super) debt: usize,
    /// Results that were left, or are being left, and not read.
    pub(super) left: usize,
}

pub(super) struct World<S: Slab<u64>> {
    pub(super) entries: Entries<u64, S>,
    pub(super) gates: Vec<Gate>,
    pub(super) jobs: BTreeMap<u64, Job>,
    /// Payloads that are out, with what becomes of their entries.
    pub(super) running: BTreeMap<u64, Stays>,
    pub(super) now: u64,
    pub(super) next: u64,
    pub(super) paused: bool,
    /// Of those that are put in.
    pub(super) class: Priority,
    pub(super) accepted: usize,
    pub(super) begun: usize,
    pub(super) cancelled: usize,
    pub(super) ended: BTreeSet<u64>,
}

impl<S: Slab<u64>> World<S> {
    pub(super) fn new(slots: &[usize], room: &[usize]) -> Self {
        let mut entries = Entries::<u64, S>::new();
        let mut gates: Vec<Gate> = Vec::new();
        for (n, parent) in PARENTS.into_iter().enumerate() {
            make_room(&mut entries);
            let parent = parent.map(|parent| gates[parent].key);
            let key = entries.open_gate(slots[n], room[n], parent).expect("there is room");
            gates.push(Gate { key, is_open: true, slots: slots[n], room: room[n], debt: 0, left: 0 });
        }
        Self {
            entries,
            gates,
            jobs: BTreeMap::new(),
            running: BTreeMap::new(),
            now: 0,
            next: 0,
            paused: false,
            class: Priority::Normal,
            accepted: 0,
            begun: 0,
            cancelled: 0,
            ended: BTreeSet::new(),
        }
    }

    pub(super) fn put(&mut self, gate: Option<(usize, u8, bool)>, kind: Kind, due: u64, repeat: Option<Repeat>) {
        make_room(&mut self.entries);
        let at = gate.map(|(gate, room, passes)| At { gate: self.gates[gate].key, room, passes });
        let id = self.next;
        let due = Tick(self.now + due);
        let class = if kind == Kind::Alarm { Priority::Normal } else { self.class };
        let entering = Entering { at, class, kind, due, repeat };
        let Ok(key) = self.entries.put_at(id as usize, entering, id) else { return };
        self.next += 1;
        let counts = kind != Kind::Alarm;
        self.accepted += usize::from(counts);
        self.jobs.insert(id, Job { key, gate: gate.map(|(gate, ..)| gate), was_back: false, counts });
    }

    /// The room that a job takes of which gate.
    pub(super) fn has_room(&self, id: u64) -> Option<usize> {
        let job = self.jobs[&id];
        let room = self.entries.slab.link(job.key.index).tag.marks.get().room;
        let mut gate = job.gate?;
        for _ in 1..room {
            gate = PARENTS[gate]?;
        }
        (room > 0).then_some(gate)
    }

    pub(super) fn begin(&mut self, popped: Option<Popped<u64>>) {
        let Some(popped) = popped else { return };
        let id = popped.payload;
        self.begun += usize::from(self.jobs[&id].counts);
        assert_eq!(popped.key, self.jobs[&id].key);
        assert!(!self.paused || self.running.contains_key(&u64::MAX), "nothing is popped while it is paused");
        if matches!(popped.stays, Stays::No | Stays::Alarm) {
            self.end(id);
        } else {
            assert!(self.running.insert(id, popped.stays).is_none(), "it runs once at a time");
        }
    }

    pub(super) fn end(&mut self, id: u64) {
        assert!(self.jobs.remove(&id).is_some());
        assert!(self.ended.insert(id), "it ends once");
    }

    pub(super) fn pick(&self, which: usize) -> Option<u64> {
        let all: Vec<_> = self.jobs.keys().collect();
        (!all.is_empty()).then(|| *all[which % all.len()])
    }

    pub(super) fn pick_running(&self, which: usize, stays: Stays) -> Option<u64> {
        let all: Vec<_> = self.running.iter().filter(|(_, is)| **is == stays).map(|(id, _)| *id).collect();
        (!all.is_empty()).then(|| all[which % all.len()])
    }

    /// One that runs and has an entry.
    fn pick_holder(&self, which: usize) -> Option<u64> {
        let all: Vec<_> = self.running.keys().copied().collect();
        (!all.is_empty()).then(|| all[which % all.len()])
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each operation")]
    pub(super) fn act(&mut self, op: &Op) {
        match *op {
            Op::Put { gate, .. } | Op::Loose { gate, .. } | Op::Later { gate, .. } if !self.gates[gate].is_open => {}
            Op::Put { gate, room, first } => {
                let room = if room == 2 && PARENTS[gate].is_none() { 1 } else { room };
                self.put(Some((gate, room, false)), if first { Kind::Urgent } else { Kind::Queued }, 0, None);
            }
            Op::Loose { gate, delayed } => {
                let kind = if delayed.is_some() { Kind::Delayed } else { Kind::Urgent };
                self.put(Some((gate, 0, true)), kind, delayed.unwrap_or(0), None);
            }
            Op::Later { gate, after, period } => {
                let repeat = period.and_then(NonZeroU64::new).map(rate);
                let kind = if repeat.is_some() { Kind::Periodic } else { Kind::Delayed };
                self.put(Some((gate, u8::from(repeat.is_none()), false)), kind, after, repeat);
            }
            Op::Free(delayed) => {
                let arrived = if self.class == Priority::Normal { Kind::Urgent } else { Kind::Queued };
                self.put(None, delayed.map_or(arrived, |_| Kind::Delayed), delayed.unwrap_or(0), None);
            }
            Op::Class(class) => self.class = class,
            Op::Alarm(after) => self.put(None, Kind::Alarm, after, None),
            Op::Expire(after) => {
                self.now += after;
                self.entries.expire(Tick(self.now));
            }
            Op::Pop => {
                let popped = self.entries.pop();
                self.begin(popped);
            }
            Op::PopReady { head, in_turn } => {
                let firsts = self.entries.waiting_lines();
                let turn = self.entries.turn(head);
                let popped = self.entries.pop_ready(head, in_turn);
                assert!(popped.as_ref().is_none_or(|popped| firsts.contains(&Some(popped.order))));
                // Whoever looks when the turn has come finds somebody, and nobody does before; out of turn there always is one.
                let is_due = head.wrapping_sub(turn) <= usize::MAX / 2;
                let expected = !self.paused && firsts != [None; 3] && (is_due || !in_turn);
                assert_eq!(popped.is_some(), expected);
                self.begin(popped);
            }
            Op::Leave { which, leaves } => {
                let Some(id) = self.pick_running(which, Stays::Holds) else { return };
                let room = self.has_room(id);
                self.entries.leave(self.jobs[&id].key, leaves);
                if let Some(gate) = room.filter(|_| leaves) {
                    self.gates[gate].left += 1;
                }
                self.running.remove(&id);
                self.end(id);
            }
            Op::Finish { which, again } => {
                let Some(id) = self.pick_running(which, Stays::Repeats) else { return };
                let finished = self.entries.finish(self.jobs[&id].key, again.then_some(id), Tick(self.now));
                self.accepted += usize::from(again);
                self.running.remove(&id);
                match finished {
                    Ok(due) => assert!(again && due > Tick(0)),
                    Err(back) => {
                        assert_eq!(back, again.then_some(id));
                        self.cancelled += usize::from(again);
                        self.end(id);
                    }
                }
            }
            Op::Back(which) => {
                let Some(id) = self.pick_running(which, Stays::Holds) else { return };
                // What it had has gone with what it has left.
                let room = self.has_room(id);
                let was_back = self.entries.back(self.jobs[&id].key, id).is_ok();
                if let Some(gate) = room {
                    self.gates[gate].left += 1;
                }
                self.running.remove(&id);
                if was_back {
                    // The same turn begins again.
                    self.begun -= 1;
                    self.jobs.get_mut(&id).unwrap().was_back = true;
                } else {
                    self.end(id);
                }
            }
            Op::Read(gate) => {
                let gate = &mut self.gates[gate];
                if gate.left > 0 {
                    gate.left -= 1;
                    assert_eq!(self.entries.give(gate.key, 0, 1, 1), (0, 0));
                }
            }
            Op::TakeRoom(gate) => {
                let gate = &mut self.gates[gate];
                if gate.is_open && self.entries.take_room(gate.key) {
                    gate.left += 1;
                }
            }
            Op::Take(which) => {
                let Some(id) = self.pick(which) else { return };
                let popped = self.entries.take(self.jobs[&id].key, true);
                let was_paused = std::mem::replace(&mut self.paused, false);
                self.begin(popped);
                self.paused = was_paused;
            }
            Op::Cancel(which) => {
                let Some(id) = self.pick(which) else { return };
                let job = self.jobs[&id];
                match self.entries.cancel(job.key) {
                    Cancel::Removed(payload) => {
                        assert_eq!(payload, id);
                        self.cancelled += usize::from(job.counts);
                        self.end(id);
                    }
                    Cancel::Running => assert!(self.running.contains_key(&id)),
                    Cancel::Unknown => panic!("job {id} is lost"),
                }
            }
            Op::CancelOf(gate) => {
                let (mut cursor, key, until) = (0, self.gates[gate].key, self.entries.until());
                loop {
                    match self.entries.cancel_next_of(&mut cursor, key, until) {
                        Step::Removed { payload, key, .. } => {
                            assert_eq!(key, self.jobs[&payload].key);
                            let mut at = self.jobs[&payload].gate;
                            while at.is_some() && at != Some(gate) {
                                at = PARENTS[at.unwrap()];
                            }
                            assert_eq!(at, Some(gate), "only what belongs to it");
                            self.cancelled += 1;
                            self.end(payload);
                        }
                        Step::Goes => {}
                        Step::Over => break,
                    }
                }
                assert_eq!(self.entries.gate_counts(key), (0, 0));
                let comes_back = |id: &u64| {
                    let job = &self.jobs[id];
                    let mut chain = std::iter::successors(job.gate, |gate| PARENTS[*gate]);
                    chain.any(|at| at == gate) && self.entries.state(job.key) == State::Running
                };
                assert!(
                    !self.gates[gate].is_open || !self.running.keys().any(comes_back),
                    "what runs does not come back"
                );
            }
            Op::Recall(which) => {
                let Some(id) = self.pick(which) else { return };
                let is_out = self.running.contains_key(&id);
                let recalled = self.entries.recall(self.jobs[&id].key);
                assert_eq!(recalled, (!is_out).then_some(id));
                if recalled.is_some() {
                    // It has arrived, and is over: as if it had begun and ended.
                    self.begun += usize::from(self.jobs[&id].counts);
                    self.end(id);
                }
            }
            Op::Exempt { which, holder } => {
                let (Some(id), Some(holder)) = (self.pick(which), self.pick_holder(holder)) else { return };
                let state = |world: &Self, id| world.entries.slab.link(world.jobs[&id].key.index).tag.state;
                let before = state(self, id);
                let became = self.entries.exempt(self.jobs[&id].key, self.jobs[&holder].key);
                assert_eq!(became == Exempt::Ready, before == State::Gated && state(self, id) == State::Ready);
            }
            Op::GoWithout(which) => {
                let Some(id) = self.pick_holder(which) else { return };
                self.entries.go_without(self.jobs[&id].key);
            }
            Op::Reschedule { which, after } => {
                let Some(id) = self.pick(which) else { return };
                let (key, due) = (self.jobs[&id].key, Tick(self.now + after));
                let before = self.entries.get(key);
                let waits = before.is_some_and(|view| matches!(view.state, State::Waiting | State::Parked));
                let moves = waits && before.is_some_and(|view| view.kind != Kind::Alarm);
                assert_eq!(self.entries.reschedule(key, due).is_ok(), moves);
                let expected = before.map(|view| View { due: if moves { due } else { view.due }, ..view });
                assert_eq!(self.entries.get(key), expected);
            }
            Op::Park(which) => {
                let Some(id) = self.pick(which) else { return };
                self.entries.park(self.jobs[&id].key);
            }
            Op::Unpark(which) => {
                let Some(id) = self.pick(which) else { return };
                let due = self.entries.unpark(self.jobs[&id].key, Tick(self.now));
                assert!(due.is_none_or(|due| due > Tick(self.now) || due == Tick::MAX));
            }
            Op::Turn(gate) => {
                let gate = &mut self.gates[gate];
                if gate.debt == 0 {
                    gate.debt = WITHOUT_END;
                    self.entries.take_slots(gate.key, WITHOUT_END);
                } else {
                    let waits = self.entries.first_gated(gate.key).is_some();
                    let (left, room) = self.entries.give(gate.key, gate.debt, 0, 1);
                    assert!(room == 0 && (waits || left == 0), "all at once where nobody waits");
                    gate.debt = left;
                }
            }
            Op::Pause => {
                self.paused = !self.paused;
                self.entries.set_paused(self.paused);
            }
            Op::CloseGate(gate) => {
                // Not one that others name as their parent.
                if gate >= 3 && self.gates[gate].is_open {
                    self.gates[gate].is_open = false;
                    self.entries.close_gate(self.gates[gate].key);
                }
            }
        }
    }

    /// Everything that must hold, from what is there.
    pub(super) fn check(&mut self) {
        let entries = &self.entries;
        let state = |key: Key| entries.slab.link(key.index).tag.state;
        let marks = |key: Key| entries.slab.link(key.index).tag.marks.get();
        let in_state = |is| self.jobs.values().filter(|job| state(job.key) == is).count();
        let waiting = self.jobs.values().filter(|job| job.counts && state(job.key) == State::Waiting).count();
        assert_eq!((entries.timed(), entries.parked()), (waiting, in_state(State::Parked)));
        assert_eq!((entries.gated(), entries.ready()), (in_state(State::Gated), in_state(State::Ready)));
        assert_eq!(entries.due(), in_state(State::Due));
        assert_eq!(entries.waiting(), in_state(State::Waiting));
        let pending: usize =
            self.jobs.values().filter(|job| job.counts).count() - waiting - entries.parked() - self.running.len();
        // Once over, a turn that began is counted by who ran it.
        assert_eq!(entries.accepted(), self.accepted);
        assert_eq!(entries.cancelled(), self.cancelled);
        assert_eq!(entries.came(), pending + self.begun);
        assert_eq!(self.accepted, waiting + entries.parked() + pending + self.begun + self.cancelled);
        for (n, gate) in self.gates.iter().enumerate() {
            if !entries.has_gate(gate.key) {
                assert!(!gate.is_open && self.jobs.values().all(|job| job.gate != Some(n)));
                continue;
            }
            let (mut held, mut rooms, mut users, mut early, mut gated) = (0, 0, usize::from(gate.is_open), 0, 0);
            users += PARENTS
                .iter()
                .enumerate()
                .filter(|(c, p)| **p == Some(n) && entries.has_gate(self.gates[*c].key))
                .count();
            for (id, job) in &self.jobs {
                let (marks, state) = (marks(job.key), state(job.key));
                let (mut at, mut level) = (job.gate, 0);
                users += usize::from(at == Some(n));
                while let Some(gate) = at {
                    level += 1;
                    if gate == n {
                        let passed = marks.has(Marked::GATED) && marks.passed >= level;
                        held += usize::from(passed && !marks.has(Marked::WITHOUT));
                        // One that came back begins again without the room that it had.
                        rooms += usize::from(passed && marks.room == level);
                        early += usize::from(matches!(state, State::Waiting | State::Parked));
                        gated += usize::from(state == State::Gated);
                    }
                    at = PARENTS[gate];
                }
                let passes = if marks.has(Marked::GATED) { level } else { 0 };
                assert!(state != State::Ready || marks.passed == passes, "job {id}");
            }
            let body = entries.slab.body(gate.key.index);
            let [slots, debt, held] = [gate.slots, gate.debt, held].map(|count| isize::try_from(count).unwrap());
            let slots = slots - debt - held;
            assert_eq!(entries.free_slots(gate.key), slots, "slots of gate {n}");
            assert_eq!(body.period as usize, gate.room - rooms - gate.left, "room of gate {n}");
            assert_eq!(entries.gate_counts(gate.key), (early, gated), "counts of gate {n}");
            let mut gating = body.gating;
            assert_eq!(*gating.users() as usize, users, "users of gate {n}");
            if let Some(first) = entries.first_gated(gate.key) {
                let Marked { room, passed, .. } = marks(first);
                assert!(
                    slots <= 0 || (room == passed + 1 && body.period == 0),
                    "gate {n} lets nobody through that it may"
                );
            }
        }
    }
}

pub(super) fn rate(period: NonZeroU64) -> Repeat {
    Repeat::Rate { period, missed: MissedTickBehavior::Skip }
}

pub(super) fn make_room<S: Slab<u64>>(entries: &mut Entries<u64, S>) {
    if let Some(need) = entries.needs_room() {
        drop(entries.add_room(S::allocate(need)));
    }
}
