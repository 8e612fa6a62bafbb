//! Memory as many cores see it: where each line is, and what it costs to have it.
//!
//! | a line is | who has it | a load costs others | a store or a locked operation costs others |
//! |---|---|---|---|
//! | nowhere | nobody | `memory` | `memory` |
//! | one core's | its owner, who alone may write it | `way`; then it is shared | `way`; then it is theirs |
//! | shared | some, who may read it | `way` | `recall`, more with each who has it; then it is theirs |
//!
//! A load is waited for. A store is not: its line is asked for, and the core goes on; stores are done in order, and at most
//! so many lines are on their way at once. A locked operation waits until all stores before it are done. A line that has
//! come to be written stays for a moment (`hold`), in which its owner goes on with it, however many wait for it.

use std::collections::{HashMap, VecDeque};

use fastthreadpool_core::simulated::{Access, Operation};

/// Picoseconds.
pub type Time = u64;

/// Bytes of a line.
pub const LINE: usize = 64;

/// What things cost, in picoseconds. README.md says where they come from.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// An access to a line that is there, and the instructions around it.
    pub hit: Time,
    /// A locked operation, once the line is there.
    pub locked: Time,
    /// A line from the core that has written it.
    pub way: Time,
    /// To take a line away from one core that only reads it; and for each time that there are twice as many.
    pub recall: Time,
    pub recall_more: Time,
    /// A line that no core has.
    pub memory: Time,
    /// How long a line stays with who got it to write, whoever else wants it.
    pub hold: Time,
    /// Lines on their way to one core, and stores that wait for theirs.
    pub fetches: usize,
    pub stores: usize,
    /// Lines that come by themselves, when a core goes from line to line.
    pub streams: usize,
    /// One hint in a loop that waits.
    pub pause: Time,
    /// To wake a context that sleeps: what the waker pays, and how long it takes; and to fall asleep.
    pub wake: Time,
    pub woken: Time,
    pub sleep: Time,
}

/// A Xeon of sixteen virtual cores.
pub const XEON: Costs = Costs {
    hit: 800,
    locked: 6_000,
    way: 75_000,
    recall: 140_000,
    recall_more: 40_000,
    memory: 80_000,
    hold: 30_000,
    fetches: 10,
    stores: 56,
    streams: 1,
    pause: 45_000,
    wake: 3_000_000,
    woken: 20_000_000,
    sleep: 2_000_000,
};

/// One core's time with a line.
#[derive(Debug)]
struct Stay {
    core: usize,
    from: Time,
    until: Time,
    may_write: bool,
}

#[derive(Debug, Default)]
struct Line {
    stays: Vec<Stay>,
    /// When it is there for who has asked last to write it; and from when on it may go to the next one.
    arrives: Time,
    free: Time,
    /// Some core has had it.
    is_known: bool,
}

/// What the accesses of a stretch of time were.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Accesses of each line for which it had to come from elsewhere.
    pub transfers: HashMap<usize, u64>,
    pub locked: u64,
    pub asked: u64,
    /// Picoseconds that all cores together have waited for lines, by line.
    pub waits: HashMap<usize, u64>,
}

#[derive(Debug, Default)]
struct Core {
    now: Time,
    /// When all its stores are done.
    stored: Time,
    /// When the stores that wait will be done, in order.
    stores: VecDeque<Time>,
    /// When the lines on their way will be there.
    fetches: Vec<Time>,
    /// Lines that were touched last, of different pages.
    streams: VecDeque<usize>,
}

/// Cores and lines.
#[derive(Debug)]
pub struct Machine {
    costs: Costs,
    cores: Vec<Core>,
    /// In the order in which they are touched first: whatever the addresses are, they are dropped in the same order, and the next
    /// run finds the memory as it is found here.
    lines: Vec<Line>,
    places: HashMap<usize, usize>,
    counts: Counts,
    random: fastrand::Rng,
}

impl Machine {
    pub fn new(costs: Costs, cores: usize, seed: u64) -> Self {
        let core = || Core { fetches: vec![0; costs.fetches], ..Core::default() };
        Self {
            costs,
            cores: (0..cores).map(|_| core()).collect(),
            lines: Vec::new(),
            places: HashMap::new(),
            counts: Counts::default(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    pub fn costs(&self) -> &Costs {
        &self.costs
    }

    pub fn cores(&self) -> usize {
        self.cores.len()
    }

    pub fn now(&self, core: usize) -> Time {
        self.cores[core].now
    }

    /// Time passes on a core, up to here at least.
    pub fn wait_until(&mut self, core: usize, time: Time) {
        let now = &mut self.cores[core].now;
        *now = time.max(*now);
    }

    /// Time passes on a core.
    pub fn pass(&mut self, core: usize, time: Time) {
        self.cores[core].now += time;
    }

    /// What was counted since the last time.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    pub fn access(&mut self, core: usize, access: Access) {
        if access.operation == Operation::Pause {
            return self.pass(core, self.costs.pause);
        }
        if access.operation == Operation::Locked {
            self.counts.locked += 1;
        }
        let last = access.address + access.bytes.max(1) - 1;
        for line in access.address / LINE..=last / LINE {
            self.access_line(core, access.operation, line);
        }
    }

    fn access_line(&mut self, core: usize, operation: Operation, number: usize) {
        let before = self.cores[core].now;
        self.access_one(core, operation, number);
        self.pass(core, self.costs.hit);
        let waited = self.cores[core].now - before;
        if waited > self.costs.locked + self.costs.hit {
            *self.counts.waits.entry(number).or_default() += waited;
        }
        self.stream(core, operation, number);
    }

    /// Who goes from line to line finds the next one on its way.
    fn stream(&mut self, core: usize, operation: Operation, number: usize) {
        const PAGE: usize = 64;
        let streams = &mut self.cores[core].streams;
        let Some(place) = streams.iter().position(|last| last / PAGE == number / PAGE) else {
            streams.push_front(number);
            streams.truncate(16);
            return;
        };
        let last = std::mem::replace(&mut streams[place], number);
        if number != last + 1 {
            return;
        }
        for next in number + 1..=number + self.costs.streams {
            if next / PAGE == number / PAGE {
                if operation == Operation::Load {
                    self.shared(core, next);
                } else {
                    self.owned(core, next);
                }
            }
        }
    }

    fn access_one(&mut self, core: usize, operation: Operation, number: usize) {
        match operation {
            Operation::Load => {
                let there = self.shared(core, number);
                self.wait_until(core, there);
            }
            Operation::Store => {
                let Core { now, stores, .. } = &mut self.cores[core];
                while stores.front().is_some_and(|done| done <= now) {
                    stores.pop_front();
                }
                if stores.len() >= self.costs.stores {
                    *now = stores.pop_front().expect("there are some");
                }
                let there = self.owned(core, number);
                let Core { now, stored, stores, .. } = &mut self.cores[core];
                *stored = there.max(*stored).max(*now);
                stores.push_back(*stored);
            }
            Operation::Locked => {
                let stored = self.cores[core].stored;
                self.wait_until(core, stored);
                let there = self.owned(core, number);
                self.wait_until(core, there);
                self.pass(core, self.costs.locked);
            }
            Operation::Ask => {
                self.counts.asked += 1;
                self.owned(core, number);
            }
            Operation::Pause => unreachable!("touches no line"),
        }
    }

    /// A tenth more or less, so that cores do not march in step.
    fn about(&mut self, time: Time) -> Time {
        self.random.u64(time * 9 / 10..=time * 11 / 10)
    }

    /// Sees to it that a core may read a line. Returns when it is there.
    fn shared(&mut self, core: usize, number: usize) -> Time {
        let now = self.cores[core].now;
        let cost = self.about(self.costs.way);
        let line = line(&mut self.lines, &mut self.places, number);
        if let Some(stay) = line.stays.iter().find(|stay| stay.core == core && stay.until > now.max(stay.from)) {
            return stay.from.max(now);
        }
        let start = now.max(line.arrives);
        let cost = if line.is_known { cost } else { self.costs.memory };
        line.stays.retain(|stay| stay.until > now && stay.core != core);
        for stay in line.stays.iter_mut().filter(|stay| stay.until > start) {
            stay.may_write = false;
        }
        let there = start + cost;
        line.is_known = true;
        line.stays.push(Stay { core, from: there, until: Time::MAX, may_write: false });
        *self.counts.transfers.entry(number).or_default() += 1;
        there
    }

    /// Sees to it that a core may write a line. Returns when it is there.
    fn owned(&mut self, core: usize, number: usize) -> Time {
        let now = self.cores[core].now;
        let line = line(&mut self.lines, &mut self.places, number);
        let has_it = |stay: &&Stay| stay.core == core && stay.may_write && stay.until > now.max(stay.from);
        if let Some(stay) = line.stays.iter().find(has_it) {
            return stay.from.max(now);
        }
        let slot = self.cores[core].fetches.iter_mut().min().expect("at least one line can be on its way");
        let start = now.max(line.free).max(*slot);
        line.stays.retain(|stay| stay.until > now);
        let had_it = line.stays.iter().any(|stay| stay.core == core && stay.until > start);
        let others = || line.stays.iter().filter(|stay| stay.core != core && stay.until > start);
        let cost = match others().count() {
            0 if had_it => 0,
            0 if !line.is_known => self.costs.memory,
            0 | 1 if others().all(|stay| stay.may_write) => self.costs.way,
            count => self.costs.recall + self.costs.recall_more * Time::from(count.ilog2()),
        };
        let there = start + self.random.u64(cost * 9 / 10..=cost * 11 / 10);
        *slot = there;
        for stay in &mut line.stays {
            stay.until = stay.until.min(start);
        }
        line.stays.retain(|stay| stay.core != core);
        line.stays.push(Stay { core, from: there, until: Time::MAX, may_write: true });
        line.is_known = true;
        line.arrives = there;
        line.free = there + self.costs.hold;
        if cost > 0 {
            *self.counts.transfers.entry(number).or_default() += 1;
        }
        there
    }
}

fn line<'l>(lines: &'l mut Vec<Line>, places: &mut HashMap<usize, usize>, number: usize) -> &'l mut Line {
    let place = *places.entry(number).or_insert(lines.len());
    if place == lines.len() {
        lines.push(Line::default());
    }
    &mut lines[place]
}
