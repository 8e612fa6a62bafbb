//! The tasks of a scope: a list to which its own thread appends, and from which that thread and those who help it take.
//!
//! Share 0 of the [`Shares`] says which part of it nobody has taken: its
//! owner puts on and takes at the back, so the latest is begun first and its place is used again; others steal the front half into
//! shares of their own, from which they take one by one, and others steal in turn.
//!
//! # Who is called
//!
//! The word `crew` counts those who *come*, that is, were called and are not there yet, and those who *look*, that is, are there and
//! found nothing.
//!
//! | who | does | when neither comes nor looks anybody |
//! |---|---|---|
//! | the owner | appends a task, then reads the word | calls one |
//! | a helper | arrives: one less comes; takes what there is | calls one, if it has stolen and something is left |
//! | a helper that finds nothing | looks for a moment, then not any more, then looks once more | it does not look any more |
//!
//! So while something is left and a worker is idle somebody comes, looks, or has yet to ask: both sides change and read in one
//! order (`SeqCst`), the owner the list and then the word, a helper the word and then the list.
//!
//! # Rules
//!
//! 1. What is the owner's alone (where it was last, appending, taking back) is touched by the thread that has made the scope.
//! 2. The place of a task is written before the share says that it is there, and read by who has taken it from the shares, which give
//!    each out once. The owner writes to a place again only when it has taken back what was there, or when nobody is inside who could
//!    have taken it: who takes says so before, and until he is done with it.
//! 3. When the list goes nothing is in it.

use std::cell::Cell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Deref;

use fastthreadpool_core::Tick;

use crate::engine::spare;
use crate::here::call::{Panic, catch, drop_quietly};
use crate::parallel::places::{Cursor, Places};
use crate::parallel::shares::Shares;
use crate::sys;
use crate::sys::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Places at most, where helpers are always inside so that none is used again; what is spawned then is a job each.
const MOST: usize = 1 << 17;

/// Between two thefts of a helper there is so much time, in nanoseconds, for each who helps: what costs the owner its line of memory
/// should bring more than a few tiny tasks. Nobody waits after a task that took as long.
const PAUSE: u64 = 1_000;

/// One who comes, and one who looks.
const COMES: usize = 1;
const LOOKS: usize = 1 << (usize::BITS / 2);

/// Room for a function that is not in a box.
type Words = [MaybeUninit<usize>; 3];

/// A function in its place.
struct Task {
    /// Runs the function, or drops it.
    end: unsafe fn(*mut Words, bool) -> Result<(), Panic>,
    words: Words,
}

/// Takes a function out of where it was put.
///
/// # Safety
///
/// It was put there as this type, and nobody else takes it.
unsafe fn end<F: FnOnce()>(words: *mut Words, runs: bool) -> Result<(), Panic> {
    let function = if const { fits::<F>() } {
        // SAFETY: the caller's promise; it fits.
        unsafe { words.cast::<F>().read() }
    } else {
        // SAFETY: the caller's promise; what does not fit is in a box.
        *unsafe { Box::from_raw(words.cast::<*mut F>().read()) }
    };
    if runs {
        return catch(function);
    }
    drop_quietly(function);
    Ok(())
}

const fn fits<F>() -> bool {
    size_of::<F>() <= size_of::<Words>() && align_of::<F>() <= align_of::<Words>()
}

pub(super) struct Tasks {
    shares: Shares,
    /// Which shares have an owner, a bit each.
    taken: AtomicUsize,
    /// Those who take: the owner may use places again that they have taken when none is inside.
    inside: AtomicUsize,
    crew: AtomicUsize,
    /// The scope waits for its end: nobody looks for more any more.
    is_closing: AtomicBool,
    places: Places<Task>,
    /// Where the owner was last.
    cursor: Cursor<Task>,
    /// Whether the owner takes back what it has put on, and so will find what comes meanwhile.
    pub(super) is_taking_back: Cell<bool>,
}

// SAFETY: rules 1 and 2; functions that are put in may go to other threads.
unsafe impl Sync for Tasks {}
// SAFETY: the same.
unsafe impl Send for Tasks {}

/// The list of a scope; dropped, it is kept for another.
pub(super) struct List(ManuallyDrop<Box<Tasks>>);

impl Deref for List {
    type Target = Tasks;

    #[inline(always)]
    fn deref(&self) -> &Tasks {
        &self.0
    }
}

impl Drop for List {
    fn drop(&mut self) {
        debug_assert!(
            self.left() == 0 && self.crew.load(Ordering::Relaxed) == 0,
            "all tasks have been taken, and nobody comes"
        );
        self.shares.clear();
        self.is_closing.store(false, Ordering::Relaxed);
        // SAFETY: once, and it is not used after that.
        let list = unsafe { ManuallyDrop::take(&mut self.0) };
        spare::keep(list);
    }
}

/// A task that was taken, and has yet to be ended.
pub(super) struct Taken(*mut Task);

impl Taken {
    /// Runs the task, or drops it.
    pub(super) fn end(self, runs: bool) -> Result<(), Panic> {
        // SAFETY: rule 2: it is this one's, once.
        unsafe { ((*self.0).end)(&raw mut (*self.0).words, runs) }
    }
}

impl Tasks {
    /// For about so many who work at a time; one that another scope had, if there is.
    pub(super) fn take(most: usize) -> List {
        let shares = most.min(usize::BITS as usize - 1) + 1;
        let kept = spare::take(|tasks: &Self| tasks.shares.len() == shares);
        List(ManuallyDrop::new(kept.unwrap_or_else(|| Box::new(Self::new(shares)))))
    }

    fn new(shares: usize) -> Self {
        Self {
            shares: Shares::growing(shares),
            taken: AtomicUsize::new(1),
            inside: AtomicUsize::new(0),
            crew: AtomicUsize::new(0),
            is_closing: AtomicBool::new(false),
            places: Places::new(),
            cursor: Cursor::new(),
            is_taking_back: Cell::new(false),
        }
    }

    /// Appends a task; the function comes back if there is no room. Then somebody may have to be [called](Tasks::calls).
    ///
    /// # Safety
    ///
    /// By the owner, and what the function borrows is there until it has been taken and ended.
    pub(super) unsafe fn push<F: FnOnce() + Send>(&self, function: F) -> Result<(), F> {
        // Acquire for rule 2: those who have left are done with what they had taken.
        let is_nobody_s = || self.inside.load(Ordering::Acquire) == 0;
        let Some(index) = self.shares.end_of_growing(MOST, is_nobody_s) else { return Err(function) };
        // SAFETY: by the owner.
        let task = unsafe { self.places.at(index, &self.cursor) };
        // SAFETY: rule 2: the place is the owner's to write, and large enough.
        unsafe {
            (&raw mut (*task).end).write(end::<F>);
            let words = &raw mut (*task).words;
            if const { fits::<F>() } {
                words.cast::<F>().write(function);
            } else {
                words.cast::<*mut F>().write(Box::into_raw(Box::new(function)));
            }
        }
        self.shares.grow();
        Ok(())
    }

    /// Takes the latest back.
    ///
    /// # Safety
    ///
    /// By the owner.
    pub(super) unsafe fn pop(&self) -> Option<Taken> {
        // SAFETY: by the owner.
        self.shares.shrink().map(|index| Taken(unsafe { self.places.at(index, &self.cursor) }))
    }

    /// Whether somebody should be called for what is left; then it is the caller's to do.
    #[inline]
    pub(super) fn calls(&self) -> bool {
        self.crew.load(Ordering::SeqCst) == 0
            && self.crew.compare_exchange(0, COMES, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Somebody who was called is there, or will not come.
    pub(super) fn arrive(&self) {
        self.crew.fetch_sub(COMES, Ordering::SeqCst);
    }

    /// Those who find nothing need not look for more.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    /// How many tasks nobody has taken, as far as it can be seen.
    pub(super) fn left(&self) -> usize {
        self.shares.left()
    }

    /// Somebody who works, with a share of his own while there is one.
    pub(super) fn enter(&self) -> Helper<'_> {
        // Before it looks at a share.
        self.inside.fetch_add(1, Ordering::SeqCst);
        let mut taken = self.taken.load(Ordering::Relaxed);
        loop {
            let share = taken.trailing_ones() as usize;
            if share >= self.shares.len() {
                return Helper::new(self, None);
            }
            // Acquire: what its last owner did with the share came before.
            match self.taken.compare_exchange(taken, taken | 1 << share, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Helper::new(self, Some(share)),
                Err(now) => taken = now,
            }
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        debug_assert!(self.left() == 0, "all tasks have been taken");
    }
}

/// Somebody who takes of the tasks.
pub(super) struct Helper<'t> {
    tasks: &'t Tasks,
    share: Option<usize>,
    /// When it has stolen last.
    stolen: Cell<Tick>,
    cursor: Cursor<Task>,
}

impl<'t> Helper<'t> {
    fn new(tasks: &'t Tasks, share: Option<usize>) -> Self {
        Self { tasks, share, stolen: Cell::new(Tick(0)), cursor: Cursor::new() }
    }

    /// Waits until it may steal again.
    fn hold_back(&self) {
        let due =
            self.stolen.get().saturating_add(PAUSE.saturating_mul(self.tasks.inside.load(Ordering::Relaxed) as u64));
        while !cfg!(shuttle)
            && !sys::is_simulated()
            && sys::now() < due
            && !self.tasks.is_closing.load(Ordering::Relaxed)
        {
            (0..16).for_each(|_| std::hint::spin_loop());
        }
        self.stolen.set(sys::now());
    }

    /// The next task, and whether it came from elsewhere than the helper's own share.
    pub(super) fn next(&self) -> Option<(Taken, bool)> {
        let shares = &self.tasks.shares;
        let own = self.share.and_then(|share| shares.take(share, 1));
        let is_stolen = own.is_none();
        let range = own.or_else(|| {
            self.hold_back();
            self.share.map_or_else(|| shares.pick(), |share| shares.steal(share))
        })?;
        // SAFETY: it was put in by the owner, and the shares say so.
        Some((Taken(unsafe { self.tasks.places.at(range.start, &self.cursor) }), is_stolen))
    }

    /// Looks whether there is something, as long as `goes_on` says so. Returns whether there was, or may be.
    pub(super) fn look(&self, mut goes_on: impl FnMut(u32) -> bool) -> bool {
        self.tasks.crew.fetch_add(LOOKS, Ordering::SeqCst);
        let found = (0..).find_map(|look| match self.tasks.left() {
            0 if !self.tasks.is_closing.load(Ordering::Relaxed) && goes_on(look) => None,
            left => Some(left > 0),
        });
        self.tasks.crew.fetch_sub(LOOKS, Ordering::SeqCst);
        found == Some(true) || self.tasks.left() > 0
    }
}

impl Drop for Helper<'_> {
    fn drop(&mut self) {
        if let Some(share) = self.share {
            self.tasks.taken.fetch_and(!(1 << share), Ordering::Release);
        }
        self.tasks.inside.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::parallel::places::FIRST;

    fn push(tasks: &Tasks) -> bool {
        // SAFETY: by the one thread that there is; it borrows nothing.
        unsafe { tasks.push(|| ()) }.is_ok()
    }

    fn take(helper: &Helper<'_>) {
        let (task, _) = helper.next().unwrap();
        task.end(true).unwrap();
    }

    #[test]
    fn places_are_used_again_when_nobody_is_inside_and_are_not_without_end() {
        let tasks = Tasks::new(2);
        tasks.close();
        for _ in 0..10 * FIRST {
            assert!(push(&tasks) && push(&tasks));
            let helper = tasks.enter();
            (0..2).for_each(|_| take(&helper));
        }
        assert_eq!(tasks.places.made(), FIRST);
        // Somebody is always there.
        let helper = tasks.enter();
        let mut pushed = 0;
        while push(&tasks) {
            take(&helper);
            pushed += 1;
        }
        // A share's word holds two indices.
        let most = MOST.min(1 << (usize::BITS / 2));
        assert!((most - 4..=most).contains(&pushed), "{pushed}");
        drop(helper);
        assert!(push(&tasks));
        // SAFETY: as in `push`.
        assert!(unsafe { tasks.pop() }.unwrap().end(false).is_ok());
    }
}
