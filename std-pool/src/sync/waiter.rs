//! Who waits on std: a thread, or a task.
#![forbid(unsafe_code)]

use std::task::Waker;

use fastthreadpool_core::{Park, Tick, Unpark};

use crate::here::call::catch;
use crate::sync::time::{Deadline, WORLD, park, park_until};
use crate::sys::{self, thread};

/// The present thread as something that parks.
#[derive(Debug)]
pub(crate) struct ThisThread;

/// Whom a semaphore wakes: a thread, or a task.
#[derive(Clone, Debug)]
pub(crate) struct Waiter(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Thread(thread::Thread),
    Task(Waker),
}

impl From<Waker> for Waiter {
    fn from(waker: Waker) -> Self {
        Self(Kind::Task(waker))
    }
}

impl Unpark for Waiter {
    const BARGING: bool = true;

    /// # Panics
    ///
    /// Passes on a panic of the task's waker; but if one panics already, the second is kept from spreading.
    fn unpark(&self) {
        if let Kind::Task(_) = &self.0 {
            sys::assert_unlocked();
        }
        match &self.0 {
            Kind::Thread(thread) => thread.unpark(),
            // Else the others who are to be woken would not be.
            Kind::Task(waker) if thread::panicking() => drop(catch(|| waker.wake_by_ref())),
            Kind::Task(waker) => waker.wake_by_ref(),
        }
    }
}

impl Park for ThisThread {
    type Unpark = Waiter;

    fn unparker(&self) -> Waiter {
        Waiter(Kind::Thread(thread::current()))
    }

    fn park(&self) {
        park(Deadline::NEVER);
    }

    fn park_until(&self, deadline: Tick) {
        park_until(WORLD.until(deadline));
    }
}
