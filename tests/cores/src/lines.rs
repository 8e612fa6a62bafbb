//! What lines cost by themselves: the same as was measured on a machine, to compare the simulated one with it.

use std::cell::Cell;
use std::rc::Rc;

use fastthreadpool_core::simulated::{Operation, tell};

use crate::machine::{Costs, Time};
use crate::world::{self, Body};

const ROUNDS: usize = 2_000;

/// A word on a line of its own.
#[repr(align(64))]
#[derive(Default)]
struct Word(Cell<usize>);

impl Word {
    fn load(&self) -> usize {
        tell(Operation::Load, &raw const self.0);
        self.0.get()
    }

    fn store(&self, value: usize) {
        tell(Operation::Store, &raw const self.0);
        self.0.set(value);
    }

    fn change(&self, value: usize) -> usize {
        tell(Operation::Locked, &raw const self.0);
        self.0.replace(value)
    }

    fn ask(&self) {
        tell(Operation::Ask, &raw const self.0);
    }
}

fn pause() {
    tell::<()>(Operation::Pause, std::ptr::null());
}

/// Nanoseconds an operation, when all add to one line.
fn contended(costs: Costs, cores: usize) -> f64 {
    let word = Rc::new(Word::default());
    let end = Rc::new(Cell::new(0));
    let body = |_| -> Body {
        let (word, end) = (Rc::clone(&word), Rc::clone(&end));
        Box::new(move || {
            for _ in 0..ROUNDS {
                word.change(word.0.get() + 1);
            }
            end.set(world::now().max(end.get()));
        })
    };
    world::run(costs, 1, (0..cores).map(body).collect());
    each(end.get(), ROUNDS * cores)
}

/// Nanoseconds an operation, when one adds and others look.
fn polled(costs: Costs, lookers: usize) -> f64 {
    let word = Rc::new(Word::default());
    let end = Rc::new(Cell::new(0));
    let look = |_| -> Body {
        let word = Rc::clone(&word);
        Box::new(move || {
            while word.load() < ROUNDS {
                pause();
            }
        })
    };
    let mut bodies: Vec<Body> = (0..lookers).map(look).collect();
    let (word, ended) = (Rc::clone(&word), Rc::clone(&end));
    bodies.push(Box::new(move || {
        for round in 1..=ROUNDS {
            word.change(round);
        }
        ended.set(world::now());
    }));
    world::run(costs, 1, bodies);
    each(end.get(), ROUNDS)
}

/// How a ring is worked.
#[derive(Clone, Copy)]
struct Ring {
    /// The consumer takes with a locked operation.
    exchanges: bool,
    /// The producer moves a tail with one.
    locked_tail: bool,
    /// How far ahead both ask for lines; 0 for not at all.
    ahead: usize,
}

/// Nanoseconds an item through a ring, from one core to another.
fn ring(costs: Costs, Ring { exchanges, locked_tail, ahead }: Ring) -> f64 {
    const SLOTS: usize = 1 << 12;
    const ITEMS: usize = 4 * SLOTS;
    let slots: Rc<Vec<Word>> = Rc::new((0..SLOTS).map(|_| Word::default()).collect());
    let (tail, done, end) = (Rc::new(Word::default()), Rc::new(Word::default()), Rc::new(Cell::new(0)));
    let consume = {
        let (slots, done, end) = (Rc::clone(&slots), Rc::clone(&done), Rc::clone(&end));
        move || {
            for item in 0..ITEMS {
                let slot = &slots[item % SLOTS];
                if ahead > 0 {
                    slots[(item + ahead) % SLOTS].ask();
                }
                while slot.load() != 2 * item + 1 {
                    pause();
                }
                if exchanges {
                    slot.change(2 * item + 2);
                } else {
                    slot.store(2 * item + 2);
                }
                if item % 64 == 63 {
                    done.store(item);
                }
            }
            end.set(world::now());
        }
    };
    let produce = move || {
        for item in 0..ITEMS {
            while item % 64 == 0 && item.saturating_sub(done.load()) > SLOTS - 256 {
                pause();
            }
            if locked_tail {
                tail.change(item);
            }
            if ahead > 0 {
                slots[(item + ahead) % SLOTS].ask();
            }
            slots[item % SLOTS].store(2 * item + 1);
        }
    };
    world::run(costs, 1, vec![Box::new(consume), Box::new(produce)]);
    each(end.get(), ITEMS)
}

fn each(time: Time, count: usize) -> f64 {
    time as f64 / 1000.0 / count as f64
}

/// What was measured on a lent Xeon of 16 virtual cores, 2026-11-27; of the rings the least and the most of three pairs of cores.
const CONTENDED: [(usize, f64); 5] = [(1, 7.5), (2, 17.0), (4, 20.9), (8, 21.3), (15, 22.4)];
const POLLED: [(usize, f64); 6] = [(0, 8.4), (1, 162.6), (2, 217.7), (4, 258.7), (8, 291.5), (14, 309.3)];
const RINGS: [(Ring, &str); 8] = {
    const fn ring(exchanges: bool, locked_tail: bool, ahead: usize) -> Ring {
        Ring { exchanges, locked_tail, ahead }
    }
    [
        (ring(false, false, 0), "19.9"),
        (ring(true, false, 0), "20.0-21.1"),
        (ring(false, true, 0), "59.6-73.3"),
        (ring(true, true, 0), "42.7-68.6"),
        (ring(false, false, 8), "19.9-20.0"),
        (ring(true, false, 8), "19.9-20.0"),
        (ring(false, true, 8), "80.1-92.3"),
        (ring(true, true, 8), "19.8-103.1"),
    ]
};

/// All of it beside what was measured.
pub fn table(costs: Costs) -> String {
    let mut rows = vec![(String::from("nanoseconds"), String::from("simulated"), String::from("measured"))];
    let row = |name: String, simulated: f64, measured: String| (name, format!("{simulated:.1}"), measured);
    for (cores, measured) in CONTENDED {
        rows.push(row(format!("{cores} cores add to one line"), contended(costs, cores), measured.to_string()));
    }
    for (lookers, measured) in POLLED {
        rows.push(row(format!("1 core adds, {lookers} look"), polled(costs, lookers), measured.to_string()));
    }
    for (kind, measured) in RINGS {
        let Ring { exchanges, locked_tail, ahead } = kind;
        let taken = if exchanges { "exchange" } else { "store" };
        let tail = if locked_tail { "locked" } else { "private" };
        let name = format!("ring: taken by {taken}, {tail} tail, {ahead} ahead");
        rows.push(row(name, ring(costs, kind), measured.to_owned()));
    }
    rows.iter().map(|(name, simulated, measured)| format!("{name:<48} {simulated:>10} {measured:>11}\n")).collect()
}
