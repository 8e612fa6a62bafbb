//! The pool: everything that submitters, cancellers and workers share.
//!
//! It knows no thread. Each call that makes work returns a [`Duty`]: what the caller must now do so that the work is done.
//! [`Worker`](crate::Worker) is the other side.
//!
//! # Rules
//!
//! 1. Nothing is woken, run or dropped while the entries' or the sleepers' lock is held; the two are never held together.
//! 2. Whoever takes a payload out of a lane counts it with the lane (`finish`), and with the pool: as finished once it has
//!    been run, as removed if it will not run.
//! 3. The counts of entries (`urgent`, `timers`) mirror the entries and are written under their lock only.
//!
//! # Order: no lost wake-up
//!
//! A submitter *makes work visible* (moves a tail, raises a count), then *reads the word*. A worker *changes the word*
//! (gives up searching, goes to sleep, ends), then *looks for visible work*. All four are sequentially consistent, so in
//! their single order either the submitter sees the changed word and wakes, or the worker sees the work. The same holds
//! for a claimed range (offered by the exchange that claims it) against a worker that goes to sleep without a deadline,
//! for a new timer against a worker that sleeps until the next one, and for a change of phase.
//!
//! Visible work is more than what nobody has claimed: also what a worker has claimed and not begun, while it runs a long job,
//! waits in one, or was dropped; a position put aside, which is there once its producer has published it; and a timer that
//! no sleeper minds. Whoever stops to search, to work (`block`) or to exist looks for all of these. A position that is
//! put aside and still open counts as work, since its publication is no barrier: a worker that finds one naps.
//!
//! A submit that runs against a change of phase makes its job visible and then reads the phase. If the pool was closed
//! it tries to take the job back; if a worker was quicker, the job was accepted.

#[cfg(all(test, loom))]
mod loom;

use core::marker::PhantomData;

use lock_api::Mutex;

use crate::entries::Entries;
use crate::host::Host;
use crate::id::JobId;
use crate::lane::Lane;
use crate::seat::NO_SEAT;
use crate::sleepers::{Sleepers, Woken};
use crate::slots::Slots;
use crate::state::{ALIVE, BLOCKED, Call, MAX_WORKERS, Phase, SEARCHING, Size, State};
#[cfg(feature = "alloc")]
use crate::storage::Growing;
use crate::storage::{Fixed, Storage};
use crate::sync::{AtomicUsize, Ordering, Padded, const_unless_loom, seed};
use crate::wheel::Timing;

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

/// A submit that was refused gives the payload back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused<P> {
    /// No room at present.
    Full(P),
    /// The pool does not accept jobs.
    Closed(P),
}

impl<P> Refused<P> {
    /// The payload.
    pub fn into_inner(self) -> P {
        match self {
            Self::Full(payload) | Self::Closed(payload) => payload,
        }
    }

    /// The same refusal of something else.
    pub fn map<Q>(self, f: impl FnOnce(P) -> Q) -> Refused<Q> {
        match self {
            Self::Full(payload) => Refused::Full(f(payload)),
            Self::Closed(payload) => Refused::Closed(f(payload)),
        }
    }
}

/// What a payload is made of, at the last moment, in its slot.
///
/// Every payload is made of itself.
pub trait Pack<P>: Sized {
    /// Makes the payload.
    fn pack(self) -> P;

    /// Makes it undone, when the pool was closed just then. The payload is one that [`Pack::pack`] of this type has made.
    fn unpack(payload: P) -> Self;
}

impl<P> Pack<P> for P {
    #[inline(always)]
    fn pack(self) -> P {
        self
    }

    fn unpack(payload: P) -> Self {
        payload
    }
}

/// How many jobs are where. Read one after the other while the pool works, so only exact when it stands still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Workers that exist, those that are about to start included.
    pub alive: usize,
    /// Workers that run a job.
    pub busy: usize,
    /// Jobs that wait for a worker or run. Delayed and periodic jobs count while they are due.
    pub pending: usize,
    /// Delayed and periodic jobs that wait for their time.
    pub timers: usize,
}

/// The shared part of a pool. `P` is the payload of a job: a [`Task`](crate::Task), a plain `fn`, an enum.
// In this order: the words that most calls need come first, where the short instructions of a microcontroller reach them.
#[repr(C)]
pub struct Pool<P, H: Host, S: Storage<P>> {
    pub(crate) word: Padded<AtomicUsize>,
    /// Entries on the urgent stack: read by every worker before every job.
    pub(crate) urgent: Padded<AtomicUsize>,
    /// Entries in the wheel.
    pub(crate) timers: AtomicUsize,
    /// Entries that ever became due. With the lanes' tails: all the jobs that ever became pending.
    pub(crate) became_due: AtomicUsize,
    /// Pending jobs that were removed.
    pub(crate) removed: Padded<AtomicUsize>,
    /// Pending jobs that were run by a context without a seat.
    pub(crate) outside: AtomicUsize,
    pub(crate) sleepers: Mutex<H::Mutex, Sleepers>,
    pub(crate) entries: Mutex<H::Mutex, Entries<P, S::Slab>>,
    /// Who looks at slots that are not reserved for it: workers that are awake, cancellers, snapshots.
    inside: Padded<AtomicUsize>,
    pub(crate) host: H,
    pub(crate) storage: S,
    payload: PhantomData<fn(P) -> P>,
}

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    const_unless_loom! {
        /// A pool over any storage, without workers, for this many of them and of those that stand in.
        ///
        /// # Panics
        ///
        /// When `workers` is 0, or more in all than [`MAX_WORKERS`].
        const fn over(host: H, storage: S, workers: usize, spares: usize) -> Self {
            assert!(workers > 0, "a pool has at least one worker");
            assert!(workers <= MAX_WORKERS && spares <= MAX_WORKERS - workers, "a pool has at most MAX_WORKERS seats");
            Self {
                word: Padded(AtomicUsize::new(State::NEW.0)),
                urgent: Padded(AtomicUsize::new(0)),
                timers: AtomicUsize::new(0),
                became_due: AtomicUsize::new(0),
                removed: Padded(AtomicUsize::new(0)),
                outside: AtomicUsize::new(0),
                inside: Padded(AtomicUsize::new(0)),
                sleepers: Mutex::new(Sleepers::new()),
                entries: Mutex::new(Entries::new()),
                host,
                storage,
                payload: PhantomData,
            }
        }
    }

    /// The host that it was made with.
    pub fn host(&self) -> &H {
        &self.host
    }

    #[inline(always)]
    pub(crate) fn state(&self) -> State {
        let state = State(self.word.load(Ordering::SeqCst));
        // Without a measure no job is short: what there is for short jobs then vanishes.
        if self.host.wake_cost() == 0 { state.with_short(false) } else { state }
    }

    #[inline(always)]
    pub(crate) fn size(&self) -> Size {
        Size { target: self.storage.workers(), limit: self.storage.seats().len() }
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

    #[inline(always)]
    pub(crate) fn main(&self) -> &Lane<S::Slots> {
        &self.storage.lanes()[0]
    }

    /// The lane for jobs that the jobs of a seat submit.
    #[inline(always)]
    pub(crate) fn own_lane(&self, seat: usize) -> usize {
        if seat + 1 < self.storage.lanes().len() { seat + 1 } else { 0 }
    }

    #[inline(always)]
    pub(crate) fn lane(&self, lane: usize) -> &Lane<S::Slots> {
        &self.storage.lanes()[Self::known(lane)]
    }

    /// The number of a lane; where there is but one, the compiler knows it.
    #[inline(always)]
    pub(crate) fn known(lane: usize) -> usize {
        if S::OWN_LANES { lane } else { 0 }
    }

    /// The lane that was read in an offer or a hole, if it shows any.
    #[inline(always)]
    pub(crate) fn shown(lane: usize) -> Option<usize> {
        lane.checked_sub(1).map(Self::known)
    }

    /// Appends a job to the end of the queue.
    ///
    /// Takes a lock only to find a sleeper that is to be woken; may be called from an interrupt handler if the host's
    /// mutex masks interrupts.
    ///
    /// # Errors
    ///
    /// [`Refused`] with the payload: no room in fixed storage, or the pool is closed.
    pub fn submit(&self, payload: P) -> Result<(JobId, Duty), Refused<P>> {
        self.submit_packed(payload)
    }

    /// [`Pool::submit`] of something that becomes the payload in its slot, which saves a copy of a large payload.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit`].
    #[inline(always)]
    pub fn submit_packed<J: Pack<P>>(&self, job: J) -> Result<(JobId, Duty), Refused<J>> {
        if !self.state().is_running() {
            return Err(Refused::Closed(job));
        }
        let position = self.main().push(job).map_err(Refused::Full)?;
        let id = JobId::in_main(position);
        let state = self.state();
        if !state.is_running() {
            if let Some(payload) = self.take_back(position) {
                return Err(Refused::Closed(J::unpack(payload)));
            }
        }
        let duty = if state.calls_for(self.size()) == Call::Nobody { Duty::Nothing } else { self.call(false) };
        Ok((id, duty))
    }

    /// Appends a job on behalf of the job that runs on `seat`: to the lane of that worker, if it has one. Accepted while
    /// the pool drains, too.
    ///
    /// # Errors
    ///
    /// [`Refused`] with the payload: no room in fixed storage, or the pool is stopping.
    pub fn submit_from(&self, seat: usize, payload: P) -> Result<(JobId, Duty), Refused<P>> {
        self.submit_packed_from(seat, payload)
    }

    /// [`Pool::submit_from`] of something that becomes the payload in its slot.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit_from`].
    #[inline(always)]
    pub fn submit_packed_from<J: Pack<P>>(&self, seat: usize, job: J) -> Result<(JobId, Duty), Refused<J>> {
        if self.state().phase() == Phase::Stopping {
            return Err(Refused::Closed(job));
        }
        let lane = self.own_lane(seat);
        let position = self.lane(lane).push(job).map_err(Refused::Full)?;
        let state = self.state();
        // A pool that starts to stop just now sweeps the lanes, or this worker runs the job: no taking back.
        let duty = if state.calls_for(self.size()) == Call::Nobody { Duty::Nothing } else { self.call(false) };
        Ok((JobId::at(lane, position), duty))
    }

    #[cold]
    #[inline(never)]
    fn take_back(&self, position: usize) -> Option<P> {
        let payload = self.take_from_lane(0, position)?;
        self.count_removed(1);
        Some(payload)
    }

    /// Finds somebody for new work; `though_short`: even if a napper would look at short jobs by itself.
    #[cold]
    #[inline(never)]
    pub(crate) fn call(&self, though_short: bool) -> Duty {
        loop {
            let state = self.state();
            let short = state.is_short() && !though_short;
            match state.with_short(short).calls_for(self.size()) {
                Call::Nobody => return Duty::Nothing,
                Call::Sleeper => {
                    let mut sleepers = self.sleepers.lock();
                    // Again under the lock: of two callers one finds that somebody searches already.
                    if self.state().searching() > 0 {
                        return Duty::Nothing;
                    }
                    if let Some(seat) = self.pop_sleeper(&mut sleepers) {
                        return Duty::Wake(seat);
                    }
                }
                Call::Newcomer => {
                    let next = state.start().0;
                    if self.word.compare_exchange(state.0, next, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
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
        self.word.fetch_sub(ALIVE + SEARCHING, Ordering::SeqCst);
        let _inside = self.inside();
        if self.state().searching() > 0 || !self.wants_somebody() {
            return Duty::Nothing;
        }
        self.next_sleeper().map_or(Duty::Nothing, Duty::Wake)
    }

    /// Asks for a worker as a submit does, without new work: after a failed start, or to have one ready.
    pub fn demand(&self) -> Duty {
        self.call(true)
    }

    /// Whether there is work that a worker could begin: unclaimed or urgent.
    #[inline(never)]
    pub(crate) fn visible_work(&self) -> usize {
        let unclaimed: usize = self.storage.lanes().iter().map(Lane::unclaimed).sum();
        unclaimed + self.urgent.load(Ordering::SeqCst)
    }

    /// Whether there is something to do for one more worker: to begin a job, to take one over from somebody who has claimed
    /// it, to mind a timer. Asked by those who do not search any more, after they have said so. The caller is inside.
    #[inline(never)]
    pub(crate) fn wants_somebody(&self) -> bool {
        let unminded = || self.timers.load(Ordering::SeqCst) > 0 && !self.state().has_sentinel();
        self.visible_work() > 0 || unminded() || self.has_unstarted(NO_SEAT)
    }

    /// How many jobs are pending: see [`Counts::pending`]. When it says 0, there was a moment during the call at which
    /// nothing was pending.
    pub fn pending(&self) -> usize {
        // What has ended first: a job that becomes pending in between is then counted rather than missed.
        let gone = self.removed.load(Ordering::SeqCst).wrapping_add(self.ended());
        let due = self.became_due.load(Ordering::SeqCst);
        let submitted = self.storage.lanes().iter().fold(due, |sum, lane| sum.wrapping_add(lane.tail()));
        submitted.wrapping_sub(gone)
    }

    /// How many jobs have been run to their end; each run of a periodic job counts.
    pub fn ended(&self) -> usize {
        let outside = self.outside.load(Ordering::SeqCst);
        let finished = self.storage.seats().iter().map(|seat| seat.finished.load(Ordering::Acquire));
        finished.fold(outside, usize::wrapping_add)
    }

    /// The counts of this moment; O(workers).
    pub fn counts(&self) -> Counts {
        Counts {
            alive: self.state().alive(),
            busy: self.storage.seats().iter().filter(|seat| seat.is_busy()).count(),
            pending: self.pending(),
            timers: self.timers.load(Ordering::Relaxed),
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

    /// Takes one sleeper off the list; the caller must wake it.
    pub fn next_sleeper(&self) -> Option<usize> {
        self.pop_sleeper(&mut self.sleepers.lock())
    }

    fn pop_sleeper(&self, sleepers: &mut Sleepers) -> Option<usize> {
        let woken = sleepers.pop(self.storage.seats())?;
        self.wake_up(woken);
        Some(woken.seat)
    }

    /// A full barrier on the pool's word, for those who say that they wait until nothing is pending and then ask
    /// [`Pool::pending`]: a worker passes one after its last job and then asks who waits, so one of the two sees the other.
    pub fn barrier(&self) {
        self.word.fetch_add(0, Ordering::SeqCst);
    }

    /// The caller's job is about to wait for something: another worker may stand in for this one. Returns the duty to get
    /// one, or `None` when all workers wait already and there is no seat left: then nobody could end the wait.
    pub fn block(&self) -> Option<Duty> {
        let mut seen = self.state();
        loop {
            if seen.blocked() + 1 >= seen.alive() && seen.alive() >= self.size().limit {
                return None;
            }
            let next = seen.0 + BLOCKED;
            match self.word.compare_exchange_weak(seen.0, next, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => seen = State(now),
            }
        }
        Some(if self.wants_somebody() { self.call(true) } else { Duty::Nothing })
    }

    /// The wait is over.
    pub fn unblock(&self) {
        self.word.fetch_sub(BLOCKED, Ordering::SeqCst);
    }

    /// A visitor begins to look at slots.
    pub(crate) fn enter(&self) {
        if S::Slots::TRIMS {
            self.inside.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn leave(&self) {
        if S::Slots::TRIMS {
            self.inside.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Pending jobs will not run, or not as ones of the pool.
    #[inline(never)]
    pub(crate) fn count_removed(&self, jobs: usize) {
        self.removed.fetch_add(jobs, Ordering::SeqCst);
    }

    /// Gives back memory of the lanes that was not needed lately, if nobody is inside.
    pub(crate) fn trim(&self) {
        self.storage.lanes().iter().for_each(|lane| lane.slots().trim(&self.inside));
    }
}

impl<P: Send, H: Host, const JOBS: usize, const TIMERS: usize, const WORKERS: usize, W: Timing>
    Pool<P, H, Fixed<P, JOBS, TIMERS, WORKERS, W>>
{
    const_unless_loom! {
        /// A pool of fixed capacity for `WORKERS` workers, without an allocator; usable in a `static`. There are no workers
        /// yet.
        ///
        /// # Panics
        ///
        /// When `WORKERS` is 0 or larger than [`MAX_WORKERS`]; in a `static`, at compile time.
        pub const fn fixed(host: H) -> Self {
            Self::over(host, Fixed::new(), WORKERS, 0)
        }
    }
}

#[cfg(feature = "alloc")]
impl<P: Send, H: Host> Pool<P, H, Growing<P, H::Mutex>> {
    /// A pool that grows, for `workers` workers at the same time, and `spares` more that stand in for workers whose job
    /// waits for another. There are no workers yet.
    ///
    /// # Panics
    ///
    /// When `workers` is 0, or the sum larger than [`MAX_WORKERS`].
    pub fn growing(host: H, workers: usize, spares: usize) -> Self {
        Self::over(host, Growing::new(workers, spares), workers, spares)
    }
}
