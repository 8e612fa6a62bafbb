//! The limits of jobs: until when they are to have begun, and how long they may run. What is outstanding is timed by a thread that does
//! nothing else: workers may all be busy, with just those jobs that take too long. It is there since the first limit; once nobody has the
//! pool, only while one is outstanding. By a clock by hand
//! there is none: who turns that does what is to be done.
//!
//! | a limit is | from | until | then |
//! |---|---|---|---|
//! | noted | it is made, for a job that is about to be submitted | its job is accepted, begins, or is dropped | nothing |
//! | outstanding | its job is accepted; or, of a run, begins | that begins, ends, or is dropped, or its time comes | |
//! | over | that | | a job that has not begun is removed as expired, and one that runs is told to stop |
//! | overdue | its time comes, of a run | the run ends | |
//!
//! # Rules
//!
//! 1. A run that has a limit cannot end while it is told to stop: both need the lock. So no other run of the same job is told.
//! 2. The lock is held to tell a run so, never to remove, to wake, or to drop anything of a user's.
#![forbid(unsafe_code)]

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Weak};

use fastthreadpool_core::{JobId, Tick};

use crate::engine::Engine;
use crate::here::removed::CancelReason;
use crate::sync::event::Event;
use crate::sync::time::Time;
use crate::sys::Mutex;

/// The time of a limit, and its number, which makes it another than those of the same time.
type Key = (Tick, u64);

/// Of a pool.
pub(crate) struct Limits {
    engine: Weak<Engine>,
    time: Time,
    book: Mutex<Book>,
    /// There is an earlier one than before.
    changed: Event,
}

#[derive(Default)]
struct Book {
    outstanding: BTreeMap<Key, Limited>,
    /// The jobs whose runs take too long, by the numbers of their limits.
    overdue: BTreeMap<u64, JobId>,
    next: u64,
    has_thread: bool,
}

/// There is one more.
#[derive(Clone, Copy)]
struct Added {
    /// It is the earliest.
    is_first: bool,
    has_thread: bool,
}

/// What is limited.
#[derive(Clone, Copy)]
enum Limited {
    Begin(JobId),
    Run(JobId),
}

impl Book {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn add(&mut self, key: Key, limited: Limited) -> Added {
        self.outstanding.insert(key, limited);
        let is_first = self.outstanding.first_key_value().is_some_and(|(first, _)| *first == key);
        Added { is_first, has_thread: self.has_thread }
    }

    /// The earliest time; [`Tick::MAX`] for none.
    fn earliest(&self) -> Tick {
        self.outstanding.first_key_value().map_or(Tick::MAX, |((time, _), _)| *time)
    }
}

impl Limits {
    fn new(engine: &Arc<Engine>) -> Arc<Self> {
        let book = Mutex::new(Book::default());
        let time = engine.time().clone();
        Arc::new(Self { engine: Arc::downgrade(engine), time, book, changed: Event::default() })
    }

    /// What has not begun by then is to be removed.
    pub(crate) fn note(self: &Arc<Self>, by: Tick) -> Arc<StartBy> {
        let number = self.book.lock().number();
        Arc::new(StartBy { limits: Arc::clone(self), key: (by, number), is_over: Mutex::new(false) })
    }

    /// A run of the job begins, which may take until then.
    pub(crate) fn begin(self: &Arc<Self>, id: JobId, until: Tick) -> RunLimit {
        let (key, added) = {
            let mut book = self.book.lock();
            let key = (until, book.number());
            (key, book.add(key, Limited::Run(id)))
        };
        self.added(added);
        RunLimit { limits: Arc::clone(self), key }
    }

    /// A limit is over. The thread finds that out when it gets up for it; of a pool that nobody has any more, when its last worker is gone.
    fn remove(&self, key: Key) {
        let mut book = self.book.lock();
        // In one go: it may be on its way from there to here.
        book.overdue.remove(&key.1);
        book.outstanding.remove(&key);
    }

    /// There is one more. The thread may have gone: nobody has the pool, and none was outstanding.
    fn added(self: &Arc<Self>, added: Added) {
        if !added.has_thread {
            let started = self.engine.upgrade().map_or(Ok(()), |engine| self.start(&engine));
            if let Err(error) = started {
                log::error!("no thread can be started, a limit is not minded: {error}");
            }
        }
        if added.is_first {
            self.changed();
        }
    }

    /// There is an earlier one than before.
    fn changed(&self) {
        let engine = self.engine.upgrade();
        match engine {
            // The clock may have been turned meanwhile.
            Some(engine) if self.time.is_by_hand() => _ = self.expire(&engine),
            Some(engine) => {
                engine.core.barrier();
                self.changed.notify();
            }
            None => self.changed.notify(),
        }
    }

    /// The jobs whose runs take too long.
    pub(crate) fn overdue(&self) -> Vec<JobId> {
        let overdue: BTreeSet<_> = self.book.lock().overdue.values().copied().collect();
        overdue.into_iter().collect()
    }

    #[cfg(all(test, shuttle))]
    pub(crate) fn is_empty(&self) -> bool {
        let book = self.book.lock();
        book.outstanding.is_empty() && book.overdue.is_empty()
    }

    /// Starts the thread, if there is none, and is to be one.
    fn start(self: &Arc<Self>, engine: &Arc<Engine>) -> io::Result<()> {
        if self.time.is_by_hand() {
            return Ok(());
        }
        let mut book = self.book.lock();
        if !book.has_thread {
            let limits = Arc::clone(self);
            engine.start_callbacks("limits", move |engine| limits.mind(engine))?;
            book.has_thread = true;
        }
        Ok(())
    }

    /// The thread: as long as somebody has the pool, or a limit is outstanding.
    fn mind(&self, engine: &Engine) {
        loop {
            let earliest = self.expire(engine);
            let is_needed = |book: &Book| !(engine.is_abandoned() && book.outstanding.is_empty());
            let has_changed = || {
                let book = self.book.lock();
                (book.earliest() != earliest || !is_needed(&book)).then_some(())
            };
            Event::wait_any(&[&self.changed, &engine.quiet], self.time.until(earliest), has_changed);
            let mut book = self.book.lock();
            if !is_needed(&book) {
                book.has_thread = false;
                return;
            }
        }
    }

    /// Does what is to be done by now; returns the next time. What is dropped meanwhile, the last handle perhaps, does not wait for the
    /// end of the pool: that may wait for another limit.
    fn expire(&self, engine: &Engine) -> Tick {
        engine.removing(|| self.expire_until_now(engine))
    }

    fn expire_until_now(&self, engine: &Engine) -> Tick {
        loop {
            let mut book = self.book.lock();
            let earliest = book.earliest();
            if earliest == Tick::MAX || earliest > self.time.now() {
                return earliest;
            }
            let Some(((_, number), limited)) = book.outstanding.pop_first() else { return Tick::MAX };
            match limited {
                Limited::Begin(id) => {
                    drop(book);
                    engine.expire(id);
                }
                Limited::Run(id) => {
                    book.overdue.insert(number, id);
                    // Rule 1.
                    engine.core.stop(id);
                    drop(book);
                    engine.tell_stopped();
                }
            }
        }
    }
}

/// Until when a job is to have begun: the job has it, and who submits it.
pub(crate) struct StartBy {
    limits: Arc<Limits>,
    key: Key,
    /// The job has begun, or was dropped.
    is_over: Mutex<bool>,
}

impl StartBy {
    /// Whether it is too late.
    pub(crate) fn is_late(&self) -> bool {
        self.limits.time.now() >= self.key.0
    }

    /// The job was accepted.
    pub(crate) fn accepted(&self, engine: &Engine, id: JobId) {
        if self.is_late() {
            return engine.expire(id);
        }
        let added = {
            let is_over = self.is_over.lock();
            (!*is_over).then(|| self.limits.book.lock().add(self.key, Limited::Begin(id)))
        };
        if let Some(added) = added {
            self.limits.added(added);
        }
    }

    /// The job has begun, or was dropped.
    pub(crate) fn over(&self) {
        *self.is_over.lock() = true;
        self.limits.remove(self.key);
    }
}

/// A run has a limit; dropped: it has ended.
pub(crate) struct RunLimit {
    limits: Arc<Limits>,
    key: Key,
}

impl Drop for RunLimit {
    fn drop(&mut self) {
        self.limits.remove(self.key);
    }
}

impl Engine {
    /// The limits of its jobs, and the thread that minds them.
    pub(crate) fn limits(self: &Arc<Self>) -> io::Result<Arc<Limits>> {
        if self.is_elsewhere() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let limits = known(self.limits.get_or_init(|| Limits::new(self)));
        limits.start(self)?;
        Ok(limits)
    }

    /// Removes a job that has not begun: it is too late.
    fn expire(&self, id: JobId) {
        self.remove_late(id, CancelReason::Expired);
    }

    /// The time of the earliest limit; [`Tick::MAX`] for none.
    pub(crate) fn next_limit(&self) -> Tick {
        self.limits.get().map_or(Tick::MAX, |limits| known(limits).book.lock().earliest())
    }

    /// Does what is to be done about limits by now.
    pub(crate) fn expire_limits(&self) {
        if let Some(limits) = self.limits.get() {
            known(limits).expire(self);
        }
    }

    /// The jobs whose runs take longer than they may.
    pub(crate) fn overdue(&self) -> Vec<JobId> {
        self.limits.get().map_or(Vec::new(), |limits| known(limits).overdue())
    }
}

fn known(limits: &Arc<dyn Any + Send + Sync>) -> Arc<Limits> {
    Arc::clone(limits).downcast().unwrap_or_else(|_| unreachable!("nothing else is kept there"))
}
