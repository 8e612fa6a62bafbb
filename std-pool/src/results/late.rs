//! A queue of results that is made when somebody asks for it. What else is to be done with it is reached by functions that are installed
//! then: so a program in which nobody reads results is spared what readers need.

use std::any::Any;
use std::mem::ManuallyDrop;

use crate::results::queue::Results;
use crate::sync::waiter::Waiter;
use crate::sys::OnceLock;

pub(crate) struct Late<E>(OnceLock<Made<E>>);

struct Made<E> {
    results: ManuallyDrop<Box<Results<E>>>,
    ways: Ways<E>,
}

struct Ways<E> {
    push: fn(&Results<E>, E) -> Option<E>,
    lost: fn(&Results<E>) -> u64,
    is_called_back: fn(&Results<E>) -> bool,
    close_for: fn(&Results<E>, &mut Vec<Waiter>),
    reopen: fn(&Results<E>),
    take_all: fn(&Results<E>) -> Box<dyn Any + Send>,
    /// To be called once, with nothing after it.
    drop: unsafe fn(&mut ManuallyDrop<Box<Results<E>>>),
}

impl<E: Send + 'static> Ways<E> {
    const ALL: Self = Self {
        push: Results::push,
        lost: Results::lost,
        is_called_back: Results::is_called_back,
        close_for: Results::close_for,
        reopen: Results::reopen,
        take_all: |results| Box::new(results.take_all()),
        drop: ManuallyDrop::drop,
    };
}

impl<E> Late<E> {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The queue, if somebody has asked for it.
    #[inline(always)]
    pub(crate) fn made(&self) -> Option<&Results<E>> {
        self.0.get().map(|made| &**made.results)
    }

    /// Whether a callback has been called with all that there is; so it has where there is no queue.
    pub(crate) fn is_called_back(&self) -> bool {
        self.0.get().is_none_or(|made| (made.ways.is_called_back)(&made.results))
    }

    /// What [`Results::push`] returns, and how many were lost so. There is a queue.
    pub(crate) fn push(&self, entry: E) -> Option<(E, u64)> {
        let Some(Made { results, ways }) = self.0.get() else { unreachable!("somebody has asked for it") };
        (ways.push)(results, entry).map(|lost| (lost, (ways.lost)(results)))
    }

    pub(crate) fn close_for(&self, woken: &mut Vec<Waiter>) {
        if let Some(Made { results, ways }) = self.0.get() {
            (ways.close_for)(results, woken);
        }
    }

    pub(crate) fn reopen(&self) {
        if let Some(Made { results, ways }) = self.0.get() {
            (ways.reopen)(results);
        }
    }

    /// To be dropped by the caller.
    pub(crate) fn take_all(&self) -> Option<Box<dyn Any + Send>> {
        self.0.get().map(|Made { results, ways }| (ways.take_all)(results))
    }
}

impl<E: Send + 'static> Late<E> {
    /// The queue. Only one at a time makes it.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> Results<E>) -> &Results<E> {
        let with_ways = || Made { results: ManuallyDrop::new(Box::new(make())), ways: Ways::ALL };
        &self.0.get_or_init(with_ways).results
    }
}

impl<E> Drop for Made<E> {
    fn drop(&mut self) {
        // SAFETY: nobody looks at it any more.
        unsafe { (self.ways.drop)(&mut self.results) };
    }
}
