//! The pool: everything that submitters, cancellers and workers share.
//!
//! It knows no thread. Each call that makes work returns a [`Duty`]: what the caller must now do so that the work is done.
//! [`Worker`](crate::Worker) is the other side.
//!
//! | file | what is in it |
//! |---|---|
//! | `batch` | several jobs at once |
//! | `lanes` | jobs from outside in the lanes of workers |
//! | `call` | whom work calls for: starts, wake-ups, waits inside jobs, pauses |
//! | `account` | what was accepted, where it is, and how it ended |
//! | `staffing` | how many workers there are to be |
//! | `timed` | timed and urgent jobs |
//! | `gated` | jobs at gates |
//! | `forks` | halves of joins |
//! | `errands` | what every worker is to do once |
//! | `reach` | jobs by their id: cancelling, taking, listing |
//! | `quiet` | whether anybody does anything |
//!
//! # Rules
//!
//! 1. Nothing is woken, run or dropped while the entries' or the sleepers' lock is held; the two are never held together.
//! 2. Whoever takes a payload out of a lane counts it with the lane (`finish`), and with the pool: as ended once it has
//!    been run, as removed if it will not run.
//! 3. The words that mirror the entries are written under their lock only.
//!
//! # Order: no lost wake-up
//!
//! A submitter *makes work visible* (moves a tail, raises a count), then *reads the word*. A worker *changes the word*
//! (gives up searching, goes to sleep, ends), then *looks for visible work*. All four are sequentially consistent, so in
//! their single order either the submitter sees the changed word and wakes, or the worker sees the work. The same holds
//! for a claimed range (offered by the exchange that claims it) against a worker that goes to sleep without a deadline,
//! for a new timer against a worker that sleeps until the next one, and for a change of phase.
//!
//! A fork is visible work, too: an owner shows it, then reads the word.
//!
//! Visible work is more than what nobody has claimed: also what a worker has claimed and not begun, while it runs a long job,
//! waits in one, or was dropped; a position put aside, which is there once its producer has published it; and a timer that
//! no sleeper minds. Whoever stops to search, to work (`block`) or to exist looks for all of these.
//!
//! Who steps aside (see `worker`) goes to sleep with work in sight, where its own change of the word says that a submit would call
//! nobody either: jobs are short, somebody works, and one who naps will look. All three are in the word, so the last one to
//! change it sees when they are not so any more: who gets up from a nap, or stops to work, looks himself.
//!
//! A publication is no barrier: a producer may publish, read the word as it was before, and be seen to have published only
//! later. While nobody has claimed its position that is no matter, for its tail was moved by one. Who has claimed it may run
//! a long job before it, or has put it aside; so a position that is claimed or put aside and *open*, published or not, counts
//! as work: who is about to sleep naps instead, until it is there or gone.
//!
//! A submit that runs against a change of phase makes its job visible and then reads the phase. If the pool was closed
//! it tries to take the job back; if a worker was quicker, the job was accepted.

mod account;
mod batch;
mod call;
mod errands;
mod forks;
mod gated;
mod lanes;
#[cfg(all(test, loom))]
mod loom;
mod quiet;
mod reach;
#[cfg(feature = "alloc")]
mod staffing;
mod timed;
#[cfg(feature = "alloc")]
mod times;

use core::marker::PhantomData;
use core::mem;

use lock_api::Mutex;

pub use self::account::{Account, Counts, Discrepancy};
pub use self::call::Duty;
pub use self::gated::{Exempt, Gate, Gated, MAX_GATES, Start, WITHOUT_END};

pub use self::reach::{Cancelled, Taken};
use crate::end::Ends;
use crate::entries::{Entries, Gating, PAUSED};
use crate::host::Host;
use crate::id::JobId;
use crate::lane::Lane;
use crate::pack::{Pack, Refused};
use crate::part::{Blank, Part};
use crate::pinned::Inside;
use crate::seat::Seat;
use crate::sleepers::Sleepers;
use crate::slots::Slots;
use crate::state::{Call, MAX_WORKERS, State};
#[cfg(feature = "alloc")]
use crate::storage::Growing;
use crate::storage::{Fixed, Storage};
use crate::sync::{AtomicUsize, Ordering, Padded, blank, const_blank, const_unless_loom};
use crate::wheel::Timing;

/// What every worker looks at before each job or each claim, and only changes of the entries write.
#[derive(Debug)]
pub(crate) struct Next<G: Gating> {
    /// Entries on the urgent stack, and [`Line::ERRANDS`].
    pub(crate) urgent: AtomicUsize,
    pub(crate) line: G::Only<Line>,
}

/// The line of those that gates have let through.
#[derive(Debug)]
pub(crate) struct Line {
    /// As [`Entries`] say.
    pub(crate) patient: AtomicUsize,
    /// The position of the main lane whose turn comes after that of its first one.
    pub(crate) turn: AtomicUsize,
    /// How often there was an errand.
    pub(crate) errands: AtomicUsize,
}

impl<G: Gating> Next<G> {
    /// Whether nothing may begin.
    #[inline(always)]
    pub(crate) fn is_paused(&self, order: Ordering) -> bool {
        self.line.get().is_some_and(|line| line.patient.load(order) & PAUSED != 0)
    }
}

impl Line {
    /// The bit of [`Next::urgent`] that says that there are errands: workers look there before each job.
    pub(crate) const ERRANDS: usize = !(usize::MAX >> 1);
}

impl Blank for Line {
    const_blank! {
        #[allow(clippy::declare_interior_mutable_const, reason = "made anew wherever it is named")]
        const BLANK: Self = Self { patient: AtomicUsize::new(0), turn: AtomicUsize::new(0), errands: AtomicUsize::new(0) };
    }
}

/// The shared part of a pool. `P` is the payload of a job: a [`Task`](crate::Task), a plain `fn`, an enum.
// In this order: the words that most calls need come first, where the short instructions of a microcontroller reach them.
#[repr(C)]
pub struct Pool<P, H: Host, S: Storage<P>> {
    pub(crate) word: Padded<AtomicUsize>,
    pub(crate) next: Padded<Next<S::Gating>>,
    /// Entries in the wheel: what somebody has to mind.
    timers: AtomicUsize,
    /// Turns of entries that ever became pending and were not removed. With the lanes' tails: all that ever did.
    came: AtomicUsize,
    outside: Padded<Outside<S::Gating>>,
    pub(crate) sleepers: Mutex<H::Mutex, Sleepers>,
    pub(crate) entries: Mutex<H::Mutex, Entries<P, S::Slab>>,
    /// Who looks at slots that are not reserved for it: workers that are awake, cancellers, snapshots.
    inside: Padded<<S::Slots as Slots<P>>::Inside>,
    pub(crate) host: H,
    pub(crate) storage: S,
    payload: PhantomData<fn(P) -> P>,
}

/// What those have done with jobs who have no seat.
#[derive(Debug)]
struct Outside<G: Gating> {
    /// Runs that have ended.
    ended: Ends<G>,
    /// Jobs that were taken to be run.
    taken: G::Only<AtomicUsize>,
    /// Jobs of lanes that were removed.
    removed: AtomicUsize,
    /// Jobs that were given back to who had submitted them. Without gates nobody asks, and they count as removed.
    handed_back: G::Only<AtomicUsize>,
}

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// What of [`Next::urgent`] is the number of entries.
    pub(crate) const URGENT: usize = if S::ERRANDS { !Line::ERRANDS } else { usize::MAX };

    const_unless_loom! {
        /// A pool over any storage, without workers, for this many of them and of those that stand in.
        ///
        /// # Panics
        ///
        /// When `workers` is 0, or more in all than [`MAX_WORKERS`].
        const fn over(host: H, storage: S, workers: usize, spares: usize) -> Self {
            assert!(workers > 0 || spares > 0, "a pool has at least one worker");
            assert!(workers <= MAX_WORKERS && spares <= MAX_WORKERS - workers, "a pool has at most MAX_WORKERS seats");
            Self {
                word: Padded(AtomicUsize::new(State::NEW.0)),
                next: Padded(Next {
                    urgent: AtomicUsize::new(0),
                    line: blank!(<S::Gating as Gating>::Only<Line>),
                }),
                timers: AtomicUsize::new(0),
                came: AtomicUsize::new(0),
                outside: Padded(Outside {
                    ended: Ends::new(),
                    taken: blank!(<S::Gating as Gating>::Only<AtomicUsize>),
                    removed: AtomicUsize::new(0),
                    handed_back: blank!(<S::Gating as Gating>::Only<AtomicUsize>),
                }),
                inside: Padded(blank!(<S::Slots as Slots<P>>::Inside)),
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

    /// Says where its parts lie: their names, addresses and bytes.
    #[cfg(simulated)]
    pub fn name_parts(&self, say: &mut dyn FnMut(&'static str, usize, usize)) {
        use crate::sync::simulated::name;
        name(say, "word", &self.word);
        name(say, "urgent", &self.next);
        name(say, "timers", &self.timers);
        name(say, "came", &self.came);
        name(say, "outside", &self.outside);
        name(say, "sleepers", &self.sleepers);
        name(say, "entries", &self.entries);
        name(say, "inside", &self.inside);
        self.storage.lanes().iter().for_each(|lane| lane.name_parts(say));
        self.storage.seats().iter().for_each(|seat| seat.name_parts(say));
        self.storage.desks().iter().for_each(|desk| desk.name_parts(say));
    }

    #[inline(always)]
    pub(crate) fn state(&self) -> State {
        let state = State(self.word.load(Ordering::SeqCst));
        // Without a measure no job is short: what there is for short jobs then vanishes.
        if self.host.wake_cost() == 0 { state.with_short(false) } else { state }
    }

    /// Whether jobs take less time than a wake-up; never without a measure.
    #[inline(always)]
    pub(crate) fn is_short(&self) -> bool {
        self.host.wake_cost() != 0 && self.state().is_short()
    }

    #[inline(always)]
    pub(crate) fn main(&self) -> &Lane<S::Slots> {
        &self.storage.lanes()[0]
    }

    /// The lane for jobs that the jobs of a seat submit; the main one for no seat.
    #[inline(always)]
    pub(crate) fn own_lane(&self, seat: usize) -> usize {
        let lane = seat.wrapping_add(1);
        if lane < self.storage.lanes().len() { lane } else { 0 }
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

    /// The seats that were ever taken.
    pub(crate) fn seats(&self) -> &[Seat<S::Gating>] {
        // First how many: before one is taken it is made.
        let used = self.storage.used_seats();
        &self.storage.seats()[..used]
    }

    /// Takes a free seat, which is made if there is none yet; `None` if there may not be more.
    pub(crate) fn take_seat(&self) -> Option<usize> {
        let free = |seat: &Seat<S::Gating>| !seat.taken.swap(true, Ordering::Acquire);
        loop {
            let seats = self.storage.seats();
            if let Some(seat) = seats.iter().position(free) {
                self.storage.use_seat(seat);
                return Some(seat);
            }
            if !self.storage.more_seats(seats.len()) {
                return None;
            }
        }
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
    ///
    /// # Panics
    ///
    /// Passes on a panic of [`Pack::pack`]; the job was not accepted then.
    #[inline(always)]
    pub fn submit_packed<J: Pack<P>>(&self, job: J) -> Result<(JobId, Duty), Refused<J>> {
        self.submit_packed_by(None, job)
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

    /// [`Pool::submit_from`] of something that becomes the payload in its slot. `seat` may be [`NO_SEAT`](crate::NO_SEAT),
    /// for who is no worker and yet acts for the pool.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit_from`].
    ///
    /// # Panics
    ///
    /// As [`Pool::submit_packed`].
    #[inline(always)]
    pub fn submit_packed_from<J: Pack<P>>(&self, seat: usize, job: J) -> Result<(JobId, Duty), Refused<J>> {
        self.submit_packed_by(Some(seat), job)
    }

    /// [`Pool::submit_packed`], or with a seat [`Pool::submit_packed_from`].
    ///
    /// # Errors
    ///
    /// As theirs.
    ///
    /// # Panics
    ///
    /// As [`Pool::submit_packed`].
    #[inline(always)]
    pub fn submit_packed_by<J: Pack<P>>(&self, seat: Option<usize>, job: J) -> Result<(JobId, Duty), Refused<J>> {
        // Each way for itself, to its end: where they met, a submit was a tenth slower.
        if let Some(seat) = seat {
            if !self.state().takes_nested() {
                return Err(Refused::Closed(job));
            }
            let lane = self.own_lane(seat);
            let position = self.push(lane, job).map_err(Refused::Full)?;
            // Not taken back: a pool that starts to stop just now sweeps the lanes, or this worker runs the job.
            return Ok((JobId::at(lane, position), self.wake_for_one(self.state())));
        }
        self.submit_outside(0, job)
    }

    /// A job was published. Returns what is to be done about it.
    #[inline(always)]
    fn wake_for_one(&self, state: State) -> Duty {
        if state.calls_for(self.size()) == Call::Nobody { Duty::Nothing } else { self.call(false) }
    }

    /// Reserves a position, and publishes the job there. `Err` when the store is full.
    #[inline(always)]
    fn push<J: Pack<P>>(&self, lane: usize, job: J) -> Result<usize, J> {
        let slots = self.lane(lane).slots();
        let Some(position) = self.lane(lane).reserve() else { return Err(job) };
        let reserved = Reserved { pool: self, lane, position };
        // SAFETY: just reserved, and published once.
        unsafe { slots.publish(position, job) };
        mem::forget(reserved);
        Ok(position)
    }

    /// A reserved position, where nothing was published, becomes one that was.
    #[cold]
    #[inline(never)]
    fn give_up(&self, lane: usize, position: usize) {
        let slots = self.lane(lane).slots();
        // SAFETY: by `Reserved`: the one attempt to publish has panicked, or there was none.
        unsafe { slots.give_up(position) };
        slots.finish(position, 1);
        self.count_handed_back();
    }

    #[cold]
    #[inline(never)]
    fn take_back(&self, lane: usize, position: usize) -> Option<P> {
        let payload = self.take_from_lane(lane, position)?;
        self.count_handed_back();
        Some(payload)
    }

    pub(crate) fn inside(&self) -> Inside<'_, P, H, S> {
        Inside::new(self)
    }

    /// A visitor begins to look at slots.
    pub(crate) fn enter(&self) {
        if let Some(inside) = self.inside.get() {
            inside.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn leave(&self) {
        if let Some(inside) = self.inside.get() {
            inside.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Gives back memory that was not needed lately; that of entries only if it is `long` that nothing was. Returns whether
    /// there would be more to give back after such a time.
    pub(crate) fn trim(&self, long: bool) -> bool {
        let trim = |inside| self.storage.lanes().iter().fold(false, |more, lane| lane.slots().trim(inside) | more);
        let lanes = self.inside.get().is_some_and(trim);
        lanes | self.trim_entries(long) | self.host.trim(long)
    }
}

/// A position whose job has not been published. Dropped: who packs has panicked, and the position is given up.
struct Reserved<'p, P, H: Host, S: Storage<P>> {
    pool: &'p Pool<P, H, S>,
    lane: usize,
    position: usize,
}

impl<P, H: Host, S: Storage<P>> Drop for Reserved<'_, P, H, S> {
    // Not the whole of it: it would have to have an address, and so be stored by each submit.
    #[inline(always)]
    fn drop(&mut self) {
        self.pool.give_up(self.lane, self.position);
    }
}

impl<P: Send, H: Host, const JOBS: usize, const TIMERS: usize, const WORKERS: usize, W: Timing, G: Gating>
    Pool<P, H, Fixed<P, JOBS, TIMERS, WORKERS, W, G>>
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
    /// waits for another. There are no workers yet. With 0 `workers` nobody works but who [visits](Pool::visit).
    ///
    /// # Panics
    ///
    /// When both are 0, or the sum larger than [`MAX_WORKERS`].
    pub fn growing(host: H, workers: usize, spares: usize) -> Self {
        Self::over(host, Growing::new(workers, spares, false), workers, spares)
    }

    /// The same, where it may take long until a worker that was asked for can search: others are asked for meanwhile.
    ///
    /// # Panics
    ///
    /// As [`Pool::growing`].
    pub fn growing_eager(host: H, workers: usize, spares: usize) -> Self {
        Self::over(host, Growing::new(workers, spares, true), workers, spares)
    }
}
