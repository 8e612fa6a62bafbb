//! A first-in-first-out queue of values for many producers and many consumers, over the same lane as the jobs.
//!
//! A push never waits. A pop that meets a value whose producer was interrupted half-way waits for that producer, so that
//! the order is kept; it lets the host pass the time.

use core::marker::PhantomData;

use lock_api::RawMutex;

use crate::blocks::Blocks;
use crate::lane::Lane;
use crate::pinned::Pinned;
use crate::slot::Take;
use crate::slots::Slots;
use crate::sync::AtomicUsize;

/// An unbounded queue; `R` guards the rare changes of its memory.
///
/// ```
/// use fastthreadpool_core::{Queue, hosts::ScriptedMutex};
///
/// let queue = Queue::<_, ScriptedMutex>::new();
/// queue.push('a');
/// queue.push('b');
/// assert_eq!(queue.pop(|| ()), Some('a'));
/// assert_eq!(queue.len(), 1);
/// ```
pub struct Queue<T, R> {
    lane: Lane<Blocks<T, R>>,
    value: PhantomData<fn(T) -> T>,
}

impl<T: Send, R: RawMutex> Queue<T, R> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self { lane: Lane::new(Blocks::new()), value: PhantomData }
    }

    /// Appends a value. Returns how many were ever appended before it.
    pub fn push(&self, value: T) -> usize {
        let Some(position) = self.lane.reserve() else { unreachable!("blocks grow") };
        // SAFETY: just reserved, and published once. A value is packed by being moved, which does not panic.
        unsafe { self.lane.slots().publish(position, value) };
        position
    }

    /// Takes the oldest value. `pass_time` is called while its producer has not finished pushing it.
    pub fn pop(&self, mut pass_time: impl FnMut()) -> Option<T> {
        let claim = self.lane.claim(|_| Some(1), |_| ())?;
        // SAFETY: not counted as inside, but a position that this call alone has claimed keeps its block.
        let pinned = unsafe { Pinned::new() };
        loop {
            match self.lane.slots().take(pinned, claim.start) {
                Take::Taken(value) => {
                    self.lane.slots().finish(claim.start, 1);
                    if claim.left == 0 {
                        self.lane.slots().trim(&AtomicUsize::new(0));
                    }
                    return Some(value);
                }
                Take::Unpublished => pass_time(),
                Take::Gone => unreachable!("a claimed value is taken by its claimant"),
            }
        }
    }

    /// How many values were ever appended.
    pub fn pushed(&self) -> usize {
        self.lane.tail()
    }

    /// Values that nobody has begun to take.
    pub fn len(&self) -> usize {
        self.lane.unclaimed()
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Send, R: RawMutex> Default for Queue<T, R> {
    fn default() -> Self {
        Self::new()
    }
}
