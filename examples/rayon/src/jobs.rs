//! The jobs of a scope: those that wait, in the scope's order, and how many are left.
//! For each that is put the pool gets an [errand](Errands).
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};

use fastthreadpool::{JobId, Pool};

use crate::errands::Errands;
use crate::unwind::{Payload, catch, lock};

pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Which of the jobs that wait is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The last that was put.
    Lifo,
    /// The first.
    Fifo,
}

pub(crate) struct Jobs {
    order: Order,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    errands: Errands,
    /// Those that wait or run, and the parts of broadcasts.
    left: usize,
    has_parts: bool,
    /// Somebody sleeps until that changes.
    is_watched: bool,
    /// The first.
    panic: Option<Payload>,
}

impl State {
    fn next(&mut self, order: Order) -> Option<Job> {
        match order {
            Order::Lifo => self.waiting.pop_back(),
            Order::Fifo => self.waiting.pop_front(),
        }
    }
}

impl Jobs {
    pub(crate) fn new(order: Order) -> Self {
        Self { order, state: Mutex::default(), changed: Condvar::new() }
    }

    pub(crate) fn put(&self, job: Job) {
        let mut state = lock(&self.state);
        state.waiting.push_back(job);
        state.left += 1;
        if state.is_watched {
            self.changed.notify_all();
        }
    }

    /// So many parts of a broadcast are to be run elsewhere, each of which says that it is [over](Jobs::finish).
    pub(crate) fn put_parts(&self, number: usize) {
        let mut state = lock(&self.state);
        state.left += number;
        state.has_parts = true;
    }

    /// Somebody comes for one that was put.
    pub(crate) fn sent(&self, errand: JobId) {
        lock(&self.state).errands.sent(errand);
    }

    /// Runs the next job, if there is one, as an errand.
    pub(crate) fn run_errand(&self) {
        let job = {
            let mut state = lock(&self.state);
            state.errands.begun();
            state.next(self.order)
        };
        if let Some(job) = job {
            self.run(job);
        }
    }

    /// Runs the next job without an errand of this pool; returns whether there was one.
    pub(crate) fn help(&self, pool: &Pool) -> bool {
        let (job, spare) = {
            let mut state = lock(&self.state);
            let Some(job) = state.next(self.order) else { return false };
            (job, state.errands.spare())
        };
        if let Some(errand) = spare {
            pool.cancel(errand);
        }
        self.run(job);
        true
    }

    fn run(&self, job: Job) {
        // Called by value: nothing is left of it.
        let result = catch(job);
        self.finish(result);
    }

    /// One is over, and nothing is left of it.
    pub(crate) fn finish(&self, result: Result<(), Payload>) {
        let mut state = lock(&self.state);
        let late = match result {
            Err(panic) if state.panic.is_none() => {
                state.panic = Some(panic);
                None
            }
            Err(panic) => Some(panic),
            Ok(()) => None,
        };
        state.left -= 1;
        if state.left == 0 && state.is_watched {
            self.changed.notify_all();
        }
        drop(state);
        // With no lock held.
        drop(catch(|| drop(late)));
    }

    pub(crate) fn has_parts(&self) -> bool {
        lock(&self.state).has_parts
    }

    pub(crate) fn is_over(&self) -> bool {
        lock(&self.state).left == 0
    }

    /// Sleeps until all are over, or one waits and the caller `helps`.
    pub(crate) fn sleep(&self, helps: bool) {
        let mut state = lock(&self.state);
        state.is_watched = true;
        let is_as_before = |state: &mut State| state.left > 0 && (!helps || state.waiting.is_empty());
        drop(self.changed.wait_while(state, is_as_before));
    }

    pub(crate) fn take_panic(&self) -> Option<Payload> {
        lock(&self.state).panic.take()
    }
}
