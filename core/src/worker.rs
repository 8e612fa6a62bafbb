//! A worker's side of the pool: where its next job comes from, and when it may sleep.
//!
//! ```text
//!        attach
//!          |
//!          v   found (1)                  no more (2)
//!      SEARCHING ----------> WORKING -------------------+
//!        ^  ^                  ^  |                     |
//!        |  |                  +--+ next of the claim   |
//!        |  +-------------------------------------------+
//!        |  \ nothing for a while (3)
//!        |   v
//!        |  ASLEEP     (4) woken, or the deadline has passed
//!        +----+
//!      SEARCHING -- nothing, and the pool is closed or crowded (5) --> gone
//! ```
//!
//! 1. `found`: off the count of searchers; if more is left than this worker can begin at once, the next one is called.
//! 2. `search`: on the count.
//! 3. `fall_asleep`: on the sleepers' list, then one more look (the pool's order argument).
//! 4. `get_up`: off the list, if the waker has not done it.
//! 5. `leave_pool`.
//!
//! # Where jobs come from, in this order
//!
//! The urgent stack; the worker's own claim; positions put aside because their producer had not published; due timers, if
//! nobody sleeps who would mind them; a new claim, from the main lane and the worker's own lane in turn; another worker's
//! lane; the unstarted half of another worker's claim.
//!
//! # How much to claim
//!
//! While jobs take longer than it costs to wake a worker, one at a time: nothing waits behind them. Short jobs are claimed
//! by the dozen. If then one of them turns out long, the others wait behind it, and no submit may follow that would call
//! another worker. So whoever claims more than it can start at once makes sure that a worker naps, that is, sleeps with a
//! short deadline and looks around; and a worker that would fall asleep while unstarted claimed jobs exist naps instead.

use crate::id::JobId;
use crate::host::{Host, Tick};
use crate::pace::Pace;
use crate::pool::{Duty, Pool};
use crate::seat::{HOLES, NO_LANE, Seat};
use crate::slot::Take;
use crate::slots::Slots;
use crate::state::{ALIVE, Phase, Role, SEARCHING, State};
use crate::storage::Storage;
use crate::sync::{Ordering, spin_loop};

/// The most positions of one claim.
const CLAIM: usize = if cfg!(loom) { 2 } else { 64 };

/// Looks at a position that its producer has not published yet, before it is put aside.
const PATIENCE: usize = if cfg!(loom) { 1 } else { 64 };

/// Naps in a row, each twice as long as the one before, before a worker sleeps without a deadline while others work.
const NAPS: u32 = 6;

/// A running job: which worker's, and how many jobs it runs inside of. The rest stands in the seat, so that this travels in
/// registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    seat: usize,
    /// The lowest bit says whether it is periodic, the others how deep it is.
    depth: usize,
}

impl Running {
    #[inline(always)]
    const fn new(seat: usize, depth: usize, times: Times) -> Self {
        Self { seat, depth: depth << 1 | times as usize }
    }

    /// Whether it may run again.
    #[inline(always)]
    pub const fn is_periodic(&self) -> bool {
        self.depth & 1 != 0
    }

    /// How many jobs it runs inside of, on the same worker.
    #[inline(always)]
    pub const fn depth(&self) -> usize {
        self.depth >> 1
    }
}

/// How often a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Times {
    Once = 0,
    Again = 1,
}

/// What runs the jobs of a worker, in its context.
pub trait Runner<P> {
    /// Does a duty.
    fn perform(&mut self, duty: Duty);

    /// Runs a job. A periodic job returns its payload for the next run; `None` ends it.
    fn run(&mut self, payload: P, running: Running) -> Option<P>;

    /// Drops the payload of a periodic job that was cancelled while it ran.
    fn dispose(&mut self, payload: P) {
        drop(payload);
    }
}

/// Why a worker has stopped working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Rest {
    /// It has nothing to do: park until woken or until the deadline, then go on. Before, a host that lets others wait for
    /// an idle pool asks [`Pool::pending`].
    Park(Option<Tick>),
    /// It has ended: do the duty, drop it, and do not ask again.
    Exit {
        /// What to do.
        duty: Duty,
        /// No other worker is left.
        last: bool,
    },
}

/// What a worker does next.
#[derive(Debug)]
#[must_use]
pub enum Next<P> {
    /// Do the duty, run the payload, then hand `running` to [`Pool::end`].
    Run {
        /// The job.
        payload: P,
        /// Its token.
        running: Running,
        /// What to do before.
        duty: Duty,
    },
    /// As [`Rest::Park`].
    Park(Option<Tick>),
    /// As [`Rest::Exit`].
    Exit {
        /// What to do.
        duty: Duty,
        /// No other worker is left.
        last: bool,
    },
}

/// A job that was found.
type Found<P> = (P, JobId, Times);

/// Where the next job comes from.
enum Find<P> {
    Job(Found<P>),
    /// The worker's claim has some more.
    Claim,
    /// Nowhere.
    Rest(Rest),
}

/// What became of a position whose producer had not published.
enum Aside<P> {
    /// It has now.
    Found(Found<P>),
    /// It is put aside, or somebody else has it.
    Later,
    /// Too many are aside already.
    Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Searching,
    Working,
    Asleep,
    Gone,
}

/// One worker of a pool, on one seat. Belongs to one context.
pub struct Worker<'p, P, H: Host, S: Storage<P>> {
    pool: &'p Pool<P, H, S>,
    seat: usize,
    mode: Mode,
    /// The present claim: positions of a lane still to be looked at, and how many payloads were taken out.
    lane: usize,
    next: usize,
    end: usize,
    taken: usize,
    /// Looks in a row that found nothing.
    round: u32,
    naps: u32,
    /// Whether the next claim tries the worker's own lane first.
    own_first: bool,
    pace: Pace,
    /// A claim left so many jobs that nobody has been told of yet.
    left: Option<usize>,
}

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// The worker that a [`Duty::Start`] asked for, in the context where it will work. `None` when all seats are taken,
    /// which means that nobody asked.
    pub fn attach(&self) -> Option<Worker<'_, P, H, S>> {
        let free = |seat: &Seat| !seat.taken.swap(true, Ordering::Acquire);
        let seat = self.storage.seats().iter().position(free)?;
        self.enter();
        Some(Worker {
            pool: self,
            seat,
            mode: Mode::Searching,
            lane: 0,
            next: 0,
            end: 0,
            taken: 0,
            round: 0,
            naps: 0,
            own_first: false,
            pace: Pace::new(self.host.wake_cost()),
            left: None,
        })
    }

    /// A worker that nobody asked for: for ports that start their workers beforehand. `None` when all seats are taken.
    pub fn enlist(&self) -> Option<Worker<'_, P, H, S>> {
        self.change(State::start);
        let worker = self.attach();
        if worker.is_none() {
            self.start_failed();
        }
        worker
    }

    /// Begins a job that was taken with [`Pool::take`], inside the job that runs on `seat`.
    pub fn begin(&self, seat: usize, id: JobId) -> Running {
        self.begin_on(seat, id, Times::Once)
    }

    #[inline(always)]
    fn begin_on(&self, seat: usize, id: JobId, times: Times) -> Running {
        Running::new(seat, self.storage.seats()[seat].begin(id), times)
    }

    /// The id of a running job, asked by its worker. `None` when it runs inside of [`STOPPABLE_DEPTH`] others or more; who
    /// began it knows its id.
    ///
    /// [`STOPPABLE_DEPTH`]: crate::STOPPABLE_DEPTH
    #[inline(always)]
    pub fn running_id(&self, running: &Running) -> Option<JobId> {
        self.storage.seats()[running.seat].id(running.depth())
    }

    /// Whether the job has been asked to stop.
    #[inline]
    pub fn is_cancelled(&self, running: &Running) -> bool {
        self.storage.seats()[running.seat].is_stopped(running.depth())
    }

    /// Ends a job of [`Pool::begin`] or [`Worker::next`], once. A periodic job's payload comes back here for its next run;
    /// what is returned was cancelled meanwhile (or was not periodic) and is the caller's to drop.
    pub fn end(&self, running: &Running, payload: Option<P>) -> (Option<P>, Duty) {
        let seat = &self.storage.seats()[running.seat];
        let id = seat.id(running.depth());
        seat.end(running.depth());
        let ended = match id {
            Some(id) if running.is_periodic() => self.end_periodic(id, payload),
            _ => (payload, Duty::Nothing),
        };
        seat.count();
        ended
    }
}

impl<P, H: Host, S: Storage<P>> Worker<'_, P, H, S> {
    /// The number of its seat.
    pub fn seat(&self) -> usize {
        self.seat
    }

    fn this(&self) -> &Seat {
        &self.pool.storage.seats()[self.seat]
    }

    /// Works until there is nothing to do. Call again after each park.
    pub fn work(&mut self, runner: &mut impl Runner<P>) -> Rest {
        self.come_back();
        loop {
            while self.has_claim() {
                match self.take_next() {
                    // The payload goes straight from its slot to where it is used: it is larger than what travels in
                    // registers, and a stop on the way would cost more than the rest of the claim.
                    Take::Taken(payload) => self.run(runner, payload, self.last_id(), Times::Once),
                    Take::Gone => {}
                    Take::Unpublished => match self.set_aside() {
                        Aside::Found(found) => self.run_found(runner, found),
                        Aside::Later => {}
                        Aside::Wait => return Rest::Park(Some(self.nap())),
                    },
                }
            }
            match self.find() {
                Find::Job(found) => self.run_found(runner, found),
                Find::Claim => {}
                Find::Rest(rest) => return rest,
            }
        }
    }

    /// What to do next, for those who want to run one job at a time. Call again after each job and after each park.
    #[expect(clippy::should_implement_trait, reason = "not an iterator: it ends with `Exit` and parks in between")]
    pub fn next(&mut self) -> Next<P> {
        self.come_back();
        loop {
            let found = if self.has_claim() {
                match self.take_next() {
                    Take::Taken(payload) => Find::Job((payload, self.last_id(), Times::Once)),
                    Take::Gone => Find::Claim,
                    Take::Unpublished => match self.set_aside() {
                        Aside::Found(found) => Find::Job(found),
                        Aside::Later => Find::Claim,
                        Aside::Wait => Find::Rest(Rest::Park(Some(self.nap()))),
                    },
                }
            } else {
                self.find()
            };
            match found {
                Find::Job((payload, id, times)) => {
                    let duty = self.announce();
                    return Next::Run { payload, running: self.pool.begin_on(self.seat, id, times), duty };
                }
                Find::Claim => {}
                Find::Rest(Rest::Park(deadline)) => return Next::Park(deadline),
                Find::Rest(Rest::Exit { duty, last }) => return Next::Exit { duty, last },
            }
        }
    }

    #[inline(always)]
    fn run(&mut self, runner: &mut impl Runner<P>, payload: P, id: JobId, times: Times) {
        let duty = self.announce();
        if duty != Duty::Nothing {
            runner.perform(duty);
        }
        let running = self.pool.begin_on(self.seat, id, times);
        match (runner.run(payload, running), times) {
            (None, Times::Once) => {
                let seat = self.this();
                seat.end(running.depth());
                seat.count();
            }
            (back, _) => self.end_slow(runner, &running, back),
        }
    }

    #[cold]
    #[inline(never)]
    fn run_found(&mut self, runner: &mut impl Runner<P>, (payload, id, times): Found<P>) {
        self.run(runner, payload, id, times);
    }

    #[cold]
    fn end_slow(&self, runner: &mut impl Runner<P>, running: &Running, back: Option<P>) {
        let (ended, duty) = self.pool.end(running, back);
        if let Some(ended) = ended {
            runner.dispose(ended);
        }
        if duty != Duty::Nothing {
            runner.perform(duty);
        }
    }

    fn come_back(&mut self) {
        debug_assert!(self.mode != Mode::Gone, "a worker that has ended is not asked again");
        if self.mode == Mode::Asleep {
            self.get_up();
        }
    }

    /// Whether the next job is one of the claim: there is one, and nothing more urgent.
    #[inline(always)]
    fn has_claim(&self) -> bool {
        self.next != self.end && self.pool.urgent.load(Ordering::Relaxed) == 0
    }

    #[inline(always)]
    fn take_next(&mut self) -> Take<P> {
        let position = self.next;
        self.next = position.wrapping_add(1);
        self.this().offer.next.store(self.next, Ordering::Relaxed);
        let taken = self.pool.lane(self.lane).take(position);
        self.taken += usize::from(matches!(taken, Take::Taken(_)));
        taken
    }

    /// The id of the job that was taken last.
    #[inline(always)]
    fn last_id(&self) -> JobId {
        JobId::at(self.lane, self.next.wrapping_sub(1))
    }

    /// Finds a job or a claim when there is no claim, or something more urgent.
    #[inline(never)]
    fn find(&mut self) -> Find<P> {
        loop {
            if self.pool.urgent.load(Ordering::Relaxed) > 0
                && let Some(found) = self.pop_urgent()
            {
                return Find::Job(found);
            }
            if self.next != self.end {
                return Find::Claim;
            }
            self.settle();
            if let Some(found) = self.look_aside() {
                return Find::Job(found);
            }
            if self.mind_timers() {
                continue;
            }
            if self.claim() || self.thieve() {
                return Find::Claim;
            }
            if let Some(rest) = self.find_nothing() {
                return Find::Rest(rest);
            }
        }
    }

    /// The claim is worked off: counts what was taken out.
    fn settle(&mut self) {
        if self.taken > 0 {
            self.pool.lane(self.lane).slots().finish(self.end.wrapping_sub(1), self.taken);
            self.pace.claim_ended(self.taken, || self.pool.host.now());
            self.taken = 0;
            let short = self.pace.is_short();
            if short != self.pool.state().is_short() {
                self.pool.change(|state| state.with_short(short));
            }
        }
    }

    /// A job was found: whom to tell that there is more.
    #[inline(always)]
    fn announce(&mut self) -> Duty {
        match (self.mode, self.left.take()) {
            (Mode::Working, None) => Duty::Nothing,
            (_, left) => self.found(left.unwrap_or(0)),
        }
    }

    /// Work was found; `left` jobs are left that this worker cannot start at once.
    #[cold]
    #[inline(never)]
    fn found(&mut self, left: usize) -> Duty {
        self.round = 0;
        self.naps = 0;
        let claimed = self.end.wrapping_sub(self.next);
        let left = if self.mode == Mode::Searching {
            self.mode = Mode::Working;
            self.pool.word.fetch_sub(SEARCHING, Ordering::SeqCst);
            // Submits that counted on this search are visible now.
            claimed + self.pool.visible_work()
        } else {
            claimed + left
        };
        let state = self.pool.state();
        if left == 0 && (self.pool.timers.load(Ordering::SeqCst) == 0 || state.has_sentinel()) {
            return Duty::Nothing;
        }
        let awake = state.alive() - state.sleeping();
        if state.is_short() && state.is_napping() && !self.pace.is_worth_a_wake_up(left, awake) {
            Duty::Nothing
        } else {
            self.pool.call(true)
        }
    }

    #[cold]
    #[inline(never)]
    fn pop_urgent(&mut self) -> Option<Found<P>> {
        let popped = self.pool.pop_due()?;
        self.left = Some(self.pool.urgent.load(Ordering::Relaxed));
        let id = JobId::in_entry(popped.key.index, popped.key.stamp, popped.order);
        let times = if popped.repeat.is_some() { Times::Again } else { Times::Once };
        Some((popped.payload, id, times))
    }

    /// A position was claimed before its producer has published: looks again for a moment, then puts it aside.
    #[cold]
    #[inline(never)]
    fn set_aside(&mut self) -> Aside<P> {
        let (lane, position) = (self.lane, self.next.wrapping_sub(1));
        for _ in 0..PATIENCE {
            spin_loop();
            match self.pool.lane(lane).take(position) {
                Take::Taken(payload) => {
                    self.taken += 1;
                    return Aside::Found((payload, JobId::at(lane, position), Times::Once));
                }
                Take::Gone => return Aside::Later,
                Take::Unpublished => {}
            }
        }
        let free = self.this().holes.iter().find(|(lane, _)| lane.load(Ordering::Relaxed) == NO_LANE);
        if let Some((hole_lane, hole)) = free {
            hole.store(position, Ordering::Relaxed);
            // Others see it by the next exchange of this worker on a head or on the word, which comes before it can sleep.
            hole_lane.store(lane, Ordering::Release);
            return Aside::Later;
        }
        // Comes back to this position after a moment that lets its producer run.
        self.next = position;
        self.this().offer.next.store(position, Ordering::Relaxed);
        Aside::Wait
    }

    /// Looks at the positions put aside.
    #[inline]
    fn look_aside(&mut self) -> Option<Found<P>> {
        for index in 0..HOLES {
            let hole = &self.this().holes[index];
            let lane = hole.0.load(Ordering::Relaxed);
            if lane == NO_LANE {
                continue;
            }
            let position = hole.1.load(Ordering::Relaxed);
            let taken = self.pool.lane(lane).take(position);
            if matches!(taken, Take::Unpublished) {
                continue;
            }
            self.this().holes[index].0.store(NO_LANE, Ordering::Relaxed);
            if let Take::Taken(payload) = taken {
                self.pool.lane(lane).slots().finish(position, 1);
                return Some((payload, JobId::at(lane, position), Times::Once));
            }
        }
        None
    }

    fn has_holes(&self) -> bool {
        self.this().holes.iter().any(|(lane, _)| lane.load(Ordering::Relaxed) != NO_LANE)
    }

    /// Makes due timers urgent, unless a sleeper minds them. Returns whether there were any.
    fn mind_timers(&mut self) -> bool {
        self.pool.timers.load(Ordering::Relaxed) > 0 && !self.pool.state().has_sentinel() && self.pool.expire() > 0
    }

    /// A new claim from the main lane or the worker's own.
    fn claim(&mut self) -> bool {
        let own = self.pool.own_lane(self.seat);
        self.own_first = !self.own_first && own != 0;
        let (first, second) = if self.own_first { (own, 0) } else { (0, own) };
        self.claim_from(first) || (second != first && self.claim_from(second))
    }

    fn claim_from(&mut self, lane: usize) -> bool {
        let workers = if self.pace.is_short() { self.pool.state().alive().max(1) } else { 0 };
        let want = |unclaimed: usize| match workers {
            0 => 1,
            1 => unclaimed.min(CLAIM),
            _ => unclaimed.div_ceil(2 * workers).min(CLAIM),
        };
        let offer = &self.this().offer;
        let claim = self.pool.lane(lane).claim(want, |claim| {
            offer.lane.store(lane, Ordering::Relaxed);
            offer.next.store(claim.start, Ordering::Relaxed);
            offer.end.store(claim.start.wrapping_add(claim.len), Ordering::Relaxed);
        });
        let Some(claim) = claim else { return false };
        self.begin_claim(lane, claim.start, claim.len);
        let left = claim.len - 1 + claim.left;
        self.left = (left > 0).then_some(claim.left);
        true
    }

    fn begin_claim(&mut self, lane: usize, start: usize, len: usize) {
        (self.lane, self.next, self.end) = (lane, start, start.wrapping_add(len));
        self.pace.claim_began(|| self.pool.host.now());
    }

    /// Takes from another worker: from its lane, from what it has claimed and not started, from what it has put aside.
    fn thieve(&mut self) -> bool {
        let seats = self.pool.storage.seats();
        let this = self.seat;
        for victim in (1..seats.len()).map(|offset| (this + offset) % seats.len()) {
            // A seat that has been left may still have jobs in its lane.
            let lane = self.pool.own_lane(victim);
            if lane != 0 && self.claim_from(lane) {
                return true;
            }
            let seat = &seats[victim];
            if let Some((lane, start, len)) = self.pool.unstarted(seat) {
                let offer = &self.this().offer;
                offer.lane.store(lane, Ordering::Relaxed);
                offer.next.store(start, Ordering::Relaxed);
                offer.end.store(start.wrapping_add(len), Ordering::Release);
                self.begin_claim(lane, start, len);
                return true;
            }
            for (lane, position) in &seat.holes {
                let (lane, position) = (lane.load(Ordering::Acquire), position.load(Ordering::Relaxed));
                if lane != NO_LANE && self.pool.lane(lane).slots().is_ready(position) {
                    self.begin_claim(lane, position, 1);
                    return true;
                }
            }
        }
        false
    }

    fn nap(&mut self) -> Tick {
        let shortest = self.pool.host.wake_cost().saturating_mul(8).max(1);
        self.naps = (self.naps + 1).min(NAPS);
        self.pool.host.now().saturating_add(shortest.saturating_mul(1 << (self.naps - 1)))
    }

    /// Looked everywhere and found nothing.
    fn find_nothing(&mut self) -> Option<Rest> {
        let round = self.round;
        self.round = round.saturating_add(1);
        if self.mode == Mode::Working {
            // Jobs shorter than a change of the shared word: first look again quietly.
            if self.pace.is_short() && round < 2 && self.pool.host.relax(round) {
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
        let state = pool.state();
        let has_holes = self.has_holes();
        let unstarted = has_holes || pool.has_unstarted(self.seat);
        let others_work = state.alive() > state.sleeping() + state.blocked() + state.searching();
        let napping = unstarted || (self.naps < NAPS && state.is_short() && others_work && !state.is_napping());
        let timer = pool.next_due();
        let deadline = match (timer, napping.then(|| self.nap())) {
            (Some(due), Some(nap)) if due < nap => Some((due, Role::Sentinel)),
            (_, Some(nap)) => Some((nap, Role::Napper)),
            (due, None) => due.map(|due| (due, Role::Sentinel)),
        };
        let role = {
            let mut sleepers = pool.sleepers.lock();
            let role = sleepers.list(pool.storage.seats(), self.seat, deadline);
            pool.change(|state| state.fall_asleep(role));
            role
        };
        self.mode = Mode::Asleep;
        // From here on a submit sees a sleeper. What was submitted before is seen here.
        let sooner = |due: Tick| deadline.is_none_or(|(deadline, _)| due < deadline);
        if pool.visible_work() > 0
            || pool.next_due().is_some_and(sooner)
            || (!unstarted && pool.has_unstarted(self.seat))
            || self.may_exit()
        {
            self.get_up_inside();
            return None;
        }
        pool.leave();
        pool.trim();
        let personal = role != Role::Plain || has_holes;
        Some(Rest::Park(deadline.filter(|_| personal).map(|(deadline, _)| deadline)))
    }

    /// The park is over, whoever ended it.
    fn get_up(&mut self) {
        self.pool.enter();
        self.get_up_inside();
        // After a nap one look is enough.
        self.round = if self.naps > 0 { u32::MAX } else { 0 };
    }

    fn get_up_inside(&mut self) {
        let mut sleepers = self.pool.sleepers.lock();
        if let Some(woken) = sleepers.unlist(self.pool.storage.seats(), self.seat) {
            self.pool.change(|state| state.wake_up(woken.was_sentinel));
        }
        // Else whoever took this worker off the list has counted it as searching.
        self.mode = Mode::Searching;
    }

    fn may_exit(&self) -> bool {
        let state = self.pool.state();
        let closed = state.phase() != Phase::Running
            && self.pool.timers.load(Ordering::SeqCst) == 0
            && self.pool.visible_work() == 0;
        (closed || state.is_crowded(self.pool.size)) && !self.has_holes()
    }

    fn leave_pool(&mut self) -> Rest {
        let pool = self.pool;
        self.mode = Mode::Gone;
        let before = pool.change(|state| State(state.0 - ALIVE - SEARCHING));
        // A submit may have counted on this search.
        let mut duty = if pool.visible_work() > 0 { pool.call(true) } else { Duty::Nothing };
        if duty == Duty::Nothing && before.phase() != Phase::Running {
            // Nobody else tells the sleepers that there is nothing more to wait for.
            duty = pool.next_sleeper().map_or(Duty::Nothing, Duty::Wake);
        }
        Rest::Exit { duty, last: before.alive() == 1 && duty == Duty::Nothing }
    }
}

impl<P, H: Host, S: Storage<P>> Drop for Worker<'_, P, H, S> {
    /// Frees the seat. A worker that is dropped before it has ended, by a panic of its host, gives its claim to the
    /// others; its lane stays.
    fn drop(&mut self) {
        let pool = self.pool;
        match self.mode {
            Mode::Gone => {}
            Mode::Asleep => {
                self.get_up();
                pool.change(|state| State(state.0 - ALIVE - SEARCHING));
            }
            Mode::Searching => _ = pool.change(|state| State(state.0 - ALIVE - SEARCHING)),
            Mode::Working => _ = pool.change(|state| State(state.0 - ALIVE)),
        }
        if self.mode != Mode::Asleep {
            pool.leave();
        }
        self.this().taken.store(false, Ordering::Release);
    }
}
