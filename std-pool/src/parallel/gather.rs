//! What becomes of the items of a loop, and of the values made of them.
#![forbid(unsafe_code)]

use std::ops::ControlFlow;

use crate::parallel::stock::Part;

/// What is to become of the items.
pub(crate) trait Gather<Item> {
    type Output;
    type Gathered: Gathered<Item, Output = Self::Output>;

    /// Somebody wants to know how far it has got, so that all is to be taken in parts.
    const IS_WATCHED: bool = false;

    /// All items are done by one. Returns also how many were, as it may break off. The iterator knows how many are left.
    fn alone(self, len: usize, items: impl Iterator<Item = Item>) -> (Self::Output, usize);

    /// So many items of one stock are done by several.
    fn open(self, len: usize) -> Self::Gathered;
}

/// What has become of them so far, by several threads.
pub(crate) trait Gathered<Item>: Sync {
    /// What somebody has gathered of items that he did one after the other.
    type Run: Default;
    type Output;

    /// Does some items, the next of a run. Breaks off if no others are to be done.
    fn go(&self, run: &mut Self::Run, part: Part<impl Iterator<Item = Item>>) -> ControlFlow<()>;

    /// A run has ended; nothing may have been gathered in it.
    fn keep(&self, run: Self::Run);

    fn output(self) -> Self::Output;
}
