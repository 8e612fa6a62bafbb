//! The search for an item with which a loop is to stop: an error, or what is looked for.
#![forbid(unsafe_code)]

use std::ops::ControlFlow;

use crate::parallel::gather::Gather;
use crate::parallel::stock::Part;
use crate::sys::Mutex;

/// Stops at an item for which a function returns something.
pub(crate) struct Until<F, V> {
    function: F,
    /// By the number of the item: the lowest of those that were seen.
    found: Mutex<Option<(usize, V)>>,
}

impl<F, V> Until<F, V> {
    pub(crate) fn new(function: F) -> Self {
        Self { function, found: Mutex::new(None) }
    }
}

impl<Item, V: Send, F: Fn(Item) -> Option<V> + Sync> Gather<Item> for Until<F, V> {
    type Run = ();
    type Output = Option<V>;

    #[inline(always)]
    fn go(&self, (): &mut (), part: Part<impl Iterator<Item = Item>>) -> ControlFlow<()> {
        let mut found = part.numbered().filter_map(|(number, item)| Some((number, (self.function)(item)?)));
        let Some(fresh) = found.next() else { return ControlFlow::Continue(()) };
        // Dropped without the lock.
        let _dropped = {
            let mut lowest = self.found.lock();
            let is_lowest = lowest.as_ref().is_none_or(|(number, _)| fresh.0 < *number);
            if is_lowest { lowest.replace(fresh) } else { Some(fresh) }
        };
        ControlFlow::Break(())
    }

    fn keep(&self, (): ()) {}

    fn output(mut self) -> Option<V> {
        self.found.get_mut().take().map(|(_, value)| value)
    }

    #[inline(always)]
    fn alone(self, _len: usize, items: impl Iterator<Item = Item>) -> (Option<V>, usize) {
        let mut done = 0;
        let found = { items }.find_map(|item| {
            done += 1;
            (self.function)(item)
        });
        (found, done)
    }
}
