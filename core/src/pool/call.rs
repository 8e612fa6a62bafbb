//! Whom work calls for: a sleeper, a newcomer, or nobody. And who makes it so that somebody or nobody is called: starts
//! that fail, jobs that wait, pauses.
#![forbid(unsafe_code)]

use super::Pool;
use crate::entries::{PATIENT, PAUSED};
use crate::fork::Look;
use crate::host::Host;
use crate::part::Part;
use crate::pinned::Pinned;
use crate::seat::NO_SEAT;
use crate::sleepers::{Sleepers, Woken};
use crate::state::{Call, Edge, Phase, Size, State};
use crate::storage::Storage;
use crate::sync::{Ordering, seed};

/// What the caller of a pool must do next, in its own context, with no lock held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a duty that is not done may leave a job unstarted for ever"]
pub enum Duty {
    /// Nothing.
    Nothing,
    /// Unpark the worker of this seat.
    Wake(usize),
    /// Start a worker (see [`Pool::attach`]), or say that it cannot be started ([`Pool::start_failed`]).
    Start,
}

/// For what somebody is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// A job, at which a napper looks by itself if jobs are short.
    Job,
    /// Something that is worth it even then.
    Anything,
    /// A fork of an eager desk.
    EagerFork,
}

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    #[inline(always)]
    pub(crate) fn size(&self) -> Size {
        let storage = &self.storage;
        Size { target: storage.workers(), limit: storage.limit(), eager: storage.is_eager() }
    }

    /// Changes the word by a pure transition; returns what it was.
    pub(crate) fn change(&self, transition: impl Fn(State) -> State) -> State {
        let mut seen = seed(&self.word);
        loop {
            let next = transition(State(seen)).0;
            match self.word.compare_exchange_weak(seen, next, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return State(seen),
                Err(now) => seen = now,
            }
        }
    }

    /// Counts who has been taken off the sleepers' list as searching, under their lock.
    #[inline(never)]
    pub(crate) fn wake_up(&self, woken: Woken) {
        self.change(|state| state.wake_up(woken.was_sentinel));
    }

    /// Finds somebody for new work; `though_short`: even if a napper would look at short jobs by itself.
    #[inline(always)]
    pub(crate) fn call(&self, though_short: bool) -> Duty {
        self.call_if_left(if though_short { Cause::Anything } else { Cause::Job }, None)
    }

    /// As [`Pool::call`], for work that was seen a while ago. It may be gone by now, and so may be those who have done it, if
    /// the pool is closed: for that nobody is started.
    #[inline(always)]
    pub(crate) fn call_again(&self, pinned: Pinned<'_>) -> Duty {
        // Fixed storage has its workers beforehand as a rule, and would pay for the question in flash.
        self.call_if_left(Cause::Anything, S::OWN_LANES.then_some(pinned))
    }

    /// Finds somebody for a fork of an eager desk, unless a napper will look.
    pub(crate) fn call_eagerly(&self) -> Duty {
        if self.state().is_napping() { Duty::Nothing } else { self.call_if_left(Cause::EagerFork, None) }
    }

    /// `seen`: starts somebody only if there is something to do, asked after it has been seen that there is one less than there
    /// may be.
    #[cold]
    #[inline(never)]
    fn call_if_left(&self, cause: Cause, seen: Option<Pinned<'_>>) -> Duty {
        let view = |state: State| if S::FORKS && cause == Cause::EagerFork { state.seen_eagerly() } else { state };
        loop {
            let state = self.state();
            let short = state.is_short() && cause == Cause::Job;
            match view(state).with_short(short).calls_for(self.size()) {
                Call::Nobody => return Duty::Nothing,
                Call::Sleeper => {
                    let mut sleepers = self.sleepers.lock();
                    // Again under the lock: of two callers one finds that somebody searches already.
                    if view(self.state()).searching() > 0 {
                        return Duty::Nothing;
                    }
                    if let Some(seat) = self.pop_sleeper(&mut sleepers) {
                        return Duty::Wake(seat);
                    }
                }
                Call::Newcomer => {
                    if seen.is_some_and(|pinned| !self.wants_somebody(pinned)) {
                        return Duty::Nothing;
                    }
                    let next = state.start();
                    if self.word.compare_exchange(state.0, next.0, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                        self.count_alive(next);
                        return Duty::Start;
                    }
                }
            }
        }
    }

    /// Says that a worker whom [`Duty::Start`] asked for cannot be started. Without any worker the submitted job waits until
    /// a later call asks for one again, or may be taken back with [`Pool::take`].
    ///
    /// Others may have counted on the search of that worker; so this may ask for a sleeper to be woken, never for a start.
    pub fn start_failed(&self) -> Duty {
        if S::OWN_LANES {
            self.change(State::fail);
        } else {
            Edge::FAIL.take(&self.word);
        }
        let inside = self.inside();
        if self.state().searching() > 0 || !self.wants_somebody(inside.pinned()) {
            return Duty::Nothing;
        }
        self.next_sleeper().map_or(Duty::Nothing, Duty::Wake)
    }

    /// Asks for a worker as a submit does, without new work: after a failed start, or to have one ready.
    pub fn demand(&self) -> Duty {
        self.call(true)
    }

    /// Whether there is work that a worker could begin: unclaimed, urgent, or let through by a gate. None, while the pool is
    /// paused.
    #[inline(never)]
    pub(crate) fn visible_work(&self) -> usize {
        let patient = self.next.line.get().map_or(0, |line| line.patient.load(Ordering::SeqCst));
        if patient & PAUSED != 0 {
            return 0;
        }
        let unclaimed: usize = self.storage.lanes().iter().map(crate::lane::Lane::unclaimed).sum();
        unclaimed + (self.next.urgent.load(Ordering::SeqCst) & Self::URGENT) + patient / PATIENT
    }

    /// Whether there is work that a worker could begin now, had there been one more.
    pub fn has_visible_work(&self) -> bool {
        self.visible_work() > 0
    }

    /// Whether there is something to do for one more worker: to begin a job, to take one over from somebody who has claimed
    /// it, to mind a timer. Asked by those who do not search any more, after they have said so.
    #[inline(never)]
    pub(crate) fn wants_somebody(&self, pinned: Pinned<'_>) -> bool {
        let unminded = || {
            let state = self.state();
            // A pool that is closed ends without its alarms.
            let is_closed = S::GATES && state.phase() != Phase::Running;
            let timers = if is_closed { self.timers() } else { self.timers.load(Ordering::SeqCst) };
            timers > 0 && !state.has_sentinel()
        };
        // Timers first, see `mirror`.
        unminded()
            || self.visible_work() > 0
            || self.has_unstarted(pinned, NO_SEAT)
            || (S::FORKS && self.look_at_desks(NO_SEAT, Look::Forks).is_some())
    }

    /// Whether one that has nothing to do may end: more are there than stay in any case, and what waits for its time is minded by
    /// another.
    pub(crate) fn can_spare(&self, state: State, least: usize) -> bool {
        state.alive() > least && (state.has_sentinel() || self.timers.load(Ordering::SeqCst) == 0)
    }

    /// One more is there.
    #[inline(always)]
    pub(crate) fn count_alive(&self, now: State) {
        if let Some(staff) = self.storage.staff() {
            staff.count(now.alive());
        }
    }

    /// The present phase.
    pub fn phase(&self) -> Phase {
        self.state().phase()
    }

    /// Enters another phase. To close the pool, then call [`Pool::next_sleeper`] until it returns `None` and wake each:
    /// workers notice when they are awake. Whoever then cancels the last timer of a closed pool does the same again: its
    /// workers sleep until that is due.
    pub fn set_phase(&self, phase: Phase) {
        self.change(|state| state.with_phase(phase));
    }

    /// This is a copy of the pool in the child of a process, where none of its workers is: from here on nothing is accepted.
    /// Nothing but one exchange, so that it may be called where hardly anything may.
    pub fn abandon(&self) {
        self.set_phase(Phase::Elsewhere);
    }

    /// Takes one sleeper off the list; the caller must wake it.
    pub fn next_sleeper(&self) -> Option<usize> {
        self.pop_sleeper(&mut self.sleepers.lock())
    }

    pub(super) fn pop_sleeper(&self, sleepers: &mut Sleepers) -> Option<usize> {
        let woken = sleepers.pop(self.storage.seats())?;
        self.wake_up(woken);
        Some(woken.seat)
    }

    /// A full barrier on the pool's word, for those who say that they wait until nothing is pending and then ask
    /// [`Pool::pending`]: a worker passes one after its last job and then asks who waits, so one of the two sees the other.
    pub fn barrier(&self) {
        Edge::NONE.take(&self.word);
    }

    /// The caller's job is about to wait for something: another worker may stand in for this one. Returns the duty to get
    /// one, or `None` when all workers wait already and there is no seat left: then nobody could end the wait.
    pub fn block(&self) -> Option<Duty> {
        let mut seen = self.state();
        loop {
            if seen.blocked() + 1 >= seen.alive() && seen.alive() >= self.size().limit {
                return None;
            }
            match self.word.compare_exchange_weak(seen.0, seen.block().0, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => seen = State(now),
            }
        }
        let inside = self.inside();
        Some(if self.wants_somebody(inside.pinned()) { self.call(true) } else { Duty::Nothing })
    }

    /// The wait is over.
    pub fn unblock(&self) {
        Edge::UNBLOCK.take(&self.word);
    }

    /// From here on no job begins but what workers have claimed already. Does nothing without gates, or if the pool is paused or
    /// closed.
    pub fn pause(&self) {
        self.set_paused(true);
    }

    /// Jobs begin again.
    pub fn resume(&self) -> Duty {
        if !self.set_paused(false) {
            return Duty::Nothing;
        }
        // As one that has searched: others have counted on it.
        let inside = self.inside();
        if self.wants_somebody(inside.pinned()) { self.call(true) } else { Duty::Nothing }
    }

    /// Returns whether anything has changed. The word changes under the lock, too, so that the two agree whoever else pauses
    /// and resumes.
    fn set_paused(&self, paused: bool) -> bool {
        if !S::GATES {
            return false;
        }
        self.with_entries(|entries| {
            // Asked under the lock: who closes the pool ends its pause under the same lock afterwards.
            let may_be = !paused || self.state().is_running();
            let changes = entries.is_paused() != paused && may_be;
            if changes {
                entries.set_paused(paused);
                let edge = if paused { Edge::PAUSE } else { Edge::RESUME };
                edge.take(&self.word);
            }
            changes
        })
    }

    /// Whether the pool is paused.
    pub fn is_paused(&self) -> bool {
        self.next.is_paused(Ordering::Acquire)
    }
}
