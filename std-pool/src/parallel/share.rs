//! Work on many items shared between the caller and the pool.
//!
//! What a map costs is known from its calls before ([`Habits`](crate::engine::habits::Habits)). One that is over before a helper
//! would be there is a plain loop. For any other, helpers are called before the first item is done, so that none holds up the others,
//! however long it takes; so it is for one that is called for the first time, of which nothing is known.
//!
//! Everybody works off a share of his own and then steals half of the largest ([`shares`](super::shares)). What he takes at a time is
//! worth a few microseconds, and a single item as long as he has not seen many that are alike: behind a long one that lies hidden
//! among quick ones there is nothing that others could not take.
//!
//! Helpers call each other, two each, because to wake a thread takes about as long as the thread takes to get up: all of them by
//! one would be a line.
#![forbid(unsafe_code)]

use std::sync::Arc;

use fastthreadpool_core::Tick;

use crate::engine::Engine;
use crate::engine::habits::Habit;
use crate::parallel::mapping::{self, Items, Mapping};
use crate::parallel::scope::{self, Scope};
use crate::sys;
use crate::sys::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What items must cost, in nanoseconds, before a helper is called for them: several wake-ups.
const WORTH_HELP: u64 = 25_000;

/// What is taken at a time should cost so much, in nanoseconds, so that to take it costs next to nothing.
const PIECE: u64 = 4_000;

/// A map that costs so little, in nanoseconds, would be slower by a good part with two looks at the clock.
const BRIEF: u64 = 1_000;

/// The function of each item, in order, at most as many at a time as the pool has threads.
///
/// # Panics
///
/// Passes on the first panic of the function, after all threads have ended their work on it.
pub(crate) fn map<I, U, F>(engine: &Arc<Engine>, items: I, f: F) -> Vec<U>
where
    I: Items,
    U: Send,
    F: Fn(I::Item) -> U + Sync,
{
    let most = engine.config.threads.min(items.len());
    if most < 2 {
        return mapping::alone(&items, f);
    }
    let len = items.len() as u64;
    let place = place(together::<I, U, F>, len);
    let habit = engine.habits.of(place);
    if let Some(habit) = habit {
        let cost = habit.per_item.saturating_mul(len) / 1000;
        if cost < BRIEF && !habit.is_due {
            return mapping::alone(&items, f);
        }
        if cost < WORTH_HELP {
            let began = sys::now();
            let values = mapping::alone(&items, f);
            engine.habits.note(place, nanos_since(began).saturating_mul(1000) / len, habit.is_alike);
            return values;
        }
    }
    together(engine, items, f, most, place, habit)
}

/// Where the code for a function of items lies, and how many these are, about: the same code may be called with few and with many.
fn place<I, U, F>(together: Together<I, U, F>, len: u64) -> usize {
    (together as *const ()).addr().wrapping_add(len.ilog2() as usize)
}

type Together<I, U, F> = fn(&Arc<Engine>, I, F, usize, usize, Option<Habit>) -> Vec<U>;

fn nanos_since(began: Tick) -> u64 {
    sys::now().0.saturating_sub(began.0)
}

/// The way with helpers.
#[inline(never)]
fn together<I, U, F>(engine: &Arc<Engine>, items: I, f: F, most: usize, place: usize, habit: Option<Habit>) -> Vec<U>
where
    I: Items,
    U: Send,
    F: Fn(I::Item) -> U + Sync,
{
    let len = items.len();
    let work = Work {
        mapping: Mapping::new(items, f, most),
        most,
        called: AtomicUsize::new(1),
        habit,
        per_item: AtomicUsize::new(habit.map_or(0, |habit| to_word(habit.per_item))),
        busy: AtomicUsize::new(0),
        is_mixed: AtomicBool::new(false),
    };
    scope::run(engine, |scope| {
        // One is enough to find out that there is nothing to do.
        work.call(scope, if habit.is_some() { 2 } else { 1 });
        work.work();
    });
    let busy = work.busy.into_inner() as u64;
    engine.habits.note(place, busy.saturating_mul(1000) / len as u64, !work.is_mixed.into_inner());
    work.mapping.into_values()
}

fn to_word(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A map that is worked on by several.
struct Work<I, U, F> {
    mapping: Mapping<I, U, F>,
    /// Participants.
    most: usize,
    /// Those who are there or were called.
    called: AtomicUsize,
    habit: Option<Habit>,
    /// What an item costs, in picoseconds, as far as somebody knows: 0 if nobody does.
    per_item: AtomicUsize,
    /// What all have cost, in nanoseconds.
    busy: AtomicUsize,
    /// Some items took much longer than others.
    is_mixed: AtomicBool,
}

impl<I: Items, U: Send, F: Fn(I::Item) -> U + Sync> Work<I, U, F> {
    /// Calls up to so many helpers, if what is left is worth it.
    fn call<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, helpers: usize) {
        for _ in 0..helpers {
            let left = self.mapping.left();
            let cost = (left as u64).saturating_mul(self.per_item.load(Ordering::Relaxed) as u64) / 1000;
            let is_worth_it = left > 0 && (cost == 0 || cost >= WORTH_HELP);
            if !is_worth_it || self.called.fetch_add(1, Ordering::Relaxed) >= self.most {
                return;
            }
            scope.spawn(move || {
                self.call(scope, 2);
                self.work();
            });
        }
    }

    /// Works as long as there are items that nobody has taken.
    fn work(&self) {
        let Some(mut participant) = self.mapping.enter() else { return };
        let mut stride = Stride::new(self.habit);
        let mut began = sys::now();
        while let Some(count) = participant.go_on(stride.items()) {
            let ended = sys::now();
            stride.note(count as u64, ended.0.saturating_sub(began.0));
            self.per_item.store(to_word(stride.per_item.max(1)), Ordering::Relaxed);
            began = ended;
        }
        self.busy.fetch_add(to_word(stride.busy), Ordering::Relaxed);
        if stride.is_mixed {
            self.is_mixed.store(true, Ordering::Relaxed);
        }
    }
}

/// How many items a participant takes at a time.
struct Stride {
    /// In picoseconds; 0 as long as none was done.
    per_item: u64,
    /// Items that were alike, one after the other.
    alike: u64,
    /// In nanoseconds.
    busy: u64,
    is_mixed: bool,
}

impl Stride {
    /// A stride is a small part of the items before it: what is true of many is true of a few more.
    const PART: u64 = 64;

    fn new(habit: Option<Habit>) -> Self {
        let known = habit.filter(|habit| habit.is_alike);
        let (per_item, alike) = known.map_or((0, 0), |habit| (habit.per_item, u64::MAX));
        Self { per_item, alike, busy: 0, is_mixed: false }
    }

    fn items(&self) -> usize {
        to_word((PIECE * 1000 / self.per_item.max(1)).min(self.alike / Self::PART).max(1))
    }

    /// So many items took so long, in nanoseconds.
    fn note(&mut self, items: u64, time: u64) {
        self.busy = self.busy.saturating_add(time);
        let per_item = time.saturating_mul(1000) / items;
        if self.per_item == 0 {
            self.per_item = per_item;
        }
        if time > 2 * PIECE && per_item > 8 * self.per_item {
            self.is_mixed = true;
            self.alike = 0;
        } else {
            self.per_item = self.per_item.midpoint(per_item);
            self.alike = self.alike.saturating_add(items);
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_stride_grows_with_what_was_alike_up_to_what_is_worth_a_piece() {
        let mut stride = Stride::new(None);
        assert_eq!(stride.items(), 1);
        let mut done = 0;
        while stride.items() < 40 {
            let items = stride.items() as u64;
            assert!(items == 1 || items <= done / 64);
            stride.note(items, items * 100);
            done += items;
        }
        assert_eq!((stride.items(), stride.per_item, stride.is_mixed), (40, 100_000, false));
        (0..1000).for_each(|_| stride.note(40, 4_000));
        assert_eq!(stride.items(), 40);
        // A long one: behind it none goes with another.
        stride.note(1, 20_000_000);
        assert_eq!((stride.items(), stride.is_mixed), (1, true));
        assert_eq!(stride.busy, (done + 40_000) * 100 + 20_000_000);
    }

    #[test]
    fn what_was_alike_before_is_so_from_the_first_on() {
        let habit = |is_alike| Some(Habit { per_item: 100_000, is_alike, is_due: false });
        assert_eq!((Stride::new(habit(true)).items(), Stride::new(habit(false)).items()), (40, 1));
        // Items that get long, all of them: the first stride counts as one long item.
        let mut stride = Stride::new(habit(true));
        stride.note(40, 40_000_000);
        assert_eq!(stride.items(), 1);
        // Long ones that are alike are no reason to be careful; they are single anyhow.
        let mut stride = Stride::new(None);
        (0..10).for_each(|_| stride.note(1, 20_000_000));
        assert_eq!((stride.items(), stride.is_mixed), (1, false));
    }
}
