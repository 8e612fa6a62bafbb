//! The search for an item with which a loop is to stop: an error, or what is looked for.
#![forbid(unsafe_code)]

use std::ops::ControlFlow;

use crate::parallel::gather::{Gather, Gathered};
use crate::parallel::stock::Part;
use crate::sys::Mutex;

/// Stops at an item for which a function returns something.
pub(crate) struct Until<F>(pub(crate) F);

impl<Item, V: Send, F: Fn(Item) -> Option<V> + Sync> Gather<Item> for Until<F> {
    type Output = Option<V>;
    type Gathered = Found<F, V>;

    #[inline(always)]
    fn alone(self, len: usize, mut items: impl Iterator<Item = Item>) -> (Option<V>, usize) {
        let found = items.find_map(self.0);
        (found, len - items.size_hint().0)
    }

    fn open(self, _len: usize) -> Found<F, V> {
        Found { function: self.0, lowest: Mutex::new(None) }
    }
}

pub(crate) struct Found<F, V> {
    function: F,
    /// With the number of its item: the lowest of those that were seen.
    lowest: Mutex<Option<(usize, V)>>,
}

impl<Item, V: Send, F: Fn(Item) -> Option<V> + Sync> Gathered<Item> for Found<F, V> {
    type Run = ();
    type Output = Option<V>;

    #[inline(always)]
    fn go(&self, (): &mut (), part: Part<impl Iterator<Item = Item>>) -> ControlFlow<()> {
        let mut found = part.numbered().filter_map(|(number, item)| Some((number, (self.function)(item)?)));
        let Some(fresh) = found.next() else { return ControlFlow::Continue(()) };
        // Dropped without the lock.
        let _dropped = {
            let mut lowest = self.lowest.lock();
            let is_lowest = lowest.as_ref().is_none_or(|(number, _)| fresh.0 < *number);
            if is_lowest { lowest.replace(fresh) } else { Some(fresh) }
        };
        ControlFlow::Break(())
    }

    fn keep(&self, (): ()) {}

    fn output(mut self) -> Option<V> {
        self.lowest.get_mut().take().map(|(_, value)| value)
    }
}
