//! Gates against what must hold after every step, recounted from nothing.

use std::vec::Vec;

use proptest::prelude::*;

use super::gate::WITHOUT_END;
use super::gate_model::{Op, PARENTS, World, op};
use super::*;
use crate::priority::Priority;
use crate::wheel::{Line, Wheel};

fn run<S: Slab<u64>>(ops: &[Op], slots: &[usize], room: &[usize]) {
    let mut world = World::<S>::new(slots, room);
    for op in ops {
        world.act(op);
        world.check();
    }
    // All opened and run: nothing is left.
    world.paused = false;
    world.entries.set_paused(false);
    for gate in 0..PARENTS.len() {
        while world.gates[gate].debt > 0 {
            world.act(&Op::Turn(gate));
        }
    }
    world.now += 1000;
    world.entries.expire(Tick(world.now));
    loop {
        let before = world.begun + world.ended.len();
        for gate in 0..PARENTS.len() {
            while world.gates[gate].left > 0 {
                world.act(&Op::Read(gate));
            }
        }
        for id in world.running.keys().copied().collect::<Vec<_>>() {
            match world.running[&id] {
                Stays::Holds => world.act(&Op::Leave { which: 0, leaves: true }),
                _ => world.act(&Op::Finish { which: 0, again: false }),
            }
        }
        world.check();
        world.act(&Op::Pop);
        world.act(&Op::PopReady { head: 0, in_turn: false });
        if world.begun + world.ended.len() == before {
            break;
        }
    }
    assert!(world.jobs.values().all(|job| world.entries.slab.link(job.key.index).tag.state == State::Parked));
    let parked: Vec<_> = world.jobs.keys().copied().collect();
    assert_eq!(world.entries.parked(), parked.len());
}

#[test]
fn a_serial_gate_is_one_at_a_time_and_in_order() {
    let mut entries = Entries::<u64, FixedSlab<u64, 16, Line, Gates>>::new();
    let gate = entries.open_gate(1, WITHOUT_END, None).unwrap();
    let at = Some(At { gate, room: 0, passes: false });
    for id in 0..5 {
        let entering = Entering { at, class: Priority::Normal, kind: Kind::Queued, due: Tick::ZERO, repeat: None };
        entries.put_at(0, entering, id).unwrap();
    }
    for id in 0..5 {
        assert_eq!((entries.ready(), entries.gated()), (1, 4 - id as usize));
        let popped = entries.pop_ready(0, true).unwrap();
        assert_eq!((popped.payload, popped.stays), (id, Stays::Holds));
        assert!(entries.pop_ready(0, false).is_none());
        entries.leave(popped.key, false);
    }
    assert!(entries.is_empty());
    entries.close_gate(gate);
    assert!(!entries.has_gate(gate));
}

#[test]
fn a_gate_without_room_is_refused() {
    let mut entries = Entries::<u64, FixedSlab<u64, 1, Line, Gates>>::new();
    let gate = entries.open_gate(1, 0, None).unwrap();
    assert_eq!(entries.open_gate(1, 0, None), None);
    entries.close_gate(gate);
    assert!(entries.open_gate(1, 0, None).is_some());
    assert_eq!(entries.cancel(gate), Cancel::Unknown, "a gate is no job, and this one is gone");
}

#[test]
fn a_job_passes_as_many_gates_as_are_in_a_row() {
    let mut entries = Entries::<u64, FixedSlab<u64, 260, Line, Gates>>::new();
    let mut gates = std::vec![entries.open_gate(1, WITHOUT_END, None).unwrap()];
    while let Some(gate) = entries.open_gate(1, 1, gates.last().copied()) {
        gates.push(gate);
    }
    assert_eq!(gates.len(), MAX_GATES);
    let at = Some(At { gate: gates[MAX_GATES - 1], room: 1, passes: false });
    for id in 0..3 {
        let entering = Entering { at, class: Priority::Normal, kind: Kind::Queued, due: Tick::ZERO, repeat: None };
        entries.put_at(0, entering, id).unwrap();
    }
    for id in 0..3 {
        let popped = entries.pop_ready(0, true).unwrap();
        assert_eq!((popped.payload, entries.ready()), (id, 0));
        assert!(gates.iter().all(|gate| entries.free_slots(*gate) == 0));
        entries.leave(popped.key, false);
    }
    assert!(entries.is_empty() && gates.iter().all(|gate| entries.free_slots(*gate) == 1));
    // A place that was a gate's is as any other.
    gates.drain(..).rev().for_each(|gate| entries.close_gate(gate));
    assert!(entries.open_gate(1, 0, None).is_some());
}

#[test]
fn what_has_no_gates_keeps_its_size() {
    const { assert!(size_of::<Body<u64, NoGates>>() < size_of::<Body<u64, Gates>>()) };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { ProptestConfig::default().cases.min(128) }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gates_hold_what_they_promise(
        ops in prop::collection::vec(op(), 1..400),
        slots in prop::collection::vec(1_usize..4, PARENTS.len()),
        room in prop::collection::vec(prop_oneof![Just(WITHOUT_END), (1_usize..4)], PARENTS.len()),
    ) {
        run::<FixedSlab<u64, 40, Wheel<32, 4>, Gates>>(&ops, &slots, &room);
    }
}

#[cfg(feature = "alloc")]
proptest! {
    // Few: where nothing is refused for want of room, each step counts what all steps before have left.
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { ProptestConfig::default().cases.min(64) }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gates_hold_what_they_promise_in_growing_storage(
        ops in prop::collection::vec(op(), 1..300),
        slots in prop::collection::vec(1_usize..4, PARENTS.len()),
        room in prop::collection::vec(prop_oneof![Just(WITHOUT_END), (1_usize..4)], PARENTS.len()),
    ) {
        run::<GrowingSlab<u64>>(&ops, &slots, &room);
    }
}
