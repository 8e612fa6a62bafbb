//! How a worker that finds nothing searches, falls asleep, gets up, and ends.
#![forbid(unsafe_code)]

use super::{Mode, Rest, Worker};
use crate::host::{Host, Tick};
use crate::pool::Duty;
use crate::slots::Slots;
use crate::state::{ALIVE, Phase, Role, SEARCHING, State};
use crate::storage::Storage;
use crate::sync::Ordering;

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

    /// Looked everywhere and found nothing.
    pub(super) fn find_nothing(&mut self) -> Option<Rest> {
        let round = self.round;
        self.round = round.saturating_add(1);
        if self.mode == Mode::Working {
            // Jobs shorter than a change of the shared word: first look again quietly.
            let looks_again = || self.pool.phase() == Phase::Running && self.pool.host.relax(round);
            if self.is_short() && round < 2 && looks_again() {
                return None;
            }
            self.mode = Mode::Searching;
            self.pool.word.fetch_add(SEARCHING, Ordering::SeqCst);
            return None;
        }
        if self.may_exit() {
            return Some(self.leave_pool());
        }
        if self.pool.host.relax(round) {
            return None;
        }
        self.fall_asleep()
    }

    fn fall_asleep(&mut self) -> Option<Rest> {
        let pool = self.pool;
        if pool.state().is_short() {
            self.notice_long_jobs();
        }
        let state = pool.state();
        let has_holes = self.has_holes();
        let unstarted = has_holes || pool.has_unstarted(self.seat);
        let others_work = state.alive() > state.sleeping() + state.blocked() + state.searching();
        let napping = unstarted || (self.naps < NAPS && state.is_short() && others_work && !state.is_napping());
        // `Tick::MAX`: never.
        let due = pool.next_due_or_never();
        let nap = if napping { self.nap() } else { Tick::MAX };
        let (deadline, role) = match due.min(nap) {
            Tick::MAX => (Tick::MAX, Role::Plain),
            deadline if due < nap => (deadline, Role::Sentinel),
            deadline => (deadline, Role::Napper),
        };
        let role = {
            let mut sleepers = pool.sleepers.lock();
            let role = sleepers.list(pool.storage.seats(), self.seat, deadline, role);
            pool.change(|state| state.fall_asleep(role));
            role
        };
        self.mode = Mode::Asleep;
        // From here on a submit sees a sleeper. What was submitted before is seen here.
        if pool.visible_work() > 0
            || pool.next_due_or_never() < deadline
            || (!unstarted && pool.has_unstarted(self.seat))
            || self.may_exit()
        {
            self.get_up_inside();
            return None;
        }
        pool.leave();
        let state = pool.state();
        if S::Slots::TRIMS && state.sleeping() == state.alive() {
            // Once in each pause of the whole pool, so that what is needed from burst to burst is kept.
            pool.trim();
        }
        let personal = role != Role::Plain || has_holes;
        Some(Rest::Park(Some(deadline).filter(|deadline| personal && *deadline < Tick::MAX)))
    }

    /// The park is over, whoever ended it.
    pub(super) fn get_up(&mut self) {
        self.pool.enter();
        self.get_up_inside();
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
        let closed = state.phase() != Phase::Running
            && self.pool.timers.load(Ordering::SeqCst) == 0
            && self.pool.visible_work() == 0;
        (closed || state.is_crowded(self.pool.size())) && !self.has_holes() && !self.pool.has_unstarted(self.seat)
    }

    fn leave_pool(&mut self) -> Rest {
        let pool = self.pool;
        self.mode = Mode::Gone;
        // Before it is off the count: whoever asks for a worker from then on finds a seat.
        self.free_seat();
        let before = State(pool.word.fetch_sub(ALIVE + SEARCHING, Ordering::SeqCst));
        // Others may have counted on this search.
        let mut duty = if pool.wants_somebody() { pool.call(true) } else { Duty::Nothing };
        if duty == Duty::Nothing && before.phase() != Phase::Running {
            // Nobody else tells the sleepers that there is nothing more to wait for.
            duty = pool.next_sleeper().map_or(Duty::Nothing, Duty::Wake);
        }
        Rest::Exit { duty, last: before.alive() == 1 && duty == Duty::Nothing }
    }
}
