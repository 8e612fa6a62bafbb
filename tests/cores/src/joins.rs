//! Joins inside of a job, by the core's forks, as `std-pool/src/parallel/halves.rs` has them: without closures and panics.

use std::ptr::NonNull;

use fastthreadpool_core::simulated::{Operation, tell};
use fastthreadpool_core::{Desk, Fork, Host};

use crate::host::SimulatedHost;
use crate::machine::Time;
use crate::works::Stage;
use crate::world;

/// In whose name gates are shut: there is one pool.
const NAME: usize = 1;

/// As there: looks at a fork that is elsewhere between two pauses that may let other threads run.
const LOOKS: u32 = 64;

/// A tree: so many layers of joins, and what takes how many nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Tree {
    pub layers: usize,
    pub join: u64,
    pub leaf: u64,
}

impl Tree {
    /// A million joins of next to nothing.
    pub const SHORT: Self = Self { layers: 20, join: 5, leaf: 5 };
    /// Sixteen leaves of a millisecond.
    pub const LONG: Self = Self { layers: 4, join: 5, leaf: 1_000_000 };
}

/// Where joins fork: a seat's desk, and its number.
#[derive(Clone, Copy)]
struct At<'s> {
    stage: &'s Stage,
    desk: &'s Desk,
    number: usize,
}

/// The second half of a join, for whoever takes it.
#[repr(C)]
struct Branch<'s> {
    // First, so that its address is that of the branch.
    fork: Fork,
    stage: &'s Stage,
    tree: Tree,
}

/// As there: what takes longer, in picoseconds, is worth as many wake-ups at the same time as there are workers.
const LONG: Time = 1_000_000_000;

/// Grows a tree on a seat, as a job that took so long the last time.
pub fn run(stage: &Stage, seat: usize, tree: Tree, last: Time) {
    let at = At::new(stage, seat);
    at.desk.set_eager(last >= LONG);
    at.grow(tree);
}

impl<'s> At<'s> {
    fn new(stage: &'s Stage, number: usize) -> Self {
        Self { stage, desk: stage.pool.desk(number).expect("each seat has one"), number }
    }

    fn grow(self, tree: Tree) {
        let Some(layers) = tree.layers.checked_sub(1) else { return world::pass(tree.leaf * 1000) };
        world::pass(tree.join * 1000);
        let half = Tree { layers, ..tree };
        if self.desk.gate().is_shut() || !self.desk.has_room(NAME) {
            self.grow(half);
            return self.grow(half);
        }
        let branch =
            Branch { fork: Fork::new(self.number, self.desk.is_eager(), Branch::run), stage: self.stage, tree: half };
        // SAFETY: it is taken back below, or waited for.
        let (put, duty) = unsafe { self.stage.pool.show_fork(self.desk, NonNull::from(&branch).cast()) };
        self.stage.perform(duty);
        self.grow(half);
        if self.desk.pop(put) {
            self.grow(half);
        } else {
            self.wait(&branch.fork);
        }
    }

    /// Waits until a fork is done that somebody else has, and helps with what was forked inside of it.
    fn wait(self, fork: &Fork) {
        let pause = || tell::<()>(Operation::Pause, std::ptr::null());
        let mut round = 0;
        while !fork.is_done() {
            if let Some(taken) = self.stage.pool.help_thief(fork) {
                self.stage.perform(self.stage.pool.run_fork(self.number, taken));
                round = 0;
            } else if (0..LOOKS).any(|_| (pause(), fork.is_done()).1) || SimulatedHost.relax(round) {
                round += 1;
            } else if fork.may_park() {
                let blocked = self.stage.pool.block();
                blocked.into_iter().for_each(|duty| self.stage.perform(duty));
                while !fork.is_done() {
                    world::park(None);
                }
                blocked.into_iter().for_each(|_| self.stage.pool.unblock());
            } else {
                pause();
            }
        }
    }
}

impl Branch<'_> {
    /// # Safety
    ///
    /// The fork is that of a branch, which is there.
    unsafe fn run(fork: NonNull<Fork>, number: usize) {
        // SAFETY: the branch is there until the fork is done, which is said after this.
        let this = unsafe { fork.cast::<Self>().as_ref() };
        At::new(this.stage, number).grow(this.tree);
    }
}
