//! A typed view of a pool: where the results of its jobs go.
//!
//! # Jobs that are put off
//!
//! With a bounded done queue a job needs room for its result before it starts. One that finds none is *held*: it leaves
//! its worker free and waits here, under its id. Whoever makes room *takes up* the oldest held job: it waits as an urgent
//! one, under an id of the core's that nobody else sees, and has its own again when it runs.
//!
//! ```text
//!   begun, no room -> held -- room --> taken up -- a worker --> running
//!                      |                  |
//!                      +---- cancelled ---+--> gone; what was taken up gives its room back
//! ```
//!
//! All of this changes under the lock of the bound, so none is forgotten, and a canceller finds it at any moment.
#![forbid(unsafe_code)]

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use fastthreadpool_core::{Cancelled, Duty, JobId, Phase, Run};
use parking_lot::Mutex;

use crate::cancellation::Cancellation;
use crate::event::Event;
use crate::outcome::{JobError, drop_quietly};
use crate::results::Results;
use crate::shared::{Payload, Shared};
use crate::worker::Env;

/// A job's result in the done queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done<T> {
    /// Of the job.
    pub id: JobId,
    /// What it returned or emitted.
    pub value: T,
}

/// A job's failure in the failed queue.
#[derive(Debug)]
pub struct Failed {
    /// Of the job.
    pub id: JobId,
    /// What the job was: the name it was given, else the type of its function.
    pub job: &'static str,
    /// How it ended.
    pub error: JobError,
}

pub(crate) struct View<T> {
    pub(crate) done: Results<Done<T>>,
    pub(crate) failed: Results<Failed>,
    /// Something came into one of the queues.
    pub(crate) ended: Event,
    /// Results of the unit type say nothing and are not kept, unless somebody is called with them.
    keeps: bool,
    calls: Calls,
    bound: Option<Mutex<Bound>>,
}

/// Which of a view's queues have a callback that empties them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calls {
    pub(crate) done: bool,
    pub(crate) failed: bool,
}

/// The room in a bounded done queue, and the jobs that wait for it.
struct Bound {
    room: usize,
    held: BTreeMap<JobId, Payload>,
    /// Jobs that were given room and wait for a worker again: their id, and the one they wait under.
    taken_up: BTreeMap<JobId, JobId>,
    /// Nobody is left who could read: there is room for everything.
    lifted: bool,
}

impl<T: Send + 'static> View<T> {
    pub(crate) fn new(done_capacity: Option<usize>, calls: Calls) -> Self {
        Self {
            done: Results::new(),
            failed: Results::new(),
            ended: Event::default(),
            calls,
            keeps: calls.done || TypeId::of::<T>() != TypeId::of::<()>(),
            bound: done_capacity.map(|room| {
                Mutex::new(Bound { room, held: BTreeMap::new(), taken_up: BTreeMap::new(), lifted: false })
            }),
        }
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.bound.is_some()
    }

    /// Whether values are kept until somebody reads them.
    #[inline(always)]
    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// A job has returned a value, or emitted one.
    #[inline(always)]
    pub(crate) fn succeed(&self, id: JobId, value: T) {
        if self.keeps {
            self.done.push(Done { id, value });
            self.ended.notify();
        }
    }

    /// A run has ended with an error.
    #[cold]
    pub(crate) fn fail(&self, shared: &Shared, id: JobId, job: &'static str, error: JobError) {
        shared.note_failure(id, job, &error);
        self.failed.push(Failed { id, job, error });
        self.ended.notify();
    }

    /// Something went wrong that is not the end of a run.
    #[cold]
    pub(crate) fn report(&self, shared: &Shared, id: JobId, job: &'static str, error: JobError) {
        shared.count_partial();
        self.fail(shared, id, job, error);
    }

    /// Takes room for one result and gives the job back; or keeps the job, which runs, until there is room.
    pub(crate) fn reserve<J: Run<Env> + Send + 'static>(&self, env: &Env, job: J) -> Option<J> {
        let Some(bound) = &self.bound else { return Some(job) };
        let mut bound = bound.lock();
        if bound.lifted {
            return Some(job);
        }
        if bound.room > 0 {
            bound.room -= 1;
            return Some(job);
        }
        let shared = &env.shared;
        let id = env.id();
        // Who cancels it finds it where it runs, or waits for this lock and finds it here. Who stops the pool says so
        // before it removes what is held.
        if env.conceal() || shared.core.phase() == Phase::Stopping {
            drop(bound);
            shared.count_no_end();
            shared.count_cancelled();
            drop_quietly(job);
        } else {
            shared.put_off();
            bound.held.insert(id, Payload::new(job));
        }
        None
    }

    /// Takes room for one result of a job that cannot be put off, if there is any.
    pub(crate) fn try_reserve(&self) -> bool {
        let Some(bound) = &self.bound else { return true };
        let mut bound = bound.lock();
        let free = bound.lifted || bound.room > 0;
        bound.room -= usize::from(free && !bound.lifted);
        free
    }
}

impl<T: Send + 'static> View<T> {
    /// Reading the done queue makes room.
    pub(crate) fn connect(self: &Arc<Self>, shared: &Arc<Shared>) {
        if self.is_bounded() {
            // Weak, since both own the queue.
            let (view, shared) = (Arc::downgrade(self), Arc::downgrade(shared));
            self.done.on_taken(move || {
                if let (Some(view), Some(shared)) = (view.upgrade(), shared.upgrade()) {
                    view.vacate(&shared);
                }
            });
        }
    }

    /// Room for one result has become free, because it was read or because the job left none.
    pub(crate) fn vacate(self: &Arc<Self>, shared: &Arc<Shared>) {
        let Some(bound) = &self.bound else { return };
        let taken_up = {
            let mut bound = bound.lock();
            bound.room = bound.room.saturating_add(1);
            // What is held when the pool is stopping will be removed.
            let goes_on = shared.core.phase() != Phase::Stopping;
            let first = goes_on.then(|| bound.held.pop_first()).flatten();
            first.map(|job| {
                bound.room -= 1;
                self.take_up(&mut bound, shared, job)
            })
        };
        if let Some(taken_up) = taken_up {
            shared.taken_up(taken_up);
        }
        // Those who wait to emit.
        self.ended.notify();
    }

    /// Lets a held job, with its room taken, wait for a worker again. What is returned is to be dealt with when the lock
    /// has been released.
    fn take_up(
        self: &Arc<Self>,
        bound: &mut Bound,
        shared: &Arc<Shared>,
        (id, payload): (JobId, Payload),
    ) -> Result<Duty, Payload> {
        let job = TakenUp { view: Arc::clone(self), shared: Arc::downgrade(shared), id, payload: Some(payload) };
        let submitted = shared.core.submit_first(Payload::new(job), true);
        shared.count_not_held(1);
        match submitted {
            Ok((again, duty)) => {
                bound.taken_up.insert(id, again);
                Ok(duty)
            }
            // The pool is stopping.
            Err(refused) => Err(refused.into_inner()),
        }
    }
}

/// A job that was put off, and now has room for its result.
struct TakenUp<T: Send + 'static> {
    view: Arc<View<T>>,
    shared: Weak<Shared>,
    id: JobId,
    payload: Option<Payload>,
}

impl<T: Send + 'static> TakenUp<T> {
    fn begin(&mut self, rename: impl FnOnce(JobId)) -> Option<Payload> {
        let mut bound = self.view.bound.as_ref()?.lock();
        bound.taken_up.remove(&self.id);
        // Under the lock: who cancels it finds it among those taken up, or where it runs.
        rename(self.id);
        self.payload.take()
    }
}

impl<T: Send + 'static> Run<Env> for TakenUp<T> {
    fn run(mut self, env: &mut Env) -> Option<Self> {
        let payload = self.begin(|id| env.rename(id))?;
        // A job with its room taken does not come back.
        let _ = payload.run(env);
        None
    }
}

impl<T: Send + 'static> Drop for TakenUp<T> {
    fn drop(&mut self) {
        // Removed before it ran: its room is free again.
        if let Some(payload) = self.begin(|_| ()) {
            drop_quietly(payload);
            if let Some(shared) = self.shared.upgrade() {
                self.view.vacate(&shared);
            }
        }
    }
}

/// A view without its type.
pub(crate) trait AnyView: Send + Sync {
    /// The jobs that are held or taken up, those with the id under which they wait.
    fn put_off(&self) -> Vec<(JobId, Option<JobId>)>;
    /// Cancels a job that is held or taken up; `None` if it is neither.
    fn cancel(&self, shared: &Shared, id: JobId) -> Option<Cancellation>;
    /// Cancels all held jobs; returns how many there were.
    fn cancel_held(&self, shared: &Shared) -> usize;
    fn lift_bound(self: Arc<Self>, shared: &Arc<Shared>);
    fn close(&self);
    fn wake(&self);
    fn is_called_back(&self) -> bool;
    fn clear(&self);
}

impl<T: Send + 'static> AnyView for View<T> {
    fn put_off(&self) -> Vec<(JobId, Option<JobId>)> {
        let Some(bound) = &self.bound else { return Vec::new() };
        let bound = bound.lock();
        let held = bound.held.keys().map(|id| (*id, None));
        held.chain(bound.taken_up.iter().map(|(id, again)| (*id, Some(*again)))).collect()
    }

    fn cancel(&self, shared: &Shared, id: JobId) -> Option<Cancellation> {
        let removed = {
            let mut bound = self.bound.as_ref()?.lock();
            match bound.held.remove(&id) {
                Some(payload) => {
                    shared.count_not_held(1);
                    payload
                }
                None => match shared.core.cancel(*bound.taken_up.get(&id)?) {
                    Cancelled::Removed(payload) => payload,
                    Cancelled::Stopping => return Some(Cancellation::Stopping),
                    Cancelled::TooLate => return None,
                },
            }
        };
        shared.dispose(removed);
        shared.tell_if_quiet();
        Some(Cancellation::Removed)
    }

    fn cancel_held(&self, shared: &Shared) -> usize {
        let held = self.bound.as_ref().map(|bound| std::mem::take(&mut bound.lock().held)).unwrap_or_default();
        shared.count_not_held(held.len());
        held.into_values().map(|payload| shared.dispose(payload)).count()
    }

    fn lift_bound(self: Arc<Self>, shared: &Arc<Shared>) {
        let Some(bound) = &self.bound else { return };
        let taken_up: Vec<_> = {
            let mut bound = bound.lock();
            bound.lifted = true;
            let held = std::mem::take(&mut bound.held);
            // The first shall be first: the last one taken up is.
            held.into_iter().rev().map(|job| self.take_up(&mut bound, shared, job)).collect()
        };
        for taken_up in taken_up {
            shared.taken_up(taken_up);
        }
        self.ended.notify();
    }

    fn close(&self) {
        self.done.close();
        self.failed.close();
        self.ended.notify();
    }

    fn wake(&self) {
        self.ended.notify();
    }

    fn is_called_back(&self) -> bool {
        (!self.calls.done || self.done.is_called_back()) && (!self.calls.failed || self.failed.is_called_back())
    }

    fn clear(&self) {
        self.done.reopen(drop_quietly);
        self.failed.reopen(drop_quietly);
        self.ended.notify();
    }
}
