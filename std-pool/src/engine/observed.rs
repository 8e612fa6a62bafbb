//! An engine that is observed: who is told, and what runs its jobs then. The engine knows it by a trait, so that a program in which
//! nobody observes is spared all of it.
#![forbid(unsafe_code)]

use fastthreadpool_core::{After, Duty, JobId, Priority, Refused, Rest, Runner, Running, Tick};

use crate::engine::submit::To;
use crate::engine::worker::{Env, Worker};
use crate::engine::{Engine, Payload};
use crate::here::call::{catch, drop_quietly};
use crate::here::job::JobKind;
use crate::here::observer::{AcceptedJob, JobRun, Observer, RunEnd, WorkerEvent};
use crate::here::removed::CancelReason;
use crate::sys;

/// What an engine tells.
pub(crate) trait Observed: Send + Sync {
    /// One more is told.
    fn add(&mut self, observer: Box<dyn Observer>);

    /// A job was accepted.
    fn accepted(&self, id: JobId, name: &'static str, group: &'static str, to: &To, is_gated: bool);

    /// Puts in a job that would go a quicker way if nobody observed it.
    fn put(&self, engine: &Engine, payload: Payload, class: Priority, to: &To, nested: bool) -> Put;

    /// A job was removed, and is gone.
    fn removed(&self, id: JobId, reason: CancelReason);

    /// Something has happened to the worker of a seat.
    fn worker(&self, seat: usize, event: WorkerEvent);

    /// Runs a job by `step`, and tells of it.
    fn run(&self, job: Whose, step: &mut dyn FnMut() -> After) -> After;

    /// Works as [`Worker::work`], and tells.
    fn work(&self, worker: &mut Worker<'_>, env: &mut Env) -> Rest;
}

type Put = Result<(JobId, Duty), Refused<Payload>>;

/// Which job is about to run, and where.
pub(crate) struct Whose {
    pub(crate) id: JobId,
    pub(crate) name: &'static str,
    pub(crate) worker: Option<usize>,
    pub(crate) due: Tick,
}

/// Who observes an engine.
#[derive(Default)]
pub(crate) struct Observers(Vec<Box<dyn Observer>>);

impl Observers {
    /// Whatever an observer does: it may panic, and the others are told.
    fn tell(&self, what: impl Fn(&dyn Observer)) {
        for observer in &self.0 {
            // There is nobody who could be told of that.
            drop_quietly(catch(|| what(&**observer)));
        }
    }

    #[inline]
    fn see(&self, job: &Whose, step: impl FnOnce() -> After) -> After {
        let Whose { id, name, worker, due } = *job;
        // What has no name is not the user's.
        if name.is_empty() {
            return step();
        }
        let run = &JobRun { id, name, worker, due: sys::instant(due) };
        self.tell(|observer| observer.begun(run));
        let after = step();
        let end = match after {
            After::Done | After::Again => RunEnd::Done,
            After::Failed | After::FailedAgain => RunEnd::Failed,
            After::Cancelled => RunEnd::Cancelled,
            After::Back => RunEnd::PutOff,
        };
        self.tell(|observer| observer.ended(run, end));
        after
    }
}

impl Observed for Observers {
    fn add(&mut self, observer: Box<dyn Observer>) {
        self.0.push(observer);
    }

    fn accepted(&self, id: JobId, name: &'static str, group: &'static str, to: &To, is_gated: bool) {
        let (kind, due) = match to {
            To::Later(due, None) => (JobKind::Delayed, sys::instant(*due)),
            To::Later(due, Some(_)) => (JobKind::Periodic, sys::instant(*due)),
            _ if is_gated => (JobKind::Gated, None),
            To::Front => (JobKind::Urgent, None),
            To::Back => (JobKind::Queued, None),
        };
        let job = AcceptedJob { id, name, group, kind, due };
        self.tell(|observer| observer.accepted(&job));
    }

    fn put(&self, engine: &Engine, payload: Payload, class: Priority, to: &To, nested: bool) -> Put {
        match (class, to) {
            (Priority::Normal, To::Back) => engine.put_back(payload),
            _ => engine.put_entry(payload, class, to, None, nested),
        }
    }

    fn removed(&self, id: JobId, reason: CancelReason) {
        self.tell(|observer| observer.removed(id, reason));
    }

    fn worker(&self, seat: usize, event: WorkerEvent) {
        self.tell(|observer| observer.worker(seat, event));
    }

    fn run(&self, job: Whose, step: &mut dyn FnMut() -> After) -> After {
        self.see(&job, step)
    }

    fn work(&self, worker: &mut Worker<'_>, env: &mut Env) -> Rest {
        worker.work(&mut Seen { env, observers: self, last: None })
    }
}

/// What a job finds around it where somebody observes.
struct Seen<'e> {
    env: &'e mut Env,
    observers: &'e Observers,
    /// The last one that has run.
    last: Option<JobId>,
}

impl Runner<Payload> for Seen<'_> {
    fn perform(&mut self, duty: Duty) {
        self.env.perform(duty);
    }

    fn run(&mut self, payload: &mut Payload, running: Running) -> After {
        let core = &self.env.engine.core;
        let Some(id) = core.running_id(&running) else { unreachable!("what a worker runs is known") };
        let due = if running.is_periodic() { core.due(&running) } else { Tick::MAX };
        self.last = Some(id);
        let job = Whose { id, name: payload.name(), worker: Some(running.seat()), due };
        self.observers.see(&job, || self.env.run(payload, running))
    }

    fn dispose(&mut self, payload: Payload) {
        let Some(id) = self.last else { unreachable!("it has run just now") };
        self.env.engine.let_go(id, CancelReason::Cancelled, payload);
    }

    fn idle(&mut self) {
        self.env.idle();
    }

    fn errand(&mut self) {
        self.env.errand();
    }
}
