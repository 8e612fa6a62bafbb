//! A work, who does it, and what is measured.

use crate::peer::Peer;

/// One figure of a work: a row of the table.
#[derive(Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub unit: &'static str,
}

/// How much is done: all of it, or what fits into a minute.
#[derive(Clone, Copy)]
pub struct Effort {
    pub quick: bool,
    /// Workers where the work does not say.
    pub workers: usize,
}

impl Effort {
    pub fn either<T>(self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

/// Does the work once; one value for each metric.
pub type Round = Box<dyn FnMut() -> Vec<f64>>;

pub struct Contender {
    pub peer: Peer,
    /// Makes what the rounds share: threads that are there before the first and last until the work is over.
    pub start: Box<dyn FnOnce() -> Round>,
}

pub struct Work {
    /// The plot in which it stands.
    pub chart: &'static str,
    pub name: String,
    pub metrics: Vec<Metric>,
    /// What the ratios in its rows are to.
    pub base: Peer,
    /// No more rounds than these, and whether the first is thrown away.
    pub rounds: usize,
    pub warm_up: bool,
    pub contenders: Vec<Contender>,
}

impl Work {
    /// With metrics as pairs of name and unit.
    pub fn new(chart: &'static str, name: impl Into<String>, metrics: &[(&'static str, &'static str)]) -> Self {
        Self {
            chart,
            name: name.into(),
            metrics: metrics.iter().map(|&(name, unit)| Metric { name, unit }).collect(),
            base: Peer::Ours,
            rounds: usize::MAX,
            warm_up: true,
            contenders: Vec::new(),
        }
    }

    /// Ratios to the floor, where that is what one would do without any pool.
    pub fn against_floor(mut self) -> Self {
        self.base = Peer::Floor;
        self
    }

    /// For works that take long.
    pub fn at_most(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// For works in which the first round is like all others.
    pub fn without_warm_up(mut self) -> Self {
        self.warm_up = false;
        self
    }

    /// Adds a contender; `start` is called when the work begins, what it returns in each round.
    pub fn enter<R>(&mut self, peer: Peer, start: impl FnOnce() -> R + 'static)
    where
        R: FnMut() -> Vec<f64> + 'static,
    {
        self.contenders.push(Contender { peer, start: Box::new(move || Box::new(start())) });
    }
}
