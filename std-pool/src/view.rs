//! A typed view of a pool: where the results of its jobs go.
//!
//! # Jobs that are put off
//!
//! With a bounded done queue a job needs room for its result before it starts. One that finds none is *held*: it leaves
//! its worker free and waits here, under its id. Whoever makes room takes the oldest held job up again, as an urgent one.
//! Both sides change under the lock of the held jobs, so none is forgotten.
#![forbid(unsafe_code)]

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fastthreadpool_core::{JobId, Run};
use parking_lot::Mutex;

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
            bound: done_capacity.map(|room| Mutex::new(Bound { room, held: BTreeMap::new(), lifted: false })),
        }
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.bound.is_some()
    }

    /// A job has returned a value, or emitted one.
    #[inline(always)]
    pub(crate) fn succeed(&self, id: JobId, value: T) {
        if self.keeps {
            self.done.push(Done { id, value });
            self.ended.notify();
        }
    }

    #[cold]
    pub(crate) fn fail(&self, shared: &Shared, id: JobId, job: &'static str, error: JobError) {
        shared.note_failure(id, job, &error);
        self.failed.push(Failed { id, job, error });
        self.ended.notify();
    }

    /// Takes room for one result and gives the job back; or keeps the job until there is room.
    pub(crate) fn reserve<J: Run<Env> + Send + 'static>(&self, shared: &Shared, id: JobId, job: J) -> Option<J> {
        let Some(bound) = &self.bound else { return Some(job) };
        let mut bound = bound.lock();
        if bound.lifted {
            return Some(job);
        }
        if bound.room > 0 {
            bound.room -= 1;
            return Some(job);
        }
        shared.put_off.fetch_add(1, Ordering::Relaxed);
        bound.held.insert(id, Payload::new(job));
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
    pub(crate) fn vacate(&self, shared: &Arc<Shared>) {
        let Some(bound) = &self.bound else { return };
        let taken_up = {
            let mut bound = bound.lock();
            bound.room += 1;
            let first = bound.held.pop_first();
            bound.room -= usize::from(first.is_some());
            first
        };
        if let Some((id, payload)) = taken_up {
            take_up(shared, id, payload);
        }
        // Those who wait to emit.
        self.ended.notify();
    }
}

/// Lets a held job go on, with its room taken and under the id that it had.
fn take_up(shared: &Arc<Shared>, id: JobId, payload: Payload) {
    let job = Payload::once(move |env: &mut Env| {
        env.set_id(id);
        // A job with its room taken does not come back.
        let _ = payload.run(env);
    });
    match shared.core.submit_first(job, true) {
        Ok((_, duty)) => shared.perform_or_leave(duty),
        // The pool is stopping.
        Err(refused) => shared.dispose(refused.into_inner()),
    }
}

/// A view without its type.
pub(crate) trait AnyView: Send + Sync {
    fn held(&self) -> usize;
    fn held_ids(&self) -> Vec<JobId>;
    fn cancel_held(&self, shared: &Shared, id: JobId) -> bool;
    fn cancel_all_held(&self, shared: &Shared) -> usize;
    fn lift_bound(&self, shared: &Arc<Shared>);
    fn close(&self);
    fn wake(&self);
    fn is_called_back(&self) -> bool;
    fn clear(&self);
}

impl<T: Send + 'static> AnyView for View<T> {
    fn held(&self) -> usize {
        self.bound.as_ref().map_or(0, |bound| bound.lock().held.len())
    }

    fn held_ids(&self) -> Vec<JobId> {
        self.bound.as_ref().map_or_else(Vec::new, |bound| bound.lock().held.keys().copied().collect())
    }

    fn cancel_held(&self, shared: &Shared, id: JobId) -> bool {
        let payload = self.bound.as_ref().and_then(|bound| bound.lock().held.remove(&id));
        payload.map(|payload| shared.dispose_held(payload)).is_some()
    }

    fn cancel_all_held(&self, shared: &Shared) -> usize {
        let held = self.bound.as_ref().map(|bound| std::mem::take(&mut bound.lock().held)).unwrap_or_default();
        held.into_values().map(|payload| shared.dispose_held(payload)).count()
    }

    fn lift_bound(&self, shared: &Arc<Shared>) {
        let Some(bound) = &self.bound else { return };
        let held = {
            let mut bound = bound.lock();
            bound.lifted = true;
            std::mem::take(&mut bound.held)
        };
        // The first shall be first: the last one taken up is.
        held.into_iter().rev().for_each(|(id, payload)| take_up(shared, id, payload));
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
