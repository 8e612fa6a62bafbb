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
//!      SEARCHING -- nothing, and the pool is closed or crowded, or that for long (5) --> gone
//! ```
//!
//! 1. `found`: off the count of searchers; if more is left than this worker can begin at once, the next one is called.
//! 2. `search`: on the count.
//! 3. `fall_asleep`: on the sleepers' list, then one more look (the pool's order argument).
//! 4. `get_up`: off the list, if the waker has not done it.
//! 5. `leave_pool`, `leave_surplus`; in a crowded pool a worker does not look for the next job (`make_way`).
//!
//! # Where jobs come from, in this order
//!
//! Errands, which are no jobs; the urgent stack, but once in a share of times what follows has its turn before those on it whose time has come;
//! the worker's own claim, and a position put aside; due timers, if nobody sleeps who would mind them; the line of those that gates have let through, if its first one's turn has come, but that once in a share of these the lanes of workers have theirs; a new
//! claim, from the main lane and the worker's own lane in turn, and now and then from any; the line, whoever's turn it is; a fork; another worker's lane;
//! the unstarted half of another worker's claim.
//!
//! # In which order
//!
//! A position may be claimed before its producer has published it. Others may be there behind it, so it is put *aside*, one at a time,
//! and looked at again and again. What one producer has published in one lane, or several of whom each knew of the one before, a worker
//! begins in that order if there is no other and was none: while something is aside it begins no position but one that it has seen to
//! be published before it last looked aside. Had both been published in order, that look would have found the earlier.
//!
//! Behind what is aside it waits for the next position of its claim, and naps. In a pool that grows it counts as working then;
//! in fixed storage, and for who calls [`Worker::next`], as before, so that others may take it for one that searches.
//!
//! # How much to claim
//!
//! While jobs take longer than it costs to wake a worker, one at a time: nothing waits behind them. Short jobs are claimed
//! by the dozen. If then one of them turns out long, the others wait behind it, and no submit may follow that would call
//! another worker. So whoever claims more than it can start at once makes sure that a worker naps, that is, sleeps with a
//! short deadline and looks around; and a worker that would fall asleep while unstarted claimed jobs exist naps instead.

mod aside;
mod claim;
mod errands;
mod rest;
mod runner;
mod steal;
#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests;

use core::mem;

use self::errands::Turns;
pub use self::runner::{Next, Rest, Runner};
use self::steal::Watch;
use crate::claim::Claimed;
use crate::end::{After, End};
use crate::entries::{Gating, Stays};
use crate::fork::{Look, TakenFork};
use crate::host::Host;
use crate::id::JobId;
use crate::pace::Pace;
use crate::part::Part;
use crate::pinned::Pinned;
use crate::pool::{Duty, Line, Pool};
use crate::running::Running;
use crate::seat::Seat;
use crate::slot::Take;
use crate::slots::Slots;
use crate::staff::Idle;
use crate::state::{Call, Edge, State};
use crate::storage::Storage;
use crate::sync::{Ordering, blank};

/// A job that was found; its seat is marked with its id.
type Found<P> = (P, Stays);

/// Where the next job comes from.
enum Find<P> {
    Job(Found<P>),
    /// The worker's claim has some more.
    Claim,
    Fork(TakenFork),
    /// Nowhere so far: it searches. Or there is an errand, see [`Turns::errand`]: a kind of its own would cost small targets.
    Search,
    /// Nowhere.
    Rest(Rest),
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
    this: &'p Seat<S::Gating>,
    mode: Mode,
    claim: Claimed<<S::Slots as Slots<P>>::Run>,
    /// Looks in a row that found nothing; naps in a row; jobs that had ended before the last of these.
    round: u32,
    naps: u32,
    ended_before_nap: usize,
    pace: Pace,
    /// Claims in a row of less than a handful of short jobs, none from a search on unless that is only to step aside; and the tail
    /// of the main lane at the last claim.
    slack: u8,
    tail: usize,
    watch: Watch,
    /// So many jobs were left by a claim, and nobody was told of them yet.
    left: Option<usize>,
    /// It takes forks, and does errands.
    helps: bool,
    turns: <S::Gating as Gating>::Only<Turns>,
    idle: <S::Gating as Gating>::Only<Idle>,
}

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// The worker that a [`Duty::Start`] asked for, in the context where it will work, once it can. `None` when all seats are
    /// taken, because others have [enlisted](Pool::enlist) meanwhile: then say [`Pool::start_failed`].
    pub fn attach(&self) -> Option<Worker<'_, P, H, S>> {
        let seat = self.take_seat()?;
        if S::OWN_LANES {
            self.change(State::attach);
        } else {
            Edge::ATTACH.take(&self.word);
        }
        Some(self.seated(seat))
    }

    /// A worker that nobody asked for: for ports that start their workers beforehand. `None` when all seats are taken.
    pub fn enlist(&self) -> Option<Worker<'_, P, H, S>> {
        let seat = self.take_seat()?;
        let before = Edge::ENLIST.take(&self.word);
        self.count_alive(Edge::ENLIST.from(before));
        Some(self.seated(seat))
    }

    pub(crate) fn seated(&self, seat: usize) -> Worker<'_, P, H, S> {
        self.enter();
        let mut worker = Worker {
            pool: self,
            seat,
            this: &self.storage.seats()[seat],
            mode: Mode::Searching,
            claim: Claimed::none(),
            round: 0,
            naps: 0,
            ended_before_nap: 0,
            pace: Pace::new(),
            slack: 0,
            tail: 0,
            watch: Watch::new(seat),
            left: None,
            helps: false,
            turns: blank!(<S::Gating as Gating>::Only<Turns>),
            idle: blank!(<S::Gating as Gating>::Only<Idle>),
        };
        worker.inherit();
        worker
    }
}

impl<P, H: Host, S: Storage<P>> Worker<'_, P, H, S> {
    /// The number of its seat.
    pub fn seat(&self) -> usize {
        self.seat
    }

    /// Works until there is nothing to do. Call again after each park.
    pub fn work(&mut self, runner: &mut impl Runner<P>) -> Rest {
        if S::FORKS {
            self.helps = true;
        }
        self.come_back();
        loop {
            // The payload runs where it lands: it is larger than what travels in registers, and another stop on the way would
            // cost more than the rest of the claim.
            let run_here = |this: &mut Self, taken: &mut Take<P>| {
                if let Take::Taken(payload) = taken {
                    let after = this.run(runner, payload, Stays::No);
                    this.this.end(0);
                    if after == After::Done {
                        this.this.count(End::Done);
                    } else {
                        this.count_other(after.end());
                    }
                }
                None
            };
            match self.advance(run_here) {
                Find::Job(found) => self.run_found(runner, found),
                Find::Fork(taken) => {
                    if S::FORKS {
                        self.run_fork(runner, taken);
                    }
                }
                Find::Search => {
                    if S::ERRANDS && mem::take(&mut self.turns.there().errand) {
                        self.run_errand(runner);
                    } else {
                        runner.idle();
                    }
                }
                Find::Rest(rest) => {
                    if S::OWN_LANES && !self.claim.is_empty() {
                        // It waits for two producers, and does not search meanwhile.
                        let duty = self.announce();
                        if duty != Duty::Nothing {
                            runner.perform(duty);
                        }
                    }
                    return rest;
                }
                Find::Claim => {}
            }
        }
    }

    /// The park is over: says so at once, and not with the next [`Worker::work`] or [`Worker::next`].
    pub fn rise(&mut self) {
        self.come_back();
    }

    /// What to do next, for those who want to run one job at a time. Call again after each job and after each park. It helps
    /// nobody with a fork, and does no errands.
    #[expect(clippy::should_implement_trait, reason = "not an iterator: it ends with `Exit` and parks in between")]
    pub fn next(&mut self) -> Next<P> {
        loop {
            if let Ok(next) = self.look() {
                return next;
            }
        }
    }

    /// The same for one that helps with forks.
    ///
    /// # Errors
    ///
    /// A fork that it has found instead, which is to be run by [`Pool::run_fork`] on its seat once the duty is done.
    pub fn next_or_fork(&mut self) -> Result<Next<P>, (TakenFork, Duty)> {
        self.helps = S::FORKS;
        self.look()
    }

    // Where there are no forks it is nothing but `next`.
    #[inline(always)]
    fn look(&mut self) -> Result<Next<P>, (TakenFork, Duty)> {
        self.come_back();
        loop {
            let hand_out = |_: &mut Self, taken: &mut Take<P>| match mem::replace(taken, Take::Gone) {
                Take::Taken(payload) => Some(payload),
                _ => None,
            };
            match self.advance(hand_out) {
                Find::Job((payload, stays)) => {
                    let duty = self.announce();
                    return Ok(Next::Run { payload, running: Running::new(self.seat, 0, stays), duty });
                }
                Find::Fork(taken) if S::FORKS => return Err((taken, self.announce())),
                Find::Rest(Rest::Park(deadline)) => return Ok(Next::Park(deadline)),
                Find::Rest(Rest::Exit { duty, last }) => return Ok(Next::Exit { duty, last }),
                Find::Search | Find::Claim | Find::Fork(_) => {}
            }
        }
    }

    /// Works off the claim, and looks for another, until `claimed` wants to hand out a payload of it, or there is something
    /// else to do.
    #[inline(always)]
    fn advance(&mut self, mut claimed: impl FnMut(&mut Self, &mut Take<P>) -> Option<P>) -> Find<P> {
        while self.has_claim() {
            let mut taken = self.take_next();
            match taken {
                Take::Taken(_) => {
                    if let Some(payload) = claimed(self, &mut taken) {
                        return Find::Job((payload, Stays::No));
                    }
                }
                Take::Gone | Take::Unpublished => {
                    self.unmark();
                    if matches!(taken, Take::Unpublished) {
                        self.hold();
                    }
                }
            }
        }
        self.find()
    }

    #[inline(always)]
    fn run(&mut self, runner: &mut impl Runner<P>, payload: &mut P, stays: Stays) -> After {
        let duty = self.announce();
        if duty != Duty::Nothing {
            runner.perform(duty);
        }
        runner.run(payload, Running::new(self.seat, 0, stays))
    }

    #[cold]
    #[inline(never)]
    fn run_found(&mut self, runner: &mut impl Runner<P>, (mut payload, stays): Found<P>) {
        let after = self.run(runner, &mut payload, stays);
        let (ended, duty) = self.finish(&Running::new(self.seat, 0, stays), after, payload);
        if let Some(ended) = ended {
            runner.dispose(ended);
        }
        if duty != Duty::Nothing {
            runner.perform(duty);
        }
    }

    /// Ends a job that [`Worker::next`] has handed out, as [`Pool::end`], whatever came of it.
    #[inline]
    pub fn finish(&mut self, running: &Running, after: After, payload: P) -> (Option<P>, Duty) {
        if after.is_over() {
            drop(payload);
            self.pool.end(running, after.end(), None)
        } else if S::GATES && after == After::Back && running.is_gated() {
            self.turns.there().yields = true;
            self.pool.end_back(running, payload)
        } else {
            self.pool.end(running, after.end(), Some(payload))
        }
    }

    #[cold]
    #[inline(never)]
    fn run_fork(&mut self, runner: &mut impl Runner<P>, taken: TakenFork) {
        let duty = self.announce();
        if duty != Duty::Nothing {
            runner.perform(duty);
        }
        // One more for what is left, beside the one that it calls for what it shows itself.
        if taken.is_eager() && self.sees_forks() {
            let duty = self.pool.call_eagerly();
            if duty != Duty::Nothing {
                runner.perform(duty);
            }
        }
        let duty = self.pool.run_fork(self.seat, taken);
        if duty != Duty::Nothing {
            runner.perform(duty);
        }
    }

    /// A job of a lane has ended, but not well.
    #[cold]
    #[inline(never)]
    fn count_other(&self, end: End) {
        self.this.count(end);
    }

    /// From here on the seat is somebody else's.
    fn free_seat(&self) {
        self.this.taken.store(false, Ordering::Release);
    }

    /// Dropped before it has ended. Returns what the word was before.
    #[cold]
    #[inline(never)]
    fn give_up(&mut self) -> State {
        self.come_back();
        // Else what it has taken would keep its run from being used again.
        if S::Slots::COUNTS {
            self.claim.count(self.pool.lane(self.claim.lane()));
        }
        self.pool.end_all(self.seat);
        // Before it is off the count, as by one that ends: see `leave_pool`.
        self.free_seat();
        let edge = if self.mode == Mode::Searching { Edge::LEAVE } else { Edge::VANISH };
        self.take_out(edge)
    }

    fn come_back(&mut self) {
        debug_assert!(self.mode != Mode::Gone, "a worker that has ended is not asked again");
        if self.mode == Mode::Asleep {
            self.get_up();
        }
    }

    /// Whether there is a fork that it could take, and would.
    fn sees_forks(&self) -> bool {
        S::FORKS && self.helps && self.pool.look_at_desks(self.seat, Look::Forks).is_some()
    }

    /// Whether somebody is in the middle of a join, and may fork again.
    fn sees_joins(&self) -> bool {
        S::FORKS && self.helps && self.pool.look_at_desks(self.seat, Look::Joins).is_some()
    }

    /// Whether the next job is one of the claim: there is one, and nothing more urgent.
    #[inline(always)]
    fn has_claim(&mut self) -> bool {
        !self.claim.stops()
            && match self.pool.next.urgent.load(Ordering::Relaxed) {
                0 => true,
                urgent => S::GATES && self.may_go_on(urgent),
            }
    }

    /// Says which job this worker is about to take: it runs no other.
    #[inline(always)]
    fn mark(&self, id: JobId) {
        self.this.begin_first(id);
    }

    /// Somebody else was quicker, or there is nothing to take yet.
    fn unmark(&self) {
        self.this.end(0);
    }

    /// Marks and takes the next job of the claim.
    #[inline(always)]
    fn take_next(&mut self) -> Take<P> {
        let position = self.claim.next();
        self.this.offer.next.store(self.claim.advance(), Ordering::Relaxed);
        let lane = self.claim.lane();
        self.mark(JobId::at(Pool::<P, H, S>::known(lane), position));
        // SAFETY: the number is that of the lane of which the claim was made. This worker has been inside since then: it
        // leaves only with an empty claim, and makes another when it is back.
        unsafe { self.claim.take(self.pinned(), || self.pool.lane(lane), position) }
    }

    /// Finds a job or a claim when there is no claim, or one that stops, or something more urgent.
    #[inline(never)]
    fn find(&mut self) -> Find<P> {
        loop {
            let urgent = self.pool.next.urgent.load(Ordering::Relaxed);
            if S::ERRANDS && urgent & Line::ERRANDS != 0 && self.hears_of_errand() {
                return Find::Search;
            }
            let mut owes = false;
            if urgent & Pool::<P, H, S>::URGENT > 0 {
                owes = S::GATES && self.owes_a_turn();
                if !owes {
                    if let Some(found) = self.pop_urgent() {
                        return Find::Job(found);
                    }
                }
            }
            if !self.claim.stops() {
                if owes {
                    self.let_go_on();
                }
                return Find::Claim;
            }
            if self.has_hole() || !self.claim.is_empty() {
                if let Some(find) = self.go_on() {
                    return find;
                }
            }
            self.settle();
            if self.mind_timers() && !owes {
                continue;
            }
            if let Some(rest) = self.make_way() {
                return Find::Rest(rest);
            }
            let yields = S::GATES && mem::take(&mut self.turns.there().yields);
            if !yields {
                if let Some(find) = self.pop_line(true) {
                    return find;
                }
            }
            if self.pool.host.wake_cost() != 0 && self.watch.is_due && self.rescue() {
                return Find::Claim;
            }
            let aside = self.steps_aside();
            if !aside {
                if let Some(find) = self.find_farther() {
                    if owes && matches!(find, Find::Claim) {
                        self.let_go_on();
                    }
                    return find;
                }
            }
            if yields || owes {
                continue;
            }
            if let Some(find) = self.find_nothing(aside) {
                return find;
            }
        }
    }

    /// The claim is worked off.
    fn settle(&mut self) {
        if !S::Slots::COUNTS && self.pool.host.wake_cost() == 0 {
            return;
        }
        let taken = self.claim.count(self.pool.lane(self.claim.lane()));
        if taken > 0 {
            self.pace.claim_ended(self.pool.host.wake_cost(), taken, || self.pool.host.now());
            self.watch.is_due |= self.pace.is_time_to_look(self.pool.host.wake_cost(), taken);
            let short = self.is_short();
            if self.pool.host.wake_cost() != 0 && short != self.pool.state().is_short() {
                self.pool.change(|state| state.with_short(short));
            }
        }
    }

    /// Whether jobs take less time than a wake-up.
    #[inline(always)]
    fn is_short(&self) -> bool {
        self.pace.is_short(self.pool.host.wake_cost())
    }

    /// A job was found: whom to tell that there is more.
    #[inline(always)]
    fn announce(&mut self) -> Duty {
        if self.mode == Mode::Working && self.left.is_none() { Duty::Nothing } else { self.found() }
    }

    #[cold]
    #[inline(never)]
    fn found(&mut self) -> Duty {
        let mut left = self.left.take();
        self.round = 0;
        if self.counts_naps() {
            self.naps = 0;
        }
        if S::OWN_LANES {
            *self.idle.there() = blank!(Idle);
        }
        if self.mode == Mode::Searching {
            self.mode = Mode::Working;
            Edge::FIND.take(&self.pool.word);
            // Submits that counted on this search are visible now.
            left = None;
        }
        let state = self.pool.state();
        let cost = self.pool.host.wake_cost();
        // How much is left matters only where there is a measure; whether anything is, is asked below.
        let visible = || self.pool.visible_work();
        let left = if cost == 0 { 0 } else { self.claim.left() + left.unwrap_or_else(visible) };
        // A fixed pool has few seats to look at.
        let nobody = || S::OWN_LANES && state.with_short(false).calls_for(self.pool.size()) == Call::Nobody;
        if left == 0 && (nobody() || !self.pool.wants_somebody(self.pinned())) {
            return Duty::Nothing;
        }
        let awake = state.alive() - state.sleeping();
        if state.is_short() && state.is_napping() && !self.pace.is_worth_a_wake_up(cost, left, awake) {
            Duty::Nothing
        } else {
            self.pool.call_again(self.pinned())
        }
    }
}

impl<'p, P, H: Host, S: Storage<P>> Worker<'p, P, H, S> {
    /// Good while it is awake.
    #[inline(always)]
    fn pinned(&self) -> Pinned<'p> {
        debug_assert!(self.mode != Mode::Asleep, "a worker that sleeps is not inside");
        // SAFETY: a worker is counted as inside from `seated` until it is dropped, but for the times when it sleeps.
        unsafe { Pinned::new() }
    }
}

impl<P, H: Host, S: Storage<P>> Drop for Worker<'_, P, H, S> {
    /// Frees the seat. A worker that is dropped before it has ended, by a panic of its host, leaves its claim to the
    /// others, and to the next on its seat; its lane stays, and its job counts as failed. Others may have counted on its
    /// search: do what [`Pool::demand`] says then.
    fn drop(&mut self) {
        if self.mode != Mode::Gone {
            self.give_up();
        }
        self.pool.leave();
    }
}
