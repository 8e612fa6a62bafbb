//! A region is held open at rest: part of it waits for something outside, nobody has work, and that must cost nothing.

use std::thread;
use std::time::Duration;

use crate::capability::{Joins, Maps, Scopes};
use crate::peer::Peer;
use crate::peers::{Orx, Ours, Rayon};
use crate::usage::wait_until_alone;
use crate::work::{Effort, Work};
use crate::works::gate::Gate;
use crate::works::idle;
use crate::{each_join, each_scope};

/// So that some are left that have nothing to do with it.
const THREADS: usize = 4;

/// What is computed in a first half, in some milliseconds, so that another thread takes the second.
const BUSY: u32 = 27;

/// While `region`, which another thread opens, has somebody at the gate. Before, it once finds the gate open: what is learnt of it is
/// known then.
fn round(time: Duration, region: impl Fn(&Gate) + Sync) -> Vec<f64> {
    let gate = Gate::default();
    gate.open();
    region(&gate);
    let gate = Gate::default();
    thread::scope(|scope| {
        scope.spawn(|| region(&gate));
        gate.wait_for(1);
        let usage = idle::at_rest(time);
        gate.open();
        usage
    })
}

fn first_half<J: Joins + Sync>(time: Duration) -> Vec<f64> {
    let pool = J::new(THREADS);
    round(time, |gate| pool.halves(0, || gate.hold(), || {}))
}

fn second_half<J: Joins + Sync>(time: Duration) -> Vec<f64> {
    let pool = J::new(THREADS);
    round(time, |gate| pool.halves(BUSY, || {}, || gate.hold()))
}

/// The first of some.
fn task<S: Scopes + Sync>(time: Duration) -> Vec<f64> {
    let pool = S::new(THREADS);
    let hold = |gate: &Gate, task: usize| {
        if task == 0 {
            gate.hold()
        }
    };
    round(time, |gate| pool.scope_of(THREADS, &|task| hold(gate, task)))
}

fn item<M: Maps + Sync>(time: Duration) -> Vec<f64> {
    let pool = M::new(THREADS);
    let hold = |gate: &Gate, item: u64| {
        if item == 0 {
            gate.hold()
        }
    };
    round(time, |gate| drop(pool.map(&[0, 1, 2, 3], |item| hold(gate, *item))))
}

fn enter(work: &mut Work, peer: Peer, time: Duration, round: fn(Duration) -> Vec<f64>) {
    work.enter(peer, move || {
        move || {
            wait_until_alone();
            round(time)
        }
    });
}

fn enter_map<M: Maps + Sync>(work: &mut Work, time: Duration) {
    enter(work, M::PEER, time, item::<M>);
}

pub fn works(effort: Effort) -> Vec<Work> {
    let time = Duration::from_millis(effort.either(1000, 100));
    let work = |name: &str| {
        let metrics = [("processor time", "us/s"), ("wake-ups", "per s")];
        Work::new("held", format!("held open: {name}"), &metrics).at_most(effort.either(3, 1)).without_warm_up()
    };
    let (mut first, mut second) = (work("first half of a join"), work("second half of a join"));
    each_join!(J => enter(&mut first, <J as Joins>::PEER, time, first_half::<J>));
    each_join!(J => enter(&mut second, <J as Joins>::PEER, time, second_half::<J>));
    let mut scope = work("a task of a scope");
    each_scope!(S => enter(&mut scope, <S as Scopes>::PEER, time, task::<S>));
    let mut map = work("an item of a map");
    [enter_map::<Ours>, enter_map::<Rayon>, enter_map::<Orx>].into_iter().for_each(|enter| enter(&mut map, time));
    vec![first, second, scope, map]
}
