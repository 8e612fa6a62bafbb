//! Models of a lane by itself, over both stores, small enough that positions wrap and blocks change hands.

use ::loom::sync::Arc;
use ::loom::thread;
use std::collections::BTreeSet;
use std::vec::Vec;

use super::Lane;
use crate::blocks::Blocks;
use crate::hosts::loom::{LoomMutex, model};
use crate::pinned::Pinned;
use crate::ring::Ring;
use crate::slot::Take;
use crate::slots::Slots;

type Grown = Blocks<usize, LoomMutex>;

/// What a consumer got, and the positions that it claimed before they were published.
type Got = (Vec<usize>, Vec<usize>);

/// Every look at a slot.
fn pinned() -> Pinned<'static> {
    // SAFETY: no store of these models is trimmed.
    unsafe { Pinned::new() }
}

/// Appends a value. `Err` when the store is full.
fn push<S: Slots<usize>>(lane: &Lane<S>, value: usize) -> Result<usize, usize> {
    let Some(position) = lane.reserve() else { return Err(value) };
    // SAFETY: just reserved, and published once.
    unsafe { lane.slots().publish(position, value) };
    Ok(position)
}

/// Claims and takes, so many times, without waiting.
fn consume<S: Slots<usize>>(lane: &Lane<S>, times: usize, want: usize) -> Got {
    let mut got = Got::default();
    for _ in 0..times {
        if let Some(claim) = lane.claim(|_| Some(want), |_| ()) {
            (0..claim.len).for_each(|ahead| take(lane, claim.start.wrapping_add(ahead), &mut got));
        }
    }
    got
}

fn take<S: Slots<usize>>(lane: &Lane<S>, position: usize, got: &mut Got) {
    match lane.slots().take(pinned(), position) {
        Take::Taken(value) => {
            lane.slots().finish(position, 1);
            got.0.push(value);
        }
        Take::Unpublished => got.1.push(position),
        Take::Gone => {}
    }
}

/// Takes what is left when all others are done, and says what everybody got.
fn reckon<S: Slots<usize>>(lane: &Lane<S>, all: impl IntoIterator<Item = Got>) -> Vec<usize> {
    let mut values = Vec::new();
    for (got, aside) in all {
        values.extend(got);
        let mut left = Got::default();
        for position in aside {
            take(lane, position, &mut left);
        }
        assert!(left.1.is_empty(), "all producers are done");
        values.extend(left.0);
    }
    while lane.unclaimed() > 0 {
        let (got, aside) = consume(lane, 1, 1);
        assert!(aside.is_empty(), "all producers are done");
        values.extend(got);
    }
    values.sort_unstable();
    values
}

/// Two producers, two consumers. `before`: positions that were used and are over, so that the next ones lie across an end.
fn two_and_two<S: Slots<usize> + Default + Send + Sync + 'static>(before: usize) {
    let lane = Arc::new(Lane::new(S::default()));
    for _ in 0..before {
        push(&lane, 9).unwrap();
        assert_eq!(consume(&lane, 1, 1).0, [9]);
    }
    let producers = [0, 1].map(|value| {
        let lane = lane.clone();
        thread::spawn(move || push(&lane, value).expect("there is room"))
    });
    let consumer = {
        let lane = lane.clone();
        thread::spawn(move || consume(&lane, 1, 2))
    };
    let own = consume(&lane, 1, 1);
    let positions: BTreeSet<usize> = producers.into_iter().map(|producer| producer.join().unwrap()).collect();
    assert_eq!(positions, BTreeSet::from([before, before + 1]), "a position names one job");
    let other = consumer.join().unwrap();
    assert_eq!(reckon(&lane, [own, other]), [0, 1], "each job is taken once");
}

#[test]
fn two_producers_and_two_consumers_on_a_ring() {
    model(2, || two_and_two::<Ring<usize, 2>>(0));
}

/// The slot of the second position that the producers want is in use until a consumer has left it. One thread is first a
/// producer, then a consumer, lest there be too much to explore.
#[test]
fn two_producers_and_two_consumers_on_a_ring_that_wraps() {
    model(2, || {
        let lane = Arc::new(Lane::new(Ring::<usize, 2>::new()));
        assert_eq!(push(&lane, 0), Ok(0));
        let producer = {
            let lane = lane.clone();
            thread::spawn(move || push(&lane, 1).is_ok())
        };
        let consumer = {
            let lane = lane.clone();
            thread::spawn(move || consume(&lane, 1, 2))
        };
        let second = push(&lane, 2).is_ok();
        let own = consume(&lane, 1, 1);
        let first = producer.join().unwrap();
        assert!(first || second, "there is room for one of them from the beginning");
        let expected: Vec<usize> =
            [(0, true), (1, first), (2, second)].iter().filter(|job| job.1).map(|job| job.0).collect();
        let other = consumer.join().unwrap();
        assert_eq!(reckon(&lane, [own, other]), expected, "each accepted job is taken once");
    });
}

#[test]
fn two_producers_and_two_consumers_from_block_to_block() {
    model(2, || two_and_two::<Grown>(1));
}

#[test]
fn a_full_ring_takes_the_next_when_one_has_left_and_loses_none() {
    model(3, || {
        let lane = Arc::new(Lane::new(Ring::<usize, 2>::new()));
        (0..2).for_each(|value| _ = push(&lane, value).unwrap());
        let producer = {
            let lane = lane.clone();
            thread::spawn(move || push(&lane, 2))
        };
        let got = consume(&lane, 2, 1);
        let expected = match producer.join().unwrap() {
            Ok(position) => {
                assert_eq!(position, 2);
                std::vec![0, 1, 2]
            }
            Err(value) => {
                assert_eq!(value, 2, "a refusal gives it back");
                std::vec![0, 1]
            }
        };
        assert_eq!(reckon(&lane, [got]), expected);
    });
}

#[test]
fn a_claimant_a_canceller_and_a_thief_want_one_job() {
    fn three<S: Slots<usize> + Default + Send + Sync + 'static>() {
        let lane = Arc::new(Lane::new(S::default()));
        push(&lane, 7).unwrap();
        let by_position = [0, 1].map(|_| {
            let lane = lane.clone();
            thread::spawn(move || {
                let mut got = Got::default();
                take(&lane, 0, &mut got);
                got
            })
        });
        let own = consume(&lane, 1, 1);
        let all: Vec<Got> = by_position.into_iter().map(|thread| thread.join().unwrap()).chain([own]).collect();
        assert_eq!(reckon(&lane, all), [7]);
    }
    model(3, three::<Ring<usize, 2>>);
    model(3, three::<Grown>);
}

#[test]
fn a_stale_position_never_names_another_job() {
    fn stale<S: Slots<usize> + Default + Send + Sync + 'static>() {
        let lane = Arc::new(Lane::new(S::default()));
        // Position 0 is over. Its slot will serve position 2 (ring) or 4 (block, which is used again).
        push(&lane, 0).unwrap();
        assert_eq!(consume(&lane, 1, 1).0, [0]);
        let canceller = {
            let lane = lane.clone();
            thread::spawn(move || lane.slots().take(pinned(), 0))
        };
        let mut got = Vec::new();
        for value in 1..5 {
            push(&lane, value).unwrap();
            got.extend(consume(&lane, 1, 1).0);
        }
        assert_eq!(canceller.join().unwrap(), Take::Gone);
        assert_eq!(got, [1, 2, 3, 4]);
    }
    model(2, stale::<Ring<usize, 2>>);
    model(2, stale::<Grown>);
}
