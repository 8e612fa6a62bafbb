//! Jobs that do not wait in a lane: an addressable slab, a wheel for those that wait for their time, rings for those that
//! wait at a gate, a stack and a line for those that are next.
//!
//! Single-threaded: the pool keeps it behind its raw mutex. Nothing user-written runs or is dropped in here: every payload
//! is handed back.
//!
//! ```text
//!          put               expire              gates let through            pop
//! Free ──┬──────► Waiting ───┬────────► Due  ◄── (what has no gate)      ─────────┐
//!   ▲    │         ▲  ▲ │    │                                                    ▼
//!   │    │  finish │  │ └park│                                                 Running ── cancel ──► Cancelled
//!   │    │         │  │      └────────► Gated ──────────► Ready ─────────────► (or Free, if it     (or park)
//!   │    ├─────────┼──┼──────────────────▲ ▲                                   runs once and        │
//!   │    └─────────┼──┼──► Due           │ └────────── back ───────────────────  has no gate)       │
//!   │              │ unpark              │                                        │                 │
//!   │              │  Parked ◄───────────┼──────────── finish, if it is to park ──┤                 │
//!   │              └─────────────────────┼──────────── finish ────────────────────┤                 │
//!   └── cancel (Waiting, Parked, Gated, Due, Ready); leave, finish ───────────────┴─────────────────┘
//! ```
//!
//! Rules:
//!
//! 1. The payload is in its entry exactly while the state is `Waiting`, `Parked`, `Gated`, `Due` or `Ready`.
//! 2. `Waiting` is in the wheel, `Gated` in the ring of one gate, `Due` on the stack, `Ready` in the line; `Free` is in the
//!    free list or never was used (`fresh` and above).
//! 3. A stamp is given at insertion and stays until the entry is free: a key of an earlier tenant never matches. Stamps
//!    repeat after as many insertions as there are `usize`s.
//! 4. Each turn is counted where it comes and where it is removed: as `accepted` at insertion, and once more for each next run
//!    of a periodic job; among those that `came` when it is pending, that is, neither waits for its time nor is parked; as
//!    `cancelled` when it is removed. What begins is counted elsewhere.
//!
//! Gates are in `gate`.
//!
//! # What is promised
//!
//! [`Gates`] and [`NoGates`] are there to be named, in the type of a pool, and so is what the crate re-exports. All else is public because
//! [`Storage`](crate::Storage) names it, and is no part of what a version promises: it changes as the pool does.
#![forbid(unsafe_code)]

use core::marker::PhantomData;
#[cfg(test)]
use core::num::NonZeroU64;

use crate::host::Tick;
use crate::part::{Blank, Part};
use crate::period::Repeat;
use crate::priority::Shares;
use crate::sync::{blank, const_blank, const_unless_loom};
use crate::wheel::{Head, List, NONE, Timing};

mod ends;
mod gate;
#[cfg(test)]
mod gate_model;
#[cfg(test)]
mod gate_tests;
mod line;
#[cfg(test)]
mod model_tests;
mod moving;
mod names;
mod passing;
mod slab;
#[cfg(test)]
mod tests;
mod trim;
mod visit;

pub use gate::{At, Exempt};
pub(crate) use gate::{MAX_GATES, WITHOUT_END};
pub(crate) use names::Entering;
pub use names::{Cancel, Key, Kind, Kinds, NotMoved, Popped, State, Stays, View};
use slab::Marks;
pub use slab::{Body, FixedSlab, Gates, Gating, NoGates, Slab, Tag};
#[cfg(feature = "alloc")]
pub use slab::{GrowingSlab, Need, Room, Surplus};
pub(crate) use trim::Trim;
pub use visit::{Step, Until};

/// The timed, urgent and gated jobs with payload `P`, stored in `S`.
///
/// ```
/// use fastthreadpool_core::Tick;
/// use fastthreadpool_core::entries::{Cancel, Entries, FixedSlab};
///
/// let mut entries = Entries::<&str, FixedSlab<&str, 4>>::new();
/// let tea = entries.insert(0, "tea", Tick(500), None).unwrap();
/// entries.insert(1, "eggs", Tick(300), None).unwrap();
/// assert_eq!(entries.next_deadline(), Some(Tick(300)));
/// entries.expire(Tick(310));
/// assert_eq!(entries.pop().unwrap().payload, "eggs");
/// assert_eq!(entries.cancel(tea), Cancel::Removed("tea"));
/// assert!(entries.is_empty());
/// ```
#[derive(Debug)]
// The numbers first, the entries after them: see the pool.
#[repr(C)]
pub struct Entries<P, S: Slab<P>> {
    wheel: S::Wheel,
    /// The urgent stack, its top first.
    stack: List,
    /// The head of the free list, through `next`.
    free: Head,
    /// From here on no entry was ever used.
    fresh: u32,
    waiting: u32,
    due: u32,
    running: u32,
    /// For the next insertion.
    stamp: usize,
    came: usize,
    yard: <S::Gating as Gating>::Only<Yard>,
    slab: S,
    payloads: PhantomData<P>,
}

/// One more in the line: see [`Entries::patient`].
pub(crate) const PATIENT: usize = 4;
/// Nothing is to be popped.
pub(crate) const PAUSED: usize = 1;
/// There are errands: see [`Pool::begin_errands`](crate::Pool::begin_errands).
pub(crate) const ERRANDS: usize = 2;

/// What entries keep only where there are gates.
#[derive(Debug)]
struct Yard {
    /// Those that may begin, by their class, the oldest first; of the normal class those that gates have let through.
    lines: [List; 3],
    shares: Shares,
    /// So many times [`PATIENT`] as there are in the line, and what of [`PAUSED`] and [`ERRANDS`] holds.
    patient: usize,
    gated: u32,
    parked: u32,
    /// Of those that wait, how many are no jobs.
    alarms: u32,
    gates: u32,
    accepted: usize,
    cancelled: usize,
}

impl Blank for Yard {
    const_blank! {
        const BLANK: Self = Self {
            lines: [List::EMPTY, List::EMPTY, List::EMPTY],
            shares: Shares::NEW,
            patient: 0,
            gated: 0,
            parked: 0,
            alarms: 0,
            gates: 0,
            accepted: 0,
            cancelled: 0,
        };
    }
}

impl<P, S: Slab<P>> Default for Entries<P, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P, S: Slab<P>> Entries<P, S> {
    const GATES: bool = <S::Gating as Gating>::GATES;

    const_unless_loom! {
    /// Empty. Fixed storage makes it usable in a `static`.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            wheel: S::Wheel::EMPTY,
            stack: List::EMPTY,
            free: Head::EMPTY,
            fresh: 0,
            waiting: 0,
            due: 0,
            running: 0,
            stamp: 0,
            came: 0,
            yard: blank!(<S::Gating as Gating>::Only<Yard>),
            slab: S::EMPTY,
            payloads: PhantomData,
        }
    }
    }

    /// What to allocate before the next insertion, if storage is full and grows. Release the lock,
    /// [allocate](Slab::allocate), lock, [add](Self::add_room), and ask again: others may have been faster.
    pub fn needs_room(&self) -> Option<S::Need> {
        if self.free.get() == NONE && self.fresh == self.slab.capacity() { self.slab.need() } else { None }
    }

    /// Adds room, if it still is needed. What is left is to be dropped with no lock held.
    #[must_use = "to be dropped with no lock held"]
    pub fn add_room(&mut self, room: S::Room) -> S::Room {
        if self.needs_room().is_some() { self.slab.grow(room) } else { room }
    }

    /// Puts a job on top of the urgent stack: the next one to be popped.
    ///
    /// # Errors
    ///
    /// The payload, if there is no room.
    pub fn push_urgent(&mut self, order: usize, payload: P) -> Result<Key, P> {
        self.put(Kind::Urgent, order, payload, Tick::ZERO, None)
    }

    /// Lets a job wait until `due`. If that has passed, it is due at the next [`Entries::expire`]; if it is
    /// [`Tick::MAX`], never.
    ///
    /// # Errors
    ///
    /// The payload, if there is no room.
    pub fn insert(&mut self, order: usize, payload: P, due: Tick, repeat: Option<Repeat>) -> Result<Key, P> {
        let kind = if repeat.is_some() { Kind::Periodic } else { Kind::Delayed };
        self.put(kind, order, payload, due, repeat)
    }

    /// Puts in a job of any kind that needs no gate; `due` means nothing for an urgent one.
    #[inline]
    pub(crate) fn put(
        &mut self,
        kind: Kind,
        order: usize,
        payload: P,
        due: Tick,
        repeat: Option<Repeat>,
    ) -> Result<Key, P> {
        let state = if kind == Kind::Urgent { State::Due } else { State::Waiting };
        let key = self.claim_job(order, payload, state, kind, repeat)?;
        self.count_accepted();
        if kind == Kind::Urgent {
            self.count_arrived(1);
            self.push(key.index);
        } else {
            self.wheel.insert(&mut self.slab, key.index, due);
            self.waiting += 1;
        }
        Ok(key)
    }

    /// Puts it on top of the stack.
    fn push(&mut self, n: u32) {
        let below = self.stack.first();
        self.slab.link_mut(n).set_deadline(Tick::ZERO);
        self.stack.join(&mut self.slab, NONE, n);
        self.stack.join(&mut self.slab, n, below);
        self.due += 1;
    }

    /// Moves what is due from the wheel to its gate, or to the top of the urgent stack, the earliest topmost. Returns how
    /// many that were.
    pub fn expire(&mut self, now: Tick) -> usize {
        let below = self.stack.first();
        let (mut last, mut moved, mut turns, mut gated) = (NONE, 0, 0, 0);
        while let Some(n) = self.wheel.expire(&mut self.slab, now) {
            if !self.is_special(n) {
                turns += 1;
            } else if let Some(special) = self.expire_special(n) {
                turns += special;
            } else {
                gated += 1;
                continue;
            }
            self.slab.link_mut(n).tag.state = State::Due;
            self.stack.join(&mut self.slab, last, n);
            last = n;
            moved += 1;
        }
        self.stack.join(&mut self.slab, last, below);
        self.due += moved;
        self.waiting -= moved + gated;
        self.count_arrived(turns);
        (moved + gated) as usize
    }

    /// Whether it is an alarm, belongs to a gate, or is to be parked.
    #[inline(always)]
    fn is_special(&self, n: u32) -> bool {
        Self::GATES && self.slab.link(n).tag.marks.any()
    }

    /// Takes the top of the urgent stack, to run it.
    pub fn pop(&mut self) -> Option<Popped<P>> {
        self.has_top().then(|| self.pop_top())
    }

    /// Whether there is one.
    pub(crate) fn has_top(&self) -> bool {
        self.stack.first() != NONE && !self.is_paused()
    }

    /// [`Entries::pop`], where there is one.
    pub(crate) fn pop_top(&mut self) -> Popped<P> {
        let n = self.stack.first();
        self.unstack(n);
        self.begin(n)
    }

    /// The payload goes out to run.
    fn begin(&mut self, n: u32) -> Popped<P> {
        let due = self.slab.link(n).deadline();
        let special = if self.is_special(n) { self.stays(n) } else { Stays::No };
        let body = self.slab.body_mut(n);
        let (key, order) = (Key { index: n, stamp: body.stamp }, body.order);
        let stays = if body.period != 0 { Stays::Repeats } else { special };
        let payload = Self::payload(body);
        if matches!(stays, Stays::No | Stays::Alarm) {
            self.release(n);
        } else {
            self.slab.link_mut(n).tag.state = State::Running;
            self.running += 1;
        }
        Popped { payload, key, order, due, stays }
    }

    /// The earliest deadline in the wheel, or a time before it at which to expire and ask again: see
    /// [`Timing::next_deadline`]. Cheap when nothing was removed since it was asked last.
    pub fn next_deadline(&mut self) -> Option<Tick> {
        self.wheel.next_deadline(&self.slab)
    }

    /// How many are in the wheel, alarms too.
    pub const fn waiting(&self) -> usize {
        self.waiting as usize
    }

    /// How many jobs are in the wheel.
    pub fn timed(&self) -> usize {
        self.waiting as usize - self.yard(|yard| yard.alarms) as usize
    }

    /// How many are on the urgent stack.
    pub const fn due(&self) -> usize {
        self.due as usize
    }

    /// How many are in the line.
    pub fn ready(&self) -> usize {
        self.patient() / PATIENT
    }

    /// Twice that; one more while nothing is popped.
    pub(crate) fn patient(&self) -> usize {
        self.yard(|yard| yard.patient)
    }

    /// How many are in the rings of gates.
    pub fn gated(&self) -> usize {
        self.yard(|yard| yard.gated) as usize
    }

    /// How many are parked.
    pub fn parked(&self) -> usize {
        self.yard(|yard| yard.parked) as usize
    }

    /// How many jobs there are, running ones that stay too.
    pub fn len(&self) -> usize {
        let still = self.waiting as usize + self.gated() + self.parked();
        still + self.due as usize + self.ready() + self.running as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Turns that ever became pending, and were not removed since. Wraps, as the others do.
    pub(crate) const fn came(&self) -> usize {
        self.came
    }

    /// Turns that were ever accepted; kept only where there are gates, as is the next.
    pub(crate) fn accepted(&self) -> usize {
        self.yard(|yard| yard.accepted)
    }

    /// Turns that were removed before they began.
    pub(crate) fn cancelled(&self) -> usize {
        self.yard(|yard| yard.cancelled)
    }

    /// Whether nothing is popped.
    pub(crate) fn is_paused(&self) -> bool {
        self.patient() & PAUSED != 0
    }

    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.set_patient(PAUSED, paused);
    }

    /// Whether there are errands.
    pub(crate) fn has_errands(&self) -> bool {
        self.patient() & ERRANDS != 0
    }

    pub(crate) fn set_errands(&mut self, errands: bool) {
        self.set_patient(ERRANDS, errands);
    }

    fn set_patient(&mut self, bit: usize, set: bool) {
        let patient = &mut self.yard.there().patient;
        *patient = if set { *patient | bit } else { *patient & !bit };
    }

    /// A number of the yard; 0 where there are no gates.
    #[inline(always)]
    fn yard<N: Default>(&self, number: impl FnOnce(&Yard) -> N) -> N {
        self.yard.get().map_or(N::default(), number)
    }

    /// The state of the entry that `key` names: free, if that is gone.
    #[inline]
    fn state(&self, key: Key) -> State {
        let is_there = key.index < self.fresh && self.slab.body(key.index).stamp == key.stamp;
        if is_there { self.slab.link(key.index).tag.state } else { State::Free }
    }

    /// A free entry, if there is one, and its name; its body has no payload yet. Of a gate the period is its room.
    #[inline]
    fn claim(&mut self, order: usize, period: u64) -> Option<(Key, &mut Body<P, S::Gating>)> {
        let free = self.free.get();
        let n = if free != NONE {
            self.free = Head::at(self.slab.link(free).next);
            free
        } else if self.fresh < self.slab.capacity() {
            self.fresh += 1;
            self.fresh - 1
        } else {
            return None;
        };
        let stamp = self.stamp;
        self.stamp = stamp.wrapping_add(1);
        let body = self.slab.body_mut(n);
        body.stamp = stamp;
        body.order = order;
        body.period = period;
        Some((Key { index: n, stamp }, body))
    }

    /// The same for a job.
    #[inline(always)]
    fn claim_job(
        &mut self,
        order: usize,
        payload: P,
        state: State,
        kind: Kind,
        repeat: Option<Repeat>,
    ) -> Result<Key, P> {
        let Some((key, body)) = self.claim(order, repeat.map_or(0, Repeat::period)) else { return Err(payload) };
        body.payload.fill(payload);
        self.slab.link_mut(key.index).tag.fill(state, kind, repeat);
        Ok(key)
    }

    /// A turn was accepted. Kept only where somebody asks for it.
    #[inline(always)]
    fn count_accepted(&mut self) {
        if Self::GATES {
            let accepted = &mut self.yard.there().accepted;
            *accepted = accepted.wrapping_add(1);
        }
    }

    /// Turns are pending from now on.
    #[inline(always)]
    fn count_arrived(&mut self, turns: usize) {
        self.came = self.came.wrapping_add(turns);
    }

    /// A turn was removed before it began. As for acceptance.
    #[inline(always)]
    fn count_cancelled(&mut self, was_pending: bool) {
        self.came = self.came.wrapping_sub(usize::from(was_pending));
        if Self::GATES {
            let cancelled = &mut self.yard.there().cancelled;
            *cancelled = cancelled.wrapping_add(1);
        }
    }

    #[inline]
    fn release(&mut self, n: u32) {
        if self.is_special(n) {
            self.clear_special(n);
        }
        self.release_plain(n);
    }

    #[inline(always)]
    fn release_plain(&mut self, n: u32) {
        let free = core::mem::replace(&mut self.free, Head::at(n)).get();
        let link = self.slab.link_mut(n);
        link.tag.state = State::Free;
        link.next = free;
    }
}
