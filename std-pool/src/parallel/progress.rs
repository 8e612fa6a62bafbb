//! How far a loop has got, for somebody who wants to know.
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::ControlFlow;

use crate::parallel::gather::{Gather, Gathered};
use crate::parallel::stock::Part;
use crate::sys::atomic::{AtomicUsize, Ordering};

/// Who wants to know how far a loop has got.
pub trait Watch: Sync {
    const IS_ON: bool;

    /// So many items are done, of so many.
    fn tell(&self, done: usize, of: usize);
}

/// Nobody.
#[derive(Debug)]
pub struct Quiet;

impl Watch for Quiet {
    const IS_ON: bool = false;

    fn tell(&self, _: usize, _: usize) {}
}

/// A function of the user's.
pub struct Hook<F>(pub(super) F);

impl<F: Fn(usize, usize) + Sync> Watch for Hook<F> {
    const IS_ON: bool = true;

    fn tell(&self, done: usize, of: usize) {
        (self.0)(done, of);
    }
}

/// What is to become of items, and is watched.
pub(crate) struct Watched<G, H> {
    pub(crate) gather: G,
    pub(crate) hook: H,
}

impl<Item, G: Gather<Item>, H: Watch> Gather<Item> for Watched<G, H> {
    type Output = G::Output;
    type Gathered = Progress<G::Gathered, H>;

    const IS_WATCHED: bool = H::IS_ON;

    #[inline(always)]
    fn alone(self, len: usize, items: impl Iterator<Item = Item>) -> (G::Output, usize) {
        let (output, done) = self.gather.alone(len, items);
        if H::IS_ON && done == len {
            self.hook.tell(len, len);
        }
        (output, done)
    }

    fn open(self, len: usize) -> Self::Gathered {
        Progress { gathered: self.gather.open(len), hook: self.hook, done: AtomicUsize::new(0), of: len }
    }
}

pub(crate) struct Progress<G, H> {
    gathered: G,
    hook: H,
    done: AtomicUsize,
    of: usize,
}

impl<Item, G: Gathered<Item>, H: Watch> Gathered<Item> for Progress<G, H> {
    type Run = G::Run;
    type Output = G::Output;

    #[inline(always)]
    fn go(&self, run: &mut G::Run, part: Part<impl Iterator<Item = Item>>) -> ControlFlow<()> {
        let count = part.numbers().len();
        self.gathered.go(run, part)?;
        if H::IS_ON {
            let done = self.done.fetch_add(count, Ordering::Relaxed) + count;
            // That all are done is told when nobody tells anything else any more.
            if done < self.of {
                self.hook.tell(done, self.of);
            }
        }
        ControlFlow::Continue(())
    }

    fn keep(&self, run: G::Run) {
        self.gathered.keep(run);
    }

    fn output(self) -> G::Output {
        if H::IS_ON && self.done.load(Ordering::Relaxed) == self.of {
            self.hook.tell(self.of, self.of);
        }
        self.gathered.output()
    }
}

impl<F> fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
