//! Where entries live: in an array, without an allocator, or in chunks that never move.
//!
//! An entry is stored in two halves. The links of neighbours lie side by side, so that the wheel, which looks at nothing
//! else, touches few cache lines; the bodies, with the payloads, lie elsewhere.
#![forbid(unsafe_code)]

use core::convert::Infallible;
use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU64;

use super::{Kind, State};
use crate::part::{Absent, Blank, Part, There};
use crate::period::{MissedTickBehavior, Repeat};
use crate::wheel::{Head, Link, Links, NONE, Timing, Wheel};

/// What an entry knows of itself; it lies in the link, where alignment leaves a hole. `M` is what gates need there.
#[derive(Clone, Copy, Debug)]
pub struct Tag<M> {
    pub(super) state: State,
    pub(super) kind: Kind,
    /// Of a periodic job: `None` if the period counts from the end of a run.
    missed: Option<MissedTickBehavior>,
    pub(super) marks: M,
}

impl<M: Marks> Tag<M> {
    /// All zeros, see [`Head`].
    const FREE: Self =
        Self { state: State::Free, kind: Kind::Urgent, missed: Some(MissedTickBehavior::Burst), marks: M::NONE };

    /// Makes a free entry's tag the one of a new entry. Its marks are none already.
    #[inline(always)]
    pub(super) fn fill(&mut self, state: State, kind: Kind, repeat: Option<Repeat>) {
        (self.state, self.kind) = (state, kind);
        self.missed = match repeat {
            Some(Repeat::Rate { missed, .. }) => Some(missed),
            Some(Repeat::Delay { .. }) => None,
            None => Self::FREE.missed,
        };
    }

    pub(super) fn repeat(self, period: u64) -> Option<Repeat> {
        let period = NonZeroU64::new(period)?;
        Some(match self.missed {
            Some(missed) => Repeat::Rate { period, missed },
            None => Repeat::Delay { period },
        })
    }
}

/// What is marked in the tag of an entry, where there are gates.
pub trait Marks: Copy + fmt::Debug {
    /// Nothing.
    const NONE: Self;
    /// What is marked.
    fn get(&self) -> Marked;
    /// Marks it.
    fn set(&mut self, marked: Marked);
    /// Whether anything is: what is not is spared all that follows from it.
    fn any(&self) -> bool;
}

impl Marks for () {
    const NONE: Self = ();

    fn get(&self) -> Marked {
        Marked::NOTHING
    }

    fn set(&mut self, _: Marked) {}

    #[inline(always)]
    fn any(&self) -> bool {
        false
    }
}

/// What there may be to an entry besides its state and kind. All zeros if there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked {
    /// Any of the constants.
    pub(super) bits: u8,
    /// Of a gated job: how many gates of its chain have let it through, and hold a slot for it. Of a gate: how many are behind it.
    pub(super) passed: u8,
    /// Which of them, counted from 1, holds room for what it leaves; 0 for none.
    pub(super) room: u8,
}

impl Marked {
    const NOTHING: Self = Self { bits: 0, passed: 0, room: 0 };
    /// It is no job.
    pub(super) const ALARM: u8 = 1;
    /// It belongs to a gate, and begins without it; or it is a gate itself, and has a parent.
    pub(super) const LOOSE: u8 = 1 << 1;
    /// It has to be let through by a gate before it may begin; and gives back what it has of its gates when it ends.
    pub(super) const GATED: u8 = 1 << 2;
    /// Of a periodic job: it is to be paused when its present run, or the one that is due, has ended.
    pub(super) const PARKS: u8 = 1 << 3;
    /// Of a job that runs: the room that it was let through with is its own matter.
    pub(super) const OWN_ROOM: u8 = 1 << 4;
    /// Of a job that runs: it has given its slots back already.
    pub(super) const WITHOUT: u8 = 1 << 5;
    /// Its class, if that is not the normal one.
    pub(super) const HIGH: u8 = 1 << 6;
    pub(super) const LOW: u8 = 1 << 7;

    pub(super) const fn has(self, bit: u8) -> bool {
        self.bits & bit != 0
    }

    #[must_use]
    pub(super) const fn with(self, bit: u8) -> Self {
        Self { bits: self.bits | bit, ..self }
    }

    #[must_use]
    pub(super) const fn without(self, bit: u8) -> Self {
        Self { bits: self.bits & !bit, ..self }
    }
}

impl Marks for Marked {
    const NONE: Self = Self::NOTHING;

    fn get(&self) -> Marked {
        *self
    }

    fn set(&mut self, marked: Marked) {
        *self = marked;
    }

    #[inline(always)]
    fn any(&self) -> bool {
        self.bits != 0
    }
}

/// What an entry keeps of gates. Storage chooses: where there are none it keeps nothing, and all that has to do with gates
/// vanishes.
pub trait Gating: Copy + fmt::Debug {
    /// Whether there are gates.
    const GATES: bool;
    /// What they need in the tag.
    type Marks: Marks;
    /// A part of a pool that is there only where there are gates.
    type Only<T: Blank>: Part<T>;
    /// No gate, no users.
    const NONE: Self;
    /// The gate of a job, or the parent of a gate; [`NONE`] for none.
    fn gate(&self) -> u32;
    /// Sets it.
    fn set_gate(&mut self, gate: u32);
    /// How many name this gate as theirs; its owner is one of them.
    fn users(&mut self) -> &mut u32;
}

/// No gates.
#[derive(Clone, Copy, Debug)]
pub struct NoGates;

impl Gating for NoGates {
    const GATES: bool = false;
    type Marks = ();
    type Only<T: Blank> = Absent;
    const NONE: Self = Self;

    #[inline(always)]
    fn gate(&self) -> u32 {
        NONE
    }

    fn set_gate(&mut self, _: u32) {}

    fn users(&mut self) -> &mut u32 {
        unreachable!("there are no gates")
    }
}

/// Any number of gates, which are entries themselves.
#[derive(Clone, Copy, Debug)]
pub struct Gates {
    gate: Head,
    users: u32,
}

impl Gating for Gates {
    const GATES: bool = true;
    type Marks = Marked;
    type Only<T: Blank> = There<T>;
    const NONE: Self = Self { gate: Head::EMPTY, users: 0 };

    #[inline(always)]
    fn gate(&self) -> u32 {
        self.gate.get()
    }

    fn set_gate(&mut self, gate: u32) {
        self.gate = Head::at(gate);
    }

    fn users(&mut self) -> &mut u32 {
        &mut self.users
    }
}

/// The half of an entry that the wheel does not see.
#[derive(Debug)]
pub struct Body<P, G> {
    pub(super) stamp: usize,
    /// Of a gate: its free slots, as a signed number.
    pub(super) order: usize,
    /// Of a periodic job, else 0. Of a gate: its room.
    pub(super) period: u64,
    pub(super) payload: Maybe<P>,
    pub(super) gating: G,
}

impl<P, G: Gating> Body<P, G> {
    /// All zeros, see [`Head`].
    const EMPTY: Self = Self { stamp: 0, order: 0, period: 0, payload: Maybe::No, gating: G::NONE };

    /// Of a gate: its free slots; negative for a debt.
    #[expect(clippy::cast_possible_wrap, reason = "a signed number is kept there")]
    pub(super) const fn slots(&self) -> isize {
        self.order as isize
    }

    /// Changes them.
    #[expect(clippy::cast_sign_loss, reason = "a signed number is kept there")]
    pub(super) const fn set_slots(&mut self, slots: isize) {
        self.order = slots as usize;
    }
}

/// An option whose absence is zero whatever `T` is.
#[derive(Debug)]
#[repr(u8)]
pub(super) enum Maybe<T> {
    No,
    Yes(T),
}

impl<T> Maybe<T> {
    /// Puts a value where there is none: so none is dropped, which would be code on the way of every job.
    #[inline]
    pub(super) fn fill(&mut self, value: T) {
        debug_assert!(matches!(self, Self::No), "a free entry, and one whose payload is out, has none: rule 1");
        core::mem::forget(core::mem::replace(self, Self::Yes(value)));
    }

    #[inline]
    pub(super) fn take(&mut self) -> Option<T> {
        match core::mem::replace(self, Self::No) {
            Self::No => None,
            Self::Yes(value) => Some(value),
        }
    }
}

/// Storage of entries by number, and the wheel that suits it. [`FixedSlab`] and `GrowingSlab` implement it.
pub trait Slab<P>: Links<Tag = Tag<<Self::Gating as Gating>::Marks>> {
    /// The wheel that goes with this many entries.
    type Wheel: Timing;
    /// Whether there are gates.
    type Gating: Gating;
    /// How much room to allocate.
    type Need: Copy;
    /// Allocated room, or what is left of it.
    type Room;
    /// What was given back.
    type Surplus;

    /// No entry yet.
    const EMPTY: Self;

    /// How many entries there is room for: their numbers are below it.
    fn capacity(&self) -> u32;

    /// What it takes to grow; `None` if it cannot.
    fn need(&self) -> Option<Self::Need>;

    /// Allocates; called with no lock held.
    fn allocate(need: Self::Need) -> Self::Room;

    /// Grows without allocating. What is left is to be dropped with no lock held.
    fn grow(&mut self, room: Self::Room) -> Self::Room;

    /// Gives back the room above the first `entries`, none of which is in use. What is returned is to be dropped with no
    /// lock held.
    fn shrink(&mut self, entries: u32) -> Option<Self::Surplus>;

    /// The body of entry `n`.
    fn body(&self, n: u32) -> &Body<P, Self::Gating>;

    /// The body of entry `n`.
    fn body_mut(&mut self, n: u32) -> &mut Body<P, Self::Gating>;
}

/// Room for `N` entries, no allocator. `W` orders those that wait; `G` says whether there are gates.
#[derive(Debug)]
pub struct FixedSlab<P, const N: usize, W = Wheel<32, 4>, G: Gating = NoGates> {
    links: [Link<Tag<G::Marks>>; N],
    bodies: [Body<P, G>; N],
    wheel: PhantomData<fn() -> W>,
}

impl<P, const N: usize, W, G: Gating> Links for FixedSlab<P, N, W, G> {
    type Tag = Tag<G::Marks>;

    #[inline]
    fn link(&self, n: u32) -> &Link<Tag<G::Marks>> {
        &self.links[n as usize]
    }

    #[inline]
    fn link_mut(&mut self, n: u32) -> &mut Link<Tag<G::Marks>> {
        &mut self.links[n as usize]
    }
}

impl<P, const N: usize, W: Timing, G: Gating> Slab<P> for FixedSlab<P, N, W, G> {
    type Wheel = W;
    type Gating = G;
    type Need = Infallible;
    type Room = Infallible;
    type Surplus = Infallible;

    const EMPTY: Self = {
        assert!(N < u32::MAX as usize, "an entry's number is a u32 that is not NONE");
        Self { links: [const { Link::new(Tag::FREE) }; N], bodies: [const { Body::EMPTY }; N], wheel: PhantomData }
    };

    fn capacity(&self) -> u32 {
        N as u32
    }

    fn need(&self) -> Option<Infallible> {
        None
    }

    fn allocate(need: Infallible) -> Infallible {
        need
    }

    fn grow(&mut self, room: Infallible) -> Infallible {
        room
    }

    fn shrink(&mut self, _: u32) -> Option<Infallible> {
        None
    }

    #[inline]
    fn body(&self, n: u32) -> &Body<P, G> {
        &self.bodies[n as usize]
    }

    #[inline]
    fn body_mut(&mut self, n: u32) -> &mut Body<P, G> {
        &mut self.bodies[n as usize]
    }
}

#[cfg(feature = "alloc")]
pub use growing::{GrowingSlab, Need, Room, Surplus};

#[cfg(feature = "alloc")]
mod growing {
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    use super::{Body, Gates, Link, Links, Marked, Slab, Tag, Wheel};

    /// Entries of a chunk.
    const CHUNK: usize = 256;
    /// So that no entry's number is `NONE`.
    const CHUNKS: usize = u32::MAX as usize / CHUNK;
    const _: () = assert!(CHUNK.is_power_of_two() && CHUNKS * CHUNK <= u32::MAX as usize);

    #[derive(Debug)]
    struct Chunk<P> {
        links: Box<[Link<Tag<Marked>>; CHUNK]>,
        bodies: Box<[Body<P, Gates>; CHUNK]>,
    }

    #[expect(clippy::unnecessary_box_returns, reason = "it must never be on the stack")]
    fn filled<T>(make: impl Fn() -> T) -> Box<[T; CHUNK]> {
        // Collected on the heap: an array expression would be built on the stack first.
        let items: Box<[T]> = (0..CHUNK).map(|_| make()).collect();
        items.try_into().unwrap_or_else(|_| unreachable!("as many items as collected"))
    }

    /// How long a new table of chunks must be; 0 if the present one has room.
    #[derive(Clone, Copy, Debug)]
    pub struct Need(usize);

    /// A chunk, and a longer table to put it in if that was needed.
    #[derive(Debug)]
    pub struct Room<P> {
        chunk: Option<Chunk<P>>,
        table: Vec<Chunk<P>>,
    }

    /// Chunks that were given back.
    #[derive(Debug)]
    pub struct Surplus<P> {
        #[expect(dead_code, reason = "kept only to be dropped")]
        chunks: Vec<Chunk<P>>,
    }

    /// Room for as many entries as there is memory. Entries never move.
    #[derive(Debug)]
    pub struct GrowingSlab<P> {
        table: Vec<Chunk<P>>,
    }

    impl<P> Links for GrowingSlab<P> {
        type Tag = Tag<Marked>;

        #[inline]
        fn link(&self, n: u32) -> &Link<Tag<Marked>> {
            &self.table[n as usize / CHUNK].links[n as usize % CHUNK]
        }

        #[inline]
        fn link_mut(&mut self, n: u32) -> &mut Link<Tag<Marked>> {
            &mut self.table[n as usize / CHUNK].links[n as usize % CHUNK]
        }
    }

    impl<P> Slab<P> for GrowingSlab<P> {
        type Wheel = Wheel<11, 64>;
        type Gating = Gates;
        type Need = Need;
        type Room = Room<P>;
        type Surplus = Surplus<P>;

        const EMPTY: Self = Self { table: Vec::new() };

        fn capacity(&self) -> u32 {
            (self.table.len() * CHUNK) as u32
        }

        fn need(&self) -> Option<Need> {
            let len = self.table.len();
            (len < CHUNKS).then_some(Need(if len < self.table.capacity() { 0 } else { (2 * len).max(4) }))
        }

        fn allocate(need: Need) -> Room<P> {
            let chunk = Chunk { links: filled(|| Link::new(Tag::FREE)), bodies: filled(|| Body::EMPTY) };
            Room { chunk: Some(chunk), table: Vec::with_capacity(need.0) }
        }

        fn grow(&mut self, mut room: Room<P>) -> Room<P> {
            if room.table.capacity() > self.table.capacity() {
                room.table.append(&mut self.table);
                core::mem::swap(&mut self.table, &mut room.table);
            }
            // The table may have become full meanwhile; then the chunk goes back and the caller asks again.
            if self.table.len() < self.table.capacity().min(CHUNKS) {
                self.table.extend(room.chunk.take());
            }
            room
        }

        fn shrink(&mut self, entries: u32) -> Option<Surplus<P>> {
            let keep = (entries as usize).div_ceil(CHUNK);
            if keep == 0 {
                // The table, too.
                return (!self.table.is_empty()).then(|| Surplus { chunks: core::mem::take(&mut self.table) });
            }
            (keep < self.table.len()).then(|| Surplus { chunks: self.table.split_off(keep) })
        }

        #[inline]
        fn body(&self, n: u32) -> &Body<P, Gates> {
            &self.table[n as usize / CHUNK].bodies[n as usize % CHUNK]
        }

        #[inline]
        fn body_mut(&mut self, n: u32) -> &mut Body<P, Gates> {
            &mut self.table[n as usize / CHUNK].bodies[n as usize % CHUNK]
        }
    }
}
