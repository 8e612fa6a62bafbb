//! One value of all items: each run of neighbours has an accumulator, and these are merged in the order of the items.
#![forbid(unsafe_code)]

use std::mem;
use std::ops::ControlFlow;

use crate::parallel::gather::{Gather, Gathered};
use crate::parallel::stock::Part;
use crate::sys::Mutex;

/// How items become an accumulator.
pub(crate) trait Accumulate<Item>: Sync {
    type Value: Send;

    /// With some more items; without a value before, with the first.
    fn over(&self, value: Option<Self::Value>, items: impl Iterator<Item = Item>) -> Option<Self::Value>;
}

/// By a function that begins with a value of its own.
pub(crate) struct Fold<N, F> {
    pub(crate) identity: N,
    pub(crate) function: F,
}

impl<Item, A, N, F> Accumulate<Item> for Fold<N, F>
where
    A: Send,
    N: Fn() -> A + Sync,
    F: Fn(A, Item) -> A + Sync,
{
    type Value = A;

    #[inline(always)]
    fn over(&self, value: Option<A>, items: impl Iterator<Item = Item>) -> Option<A> {
        Some(items.fold(value.unwrap_or_else(&self.identity), &self.function))
    }
}

/// By a function that makes one of two.
pub(crate) struct Reduce<F>(pub(crate) F);

impl<Item: Send, F: Fn(Item, Item) -> Item + Sync> Accumulate<Item> for Reduce<F> {
    type Value = Item;

    #[inline(always)]
    fn over(&self, value: Option<Item>, items: impl Iterator<Item = Item>) -> Option<Item> {
        match value {
            Some(value) => Some(items.fold(value, &self.0)),
            None => items.reduce(&self.0),
        }
    }
}

pub(crate) struct Merged<C, M> {
    pub(crate) accumulate: C,
    pub(crate) merge: M,
}

impl<Item, C: Accumulate<Item>, M> Gather<Item> for Merged<C, M>
where
    M: Fn(C::Value, C::Value) -> C::Value + Sync,
{
    /// `None` if there was no item.
    type Output = Option<C::Value>;
    type Gathered = Runs<C, C::Value, M>;

    #[inline(always)]
    fn alone(self, len: usize, items: impl Iterator<Item = Item>) -> (Self::Output, usize) {
        (self.accumulate.over(None, items), len)
    }

    fn open(self, _len: usize) -> Self::Gathered {
        Runs { how: self, complete: Mutex::new(Vec::new()) }
    }
}

pub(crate) struct Runs<C, V, M> {
    how: Merged<C, M>,
    /// By the number of the first item.
    complete: Mutex<Vec<(usize, V)>>,
}

impl<Item, C: Accumulate<Item>, M> Gathered<Item> for Runs<C, C::Value, M>
where
    M: Fn(C::Value, C::Value) -> C::Value + Sync,
{
    type Run = Option<(usize, C::Value)>;
    type Output = Option<C::Value>;

    #[inline(always)]
    fn go(&self, run: &mut Self::Run, part: Part<impl Iterator<Item = Item>>) -> ControlFlow<()> {
        let (first, value) = match run.take() {
            Some((first, value)) => (first, Some(value)),
            None => (part.numbers().start, None),
        };
        *run = self.how.accumulate.over(value, part.items()).map(|value| (first, value));
        ControlFlow::Continue(())
    }

    fn keep(&self, run: Self::Run) {
        if let Some(run) = run {
            self.complete.lock().push(run);
        }
    }

    fn output(mut self) -> Self::Output {
        let mut runs = mem::take(self.complete.get_mut());
        runs.sort_unstable_by_key(|(first, _)| *first);
        runs.into_iter().map(|(_, value)| value).reduce(&self.how.merge)
    }
}
