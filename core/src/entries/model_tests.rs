//! Entries against a naive model.

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use proptest::prelude::*;

use super::tests::{rate, remove_all, removed};
use super::*;
use crate::wheel::Line;

#[derive(Clone, Debug)]
enum Op {
    Push,
    Insert { after: u64, period: Option<u64> },
    Expire(u64),
    Pop,
    Finish { which: usize, after: u64, lost: bool },
    Cancel(usize),
    Reschedule { which: usize, after: u64 },
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
        4 => (any::<usize>(), ticks()).prop_map(|(which, after)| Op::Reschedule { which, after }),
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
            Op::Reschedule { which, after } => {
                let Some((id, job)) = model.pick(which) else { continue };
                let due = model.now.saturating_add(after);
                let is_next = due < job.due && entries.next_deadline().is_none_or(|next| next.0 > due);
                let expected = match (job.state, job.kind) {
                    (State::Cancelled, _) => Err(NotMoved::TooLate),
                    (_, Kind::Urgent) => Err(NotMoved::NotTimed),
                    (State::Running, _) => Err(NotMoved::Running),
                    (State::Due, _) => Err(NotMoved::Due),
                    _ => Ok(is_next),
                };
                prop_assert_eq!(entries.reschedule(job.key, Tick(due)), expected);
                if expected.is_ok() {
                    let sequence = model.next_sequence();
                    model.jobs.insert(id, Job { due, sequence, ..job });
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
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { ProptestConfig::default().cases.min(256) }, failure_persistence: None, ..ProptestConfig::default() })]

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
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 1 } else { ProptestConfig::default().cases.min(64) }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn like_the_model_growing(ops in prop::collection::vec(op(), 1..1500)) {
        run::<GrowingSlab<u64>>(&ops)?;
    }
}
