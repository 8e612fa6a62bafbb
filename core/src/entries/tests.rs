use core::num::NonZeroU64;
use std::collections::{BTreeMap, BTreeSet};
use std::string::{String, ToString};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::period::MissedTickBehavior;
use crate::wheel::Line;

type Fixed<const N: usize> = Entries<String, FixedSlab<String, N>>;

/// Usable in a `static`.
#[cfg(not(loom))]
const _: Entries<&str, FixedSlab<&str, 2>> = Entries::new();

#[expect(clippy::unnecessary_wraps, reason = "as insert wants it")]
fn rate(period: u64) -> Option<Repeat> {
    Some(Repeat::Rate { period: NonZeroU64::new(period).unwrap(), missed: MissedTickBehavior::Burst })
}

fn drain<P, S: Slab<P>>(entries: &mut Entries<P, S>) -> Vec<P> {
    core::iter::from_fn(|| entries.pop().map(|popped| popped.payload)).collect()
}

/// The payload, if it was removed.
fn removed<P>(cancel: Cancel<P>) -> Option<P> {
    if let Cancel::Removed(payload) = cancel { Some(payload) } else { None }
}

/// All that a removal takes out.
fn remove_all<P, S: Slab<P>>(entries: &mut Entries<P, S>, kinds: Kinds) -> Vec<(Key, usize, P)> {
    let (mut cursor, mut all) = (0, Vec::new());
    loop {
        match entries.cancel_next(&mut cursor, kinds, None) {
            Step::Removed { payload, key, order } => all.push((key, order, payload)),
            Step::Goes => {}
            Step::Over => return all,
        }
    }
}

#[test]
fn urgent_is_last_in_first_out() {
    let mut entries = Fixed::<4>::new();
    for name in ["a", "b", "c"] {
        entries.push_urgent(7, name.to_string()).unwrap();
    }
    assert_eq!((entries.due(), entries.waiting(), entries.len()), (3, 0, 3));
    assert_eq!(entries.pop().unwrap().order, 7);
    assert_eq!(drain(&mut entries), ["b", "a"]);
    assert!(entries.is_empty());
}

#[test]
fn fallen_due_goes_on_top_the_earliest_first() {
    let mut entries = Fixed::<8>::new();
    entries.push_urgent(0, "urgent".to_string()).unwrap();
    for (name, due) in [("c", 30), ("a", 10), ("b", 20), ("b again", 20), ("later", 31)] {
        entries.insert(0, name.to_string(), Tick(due), None).unwrap();
    }
    assert_eq!(entries.next_deadline(), Some(Tick(10)));
    assert_eq!(entries.expire(Tick(9)), 0);
    assert_eq!(entries.expire(Tick(30)), 4);
    assert_eq!((entries.due(), entries.waiting()), (5, 1));
    assert_eq!(drain(&mut entries), ["a", "b", "b again", "c", "urgent"]);
    assert_eq!(entries.next_deadline(), Some(Tick(31)));
}

#[test]
fn full_gives_the_payload_back() {
    let mut entries = Fixed::<1>::new();
    let key = entries.insert(0, "in".to_string(), Tick(1), None).unwrap();
    assert_eq!(entries.insert(0, "out".to_string(), Tick(1), None), Err("out".to_string()));
    assert_eq!(entries.push_urgent(0, "out".to_string()), Err("out".to_string()));
    assert!(entries.needs_room().is_none());
    assert_eq!(removed(entries.cancel(key)), Some("in".to_string()));
    assert_eq!(entries.cancel(key), Cancel::Unknown);
    let again = entries.push_urgent(0, "in".to_string()).unwrap();
    assert_eq!(again.index, key.index);
    assert_ne!(again.stamp, key.stamp);
    assert_eq!(entries.cancel(key), Cancel::Unknown);
    assert_eq!(entries.cancel(Key { index: 99, stamp: 0 }), Cancel::Unknown);
}

#[test]
fn cancel_from_the_middle_of_the_stack() {
    let mut entries = Fixed::<5>::new();
    let keys: Vec<_> = (0..5).map(|n: u32| entries.push_urgent(0, n.to_string()).unwrap()).collect();
    for n in [4, 0, 2] {
        assert_eq!(removed(entries.cancel(keys[n])), Some(n.to_string()));
    }
    assert_eq!(drain(&mut entries), ["3", "1"]);
}

#[test]
fn periodic_keeps_its_key_and_its_grid() {
    let mut entries = Fixed::<2>::new();
    let key = entries.insert(3, "tick".to_string(), Tick(100), rate(10)).unwrap();
    for round in 0..5 {
        let due = Tick(100 + round * 10);
        assert_eq!(entries.expire(Tick(due.0 + 3)), 1);
        let popped = entries.pop().unwrap();
        assert_eq!((popped.key, popped.order, popped.due, popped.stays), (key, 3, due, Stays::Repeats));
        assert_eq!((entries.len(), entries.due(), entries.waiting()), (1, 0, 0));
        assert_eq!(entries.get(key).unwrap().state, State::Running);
        assert_eq!(entries.finish(key, Some(popped.payload), Tick(due.0 + 4)), Ok(Tick(due.0 + 10)));
    }
    assert_eq!(removed(entries.cancel(key)), Some("tick".to_string()));
}

#[test]
fn a_late_periodic_job_is_due_at_the_next_expire() {
    let mut entries = Fixed::<2>::new();
    let key = entries.insert(0, "tick".to_string(), Tick(100), rate(10)).unwrap();
    entries.expire(Tick(500));
    let popped = entries.pop().unwrap();
    assert_eq!(entries.finish(key, Some(popped.payload), Tick(500)), Ok(Tick(110)));
    assert!(entries.next_deadline().unwrap() <= Tick(500));
    assert_eq!(entries.expire(Tick(500)), 1);
    assert_eq!(entries.pop().unwrap().due, Tick(110));
}

#[test]
fn cancelled_while_it_runs_does_not_run_again() {
    let mut entries = Fixed::<2>::new();
    let key = entries.insert(0, "tick".to_string(), Tick(1), rate(10)).unwrap();
    entries.expire(Tick(1));
    let payload = entries.pop().unwrap().payload;
    assert_eq!(entries.cancel(key), Cancel::Running);
    assert_eq!(entries.cancel(key), Cancel::Running);
    assert_eq!(entries.get(key).unwrap().state, State::Cancelled);
    assert_eq!(entries.finish(key, Some(payload), Tick(2)), Err(Some("tick".to_string())));
    assert_eq!(entries.cancel(key), Cancel::Unknown);
    assert!(entries.is_empty());
}

#[test]
fn without_payload_or_time_it_does_not_run_again() {
    let mut entries = Fixed::<2>::new();
    for (period, lost) in [(u64::MAX, false), (1, true)] {
        let key = entries.insert(0, "tick".to_string(), Tick(1), rate(period)).unwrap();
        entries.expire(Tick(1));
        let payload = entries.pop().map(|popped| popped.payload).filter(|_| !lost);
        assert_eq!(entries.finish(key, payload.clone(), Tick(2)), Err(payload));
        assert_eq!(entries.get(key), None);
    }
    assert!(entries.is_empty());
}

#[test]
fn what_could_run_now_is_taken_out_of_turn() {
    let mut entries = Fixed::<4>::new();
    let urgent = entries.push_urgent(0, "urgent".to_string()).unwrap();
    let timer = entries.insert(0, "timer".to_string(), Tick(5), None).unwrap();
    let never = entries.insert(0, "never".to_string(), Tick::MAX, None).unwrap();
    let tick = entries.insert(0, "tick".to_string(), Tick(5), rate(1)).unwrap();
    assert!(entries.take(timer, true).is_none());
    entries.expire(Tick::MAX);
    for (key, payload) in [(timer, Some("timer")), (timer, None), (never, None), (tick, None), (urgent, Some("urgent"))]
    {
        assert_eq!(entries.take(key, true).map(|popped| popped.payload).as_deref(), payload);
    }
    assert_eq!((entries.waiting(), entries.due()), (1, 1));
}

#[test]
fn cancel_next_and_listing_by_kind() {
    let mut entries = Fixed::<8>::new();
    let tick = entries.insert(1, "tick".to_string(), Tick(1), rate(10)).unwrap();
    entries.expire(Tick(1));
    let running = entries.pop().unwrap();
    entries.push_urgent(2, "urgent".to_string()).unwrap();
    entries.insert(3, "delayed".to_string(), Tick(9), None).unwrap();
    entries.insert(4, "tock".to_string(), Tick(9), rate(10)).unwrap();

    let mut cursor = 0;
    let views: Vec<_> = core::iter::from_fn(|| entries.snapshot_next(&mut cursor)).collect();
    assert_eq!(views.iter().map(|view| view.order).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(
        views.iter().map(|view| view.kind).collect::<Vec<_>>(),
        [Kind::Periodic, Kind::Urgent, Kind::Delayed, Kind::Periodic]
    );
    assert_eq!(
        views.iter().map(|view| view.state).collect::<Vec<_>>(),
        [State::Running, State::Due, State::Waiting, State::Waiting]
    );

    let mut cancel = |kinds| remove_all(&mut entries, kinds).into_iter().map(|(_, order, _)| order).collect::<Vec<_>>();
    assert_eq!(cancel(Kinds::Arrived), [2]);
    assert_eq!(cancel(Kinds::Delayed), [3]);
    assert_eq!(cancel(Kinds::Timed), [4]);
    assert_eq!(cancel(Kinds::All), []);
    assert_eq!(
        entries.snapshot_next(&mut 0).map(|view| view.order),
        None,
        "what runs for the last time waits for nothing"
    );
    assert_eq!(entries.finish(tick, Some(running.payload), Tick(2)), Err(Some("tick".to_string())));
    assert!(entries.is_empty());
}

#[test]
fn stamps_wrap() {
    let mut entries = Fixed::<2>::new();
    entries.stamp = usize::MAX;
    let last = entries.push_urgent(0, "a".to_string()).unwrap();
    let first = entries.push_urgent(0, "b".to_string()).unwrap();
    assert_eq!((last.stamp, first.stamp), (usize::MAX, 0));
}

#[cfg(feature = "alloc")]
#[test]
fn room_is_added_only_while_it_is_needed() {
    let mut entries = Entries::<u32, GrowingSlab<u32>>::new();
    assert_eq!(entries.push_urgent(0, 1), Err(1));
    let (first, second) = (entries.needs_room().unwrap(), entries.needs_room().unwrap());
    drop(entries.add_room(GrowingSlab::allocate(first)));
    assert!(entries.needs_room().is_none());
    drop(entries.add_room(GrowingSlab::allocate(second)));
    for n in 0..256 {
        entries.push_urgent(0, n).unwrap();
    }
    assert!(entries.needs_room().is_some(), "the second room was handed back");
    // Room allocated for a table that has become full meanwhile does not fit: the caller asks again.
    let stale = entries.needs_room().unwrap();
    for n in 0..256 * 3 {
        if let Some(need) = entries.needs_room() {
            drop(entries.add_room(GrowingSlab::allocate(need)));
        }
        entries.push_urgent(0, n).unwrap();
    }
    drop(entries.add_room(GrowingSlab::allocate(stale)));
    let need = entries.needs_room().expect("still full");
    drop(entries.add_room(GrowingSlab::allocate(need)));
    entries.push_urgent(0, 0).unwrap();
    assert_eq!(entries.len(), 256 * 4 + 1);
}

#[derive(Clone, Debug)]
enum Op {
    Push,
    Insert { after: u64, period: Option<u64> },
    Expire(u64),
    Pop,
    Finish { which: usize, after: u64, lost: bool },
    Cancel(usize),
    TakeDue(usize),
    CancelAll(Kinds),
    Check,
}

fn op() -> impl Strategy<Value = Op> {
    let ticks = || prop_oneof![8 => 0_u64..100, 2 => any::<u64>(), 1 => Just(u64::MAX)];
    let period = prop_oneof![2 => Just(None), 2 => (1_u64..50).prop_map(Some), 1 => (1..=u64::MAX).prop_map(Some)];
    prop_oneof![
        4 => Just(Op::Push),
        8 => (ticks(), period).prop_map(|(after, period)| Op::Insert { after, period }),
        4 => (0_u64..80).prop_map(Op::Expire),
        8 => Just(Op::Pop),
        5 => (any::<usize>(), 0_u64..60, prop::bool::weighted(0.1)).prop_map(|(which, after, lost)| Op::Finish { which, after, lost }),
        4 => any::<usize>().prop_map(Op::Cancel),
        2 => any::<usize>().prop_map(Op::TakeDue),
        1 => prop_oneof![Just(Kinds::Arrived), Just(Kinds::Delayed), Just(Kinds::Periodic), Just(Kinds::Timed)].prop_map(Op::CancelAll),
        4 => Just(Op::Check),
    ]
}

/// A job as the model knows it; its payload is its stamp, as a u64.
#[derive(Clone, Copy, Debug)]
struct Job {
    key: Key,
    kind: Kind,
    state: State,
    due: u64,
    /// Among equal deadlines.
    sequence: u64,
    repeat: Option<Repeat>,
}

/// A list, a sorted map and a stack: what the entries should be.
#[derive(Default)]
struct Model {
    now: u64,
    sequence: u64,
    jobs: BTreeMap<u64, Job>,
    stack: Vec<u64>,
    stamps: BTreeSet<usize>,
    ended: BTreeSet<u64>,
    /// Runs that began, and that were removed before.
    begun: usize,
    cancelled: usize,
}

impl Model {
    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    fn count(&self, is: State) -> usize {
        self.jobs.values().filter(|job| job.state == is).count()
    }

    fn pick(&self, which: usize) -> Option<(u64, Job)> {
        let all: Vec<_> = self.jobs.iter().collect();
        (!all.is_empty()).then(|| all[which % all.len()]).map(|(id, job)| (*id, *job))
    }

    fn end(&mut self, id: u64) {
        assert!(self.jobs.remove(&id).is_some());
        self.stack.retain(|other| *other != id);
        assert!(self.ended.insert(id), "a job ends once");
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each operation")]
fn run<S: Slab<u64>>(ops: &[Op]) -> Result<(), TestCaseError> {
    let mut entries = Entries::<u64, S>::new();
    let mut model = Model::default();
    let mut next_id = 0;
    for op in ops {
        match *op {
            Op::Push | Op::Insert { .. } => {
                if let Some(need) = entries.needs_room() {
                    drop(entries.add_room(S::allocate(need)));
                }
                let id = next_id;
                next_id += 1;
                let (result, kind, state, due, repeat) = match *op {
                    Op::Insert { after, period } => {
                        let due = model.now.saturating_add(after);
                        let repeat = period.and_then(rate);
                        let kind = if repeat.is_some() { Kind::Periodic } else { Kind::Delayed };
                        (entries.insert(id as usize, id, Tick(due), repeat), kind, State::Waiting, due, repeat)
                    }
                    _ => (entries.push_urgent(id as usize, id), Kind::Urgent, State::Due, 0, None),
                };
                match result {
                    Ok(key) => {
                        prop_assert!(model.stamps.insert(key.stamp), "a stamp came twice");
                        if state == State::Due {
                            model.stack.push(id);
                        }
                        let sequence = model.next_sequence();
                        model.jobs.insert(id, Job { key, kind, state, due, sequence, repeat });
                    }
                    Err(back) => {
                        prop_assert_eq!(back, id);
                        prop_assert_eq!(model.jobs.len(), entries.slab.capacity() as usize);
                    }
                }
            }
            Op::Expire(after) => {
                model.now = model.now.saturating_add(after);
                let mut moved: Vec<_> = model
                    .jobs
                    .iter()
                    .filter(|(_, job)| job.state == State::Waiting && job.due <= model.now && job.due != u64::MAX)
                    .map(|(id, job)| (job.due, job.sequence, *id))
                    .collect();
                moved.sort_unstable();
                prop_assert_eq!(entries.expire(Tick(model.now)), moved.len());
                for (_, _, id) in moved.into_iter().rev() {
                    model.jobs.get_mut(&id).unwrap().state = State::Due;
                    model.stack.push(id);
                }
            }
            Op::Pop => {
                let popped = entries.pop();
                prop_assert_eq!(popped.as_ref().map(|popped| popped.payload), model.stack.pop());
                if let Some(popped) = popped {
                    let job = model.jobs.get_mut(&popped.payload).unwrap();
                    let stays = if job.repeat.is_some() { Stays::Repeats } else { Stays::No };
                    prop_assert_eq!((popped.key, popped.due.0, popped.stays), (job.key, job.due, stays));
                    prop_assert_eq!(popped.order as u64, popped.payload);
                    job.state = State::Running;
                    model.begun += 1;
                    if job.repeat.is_none() {
                        model.end(popped.payload);
                    }
                }
            }
            Op::Finish { which, after, lost } => {
                let Some((id, job)) = model.pick(which) else { continue };
                if !matches!(job.state, State::Running | State::Cancelled) {
                    continue;
                }
                let end = Tick(model.now.saturating_add(after));
                let next = job.repeat.unwrap().next(Tick(job.due), end);
                let payload = (!lost).then_some(id);
                let goes_on = job.state == State::Running && next != Tick::MAX && !lost;
                let expected = if goes_on { Ok(next) } else { Err(payload) };
                prop_assert_eq!(entries.finish(job.key, payload, end), expected);
                if goes_on {
                    let sequence = model.next_sequence();
                    let due = next.0;
                    model.jobs.insert(id, Job { state: State::Waiting, due, sequence, ..job });
                    if due < model.now {
                        model.cancelled += 1;
                        // Clamped by the wheel; sorted by insertion among what is due now.
                        let moved = entries.cancel(job.key);
                        prop_assert_eq!(removed(moved), Some(id));
                        model.end(id);
                    }
                } else {
                    // The next run was promised with the payload.
                    model.cancelled += usize::from(!lost);
                    model.end(id);
                }
            }
            Op::Cancel(which) => {
                let Some((id, job)) = model.pick(which) else { continue };
                let cancel = entries.cancel(job.key);
                if matches!(job.state, State::Waiting | State::Due) {
                    prop_assert_eq!(removed(cancel), Some(id));
                    model.cancelled += 1;
                    model.end(id);
                    prop_assert_eq!(entries.cancel(job.key), Cancel::Unknown);
                } else {
                    prop_assert_eq!(cancel, Cancel::Running);
                    model.jobs.get_mut(&id).unwrap().state = State::Cancelled;
                }
            }
            Op::TakeDue(which) => {
                let Some((id, job)) = model.pick(which) else { continue };
                let takes = job.state == State::Due && job.repeat.is_none();
                prop_assert_eq!(entries.take(job.key, true).map(|popped| popped.payload), takes.then_some(id));
                if takes {
                    model.begun += 1;
                    model.end(id);
                }
            }
            Op::CancelAll(kinds) => {
                let mut removed = BTreeSet::new();
                for (key, order, id) in remove_all(&mut entries, kinds) {
                    prop_assert_eq!((key, order as u64), (model.jobs[&id].key, id));
                    removed.insert(id);
                }
                let meant: Vec<_> = model
                    .jobs
                    .iter()
                    .filter(|(_, job)| kinds.has(job.kind, job.state))
                    .map(|(id, job)| (*id, job.state))
                    .collect();
                for (id, state) in meant {
                    if matches!(state, State::Waiting | State::Due) {
                        prop_assert!(removed.remove(&id));
                        model.cancelled += 1;
                        model.end(id);
                    } else {
                        model.jobs.get_mut(&id).unwrap().state = State::Cancelled;
                    }
                }
                prop_assert!(removed.is_empty());
            }
            Op::Check => {
                let mut cursor = 0;
                let views: BTreeMap<_, _> = core::iter::from_fn(|| entries.snapshot_next(&mut cursor))
                    .map(|view| (view.order as u64, view))
                    .collect();
                prop_assert!(views.keys().all(|id| model.jobs.contains_key(id)));
                for (id, job) in &model.jobs {
                    let &Job { key, kind, state, due, repeat, .. } = job;
                    let view = View { key, order: *id as usize, due: Tick(due), repeat, kind, state };
                    prop_assert_eq!(views.get(id), Some(&view).filter(|_| state != State::Cancelled));
                    prop_assert_eq!(entries.get(key), Some(view));
                }
                let next = model.jobs.values().filter(|job| job.state == State::Waiting && job.due != u64::MAX);
                let next = next.map(|job| Tick(job.due.max(model.now))).min();
                let bound = entries.next_deadline();
                prop_assert!(bound <= next && bound.is_some() == next.is_some());
            }
        }
        prop_assert_eq!(entries.waiting(), model.count(State::Waiting));
        prop_assert_eq!(entries.due(), model.stack.len());
        prop_assert_eq!(entries.len(), model.jobs.len());
        // What came and was not removed is on the stack, or has begun.
        prop_assert_eq!(entries.came(), model.stack.len() + model.begun);
        if S::Gating::GATES {
            let here = model.count(State::Waiting) + model.stack.len();
            prop_assert_eq!(entries.accepted(), here + model.begun + entries.cancelled());
            prop_assert_eq!(entries.cancelled(), model.cancelled);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 256 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn like_the_model_fixed(ops in prop::collection::vec(op(), 1..400)) {
        run::<FixedSlab<u64, 16>>(&ops)?;
    }

    #[test]
    fn like_the_model_fixed_in_a_line(ops in prop::collection::vec(op(), 1..400)) {
        run::<FixedSlab<u64, 16, Line>>(&ops)?;
    }
}

#[cfg(feature = "alloc")]
proptest! {
    // Long enough that tables grow, so there are few.
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 1 } else { 64 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn like_the_model_growing(ops in prop::collection::vec(op(), 1..1500)) {
        run::<GrowingSlab<u64>>(&ops)?;
    }
}
