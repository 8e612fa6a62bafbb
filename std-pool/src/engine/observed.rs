//! An engine that is observed: who is told, and what runs its jobs then. The engine knows it by a trait, so that a program in which
//! nobody observes is spared all of it.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Instant;

use fastthreadpool_core::{After, Duty, JobId, NO_SEAT, Rest, Runner, Running, Tick};

use crate::engine::gauge::{Gauge, Measures};
use crate::engine::meter::Meter;
use crate::engine::submit::To;
use crate::engine::worker::{Env, Worker};
use crate::engine::{Core, Payload};
use crate::here::call::quietly;
use crate::here::job::JobKind;
use crate::here::observer::{AcceptedJob, JobRun, Observer, RunEnd, WorkerEvent};
use crate::here::removed::CancelReason;
use crate::sync::time::Time;
use crate::sys::{self, OnceLock};

/// What an engine tells.
pub(crate) trait Observed: Send + Sync {
    /// One more is told.
    fn add(&mut self, observer: Box<dyn Observer>);

    /// Whether it is measured what happens.
    fn measure(&mut self, is_measured: bool);

    /// The engine with so many seats begins.
    fn begin(&self, core: &Core, seats: usize, time: &Time);

    /// What measures.
    fn meter(&self) -> Option<&Meter>;

    /// What is to measure a group inside of another, if it is measured what happens.
    fn gauge(&self, around: Option<Arc<dyn Measures>>) -> Option<Arc<dyn Measures>>;

    /// Whether jobs are told of one by one.
    fn tells(&self) -> bool;

    /// A job was accepted.
    fn accepted(&self, id: JobId, name: &'static str, group: &'static str, to: &To, is_gated: bool);

    /// A job was removed, and is gone.
    fn removed(&self, id: JobId, reason: CancelReason);

    /// Something has happened to the worker of a seat.
    fn worker(&self, seat: usize, event: WorkerEvent);

    /// Runs a job by `step`, and tells of it.
    fn run(&self, core: &Core, job: Whose, step: &mut dyn FnMut() -> After) -> After;

    /// Works as [`Worker::work`], and tells.
    fn work(&self, core: &Core, worker: &mut Worker<'_>, env: &mut Env) -> Rest;
}

/// Which job is about to run, and where.
pub(crate) struct Whose {
    pub(crate) id: JobId,
    pub(crate) name: &'static str,
    pub(crate) seat: usize,
    pub(crate) due: Tick,
}

/// Who observes an engine, and what is measured.
#[derive(Default)]
pub(crate) struct Observers {
    all: Vec<Box<dyn Observer>>,
    /// Made when the engine is.
    meter: Option<OnceLock<Meter>>,
    /// Which clock the engine follows.
    time: OnceLock<Time>,
}

impl Observers {
    /// Whatever an observer does: it may panic, and the others are told.
    fn tell(&self, what: impl Fn(&dyn Observer)) {
        for observer in &self.all {
            // There is nobody who could be told of that.
            quietly(|| what(&**observer));
        }
    }

    fn instant(&self, tick: Tick) -> Option<Instant> {
        self.time.get().and_then(|time| time.instant(tick))
    }

    /// `after_long`: see [`Meter::begin`].
    #[inline]
    fn see(&self, core: &Core, job: &Whose, after_long: &mut bool, step: impl FnOnce() -> After) -> After {
        let start = |meter: &Meter| meter.begin(core, job.id, job.seat, job.due, *after_long);
        let begun = self.meter().and_then(|meter| Some((meter, start(meter)?)));
        // What has no name is not the user's.
        let after = if job.name.is_empty() { step() } else { self.tell_of(job, step) };
        if let Some((meter, begun)) = begun {
            *after_long = meter.end(&begun);
        }
        after
    }

    #[inline(never)]
    fn tell_of(&self, job: &Whose, step: impl FnOnce() -> After) -> After {
        let Whose { id, name, seat, due } = *job;
        let run = &JobRun { id, name, worker: (seat != NO_SEAT).then_some(seat), due: self.instant(due) };
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
        self.all.push(observer);
    }

    fn measure(&mut self, is_measured: bool) {
        self.meter = is_measured.then(OnceLock::new);
    }

    fn begin(&self, core: &Core, seats: usize, time: &Time) {
        let time = self.time.get_or_init(|| time.clone());
        if let Some(meter) = &self.meter {
            meter.get_or_init(|| Meter::new(seats, time.clone()));
            core.keep_times(sys::now);
        }
    }

    fn meter(&self) -> Option<&Meter> {
        self.meter.as_ref()?.get()
    }

    fn gauge(&self, around: Option<Arc<dyn Measures>>) -> Option<Arc<dyn Measures>> {
        self.meter.as_ref()?;
        Some(Arc::new(Gauge::new(around)))
    }

    fn tells(&self) -> bool {
        !self.all.is_empty()
    }

    fn accepted(&self, id: JobId, name: &'static str, group: &'static str, to: &To, is_gated: bool) {
        let (kind, due) = match to {
            To::Later(due, None) => (JobKind::Delayed, self.instant(*due)),
            To::Later(due, Some(_)) => (JobKind::Periodic, self.instant(*due)),
            _ if is_gated => (JobKind::Gated, None),
            To::Front => (JobKind::Urgent, None),
            To::Back => (JobKind::Queued, None),
        };
        let job = AcceptedJob { id, name, group, kind, due };
        self.tell(|observer| observer.accepted(&job));
    }

    fn removed(&self, id: JobId, reason: CancelReason) {
        self.tell(|observer| observer.removed(id, reason));
    }

    fn worker(&self, seat: usize, event: WorkerEvent) {
        if let Some(meter) = self.meter() {
            meter.worker(seat, event);
        }
        self.tell(|observer| observer.worker(seat, event));
    }

    fn run(&self, core: &Core, job: Whose, step: &mut dyn FnMut() -> After) -> After {
        self.see(core, &job, &mut false, step)
    }

    fn work(&self, core: &Core, worker: &mut Worker<'_>, env: &mut Env) -> Rest {
        worker.work(&mut Seen { core, env, observers: self, tells: self.tells(), last: None })
    }
}

/// What a job finds around it where somebody observes.
struct Seen<'e> {
    core: &'e Core,
    env: &'e mut Env,
    observers: &'e Observers,
    tells: bool,
    /// The last one that has run and was not over, and whether it was told that it is cancelled.
    last: Option<(JobId, bool)>,
}

impl Seen<'_> {
    fn id(&self, running: &Running) -> JobId {
        self.core.running_id(running).unwrap_or_else(|| unreachable!("what a worker runs is known"))
    }

    #[inline(never)]
    fn see(&mut self, payload: &mut Payload, running: Running) -> After {
        let id = self.id(&running);
        let due = self.core.due(&running);
        let name = if self.tells { payload.name() } else { "" };
        let job = Whose { id, name, seat: running.seat(), due };
        let mut after_long = self.env.after_long;
        let after = self.observers.see(self.core, &job, &mut after_long, || self.env.run(payload, running));
        self.env.after_long = after_long;
        after
    }

    /// The job has run, and is not over.
    #[cold]
    #[inline(never)]
    fn put_off(&mut self, running: Running) {
        self.last = Some((self.id(&running), self.env.engine.was_told(&running)));
    }
}

impl Runner<Payload> for Seen<'_> {
    fn perform(&mut self, duty: Duty) {
        self.env.perform(duty);
    }

    #[inline(always)]
    fn run(&mut self, payload: &mut Payload, running: Running) -> After {
        // What is measured of a job that is not told of begins with this: so the others cost a look at their position.
        let is_seen = self.env.after_long || self.tells || Meter::measures(self.core.running_id(&running));
        let after =
            if is_seen && !running.is_alarm() { self.see(payload, running) } else { self.env.run(payload, running) };
        if !after.is_over() {
            // It is still the one that the seat shows.
            self.put_off(running);
        }
        after
    }

    fn dispose(&mut self, payload: Payload) {
        let Some((id, was_told)) = self.last else { unreachable!("it has run just now") };
        self.env.engine.drop_left(id, Some(payload), was_told);
    }

    fn idle(&mut self) {
        self.env.idle();
    }

    fn errand(&mut self) {
        self.env.errand();
    }
}
