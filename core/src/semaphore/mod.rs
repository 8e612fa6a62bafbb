//! A counting semaphore: blocking, timed and async, for one permit or many, closable, first come, first served.
//!
//! | file | what is in it |
//! |---|---|
//! | `word` | the state and its edges |
//! | `waiters` | the list of those who wait |
//! | `acquire` | acquisitions that wait |
//! | `permit` | the guard |
//!
//! # Rules
//!
//! 1. While somebody waits the free permits are the head's: newcomers see `WAITERS` and join behind it. So a big request
//!    at the head gathers what is released until it is enough.
//! 2. `WAITERS` and the list change under the list's lock. The flag is set whenever the list is not empty; it outlives the
//!    last node only while a settler is on its way to clear it.
//! 3. Whoever changes the word or the head while `WAITERS` is set *settles*: grants from the head on as far as the permits
//!    reach, or turns all away if the semaphore is closed.
//! 4. Nobody is woken under the lock: a settler carries a few unparkers out of it at a time, and comes back for the rest.
//! 5. An unparker that panics keeps nobody else asleep: the settler wakes all others on its way out. Nothing here can catch a
//!    second panic on that way, which ends the program: see [`Unpark::unpark`].
//!
//! # Order
//!
//! No wake-up is lost because everything is decided on one word, and by read-modify-writes, of which each sees the one
//! before it. A waiter sets `WAITERS` with the same step that finds the permits too few; a releaser adds with the same
//! step that looks for `WAITERS`. Either the waiter comes first, then the releaser sees the flag and settles, and as the
//! waiter is listed before it lets go of the lock the settler finds it; or the releaser comes first, then the waiter
//! finds its permits. Two settlers only take turns. `close` and `reopen` are as `release`.
//!
//! What was done before a release is seen after the acquisition that it allowed: releases are `Release`, acquisitions
//! `Acquire`, the settler's step, which stands between the two for one who waits, `AcqRel`, and all steps between them are
//! read-modify-writes and so continue the chain. A refusal is read with `Acquire` too: who is told `Closed` sees what was
//! done before the close.

mod acquire;
mod error;
mod permit;
mod waiters;
mod word;

#[cfg(all(test, loom))]
mod loom;
#[cfg(all(test, not(loom)))]
mod tests;

use core::fmt;
use core::mem;

use lock_api::{Mutex, RawMutex};

use self::waiters::{Stage, Waiters};
use self::word::{Refusal, Word};
use crate::host::Unpark;
use crate::sync::{AtomicUsize, Ordering, const_unless_loom, sized};

pub use self::acquire::Acquire;
pub use self::error::{AcquireError, Overflow, TryAcquireError};
pub use self::permit::Permit;

/// How many are woken between two turns of the lock. Small, because the lock may mask interrupts; one under the model
/// checker, so that every turn is looked at.
const WAKE_BATCH: usize = sized(8, 1);

/// A counting semaphore.
///
/// `R` guards the list of those who wait; without contention it is never touched, and a release with an acquire cost two
/// atomic operations. `U` is what wakes those who wait, the waking end of their [`Park`](crate::Park) or a [`Waker`](core::task::Waker). Nothing is
/// allocated.
///
/// Who waits is served in the order of coming, however many permits each asks for. [`Semaphore::release`],
/// [`Semaphore::try_acquire`] and all questions may be used in an interrupt handler if `R` masks interrupts.
///
#[cfg_attr(all(feature = "alloc", target_has_atomic = "ptr"), doc = "```")]
#[cfg_attr(not(all(feature = "alloc", target_has_atomic = "ptr")), doc = "```ignore")]
/// use fastthreadpool_core::hosts::{ScriptedHost, ScriptedMutex, ScriptedUnparker};
/// use fastthreadpool_core::{AcquireError, Host, Semaphore, Tick};
///
/// static SEATS: Semaphore<ScriptedMutex, ScriptedUnparker> = Semaphore::new(2);
///
/// let host = ScriptedHost::new();
/// let guest = host.parker();
/// SEATS.acquire(2, &guest)?;
/// assert!(SEATS.is_locked());
/// assert_eq!(SEATS.acquire_until(1, &guest, Tick(5), || host.now()), Err(AcquireError::TimedOut));
/// SEATS.release(2)?;
///
/// let seat = SEATS.permit(1, &guest)?;
/// assert_eq!(SEATS.value(), 1);
/// drop(seat);
/// assert_eq!(SEATS.value(), 2);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Semaphore<R: RawMutex, U: Unpark> {
    word: AtomicUsize,
    waiters: Mutex<R, Waiters<U>>,
}

impl<R: RawMutex, U: Unpark> Semaphore<R, U> {
    /// The most permits that a semaphore can have.
    pub const MAX_PERMITS: usize = Word::MAX_PERMITS;

    const_unless_loom! {
        /// A semaphore with so many free permits.
        ///
        /// # Panics
        ///
        /// If these are more than [`Semaphore::MAX_PERMITS`].
        #[must_use]
        pub const fn new(permits: usize) -> Self {
            assert!(permits <= Self::MAX_PERMITS, "more permits than a semaphore can have");
            Self { word: AtomicUsize::new(Word::of(permits).0), waiters: Mutex::new(Waiters::new()) }
        }
    }

    /// Takes `count` permits if they are free and nobody waits.
    ///
    /// # Errors
    ///
    /// Tells why they could not be taken. Nothing has changed then.
    #[inline]
    pub fn try_acquire(&self, count: usize) -> Result<(), TryAcquireError> {
        match self.update(Ordering::Acquire, |word| word.take(count)) {
            Ok(_) => Ok(()),
            Err(Refusal::Closed) => Err(TryAcquireError::Closed),
            Err(Refusal::TooFew) if count > Self::MAX_PERMITS => Err(TryAcquireError::TooMany),
            Err(Refusal::TooFew) => Err(TryAcquireError::NoPermits),
        }
    }

    /// Takes `count` permits as [`Semaphore::try_acquire`] does, and looks again while `look_again` says so, which is where
    /// the caller spins or yields; it is told how many looks were in vain.
    ///
    /// To try this before an [`acquire`](Semaphore::acquire) is what keeps a contended semaphore fast: those who have gone
    /// to sleep are served in strict order, which costs a change of context for each. Some ten looks with a yield between
    /// them are enough.
    ///
    /// # Errors
    ///
    /// As for [`Semaphore::try_acquire`], of the last look.
    #[inline]
    pub fn try_acquire_while(
        &self,
        count: usize,
        mut look_again: impl FnMut(u32) -> bool,
    ) -> Result<(), TryAcquireError> {
        let mut result = self.try_acquire(count);
        let mut looks = 0;
        while result == Err(TryAcquireError::NoPermits) && look_again(looks) {
            looks += 1;
            result = self.try_acquire(count);
        }
        result
    }

    /// Adds `count` permits, and wakes those who have theirs now. Any context may do so, whoever acquired them.
    ///
    /// # Errors
    ///
    /// [`Overflow`] if there would be more free permits than [`Semaphore::MAX_PERMITS`]. Nothing has changed then.
    ///
    /// # Panics
    ///
    /// Passes on a panic of [`Unpark::unpark`], when all others have been woken.
    #[inline]
    pub fn release(&self, count: usize) -> Result<(), Overflow> {
        self.release_up_to(count, Self::MAX_PERMITS)
    }

    /// As [`Semaphore::release`], with fewer than the most permits allowed.
    #[inline]
    pub(crate) fn release_up_to(&self, count: usize, most: usize) -> Result<(), Overflow> {
        let word = self.update(Ordering::Release, |word| word.give(count, most).ok_or(Overflow))?;
        if word.has_waiters() {
            self.settle();
        }
        Ok(())
    }

    /// How many permits are free. While somebody waits, those that are too few for the first of them.
    #[inline]
    pub fn value(&self) -> usize {
        self.load().permits()
    }

    /// Whether no permit is free.
    #[inline]
    pub fn is_locked(&self) -> bool {
        self.value() == 0
    }

    /// How many wait.
    pub fn waiters(&self) -> usize {
        if self.load().has_waiters() { self.waiters.lock().len() } else { 0 }
    }

    /// Turns away all who wait and all who come, until [`Semaphore::reopen`]. Permits that are held can still be released.
    ///
    /// # Panics
    ///
    /// As [`Semaphore::release`].
    pub fn close(&self) {
        self.step(Word::close);
    }

    /// As [`Semaphore::close`] for a caller that holds a lock of its own, under which nobody may be woken: it is given whom to
    /// wake afterwards.
    #[doc(hidden)]
    pub fn close_for(&self, mut woken: impl FnMut(U)) {
        let mut waiters = self.waiters.lock();
        let _ = self.update(Ordering::AcqRel, |word| Ok::<_, Overflow>(word.close().empty()));
        while let Some(unparker) = waiters.pop(Stage::Closed) {
            woken(unparker);
        }
    }

    /// Lets permits be acquired again: those that were free before the close and those released since.
    pub fn reopen(&self) {
        self.step(Word::reopen);
    }

    /// Whether the semaphore is closed.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.load().is_closed()
    }

    fn step(&self, edge: impl Fn(Word) -> Word) {
        let done = self.update(Ordering::AcqRel, |word| Ok::<_, Overflow>(edge(word)));
        if done.is_ok_and(Word::has_waiters) {
            self.settle();
        }
    }

    /// Lets go whom the word lets go, from the head of the list on.
    #[cold]
    #[inline(never)]
    fn settle(&self) {
        let goes_on = GoesOn(self);
        while self.settle_some() {}
        mem::forget(goes_on);
    }

    /// One turn of the lock. Returns whether there may be others to let go.
    fn settle_some(&self) -> bool {
        let mut batch = Batch([const { None }; WAKE_BATCH]);
        let mut is_settled = false;
        let mut waiters = self.waiters.lock();
        for place in &mut batch.0 {
            let Some(count) = waiters.head_count() else {
                let _ = self.update(Ordering::AcqRel, |word| Ok::<_, Overflow>(word.empty()));
                is_settled = true;
                break;
            };
            let stage = match self.update(Ordering::AcqRel, |word| word.grant(count)) {
                Ok(_) => Stage::Granted,
                Err(Refusal::Closed) => Stage::Closed,
                Err(Refusal::TooFew) => {
                    is_settled = true;
                    break;
                }
            };
            *place = waiters.pop(stage);
        }
        drop(waiters);
        batch.wake();
        // Nothing is left in it.
        mem::forget(batch);
        !is_settled
    }

    #[inline]
    fn load(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    /// Takes one edge of the word. Returns where it leads, or why it could not be taken.
    #[inline]
    fn update<E>(&self, order: Ordering, edge: impl Fn(Word) -> Result<Word, E>) -> Result<Word, E> {
        let mut from = self.load();
        loop {
            let to = edge(from)?;
            match self.word.compare_exchange_weak(from.0, to.0, order, Ordering::Acquire) {
                Ok(_) => return Ok(to),
                Err(seen) => from = Word(seen),
            }
        }
    }
}

/// A settler. Dropped: an unparker has panicked, and those who are behind it shall not wait for ever.
struct GoesOn<'a, R: RawMutex, U: Unpark>(&'a Semaphore<R, U>);

impl<R: RawMutex, U: Unpark> Drop for GoesOn<'_, R, U> {
    fn drop(&mut self) {
        self.0.settle();
    }
}

/// Those who are to be woken. Dropped before they all are: one of them has panicked.
struct Batch<U: Unpark>([Option<U>; WAKE_BATCH]);

impl<U: Unpark> Batch<U> {
    fn wake(&mut self) {
        self.0.iter_mut().filter_map(Option::take).for_each(|unparker| unparker.unpark());
    }
}

impl<U: Unpark> Drop for Batch<U> {
    fn drop(&mut self) {
        self.wake();
    }
}

impl<R: RawMutex, U: Unpark> fmt::Debug for Semaphore<R, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.load();
        f.debug_struct("Semaphore")
            .field("value", &word.permits())
            .field("is_closed", &word.is_closed())
            .finish_non_exhaustive()
    }
}
