//! The way of a job into the pool, and back to the caller when it is refused.

use std::io;
use std::sync::Arc;

use fastthreadpool_core::{Duty, Gated, JobId, NotMoved, Pack, Priority, Refused, Repeat, Start, Tick};

use crate::engine::arrival::{Coming, Made, Packed, Returned, Submission, Unknown};
use crate::engine::submit_error::SubmitError;
use crate::engine::{Engine, Payload};
use crate::here::call::drop_quietly;
use crate::here::inside;
use crate::sys;

/// What comes of putting a payload in: its id, and what is to be done now.
pub(crate) type Putting = Result<(JobId, Duty), Refused<Payload>>;

/// Where a job goes.
#[derive(Clone, Copy)]
pub(crate) enum To {
    /// The end of the queue.
    Back,
    /// Before everything else.
    Front,
    /// Wherever it is when its time has come.
    Later(Tick, Option<Repeat>),
}

impl Engine {
    /// Submits a job to the end of the queue.
    #[inline(always)]
    pub(crate) fn append<J: Submission>(&self, job: J) -> Result<JobId, SubmitError<J::Function>> {
        sys::point();
        let job = Packed(job);
        let submitted = self.core.submit_packed_by(inside::source_in(self.address()), job);
        match submitted {
            Ok((id, Duty::Nothing)) => Ok(id),
            // SAFETY: what a lane has of this job is stowed.
            Ok((id, duty)) => self.submitted(id, duty, Made::Stowed).map_err(|back| unsafe { back.accepted::<J>() }),
            Err(refused) => Err(self.refused(refused)),
        }
    }

    /// The same from outside to the lane of the worker on `seat`.
    #[inline(always)]
    pub(crate) fn append_to<J: Submission>(&self, seat: usize, job: J) -> Result<JobId, SubmitError<J::Function>> {
        sys::point();
        // As in `append`, but written again: in a function for both, an id of the main lane is made and taken apart, by twenty instructions.
        match self.core.submit_packed_to(seat, Packed(job)) {
            Ok((id, Duty::Nothing)) => Ok(id),
            // SAFETY: as there.
            Ok((id, duty)) => self.submitted(id, duty, Made::Stowed).map_err(|back| unsafe { back.accepted::<J>() }),
            Err(refused) => Err(self.refused(refused)),
        }
    }

    /// The same of a job without its type that nothing holds.
    #[inline(never)]
    pub(crate) fn append_own(&self, job: &mut dyn Coming<()>) -> Result<JobId, Returned> {
        self.append_unknown(job, ()).map_err(|(back, _)| back)
    }

    /// The same of a job without its type, and what will hold it; which comes back, too, if nothing was made of it.
    #[inline(always)]
    pub(crate) fn append_unknown<H>(&self, job: &mut dyn Coming<H>, hold: H) -> Result<JobId, (Returned, Option<H>)> {
        sys::point();
        let job = Unknown::Comes(job, hold);
        let submitted = self.core.submit_packed_by(inside::source_in(self.address()), job);
        match submitted {
            Ok((id, Duty::Nothing)) => Ok(id),
            Ok((id, duty)) => self.submitted(id, duty, Made::Stowed).map_err(|back| (back, None)),
            Err(refused) => {
                let why = self.has_refused(matches!(refused, Refused::Closed(_)));
                Err(match refused.into_inner() {
                    Unknown::Comes(_, hold) => (Returned { made: None, why }, Some(hold)),
                    Unknown::Made(payload) => (Returned { made: Some(Made::Stowed(payload)), why }, None),
                })
            }
        }
    }

    /// Submits jobs to the end of the queue; those that are not accepted stay in `jobs`, where all are.
    pub(crate) fn submit_all<J: Submission>(&self, jobs: &mut [Option<Packed<J>>]) -> Result<(), SubmitError<()>> {
        sys::point();
        let (ids, duty) = match inside::source_in(self.address()) {
            None => self.core.submit_all(jobs),
            Some(seat) => self.core.submit_all_from(seat, jobs),
        };
        let performed = self.perform(duty);
        if let Err(error) = performed {
            // There is no thread, as in `submitted`.
            for (id, job) in ids.zip(&mut *jobs) {
                if let Some(payload) = self.core.withdraw(id) {
                    // SAFETY: what `submit_all` has packed of this type: nobody has run it.
                    *job = Some(unsafe { Packed::<J>::unpack(payload) });
                }
            }
            if jobs.iter().any(Option::is_some) {
                self.has_removed();
                return Err(SubmitError::NoThread((), error));
            }
            return Ok(());
        }
        if jobs.iter().all(Option::is_none) {
            return Ok(());
        }
        // There is always room.
        Err(self.has_refused(true))
    }

    /// Submits a payload, in a box, that does not wait in a lane.
    #[inline(never)]
    pub(crate) fn submit_entry(
        &self,
        payload: Payload,
        class: Priority,
        to: &To,
        gated: Option<&Gated>,
    ) -> Result<JobId, Returned> {
        sys::point();
        match self.put_entry(payload, class, to, gated, self.is_nested()) {
            // Before the rest is told apart: on its way through a place for either the id would be read as it was not written.
            Ok((id, Duty::Nothing)) => Ok(id),
            other => self.come_of(other),
        }
    }

    /// Whether a job that this pool has taken is who submits.
    #[inline(always)]
    pub(crate) fn is_nested(&self) -> bool {
        inside::source_in(self.address()).is_some()
    }

    /// A payload was put in, or not.
    #[inline(never)]
    pub(crate) fn come_of(&self, put: Putting) -> Result<JobId, Returned> {
        match put {
            Ok((id, Duty::Nothing)) => Ok(id),
            Ok((id, duty)) => self.submitted(id, duty, Made::Boxed),
            Err(refused) => {
                let why = self.has_refused(matches!(refused, Refused::Closed(_)));
                Err(Returned { made: Some(Made::Boxed(refused.into_inner())), why })
            }
        }
    }

    /// Puts in a job that does not wait in a lane; what is to be done then is the caller's.
    // By reference: copied, what was just written in parts would be read as a whole, which waits for the parts.
    #[inline(always)]
    pub(crate) fn put_entry(
        &self,
        payload: Payload,
        class: Priority,
        to: &To,
        gated: Option<&Gated>,
        nested: bool,
    ) -> Putting {
        match (class, to, gated) {
            (Priority::Normal, &To::Later(due, repeat), None) => self.core.submit_at(payload, nested, due, repeat),
            (Priority::Normal, _, None) | (_, To::Front, None) => self.core.submit_first(payload, nested),
            (class, to, gated) => {
                let start = match to {
                    To::Back => Start::Last,
                    To::Front => Start::First,
                    &To::Later(due, repeat) => Start::At(due, repeat),
                };
                self.core.submit_in_class(class, payload, nested, start, gated.copied())
            }
        }
    }

    /// Gives a job that waits for its time another one.
    pub(crate) fn reschedule(&self, id: JobId, due: Tick) -> Result<(), NotMoved> {
        // There the lock may be held by a thread that is not here.
        if self.is_elsewhere() {
            return Err(NotMoved::Closed);
        }
        let duty = self.core.reschedule(id, due)?;
        self.perform_or_leave(duty);
        Ok(())
    }

    /// Puts in a job at the end of the queue.
    pub(crate) fn put_back(&self, payload: Payload) -> Putting {
        match inside::source_in(self.address()) {
            None => self.core.submit(payload),
            Some(seat) => self.core.submit_from(seat, payload),
        }
    }

    /// There is a job, and something to be done about it. `made`: how its payload was.
    #[cold]
    #[inline(never)]
    fn submitted(&self, id: JobId, duty: Duty, made: fn(Payload) -> Made) -> Result<JobId, Returned> {
        match self.perform_for(id, duty) {
            None => Ok(id),
            // Nobody has run it.
            Some((payload, error)) => {
                Err(Returned { made: Some(made(payload)), why: SubmitError::NoThread((), error) })
            }
        }
    }

    /// Does what is to be done now that there is a job. Gives that back if nobody comes.
    fn perform_for(&self, id: JobId, duty: Duty) -> Option<(Payload, io::Error)> {
        let error = self.perform(duty).err()?;
        // There is no thread, and so nobody who would have taken it; except one that was started just now after all.
        let payload = self.take_back_job(id)?;
        self.has_removed();
        Some((payload, error))
    }

    #[cold]
    #[inline(never)]
    fn refused<J: Submission>(&self, refused: Refused<Packed<J>>) -> SubmitError<J::Function> {
        let why = self.has_refused(matches!(refused, Refused::Closed(_)));
        let function = refused.into_inner().0.into_function();
        why.map(|()| function)
    }

    /// Submits a job that belongs to a scope: nobody removes it. `Err` if the pool does not take it.
    pub(crate) fn submit_owned<J: Pack<Payload>>(self: &Arc<Self>, job: J) -> Result<JobId, J> {
        const { assert!(J::OWNED) };
        let submitted = self.core.submit_packed_by(inside::source_in(self.address()), job);
        match submitted {
            Ok((id, duty)) => {
                // Without threads the scope's own runs it.
                self.perform_or_leave(duty);
                Ok(id)
            }
            Err(refused) => {
                self.has_refused(matches!(refused, Refused::Closed(_)));
                Err(refused.into_inner())
            }
        }
    }

    /// Drops a job that was accepted, if nobody has begun it. Returns whether that is so.
    pub(crate) fn take_away(&self, id: JobId) -> bool {
        let is_taken = self.core.withdraw(id).map(drop_quietly).is_some();
        if is_taken {
            self.has_removed();
        }
        is_taken
    }

    /// A job was not accepted. It may have been pending for a moment, and who waits for the end have seen that. Returns why.
    #[cold]
    #[inline(never)]
    fn has_refused(&self, is_closed: bool) -> SubmitError<()> {
        let is_elsewhere = self.is_elsewhere();
        if is_closed && !is_elsewhere {
            self.has_removed();
        }
        match (is_closed, is_elsewhere) {
            (false, _) => SubmitError::Full(()),
            (true, true) => SubmitError::Forked(()),
            (true, false) => SubmitError::Closed(()),
        }
    }
}
