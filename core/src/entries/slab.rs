//! Where entries live: in an array, without an allocator, or in chunks that never move.
//!
//! An entry is stored in two halves. The links of neighbours lie side by side, so that the wheel, which looks at nothing
//! else, touches few cache lines; the bodies, with the payloads, lie elsewhere.
#![forbid(unsafe_code)]

use core::convert::Infallible;
use core::marker::PhantomData;
use core::num::NonZeroU64;

use super::{Kind, State};
use crate::period::{MissedTickBehavior, Repeat};
use crate::wheel::{Link, Links, Timing, Wheel};

/// What an entry knows of itself; it lies in the link, where alignment leaves a hole.
#[derive(Clone, Copy, Debug)]
pub struct Tag {
    pub(super) state: State,
    pub(super) kind: Kind,
    /// Of a periodic job: `None` if the period counts from the end of a run.
    missed: Option<MissedTickBehavior>,
}

impl Tag {
    /// All zeros, see [`Head`](crate::wheel::Head).
    const FREE: Self = Self { state: State::Free, kind: Kind::Urgent, missed: Some(MissedTickBehavior::Burst) };

    pub(super) fn new(state: State, kind: Kind, repeat: Option<Repeat>) -> Self {
        let missed = match repeat {
            Some(Repeat::Rate { missed, .. }) => Some(missed),
            Some(Repeat::Delay { .. }) => None,
            None => Self::FREE.missed,
        };
        Self { state, kind, missed }
    }

    pub(super) fn repeat(self, period: u64) -> Option<Repeat> {
        let period = NonZeroU64::new(period)?;
        Some(match self.missed {
            Some(missed) => Repeat::Rate { period, missed },
            None => Repeat::Delay { period },
        })
    }
}

/// The half of an entry that the wheel does not see.
#[derive(Debug)]
pub struct Body<P> {
    pub(super) stamp: usize,
    pub(super) order: usize,
    /// Of a periodic job, else 0.
    pub(super) period: u64,
    pub(super) payload: Maybe<P>,
}

impl<P> Body<P> {
    /// All zeros, see [`Head`](crate::wheel::Head).
    const EMPTY: Self = Self { stamp: 0, order: 0, period: 0, payload: Maybe::No };
}

/// An option whose absence is zero whatever `T` is.
#[derive(Debug)]
#[repr(u8)]
pub(super) enum Maybe<T> {
    No,
    Yes(T),
}

impl<T> Maybe<T> {
    #[inline]
    pub(super) fn take(&mut self) -> Option<T> {
        match core::mem::replace(self, Self::No) {
            Self::No => None,
            Self::Yes(value) => Some(value),
        }
    }
}

/// Storage of entries by number, and the wheel that suits it. [`FixedSlab`] and `GrowingSlab` implement it.
pub trait Slab<P>: Links<Tag = Tag> {
    /// The wheel that goes with this many entries.
    type Wheel: Timing;
    /// How much room to allocate.
    type Need: Copy;
    /// Allocated room, or what is left of it.
    type Room;

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

    /// The body of entry `n`.
    fn body(&self, n: u32) -> &Body<P>;

    /// The body of entry `n`.
    fn body_mut(&mut self, n: u32) -> &mut Body<P>;
}

/// Room for `N` entries, no allocator. `W` orders those that wait.
#[derive(Debug)]
pub struct FixedSlab<P, const N: usize, W = Wheel<32, 4>> {
    links: [Link<Tag>; N],
    bodies: [Body<P>; N],
    wheel: PhantomData<fn() -> W>,
}

impl<P, const N: usize, W> Links for FixedSlab<P, N, W> {
    type Tag = Tag;

    #[inline]
    fn link(&self, n: u32) -> &Link<Tag> {
        &self.links[n as usize]
    }

    #[inline]
    fn link_mut(&mut self, n: u32) -> &mut Link<Tag> {
        &mut self.links[n as usize]
    }
}

impl<P, const N: usize, W: Timing> Slab<P> for FixedSlab<P, N, W> {
    type Wheel = W;
    type Need = Infallible;
    type Room = Infallible;

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

    #[inline]
    fn body(&self, n: u32) -> &Body<P> {
        &self.bodies[n as usize]
    }

    #[inline]
    fn body_mut(&mut self, n: u32) -> &mut Body<P> {
        &mut self.bodies[n as usize]
    }
}

#[cfg(feature = "alloc")]
pub use growing::{GrowingSlab, Need, Room};

#[cfg(feature = "alloc")]
mod growing {
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    use super::{Body, Link, Links, Slab, Tag, Wheel};

    /// Entries of a chunk.
    const CHUNK: usize = 256;
    /// So that no entry's number is `NONE`.
    const CHUNKS: usize = u32::MAX as usize / CHUNK;
    const _: () = assert!(CHUNK.is_power_of_two() && CHUNKS * CHUNK <= u32::MAX as usize);

    #[derive(Debug)]
    struct Chunk<P> {
        links: Box<[Link<Tag>; CHUNK]>,
        bodies: Box<[Body<P>; CHUNK]>,
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

    /// Room for as many entries as there is memory. Entries never move; chunks are kept until it is dropped.
    #[derive(Debug)]
    pub struct GrowingSlab<P> {
        table: Vec<Chunk<P>>,
    }

    impl<P> Links for GrowingSlab<P> {
        type Tag = Tag;

        #[inline]
        fn link(&self, n: u32) -> &Link<Tag> {
            &self.table[n as usize / CHUNK].links[n as usize % CHUNK]
        }

        #[inline]
        fn link_mut(&mut self, n: u32) -> &mut Link<Tag> {
            &mut self.table[n as usize / CHUNK].links[n as usize % CHUNK]
        }
    }

    impl<P> Slab<P> for GrowingSlab<P> {
        type Wheel = Wheel<11, 64>;
        type Need = Need;
        type Room = Room<P>;

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

        #[inline]
        fn body(&self, n: u32) -> &Body<P> {
            &self.table[n as usize / CHUNK].bodies[n as usize % CHUNK]
        }

        #[inline]
        fn body_mut(&mut self, n: u32) -> &mut Body<P> {
            &mut self.table[n as usize / CHUNK].bodies[n as usize % CHUNK]
        }
    }
}
