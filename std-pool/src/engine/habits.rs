//! What maps and joins have cost at the places in a program from where they are called: what is known before the first item is done.
//!
//! One entry for each of some places, found by their number alone; two that want the same entry forget each other. All of it is
//! a guess: entries are read and written in no order, and whoever is guided by one does the same work, only sooner or later.
#![forbid(unsafe_code)]

use crate::sys::OnceLock;
use crate::sys::atomic::{AtomicUsize, Ordering};

/// Entries; a power of two.
const PLACES: usize = if cfg!(shuttle) { 4 } else { 64 };

/// Maps of a place for each that is timed, where looks at the clock would cost as much as the map.
const UNTIMED: usize = 16;

/// The word of an entry: whether the items were alike, how many maps since one was due to be timed, and the time for an item.
const ALIKE: usize = 1;
const ONE_MAP: usize = 2;
const MAPS: usize = UNTIMED - 1;
const COST: u32 = 5;
const _: () = assert!(MAPS * ONE_MAP + ALIKE < 1 << COST, "the count does not reach the time");

/// The most that is told apart; fits into what is left of 32 bits.
const MOST: u64 = (1 << (32 - COST)) - 1;

#[derive(Default)]
struct Entry {
    place: AtomicUsize,
    word: AtomicUsize,
}

/// Made when there is something to say.
pub(crate) struct Habits(OnceLock<Box<[Entry; PLACES]>>);

/// What a map is thought to cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Habit {
    /// Of a map in picoseconds, of a join, which is one item, in nanoseconds; of long ones only that they are not shorter.
    pub(crate) per_item: u64,
    /// No item was much longer than the others.
    pub(crate) is_alike: bool,
    /// It is time to look whether it still is so.
    pub(crate) is_due: bool,
}

impl Habit {
    /// So long that it is not known how long.
    pub(crate) fn is_long(self) -> bool {
        self.per_item >= MOST
    }

    /// What so many items of a map cost, in nanoseconds.
    pub(crate) fn cost(self, items: u64) -> u64 {
        self.per_item.saturating_mul(items) / 1000
    }
}

impl Habits {
    pub(crate) fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Functions lie at multiples of 16, or of 2 where memory is scarce.
    #[inline]
    fn entry(entries: &[Entry; PLACES], place: usize) -> &Entry {
        &entries[(place ^ place >> 6 ^ place >> 12) % PLACES]
    }

    /// What is known of a place, which is no zero; asked once for each map.
    #[inline]
    pub(crate) fn of(&self, place: usize) -> Option<Habit> {
        let entry = Self::entry(self.0.get()?, place);
        if entry.place.load(Ordering::Relaxed) != place {
            return None;
        }
        let word = entry.word.load(Ordering::Relaxed);
        let maps = (word / ONE_MAP + 1) & MAPS;
        entry.word.store((word & !(MAPS * ONE_MAP)) + maps * ONE_MAP, Ordering::Relaxed);
        Some(Habit { per_item: (word >> COST) as u64, is_alike: word & ALIKE != 0, is_due: maps == 0 })
    }

    /// So it was this time.
    pub(crate) fn note(&self, place: usize, per_item: u64, is_alike: bool) {
        let entries = self.0.get_or_init(|| Box::new(std::array::from_fn(|_| Entry::default())));
        let entry = Self::entry(entries, place);
        let is_known = entry.place.load(Ordering::Relaxed) == place;
        let maps = if is_known { entry.word.load(Ordering::Relaxed) & (MAPS * ONE_MAP) } else { 0 };
        entry.place.store(place, Ordering::Relaxed);
        let cost = usize::try_from(per_item.min(MOST)).unwrap_or_else(|_| unreachable!("it fits into 32 bits"));
        entry.word.store((cost << COST) + maps + usize::from(is_alike) * ALIKE, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known_by_its_last_map_and_timed_now_and_then() {
        let habits = Habits::new();
        assert_eq!(habits.of(0x1230), None);
        habits.note(0x1230, 1_500, true);
        for map in 1..=2 * UNTIMED {
            let is_due = map % UNTIMED == 0;
            assert_eq!(habits.of(0x1230), Some(Habit { per_item: 1_500, is_alike: true, is_due }));
        }
        habits.note(0x1230, u64::MAX, false);
        assert_eq!(habits.of(0x1230), Some(Habit { per_item: MOST, is_alike: false, is_due: false }));
        // Another that wants the same entry.
        let entry = |place| Habits::entry(habits.0.get().unwrap(), place);
        let other = (0x1231..0x10_000).find(|other| std::ptr::eq(entry(*other), entry(0x1230)));
        let other = other.unwrap();
        assert_eq!(habits.of(other), None);
        habits.note(other, 7, true);
        assert_eq!((habits.of(0x1230), habits.of(other).map(|habit| habit.per_item)), (None, Some(7)));
    }
}
