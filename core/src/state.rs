//! The pool's one shared word: its phase, and how many workers do what. Only numbers here; who sleeps is in `sleepers`.
//!
//! # The word
//!
//! | field | means | edges |
//! |---|---|---|
//! | phase | see [`Phase`] | [`State::with_phase`] |
//! | sentinel | one of the sleepers has a deadline: it minds the timers, or it naps | `fall_asleep`, `wake_up` |
//! | napping | the sentinel will look again very soon, whatever happens | `fall_asleep`, `wake_up` |
//! | short | jobs take less time than a wake-up | `with_short` |
//! | alive | workers that were started and have not ended; a start counts from the decision | `start`, [`Edge::ENLIST`], [`Edge::LEAVE`] and others |
//! | sleeping | workers on the sleepers' list | `fall_asleep`, `wake_up`, under the sleepers' lock |
//! | searching | workers that look for work and will find whatever is there; a wake-up counts from the decision | all that begin or end a search |
//! | blocked | workers whose job waits for something and wants another worker to stand in | `block`, [`Edge::UNBLOCK`] |
//! | starting | workers that were asked for and cannot search yet: their threads, or their start hooks, take their time; more than it holds are as if they worked | `start`, `start_beforehand`, `attach`, `fail`; [`Edge::ATTACH`], [`Edge::FAIL`] where there cannot be more |
//!
//! Always: napping implies sentinel, and that a sleeper; `sleeping + searching + starting <= alive`; `blocked <= alive`. Those
//! that are in none of the fields run jobs. A paused pool has one searcher more, who is nobody: see [`Edge::PAUSE`].
//!
//! A submit does nothing while somebody searches: the last searcher looks again after it has taken itself off the count,
//! and passes the search on when it finds more than it can do. That is why a burst of submits costs one wake-up. Nor does it
//! start a worker while another starts, unless starts may take long ([`Size::eager`]); a sleeper it wakes all the same.
//!
//! Every change is here: a *transition*, which makes a new word of the one it is given, or an *edge*, which is a sum, and
//! so one addition whatever the word is.
#![forbid(unsafe_code)]

use core::fmt;

use crate::sync::{AtomicUsize, Ordering};

/// Width of a counter.
const WIDTH: u32 = if usize::BITS >= 64 { 13 } else { 6 };
/// Width of the counter of those that start.
const STARTING_WIDTH: u32 = if usize::BITS >= 64 { 6 } else { 2 };

const PHASE: usize = 0b11;
const SENTINEL: usize = 1 << 2;
const NAPPING: usize = 1 << 3;
const SHORT: usize = 1 << 4;
const COUNTERS: u32 = 5;

const _: () = assert!(COUNTERS + 4 * WIDTH + STARTING_WIDTH <= usize::BITS);

const fn shift(field: u32) -> u32 {
    COUNTERS + field * WIDTH
}

// One worker more in each field.
const ALIVE: usize = 1 << shift(0);
const SLEEPING: usize = 1 << shift(1);
const SEARCHING: usize = 1 << shift(2);
const BLOCKED: usize = 1 << shift(3);
const STARTING: usize = 1 << shift(4);

/// What a counter holds.
const MOST: usize = (1 << WIDTH) - 1;
/// What the counter of those that start holds: no more are started at the same time.
const MOST_STARTING: usize = (1 << STARTING_WIDTH) - 1;

/// The most workers that a pool can count: one less than a counter holds, for the searcher of a pause.
pub const MAX_WORKERS: usize = MOST - 1;

/// What a pool accepts and what becomes of its workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Everything is accepted.
    Running,
    /// Jobs come from running jobs only. Queued and delayed jobs are still run, periodic ones have ended; a worker that
    /// finds nothing more ends.
    Draining,
    /// Nothing is accepted. What waits is the host's to remove; until it has done so a worker may still start it. Running
    /// jobs see that they should stop, and a worker that finds nothing more ends.
    Stopping,
    /// Nothing is accepted: this is a copy of the pool in another process, where its workers are not. No way leads back.
    Elsewhere,
}

impl Phase {
    const fn bits(self) -> usize {
        match self {
            Self::Running => 0,
            Self::Draining => 1,
            Self::Stopping => 2,
            Self::Elsewhere => 3,
        }
    }
}

/// A change of the word by a sum. Its name says what happens to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge(usize);

impl Edge {
    /// Nothing: a barrier.
    pub(crate) const NONE: Self = Self(0);
    /// Who was asked for can search now.
    pub(crate) const ATTACH: Self = Self::between(STARTING, SEARCHING);
    /// Who was asked for does not come.
    pub(crate) const FAIL: Self = Self::between(ALIVE + STARTING, 0);
    /// One comes whom nobody has asked for, and searches.
    pub(crate) const ENLIST: Self = Self::between(0, ALIVE + SEARCHING);
    /// One that has worked searches.
    pub(crate) const SEARCH: Self = Self::between(0, SEARCHING);
    /// One that has searched works.
    pub(crate) const FIND: Self = Self::between(SEARCHING, 0);
    /// One that has searched ends.
    pub(crate) const LEAVE: Self = Self::between(ALIVE + SEARCHING, 0);
    /// One that has worked ends, by force.
    pub(crate) const VANISH: Self = Self::between(ALIVE, 0);
    /// The wait is over.
    pub(crate) const UNBLOCK: Self = Self::between(BLOCKED, 0);
    /// Nobody may begin a job: as if somebody searched, who takes his time, so that nobody is called.
    pub(crate) const PAUSE: Self = Self::between(0, SEARCHING);
    /// The pause is over: that search, too, and who ends it looks whether there is work, as every searcher does.
    pub(crate) const RESUME: Self = Self::between(SEARCHING, 0);

    const fn between(less: usize, more: usize) -> Self {
        Self(more.wrapping_sub(less))
    }

    /// Where it leads.
    pub(crate) const fn from(self, state: State) -> State {
        State(state.0.wrapping_add(self.0))
    }

    /// Takes it, sequentially consistent. Returns what the word was before.
    #[inline(always)]
    pub(crate) fn take(self, word: &AtomicUsize) -> State {
        State(word.fetch_add(self.0, Ordering::SeqCst))
    }
}

/// A snapshot of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State(pub(crate) usize);

impl State {
    pub(crate) const NEW: Self = Self(0);

    const fn field(self, field: u32) -> usize {
        self.0 >> shift(field) & MOST
    }

    pub(crate) const fn alive(self) -> usize {
        self.field(0)
    }

    pub(crate) const fn sleeping(self) -> usize {
        self.field(1)
    }

    pub(crate) const fn searching(self) -> usize {
        self.field(2)
    }

    pub(crate) const fn blocked(self) -> usize {
        self.field(3)
    }

    pub(crate) const fn starting(self) -> usize {
        self.0 >> shift(4) & MOST_STARTING
    }

    pub(crate) const fn has_sentinel(self) -> bool {
        self.0 & SENTINEL != 0
    }

    pub(crate) const fn is_napping(self) -> bool {
        self.0 & NAPPING != 0
    }

    pub(crate) const fn is_short(self) -> bool {
        self.0 & SHORT != 0
    }

    pub(crate) const fn is_running(self) -> bool {
        self.0 & PHASE == 0
    }

    pub(crate) const fn phase(self) -> Phase {
        match self.0 & PHASE {
            0 => Phase::Running,
            1 => Phase::Draining,
            2 => Phase::Stopping,
            _ => Phase::Elsewhere,
        }
    }

    pub(crate) const fn is_elsewhere(self) -> bool {
        self.0 & PHASE == PHASE
    }

    /// Whether jobs that running jobs submit are accepted.
    pub(crate) const fn takes_nested(self) -> bool {
        self.0 & PHASE < Phase::Stopping.bits()
    }

    /// Whether somebody besides those that are counted otherwise runs jobs.
    pub(crate) const fn others_work(self) -> bool {
        self.work_more_than(0)
    }

    /// Whether more than so many run jobs.
    pub(crate) const fn work_more_than(self, number: usize) -> bool {
        self.alive() > self.sleeping() + self.blocked() + self.searching() + self.starting() + number
    }

    #[must_use]
    pub(crate) const fn with_phase(self, phase: Phase) -> Self {
        Self(self.0 & !PHASE | phase.bits())
    }

    #[must_use]
    pub(crate) const fn with_short(self, short: bool) -> Self {
        Self(if short { self.0 | SHORT } else { self.0 & !SHORT })
    }

    /// One more sleeper, who was searching.
    #[must_use]
    pub(crate) const fn fall_asleep(self, role: Role) -> Self {
        debug_assert!(self.searching() > 0);
        let word = self.0 - SEARCHING + SLEEPING;
        Self(match role {
            Role::Plain => word,
            Role::Sentinel => word & !NAPPING | SENTINEL,
            Role::Napper => word | SENTINEL | NAPPING,
        })
    }

    /// One sleeper less, who searches from now on.
    #[must_use]
    pub(crate) const fn wake_up(self, was_sentinel: bool) -> Self {
        debug_assert!(self.sleeping() > 0);
        let word = self.0 - SLEEPING + SEARCHING;
        Self(if was_sentinel { word & !(SENTINEL | NAPPING) } else { word })
    }

    /// One more worker, who searches as soon as it can; as work [calls for](Self::calls_for) it.
    #[must_use]
    pub(crate) const fn start(self) -> Self {
        debug_assert!(self.starting() < MOST_STARTING);
        Self(self.0 + ALIVE + STARTING)
    }

    /// The same that no work calls for: there may be more of them than are counted.
    #[cfg(any(test, feature = "alloc"))]
    #[must_use]
    pub(crate) const fn start_beforehand(self) -> Self {
        if self.starting() < MOST_STARTING { self.start() } else { Self(self.0 + ALIVE) }
    }

    /// Who was asked for can search now.
    #[must_use]
    pub(crate) const fn attach(self) -> Self {
        if self.starting() > 0 { Edge::ATTACH.from(self) } else { Edge::SEARCH.from(self) }
    }

    /// Who was asked for does not come.
    #[must_use]
    pub(crate) const fn fail(self) -> Self {
        if self.starting() > 0 { Edge::FAIL.from(self) } else { Edge::VANISH.from(self) }
    }

    /// The job of one more waits.
    #[must_use]
    pub(crate) const fn block(self) -> Self {
        debug_assert!(self.blocked() < self.alive());
        Self(self.0 + BLOCKED)
    }

    /// Whether there are workers beyond the wanted number: they stood in for blocked ones, or fewer are wanted than were.
    pub(crate) const fn is_crowded(self, size: Size) -> bool {
        self.surplus(size) > 0
    }

    /// How many.
    pub(crate) const fn surplus(self, size: Size) -> usize {
        // With as many wanted as there are seats nobody stands in; a start that was asked for and fails counts for a moment, too.
        if size.limit > size.target { (self.alive() - self.blocked()).saturating_sub(size.target) } else { 0 }
    }

    /// Whether there may be one more worker. Without seats for stand-ins it does not matter who is blocked.
    pub(crate) const fn has_room(self, size: Size) -> bool {
        self.alive() < size.limit && (size.limit == size.target || self.alive() - self.blocked() < size.target)
    }

    /// Whether new work makes it right to wake or start a worker.
    ///
    /// Nobody is called while somebody searches, nor for short jobs while another worker runs and the sentinel naps.
    #[inline(always)]
    pub(crate) const fn calls_for(self, size: Size) -> Call {
        if self.searching() > 0 {
            Call::Nobody
        } else if self.sleeping() > 0 {
            if self.is_short() && self.is_napping() && self.others_work() { Call::Nobody } else { Call::Sleeper }
        } else if self.has_room(size) {
            let most = if size.eager { MOST_STARTING } else { 1 };
            if self.starting() < most { Call::Newcomer } else { Call::Nobody }
        } else {
            Call::Nobody
        }
    }
}

impl State {
    /// Whether a fork makes it right to wake or start a worker: unless one naps, and so will look, or searches.
    #[inline(always)]
    pub(crate) const fn calls_for_fork(self, size: Size, is_eager: bool) -> Call {
        if self.is_napping() {
            Call::Nobody
        } else if is_eager {
            self.seen_eagerly().calls_for(size)
        } else {
            self.calls_for(size)
        }
    }

    /// What a fork of an eager desk makes of it: as if nobody searched, until as many do as work. So each that works may have called
    /// one, and workers get up in a number of steps that grows as the logarithm of theirs, where one after the other they would
    /// all have come when the first have gone.
    pub(crate) const fn seen_eagerly(self) -> Self {
        if self.work_more_than(self.searching()) { Self(self.0 - self.searching() * SEARCHING) } else { self }
    }
}

/// How many workers there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// That are not blocked.
    pub(crate) target: usize,
    /// In all: there are so many seats.
    pub(crate) limit: usize,
    /// Whether one is started although another is about to come: that one may take long.
    pub(crate) eager: bool,
}

/// How a worker sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Until it is woken.
    Plain,
    /// Until the next timer is due at the latest.
    Sentinel,
    /// For a moment, because there are jobs that were claimed and not started.
    Napper,
}

/// Whom new work calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Nobody,
    Sleeper,
    Newcomer,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("phase", &self.phase())
            .field("alive", &self.alive())
            .field("sleeping", &self.sleeping())
            .field("searching", &self.searching())
            .field("blocked", &self.blocked())
            .field("starting", &self.starting())
            .field("sentinel", &self.has_sentinel())
            .field("napping", &self.is_napping())
            .field("short", &self.is_short())
            .finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::vec::Vec;

    fn size(target: usize) -> Size {
        Size { target, limit: 8, eager: false }
    }

    /// A worker that works.
    fn busy(state: State) -> State {
        Edge::FIND.from(Edge::ENLIST.from(state))
    }

    #[test]
    fn the_fields_share_no_bit() {
        let counters = [ALIVE, SLEEPING, SEARCHING, BLOCKED].map(|one| one * MOST);
        let fields = [&[PHASE, SENTINEL, NAPPING, SHORT, STARTING * MOST_STARTING], &counters[..]].concat();
        for (i, a) in fields.iter().enumerate() {
            for b in &fields[i + 1..] {
                assert_eq!(a & b, 0);
            }
        }
    }

    /// What always holds. `paused`: the pool is.
    fn assert_legal(state: State, paused: bool) {
        assert!(!state.is_napping() || state.has_sentinel(), "{state:?}");
        assert!(!state.has_sentinel() || state.sleeping() > 0, "{state:?}");
        let searching = state.searching().checked_sub(usize::from(paused)).expect("a pause counts as a searcher");
        assert!(state.sleeping() + searching + state.starting() <= state.alive(), "{state:?}");
        assert!(state.blocked() <= state.alive(), "{state:?}");
    }

    /// All words that up to so many workers can bring about, with every edge from each of them.
    #[test]
    fn every_edge_leads_from_legal_words_to_legal_words() {
        const WORKERS: usize = 3;
        let mut seen = HashSet::new();
        let mut open = Vec::from([(State::NEW, false)]);
        let mut edges = 0;
        while let Some((state, paused)) = open.pop() {
            if !seen.insert((state.0, paused)) {
                continue;
            }
            assert_legal(state, paused);
            let searchers = state.searching() - usize::from(paused);
            let working = state.alive() - state.sleeping() - searchers - state.starting();
            let mut to = Vec::new();
            let mut go = |possible: bool, next: &dyn Fn() -> State| {
                if possible {
                    to.push((next(), paused));
                }
            };
            for phase in [Phase::Running, Phase::Draining, Phase::Stopping, Phase::Elsewhere] {
                go(true, &|| state.with_phase(phase));
            }
            go(true, &|| state.with_short(!state.is_short()));
            go(true, &|| Edge::NONE.from(state));
            go(state.alive() < WORKERS, &|| Edge::ENLIST.from(state));
            go(state.alive() < WORKERS, &|| state.start_beforehand());
            go(state.starting() > 0, &|| state.attach());
            go(state.starting() > 0 && state.blocked() < state.alive(), &|| state.fail());
            go(working > 0, &|| Edge::SEARCH.from(state));
            go(working > 0 && state.blocked() < state.alive(), &|| Edge::VANISH.from(state));
            go(searchers > 0, &|| Edge::FIND.from(state));
            go(searchers > 0 && state.blocked() < state.alive(), &|| Edge::LEAVE.from(state));
            go(state.blocked() < state.alive(), &|| state.block());
            go(state.blocked() > 0, &|| Edge::UNBLOCK.from(state));
            for role in [Role::Plain, Role::Sentinel, Role::Napper] {
                // One with a deadline takes over from the sentinel, who stays asleep.
                go(searchers > 0, &|| state.fall_asleep(role));
            }
            go(state.sleeping() > usize::from(state.has_sentinel()), &|| state.wake_up(false));
            go(state.has_sentinel(), &|| state.wake_up(true));
            let turn = if paused { Edge::RESUME } else { Edge::PAUSE };
            to.push((turn.from(state), !paused));
            edges += to.len();
            open.extend(to);
        }
        assert!(seen.len() > 1000 && edges > 10 * seen.len(), "{} words, {edges} edges", seen.len());
    }

    #[test]
    fn a_submit_calls_nobody_while_somebody_searches() {
        let one = Edge::ENLIST.from(State::NEW);
        assert_eq!(one.calls_for(size(4)), Call::Nobody);
        let asleep = one.fall_asleep(Role::Plain);
        assert_eq!(asleep.calls_for(size(4)), Call::Sleeper);
        assert_eq!(asleep.wake_up(false).calls_for(size(4)), Call::Nobody);
    }

    #[test]
    fn a_fork_of_an_eager_desk_calls_for_as_many_as_work() {
        // Two work, one searches, one sleeps.
        let asleep = Edge::ENLIST.from(State::NEW).fall_asleep(Role::Plain);
        let state = Edge::ENLIST.from(busy(busy(asleep)));
        assert_eq!(state.calls_for_fork(size(4), false), Call::Nobody);
        assert_eq!(state.calls_for_fork(size(4), true), Call::Sleeper);
        assert_eq!(state.wake_up(false).calls_for_fork(size(4), true), Call::Nobody, "two search");
        assert_eq!(busy(state.wake_up(false)).calls_for_fork(size(8), true), Call::Newcomer);
        let blocked = state.block();
        assert_eq!(blocked.calls_for_fork(size(4), true), Call::Nobody, "one works, one searches");
        let napping = Edge::ENLIST.from(state).fall_asleep(Role::Napper);
        assert_eq!(napping.calls_for_fork(size(4), true), Call::Nobody);
    }

    #[test]
    fn workers_start_on_demand_up_to_the_target_and_stand_in_for_the_blocked() {
        assert_eq!(State::NEW.calls_for(size(2)), Call::Newcomer);
        let one = busy(State::NEW);
        assert_eq!(one.calls_for(size(2)), Call::Newcomer);
        assert_eq!(one.calls_for(size(1)), Call::Nobody);
        let blocked = one.block();
        assert_eq!(blocked.calls_for(size(1)), Call::Newcomer);
        let stand_in = Edge::UNBLOCK.from(blocked.start());
        assert!(stand_in.is_crowded(size(1)) && !stand_in.is_crowded(size(2)));
    }

    #[test]
    fn one_starts_at_a_time_unless_starts_take_long_and_a_sleeper_is_woken_meanwhile() {
        let starts = busy(State::NEW).start();
        assert_eq!(starts.calls_for(size(4)), Call::Nobody);
        assert_eq!(starts.calls_for(Size { eager: true, ..size(4) }), Call::Newcomer);
        assert_eq!(Edge::ATTACH.from(starts).calls_for(Size { eager: true, ..size(4) }), Call::Nobody, "it searches");
        assert_eq!(Edge::FAIL.from(starts), busy(State::NEW));
        let asleep = Edge::ENLIST.from(State::NEW).fall_asleep(Role::Plain).start();
        assert_eq!(asleep.calls_for(size(4)), Call::Sleeper);
    }

    #[test]
    fn only_so_many_start_as_can_be_counted() {
        let many = Size { target: 100, limit: 100, eager: true };
        let mut state = State::NEW;
        while state.calls_for(many) == Call::Newcomer {
            state = state.start();
        }
        assert_eq!(state.starting(), MOST_STARTING);
        assert_eq!(Edge::ATTACH.from(state).starting(), MOST_STARTING - 1);
    }

    #[test]
    fn those_that_start_beyond_what_can_be_counted_are_as_if_they_worked() {
        let mut state = State::NEW;
        for alive in 1..=MOST_STARTING + 2 {
            state = state.start_beforehand();
            assert_eq!((state.alive(), state.starting()), (alive, alive.min(MOST_STARTING)));
        }
        assert!(state.others_work());
        for _ in 0..=MOST_STARTING {
            state = state.attach();
        }
        assert_eq!((state.starting(), state.searching()), (0, MOST_STARTING + 1));
        assert_eq!(state.fail(), State((MOST_STARTING + 1) * (ALIVE + SEARCHING)));
    }

    #[test]
    fn of_more_than_wanted_those_are_too_many_that_are_not_blocked() {
        let three = busy(busy(busy(State::NEW)));
        let surplus = |state: State| [0, 1, 2, 3, 8].map(|target| state.surplus(size(target)));
        assert_eq!(surplus(three), [3, 2, 1, 0, 0]);
        assert_eq!(surplus(three.block()), [2, 1, 0, 0, 0]);
        assert_eq!(three.surplus(Size { limit: 2, ..size(2) }), 0, "nobody can stand in");
    }

    #[test]
    fn a_pause_calls_nobody() {
        let paused = Edge::PAUSE.from(State::NEW);
        assert_eq!(paused.calls_for(size(4)), Call::Nobody);
        assert_eq!(Edge::RESUME.from(paused), State::NEW);
        let full = State(MAX_WORKERS * (ALIVE + SEARCHING));
        assert_eq!(Edge::PAUSE.from(full).searching(), MOST);
        assert_eq!(Edge::PAUSE.from(full).blocked(), 0);
    }

    #[test]
    fn a_napper_looks_after_short_jobs_only_while_another_worker_runs() {
        let asleep = Edge::ENLIST.from(State::NEW).fall_asleep(Role::Napper).with_short(true);
        assert_eq!(asleep.calls_for(size(2)), Call::Sleeper);
        assert_eq!(asleep.start().calls_for(size(2)), Call::Sleeper, "who starts does not run");
        let other_runs = busy(asleep);
        assert_eq!(other_runs.calls_for(size(2)), Call::Nobody);
        assert_eq!(other_runs.with_short(false).calls_for(size(2)), Call::Sleeper);
        assert!(!other_runs.wake_up(true).has_sentinel());
    }

    #[test]
    fn phases_round_trip_and_leave_the_counts_alone() {
        let state = Edge::ENLIST.from(State::NEW);
        for phase in [Phase::Draining, Phase::Stopping, Phase::Elsewhere, Phase::Running] {
            assert_eq!(state.with_phase(phase).phase(), phase);
            assert_eq!(state.with_phase(phase).alive(), 1);
        }
        assert!(!state.with_phase(Phase::Elsewhere).is_running() && !state.with_phase(Phase::Elsewhere).takes_nested());
        assert!(state.takes_nested() && state.with_phase(Phase::Draining).takes_nested());
    }
}
