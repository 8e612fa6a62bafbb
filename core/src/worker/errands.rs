//! What a worker knows of errands, and of turns out of which it looks: see `pool::errands`, `priority`.
#![forbid(unsafe_code)]

use core::mem;

use super::{Runner, Worker};
use crate::host::Host;
use crate::part::{Blank, Part};
use crate::pool::{Duty, Line};
use crate::priority::SHARE;
use crate::storage::Storage;
use crate::sync::{Ordering, const_blank};

/// What a worker knows of whose turn it is, where there is more than the urgent stack and the lanes.
#[derive(Debug)]
pub(super) struct Turns {
    /// How often there had been an errand when it last heard of one.
    errands: usize,
    /// It is to do one now.
    pub(super) errand: bool,
    /// Starts from other lanes than the main one, whose head does not move by them, while somebody waits in the lines, since it last told
    /// these.
    pub(super) beside: usize,
    /// How often in a row it was the turn of the lines.
    pub(super) lined: u8,
    /// So many jobs it has begun because their time had come, but for whole shares: after one less others have their turn.
    pub(super) timed: u8,
    /// It is their turn: the claim goes on by one, whatever is urgent.
    goes_on: bool,
    /// How many claims it has tried, but for whole rounds: from which lane first.
    pub(super) claims: u8,
    /// The lane from which it has claimed last because each has its turn.
    pub(super) around: usize,
    /// The last job has gone back to its gate, and may be let through again already: others have their turn before it.
    pub(super) yields: bool,
    pub(super) visits: Visits,
}

/// Whether a worker is a visitor: one more than wanted, which makes way for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visits {
    Not,
    /// It is, and leaves a pool that is closed as others do.
    #[cfg_attr(not(feature = "alloc"), expect(dead_code, reason = "only pools that grow have visitors"))]
    AsOthers,
    /// It is, and does not leave such a pool as long as something is pending.
    Stays,
}

impl Blank for Turns {
    const_blank! {
        const BLANK: Self = Self {
            errands: 0,
            errand: false,
            beside: 0,
            lined: 0,
            timed: 0,
            goes_on: false,
            claims: 0,
            around: 0,
            yields: false,
            visits: Visits::Not,
        };
    }
}

impl<P, H: Host, S: Storage<P>> Worker<'_, P, H, S> {
    /// It is a visitor, before which so many have come.
    #[cfg(feature = "alloc")]
    pub(crate) fn begin_visit(&mut self, before: usize) {
        // Many that run one job each are as one that runs many.
        let timed = (before % usize::from(SHARE)) as u8;
        let turns = self.turns.there();
        (turns.visits, turns.timed) = (Visits::AsOthers, timed);
    }

    /// When the pool is closed and nothing is left to begin, it does not end as long as something is pending: what others run may submit
    /// more, and they may leave that to it. Not for one who is inside of a job that ends only when it does. Who ends a job of a closed pool and
    /// does not [leave](Worker::leave) afterwards wakes those who sleep, if it was the last.
    pub fn stay(&mut self) {
        self.turns.there().visits = Visits::Stays;
    }

    /// A job has begun because its time had come.
    pub(super) fn count_timed(&mut self) {
        self.turns.there().timed += 1;
    }

    /// Whether others have their turn before what is urgent: else jobs that are due again whenever they have run would keep all others
    /// from their worker.
    #[cold]
    #[inline(never)]
    pub(super) fn owes_a_turn(&mut self) -> bool {
        let timed = &mut self.turns.there().timed;
        let owes = *timed >= SHARE - 1;
        if owes {
            *timed = 0;
        }
        owes
    }

    /// The claim has the turn that was owed.
    pub(super) fn let_go_on(&mut self) {
        self.turns.there().goes_on = true;
    }

    #[cold]
    #[inline(never)]
    pub(super) fn run_errand(&mut self, runner: &mut impl Runner<P>) {
        // As before a job: who searches finds whatever is there, and now it does not.
        let duty = self.announce();
        if duty != Duty::Nothing {
            runner.perform(duty);
        }
        runner.errand();
    }

    /// Whether the claim goes on though something is urgent: others have errands to do and this worker has not, or it is its turn.
    #[cold]
    #[inline(never)]
    pub(super) fn may_go_on(&mut self, urgent: usize) -> bool {
        mem::take(&mut self.turns.there().goes_on) || S::ERRANDS && urgent == Line::ERRANDS && !self.sees_errand()
    }

    /// Whether there are errands, and there was one since this worker last heard of any.
    pub(super) fn sees_errand(&self) -> bool {
        S::ERRANDS
            && self.helps
            && self.pool.next.urgent.load(Ordering::SeqCst) & Line::ERRANDS != 0
            && self.turns.get().is_some_and(|turns| turns.visits == Visits::Not && turns.errands != self.pool.errands())
    }

    /// Whether it sees one, which it then has heard of. Before that is done: what comes meanwhile is another.
    #[cold]
    #[inline(never)]
    pub(super) fn hears_of_errand(&mut self) -> bool {
        let sees = self.sees_errand();
        if sees {
            let errands = self.pool.errands();
            let turns = self.turns.there();
            (turns.errands, turns.errand) = (errands, true);
        }
        sees
    }
}
