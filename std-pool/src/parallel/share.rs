//! Work on many items shared between the caller and the pool. What is said of maps is true of all parallel loops.
//!
//! What a map costs is known from its calls before ([`Habits`](crate::engine::habits::Habits)). One that is over before a helper
//! would be there is a plain loop. For any other, helpers are called before the first item is done, so that none holds up the others,
//! however long it takes; so it is for one that is called for the first time, of which nothing is known.
//!
//! Everybody works off a share of his own and then steals half of the largest ([`shares`](super::shares)). What he takes at a time is
//! a single item, unless these are known to be so quick that to take each would cost as much (or there are more of them than half a
//! word can count): so behind a long one that lies hidden among quick ones there is next to nothing that others could not take.
//!
//! Helpers call each other, two each, because to wake a thread takes about as long as the thread takes to get up: all of them by
//! one would be a line.
#![forbid(unsafe_code)]

use std::sync::Arc;

use fastthreadpool_core::Tick;

use crate::engine::Engine;
use crate::engine::habits::Habit;
use crate::parallel::gather::{Gather, Gathered};
use crate::parallel::items::IntoPar;
use crate::parallel::participant::Participant;
use crate::parallel::scope::{self, Scope};
use crate::parallel::source::Source;
use crate::parallel::stock::Stock;
use crate::sys;
use crate::sys::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What items must cost, in nanoseconds, before a helper is called for them: several wake-ups.
const WORTH_HELP: u64 = 25_000;

/// What is taken at a time should cost so much, in nanoseconds, so that to take it costs little: one locked operation, before which
/// items are not computed at the same time as those behind it. With a quarter of this items of 1 us took 9 % longer. Not more: nobody can steal of it, if its first item should be a long one.
const TAKEN: u64 = 8_000;

/// What is done between two looks at the clock should cost so much, in nanoseconds.
const TIMED: u64 = 16_000;

/// A map that costs so little, in nanoseconds, would be slower by a good part with two looks at the clock.
const BRIEF: u64 = 1_000;

/// What is gathered of the items, by at most as many at a time as the pool has threads.
///
/// # Panics
///
/// Passes on the first panic, after all threads have ended their work on it.
pub(crate) fn gather<I: IntoPar, G: Gather<I::Item>>(engine: &Arc<Engine>, items: I, gather: G) -> G::Output {
    let count = items.count();
    let most = engine.config.threads.min(count);
    // Who watches a loop wants it in parts.
    let least = if G::IS_WATCHED { 1 } else { 2 };
    if most < least {
        return gather.alone(count, items.in_order()).0;
    }
    let len = count as u64;
    let place = place(together::<I, G>, len);
    let habit = engine.habits.of(place);
    if let Some(habit) = habit {
        let cost = habit.cost(len);
        if cost < BRIEF && !habit.is_due {
            return gather.alone(count, items.in_order()).0;
        }
        if cost < WORTH_HELP {
            let began = sys::now();
            let (output, done) = gather.alone(count, items.in_order());
            engine.habits.note(place, per_item(nanos_since(began), done), habit.is_alike);
            return output;
        }
    }
    together(engine, items, gather, most, place, habit)
}

/// Where the code for a function of items lies, and how many these are, about: the same code may be called with few and with many.
fn place<I, G, V>(together: Together<I, G, V>, len: u64) -> usize {
    (together as *const ()).addr().wrapping_add(len.ilog2() as usize)
}

type Together<I, G, V> = fn(&Arc<Engine>, I, G, usize, usize, Option<Habit>) -> V;

fn nanos_since(began: Tick) -> u64 {
    sys::now().0.saturating_sub(began.0)
}

/// In picoseconds.
fn per_item(nanos: u64, items: usize) -> u64 {
    nanos.saturating_mul(1000) / items.max(1) as u64
}

/// The way with helpers.
#[inline(never)]
fn together<I, G>(
    engine: &Arc<Engine>,
    items: I,
    gather: G,
    most: usize,
    place: usize,
    habit: Option<Habit>,
) -> G::Output
where
    I: IntoPar,
    G: Gather<I::Item>,
{
    let count = items.count();
    // First, so that the items are somebody's if there is no room for what is gathered.
    let stock = Stock::new(items.open(count), most);
    let gathered = gather.open(stock.len());
    let work = Work {
        stock,
        gathered,
        most,
        called: AtomicUsize::new(1),
        habit,
        busy: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        is_mixed: AtomicBool::new(false),
    };
    scope::run(engine, |scope| {
        // One is enough to find out that there is nothing to do.
        work.call(scope, if habit.is_some() { 2 } else { 1 });
        work.work();
    });
    let busy = work.busy.into_inner() as u64;
    engine.habits.note(place, per_item(busy, work.done.into_inner()), !work.is_mixed.into_inner());
    work.gathered.output()
}

fn to_word(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A loop that is worked on by several.
struct Work<S: Source, G> {
    stock: Stock<S>,
    gathered: G,
    /// Participants.
    most: usize,
    /// Those who are there or were called.
    called: AtomicUsize,
    habit: Option<Habit>,
    /// What all have cost, in nanoseconds.
    busy: AtomicUsize,
    /// Items.
    done: AtomicUsize,
    /// Some items took much longer than others.
    is_mixed: AtomicBool,
}

impl<S: Source, G: Gathered<S::Item>> Work<S, G> {
    /// Calls up to so many helpers, as long as there is something for them to do. Whether that is worth it is only said by what is
    /// known from before: what the first items say may be true of no other.
    fn call<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, helpers: usize) {
        for _ in 0..helpers {
            let left = self.stock.left() as u64;
            let is_worth_it = |habit: Habit| !habit.is_alike || habit.cost(left) >= WORTH_HELP;
            if left == 0 || !self.habit.is_none_or(is_worth_it) {
                return;
            }
            if self.called.fetch_add(1, Ordering::Relaxed) >= self.most {
                return;
            }
            let is_taken = scope.spawn_if_taken(move || {
                self.call(scope, 2);
                self.work();
            });
            if !is_taken {
                return;
            }
        }
    }

    /// Works as long as there are items that nobody has taken.
    fn work(&self) {
        let Some(mut participant) = Participant::enter(&self.stock, &self.gathered) else { return };
        let mut stride = Stride::new(self.habit);
        let (mut began, mut done) = (sys::now(), 0);
        while let Some(items) = participant.go_on(stride.items()) {
            done += items;
            if stride.go(items as u64) {
                let ended = sys::now();
                stride.note(ended.0.saturating_sub(began.0));
                began = ended;
            }
        }
        stride.note(nanos_since(began));
        // So that the sum is no more than a word can hold.
        self.busy.fetch_add(to_word(stride.busy).min(usize::MAX / self.most), Ordering::Relaxed);
        self.done.fetch_add(done, Ordering::Relaxed);
        if stride.is_mixed {
            self.is_mixed.store(true, Ordering::Relaxed);
        }
    }
}

/// How many items a participant takes at a time, and when it looks at the clock.
struct Stride {
    /// In picoseconds; 0 as long as none was done.
    per_item: u64,
    /// Items that were alike, one after the other.
    alike: u64,
    /// Items since the last look at the clock.
    untimed: u64,
    /// In nanoseconds.
    busy: u64,
    is_mixed: bool,
}

impl Stride {
    /// What is true of many items is true of a few more: this part of them.
    const PART: u64 = 64;

    fn new(habit: Option<Habit>) -> Self {
        let known = habit.filter(|habit| habit.is_alike && !habit.is_long());
        let (per_item, alike) = known.map_or((0, 0), |habit| (habit.per_item, u64::MAX));
        Self { per_item, alike, untimed: 0, busy: 0, is_mixed: false }
    }

    /// So many that they should take `time` nanoseconds.
    fn worth(&self, time: u64) -> u64 {
        (time * 1000 / self.per_item.max(1)).min(self.alike / Self::PART).max(1)
    }

    /// How many to take next.
    fn items(&self) -> usize {
        to_word(self.worth(TAKEN))
    }

    /// So many were done. Returns whether it is time to look at the clock.
    fn go(&mut self, items: u64) -> bool {
        self.untimed += items;
        self.untimed >= self.worth(TIMED)
    }

    /// Those since the last look took so long, in nanoseconds.
    fn note(&mut self, time: u64) {
        let items = std::mem::take(&mut self.untimed);
        if items == 0 {
            return;
        }
        self.busy = self.busy.saturating_add(time);
        let per_item = time.saturating_mul(1000) / items;
        if self.per_item == 0 {
            self.per_item = per_item;
        }
        let is_longer = time > 2 * TIMED && per_item > self.per_item.saturating_mul(8);
        let is_shorter = self.per_item > 2 * TIMED * 1000 && per_item < self.per_item / 8;
        if is_longer || is_shorter {
            self.is_mixed = true;
            self.alike = 0;
        }
        if !is_longer {
            self.per_item = self.per_item.midpoint(per_item);
            self.alike = self.alike.saturating_add(items);
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    /// Takes a stride of items that take so long each. Returns how many, if it has looked at the clock.
    fn go(stride: &mut Stride, since: &mut u64, nanos: u64) -> u64 {
        let items = stride.items() as u64;
        *since += items * nanos;
        if stride.go(items) {
            stride.note(std::mem::take(since));
        }
        items
    }

    #[test]
    fn a_stride_grows_with_what_was_alike_up_to_what_is_worth_it() {
        let (mut stride, mut since, mut done) = (Stride::new(None), 0, 0);
        let most = TAKEN / 10;
        assert_eq!(stride.items(), 1);
        while (stride.items() as u64) < most {
            let items = go(&mut stride, &mut since, 10);
            assert!(items == 1 || items <= done / 64);
            done += items;
        }
        while done < 100_000 {
            let items = go(&mut stride, &mut since, 10);
            assert!(items <= most && stride.untimed < TIMED / 10);
            done += items;
        }
        assert!(!stride.is_mixed);
        // A long one: what comes next is looked at one by one.
        go(&mut stride, &mut since, 20_000_000);
        stride.note(since);
        assert_eq!((stride.items(), stride.is_mixed), (1, true));
        assert!(stride.go(1));
        assert!(stride.busy > 100_000 * 10 + 20_000_000);
    }

    #[test]
    fn what_was_alike_before_is_so_from_the_first_on() {
        let habit = |is_alike| Some(Habit { per_item: 10_000, is_alike, is_due: false });
        let strides = [true, false].map(|is_alike| Stride::new(habit(is_alike)).items() as u64);
        assert_eq!(strides, [TAKEN / 10, 1]);
        // What is known of long ones is only that they are long.
        let long = Stride::new(Some(Habit { per_item: u64::MAX, is_alike: true, is_due: false }));
        assert_eq!((long.items(), long.per_item), (1, 0));
        // Nor is it so any more if the long ones come first.
        let mut stride = Stride::new(None);
        for time in [20_000_000, 100] {
            assert!(stride.go(1));
            stride.note(time);
        }
        assert_eq!((stride.items(), stride.is_mixed), (1, true));
        // Long ones that are alike are no reason to be careful; they are single anyhow.
        let (mut stride, mut since) = (Stride::new(None), 0);
        (0..10).for_each(|_| assert_eq!(go(&mut stride, &mut since, 20_000_000), 1));
        assert!(!stride.is_mixed);
    }
}
