//! A visit: the present thread works for a pool for a while, as one worker more. It comes to a seat of its own, runs one job after the
//! other, sleeps when there is none, and goes when its caller wants it to.
//!
//! | the visitor | from | until |
//! |---|---|---|
//! | looks | it comes, its job ends, it is woken | it finds a job, or none |
//! | runs a job | it has found one | the end of that |
//! | rests | it has found none; it may sleep now, and is counted as one that does | its next step, or it goes |
//! | is gone | its caller is done, or the pool is closed and nothing is left | |
//!
//! # Waits in a pool without threads
//!
//! Who waits there visits it as long as he waits ([`attend()`]): each time that he would park he runs a job instead, or, if there is none,
//! parks as a worker that is woken for the next. If he waits inside of a job, the job that he runs meanwhile lies on top of that one on the
//! stack of his thread, and has another seat: it is one that stands in, on the same thread. So the one below goes on when that has ended.
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::sync::Arc;

use fastthreadpool_core::{Next, Phase, Runner, Running, Tick};

use crate::engine::observed::Whose;
use crate::engine::worker::{Env, Worker};
use crate::engine::{Engine, Payload};
use crate::here::frame::{Employer, Frame, Kind};
use crate::here::observer::WorkerEvent;
use crate::sync::attend::{self, Attends};
use crate::sync::looks;
use crate::sync::time::{Deadline, rest, sleep};
use crate::sys::thread;

pub(crate) struct Visit<'e> {
    engine: &'e Arc<Engine>,
    worker: Worker<'e>,
    env: Env,
}

/// What a visitor has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A job, which it has run.
    Ran,
    /// None until then, unless it is woken.
    Rests(Tick),
    /// None, and none comes any more.
    Over,
}

impl<'e> Visit<'e> {
    fn begin(engine: &'e Arc<Engine>) -> Option<Self> {
        let worker = engine.core.visit()?;
        engine.sit(worker.seat(), thread::current());
        engine.tell_worker(worker.seat(), WorkerEvent::Started);
        Some(Self { engine, worker, env: Env::outside(engine) })
    }

    pub(crate) fn step(&mut self) -> Step {
        let engine = self.engine;
        match self.worker.next() {
            Next::Run { payload, running, duty } => {
                engine.perform_or_leave(duty);
                self.run(payload, running);
                Step::Ran
            }
            Next::Park(until) => {
                engine.tell_if_idle();
                Step::Rests(until.unwrap_or(Tick::MAX))
            }
            Next::Exit { duty, .. } => {
                engine.perform_or_leave(duty);
                Step::Over
            }
        }
    }

    /// One step, if it may be seen beforehand that there is something to do: to see that takes less than to look for it.
    pub(crate) fn run_one(&mut self) -> bool {
        self.engine.has_something() && self.step() == Step::Ran
    }

    /// Runs jobs until none can begin now, or it is not to go on. Returns how many.
    pub(crate) fn run_while(&mut self, mut goes_on: impl FnMut() -> bool) -> usize {
        let mut ran = 0;
        while goes_on() && self.run_one() {
            ran += 1;
        }
        ran
    }

    fn run(&mut self, mut payload: Payload, running: Running) {
        let (engine, seat) = (self.engine, self.worker.seat());
        let employer: NonNull<dyn Employer> = NonNull::from(&**engine);
        let Some(id) = engine.core.running_id(&running) else { unreachable!("what a worker runs is known") };
        let env = &mut self.env;
        let after = Frame::new(Kind::Worker(employer, 0), engine.address(), seat).enter(|_| {
            let observed = engine.config.observed.as_ref().filter(|_| !running.is_alarm());
            let Some(observed) = observed else { return env.run(&mut payload, running) };
            let name = if observed.tells() { payload.name() } else { "" };
            let due = if running.is_periodic() { engine.core.due(&running) } else { Tick::MAX };
            observed.run(&engine.core, Whose { id, name, seat, due }, &mut || env.run(&mut payload, running))
        });
        let was_told = !after.is_over() && engine.was_told(&running);
        let (left, duty) = self.worker.finish(&running, after, payload);
        engine.drop_left(id, left, was_told);
        engine.perform_or_leave(duty);
    }

    /// Sleeps until then, or until it is woken: after a step that has found nothing.
    pub(crate) fn sleep(&mut self, until: Deadline<'_>) {
        let seat = self.worker.seat();
        self.engine.tell_worker(seat, WorkerEvent::Parked);
        rest(until, || self.worker.rise());
        self.engine.tell_worker(seat, WorkerEvent::Woken);
    }

    fn end(self) {
        let Self { engine, worker, .. } = self;
        let seat = worker.seat();
        engine.tell_worker(seat, WorkerEvent::Ended);
        engine.stand_up(seat);
        let duty = worker.leave();
        if engine.core.phase() != Phase::Running {
            engine.bury_morgue();
        }
        engine.perform_or_leave(duty);
        engine.tell_if_idle();
        engine.settle();
    }
}

impl Engine {
    /// Calls `f` with a visit of the present thread. `None`, when all seats are taken, or the pool's threads are in another process.
    pub(crate) fn visit<R>(self: &Arc<Self>, f: impl FnOnce(&mut Visit<'_>) -> R) -> Option<R> {
        if self.is_elsewhere() {
            return None;
        }
        let mut visit = Visit::begin(self)?;
        let result = f(&mut visit);
        visit.end();
        Some(result)
    }

    /// Whether there is something to begin now.
    fn has_something(&self) -> bool {
        // What is due is put before all others by who visits, and not for ever.
        let is_due = || self.core.next_due().is_some_and(|due| due <= self.time().now());
        self.core.has_something() || is_due()
    }

    /// Runs here one job that can begin now. Returns whether there was one.
    pub(crate) fn run_one(self: &Arc<Self>) -> bool {
        self.has_something() && self.visit(|visit| visit.step() == Step::Ran).unwrap_or(false)
    }

    /// Runs here what can begin. Returns how many jobs.
    pub(crate) fn run_until_idle(self: &Arc<Self>) -> usize {
        if self.has_something() { self.visit(|visit| visit.run_while(|| true)).unwrap_or(0) } else { 0 }
    }
}

/// Who waits, and what he does meanwhile.
struct Attendant<'e> {
    engine: &'e Arc<Engine>,
    /// None while nothing comes any more.
    visit: RefCell<Option<Visit<'e>>>,
    is_busy: Cell<bool>,
}

impl Attends for Attendant<'_> {
    fn step(&self) -> Option<Tick> {
        self.is_busy.set(true);
        let step = {
            let mut visit = self.visit.borrow_mut();
            if visit.is_none() && self.engine.has_something() {
                *visit = Visit::begin(self.engine);
            }
            visit.as_mut().map(Visit::step)
        };
        self.is_busy.set(false);
        match step {
            Some(Step::Ran) => None,
            Some(Step::Rests(until)) => Some(until),
            Some(Step::Over) => {
                // It is not counted any more: who waits for the end of the pool looks again.
                self.visit.take().into_iter().for_each(Visit::end);
                None
            }
            None => Some(Tick::MAX),
        }
    }

    fn sleep(&self, deadline: Deadline<'_>, until: Tick) {
        if self.visit.borrow().is_none() {
            return sleep(deadline);
        }
        let time = self.engine.time();
        let is_its_own = deadline.is_never() || until < deadline.tick || time.is_by_hand();
        let until = if is_its_own { time.until(until.min(deadline.tick)) } else { deadline };
        looks::between(|| self.visit.borrow_mut().iter_mut().for_each(|visit| visit.sleep(until)));
    }

    fn is_for(&self, engine: usize) -> bool {
        self.engine.address().get::<()>().addr() == engine
    }

    fn is_busy(&self) -> bool {
        self.is_busy.get()
    }
}

/// See [`Attends`](crate::engine::Attends).
pub(crate) static ATTENDS: crate::engine::Attends = crate::engine::Attends {
    wait: attend,
    work: |engine| engine.this.upgrade().is_some_and(|engine| engine.run_until_idle() > 0),
};

/// Calls `wait`, in which the present thread works for a pool instead of parking: see [`Engine::attended`].
fn attend(engine: &Engine, wait: &mut dyn FnMut()) {
    let this = engine.this.upgrade().filter(|_| !engine.is_elsewhere());
    let Some(engine) = this.filter(|engine| !attend::is_attended(engine.address().get::<()>().addr())) else {
        return wait();
    };
    let Some(visit) = Visit::begin(&engine) else { return wait() };
    let attendant = Attendant { engine: &engine, visit: RefCell::new(Some(visit)), is_busy: Cell::new(false) };
    attend::while_attending(&attendant, wait);
    attendant.visit.take().into_iter().for_each(Visit::end);
}
