//! Threads: how those of the workers are started and joined, who is woken for a seat, and the threads of callbacks.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::sync::Arc;

use fastthreadpool_core::Duty;

use crate::engine::hired::WorkerThread;
use crate::engine::naming::Numbers;
use crate::engine::presence::{self, Hire};
use crate::engine::{Engine, naming};
use crate::here::call::catch;
use crate::sys::thread::{self, JoinHandle, Thread};
use crate::sys::{Mutex, OnceLock};

/// Seats of a chunk: most pools never need a second one.
const CHUNK: usize = 64;

type Chunk = Box<[Mutex<Option<Thread>>]>;

pub(crate) struct Threads {
    /// Who is to be unparked for each seat, and each guest's desk.
    seats: Box<[OnceLock<Chunk>]>,
    workers: Mutex<Vec<Worker>>,
    callbacks: Mutex<Vec<JoinHandle<()>>>,
    numbers: Numbers,
}

/// A worker's thread.
struct Worker {
    number: usize,
    handle: JoinHandle<()>,
    /// Its last thread-local value is gone: to join it takes no time.
    is_gone: bool,
}

impl Threads {
    pub(crate) fn new(seats: usize) -> Self {
        Self {
            seats: (0..seats.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect(),
            workers: Mutex::new(Vec::new()),
            callbacks: Mutex::new(Vec::new()),
            numbers: Numbers::new(),
        }
    }

    /// The thread of that number has nothing more to do here.
    pub(super) fn leave(&self, number: usize) {
        for worker in self.workers.lock().iter_mut() {
            worker.is_gone |= worker.number == number;
        }
        self.numbers.give_back(number);
    }

    fn seat(&self, seat: usize) -> &Mutex<Option<Thread>> {
        let chunk = self.seats[seat / CHUNK].get_or_init(|| (0..CHUNK).map(|_| Mutex::new(None)).collect());
        &chunk[seat % CHUNK]
    }
}

impl Engine {
    // ----- duties

    /// Does what the core asks for. `Err` when a thread could not be started and there is no other.
    #[inline(always)]
    pub(crate) fn perform(&self, duty: Duty) -> io::Result<()> {
        match duty {
            Duty::Nothing => Ok(()),
            Duty::Wake(seat) => {
                self.wake(seat);
                Ok(())
            }
            Duty::Start => self.start(),
        }
    }

    /// As [`Engine::perform`] where a job would wait for the next call rather than be given back.
    #[inline(always)]
    pub(crate) fn perform_or_leave(&self, duty: Duty) {
        if let Err(error) = self.perform(duty) {
            log::error!("{}: no thread can be started, jobs wait: {error}", self.config.name_prefix);
        }
    }

    #[cold]
    fn wake(&self, seat: usize) {
        // Cloned, so that nothing is woken under the lock.
        let thread = self.threads.seat(seat).lock().clone();
        if let Some(thread) = thread {
            thread.unpark();
        }
    }

    /// Wakes all who sleep.
    pub(crate) fn wake_all(&self) {
        while let Some(seat) = self.core.next_sleeper() {
            self.wake(seat);
        }
    }

    // ----- workers

    #[cold]
    fn start(&self) -> io::Result<()> {
        self.try_start().or_else(|error| self.go_on_without(error))
    }

    /// The same; `Err`, too, when there are others.
    pub(super) fn try_start(&self) -> io::Result<()> {
        let Some(engine) = self.this.upgrade() else { return Ok(()) };
        if self.is_threadless() {
            // Who waits for it, or says so, does what there is.
            self.nobody_comes();
            // It was counted for a moment.
            self.settle();
            return Ok(());
        }
        self.settle_here();
        let number = self.threads.numbers.take();
        let round = self.life.lock().thread_asked();
        let hire = Hire { number, round, errands: self.employ() };
        if let Some(spawn) = &self.config.spawn_handler {
            let worker = WorkerThread::new(engine, hire);
            // One that is dropped is taken back by itself.
            let spawned = catch(|| spawn(worker)).unwrap_or_else(|panic| Err(io::Error::other(panic.to_string())));
            // Or has come and gone: that does no harm.
            let is_there =
                || if self.core.alive() > 0 { Ok(()) } else { Err(io::Error::other("the worker was dropped")) };
            return spawned.and_then(|()| is_there());
        }
        let mut builder = thread::Builder::new().name(self.thread_name(number));
        if let Some(bytes) = self.config.stack_size {
            builder = builder.stack_size(bytes);
        }
        let started = {
            let mut workers = self.threads.workers.lock();
            workers.retain(|worker| !worker.is_gone);
            // Under the lock, so that the thread finds itself in the list when it goes.
            let started = builder.spawn(move || presence::live(engine, hire));
            started.map(|handle| workers.push(Worker { number, handle, is_gone: false }))
        };
        if started.is_err() {
            self.take_back(hire);
        }
        started
    }

    /// A worker that the core has asked for does not come.
    #[cold]
    #[inline(never)]
    pub(super) fn nobody_comes(&self) {
        let duty = self.core.start_failed();
        self.perform_or_leave(duty);
    }

    /// A thread that was asked for does not come.
    #[cold]
    pub(super) fn take_back(&self, hire: Hire) {
        self.threads.numbers.give_back(hire.number);
        self.life.lock().thread_gone(hire.round);
        self.retire(&Cell::new(hire.errands), false);
        self.nobody_comes();
        // Who waits for the end has waited for this thread, too.
        self.settle();
        self.quiet.notify();
        if self.core.alive() == 0 {
            // Who waits has said so, and then looks.
            self.core.barrier();
            if let Some(tells) = self.tells.get() {
                (tells.left_alone)(self);
            }
        }
    }

    #[cold]
    fn go_on_without(&self, error: io::Error) -> io::Result<()> {
        match self.core.alive() {
            0 => Err(error),
            left => {
                log::warn!("{}: goes on with {left} threads: {error}", self.config.name_prefix);
                Ok(())
            }
        }
    }

    /// The thread that works on a seat from now on.
    pub(crate) fn sit(&self, seat: usize, thread: Thread) {
        *self.threads.seat(seat).lock() = Some(thread);
    }

    /// It does not any more. The seat may be another's already.
    pub(crate) fn stand_up(&self, seat: usize) {
        let mut thread = self.threads.seat(seat).lock();
        if thread.as_ref().is_some_and(|thread| thread.id() == thread::current().id()) {
            *thread = None;
        }
    }

    /// Joins the threads that are gone.
    pub(crate) fn join_gone(&self) {
        let gone: Vec<_> = {
            let mut workers = self.threads.workers.lock();
            let (gone, others) = workers.drain(..).partition(|worker| worker.is_gone);
            *workers = others;
            gone
        };
        for Worker { handle, .. } in gone {
            // A worker catches every panic; what its thread's own destructors do is not the pool's.
            let _ = handle.join();
        }
    }

    // ----- callbacks

    /// Starts a thread that calls a callback.
    pub(crate) fn start_callbacks(
        self: &Arc<Self>,
        what: &str,
        run: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> io::Result<()> {
        self.settle_here();
        let name = format!("{}-{what}", self.config.name_prefix);
        let engine = Arc::clone(self);
        let live = move || {
            naming::show_end();
            run(&engine);
        };
        let handle = thread::Builder::new().name(name).spawn(live)?;
        let over: Vec<_> = {
            let mut callbacks = self.threads.callbacks.lock();
            // Some come and go.
            let (over, others) = callbacks.drain(..).partition(thread::is_over);
            *callbacks = others;
            callbacks.push(handle);
            over
        };
        for handle in over {
            let _ = handle.join();
        }
        Ok(())
    }

    /// Joins the threads of the callbacks, which end when the last handle is gone.
    pub(crate) fn join_callbacks(&self) {
        let callbacks = std::mem::take(&mut *self.threads.callbacks.lock());
        for handle in callbacks {
            if handle.thread().id() != thread::current().id() {
                let _ = handle.join();
            }
        }
    }
}

#[cfg(all(test, not(shuttle)))]
impl Engine {
    /// Threads that call back, and that were not joined yet.
    pub(crate) fn callbacks(&self) -> usize {
        self.threads.callbacks.lock().len()
    }
}
