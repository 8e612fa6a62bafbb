//! Models of the desk and of the fork: each is run once, by who may.

use std::sync::Arc;
use std::vec::Vec;

use ::loom::cell::UnsafeCell;
use ::loom::thread;
use core::ptr::NonNull;

use super::{Desk, Fork, Look, TakenFork, leapfrog, look};
use crate::host::{Park, Unpark};
use crate::hosts::loom::{LoomParker, LoomUnparker, model};

/// A fork with what it runs.
#[repr(C)]
struct Branch {
    fork: Fork,
    number: usize,
    /// How often it has run; for the owner to see once it is done.
    ran: UnsafeCell<usize>,
    /// What it does besides.
    inner: fn(&World),
    world: Arc<World>,
}

/// Desks 0, 1, 2; desk 0 is that of the owner.
struct World {
    desks: [Desk; 3],
    owner: LoomUnparker,
    foreign: usize,
}

impl World {
    fn new(owner: &LoomParker) -> Arc<Self> {
        Arc::new(Self { desks: core::array::from_fn(|_| Desk::new()), owner: owner.unparker(), foreign: usize::MAX })
    }

    /// Runs what was taken, on behalf of the owner of a desk.
    fn run(&self, number: usize, taken: TakenFork) {
        if taken.run(number, &self.desks[number]) == Some(0) {
            self.owner.unpark();
        }
    }

    /// Takes from the desk of somebody else what there is.
    fn steal(&self, number: usize, from: usize) -> bool {
        let taken = self.desks[from].take(&|_| true);
        taken.map(|taken| self.run(number, taken)).is_some()
    }
}

impl Branch {
    fn new(world: &Arc<World>, owner: usize, number: usize, inner: fn(&World)) -> Self {
        let fork = Fork::new(owner, false, Self::run);
        Self { fork, number, ran: UnsafeCell::new(0), inner, world: world.clone() }
    }

    /// # Safety
    ///
    /// The fork is that of a branch, which is there.
    unsafe fn run(fork: NonNull<Fork>, _: usize) {
        // SAFETY: the fork is its first field.
        let branch = unsafe { fork.cast::<Self>().as_ref() };
        assert_ne!(branch.number, branch.world.foreign, "a foreign job");
        branch.run_here();
    }

    fn run_here(&self) {
        // SAFETY: run by one, and seen by the owner after that.
        self.ran.with_mut(|ran| unsafe { *ran += 1 });
        (self.inner)(&self.world);
    }

    fn shown(&self) -> NonNull<Fork> {
        NonNull::from(self).cast()
    }

    fn put(&self, desk: &Desk) -> super::Put {
        // SAFETY: all of them are joined.
        unsafe { desk.push(self.shown()) }
    }

    /// Takes it back and runs it, or waits until it is done, and helps meanwhile if that is wanted.
    fn join(&self, number: usize, put: super::Put, helps: bool) {
        if self.world.desks[number].pop(put) {
            self.run_here();
        } else {
            while !self.fork.is_done() {
                if helps {
                    if let Some(taken) = leapfrog(&self.world.desks, &self.fork) {
                        self.world.run(number, taken);
                        continue;
                    }
                }
                thread::yield_now();
            }
        }
        // SAFETY: it is over.
        assert_eq!(self.ran.with(|ran| unsafe { *ran }), 1, "run once");
    }
}

fn nothing(_: &World) {}

#[test]
fn a_fork_is_run_once_whoever_takes_it() {
    model(2, || {
        let world = World::new(&LoomParker::new());
        let thieves: Vec<_> = (1..=2)
            .map(|number| {
                let world = world.clone();
                thread::spawn(move || _ = world.steal(number, 0))
            })
            .collect();
        let branch = Branch::new(&world, 0, 0, nothing);
        let put = branch.put(&world.desks[0]);
        branch.join(0, put, false);
        for thief in thieves {
            thief.join().unwrap();
        }
    });
}

/// One in another, and a third one in the slot of one that was taken; the gate is shut and opened meanwhile.
#[test]
fn forks_of_one_desk_are_taken_while_others_come_and_go() {
    model(2, || {
        let world = World::new(&LoomParker::new());
        let thief = {
            let world = world.clone();
            thread::spawn(move || (0..2).filter(|_| world.steal(1, 0)).count())
        };
        let desk = &world.desks[0];
        let first = Branch::new(&world, 0, 0, nothing);
        let put_first = first.put(desk);
        let second = Branch::new(&world, 0, 1, nothing);
        let put_second = second.put(desk);
        if desk.has_room(1) {
            let third = Branch::new(&world, 0, 2, nothing);
            let put = third.put(desk);
            third.join(0, put, false);
        }
        second.join(0, put_second, false);
        first.join(0, put_first, false);
        thief.join().unwrap();
        assert!(!desk.has_offer() && desk.forks() == 0 && !desk.gate().is_shut());
    });
}

/// An opening may be lost; who looks in vain opens again.
#[test]
fn a_gate_does_not_stay_shut_when_somebody_looks_in_vain() {
    model(3, || {
        let world = World::new(&LoomParker::new());
        let thief = {
            let world = world.clone();
            thread::spawn(move || while world.steal(1, 0) {})
        };
        let desk = &world.desks[0];
        let branches = [0, 1].map(|number| Branch::new(&world, 0, number, nothing));
        let puts = [branches[0].put(desk), branches[1].put(desk)];
        let _ = desk.has_room(1);
        thief.join().unwrap();
        if !desk.has_offer() {
            assert!(look([&world.desks[..1], &[]], 1, Look::Take).is_none());
            assert!(!desk.gate().is_shut(), "it was asked for some");
        }
        branches[1].join(0, puts[1], false);
        branches[0].join(0, puts[0], false);
    });
}

#[test]
fn an_owner_that_parks_is_told() {
    model(3, || {
        let parker = LoomParker::new();
        let world = World::new(&parker);
        let thief = {
            let world = world.clone();
            thread::spawn(move || _ = world.steal(1, 0))
        };
        let branch = Branch::new(&world, 0, 0, nothing);
        let put = branch.put(&world.desks[0]);
        if world.desks[0].pop(put) {
            branch.run_here();
        } else {
            while !branch.fork.is_done() {
                if branch.fork.may_park() {
                    while !branch.fork.is_done() {
                        parker.park();
                    }
                }
                thread::yield_now();
            }
        }
        // SAFETY: it is over.
        assert_eq!(branch.ran.with(|ran| unsafe { *ran }), 1);
        thief.join().unwrap();
    });
}

/// The owner waits for 0, inside of which its thief forks 1; afterwards the thief forks 2, which is none of the owner's business.
#[test]
fn who_waits_runs_nothing_but_what_was_forked_inside() {
    fn inner(world: &World) {
        // SAFETY: the world is in an `Arc`.
        let world = unsafe {
            Arc::increment_strong_count(world);
            Arc::from_raw(world)
        };
        let branch = Branch::new(&world, 1, 1, nothing);
        let put = branch.put(&world.desks[1]);
        branch.join(1, put, true);
    }
    model(2, || {
        let parker = LoomParker::new();
        let desks = core::array::from_fn(|_| Desk::new());
        let world = Arc::new(World { desks, owner: parker.unparker(), foreign: 2 });
        let thief = {
            let world = world.clone();
            thread::spawn(move || {
                if world.steal(1, 0) {
                    let branch = Branch::new(&world, 1, 2, nothing);
                    let put = branch.put(&world.desks[1]);
                    assert!(world.desks[1].pop(put), "nobody takes it");
                }
            })
        };
        // Run by the owner itself it forks on the wrong desk; so it only runs elsewhere.
        let branch = Branch::new(&world, 0, 0, inner);
        let put = branch.put(&world.desks[0]);
        if world.desks[0].pop(put) {
            // SAFETY: it was taken back.
            branch.ran.with_mut(|ran| unsafe { *ran += 1 });
        } else {
            while !branch.fork.is_done() {
                match leapfrog(&world.desks, &branch.fork) {
                    Some(taken) => world.run(0, taken),
                    None => thread::yield_now(),
                }
            }
        }
        // SAFETY: it is over.
        assert_eq!(branch.ran.with(|ran| unsafe { *ran }), 1);
        thief.join().unwrap();
    });
}
