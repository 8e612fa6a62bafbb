//! A counting semaphore: blocking, timed and async, for one permit or many, closable.
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
//! 1. Free permits are whoever's comes, also while somebody waits: a permit that is handed to a sleeper is nobody's until he is
//!    awake, and a contended semaphore would move at the speed of wake-ups. The head is *called*: woken to look for itself; while
//!    it is on its way nobody else is, and releases are a single step. If others were quicker it waits on, at the head.
//! 2. Who has waited long is not overtaken any more: after `PATIENCE` calls in vain the permits are the head's (`STRICT`),
//!    newcomers join behind it, and releases *grant* them. So they are for a head that asks for several, which gathers what is
//!    released until it is enough; and for every head of a fair semaphore. Where more is free than the head asks for, it is
//!    granted too, so that who releases many wakes many.
//! 3. The flags that tell of the list change with it under its lock, by the step that serves its head. Where nobody overtakes
//!    they are always the same, and outlive the last node while a settler is on its way to clear them.
//! 4. Whoever adds permits or changes the head *settles*: serves from the head on as far as the permits reach, or turns all
//!    away if the semaphore is closed.
//! 5. Nobody is woken under the lock: a settler carries a few unparkers out of it at a time, and comes back for the rest.
//! 6. An unparker that panics keeps nobody else asleep, and takes no permit with it: the settler wakes all others on its way out. Nothing here can catch a
//!    second panic on that way, which ends the program: see [`Unpark::unpark`].
//!
//! That free permits are for who comes, and kept for who has waited long, is how the mutexes of Go (`sync/mutex.go`, *normal* and
//! *starvation* mode) and of `WebKit` (`WTF::Lock`) do it.
//!
//! # Order
//!
//! No wake-up is lost because everything is decided on one word, and by read-modify-writes, of which each sees the one
//! before it. A waiter sets `WAITERS` with the same step that finds the permits too few; a releaser adds with the same
//! step that looks for the flags. Either the waiter comes first, then the releaser sees its flag and settles, and as the
//! waiter is listed before it lets go of the lock the settler finds it; or the releaser comes first, then the waiter
//! finds its permits. The same holds for a head that was called: the step by which it goes on waiting takes `CALLED` back, so a
//! release before it is found by it, and a release after it settles. Two settlers only take turns. `close` and `reopen` are as
//! `release`.
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
/// Who waits does so in the order of coming. With an unparker that is [`Unpark::BARGING`] a free permit goes to whoever asks first, so
/// that a contended semaphore does not wait for sleepers to get up; but the first in line is not overtaken if it asks for several
/// permits, nor once it was woken 16 times in vain. Where strict order matters more than throughput take [`Semaphore::fair`].
///
/// [`Semaphore::release`], [`Semaphore::try_acquire`] and all questions may be used in an interrupt handler if `R` masks
/// interrupts.
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
            Self::with(permits, false)
        }
    }

    const_unless_loom! {
        /// The same, where nobody overtakes who waits: permits go to the first of them, however many it asks for.
        ///
        /// # Panics
        ///
        /// As [`Semaphore::new`].
        #[must_use]
        pub const fn fair(permits: usize) -> Self {
            Self::with(permits, true)
        }
    }

    const_unless_loom! {
        const fn with(permits: usize, is_fair: bool) -> Self {
            assert!(permits <= Self::MAX_PERMITS, "more permits than a semaphore can have");
            Self { word: AtomicUsize::new(Word::of(permits, is_fair || !U::BARGING).0), waiters: Mutex::new(Waiters::new()) }
        }
    }

    /// Takes `count` permits if they are free, and not kept for one who waits.
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
    /// To try this before an [`acquire`](Semaphore::acquire) keeps a contended semaphore fast: a permit is often free again before
    /// a thread has gone to sleep. Some ten looks with a yield between them are enough.
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
        let is_unsettled = if U::BARGING { word.is_unsettled() } else { word.has_waiters() };
        if is_unsettled {
            self.settle();
        }
        Ok(())
    }

    /// Takes up to `count` free permits away for good, also those that are kept for one who waits; who has permits keeps them.
    /// Returns how many.
    pub fn forget_permits(&self, count: usize) -> usize {
        let mut forgotten = 0;
        let _ = self.update(Ordering::AcqRel, |word| {
            let (left, gone) = word.forget(count);
            forgotten = gone;
            Ok::<_, Overflow>(left)
        });
        forgotten
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
        self.empty(Word::close, &mut woken);
    }

    /// Turns away all who wait now, as if it was closed; who comes later is served. The caller is given whom to wake afterwards.
    #[doc(hidden)]
    pub fn turn_away(&self, mut woken: impl FnMut(U)) {
        self.empty(|word| word, &mut woken);
    }

    /// Turns away all who wait, with a change of the word.
    fn empty(&self, edge: impl Fn(Word) -> Word, woken: &mut dyn FnMut(U)) {
        let mut waiters = self.waiters.lock();
        let _ = self.update(Ordering::AcqRel, |word| Ok::<_, Overflow>(edge(word).headed_by(None)));
        while waiters.head_count().is_some() {
            // Who was called was woken, and looks for itself.
            waiters.pop(Stage::Closed).into_iter().for_each(&mut *woken);
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
                if !U::BARGING {
                    self.be_headed_by(None);
                }
                is_settled = true;
                break;
            };
            let next = waiters.next_count();
            let serve = |word: Word| if U::BARGING { word.serve(count, next) } else { word.grant(count) };
            *place = match self.update(Ordering::AcqRel, serve) {
                Ok(word) if U::BARGING && word.is_called() => waiters.call(),
                Ok(_) => waiters.pop(Stage::Granted),
                Err(Refusal::Closed) => {
                    if U::BARGING {
                        self.be_headed_by(next);
                    }
                    waiters.pop(Stage::Closed)
                }
                Err(Refusal::TooFew) => {
                    is_settled = true;
                    break;
                }
            };
        }
        drop(waiters);
        batch.wake();
        // Nothing is left in it.
        mem::forget(batch);
        !is_settled
    }

    /// The list has another head, or none; under its lock.
    fn be_headed_by(&self, head: Option<usize>) {
        let _ = self.update(Ordering::AcqRel, |word| Ok::<_, Overflow>(word.headed_by(head)));
    }

    #[inline]
    fn load(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    /// Takes one edge of the word. Returns where it leads, or why it could not be taken.
    #[inline]
    fn update<E>(&self, order: Ordering, mut edge: impl FnMut(Word) -> Result<Word, E>) -> Result<Word, E> {
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
