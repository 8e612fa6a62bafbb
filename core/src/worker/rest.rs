//! How a worker that finds nothing searches, falls asleep, gets up, and ends.
#![forbid(unsafe_code)]

use super::aside::SLACK;
use super::errands::Visits;
use super::{Find, Mode, Rest, Worker};
use crate::host::{Host, Tick};
use crate::part::Part;
use crate::pool::Duty;
use crate::slots::Slots;
use crate::staff::Staff;
use crate::state::{Call, Edge, Phase, Role, State};
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
        let mut nap = 1;
        if self.counts_naps() {
            nap = self.pool.host.wake_cost().saturating_mul(4).max(1).saturating_mul(1 << self.naps.min(DOUBLED));
            self.naps = (self.naps + 1).min(NAPS);
        }
        self.pool.host.now().saturating_add(nap)
    }

    /// Whether it matters how often it has napped in a row; else it naps only until something is published, or begun by another.
    #[inline(always)]
    pub(super) fn counts_naps(&self) -> bool {
        S::FORKS || self.pool.host.wake_cost() != 0
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
        if let Some(rest) = self.leave_surplus() {
            return Some(Find::Rest(rest));
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

    /// A stand-in ends as soon as the one that it stood in for works again, and whoever comes first when fewer are wanted; not only
    /// when there is nothing to do.
    pub(super) fn make_way(&mut self) -> Option<Rest> {
        let may_stay = |staff: &Staff| self.seat < staff.first_to_go();
        if self.pool.storage.staff().is_none_or(may_stay) || !self.is_crowd() {
            return None;
        }
        self.make_way_now()
    }

    #[cold]
    #[inline(never)]
    fn make_way_now(&mut self) -> Option<Rest> {
        if self.has_hole() {
            // What it has put aside will be there soon. Until then it claims nothing more.
            return Some(Rest::Park(Some(self.nap())));
        }
        self.begin_search();
        self.leave_surplus()
    }

    /// `aside`: work that it sees need not keep it awake, if nobody would be called for it.
    fn fall_asleep(&mut self, aside: bool) -> Option<Rest> {
        let pool = self.pool;
        if pool.is_short() {
            self.notice_long_jobs();
        }
        let has_hole = self.has_hole();
        let unstarted = has_hole || pool.has_unstarted(self.pinned(), self.seat);
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
            || self.has_to_leave()
        {
            self.mode = Mode::Asleep;
            self.get_up_inside();
            return None;
        }
        // Nothing is left of it, and what it has found there is not good any more when it comes back.
        self.claim.leave();
        self.mode = Mode::Asleep;
        pool.leave();
        if role == Role::Plain && !has_hole {
            deadline = Tick::MAX;
        }
        if S::Slots::TRIMS {
            deadline = deadline.min(self.trim());
        }
        if role == Role::Plain {
            deadline = deadline.min(self.end_of_idleness());
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
        let has_lingered = self.idle.there().has_lingered;
        let lingers = self.pool.trim(has_lingered) && !has_lingered;
        self.idle.there().has_lingered = lingers;
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
        if S::OWN_LANES {
            let idle = self.idle.there();
            idle.is_long = idle.until > Tick::ZERO && idle.until <= self.pool.host.time();
        }
        // After a nap one look is enough.
        self.round = if self.counts_naps() && self.naps > 0 { u32::MAX } else { 0 };
    }

    fn get_up_inside(&mut self) {
        let mut sleepers = self.pool.sleepers.lock();
        if let Some(woken) = sleepers.unlist(self.pool.storage.seats(), self.seat) {
            self.pool.wake_up(woken);
        }
        // Else whoever took this worker off the list has counted it as searching.
        self.mode = Mode::Searching;
    }

    /// Until when it sleeps if nobody wakes it, as one of those that end when they have nothing to do for long.
    fn end_of_idleness(&mut self) -> Tick {
        let Some(staff) = self.pool.storage.staff() else { return Tick::MAX };
        let Some(keeps) = staff.keeps() else { return Tick::MAX };
        if self.is_visitor() || self.pool.state().alive() <= staff.least() {
            return Tick::MAX;
        }
        let now = self.pool.host.time();
        let idle = self.idle.there();
        // If that was over before, and it was needed all the same, it is asked again after as long a time.
        if idle.until == Tick::ZERO || idle.is_long {
            (idle.until, idle.is_long) = (now.saturating_add(keeps), false);
        }
        idle.until
    }

    /// Whether it may end because the pool is closed.
    fn may_exit(&self) -> bool {
        let is_closed = self.pool.phase() != Phase::Running;
        is_closed
            && self.pool.timers() == 0
            && self.pool.visible_work() == 0
            && !self.has_hole()
            && !self.pool.has_unstarted(self.pinned(), self.seat)
            && !self.stays()
    }

    fn stays(&self) -> bool {
        self.turns.get().is_some_and(|turns| turns.visits == Visits::Stays) && self.pool.pending() > 0
    }

    /// Asked before it parks: whether it is not to.
    fn has_to_leave(&self) -> bool {
        self.may_exit() || (S::OWN_LANES && self.is_crowd() && !self.has_hole())
    }

    fn is_visitor(&self) -> bool {
        self.turns.get().is_some_and(|turns| turns.visits != Visits::Not)
    }

    /// Whether there are more than wanted, and it may be this one who ends.
    fn is_crowd(&self) -> bool {
        self.pool.state().is_crowded(self.pool.size()) && !self.is_visitor()
    }

    /// Whether it is one of more workers than wanted, or of more than the least and has had nothing to do for long.
    fn is_surplus(&self, staff: &Staff) -> bool {
        let is_long = self.idle.get().is_some_and(|idle| idle.is_long);
        self.is_crowd() || (is_long && self.pool.can_spare(self.pool.state(), staff.least()))
    }

    /// One that searches ends if it is surplus. What others have claimed is no reason to stay if there are too many: who leaves looks
    /// for it afterwards, and calls another if there may be one.
    fn leave_surplus(&mut self) -> Option<Rest> {
        let staff = self.pool.storage.staff()?;
        if !self.is_surplus(staff) || self.has_hole() {
            return None;
        }
        let is_crowded = self.pool.state().is_crowded(self.pool.size());
        if !is_crowded && self.pool.has_unstarted(self.pinned(), self.seat) {
            return None;
        }
        if !is_crowded {
            self.trim_for_good();
        }
        let pool = self.pool;
        let before = {
            // One after the other: of two that see one too many, only one is.
            let _sleepers = pool.sleepers.lock();
            if !self.is_surplus(staff) {
                return None;
            }
            self.step_out()
        };
        Some(self.look_back(before))
    }

    /// Gives memory back if the rest of the pool sleeps: nobody may be left soon who could.
    fn trim_for_good(&mut self) {
        let state = self.pool.state();
        if S::Slots::TRIMS && state.sleeping() + 1 == state.alive() {
            self.claim.leave();
            self.pool.leave();
            self.pool.trim(true);
            self.pool.enter();
        }
    }

    fn leave_pool(&mut self) -> Rest {
        let before = self.step_out();
        self.look_back(before)
    }

    /// Off the count. Returns what the word was before.
    fn step_out(&mut self) -> State {
        self.mode = Mode::Gone;
        if S::OWN_LANES {
            // What it has tried to claim last may be what another is about to begin: nobody is called for that.
            self.this.offer(0, 0, 0);
        }
        // Before it is off the count: whoever asks for a worker from then on finds a seat.
        self.free_seat();
        self.take_out(Edge::LEAVE)
    }

    /// Takes an edge by which it is off the count. Returns what the word was before.
    pub(super) fn take_out(&self, edge: Edge) -> State {
        let pool = self.pool;
        match pool.storage.staff() {
            Some(staff) if self.is_visitor() => {
                let _sleepers = pool.sleepers.lock();
                // The number first: what is seen in between is one too many, and who would end for that looks again under the lock.
                staff.visitor_goes();
                edge.take(&pool.word)
            }
            _ => edge.take(&pool.word),
        }
    }

    /// Ends it between two jobs, if it was not told to end. What it has claimed it leaves to the others, and to the next on its
    /// seat. To be done then, as after [`Rest::Exit`]: others may have counted on its search.
    pub fn leave(mut self) -> Duty {
        if self.mode == Mode::Gone {
            return Duty::Nothing;
        }
        let before = self.give_up();
        self.mode = Mode::Gone;
        match self.look_back(before) {
            Rest::Exit { duty, .. } => duty,
            Rest::Park(_) => Duty::Nothing,
        }
    }

    /// What is to be done by one that is gone. `before`: what the word was.
    fn look_back(&self, before: State) -> Rest {
        let pool = self.pool;
        // Others may have counted on this search.
        let mut duty = if pool.wants_somebody(self.pinned()) { pool.call_again(self.pinned()) } else { Duty::Nothing };
        if duty == Duty::Nothing && before.phase() != Phase::Running {
            // Nobody else tells the sleepers that there is nothing more to wait for.
            duty = pool.next_sleeper().map_or(Duty::Nothing, Duty::Wake);
        }
        Rest::Exit { duty, last: before.alive() == 1 && duty == Duty::Nothing }
    }
}
