//! What the shipped core is given to do on simulated cores.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::rc::Rc;

use fastthreadpool_core::{After, Duty, Growing, Phase, Pool, Rest, Runner, Running, Tick};

use crate::host::{SimulatedHost, Spin};
use crate::joins::{self, Tree};
use crate::machine::{self, Costs, Counts, Time};
use crate::turns;
use crate::world::{self, Body};

/// As large as the payload of a pool on std.
#[derive(Clone, Copy, Debug)]
pub struct Job([usize; 7]);

pub type Core = Pool<Job, SimulatedHost, Growing<Job, Spin>>;

type Worker<'p> = fastthreadpool_core::Worker<'p, Job, SimulatedHost, Growing<Job, Spin>>;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// So many producers, who submit jobs that take so many nanoseconds, so many at once.
    Submit { producers: usize, nanoseconds: u64, batch: usize, to: To },
    /// One job submits two, and so on down.
    Jobs,
    /// One job joins two halves, and so on down.
    Join(Tree),
    /// Threads that take turns by a semaphore of one permit, strictly in order or not.
    Turns { are_fair: bool },
}

/// To which lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Main,
    /// Each producer to another, in turn: those of the workers, and the main one.
    All,
}

/// A work, by whom, and of how many jobs.
pub struct Row {
    pub name: &'static str,
    pub work: Work,
    pub workers: usize,
    pub jobs: usize,
}

impl Work {
    fn producers(self) -> usize {
        match self {
            Self::Submit { producers, .. } => producers,
            Self::Jobs | Self::Join(_) => 1,
            Self::Turns { .. } => 0,
        }
    }

    fn is_tree(self) -> bool {
        matches!(self, Self::Jobs | Self::Join(_))
    }
}

impl Row {
    /// Cores in all. Whoever plants a tree has none of its own.
    pub fn cores(&self) -> usize {
        self.workers + if self.work.is_tree() { 0 } else { self.work.producers() }
    }

    /// What its figures are divided by: jobs, turns, or joins.
    pub fn count(&self) -> usize {
        if let Work::Join(tree) = self.work { (1 << tree.layers) - 1 } else { self.shares().1 }
    }

    /// Levels of the tree below its root.
    fn depth(&self) -> usize {
        self.jobs.ilog2() as usize - 1
    }

    /// How many of them each producer submits, and how many there are.
    fn shares(&self) -> (usize, usize) {
        match self.work {
            Work::Submit { producers, batch, .. } => {
                let share = self.jobs / producers / batch * batch;
                (share, share * producers)
            }
            Work::Jobs => (1, (2 << self.depth()) - 1),
            Work::Join(_) => (1, 1),
            Work::Turns { .. } => (self.jobs / self.workers, self.jobs / self.workers * self.workers),
        }
    }
}

/// One job at a time.
fn submit(producers: usize, nanoseconds: u64, to: To) -> Work {
    Work::Submit { producers, nanoseconds, batch: 1, to }
}

/// What producers submit to so many workers.
pub fn submits(workers: &[u64], jobs: usize) -> Vec<Row> {
    let all = [
        ("1 producer", submit(1, 0, To::Main)),
        ("8 producers", submit(8, 0, To::Main)),
        ("8, own lanes", submit(8, 0, To::All)),
        ("200 ns", submit(1, 200, To::Main)),
    ];
    let row = |(name, work)| workers.iter().map(move |workers| Row { name, work, workers: *workers as usize, jobs });
    all.into_iter().flat_map(row).collect()
}

/// All works, each on so many cores.
pub fn rows(cores: &[u64], jobs: usize) -> Vec<Row> {
    let all = [
        ("1 producer", &(|_| submit(1, 0, To::Main)) as &dyn Fn(usize) -> Work),
        ("cores/2 producers", &|cores| submit(cores / 2, 0, To::Main)),
        ("the same, by 32", &|cores| Work::Submit { producers: cores / 2, nanoseconds: 0, batch: 32, to: To::Main }),
        ("the same, own lanes", &|cores| submit(cores / 2, 0, To::All)),
        ("200 ns", &|_| submit(1, 200, To::Main)),
        ("1 us", &|_| submit(1, 1000, To::Main)),
        ("tree", &|_| Work::Jobs),
        ("join, 5 ns", &|_| Work::Join(Tree::SHORT)),
        ("join, 16 x 1 ms", &|_| Work::Join(Tree::LONG)),
        ("turns", &|_| Work::Turns { are_fair: false }),
        ("turns, in order", &|_| Work::Turns { are_fair: true }),
    ];
    let mut rows = Vec::new();
    for (name, work) in all {
        for cores in cores.iter().map(|cores| *cores as usize) {
            let work = work(cores);
            let workers = if work.is_tree() { cores.min(63) } else { cores - work.producers() };
            rows.push(Row { name, work, workers, jobs });
        }
    }
    rows
}

/// What it cost.
pub struct Measured {
    /// Virtual nanoseconds a job.
    pub time: f64,
    /// Transfers a job.
    pub transfers: f64,
    /// Locked operations a job.
    pub locked: f64,
    /// Lines asked for ahead, a job.
    pub asked: f64,
    /// Workers awake, on the mean.
    pub awake: f64,
    /// Those that were waited for longest first.
    pub lines: Vec<Line>,
}

/// Lines of one name.
pub struct Line {
    pub name: String,
    /// A job.
    pub transfers: f64,
    /// Nanoseconds that all cores together have waited for it, a job.
    pub wait: f64,
}

/// What all contexts share, beside the pool.
pub struct Stage {
    pub pool: Core,
    /// Workers, and those who stand in for them: so many contexts, after which there come the producers.
    seats: usize,
    producers: usize,
    /// Of the workers by their seats.
    contexts: RefCell<Vec<usize>>,
    /// Of those who could stand in, and do not.
    spares: RefCell<Vec<usize>>,
    /// How many of them are asked for.
    starts: Cell<usize>,
    is_over: Cell<bool>,
    /// Of the present round.
    left: Cell<usize>,
    rounds: Cell<usize>,
    began: Cell<Time>,
    took: Cell<Time>,
    counts: Cell<Counts>,
    slept: Cell<Time>,
}

struct Env {
    stage: Rc<Stage>,
    work: Work,
    seat: usize,
}

impl Runner<Job> for Env {
    fn perform(&mut self, duty: Duty) {
        self.stage.perform(duty);
    }

    fn run(&mut self, job: &mut Job, _: Running) -> After {
        match self.work {
            Work::Submit { nanoseconds, .. } => world::pass(nanoseconds.max(2) * 1000),
            Work::Turns { .. } => unreachable!("no pool takes part"),
            Work::Join(tree) => joins::run(&self.stage, self.seat, tree, self.stage.took.get()),
            Work::Jobs => {
                world::pass(2_000);
                let depth = job.0[0];
                for _ in 0..if depth > 0 { 2 } else { 0 } {
                    let (_, duty) = self.stage.pool.submit_from(self.seat, Job([depth - 1; 7])).expect("it takes all");
                    self.stage.perform(duty);
                }
            }
        }
        let left = self.stage.left.get() - 1;
        self.stage.left.set(left);
        if left == 0 {
            self.stage.end_round();
        }
        After::Done
    }
}

impl Stage {
    fn wake(&self, seat: usize) {
        // Others go on meanwhile.
        let context = self.contexts.borrow()[seat];
        world::unpark(context);
    }

    pub fn perform(&self, duty: Duty) {
        match duty {
            Duty::Nothing => {}
            Duty::Wake(seat) => self.wake(seat),
            Duty::Start => {
                self.starts.set(self.starts.get() + 1);
                // Without one, who is about to be free sees it. Others go on while one is woken.
                let spare = self.spares.borrow_mut().pop();
                spare.into_iter().for_each(world::unpark);
            }
        }
    }

    fn end_round(&self) {
        self.took.set(world::now() - self.began.get());
        if self.rounds.get() == 0 {
            let (counts, slept) = world::take_counts(self.seats);
            self.counts.set(counts);
            self.slept.set(slept);
        }
        (self.seats..self.seats + self.producers).for_each(world::unpark);
    }

    /// The first producer to come here begins the round.
    fn begin_round(&self, round: usize, jobs: usize) {
        if self.rounds.get() == round {
            return;
        }
        self.rounds.set(round);
        self.left.set(jobs);
        self.began.set(world::now());
        let _ = world::take_counts(self.seats);
    }
}

/// Runs a work: once to warm up, and once more.
pub fn run(costs: Costs, seed: u64, row: &Row) -> Measured {
    let (work, workers, producers) = (row.work, row.workers, row.work.producers());
    let (depth, (share, all)) = (row.depth(), row.shares());
    if let Work::Turns { are_fair } = work {
        return turns::run(costs, seed, workers, share, are_fair);
    }
    let (batch, to) = if let Work::Submit { batch, to, .. } = work { (batch, to) } else { (1, To::Main) };
    // Chance also says where in its page the pool lies, for lines that follow each other there come together.
    let _before = black_box(vec![0_u8; seed as usize * 1280]);
    // Elsewhere nobody waits.
    let spares = if let Work::Join(_) = work { workers } else { 0 };
    let seats = workers + spares;
    let stage = Rc::new(Stage {
        pool: Core::growing(SimulatedHost, workers, spares),
        seats,
        producers,
        contexts: RefCell::new(vec![0; seats]),
        spares: RefCell::default(),
        starts: Cell::default(),
        is_over: Cell::default(),
        left: Cell::new(0),
        rounds: Cell::new(usize::MAX),
        began: Cell::default(),
        took: Cell::default(),
        counts: Cell::default(),
        slept: Cell::default(),
    });
    let serve = move |stage: &Rc<Stage>, mut worker: Worker<'_>| {
        stage.contexts.borrow_mut()[worker.seat()] = world::current();
        let mut env = Env { stage: Rc::clone(stage), work, seat: worker.seat() };
        loop {
            match worker.work(&mut env) {
                Rest::Park(deadline) => world::park(deadline.map(|Tick(at)| at * 1000)),
                Rest::Exit { duty, .. } => break duty,
            }
        }
    };
    // Who stands in, and a worker that has made way for one.
    let stand_by = |is_worker: bool| -> Body {
        let stage = Rc::clone(&stage);
        Box::new(move || {
            if is_worker {
                let duty = serve(&stage, stage.pool.enlist().expect("there is a seat for each"));
                stage.perform(duty);
            }
            loop {
                while stage.starts.get() == 0 {
                    if stage.is_over.get() {
                        return;
                    }
                    let here = world::current();
                    let mut spares = stage.spares.borrow_mut();
                    if !spares.contains(&here) {
                        spares.push(here);
                    }
                    drop(spares);
                    world::park(None);
                }
                stage.starts.set(stage.starts.get() - 1);
                let duty = serve(&stage, stage.pool.attach().expect("somebody has asked for it"));
                stage.perform(duty);
            }
        })
    };
    let producer = |number| -> Body {
        let stage = Rc::clone(&stage);
        Box::new(move || {
            // All workers are seated, and asleep.
            world::park(Some(world::now() + 1_000_000_000));
            if to == To::All {
                stage.pool.open_lanes();
            }
            for round in [1, 0] {
                stage.begin_round(round, all);
                for _ in 0..share / batch {
                    if to == To::All {
                        let job = Job([depth; 7]);
                        let (_, duty) = stage.pool.submit_packed_to(number % (workers + 1), job).expect("it takes all");
                        stage.perform(duty);
                    } else if batch == 1 {
                        let (_, duty) = stage.pool.submit(Job([depth; 7])).expect("it takes all");
                        stage.perform(duty);
                    } else {
                        let mut jobs = vec![Some(Job([depth; 7])); batch];
                        let (ids, duty) = stage.pool.submit_all(&mut jobs);
                        assert_eq!(ids.len(), batch, "it takes all");
                        stage.perform(duty);
                    }
                }
                world::park(None);
            }
            if number == 0 {
                stage.pool.set_phase(Phase::Draining);
                while let Some(seat) = stage.pool.next_sleeper() {
                    stage.wake(seat);
                }
                stage.is_over.set(true);
                let spares = stage.spares.borrow().clone();
                spares.into_iter().for_each(world::unpark);
            }
        })
    };
    let mut bodies: Vec<Body> = (0..seats).map(|number| stand_by(number < workers)).collect();
    bodies.extend((0..producers).map(producer));
    world::run_on(costs, seed, row.cores(), bodies);
    measured(&stage, row.count())
}

/// The names of lines, by their numbers.
fn names(pool: &Core) -> BTreeMap<usize, String> {
    let mut names: BTreeMap<usize, String> = BTreeMap::new();
    pool.name_parts(&mut |name, address, bytes| {
        for line in address / machine::LINE..=(address + bytes - 1) / machine::LINE {
            let here = names.entry(line).or_default();
            if !here.split('+').any(|other| other == name) {
                *here += if here.is_empty() { "" } else { "+" };
                *here += name;
            }
        }
    });
    names
}

fn measured(stage: &Stage, jobs: usize) -> Measured {
    let awake = stage.seats as f64 - stage.slept.get() as f64 / stage.took.get() as f64;
    Measured::new(&stage.counts.take(), &names(&stage.pool), jobs, stage.took.get(), awake)
}

impl Measured {
    /// Lines without a name are those of slots, and of stacks: of forks, and of who waits for a semaphore.
    pub fn new(counts: &Counts, names: &BTreeMap<usize, String>, jobs: usize, took: Time, awake: f64) -> Self {
        let each = |count: u64| count as f64 / jobs as f64;
        let mut lines: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        let name = |line| names.get(line).map_or("slots", String::as_str);
        for (line, count) in &counts.transfers {
            lines.entry(name(line)).or_default().0 += count;
        }
        for (line, wait) in &counts.waits {
            lines.entry(name(line)).or_default().1 += wait;
        }
        let line = |(name, (count, wait)): (&str, (u64, u64))| Line {
            name: name.to_owned(),
            transfers: each(count),
            wait: each(wait) / 1000.0,
        };
        let mut lines: Vec<Line> = lines.into_iter().map(line).collect();
        lines.sort_by(|a, b| b.wait.total_cmp(&a.wait));
        Self {
            time: each(took) / 1000.0,
            transfers: each(counts.transfers.values().sum()),
            locked: each(counts.locked),
            asked: each(counts.asked),
            awake,
            lines,
        }
    }
}
