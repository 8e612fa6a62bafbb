//! A hierarchical timing wheel: numbers, ordered by deadline, over the whole range of [`Tick`]. Pure data: no clock, no
//! atomic, no allocation. It keeps the heads of its lists; the links live with what is timed, see [`Links`].
//!
//! Level 0 has a slot for each tick, level 1 one for each `SLOTS` ticks, and so on. Where an entry goes is the highest group
//! of bits in which its deadline differs from the time the wheel has *reached*:
//!
//! ```text
//! reached    0010 1100 0111 0011                     SLOTS = 16
//! deadline   0010 1110 1010 0001
//!                 └──┘ differs first: level 2, slot 1110
//! ```
//!
//! Rules:
//!
//! 1. Every entry's slot starts at or after `reached` (level 0), after it (others); so slots never mean two times.
//! 2. Therefore the lowest level that has an entry, and there the lowest slot, holds the earliest one: two bit scans.
//! 3. `reached` moves up to the start of that slot and no further, until the slot is emptied: popped on level 0, otherwise
//!    dealt out to the levels below (*cascaded*). An entry only ever goes down: at most `LEVELS` moves in its life.
//! 4. Equal deadlines are always in the same slot, and lists are dealt out from the head and appended to the tail: so
//!    they keep the order of insertion.
//! 5. `bound` is never above the earliest deadline. It is that deadline when `quality` is `Exact`.
//! 6. [`Tick::MAX`] is never: such an entry is known to be in the wheel, but is in no list. `reached` stops before it.
//!
//! # What is promised
//!
//! [`Line`] and [`Wheel`] are there to be named, in the type of a pool. All else is public because [`Storage`](crate::Storage) names it, and is
//! no part of what a version promises: it changes as the pool does.
#![forbid(unsafe_code)]

use crate::host::Tick;

mod line;
mod link;
mod list;
#[cfg(test)]
mod tests;

pub use line::Line;
pub(crate) use link::Head;
pub use link::{Link, Links, NONE};
use link::{NEVER, OUT};
pub(crate) use list::List;

/// How many entries of a slot are looked at to find the earliest.
const SCAN: usize = 64;

/// What a wheel of any size does, and a [`Line`]. Whoever calls hands in the same links every time.
pub trait Timing {
    /// Empty, at time zero.
    const EMPTY: Self;

    /// Puts in entry `n`, which is in no wheel, to fall due at `deadline`. One that the wheel has already reached is due
    /// at once, after what is due already; [`Tick::MAX`] is never. A constant amount of work, but in a [`Line`].
    fn insert<L: Links + ?Sized>(&mut self, links: &mut L, n: u32, deadline: Tick);

    /// Takes out entry `n`; false if it was not in. A constant amount of work.
    fn remove<L: Links + ?Sized>(&mut self, links: &mut L, n: u32) -> bool;

    /// Takes out the earliest entry that is due at `now`; those with the same deadline in the order of insertion. A clock
    /// that stands still or goes back changes nothing, one that jumps costs nothing: empty slots are not visited.
    fn expire<L: Links + ?Sized>(&mut self, links: &mut L, now: Tick) -> Option<u32>;

    /// The earliest deadline, or a time before it. Exact unless some 64 or more entries share the slot that decides, which only
    /// happens to deadlines far off: whoever sleeps until the time returned and then calls [`Timing::expire`] gets closer
    /// with each of at most as many steps as the wheel has levels. `None` if nothing ever falls due.
    fn next_deadline<L: Links + ?Sized>(&mut self, links: &L) -> Option<Tick>;
}

/// See rule 5; kept so that a wheel with nothing that ever falls due is all zeros, see [`Head`].
#[derive(Clone, Copy, Debug)]
struct Bound(u64);

impl Bound {
    const NEVER: Self = Self::at(u64::MAX);

    const fn at(tick: u64) -> Self {
        Self(!tick)
    }

    const fn get(self) -> u64 {
        !self.0
    }
}

/// How much [`Wheel::bound`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quality {
    /// It is the earliest deadline.
    Exact,
    /// The deciding slot is too full to look through; its start. A removal makes it worth another look.
    Rough,
    /// The earliest entry is gone: look for the next one when asked.
    Stale,
}

/// The wheel. `SLOTS` is a power of two from 2 to 64; `LEVELS` are as many as cover 64 bits: (11, 64) is the fast one, (32, 4)
/// takes under 1 KiB.
///
/// ```
/// use fastthreadpool_core::Tick;
/// use fastthreadpool_core::wheel::{Link, Links, Timing, Wheel};
///
/// struct Table([Link; 2]);
/// impl Links for Table {
///     type Tag = ();
///     fn link(&self, n: u32) -> &Link { &self.0[n as usize] }
///     fn link_mut(&mut self, n: u32) -> &mut Link { &mut self.0[n as usize] }
/// }
///
/// let mut table = Table([Link::new(()), Link::new(())]);
/// let mut wheel = Wheel::<32, 4>::EMPTY;
/// wheel.insert(&mut table, 0, Tick(1_000_000));
/// wheel.insert(&mut table, 1, Tick(7));
/// assert_eq!(wheel.next_deadline(&table), Some(Tick(7)));
/// assert_eq!(wheel.expire(&mut table, Tick(6)), None);
/// assert_eq!(wheel.expire(&mut table, Tick(8)), Some(1));
/// assert!(wheel.remove(&mut table, 0));
/// assert_eq!(wheel.next_deadline(&table), None);
/// ```
#[derive(Debug)]
pub struct Wheel<const LEVELS: usize, const SLOTS: usize> {
    /// No entry in any slot is earlier, nor was any that came out.
    reached: u64,
    bound: Bound,
    quality: Quality,
    /// Bit `i`: level `i` has an entry.
    levels: u64,
    /// Bit `i`: slot `i` of the level has an entry.
    occupied: [u64; LEVELS],
    /// The first of each slot's circular list; means nothing where `occupied` says that the slot is empty.
    heads: [[u32; SLOTS]; LEVELS],
}

impl<const LEVELS: usize, const SLOTS: usize> Wheel<LEVELS, SLOTS> {
    const BITS: u32 = SLOTS.trailing_zeros();
    const MASK: u64 = SLOTS as u64 - 1;

    /// Empty, at time zero.
    #[must_use]
    pub const fn new() -> Self {
        const {
            assert!(SLOTS.is_power_of_two() && SLOTS >= 2 && SLOTS <= 64, "a slot is a bit of a u64");
            assert!(LEVELS <= 64, "a level is a bit of a u64");
            assert!(LEVELS as u32 * Self::BITS >= u64::BITS, "the levels must cover every deadline");
            assert!(LEVELS * SLOTS + 1 < NEVER as usize, "the number of a slot must not mean something else");
        }
        Self {
            reached: 0,
            bound: Bound::NEVER,
            quality: Quality::Exact,
            levels: 0,
            occupied: [0; LEVELS],
            heads: [[0; SLOTS]; LEVELS],
        }
    }

    /// Appends `n`, whose deadline is set, to the list of its slot.
    #[inline]
    fn place<L: Links + ?Sized>(&mut self, links: &mut L, n: u32) {
        let at = links.link(n).deadline.0.max(self.reached);
        // The lowest group of bits never counts as different: that is level 0 too.
        let level = ((at ^ self.reached | Self::MASK).ilog2() / Self::BITS) as usize;
        let slot = ((at >> (level as u32 * Self::BITS)) & Self::MASK) as usize;
        let (head, tail) = if self.occupied[level] & 1 << slot == 0 {
            self.occupied[level] |= 1 << slot;
            self.levels |= 1 << level;
            self.heads[level][slot] = n;
            (n, n)
        } else {
            let head = self.heads[level][slot];
            let tail = links.link(head).prev;
            links.link_mut(tail).next = n;
            links.link_mut(head).prev = n;
            (head, tail)
        };
        let link = links.link_mut(n);
        link.next = head;
        link.prev = tail;
        link.slot = (level * SLOTS + slot) as u16 + 1;
    }

    #[inline]
    fn clear(&mut self, level: usize, slot: usize) {
        self.occupied[level] &= !(1 << slot);
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    /// Takes `n` out of the list of its slot.
    // Of three callers one is cold, and the two others are the ends of most timers.
    #[inline(always)]
    fn unlink<L: Links + ?Sized>(&mut self, links: &mut L, n: u32, level: usize, slot: usize) {
        let link = links.link_mut(n);
        link.slot = OUT;
        let (next, prev) = (link.next, link.prev);
        if next == n {
            self.clear(level, slot);
            return;
        }
        links.link_mut(prev).next = next;
        links.link_mut(next).prev = prev;
        if self.heads[level][slot] == n {
            self.heads[level][slot] = next;
        }
    }

    /// The slot of the earliest entry, and when it starts.
    #[inline]
    fn earliest(&self) -> Option<(usize, usize, u64)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        let slot = self.occupied[level].trailing_zeros() as usize;
        let shift = level as u32 * Self::BITS;
        let start = (self.reached >> shift & !Self::MASK | slot as u64) << shift;
        Some((level, slot, start))
    }

    /// Deals the entries of a slot, which starts at `reached`, out to the levels below.
    fn cascade<L: Links + ?Sized>(&mut self, links: &mut L, level: usize, slot: usize) {
        let head = self.heads[level][slot];
        self.clear(level, slot);
        let mut n = head;
        loop {
            let next = links.link(n).next;
            self.place(links, n);
            if next == head {
                break;
            }
            n = next;
        }
        if self.quality == Quality::Rough {
            self.quality = Quality::Stale;
        }
    }
}

impl<const LEVELS: usize, const SLOTS: usize> Default for Wheel<LEVELS, SLOTS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const LEVELS: usize, const SLOTS: usize> Timing for Wheel<LEVELS, SLOTS> {
    const EMPTY: Self = Self::new();

    #[inline]
    fn insert<L: Links + ?Sized>(&mut self, links: &mut L, n: u32, deadline: Tick) {
        let link = links.link_mut(n);
        debug_assert!(link.slot == OUT, "entry {n} is in a wheel already");
        link.deadline = deadline;
        if deadline == Tick::MAX {
            link.slot = NEVER;
            return;
        }
        self.place(links, n);
        let at = deadline.0.max(self.reached);
        if at <= self.bound.get() {
            self.bound = Bound::at(at);
            self.quality = Quality::Exact;
        }
    }

    // One place calls it that matters.
    #[inline(always)]
    fn remove<L: Links + ?Sized>(&mut self, links: &mut L, n: u32) -> bool {
        let link = links.link_mut(n);
        match link.slot {
            OUT => return false,
            NEVER => {
                link.slot = OUT;
                return true;
            }
            _ => {}
        }
        if link.deadline.0 <= self.bound.get() || self.quality == Quality::Rough {
            self.quality = Quality::Stale;
        }
        let slot = link.slot as usize - 1;
        let (level, slot) = (slot / SLOTS, slot % SLOTS);
        self.unlink(links, n, level, slot);
        true
    }

    fn expire<L: Links + ?Sized>(&mut self, links: &mut L, now: Tick) -> Option<u32> {
        let now = now.0.min(u64::MAX - 1).max(self.reached);
        while let Some((level, slot, start)) = self.earliest() {
            if start > now {
                break;
            }
            let head = self.heads[level][slot];
            let link = links.link(head);
            // Alone in its slot: no other entry is as early, so it need not go down level by level.
            if level == 0 || link.next == head && link.deadline.0 <= now {
                self.reached = link.deadline.0.max(start);
                self.quality = Quality::Stale;
                self.unlink(links, head, level, slot);
                return Some(head);
            }
            self.reached = start;
            self.cascade(links, level, slot);
        }
        self.reached = now;
        None
    }

    fn next_deadline<L: Links + ?Sized>(&mut self, links: &L) -> Option<Tick> {
        if self.quality == Quality::Stale {
            let (bound, quality) = self.look(links);
            (self.bound, self.quality) = (Bound::at(bound), quality);
        }
        Some(Tick(self.bound.get())).filter(|bound| *bound != Tick::MAX)
    }
}

impl<const LEVELS: usize, const SLOTS: usize> Wheel<LEVELS, SLOTS> {
    /// Looks for the earliest deadline.
    fn look<L: Links + ?Sized>(&self, links: &L) -> (u64, Quality) {
        let Some((level, slot, start)) = self.earliest() else { return (u64::MAX, Quality::Exact) };
        if level == 0 {
            return (start, Quality::Exact);
        }
        let head = self.heads[level][slot];
        let (mut n, mut earliest) = (head, u64::MAX);
        for _ in 0..SCAN {
            let link = links.link(n);
            earliest = earliest.min(link.deadline.0);
            n = link.next;
            if n == head {
                return (earliest, Quality::Exact);
            }
        }
        (start, Quality::Rough)
    }
}
