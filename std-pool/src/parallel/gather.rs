//! What becomes of the items of a loop, and of the values made of them.
#![forbid(unsafe_code)]

use std::ops::ControlFlow;

use crate::parallel::stock::Part;

/// What becomes of items, of which several threads have each a part.
pub(crate) trait Gather<Item>: Sync {
    /// What somebody has gathered of items that he did one after the other.
    type Run: Default;
    type Output;

    /// Somebody wants to know how far it has got, so that all is to be taken in parts.
    const IS_WATCHED: bool = false;

    /// There will be so many items, of one stock.
    fn open(&mut self, _len: usize) {}

    /// Does some items, the next of a run. Breaks off if no others are to be done.
    fn go(&self, run: &mut Self::Run, part: Part<impl Iterator<Item = Item>>) -> ControlFlow<()>;

    /// A run has ended; nothing may have been gathered in it.
    fn keep(&self, run: Self::Run);

    /// What was gathered by all.
    fn output(self) -> Self::Output;

    /// The same where all items are done by one; and how many were, as it may break off.
    fn alone(self, len: usize, items: impl Iterator<Item = Item>) -> (Self::Output, usize);
}
