//! How a worker that finds nothing searches, falls asleep, gets up, and ends.
#![forbid(unsafe_code)]

use super::aside::SLACK;
use super::{Find, Mode, Rest, Worker};
use crate::claim::Claimed;
use crate::host::{Host, Tick};
use crate::pool::Duty;
use crate::slots::Slots;
use crate::state::{Call, Edge, Phase, Role};
use crate::storage::Storage;

/// Naps in a row before a worker sleeps without a deadline while others work: short jobs keep coming, and one worker is
/// enough for them.
const NAPS: u32 = 8;

/// Each nap is twice as long as the one before, up to this many times. Short jobs behind one that turns out long wait for
/// the end of a nap, so the longest is a compromise between that wait and the work of getting up for nothing.
const DOUBLED: u32 = 3;

impl<P, H: Host, S: Storage<P>> Worker<'_, P, H, S> {
    #[cold]
    #[inline(never)]
    pub(super) fn nap(&mut self) -> Tick {
        let shortest = self.pool.host.wake_cost().saturating_mul(4).max(1);
        let nap = shortest.saturating_mul(1 << self.naps.min(DOUBLED));
        self.naps = (self.naps + 1).min(NAPS);
        self.pool.host.now().saturating_add(nap)
    }

    /// After a nap in which no job has ended, those that run are not short, whatever was measured before.
    fn notice_long_jobs(&mut self) {
        let ended = self.pool.ended();
        if self.naps > 0 && ended == self.ended_before_nap {
            self.pool.change(|state| state.with_short(false));
        }
        self.ended_before_nap = ended;
    }

    /// Looked everywhere and found nothing; or steps `aside`.
    pub(super) fn find_nothing(&mut self, aside: bool) -> Option<Find<P>> {
        let round = self.round;
        self.round = round.saturating_add(1);
        if self.mode == Mode::Working {
            // Jobs shorter than a change of the shared word: first look again quietly.
            let looks_again = || self.pool.phase() == Phase::Running && self.pool.host.relax(round);
            if !aside && self.is_short() && round < 2 && looks_again() {
                return None;
            }
            self.begin_search();
            if aside {
                self.slack = SLACK;
            }
            return Some(Find::Search);
        }
        if self.may_exit() {
            return Some(Find::Rest(self.leave_pool()));
        }
        if !aside && self.pool.host.relax(round) {
            return None;
        }
        self.fall_asleep(aside).map(Find::Rest)
    }

    fn begin_search(&mut self) {
        if self.mode == Mode::Working {
            self.mode = Mode::Searching;
            if self.pool.host.wake_cost() != 0 {
                (self.slack, self.watch.has_helped) = (0, false);
            }
            Edge::SEARCH.take(&self.pool.word);
        }
    }

    /// A stand-in ends as soon as the one that it stood in for works again, and not only when there is nothing to do.
    pub(super) fn make_way(&mut self) -> Option<Rest> {
        if !S::OWN_LANES || self.seat < self.pool.storage.workers() || !self.pool.state().is_crowded(self.pool.size()) {
            return None;
        }
        self.begin_search();
        self.may_exit().then(|| self.leave_pool())
    }

    /// `aside`: work that it sees need not keep it awake, if nobody would be called for it.
    fn fall_asleep(&mut self, aside: bool) -> Option<Rest> {
        let pool = self.pool;
        if pool.is_short() {
            self.notice_long_jobs();
        }
        let has_holes = self.has_holes();
        let unstarted = has_holes || pool.has_unstarted(self.pinned(), self.seat);
        let others_are_quick = || {
            let state = pool.state();
            state.is_short() && state.others_work() && !state.is_napping()
        };
        // Who is in the middle of a join calls nobody while one naps.
        let joins = || self.sees_joins() && !pool.state().is_napping();
        let napping = unstarted || (self.naps < NAPS && (pool.is_short() && others_are_quick() || joins()));
        if napping && self.pool.host.wake_cost() != 0 {
            // To know at the end of the nap whose claim has not got on in it.
            self.sees_stuck();
        }
        // `Tick::MAX`: never.
        let due = pool.next_due_or_never();
        let nap = if napping { self.nap() } else { Tick::MAX };
        let (mut deadline, role) = match due.min(nap) {
            Tick::MAX => (Tick::MAX, Role::Plain),
            deadline if due < nap => (deadline, Role::Sentinel),
            deadline => (deadline, Role::Napper),
        };
        let (role, state) = {
            let mut sleepers = pool.sleepers.lock();
            let role = sleepers.list(pool.storage.seats(), self.seat, deadline, role);
            let before = pool.change(|state| state.fall_asleep(role));
            (role, before.fall_asleep(role))
        };
        let leaves_work = aside && state.calls_for(pool.size()) == Call::Nobody;
        // From here on a submit sees a sleeper. What was submitted before is seen here; timers first, see `Pool::mirror`.
        if pool.next_due_or_never() < deadline
            || (!leaves_work && pool.visible_work() > 0)
            || (!unstarted && pool.has_unstarted(self.pinned(), self.seat))
            || self.sees_forks()
            || self.sees_errand()
            || self.may_exit()
        {
            self.mode = Mode::Asleep;
            self.get_up_inside();
            return None;
        }
        // Nothing is left of it, and what it has found there is not good any more when it comes back.
        debug_assert!(self.claim.is_empty());
        self.claim = Claimed::none();
        self.mode = Mode::Asleep;
        pool.leave();
        if role == Role::Plain && !has_holes {
            deadline = Tick::MAX;
        }
        if S::Slots::TRIMS {
            deadline = deadline.min(self.trim());
        }
        Some(Rest::Park(Some(deadline).filter(|deadline| *deadline < Tick::MAX)))
    }

    /// Gives memory back if the whole pool sleeps now. Once in each of its pauses, so that what is needed from burst to burst
    /// is kept; and once more if that pause turns out long. Returns when to get up for that; [`Tick::MAX`] for never.
    fn trim(&mut self) -> Tick {
        let state = self.pool.state();
        if state.sleeping() != state.alive() {
            return Tick::MAX;
        }
        let lingers = !self.has_lingered && self.pool.trim(false);
        if self.has_lingered {
            self.pool.trim(true);
        }
        self.has_lingered = lingers;
        match self.pool.host.trim_after() {
            Some(ticks) if lingers => self.pool.host.now().saturating_add(ticks),
            _ => Tick::MAX,
        }
    }

    /// The park is over, whoever ended it.
    pub(super) fn get_up(&mut self) {
        self.pool.enter();
        self.get_up_inside();
        if self.is_dispensable() {
            self.slack = SLACK;
        }
        // After a nap one look is enough.
        self.round = if self.naps > 0 { u32::MAX } else { 0 };
    }

    fn get_up_inside(&mut self) {
        let mut sleepers = self.pool.sleepers.lock();
        if let Some(woken) = sleepers.unlist(self.pool.storage.seats(), self.seat) {
            self.pool.wake_up(woken);
        }
        // Else whoever took this worker off the list has counted it as searching.
        self.mode = Mode::Searching;
    }

    fn may_exit(&self) -> bool {
        let state = self.pool.state();
        let closed = state.phase() != Phase::Running && self.pool.timers() == 0 && self.pool.visible_work() == 0;
        (closed || state.is_crowded(self.pool.size()))
            && !self.has_holes()
            && !self.pool.has_unstarted(self.pinned(), self.seat)
    }

    fn leave_pool(&mut self) -> Rest {
        let pool = self.pool;
        self.mode = Mode::Gone;
        if S::OWN_LANES {
            // What it has tried to claim last may be what another is about to begin: nobody is called for that.
            self.this.offer(0, 0, 0);
        }
        // Before it is off the count: whoever asks for a worker from then on finds a seat.
        self.free_seat();
        let before = Edge::LEAVE.take(&pool.word);
        // Others may have counted on this search.
        let mut duty = if pool.wants_somebody(self.pinned()) { pool.call_again(self.pinned()) } else { Duty::Nothing };
        if duty == Duty::Nothing && before.phase() != Phase::Running {
            // Nobody else tells the sleepers that there is nothing more to wait for.
            duty = pool.next_sleeper().map_or(Duty::Nothing, Duty::Wake);
        }
        Rest::Exit { duty, last: before.alive() == 1 && duty == Duty::Nothing }
    }
}
