//! Somebody who works on a loop.
#![forbid(unsafe_code)]

use std::mem;

use crate::parallel::gather::Gathered;
use crate::parallel::source::Source;
use crate::parallel::stock::{Hand, Stock};

pub(crate) struct Participant<'l, S: Source, G: Gathered<S::Item>> {
    stock: &'l Stock<S>,
    hand: Hand<'l, S>,
    gathered: &'l G,
    /// What it has gathered of items one after the other.
    run: G::Run,
    /// Where these end.
    end: usize,
    /// In code of the user's.
    is_inside: bool,
}

impl<'l, S: Source, G: Gathered<S::Item>> Participant<'l, S, G> {
    /// `None` when there are enough.
    pub(crate) fn enter(stock: &'l Stock<S>, gathered: &'l G) -> Option<Self> {
        let hand = stock.enter()?;
        Some(Self { stock, hand, gathered, run: G::Run::default(), end: 0, is_inside: false })
    }

    /// Does the next items, some so many at most. Returns how many it took, or `None` when nobody leaves it any.
    #[inline(always)]
    pub(crate) fn go_on(&mut self, most: usize) -> Option<usize> {
        let part = self.hand.take(most)?;
        let numbers = part.numbers();
        if numbers.start != self.end {
            self.keep();
        }
        self.is_inside = true;
        let flow = self.gathered.go(&mut self.run, part);
        self.is_inside = false;
        self.end = numbers.end;
        if flow.is_break() {
            self.stock.close();
        }
        Some(numbers.len())
    }

    /// The run is complete.
    fn keep(&mut self) {
        self.gathered.keep(mem::take(&mut self.run));
    }
}

impl<S: Source, G: Gathered<S::Item>> Drop for Participant<'_, S, G> {
    fn drop(&mut self) {
        if self.is_inside {
            self.stock.close();
        }
        // After a panic as well: whoever ends the loop drops what there is.
        self.keep();
    }
}
