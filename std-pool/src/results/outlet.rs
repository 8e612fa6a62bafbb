//! Where the results of a group go: two queues, and who is called with what is in them.
#![forbid(unsafe_code)]

use std::any::TypeId;
use std::error::Error;
use std::fmt;
use std::sync::Weak;

use fastthreadpool_core::{JobId, Unpark};

use crate::engine::Engine;
use crate::here::blocking;
use crate::here::call::{catch, drop_quietly};
use crate::here::frame::{self, Address};
use crate::here::removed::CancelReason;
use crate::results::combine::{Combine, Combined};
use crate::results::outcome::JobError;
use crate::results::queue::Results;
use crate::sync::event::Event;
use crate::sync::time::{Deadline, Time};
use crate::sys::Mutex;

/// A job's result in the done queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Done<T> {
    /// Of the job.
    pub id: JobId,
    /// What it returned or emitted.
    pub value: T,
}

/// A job's failure in the failed queue. Displays as one line with all that it knows.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failed {
    /// Of the job.
    pub id: JobId,
    /// What the job was: the name it was given, else the type of its function.
    pub name: &'static str,
    /// How it ended.
    pub error: JobError,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {} ({}): {}", self.id, self.name, self.error)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The error is displayed with this.
        self.error.source()
    }
}

/// Failures that are kept where nobody reads them.
pub(crate) const FAILURES: usize = 65_536;

/// Which queues are emptied by a callback on a thread of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Threads {
    pub(crate) done: bool,
    pub(crate) failed: bool,
}

pub(crate) struct Outlet<T> {
    pub(crate) done: Results<Done<T>>,
    pub(crate) failed: Results<Failed>,
    /// Something came into one of the queues, room has become free in one, or they were closed or opened.
    pub(crate) ended: Event,
    /// Results of the unit type say nothing and are not kept, unless somebody is called with them.
    keeps: bool,
    threads: Threads,
    /// The callbacks that are called on workers.
    combiner: Option<Box<dyn Combine<T>>>,
    /// What was reported besides the ends of runs.
    reports: Mutex<u64>,
    /// The round of the pool that the queues are in: what was decided in an earlier one is too late.
    round: Mutex<u64>,
}

impl<T: Send + 'static> Outlet<T> {
    pub(crate) fn new(failed_capacity: usize, threads: Threads, time: &Time) -> Self {
        Self {
            done: Results::new(usize::MAX, time.clone()),
            failed: Results::new(failed_capacity, time.clone()),
            ended: Event::default(),
            keeps: threads.done || TypeId::of::<T>() != TypeId::of::<()>(),
            threads,
            combiner: None,
            reports: Mutex::new(0),
            round: Mutex::new(0),
        }
    }

    /// The same with callbacks that are called on workers.
    pub(crate) fn combined(mut self, combined: Combined<T>) -> Self {
        self.keeps |= combined.on_done.is_some();
        self.combiner = combined.into_combiner();
        self
    }

    /// Whether values are kept until somebody reads them.
    #[inline(always)]
    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// A job has returned a value, or emitted one.
    #[inline(always)]
    pub(crate) fn succeed(&self, engine: &Engine, id: JobId, value: T) {
        if self.keeps {
            let lost = self.done.push(Done { id, value });
            debug_assert!(lost.is_none(), "the done queue loses nothing");
            self.tell(engine);
        } else {
            drop_quietly(value);
        }
    }

    /// A run has ended with an error.
    #[cold]
    #[inline(never)]
    pub(crate) fn fail(&self, engine: &Engine, id: JobId, job: &'static str, error: JobError) {
        engine.log_failure(id, job, &error);
        if let Some(lost) = self.failed.push(Failed { id, name: job, error }) {
            let number = self.failed.lost();
            if number.is_power_of_two() {
                log::warn!(
                    "{}: {number} failures were dropped because nobody has read them",
                    engine.config.name_prefix
                );
            }
            drop_quietly(lost);
        }
        self.tell(engine);
    }

    /// Something went wrong that is not the end of a run.
    #[cold]
    pub(crate) fn report(&self, engine: &Engine, id: JobId, job: &'static str, error: JobError) {
        *self.reports.lock() += 1;
        self.fail(engine, id, job, error);
    }

    pub(crate) fn reports(&self) -> u64 {
        *self.reports.lock()
    }

    /// A job was removed before it ran.
    pub(crate) fn cancelled(&self, engine: &Engine, id: JobId, reason: CancelReason) {
        if let Some(combiner) = &self.combiner {
            combiner.cancelled(id, reason);
            combiner.call(engine, self);
        }
    }

    #[inline(always)]
    fn tell(&self, engine: &Engine) {
        self.ended.notify();
        if let Some(combiner) = &self.combiner {
            combiner.call(engine, self);
        }
    }

    /// Whether all callbacks have been called with all that there is. Where the caller is one of them, it cannot wait for that.
    pub(crate) fn is_told(&self) -> bool {
        let is_threads = (!self.threads.done || self.done.is_called_back())
            && (!self.threads.failed || self.failed.is_called_back());
        let is_told = is_threads && self.combiner.as_ref().is_none_or(|combiner| combiner.is_idle(self));
        is_told || frame::is_callback_of(self.address())
    }

    /// Waits for that. Returns false when the time is over, or when nobody is left who could end the wait.
    pub(crate) fn wait_told(&self, deadline: Deadline<'_>) -> bool {
        self.is_told()
            || blocking::maybe(|| self.attended(|| self.ended.wait(deadline, || self.is_told()))).unwrap_or(false)
    }

    /// Who waits for results works meanwhile for this pool, which has no threads.
    pub(crate) fn attend(&self, engine: &Weak<Engine>) {
        self.done.attend(engine);
        self.failed.attend(engine);
    }

    /// Calls `wait`, in which something is waited for: see [`Engine::attended`].
    pub(crate) fn attended<R>(&self, wait: impl FnOnce() -> R) -> R {
        self.done.attended(wait)
    }

    pub(crate) fn address(&self) -> Address {
        Address::of(&self.round)
    }

    /// No more results come in this round.
    pub(crate) fn close(&self, round: u64) {
        let mut woken = Vec::new();
        {
            let present = self.round.lock();
            if *present != round {
                return;
            }
            self.done.close_for(&mut woken);
            self.failed.close_for(&mut woken);
        }
        // A task's waker may panic: the panic hook has reported it.
        for waiter in &woken {
            let _ = catch(|| waiter.unpark());
        }
        self.ended.notify();
    }

    /// A round begins; results come again.
    pub(crate) fn open(&self, round: u64) {
        {
            let mut present = self.round.lock();
            if *present >= round {
                return;
            }
            *present = round;
            self.done.reopen();
            self.failed.reopen();
        }
        self.ended.notify();
    }

    /// Takes out all results; to be dropped with no lock held.
    pub(crate) fn take_all(&self) -> (Vec<Done<T>>, Vec<Failed>) {
        (self.done.take_all(), self.failed.take_all())
    }
}
