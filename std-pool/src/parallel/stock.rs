//! The items of a loop under way: nobody's until somebody takes them.
//!
//! # Rules
//!
//! 1. What a [`Hand`] has taken from the [`Shares`] is its alone, and asked for once, from the first on: the shares give each item out
//!    once.
//! 2. What nobody has asked for in the end, because the loop was stopped, is still in the shares, or was put back by a hand. It is
//!    asked for and dropped with the stock.

use std::iter;
use std::mem;
use std::ops::Range;

use crate::parallel::shares::Shares;
use crate::parallel::source::Source;
use crate::sys::Mutex;
use crate::sys::atomic::{AtomicBool, Ordering};

pub(crate) struct Stock<S: Source> {
    source: S,
    shares: Shares,
    is_closed: AtomicBool,
    put_back: Mutex<Vec<Range<usize>>>,
}

impl<S: Source> Stock<S> {
    /// For at most so many who take of it.
    pub(crate) fn new(source: S, most: usize) -> Self {
        let shares = Shares::new(source.len(), most);
        Self { source, shares, is_closed: AtomicBool::new(false), put_back: Mutex::new(Vec::new()) }
    }

    pub(crate) fn len(&self) -> usize {
        self.source.len()
    }

    /// One more who takes of it; `None` when there are enough. All is the first's, until others come.
    pub(crate) fn enter(&self) -> Option<Hand<'_, S>> {
        Some(Hand { stock: self, number: self.shares.enter()?, taken: 0..0 })
    }

    /// How many items nobody has taken, as far as it can be seen; none if nobody may.
    pub(crate) fn left(&self) -> usize {
        if self.is_closed() { 0 } else { self.shares.left() }
    }

    /// From now on nobody takes any more: something has gone wrong, or is found.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}

impl<S: Source> Drop for Stock<S> {
    fn drop(&mut self) {
        let ranges = self.shares.drain().chain(mem::take(self.put_back.get_mut())).collect();
        drop(Left { source: &self.source, ranges });
    }
}

/// What nobody has asked for; dropped, it goes on after the panic of a destructor.
struct Left<'s, S: Source> {
    source: &'s S,
    ranges: Vec<Range<usize>>,
}

impl<S: Source> Drop for Left<'_, S> {
    fn drop(&mut self) {
        if let Some(range) = self.ranges.pop() {
            let _others = Left { source: self.source, ranges: mem::take(&mut self.ranges) };
            // SAFETY: rule 2.
            drop(unsafe { self.source.run(range) });
        }
    }
}

/// Somebody who takes items.
pub(crate) struct Hand<'s, S: Source> {
    stock: &'s Stock<S>,
    number: usize,
    /// Where the shares tell only many items apart, these are more than are wanted at a time.
    taken: Range<usize>,
}

impl<'s, S: Source> Hand<'s, S> {
    /// The next items, some so many at most.
    #[inline(always)]
    pub(crate) fn take(&mut self, most: usize) -> Option<Part<impl Iterator<Item = S::Item> + use<'s, S>>> {
        let Stock { source, shares, .. } = self.stock;
        if self.stock.is_closed() {
            return None;
        }
        if self.taken.is_empty() {
            self.taken = shares.take(self.number, most).or_else(|| shares.steal(self.number))?;
        }
        let Range { start, end } = self.taken;
        let numbers = start..start + most.min(end - start);
        self.taken.start = numbers.end;
        // SAFETY: rule 1.
        let items = unsafe { source.run(numbers.clone()) };
        Some(Part { numbers, items })
    }
}

impl<S: Source> Drop for Hand<'_, S> {
    fn drop(&mut self) {
        if !self.taken.is_empty() {
            self.stock.put_back.lock().push(self.taken.clone());
        }
    }
}

/// Items that somebody has taken, and nobody else will.
pub(crate) struct Part<I> {
    numbers: Range<usize>,
    items: I,
}

impl<I: Iterator> Part<I> {
    /// Which ones of all items.
    pub(crate) fn numbers(&self) -> Range<usize> {
        self.numbers.clone()
    }

    pub(crate) fn items(self) -> I {
        self.items
    }

    pub(crate) fn numbered(self) -> impl Iterator<Item = (usize, I::Item)> {
        iter::zip(self.numbers, self.items)
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::parallel::items::IntoPar;

    struct Counted<'c>(&'c AtomicUsize, bool);

    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert!(!self.1, "a destructor");
        }
    }

    #[test]
    fn a_destructor_that_panics_keeps_no_other_item_from_being_dropped() {
        for bomb in 0..16 {
            let count = AtomicUsize::new(0);
            let items: Vec<_> = (0..16).map(|n| Counted(&count, n == bomb)).collect();
            let stock = Stock::new(items.open(16), 3);
            // Shared among three, of whom nobody gets any further.
            let mut hands: Vec<_> = (0..3).map(|_| stock.enter().unwrap()).collect();
            let take_one = |hand: &mut Hand<'_, _>| catch_unwind(AssertUnwindSafe(|| drop(hand.take(1)))).is_err();
            let mut panics = hands.iter_mut().map(take_one).filter(|panics| *panics).count();
            drop(hands);
            panics += usize::from(catch_unwind(AssertUnwindSafe(|| drop(stock))).is_err());
            assert_eq!((panics, count.into_inner()), (1, 16));
        }
    }
}
