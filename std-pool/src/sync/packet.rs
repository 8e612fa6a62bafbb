//! Where the value of one job is left for who waits for it: threads, and a task.
#![forbid(unsafe_code)]

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::here::call::catch;
use crate::sync::time::{Deadline, park};
use crate::sys::Mutex;
use crate::sys::thread::{self, Thread};

enum State<V> {
    Empty { threads: Vec<Thread>, waker: Option<Waker> },
    Full(V),
    Taken,
}

/// Filled once, read once.
pub(crate) struct Packet<V>(Mutex<State<V>>);

impl<V> Packet<V> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Empty { threads: Vec::new(), waker: None })))
    }

    /// Leaves the value, and wakes who waits for it.
    pub(crate) fn fill(&self, value: V) {
        let waiting = mem::replace(&mut *self.0.lock(), State::Full(value));
        // Not under the lock: whoever wakes wants it.
        let State::Empty { threads, waker } = waiting else { unreachable!("a packet is filled once") };
        threads.iter().for_each(Thread::unpark);
        if let Some(waker) = waker {
            // A waker is code of somebody else's.
            let _ = catch(|| waker.wake());
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        !matches!(*self.0.lock(), State::Empty { .. })
    }

    /// Waits until it is full; returns whether it came to that before the deadline.
    pub(crate) fn wait(&self, deadline: Deadline<'_>) -> bool {
        let mut is_listed = false;
        loop {
            match &mut *self.0.lock() {
                State::Empty { threads, .. } if !is_listed => threads.push(thread::current()),
                State::Empty { .. } => {}
                State::Full(_) | State::Taken => return true,
            }
            is_listed = true;
            if !park(deadline) {
                return self.is_full();
            }
        }
    }

    /// The value, if it is there and was not taken before.
    pub(crate) fn take(&self) -> Option<V> {
        let mut state = self.0.lock();
        if !matches!(*state, State::Full(_)) {
            return None;
        }
        match mem::replace(&mut *state, State::Taken) {
            State::Full(value) => Some(value),
            State::Empty { .. } | State::Taken => unreachable!("just seen to be full"),
        }
    }

    /// Has `fresh` woken once it is full, and at once if it is.
    pub(crate) fn watch(&self, fresh: Waker) {
        let mut state = self.0.lock();
        let former = match &mut *state {
            State::Empty { waker, .. } => waker.replace(fresh),
            State::Full(_) | State::Taken => Some(fresh),
        };
        let is_full = !matches!(*state, State::Empty { .. });
        drop(state);
        if is_full {
            former.into_iter().for_each(Waker::wake);
        }
    }

    /// The value for a task.
    ///
    /// # Panics
    ///
    /// When the value was taken before.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<V> {
        // Cloned before and dropped after the lock is held: a waker is code of somebody else's.
        let fresh = context.waker().clone();
        let mut state = self.0.lock();
        if let State::Empty { waker, .. } = &mut *state {
            let former = waker.replace(fresh);
            drop(state);
            drop(former);
            return Poll::Pending;
        }
        match mem::replace(&mut *state, State::Taken) {
            State::Full(value) => Poll::Ready(value),
            _ => panic!("a join handle was polled after it was ready"),
        }
    }
}
