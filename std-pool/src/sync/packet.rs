//! Where the value of one job is left for who waits for it: threads, and a task.
#![forbid(unsafe_code)]

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::here::call::quietly;
use crate::sync::time::{Deadline, park};
use crate::sys::Mutex;
use crate::sys::thread::{self, Thread};

enum State<V> {
    Empty { threads: Vec<Thread>, waker: Option<Waker> },
    Full(V),
    Taken,
}

/// Those who have waited.
#[must_use = "they are to be woken"]
pub(crate) struct Waiting {
    threads: Vec<Thread>,
    waker: Option<Waker>,
}

impl Waiting {
    pub(crate) fn wake(self) {
        self.threads.iter().for_each(Thread::unpark);
        if let Some(waker) = self.waker {
            // A waker is code of somebody else's.
            quietly(|| waker.wake());
        }
    }
}

/// Filled once, read once.
pub(crate) struct Packet<V>(Mutex<State<V>>);

impl<V> Packet<V> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Empty { threads: Vec::new(), waker: None })))
    }

    /// Leaves the value, and wakes who waits for it.
    pub(crate) fn fill(&self, value: V) {
        self.put(value).wake();
    }

    /// Leaves the value. Who waits for it is to be woken where no lock is held.
    pub(crate) fn put(&self, value: V) -> Waiting {
        match mem::replace(&mut *self.0.lock(), State::Full(value)) {
            State::Empty { threads, waker } => Waiting { threads, waker },
            State::Full(_) | State::Taken => unreachable!("a packet is filled once"),
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
                return self.leave();
            }
        }
    }

    /// The thread waits no more. Whether it is full.
    fn leave(&self) -> bool {
        let State::Empty { threads, .. } = &mut *self.0.lock() else { return true };
        let own = thread::current().id();
        if let Some(place) = threads.iter().position(|thread| thread.id() == own) {
            threads.swap_remove(place);
        }
        false
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

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn who_waits_no_more_is_not_listed() {
        let packet = Packet::new();
        (0..3).for_each(|_| assert!(!packet.wait(Deadline::NOW)));
        let waiting = packet.put(1);
        assert!(waiting.threads.is_empty());
        waiting.wake();
        assert!(packet.wait(Deadline::NOW) && packet.take() == Some(1));
    }
}
