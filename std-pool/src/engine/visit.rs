//! A visit: the present thread works for a pool for a while, as one worker more. It comes to a seat of its own, runs one job after the
//! other, sleeps when there is none, and goes when its caller wants it to.
//!
//! | the visitor | from | until |
//! |---|---|---|
//! | looks | it comes, its job ends, it is woken | it finds something, or nothing |
//! | has something | it has found a job, or half of a join | its caller has it run that, at once but for what he has to leave before |
//! | runs it | | the end of that |
//! | rests | it has found nothing; it may sleep now, and is counted as one that does | its next look, or it goes |
//! | is gone | its caller is done, or the pool is closed and nothing is left | |
//!
//! # Waits in a pool without threads
//!
//! Who waits there visits it as long as he waits ([`attend()`]): each time that he would park he runs a job instead, or, if there is none,
//! parks as a worker that is woken for the next. If he waits inside of a job, the job that he runs meanwhile lies on top of that one on the
//! stack of his thread, and has another seat: it is one that stands in, on the same thread. So the one below goes on when that has ended.
//!
//! He stays until all jobs of a closed pool have ended: what others run may submit more, and they may leave that to him.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::Arc;

use fastthreadpool_core::{Next, Phase, Runner, Running, TakenFork, Tick};

use crate::engine::observed::Whose;
use crate::engine::worker::{Env, Worker};
use crate::engine::{Engine, Payload};
use crate::here::blocking;
use crate::here::frame::{Employer, Frame, Kind};
use crate::here::inside;
use crate::here::observer::WorkerEvent;
use crate::sync::attend::{self, Attends};
use crate::sync::looks;
use crate::sync::time::{Deadline, doze, park_by, rest_by};
use crate::sys::thread;

pub(crate) struct Visit<'e> {
    engine: &'e Arc<Engine>,
    worker: Worker<'e>,
    env: Env,
    /// What it has found and not begun.
    task: Option<Task>,
    /// Until when it may sleep, if it has found nothing.
    until: Tick,
    /// It was told to end.
    is_over: bool,
    /// Jobs that it has run.
    ran: usize,
}

enum Task {
    Job(Payload, Running),
    Fork(TakenFork),
}

/// What a visitor has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A job, or half of a join, that is to be run.
    Something,
    /// Nothing, unless it is woken.
    Nothing,
    /// Nothing, and nothing comes any more.
    End,
}

impl<'e> Visit<'e> {
    fn begin(engine: &'e Arc<Engine>) -> Option<Self> {
        let worker = engine.core.visit()?;
        engine.sit(worker.seat(), thread::current());
        engine.tell_worker(worker.seat(), WorkerEvent::Started);
        Some(Self { engine, worker, env: Env::outside(engine), task: None, until: Tick::MAX, is_over: false, ran: 0 })
    }

    /// It does not end before all jobs have, if the pool is closed; unless it is inside of one.
    pub(crate) fn stay(&mut self) {
        if !inside::is_in(self.engine.address()) {
            self.worker.stay();
        }
    }

    /// So many jobs it has run.
    pub(crate) fn ran(&self) -> usize {
        self.ran
    }

    /// Looks for something, if it has nothing.
    pub(crate) fn look(&mut self) -> Found {
        if self.is_over {
            return Found::End;
        }
        if self.task.is_some() {
            return Found::Something;
        }
        let engine = self.engine;
        let (duty, task) = match self.worker.next_or_fork() {
            Ok(Next::Run { payload, running, duty }) => (duty, Some(Task::Job(payload, running))),
            Err((fork, duty)) => (duty, Some(Task::Fork(fork))),
            Ok(Next::Exit { duty, .. }) => (duty, None),
            Ok(Next::Park(until)) => {
                engine.tell_if_idle();
                self.until = until.unwrap_or(Tick::MAX);
                return Found::Nothing;
            }
        };
        engine.perform_or_leave(duty);
        self.is_over = task.is_none();
        self.task = task;
        if self.is_over { Found::End } else { Found::Something }
    }

    /// Runs what it has found. Returns whether it had.
    pub(crate) fn run(&mut self) -> bool {
        let (engine, seat) = (self.engine, self.worker.seat());
        let employer: NonNull<dyn Employer> = NonNull::from(&**engine);
        let frame = Frame::new(Kind::Worker(employer, 0), engine.address(), seat);
        match self.task.take() {
            Some(Task::Job(payload, running)) => self.run_job(frame, payload, running),
            Some(Task::Fork(fork)) => engine.perform_or_leave(frame.enter(|_| engine.core.run_fork(seat, fork))),
            None => return false,
        }
        true
    }

    fn run_job(&mut self, frame: Frame, mut payload: Payload, running: Running) {
        let (engine, seat) = (self.engine, self.worker.seat());
        let Some(id) = engine.core.running_id(&running) else { unreachable!("what a worker runs is known") };
        let env = &mut self.env;
        let after = frame.enter(|_| {
            let observed = engine.config.observed.as_ref().filter(|_| !running.is_alarm());
            let Some(observed) = observed else { return env.run(&mut payload, running) };
            let name = if observed.tells() { payload.name() } else { "" };
            let due = engine.core.due(&running);
            observed.run(&engine.core, Whose { id, name, seat, due }, &mut || env.run(&mut payload, running))
        });
        let was_told = !after.is_over() && engine.was_told(&running);
        let (left, duty) = self.worker.finish(&running, after, payload);
        engine.drop_left(id, left, was_told);
        engine.perform_or_leave(duty);
        self.ran += 1;
    }

    /// Both, if it may be seen beforehand that there is something to do: to see that takes less than to look for it.
    pub(crate) fn run_one(&mut self) -> bool {
        self.engine.has_something() && self.look() == Found::Something && self.run()
    }

    /// Runs jobs until none can begin now, or it is not to go on. Returns how many.
    pub(crate) fn run_while(&mut self, mut goes_on: impl FnMut() -> bool) -> usize {
        while goes_on() && self.run_one() {}
        self.ran
    }

    /// After a look that has found nothing: sleeps until one finds something, or the deadline comes. A job that it is inside of waits meanwhile.
    pub(crate) fn sleep(&mut self, deadline: Deadline<'_>) {
        let time = self.engine.time();
        let doze = |until| doze(deadline, until, || time.goes_on_by_itself());
        let sleep = |this: &mut Self| {
            let mut rest = |until: Tick| this.rest(&mut |its_own| doze(its_own.min(until)));
            looks::between(|| park_by(deadline, &mut rest));
        };
        blocking::once(|| {
            sleep(self);
            while !deadline.is_over() && self.look() == Found::Nothing {
                sleep(self);
            }
        });
    }

    /// Sleeps by `park`, which is told until when by the world's clock.
    fn rest(&mut self, park: &mut dyn FnMut(Tick)) {
        let (engine, seat) = (self.engine, self.worker.seat());
        engine.tell_worker(seat, WorkerEvent::Parked);
        rest_by(engine.time().until(self.until), park, &mut || self.worker.rise());
        engine.tell_worker(seat, WorkerEvent::Woken);
    }

    fn end(mut self) {
        // A wait may have been over when it has found something.
        self.run();
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

    /// Whether there is something to do, or may be some day.
    fn may_have_something(&self) -> bool {
        self.core.phase() == Phase::Running || self.core.pending() > 0 || self.core.timers() > 0
    }

    /// Runs here one job that can begin now. Returns whether there was one.
    pub(crate) fn run_one(self: &Arc<Self>) -> bool {
        self.has_something() && self.visit(|visit: &mut Visit<'_>| visit.run_one()).unwrap_or(false)
    }

    /// Runs here what can begin. Returns how many jobs.
    pub(crate) fn run_until_idle(self: &Arc<Self>) -> usize {
        if self.has_something() { self.visit(|visit| visit.run_while(|| true)).unwrap_or(0) } else { 0 }
    }
}

/// Who waits, and what he does meanwhile.
struct Attendant<'e> {
    engine: &'e Arc<Engine>,
    /// From the first look, as long as there may be something to do, and he does nothing else.
    visit: RefCell<Option<Visit<'e>>>,
}

impl Drop for Attendant<'_> {
    fn drop(&mut self) {
        self.pause();
    }
}

impl Attends for Attendant<'_> {
    fn look(&self) -> bool {
        let mut visit = self.visit.borrow_mut();
        if visit.is_none() && self.engine.may_have_something() {
            *visit = Visit::begin(self.engine);
            // If it is inside of a job, the wait is over when that one's is, whatever is left.
            visit.iter_mut().for_each(|visit| visit.worker.stay());
        }
        visit.as_mut().is_some_and(|visit| visit.look() != Found::Nothing)
    }

    fn act(&self) {
        if !self.visit.borrow_mut().as_mut().is_some_and(Visit::run) {
            // Nothing comes any more. It is not counted from here on: who waits for the end of the pool looks again.
            self.pause();
        }
    }

    fn pause(&self) {
        // Taken first: what the end has others do may lead back here.
        let visit = self.visit.take();
        visit.into_iter().for_each(Visit::end);
    }

    fn rest(&self, until: Tick, park: &mut dyn FnMut(Tick)) {
        match &mut *self.visit.borrow_mut() {
            Some(visit) => visit.rest(&mut |its_own| park(its_own.min(until))),
            None => park(until),
        }
    }

    fn goes_on(&self) -> bool {
        self.engine.time().goes_on_by_itself()
    }

    fn is_for(&self, engine: usize) -> bool {
        self.engine.address().get::<()>().addr() == engine
    }
}

/// See [`Attends`](crate::engine::config::Attends).
pub(crate) static ATTENDS: crate::engine::config::Attends = crate::engine::config::Attends {
    wait: attend,
    work: |engine| engine.this.upgrade().is_some_and(|engine| engine.run_until_idle() > 0),
};

/// Calls `wait`, in which the present thread works for a pool instead of parking: see [`Engine::attended`].
fn attend(engine: &Engine, wait: &mut dyn FnMut()) {
    let this = engine.this.upgrade().filter(|_| !engine.is_elsewhere());
    let Some(engine) = this.filter(|engine| !attend::is_attended(engine.address().get::<()>().addr())) else {
        return wait();
    };
    attend::while_attending(&Attendant { engine: &engine, visit: RefCell::new(None) }, wait);
}
