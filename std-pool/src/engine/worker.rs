//! A worker: asks the core what to do, and does it. What a job finds around it.
#![forbid(unsafe_code)]

use std::sync::Arc;

use fastthreadpool_core::{
    self as core, After, Duty, Growing, JobId, JobIds, NO_SEAT, Phase, Rest, Runner, Running, Tick,
};

use crate::engine::crowd;
use crate::engine::host::StdHost;
use crate::engine::observed::Whose;
use crate::engine::slot::Slot;
use crate::engine::stops::StopToken;
use crate::engine::{Engine, Payload};
use crate::here::call::{catch, drop_quietly};
use crate::here::frame::{self, Frame, Kind};
use crate::here::inside;
use crate::here::job::JobKind;
use crate::here::observer::WorkerEvent;
use crate::here::removed::{self, CancelReason};
use crate::sync::time::rest;
use crate::sys::{self, RawMutex, thread};

pub(super) type Worker<'p> = core::Worker<'p, Payload, StdHost, Growing<Payload, RawMutex>>;

/// What a job finds around it when it runs.
pub(crate) struct Env {
    pub(crate) engine: Arc<Engine>,
    running: Option<Running>,
    /// The id of the one job that runs inside another or outside of all workers, which the mark of the seat may not tell.
    known: Option<JobId>,
    /// The last run that was measured was long.
    pub(super) after_long: bool,
    /// Runs since the totals were brought up to date.
    #[cfg(not(target_pointer_width = "64"))]
    ended: u32,
}

impl Env {
    /// Around a job that runs on a thread that is no worker, and does not ask who it is.
    pub(crate) fn outside(engine: &Arc<Engine>) -> Self {
        Self {
            engine: Arc::clone(engine),
            running: None,
            known: None,
            after_long: false,
            #[cfg(not(target_pointer_width = "64"))]
            ended: 0,
        }
    }

    #[inline(always)]
    pub(crate) fn id(&self) -> JobId {
        match (self.known, &self.running) {
            (Some(id), _) => id,
            (None, Some(running)) => self.engine.core.running_id(running).expect("a job inside another is known"),
            (None, None) => unreachable!("only a job that is known asks who it is"),
        }
    }

    /// Calls `bury`, in which what is left of the job is dropped: it does not begin.
    pub(crate) fn bury(&self, name: &'static str, reason: CancelReason, bury: &mut dyn FnMut()) {
        match self.engine.asked() {
            Some(asked) => (asked.skip)(self, name, reason, bury),
            None => removed::removing(self.id(), reason, bury),
        }
        self.engine.tell_removed(self.id(), reason);
    }

    /// What the job waited for last, before its turn came.
    pub(super) fn kind(&self) -> JobKind {
        match &self.running {
            Some(running) if running.is_periodic() => JobKind::Periodic,
            // Let through by its group.
            Some(running) if running.is_gated() => JobKind::Queued,
            _ if JobIds::of(self.id()).is_some() => JobKind::Queued,
            _ => JobKind::Urgent,
        }
    }

    /// When the periodic job that runs was to begin.
    pub(crate) fn due(&self) -> Tick {
        self.running.map_or(Tick::MAX, |running| self.engine.core.due(&running))
    }

    /// The periodic job that runs has its next run then.
    pub(crate) fn set_next(&self, due: Tick) {
        if let Some(running) = &self.running {
            self.engine.core.set_next(running, due);
        }
    }

    /// What tells the job to stop, which is one of the cohort if that is given.
    pub(crate) fn stop_token<'e>(&'e self, slot: Option<&'e Slot>) -> StopToken<'e> {
        StopToken::new(&self.engine, self.running, slot)
    }

    /// Where its jobs submit from.
    #[inline]
    pub(crate) fn seat(&self) -> usize {
        self.running.map_or(NO_SEAT, |running| running.seat())
    }

    /// The job says itself from here on what becomes of the room that it was let through with. Returns whether it has some.
    pub(crate) fn own_room(&self) -> bool {
        self.running.is_some_and(|running| self.engine.core.own_room(&running))
    }

    /// Whether the job has an entry to which it can go back.
    pub(crate) fn may_go_back(&self) -> bool {
        self.running.is_some_and(|running| running.is_gated() && running.depth() == 0)
    }

    /// Counts a run, where words are short.
    #[inline(always)]
    #[cfg_attr(target_pointer_width = "64", expect(clippy::unused_self, reason = "there is nothing to count"))]
    fn count(&mut self) {
        #[cfg(not(target_pointer_width = "64"))]
        {
            self.ended += 1;
            if self.ended >= crate::engine::totals::FOLD_AFTER {
                self.ended = 0;
                let _ = self.engine.sums();
            }
        }
    }
}

impl Runner<Payload> for Env {
    fn perform(&mut self, duty: Duty) {
        self.engine.perform_or_leave(duty);
    }

    #[inline(always)]
    fn run(&mut self, payload: &mut Payload, running: Running) -> After {
        if self.running != Some(running) {
            self.running = Some(running);
        }
        self.count();
        // Jobs catch their panics and those of all that they drop; what arrives here is the pool's own.
        let after = catch(|| payload.step(self)).unwrap_or(After::Failed);
        sys::point();
        after
    }

    fn dispose(&mut self, payload: Payload) {
        drop_quietly(payload);
    }

    fn idle(&mut self) {
        self.engine.tell_if_idle();
    }

    fn errand(&mut self) {
        frame::with_errands(self.engine.address(), |done| self.engine.do_errands(done, true));
    }
}

impl Engine {
    /// Works as the worker that was asked for.
    pub(crate) fn work(self: &Arc<Self>, frame: &Frame) {
        let worker = self.core.attach();
        if worker.is_none() {
            // Others have come meanwhile.
            self.nobody_comes();
        }
        self.work_on(worker, frame, true);
    }

    /// Works on a thread that is not the pool's own.
    pub(crate) fn work_in_place(self: &Arc<Self>, frame: &Frame) {
        self.work_on(self.core.enlist(), frame, false);
    }

    /// Works on a seat until there is nothing to do for a worker; `is_own`: on a thread of the pool's.
    fn work_on<'e>(self: &'e Arc<Self>, mut worker: Option<Worker<'e>>, frame: &Frame, is_own: bool) {
        while let Some(mut present) = worker.take() {
            let seat = present.seat();
            self.sit(seat, thread::current());
            frame.set_seat(seat);
            let duty = self.work_until_exit(&mut present, is_own);
            frame.set_seat(NO_SEAT);
            self.stand_up(seat);
            drop(present);
            if self.perform(duty).is_err() {
                // Nobody else is left who could do it.
                worker = self.core.enlist();
            }
        }
    }

    fn work_until_exit(self: &Arc<Self>, worker: &mut Worker<'_>, is_own: bool) -> Duty {
        let mut env = Env::outside(self);
        let mut is_timely = !is_own;
        self.config.watched.as_ref().inspect(|watched| watched.comes());
        let seat = worker.seat();
        self.tell_worker(seat, WorkerEvent::Started);
        loop {
            let found = match &self.config.observed {
                None => worker.work(&mut env),
                Some(observed) => observed.work(&self.core, worker, &mut env),
            };
            match found {
                Rest::Park(deadline) => {
                    self.tell_if_idle();
                    // Not before, for the sake of threads that do not live long.
                    if deadline.is_some() && !is_timely {
                        sys::wake_in_time();
                        is_timely = true;
                    }
                    let watched = self.config.watched.as_deref();
                    watched.inspect(|watched| watched.parks());
                    self.tell_worker(seat, WorkerEvent::Parked);
                    let deadline = self.time().until(deadline.unwrap_or(Tick::MAX));
                    rest(deadline, || worker.rise());
                    crowd::get_up(self.core.awake() > 1);
                    self.tell_worker(seat, WorkerEvent::Woken);
                    watched.inspect(|watched| watched.gets_up());
                }
                Rest::Exit { duty, .. } => {
                    // One that makes way has not searched since its last job.
                    self.tell_if_idle();
                    self.tell_worker(seat, WorkerEvent::Ended);
                    return duty;
                }
            }
        }
    }

    #[inline(never)]
    pub(super) fn tell_worker(&self, seat: usize, event: WorkerEvent) {
        if let Some(observed) = &self.config.observed {
            observed.worker(seat, event);
        }
    }

    /// Runs a job that could begin now, inside the job that waits for it. Returns how it went, if there is such a job.
    pub(crate) fn run_inside(self: &Arc<Self>, id: JobId) -> Option<After> {
        match inside::seat_in(self.address()) {
            None => None,
            Some(NO_SEAT) => self.run_outside(id),
            Some(seat) => {
                let (mut payload, running) = self.core.take_inside(seat, id)?;
                let mut env = Env { known: Some(id), ..Env::outside(self) };
                let mut step = |payload: &mut Payload| self.frame(id, seat).enter(|_| env.run(payload, running));
                let after = self.seen(id, seat, &mut payload, &mut step);
                let was_told = after == After::Back && self.was_told(&running);
                let (left, duty) = if after == After::Back {
                    self.core.end_back(&running, payload)
                } else {
                    debug_assert!(after.is_over(), "what repeats is left to the workers");
                    self.core.end(&running, after.end(), None)
                };
                self.drop_left(id, left, was_told);
                self.perform_or_leave(duty);
                Some(after)
            }
        }
    }

    /// [`Engine::run_inside`] on a thread that is no worker of this pool.
    pub(crate) fn run_outside(self: &Arc<Self>, id: JobId) -> Option<After> {
        let (mut payload, taken) = self.core.take(id)?;
        let mut env = Env { known: Some(id), ..Env::outside(self) };
        let mut step = |payload: &mut Payload| {
            self.frame(id, NO_SEAT).enter(|_| catch(|| payload.step(&mut env)).unwrap_or(After::Failed))
        };
        let after = self.seen(id, NO_SEAT, &mut payload, &mut step);
        let (left, duty) = if after == After::Back {
            taken.back(payload)
        } else {
            debug_assert!(after.is_over(), "what repeats is left to the workers");
            (None, taken.end(after.end()))
        };
        self.drop_left(id, left, false);
        self.perform_or_leave(duty);
        self.tell_if_idle();
        if self.is_closed() {
            // It may have been the last for which they stay.
            self.wake_all();
            self.settle();
        }
        Some(after)
    }

    /// Drops what a run has left of a job that does not go on: it was cancelled meanwhile, which the run `was_told` of, or the pool ends.
    pub(super) fn drop_left(&self, id: JobId, left: Option<Payload>, was_told: bool) {
        if let Some(left) = left {
            drop_quietly(left);
            let is_cancelled = was_told || self.core.phase() == Phase::Running;
            self.tell_removed(id, if is_cancelled { CancelReason::Cancelled } else { CancelReason::Shutdown });
        }
    }

    /// Whether the job that runs was told that it is cancelled, and not with all others.
    pub(super) fn was_told(&self, running: &Running) -> bool {
        self.core.is_cancelled(running) && self.core.phase() != Phase::Stopping
    }

    /// Runs a job that a wait has taken, and tells who observes.
    fn seen(
        &self,
        id: JobId,
        seat: usize,
        payload: &mut Payload,
        step: &mut dyn FnMut(&mut Payload) -> After,
    ) -> After {
        let Some(observed) = &self.config.observed else { return step(payload) };
        let name = if observed.tells() { payload.name() } else { "" };
        observed.run(&self.core, Whose { id, name, seat, due: Tick::MAX }, &mut || step(payload))
    }

    fn frame(&self, id: JobId, seat: usize) -> Frame {
        Frame::new(Kind::Job(id), self.address(), seat)
    }
}
