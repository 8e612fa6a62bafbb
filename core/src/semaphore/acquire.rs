//! Acquisitions that wait: on the stack of the context that blocks, or in a task as a future.
//!
//! # Rules
//!
//! 1. *The node is ours.* Only this acquisition lists its node, only in its semaphore's list, and only while the node is
//!    idle.
//! 2. *Gone means off the list.* An acquisition is pinned before it lists its node, and its destructor takes the node off,
//!    so that rule 1 of the list holds even if a parker panics.

use core::fmt;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};

use lock_api::RawMutex;

use super::waiters::{Node, Stage, Waiters};
use super::word::{Look, Refusal, Word};
use super::{AcquireError, Semaphore};
use crate::host::{Park, Tick, Unpark};
use crate::sync::{Ordering, sized};

/// Calls in vain before what is released is kept for the one who was called. A number and not a time, for the core has no clock;
/// each call takes as long as a wake-up.
pub(super) const PATIENCE: usize = sized(16, 1);

impl<R: RawMutex, U: Unpark> Semaphore<R, U> {
    /// Takes `count` permits, waits for them if need be.
    ///
    /// # Errors
    ///
    /// [`AcquireError::Closed`] if the semaphore is closed or becomes so before it is this caller's turn;
    /// [`AcquireError::TooMany`] for more than [`Semaphore::MAX_PERMITS`].
    ///
    /// # Panics
    ///
    /// Passes on a panic of [`Unpark::unpark`] of the next in line, if it has to be called; then nothing is acquired.
    #[inline]
    pub fn acquire(&self, count: usize, parker: &impl Park<Unpark = U>) -> Result<(), AcquireError> {
        if self.update(Ordering::Acquire, |word| word.take(count)).is_ok() {
            return Ok(());
        }
        self.acquire_slow(count, parker, || {
            parker.park();
            true
        })
    }

    /// Takes `count` permits, waits for them until `deadline` if need be. `now` is the clock by which `parker` measures.
    ///
    /// # Errors
    ///
    /// As for [`Semaphore::acquire`], and [`AcquireError::TimedOut`]; then the permits that were free for this caller go
    /// to those behind it.
    #[inline]
    pub fn acquire_until(
        &self,
        count: usize,
        parker: &impl Park<Unpark = U>,
        deadline: Tick,
        now: impl Fn() -> Tick,
    ) -> Result<(), AcquireError> {
        if self.update(Ordering::Acquire, |word| word.take(count)).is_ok() {
            return Ok(());
        }
        self.acquire_slow(count, parker, || {
            let has_time = now() < deadline;
            if has_time {
                parker.park_until(deadline);
            }
            has_time
        })
    }

    #[cold]
    #[inline(never)]
    fn acquire_slow(
        &self,
        count: usize,
        parker: &impl Park<Unpark = U>,
        pass_time: impl FnMut() -> bool,
    ) -> Result<(), AcquireError> {
        pin!(Acquire::new(self, count)).as_ref().wait(parker, pass_time)
    }

    /// Takes `count` permits in a task, which waits in the same list as those who block.
    ///
    /// Ready with the errors of [`Semaphore::acquire`]. `U` may be [`Waker`] itself, or an enum of it and what wakes a
    /// thread.
    pub fn acquire_async(&self, count: usize) -> Acquire<'_, R, U>
    where
        U: From<Waker>,
    {
        Acquire::new(self, count)
    }
}

/// A future that acquires permits; see [`Semaphore::acquire_async`].
///
/// # Cancellation
///
/// Dropped before it is ready it leaves the queue, and what was meant for it goes to those behind it. Once ready it must
/// not be polled again: that would acquire once more.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Acquire<'a, R: RawMutex, U: Unpark> {
    semaphore: &'a Semaphore<R, U>,
    count: usize,
    node: Node<U>,
}

impl<'a, R: RawMutex, U: Unpark> Acquire<'a, R, U> {
    fn new(semaphore: &'a Semaphore<R, U>, count: usize) -> Self {
        Self { semaphore, count, node: Node::new() }
    }

    /// Waits while `pass_time` says that there is time left.
    fn wait(
        self: Pin<&Self>,
        parker: &impl Park<Unpark = U>,
        mut pass_time: impl FnMut() -> bool,
    ) -> Result<(), AcquireError> {
        if let Some(end) = self.join(parker.unparker()) {
            return end;
        }
        loop {
            // Looked at once: who is granted what he was called for is not woken for it again.
            let is_called = U::BARGING && self.node.stage() == Stage::Called;
            let end = if is_called { self.look(parker.unparker()) } else { self.end() };
            if let Some(end) = end {
                return end;
            }
            if !pass_time() && self.leave() {
                return Err(AcquireError::TimedOut);
            }
        }
    }

    /// Takes the permits, or else joins the list. `None`: joined.
    fn join(self: Pin<&Self>, unparker: U) -> Option<Result<(), AcquireError>> {
        if self.count > Word::MAX_PERMITS {
            return Some(Err(AcquireError::TooMany));
        }
        let mut waiters = self.semaphore.waiters.lock();
        let is_first = !U::BARGING || waiters.head_count().is_none();
        let step = |word: Word| if is_first { word.join(self.count, U::BARGING) } else { word.take(self.count) };
        match self.semaphore.update(Ordering::Acquire, step) {
            Ok(word) if !is_first || !word.has_waiters() => return Some(Ok(())),
            // Behind others the word says already that somebody waits.
            Ok(_) | Err(Refusal::TooFew) => {}
            Err(Refusal::Closed) => return Some(Err(AcquireError::Closed)),
        }
        // SAFETY: rules 1 and 2; the node is pinned with the acquisition.
        unsafe { waiters.push(self.map_unchecked(|acquire| &acquire.node), self.count, unparker) };
        None
    }

    /// Whoever was called looks for its permits; else, and if they are too few, `unparker` is to be woken from now on. `None`:
    /// it waits on.
    fn look(&self, unparker: U) -> Option<Result<(), AcquireError>> {
        let mut waiters = self.semaphore.waiters.lock();
        let stage = self.node.stage();
        if stage == Stage::Called && self.takes_its_own(&mut waiters) {
            let word = self.semaphore.load();
            drop(waiters);
            if word.is_unsettled() {
                // Given back if an unparker panics.
                let permit = self.semaphore.adopt(self.count);
                self.semaphore.settle();
                permit.forget();
            }
            return Some(Ok(()));
        }
        if !matches!(stage, Stage::Waiting | Stage::Called) {
            drop(waiters);
            return self.end();
        }
        // SAFETY: rule 1, and the node is listed.
        let former = unsafe { waiters.replace(&self.node, unparker) };
        drop(waiters);
        drop(former);
        None
    }

    /// For the head that was called, under the lock: takes the permits if they are there still.
    fn takes_its_own(&self, waiters: &mut Waiters<U>) -> bool {
        // SAFETY: rule 1, and the node is listed.
        let was_in_vain = unsafe { waiters.calls(&self.node) } >= PATIENCE;
        let next = waiters.next_count();
        let mut is_taken = false;
        let _ = self.semaphore.update(Ordering::AcqRel, |word| {
            let look = word.look(self.count, next, was_in_vain);
            is_taken = matches!(look, Look::Taken(_));
            let (Look::Taken(word) | Look::TooFew(word)) = look;
            Ok::<_, Refusal>(word)
        });
        if is_taken {
            // SAFETY: as above, and it was called.
            let _ = unsafe { waiters.remove(&self.node) };
        }
        is_taken
    }

    /// How the wait has ended. `None`: it has not.
    fn end(&self) -> Option<Result<(), AcquireError>> {
        let end = match self.node.stage() {
            Stage::Idle | Stage::Waiting | Stage::Called => return None,
            Stage::Granted => Ok(()),
            Stage::Closed => Err(AcquireError::Closed),
        };
        self.node.reset();
        Some(end)
    }

    /// Gives up. Returns whether it did, or else the wait has ended meanwhile.
    #[cold]
    fn leave(&self) -> bool {
        let mut waiters = self.semaphore.waiters.lock();
        if !self.is_listed() {
            return false;
        }
        // SAFETY: rule 1, and the node is listed.
        let was_head = unsafe { waiters.remove(&self.node) };
        if was_head && U::BARGING {
            self.semaphore.be_headed_by(waiters.head_count());
        }
        drop(waiters);
        if was_head {
            // What was too little for this one may be enough for the next; and the next was not called.
            self.semaphore.settle();
        }
        true
    }

    fn is_listed(&self) -> bool {
        let stage = self.node.stage();
        stage == Stage::Waiting || U::BARGING && stage == Stage::Called
    }
}

impl<R: RawMutex, U: Unpark> Drop for Acquire<'_, R, U> {
    fn drop(&mut self) {
        let acquire = &*self;
        if acquire.is_listed() && acquire.leave() {
            return;
        }
        if let Some(Ok(())) = acquire.end() {
            let _ = acquire.semaphore.release(acquire.count);
        }
    }
}

impl<R: RawMutex, U: Unpark + From<Waker>> Future for Acquire<'_, R, U> {
    type Output = Result<(), AcquireError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let acquire = self.as_ref();
        let unparker = || U::from(context.waker().clone());
        if acquire.node.stage() == Stage::Idle {
            if acquire.semaphore.try_acquire(acquire.count).is_ok() {
                return Poll::Ready(Ok(()));
            }
            return acquire.join(unparker()).map_or(Poll::Pending, Poll::Ready);
        }
        // The task may have moved: from now on this one is to be woken.
        acquire.look(unparker()).map_or(Poll::Pending, Poll::Ready)
    }
}

impl<R: RawMutex, U: Unpark> fmt::Debug for Acquire<'_, R, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = self.node.stage();
        f.debug_struct("Acquire").field("count", &self.count).field("stage", &stage).finish_non_exhaustive()
    }
}
