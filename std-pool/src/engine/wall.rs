//! The wall clock: which jobs wait for which time of the system's clock, and the thread that moves them when that is set. It is there
//! while jobs are listed, and with it what tells it.
//!
//! | a job is | from | until | when the clock is set |
//! |---|---|---|---|
//! | coming | it is about to be submitted, or moved, to a time that has not come | it is listed, or refused | it is moved as soon as it is listed |
//! | listed | that was done | a look finds that it does not wait until its tick any more | it is moved to another tick |
//! | none of them | | | it stays where it is |
//!
//! A listed job has run, was cancelled, or was moved by somebody else, without anybody telling: that costs those nothing. Looks find it
//! out. There is one of all jobs
//!
//! * when the clock was set;
//! * when the last of the ticks has passed by [`LINGER`], so that a job that says in its run when it is next finds the thread there;
//! * when an hour has passed since the last one: what was cancelled keeps the thread no longer;
//! * when the pool has ended, or a job was refused that would have been the only one;
//! * before the list gets twice as long as the last one has left it: so it has at most twice as many as wait, and some.
//!
//! # Rules
//!
//! 1. The one lock is held to move a job, so that of two who move the same one the last is listed; never to wake, to start a worker,
//!    or to drop anything of a user's: what that takes is done afterwards.
//! 2. Who comes does so before looking at the clock. If that is set after this look, either it is told before the job is listed, and the
//!    count of changes differs, or afterwards, and the thread finds it in the list.
//! 3. A job is moved only from the tick that it was listed with. Whoever else has moved it has the last word.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::{Duty, JobId, NotMoved, Tick};

use crate::engine::Engine;
use crate::engine::clock::{Clock, Reading, System, Watch};
use crate::engine::due::{Follows, Listed};
use crate::sys::{self, Mutex};

#[cfg(all(test, not(shuttle)))]
mod tests;

/// No whole seconds, as are between most times of a calendar: then one that is said at each is listed.
const LINGER: Duration = Duration::from_millis(1500);
const HOUR: Duration = Duration::from_secs(3600);
/// Until a job that was in between two runs waits again.
const MOMENT: Duration = Duration::from_millis(1);
/// A list that is no longer is not worth a look.
const SHORT: usize = if cfg!(test) { 4 } else { 64 };

/// Of a pool.
pub(crate) struct WallClock {
    clock: Arc<dyn Clock>,
    book: Mutex<Book>,
}

struct Book {
    listed: BTreeMap<JobId, Listed>,
    coming: usize,
    /// How often the clock was set.
    changes: u64,
    /// A job could not be moved, because it was in between two runs.
    is_unsettled: bool,
    /// As long as the list may get before the next look.
    room: usize,
    /// While there is a thread.
    watch: Option<Arc<dyn Watch>>,
}

/// What is to be done once the lock is released.
type Duties = Vec<Duty>;

impl Book {
    fn new() -> Self {
        Self { listed: BTreeMap::new(), coming: 0, changes: 0, is_unsettled: false, room: SHORT, watch: None }
    }

    /// Moves a job to where the clocks say, if they are given. Returns whether it waits for that time still.
    fn follow(
        engine: &Engine,
        id: JobId,
        listed: &mut Listed,
        clocks: Option<Reading>,
        duties: &mut Duties,
    ) -> Result<(), NotMoved> {
        let tick = clocks.map_or(listed.tick, |clocks| clocks.tick_at(listed.time));
        duties.push(engine.core.reschedule_from(id, listed.tick, tick)?);
        listed.tick = tick;
        Ok(())
    }

    /// A look: at all that is listed, to move it if the clocks are given.
    fn look(&mut self, engine: &Engine, clocks: Option<Reading>, duties: &mut Duties) {
        let now = sys::now();
        let Self { listed, is_unsettled, .. } = self;
        listed.retain(|id, listed| {
            // When its tick has come it begins, or is on its way.
            listed.tick > now
                && match Self::follow(engine, *id, listed, clocks, duties) {
                    Ok(()) => listed.tick > now,
                    Err(NotMoved::Running) => {
                        *is_unsettled |= clocks.is_some();
                        true
                    }
                    Err(_) => false,
                }
        });
        self.room = SHORT.max(2 * self.listed.len());
    }

    /// Whether there is to be a thread.
    fn is_needed(&self) -> bool {
        self.coming > 0 || !self.listed.is_empty()
    }

    /// When the thread looks next.
    fn next_look(&self) -> Tick {
        if self.is_unsettled {
            return sys::after(MOMENT);
        }
        let last = self.listed.values().map(|listed| listed.tick).max().unwrap_or_else(sys::now);
        last.saturating_add(sys::nanos(LINGER)).min(sys::after(HOUR))
    }
}

impl WallClock {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, book: Mutex::new(Book::new()) })
    }

    /// That of an engine, by the clock of the system.
    pub(crate) fn of(engine: &Arc<Engine>) -> io::Result<Arc<dyn Follows>> {
        // There the lock may be held by a thread that is not here.
        if engine.is_elsewhere() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Arc::clone(engine.wall.get_or_init(|| Self::new(Arc::new(System)))))
    }

    /// The thread.
    fn mind(&self, engine: &Engine, watch: &dyn Watch) {
        let mut is_set = false;
        while let Some(until) = self.look(engine, is_set) {
            is_set = watch.wait(until);
        }
    }

    /// Looks at all jobs; returns when to do that again, if the thread is to stay.
    fn look(&self, engine: &Engine, is_set: bool) -> Option<Tick> {
        self.with_book(engine, |book, duties| {
            book.changes += u64::from(is_set);
            let moves = mem::take(&mut book.is_unsettled) || is_set;
            // After it was told that it was set, so that this is what it was set to.
            book.look(engine, moves.then(|| self.clock.read()), duties);
            if book.is_needed() {
                return Some(book.next_look());
            }
            book.watch = None;
            None
        })
    }

    /// Rule 1.
    fn with_book<R>(&self, engine: &Engine, f: impl FnOnce(&mut Book, &mut Duties) -> R) -> R {
        let mut duties = Duties::new();
        let result = f(&mut self.book.lock(), &mut duties);
        for duty in duties {
            engine.perform_or_leave(duty);
        }
        result
    }

    /// Lists a job. Rule 2.
    fn add(&self, book: &mut Book, engine: &Engine, (id, listed): (JobId, Listed), changes: u64, duties: &mut Duties) {
        if book.listed.len() >= book.room {
            book.look(engine, None, duties);
        }
        book.listed.insert(id, listed);
        if book.changes != changes {
            book.look(engine, Some(self.clock.read()), duties);
        }
    }
}

impl Follows for WallClock {
    fn read(&self) -> Reading {
        self.clock.read()
    }

    fn come(self: Arc<Self>, engine: &Arc<Engine>) -> io::Result<u64> {
        let mut book = self.book.lock();
        if book.watch.is_none() {
            let (wall, watch) = (Arc::clone(&self), self.clock.watch());
            book.watch = Some(Arc::clone(&watch));
            let started = engine.start_callbacks("clock", move |engine| wall.mind(engine, &*watch));
            if let Err(error) = started {
                book.watch = None;
                return Err(error);
            }
        }
        book.coming += 1;
        Ok(book.changes)
    }

    fn list(&self, engine: &Engine, id: JobId, listed: Listed, changes: u64) {
        self.with_book(engine, |book, duties| self.add(book, engine, (id, listed), changes, duties));
    }

    fn reschedule(&self, engine: &Engine, id: JobId, listed: Listed, changes: u64) -> Result<(), NotMoved> {
        self.with_book(engine, |book, duties| {
            duties.push(engine.core.reschedule(id, listed.tick)?);
            self.add(book, engine, (id, listed), changes, duties);
            Ok(())
        })
    }

    fn leave(&self) {
        let is_needed = {
            let mut book = self.book.lock();
            book.coming -= 1;
            book.is_needed()
        };
        if !is_needed {
            self.wake();
        }
    }

    fn wake(&self) {
        let watch = self.book.lock().watch.clone();
        if let Some(watch) = watch {
            watch.interrupt();
        }
    }
}

#[cfg(test)]
impl WallClock {
    /// That of an engine, of which no job follows a clock yet, by a clock that a test turns.
    pub(crate) fn by(clock: Arc<dyn Clock>, engine: &Engine) -> Arc<Self> {
        let wall = Self::new(clock);
        assert!(engine.wall.set(Arc::clone(&wall) as _).is_ok());
        wall
    }

    /// How many jobs are listed.
    pub(crate) fn len(&self) -> usize {
        self.book.lock().listed.len()
    }
}
