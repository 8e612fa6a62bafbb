//! The callbacks of a group, called on workers: whoever has left something calls, unless somebody calls already; that one
//! goes on until nothing is left. So a callback never runs beside itself, and nobody waits for it.
//!
//! # Why nothing is left behind
//!
//! The callbacks are taken out for the time of the calls, and put back under the lock. Who leaves an entry does so before it
//! tries to take them. If they are out, they are put back after that; and who puts them back then looks once more.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use fastthreadpool_core::JobId;

use crate::engine::Engine;
use crate::here::call::catch;
use crate::here::frame::{Frame, Kind, OUTSIDE};
use crate::here::job::RemovedJob;
use crate::here::removed::{self, CancelReason};
use crate::results::outcome::JobError;
use crate::results::outlet::{Done, Failed, Outlet};
use crate::sys::Mutex;

/// The callbacks of a group.
#[expect(clippy::struct_field_names, reason = "as the builders call them")]
pub(crate) struct Combined<T> {
    pub(crate) on_done: Option<Box<dyn FnMut(Done<T>) + Send>>,
    pub(crate) on_failed: Option<Box<dyn FnMut(Failed) + Send>>,
    pub(crate) on_cancelled: Option<Box<dyn FnMut(JobId, CancelReason) + Send>>,
    pub(crate) on_removed: Option<Box<dyn FnMut(RemovedJob, CancelReason) + Send>>,
}

impl<T> Combined<T> {
    pub(crate) fn none() -> Self {
        Self { on_done: None, on_failed: None, on_cancelled: None, on_removed: None }
    }
}

impl<T: Send + 'static> Combined<T> {
    pub(crate) fn into_combiner(self) -> Option<Box<dyn Combine<T>>> {
        let asks = Asks {
            done: self.on_done.is_some(),
            failed: self.on_failed.is_some(),
            cancelled: self.on_cancelled.is_some(),
            removed: self.on_removed.is_some(),
        };
        let any = asks.done || asks.failed || asks.cancelled || asks.removed;
        let combiner = || Combiner {
            callbacks: Mutex::new(Some(self)),
            cancelled: Mutex::new(VecDeque::new()),
            removed: Mutex::new(VecDeque::new()),
            asks,
        };
        any.then(|| Box::new(combiner()) as _)
    }
}

/// What an outlet asks of its callbacks. Behind a trait, so that a program without callbacks is spared them.
pub(crate) trait Combine<T>: Send + Sync {
    /// Leaves word that a job was removed.
    fn cancelled(&self, id: JobId, reason: CancelReason);
    /// Whether nobody calls, and nothing is left to be called with.
    fn is_idle(&self, outlet: &Outlet<T>) -> bool;
    /// Calls with all that there is, unless somebody does.
    fn call(&self, engine: &Engine, outlet: &Outlet<T>);
}

/// What there is a callback for.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each says another thing")]
struct Asks {
    done: bool,
    failed: bool,
    cancelled: bool,
    removed: bool,
}

struct Combiner<T> {
    /// None while somebody calls.
    callbacks: Mutex<Option<Combined<T>>>,
    cancelled: Mutex<VecDeque<(JobId, CancelReason)>>,
    removed: Mutex<VecDeque<(RemovedJob, CancelReason)>>,
    asks: Asks,
}

impl<T: Send + 'static> Combiner<T> {
    fn has_work(&self, outlet: &Outlet<T>) -> bool {
        self.asks.done && !outlet.done().is_empty()
            || self.asks.failed && !outlet.failed().is_empty()
            || self.has_removed()
    }

    fn has_removed(&self) -> bool {
        self.asks.cancelled && !self.cancelled.lock().is_empty() || self.asks.removed && !self.removed.lock().is_empty()
    }

    /// Whether there is something that can be taken. Else somebody else is about to: who has left it and will call next, or who
    /// holds a permit for it.
    fn can_call(&self, outlet: &Outlet<T>) -> bool {
        self.asks.done && outlet.done().has_ready()
            || self.asks.failed && outlet.failed().has_ready()
            || self.has_removed()
    }

    fn call_each(&self, callbacks: &mut Combined<T>, engine: &Engine, outlet: &Outlet<T>) {
        let report = |id, what, panic| outlet.report(engine, id, what, JobError::Panicked(panic));
        loop {
            let mut is_over = true;
            if let Some(on_done) = &mut callbacks.on_done {
                while let Some(done) = outlet.done().try_pop() {
                    is_over = false;
                    let id = done.id;
                    if let Err(panic) = catch(|| on_done(done)) {
                        report(id, "the group's callback for done jobs", panic);
                    }
                }
            }
            if let Some(on_cancelled) = &mut callbacks.on_cancelled {
                while let Some((id, reason)) = { self.cancelled.lock().pop_front() } {
                    is_over = false;
                    if let Err(panic) = catch(|| on_cancelled(id, reason)) {
                        report(id, "the group's callback for cancelled jobs", panic);
                    }
                }
            }
            if let Some(on_removed) = &mut callbacks.on_removed {
                while let Some((job, reason)) = { self.removed.lock().pop_front() } {
                    is_over = false;
                    if let Err(panic) = catch(|| on_removed(job, reason)) {
                        report(job.id, "the group's callback for removed jobs", panic);
                    }
                }
            }
            if let Some(on_failed) = &mut callbacks.on_failed {
                while let Some(failed) = outlet.failed().try_pop() {
                    is_over = false;
                    if let Err(panic) = catch(|| on_failed(failed)) {
                        // Not into the failed queue: that would call the callback again, and it might panic again.
                        log::error!("{}: the callback for failures: {panic}", engine.config.name_prefix);
                    }
                }
            }
            if is_over {
                return;
            }
        }
    }
}

impl<T: Send + 'static> Combine<T> for Combiner<T> {
    fn cancelled(&self, id: JobId, reason: CancelReason) {
        if self.asks.cancelled {
            self.cancelled.lock().push_back((id, reason));
        }
        if self.asks.removed {
            self.removed.lock().extend(removed::was().map(|job| (job, reason)));
        }
    }

    fn is_idle(&self, outlet: &Outlet<T>) -> bool {
        // In this order: what is there while nobody calls is seen.
        self.callbacks.lock().is_some() && !self.has_work(outlet) && self.callbacks.lock().is_some()
    }

    fn call(&self, engine: &Engine, outlet: &Outlet<T>) {
        while self.can_call(outlet) {
            let Some(mut callbacks) = self.callbacks.lock().take() else { return };
            let frame = Frame::new(Kind::Callback(outlet.address()), engine.address(), OUTSIDE);
            frame.enter(|_| self.call_each(&mut callbacks, engine, outlet));
            *self.callbacks.lock() = Some(callbacks);
            // Who waits for the callbacks may have looked meanwhile.
            outlet.ended.notify();
            engine.quiet.notify();
        }
    }
}
