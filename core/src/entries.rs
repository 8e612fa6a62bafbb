//! Timed and urgent jobs: an addressable slab, a wheel for those that wait for their time, a stack for those that are next.
//!
//! Single-threaded: the pool keeps it behind its raw mutex. Nothing user-written runs or is dropped in here: every payload
//! is handed back.
//!
//! ```text
//!            insert             expire          pop, if it repeats
//!        ┌─────────────► Waiting ────────► Due ────────────────────► Running ── cancel ──► Cancelled
//! Free ──┤                    ▲             ▲                          │ │                     │
//!   ▲    └──── push_urgent ───┼─────────────┘                          │ │                     │
//!   │                         └──────────────── finish ────────────────┘ │                     │
//!   └── cancel (Waiting, Due); take_due, pop if it runs once (Due) ──────┴── finish, the last ─┘
//! ```
//!
//! Rules:
//!
//! 1. The payload is in its entry exactly while the state is `Waiting` or `Due`.
//! 2. `Waiting` is in the wheel, `Due` on the stack; `Free` is in the free list or never was used (`fresh` and above).
//! 3. A stamp is given at insertion and stays until the entry is free: a key of an earlier tenant never matches. Stamps
//!    repeat after as many insertions as there are `usize`s.
#![forbid(unsafe_code)]

use core::marker::PhantomData;

use crate::host::Tick;
use crate::period::Repeat;
use crate::wheel::{Head, Link, List, NONE, Timing};

mod names;
mod slab;
#[cfg(test)]
mod tests;
mod visit;

pub use names::{Cancel, Key, Kind, Kinds, Popped, State, View};
use slab::Maybe;
pub use slab::{Body, FixedSlab, Slab, Tag};
#[cfg(feature = "alloc")]
pub use slab::{GrowingSlab, Need, Room};

/// The timed and urgent jobs with payload `P`, stored in `S`.
///
/// ```
/// use fastthreadpool_core::Tick;
/// use fastthreadpool_core::entries::{Cancel, Entries, FixedSlab};
///
/// let mut entries = Entries::<&str, FixedSlab<&str, 4>>::new();
/// let tea = entries.insert(0, "tea", Tick(500), None).unwrap();
/// entries.insert(1, "eggs", Tick(300), None).unwrap();
/// assert_eq!(entries.next_deadline(), Some(Tick(300)));
/// assert_eq!(entries.expire(Tick(310)), 1);
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
    slab: S,
    payloads: PhantomData<P>,
}

impl<P, S: Slab<P>> Default for Entries<P, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P, S: Slab<P>> Entries<P, S> {
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
            slab: S::EMPTY,
            payloads: PhantomData,
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

    /// Puts in a job of any kind; `due` means nothing for an urgent one.
    pub(crate) fn put(
        &mut self,
        kind: Kind,
        order: usize,
        payload: P,
        due: Tick,
        repeat: Option<Repeat>,
    ) -> Result<Key, P> {
        let state = if kind == Kind::Urgent { State::Due } else { State::Waiting };
        let key = self.claim(order, payload, repeat.map_or(0, Repeat::period), Tag::new(state, kind, repeat))?;
        if kind == Kind::Urgent {
            self.push(key.index);
        } else {
            self.wheel.insert(&mut self.slab, key.index, due);
            self.waiting += 1;
        }
        Ok(key)
    }

    fn push(&mut self, n: u32) {
        let below = self.stack.first();
        self.slab.link_mut(n).set_deadline(Tick::ZERO);
        self.stack.join(&mut self.slab, NONE, n);
        self.stack.join(&mut self.slab, n, below);
        self.due += 1;
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

    /// Moves what is due from the wheel to the top of the urgent stack, the earliest topmost. Returns how many that were.
    pub fn expire(&mut self, now: Tick) -> usize {
        let below = self.stack.first();
        let (mut last, mut moved) = (NONE, 0);
        while let Some(n) = self.wheel.expire(&mut self.slab, now) {
            self.slab.link_mut(n).tag.state = State::Due;
            self.stack.join(&mut self.slab, last, n);
            last = n;
            moved += 1;
        }
        self.stack.join(&mut self.slab, last, below);
        self.waiting -= moved;
        self.due += moved;
        moved as usize
    }

    /// Takes the top of the urgent stack, to run it.
    pub fn pop(&mut self) -> Option<Popped<P>> {
        let n = self.stack.first();
        if n == NONE {
            return None;
        }
        self.unstack(n);
        let due = self.slab.link(n).deadline();
        let tag = self.slab.link(n).tag;
        let body = self.slab.body_mut(n);
        let (key, order, repeat) = (Key { index: n, stamp: body.stamp }, body.order, tag.repeat(body.period));
        let payload = Self::payload(body);
        if repeat.is_some() {
            self.slab.link_mut(n).tag.state = State::Running;
            self.running += 1;
        } else {
            self.release(n);
        }
        Some(Popped { payload, key, order, due, repeat })
    }

    /// Ends a run of a periodic job that was popped: with its payload it waits again, until the time returned, as its
    /// [`Repeat`] says; if that has passed, it is due at the next [`Entries::expire`].
    ///
    /// # Errors
    ///
    /// It does not run again and its entry is free: it was cancelled, its time is over ([`Tick::MAX`]), or there is no
    /// payload. The payload is the caller's to drop, with no lock held.
    pub fn finish(&mut self, key: Key, payload: Option<P>, now: Tick) -> Result<Tick, Option<P>> {
        let state = self.state(key);
        let (Some(State::Running | State::Cancelled), n) = (state, key.index) else {
            debug_assert!(false, "only what was popped and repeats is finished, once");
            return Err(payload);
        };
        self.running -= 1;
        let (due, tag) = (self.slab.link(n).deadline(), self.slab.link(n).tag);
        let body = self.slab.body_mut(n);
        let next = tag.repeat(body.period).map_or(Tick::MAX, |repeat| repeat.next(due, now));
        let payload = match payload {
            Some(payload) if state != Some(State::Cancelled) && next != Tick::MAX => payload,
            ended => {
                self.release(n);
                return Err(ended);
            }
        };
        body.payload = Maybe::Yes(payload);
        self.slab.link_mut(n).tag.state = State::Waiting;
        self.wheel.insert(&mut self.slab, n, next);
        self.waiting += 1;
        Ok(next)
    }

    /// Takes a job that is due and runs only once, to run it out of turn. Timers fall due by [`Entries::expire`].
    pub fn take_due(&mut self, key: Key) -> Option<P> {
        let due = self.state(key) == Some(State::Due) && self.slab.link(key.index).tag.kind != Kind::Periodic;
        due.then(|| self.remove(key.index))
    }

    /// Cancels a job: a constant amount of work.
    pub fn cancel(&mut self, key: Key) -> Cancel<P> {
        match self.state(key) {
            Some(State::Waiting | State::Due) => Cancel::Removed(self.remove(key.index)),
            Some(State::Running | State::Cancelled) => {
                self.slab.link_mut(key.index).tag.state = State::Cancelled;
                Cancel::Running
            }
            Some(State::Free) | None => Cancel::Unknown,
        }
    }

    /// The earliest deadline in the wheel, or a time before it at which to expire and ask again: see
    /// [`Timing::next_deadline`]. Cheap when nothing was removed since it was asked last.
    pub fn next_deadline(&mut self) -> Option<Tick> {
        self.wheel.next_deadline(&self.slab)
    }

    /// How many are in the wheel.
    pub const fn waiting(&self) -> usize {
        self.waiting as usize
    }

    /// How many are on the urgent stack.
    pub const fn due(&self) -> usize {
        self.due as usize
    }

    /// How many there are, running periodic ones too.
    pub const fn len(&self) -> usize {
        self.waiting as usize + self.due as usize + self.running as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The state of the entry that `key` names; `None` if it is gone.
    #[inline]
    fn state(&self, key: Key) -> Option<State> {
        if key.index >= self.fresh || self.slab.body(key.index).stamp != key.stamp {
            return None;
        }
        Some(self.slab.link(key.index).tag.state).filter(|state| *state != State::Free)
    }

    /// Fills a free entry.
    #[inline]
    fn claim(&mut self, order: usize, payload: P, period: u64, tag: Tag) -> Result<Key, P> {
        let free = self.free.get();
        let n = if free != NONE {
            self.free = Head::at(self.slab.link(free).next);
            free
        } else if self.fresh < self.slab.capacity() {
            self.fresh += 1;
            self.fresh - 1
        } else {
            return Err(payload);
        };
        let stamp = self.stamp;
        self.stamp = stamp.wrapping_add(1);
        self.slab.link_mut(n).tag = tag;
        let body = self.slab.body_mut(n);
        body.stamp = stamp;
        body.order = order;
        body.period = period;
        body.payload = Maybe::Yes(payload);
        Ok(Key { index: n, stamp })
    }

    #[inline]
    fn release(&mut self, n: u32) {
        let free = core::mem::replace(&mut self.free, Head::at(n)).get();
        let link = self.slab.link_mut(n);
        link.tag.state = State::Free;
        link.next = free;
    }

    /// Takes out and frees an entry that is waiting or due.
    fn remove(&mut self, n: u32) -> P {
        if self.slab.link(n).tag.state == State::Waiting {
            let was_in = self.wheel.remove(&mut self.slab, n);
            debug_assert!(was_in, "what waits is in the wheel");
            self.waiting -= 1;
        } else {
            self.unstack(n);
        }
        let payload = Self::payload(self.slab.body_mut(n));
        self.release(n);
        payload
    }

    #[inline]
    fn unstack(&mut self, n: u32) {
        let &Link { next, prev, .. } = self.slab.link(n);
        self.stack.join(&mut self.slab, prev, next);
        self.due -= 1;
    }

    #[inline(never)]
    fn payload(body: &mut Body<P>) -> P {
        body.payload.take().unwrap_or_else(|| unreachable!("what waits or is due has its payload: rule 1"))
    }
}
