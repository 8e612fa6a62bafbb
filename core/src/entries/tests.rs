use core::num::NonZeroU64;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::period::MissedTickBehavior;

type Fixed<const N: usize> = Entries<String, FixedSlab<String, N>>;

/// Usable in a `static`.
#[cfg(not(loom))]
const _: Entries<&str, FixedSlab<&str, 2>> = Entries::new();

#[expect(clippy::unnecessary_wraps, reason = "as insert wants it")]
pub(super) fn rate(period: u64) -> Option<Repeat> {
    Some(Repeat::Rate { period: NonZeroU64::new(period).unwrap(), missed: MissedTickBehavior::Burst })
}

fn drain<P, S: Slab<P>>(entries: &mut Entries<P, S>) -> Vec<P> {
    core::iter::from_fn(|| entries.pop().map(|popped| popped.payload)).collect()
}

/// The payload, if it was removed.
pub(super) fn removed<P>(cancel: Cancel<P>) -> Option<P> {
    if let Cancel::Removed(payload) = cancel { Some(payload) } else { None }
}

/// All that a removal takes out.
pub(super) fn remove_all<P, S: Slab<P>>(entries: &mut Entries<P, S>, kinds: Kinds) -> Vec<(Key, usize, P)> {
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
fn what_waits_is_moved_and_says_whether_somebody_is_to_be_told() {
    let mut entries = Fixed::<4>::new();
    let job = entries.insert(0, "job".to_string(), Tick(100), None).unwrap();
    let other = entries.insert(0, "other".to_string(), Tick(50), None).unwrap();
    // Later, or not the earliest: who minds the earliest sees it then.
    assert_eq!(entries.reschedule(job, Tick(200)), Ok(false));
    assert_eq!(entries.reschedule(job, Tick(50)), Ok(false));
    assert_eq!(entries.reschedule(job, Tick(49)), Ok(true));
    assert_eq!(entries.next_deadline(), Some(Tick(49)));
    // Never, and back.
    assert_eq!(entries.reschedule(job, Tick::MAX), Ok(false));
    assert_eq!((entries.next_deadline(), entries.waiting()), (Some(Tick(50)), 2));
    assert_eq!(entries.reschedule(job, Tick(50)), Ok(false));
    // Behind the other, which was there before.
    assert_eq!(entries.expire(Tick(60)), 2);
    assert_eq!(drain(&mut entries), ["other", "job"]);
    assert_eq!(entries.reschedule(other, Tick(70)), Err(NotMoved::TooLate));
    // The past is now.
    let late = entries.insert(0, "late".to_string(), Tick(100), None).unwrap();
    assert_eq!(entries.reschedule(late, Tick(3)), Ok(true));
    assert_eq!((entries.expire(Tick(60)), entries.reschedule(late, Tick(70))), (1, Err(NotMoved::Due)));
    assert_eq!(drain(&mut entries), ["late"]);
}

#[test]
fn what_somebody_else_has_moved_is_left_to_them() {
    let mut entries = Fixed::<4>::new();
    let job = entries.insert(0, "job".to_string(), Tick(100), None).unwrap();
    let other = entries.insert(0, "other".to_string(), Tick(100), None).unwrap();
    assert_eq!(entries.reschedule_from(job, Tick(99), Tick(10)), Err(NotMoved::TooLate));
    // Not behind the other.
    assert_eq!(entries.reschedule_from(job, Tick(100), Tick(100)), Ok(false));
    assert_eq!(entries.expire(Tick(100)), 2);
    assert_eq!(drain(&mut entries), ["job", "other"]);
    assert_eq!(entries.reschedule_from(other, Tick(100), Tick(10)), Err(NotMoved::TooLate));
    let late = entries.insert(0, "late".to_string(), Tick(200), None).unwrap();
    assert_eq!(entries.reschedule_from(late, Tick(200), Tick(150)), Ok(true));
    assert_eq!((entries.expire(Tick(150)), entries.reschedule_from(late, Tick(150), Tick(9))), (1, Err(NotMoved::Due)));
    assert_eq!(drain(&mut entries), ["late"]);
}

#[test]
fn a_periodic_job_that_is_moved_has_its_grid_from_there() {
    let mut entries = Fixed::<2>::new();
    let key = entries.insert(0, "tick".to_string(), Tick(100), rate(10)).unwrap();
    assert_eq!(entries.reschedule(key, Tick(57)), Ok(true));
    entries.expire(Tick(58));
    let popped = entries.pop().unwrap();
    assert_eq!((popped.due, entries.reschedule(key, Tick(80))), (Tick(57), Err(NotMoved::Running)));
    assert_eq!(entries.finish(key, Some(popped.payload), Tick(59)), Ok(Tick(67)));
    assert_eq!(entries.reschedule(key, Tick(70)), Ok(false));
    entries.expire(Tick(70));
    let popped = entries.pop().unwrap();
    assert_eq!(entries.cancel(key), Cancel::Running);
    assert_eq!(entries.reschedule(key, Tick(80)), Err(NotMoved::TooLate));
    assert!(entries.finish(key, Some(popped.payload), Tick(71)).is_err());
}

#[test]
fn what_waits_for_no_time_is_not_moved() {
    let mut entries = Fixed::<2>::new();
    let urgent = entries.push_urgent(0, "urgent".to_string()).unwrap();
    assert_eq!(entries.reschedule(urgent, Tick(9)), Err(NotMoved::NotTimed));
    assert_eq!(entries.reschedule(Key { index: 7, ..urgent }, Tick(9)), Err(NotMoved::TooLate));
    assert_eq!(drain(&mut entries), ["urgent"]);
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
