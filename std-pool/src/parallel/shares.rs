//! Who has which items of a map: everybody a share, from which it takes at the front and others steal at the back.
//!
//! # The word of a share
//!
//! The lower half is the first item that nobody has taken, the upper half the end of the share. Where there are more items than
//! half a word can count, it counts units of several, a power of two.
//!
//! | edge | by | word |
//! |---|---|---|
//! | take | its owner | `first..end` to `first + count..end` |
//! | steal | another | `first..end` to `first..middle`; who steals takes the first of the rest |
//! | steal from what grows | another | `first..end` to `middle..end`, likewise |
//! | pick | another without a share | `first..end` to `first + 1..end` |
//! | grow, shrink | the owner of what grows | `first..end` to `first..end + 1`, and back |
//! | fill | its owner, when it is empty | to the rest of what was stolen; it says `MOVING` from before the theft until then |
//!
//! # Rules
//!
//! 1. Each item is in one share, or taken, or on its way from one share to another; it is taken once. The word says all that
//!    there is to a share, so one that was changed and changed back is as it was.
//! 2. Who finds all empty and none `MOVING`, while nobody has tried to steal, has seen that nothing is left: what it does not see in
//!    one share, since it has moved on from another that was looked at before, was stolen in between, and that was counted.
//!
//! # Order
//!
//! That each item is taken once is said by the words alone. What is done with the items of a map is ordered by how helpers are called
//! and waited for. What was put where a share grows is seen by who takes it: each theft acquires what the share was when it grew or was
//! filled, and the exchanges in between hand it on. A fill is sequentially consistent for the same reason as a growth.
#![forbid(unsafe_code)]

use std::ops::Range;

use crate::sys::atomic::{AtomicUsize, Ordering};
use crate::sys::thread;

/// On a line of its own, and on none that is fetched with another's.
#[repr(align(128))]
struct Share(AtomicUsize);

pub(crate) struct Shares {
    all: Box<[Share]>,
    /// Shares that have an owner.
    owned: AtomicUsize,
    /// Attempts to steal: counted before anything moves.
    thefts: AtomicUsize,
    /// The logarithm of how many items a unit is: to divide would take as long as a dozen other instructions.
    unit: u32,
    len: usize,
    grows: bool,
}

const HALF: u32 = if cfg!(shuttle) { 3 } else { usize::BITS / 2 };
const LOW: usize = (1 << HALF) - 1;
/// More than is left in any share.
const MOVING: usize = LOW;

const fn word(first: usize, end: usize) -> usize {
    end << HALF | first
}

/// The first and the end; of a share on the move nothing.
const fn bounds(word: usize) -> (usize, usize) {
    if word == MOVING { (0, 0) } else { (word & LOW, word >> HALF) }
}

const fn left(word: usize) -> usize {
    let (first, end) = bounds(word);
    end - first
}

impl Shares {
    /// `len` items for at most so many; all are in the share of the first that [enters](Shares::enter).
    pub(crate) fn new(len: usize, most: usize) -> Self {
        // Less than `LOW`, so that no word is `MOVING`.
        let unit = len.div_ceil(LOW - 1).max(1).next_power_of_two().ilog2();
        let of = |number| if number == 0 { word(0, len.div_ceil(1 << unit)) } else { 0 };
        let shares = (0..most).map(|number| Share(AtomicUsize::new(of(number))));
        Self { all: shares.collect(), owned: AtomicUsize::new(0), thefts: AtomicUsize::new(0), unit, len, grows: false }
    }

    /// The number of a share that is the caller's from now on; `None` if all are somebody's.
    pub(crate) fn enter(&self) -> Option<usize> {
        let number = self.owned.fetch_add(1, Ordering::Relaxed);
        (number < self.all.len()).then_some(number)
    }

    /// Nothing so far; share 0 is of the one who [grows](Shares::grow) it.
    pub(crate) fn growing(most: usize) -> Self {
        Self { grows: true, len: usize::MAX, ..Self::new(0, most) }
    }

    /// Nothing so far, again.
    pub(crate) fn clear(&self) {
        self.all.iter().for_each(|share| share.0.store(0, Ordering::Relaxed));
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The next index of what grows, for its owner; `None` from `most` on. It begins at the beginning again where it is empty and then
    /// nobody has anything that was taken of it.
    pub(crate) fn end_of_growing(&self, most: usize, is_nobody_s: impl FnOnce() -> bool) -> Option<usize> {
        let share = &self.all[0].0;
        // In this order, and with acquire: who has taken the last has said before that he takes.
        let seen = share.load(Ordering::Acquire);
        // What grows is never on the move.
        let (first, end) = (seen & LOW, seen >> HALF);
        if first == end && end != 0 && is_nobody_s() {
            share.store(0, Ordering::Relaxed);
            return Some(0);
        }
        (end < most.min(LOW - 1)).then_some(end)
    }

    /// There is one more, for everybody to take. Sequentially consistent: who then reads whether somebody looks is seen by who does not
    /// look any more and then reads this.
    pub(crate) fn grow(&self) {
        self.all[0].0.fetch_add(1 << HALF, Ordering::SeqCst);
    }

    /// Takes the last back.
    pub(crate) fn shrink(&self) -> Option<usize> {
        let share = &self.all[0].0;
        let mut seen = share.load(Ordering::Relaxed);
        loop {
            let (first, end) = (seen & LOW, seen >> HALF);
            if first == end {
                return None;
            }
            match share.compare_exchange_weak(seen, word(first, end - 1), Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(end - 1),
                Err(now) => seen = now,
            }
        }
    }

    /// How many items nobody has taken, as far as it can be seen.
    pub(crate) fn left(&self) -> usize {
        self.all.iter().map(|share| left(share.0.load(Ordering::SeqCst))).sum::<usize>().saturating_mul(1 << self.unit)
    }

    /// The items that are left when everybody has gone.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Range<usize>> {
        self.all.iter().filter_map(|share| {
            let (first, end) = bounds(share.0.swap(0, Ordering::Relaxed));
            (first < end).then(|| self.items(first, end))
        })
    }

    /// The items of so many units.
    fn items(&self, first: usize, end: usize) -> Range<usize> {
        first << self.unit..end.saturating_mul(1 << self.unit).min(self.len)
    }

    /// The next items of a share, by its owner: at most so many, and at most an eighth of what is left, lest there is nothing left for
    /// others where it ends; but one, or as many as are told apart.
    pub(crate) fn take(&self, number: usize, most: usize) -> Option<Range<usize>> {
        let share = &self.all[number].0;
        let mut seen = share.load(Ordering::Relaxed);
        loop {
            let (first, end) = bounds(seen);
            if first == end {
                return None;
            }
            let next = first + (most >> self.unit).clamp(1, (end - first).div_ceil(8));
            match share.compare_exchange_weak(seen, word(next, end), Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(self.items(first, next)),
                Err(now) => seen = now,
            }
        }
    }

    /// The share with most in it, and its word; `None` when there is nothing any more.
    fn largest(&self) -> Option<(usize, usize)> {
        loop {
            let thefts = self.thefts.load(Ordering::SeqCst);
            let (mut largest, mut is_moving) = (None, false);
            for (number, share) in self.all.iter().enumerate() {
                let seen = share.0.load(Ordering::Acquire);
                is_moving |= seen == MOVING;
                if left(seen) > largest.map_or(0, |(_, seen)| left(seen)) {
                    largest = Some((number, seen));
                }
            }
            if largest.is_some() || !is_moving && self.thefts.load(Ordering::SeqCst) == thefts {
                return largest;
            }
            thread::yield_now();
        }
    }

    /// Half of the largest share: the first of it is taken, and the rest fills the caller's share, which is empty. So who steals gets on,
    /// whoever steals from him. `None` when there is nothing any more.
    pub(crate) fn steal(&self, number: usize) -> Option<Range<usize>> {
        let own = &self.all[number].0;
        loop {
            let (victim, seen) = self.largest()?;
            let (first, end) = bounds(seen);
            let middle = first + (end - first) / 2;
            // What grows is stolen at the front.
            let (rest, (from, to)) = if self.grows && victim == 0 {
                let middle = first + (end - first).div_ceil(2);
                (word(middle, end), (first, middle))
            } else {
                (word(first, middle), (middle, end))
            };
            own.store(MOVING, Ordering::Relaxed);
            self.thefts.fetch_add(1, Ordering::SeqCst);
            let stolen = self.all[victim].0.compare_exchange(seen, rest, Ordering::AcqRel, Ordering::Relaxed);
            own.store(if stolen.is_ok() { word(from + 1, to) } else { 0 }, Ordering::SeqCst);
            if stolen.is_ok() {
                return Some(self.items(from, from + 1));
            }
        }
    }

    /// The first of the largest share, for who has none.
    pub(crate) fn pick(&self) -> Option<Range<usize>> {
        loop {
            let (victim, seen) = self.largest()?;
            let (first, end) = bounds(seen);
            let picked =
                self.all[victim].0.compare_exchange(seen, word(first + 1, end), Ordering::Acquire, Ordering::Relaxed);
            if picked.is_ok() {
                return Some(self.items(first, first + 1));
            }
        }
    }
}
