//! Where the results of a group go: two queues, and who is called with what is in them.
#![forbid(unsafe_code)]

use std::any::{Any, TypeId};
use std::collections::LinkedList;
use std::error::Error;
use std::fmt;
use std::sync::Weak;

use fastthreadpool_core::{JobId, Unpark};

use crate::engine::Engine;
use crate::here::blocking;
use crate::here::call::{drop_quietly, quietly};
use crate::here::frame::Address;
use crate::here::inside;
use crate::here::removed::CancelReason;
use crate::results::combine::{Combine, Combined};
use crate::results::late::Late;
use crate::results::outcome::JobError;
use crate::results::queue::Results;
use crate::sync::event::Event;
use crate::sync::time::{Deadline, Time};
use crate::sys::{Mutex, OnceLock};

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
    /// There from the beginning where values say something.
    done: Late<Done<T>>,
    failed: Late<Failed>,
    /// As long as nobody has asked for them.
    unread: Mutex<Unread>,
    failed_capacity: usize,
    time: Time,
    /// Of a pool without threads: who waits works for it meanwhile.
    attended: OnceLock<Weak<Engine>>,
    /// Something came into one of the queues, room has become free in one, or they were closed or opened.
    pub(crate) ended: Event,
    /// Results of the unit type say nothing and are not kept, unless somebody is called with them.
    keeps: bool,
    threads: Threads,
    /// The callbacks that are called on workers.
    combiner: Option<Box<dyn Combine<T>>>,
    /// What was reported besides the ends of runs.
    reports: Mutex<u64>,
    round: Mutex<Round>,
}

/// Failures before there is a queue of them.
#[derive(Default)]
#[expect(
    clippy::linkedlist,
    reason = "nobody waits for a large one to be copied, and it takes no more than what is there"
)]
struct Unread {
    entries: LinkedList<Failed>,
    lost: u64,
}

impl Unread {
    #[inline(never)]
    fn push(&mut self, failed: Failed, capacity: usize) -> Option<(Failed, u64)> {
        self.entries.push_back(failed);
        if self.entries.len() <= capacity {
            return None;
        }
        self.lost += 1;
        self.entries.pop_front().map(|oldest| (oldest, self.lost))
    }
}

/// Of the pool, that the queues are in: what was decided in an earlier one is too late.
#[derive(Clone, Copy, Default)]
struct Round {
    number: u64,
    is_closed: bool,
}

/// Whether values say nothing.
fn is_unit<T: 'static>() -> bool {
    TypeId::of::<T>() == TypeId::of::<()>()
}

impl<T: Send + 'static> Outlet<T> {
    pub(crate) fn new(failed_capacity: usize, threads: Threads, time: &Time) -> Self {
        let outlet = Self {
            done: Late::new(),
            failed: Late::new(),
            unread: Mutex::new(Unread::default()),
            failed_capacity,
            time: time.clone(),
            attended: OnceLock::new(),
            ended: Event::default(),
            keeps: threads.done || !is_unit::<T>(),
            threads,
            combiner: None,
            reports: Mutex::new(0),
            round: Mutex::new(Round::default()),
        };
        if !is_unit::<T>() {
            outlet.done();
        }
        outlet
    }

    /// The queue of values.
    #[inline(always)]
    pub(crate) fn done(&self) -> &Results<Done<T>> {
        match self.done.made() {
            Some(made) => made,
            None => self.make_done(),
        }
    }

    #[cold]
    #[inline(never)]
    fn make_done(&self) -> &Results<Done<T>> {
        let round = self.round.lock();
        self.done.get_or_make(|| self.make(usize::MAX, *round))
    }

    /// The queue of failures.
    #[inline(always)]
    pub(crate) fn failed(&self) -> &Results<Failed> {
        match self.failed.made() {
            Some(made) => made,
            None => self.make_failed(),
        }
    }

    #[cold]
    #[inline(never)]
    fn make_failed(&self) -> &Results<Failed> {
        let round = self.round.lock();
        // Until it is there: who has not seen it waits.
        let mut unread = self.unread.lock();
        self.failed.get_or_make(|| {
            let failed = self.make(self.failed_capacity, *round);
            failed.begin(std::mem::take(&mut unread.entries), unread.lost);
            failed
        })
    }

    /// A queue, where nobody closes or opens them meanwhile.
    fn make<E: Send>(&self, capacity: usize, round: Round) -> Results<E> {
        let results = Results::new(capacity, self.time.clone());
        if let Some(engine) = self.attended.get() {
            results.attend(engine);
        }
        if round.is_closed {
            results.close_for(&mut Vec::new());
        }
        results
    }

    /// The same with callbacks that are called on workers.
    pub(crate) fn combined(mut self, combined: Combined<T>) -> Self {
        if combined.on_done.is_some() {
            self.keeps = true;
            self.done();
        }
        self.combiner = combined.into_combiner();
        self
    }

    /// Whether values are kept until somebody reads them.
    #[inline(always)]
    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// A job has returned a value, or emitted one.
    pub(crate) fn succeed(&self, engine: &Engine, id: JobId, value: T) {
        if self.keeps { self.keep(engine, id, value) } else { drop_quietly(value) }
    }

    /// The same where values are kept.
    #[inline(always)]
    pub(crate) fn keep(&self, engine: &Engine, id: JobId, value: T) {
        debug_assert!(self.keeps);
        self.leave(Done { id, value });
        self.tell(engine);
    }

    #[inline(always)]
    fn leave(&self, done: Done<T>) {
        let lost = if is_unit::<T>() {
            // It was made for the callback.
            self.done.push(done).map(|(lost, _)| lost)
        } else {
            self.done().push(done)
        };
        debug_assert!(lost.is_none(), "the done queue loses nothing");
    }

    /// Returns the oldest if there are too many, and how many were lost so.
    fn leave_failed(&self, failed: Failed) -> Option<(Failed, u64)> {
        {
            let mut unread = self.unread.lock();
            // Who makes the queue has the lock.
            if self.failed.made().is_none() {
                return unread.push(failed, self.failed_capacity);
            }
        }
        self.failed.push(failed)
    }

    /// A run has ended with an error.
    #[cold]
    #[inline(never)]
    pub(crate) fn fail(&self, engine: &Engine, id: JobId, job: &'static str, error: JobError) {
        engine.log_failure(id, job, &error);
        if let Some((lost, number)) = self.leave_failed(Failed { id, name: job, error }) {
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
        is_told || inside::is_in_callback_of(self.address())
    }

    /// Waits for that. Returns false when the time is over, or when nobody is left who could end the wait.
    pub(crate) fn wait_told(&self, deadline: Deadline<'_>) -> bool {
        self.is_told()
            || blocking::maybe(|| self.attended(|| self.ended.wait(deadline, || self.is_told()))).unwrap_or(false)
    }

    /// Who waits for results works meanwhile for this pool, which has no threads.
    pub(crate) fn attend(&self, engine: &Weak<Engine>) {
        // Set once, before anybody else sees it.
        let _ = self.attended.set(Weak::clone(engine));
        if let Some(done) = self.done.made().filter(|_| !is_unit::<T>()) {
            done.attend(engine);
        }
    }

    /// Calls `wait`, in which something is waited for: see [`Engine::attended`].
    pub(crate) fn attended<R>(&self, wait: impl FnOnce() -> R) -> R {
        match self.attended.get().and_then(Weak::upgrade) {
            Some(engine) => engine.attended(wait),
            None => wait(),
        }
    }

    pub(crate) fn address(&self) -> Address {
        Address::of(&self.round)
    }

    /// No more results come in this round.
    pub(crate) fn close(&self, round: u64) {
        let mut woken = Vec::new();
        {
            let mut present = self.round.lock();
            if present.number != round {
                return;
            }
            present.is_closed = true;
            self.done.close_for(&mut woken);
            self.failed.close_for(&mut woken);
        }
        // A task's waker may panic: the panic hook has reported it.
        for waiter in &woken {
            quietly(|| waiter.unpark());
        }
        self.ended.notify();
    }

    /// A round begins; results come again.
    pub(crate) fn open(&self, round: u64) {
        {
            let mut present = self.round.lock();
            if present.number >= round {
                return;
            }
            *present = Round { number: round, is_closed: false };
            self.done.reopen();
            self.failed.reopen();
        }
        self.ended.notify();
    }

    /// Takes out all results; to be dropped with no lock held.
    pub(crate) fn take_all(&self) -> impl Any + Send {
        let unread = std::mem::take(&mut self.unread.lock().entries);
        (unread, self.done.take_all(), self.failed.take_all())
    }
}
