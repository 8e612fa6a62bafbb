//! Threads that take turns by the core's semaphore, as threads on std do: a few looks with a yield between them, then in line.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use fastthreadpool_core::{Park, Semaphore, Tick, Unpark};

use crate::host::Spin;
use crate::machine::{self, Costs};
use crate::works::Measured;
use crate::world::{self, Body};

/// As `std-pool/src/sync/semaphore.rs`.
const LOOKS: u32 = 10;

/// Picoseconds of a yield where nobody else wants the core, and of what is done with the permit.
const YIELD: u64 = 300_000;
const TURN: u64 = 2_000;

/// Nanoseconds in which all come.
const BEGIN: u64 = 1_000;

struct Thread(usize);

impl Unpark for Thread {
    const BARGING: bool = true;

    fn unpark(&self) {
        world::unpark(self.0);
    }
}

struct ThisThread;

impl Park for ThisThread {
    type Unpark = Thread;

    fn unparker(&self) -> Thread {
        Thread(world::current())
    }

    fn park(&self) {
        world::park(None);
    }

    fn park_until(&self, deadline: Tick) {
        world::park(Some(deadline.0 * 1000));
    }
}

/// On a line of its own, wherever it is allocated.
#[repr(align(64))]
struct OnLine(Semaphore<Spin, Thread>);

/// So many threads, so many turns each.
pub fn run(costs: Costs, seed: u64, threads: usize, turns: usize, are_fair: bool) -> Measured {
    let new = if are_fair { Semaphore::fair } else { Semaphore::new };
    let semaphore = Rc::new(OnLine(new(1)));
    let (left, inside, measured) = (Rc::new(Cell::new(threads)), Rc::new(Cell::new(false)), Rc::new(Cell::new(None)));
    let body = |_| -> Body {
        let (semaphore, left) = (Rc::clone(&semaphore), Rc::clone(&left));
        let (inside, measured) = (Rc::clone(&inside), Rc::clone(&measured));
        Box::new(move || {
            let OnLine(semaphore) = &*semaphore;
            world::park(Some(BEGIN * 1000));
            for _ in 0..turns {
                let look_again = |looks| {
                    world::pass(YIELD);
                    looks < LOOKS
                };
                if semaphore.try_acquire_while(1, look_again).is_err() {
                    semaphore.acquire(1, &ThisThread).expect("nobody closes it");
                }
                assert!(!inside.replace(true), "one at a time");
                world::pass(TURN);
                inside.set(false);
                semaphore.release(1).expect("what was taken");
            }
            left.set(left.get() - 1);
            if left.get() == 0 {
                let (counts, slept) = world::take_counts(threads);
                measured.set(Some((counts, slept, world::now() - BEGIN * 1000)));
            }
        })
    };
    world::run(costs, seed, (0..threads).map(body).collect());
    let (counts, slept, took) = measured.take().expect("all have had their turns");
    let mut names = BTreeMap::new();
    let address = Rc::as_ptr(&semaphore).addr();
    for line in address / machine::LINE..=(address + size_of_val(&*semaphore) - 1) / machine::LINE {
        names.insert(line, "semaphore".to_owned());
    }
    Measured::new(&counts, &names, threads * turns, took, threads as f64 - slept as f64 / took as f64)
}
