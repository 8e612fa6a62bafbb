//! The way of a job into the pool, and back to the caller when it is refused.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use fastthreadpool_core::{Duty, JobId, Pack, Refused, Repeat, Tick};

use crate::job::Submission;
use crate::room::Room;
use crate::shared::{Payload, Shared};

/// A job that was not accepted; gives the function back.
pub enum SubmitError<F> {
    /// The queue is bounded and full.
    Full(F),
    /// The pool has been shut down.
    Closed(F),
    /// The pool has no thread yet and none can be started.
    NoThread(F, io::Error),
    /// A job cannot repeat without any time in between.
    ZeroInterval(F),
}

impl<F> SubmitError<F> {
    /// The function.
    pub fn into_inner(self) -> F {
        match self {
            Self::Full(f) | Self::Closed(f) | Self::NoThread(f, _) | Self::ZeroInterval(f) => f,
        }
    }

    fn text(&self) -> &'static str {
        match self {
            Self::Full(_) => "the job was refused: the queue is full",
            Self::Closed(_) => "the job was refused: the pool has been shut down",
            Self::NoThread(..) => "the job was refused: the pool has no thread and none can be started",
            Self::ZeroInterval(_) => "the job was refused: its interval is zero",
        }
    }
}

impl<F> fmt::Debug for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
            Self::NoThread(..) => "NoThread(..)",
            Self::ZeroInterval(_) => "ZeroInterval(..)",
        })
    }
}

impl<F> fmt::Display for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThread(_, error) => write!(f, "{}: {error}", self.text()),
            _ => f.write_str(self.text()),
        }
    }
}

impl<F> Error for SubmitError<F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoThread(_, error) => Some(error),
            _ => None,
        }
    }
}

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

/// A job that becomes a payload in its slot.
struct Packed<J>(J);

impl<J: Submission> Pack<Payload> for Packed<J> {
    #[inline(always)]
    fn pack(self) -> Payload {
        Payload::new(self.0)
    }

    fn unpack(payload: Payload) -> Self {
        // SAFETY: by the contract of the trait the payload was made by `pack` of this type.
        Self(unsafe { payload.into_job::<J>() })
    }
}

impl Shared {
    /// Submits a job.
    #[inline(always)]
    pub(crate) fn submit<J: Submission>(self: &Arc<Self>, job: J, to: To) -> Result<JobId, SubmitError<J::Function>> {
        if !self.enter_queue() {
            return Err(SubmitError::Full(job.into_function()));
        }
        match self.put(Packed(job), to) {
            Ok((id, Duty::Nothing)) => Ok(id),
            Ok((id, duty)) => self.submitted::<J>(id, duty),
            Err(refused) => Err(self.refused::<J>(refused)),
        }
    }

    #[inline(always)]
    pub(crate) fn put<J: Pack<Payload>>(self: &Arc<Self>, job: J, to: To) -> Result<(JobId, Duty), Refused<J>> {
        let current = self.current();
        match to {
            To::Back => match current {
                None => self.core.submit_packed(job),
                Some(current) => self.core.submit_packed_from(current.seat, job),
            },
            To::Front => {
                self.core.submit_first(job.pack(), current.is_some()).map_err(|refused| refused.map(J::unpack))
            }
            To::Later(due, repeat) => {
                let submitted = self.core.submit_at(job.pack(), current.is_some(), due, repeat);
                submitted.map_err(|refused| refused.map(J::unpack))
            }
        }
    }

    /// Takes room in a bounded queue.
    #[inline(always)]
    pub(crate) fn enter_queue(&self) -> bool {
        self.room.as_ref().is_none_or(Room::enter)
    }

    #[cold]
    #[inline(never)]
    fn submitted<J: Submission>(self: &Arc<Self>, id: JobId, duty: Duty) -> Result<JobId, SubmitError<J::Function>> {
        let Err(error) = self.perform(duty) else { return Ok(id) };
        // There is no thread, and so nobody who would have taken it; except one that was started just now after all.
        match self.core.take(id) {
            None => Ok(id),
            Some(payload) => {
                self.core.end_outside();
                self.count_no_end();
                self.left_queue();
                Err(SubmitError::NoThread(Packed::<J>::unpack(payload).0.into_function(), error))
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn refused<J: Submission>(&self, refused: Refused<Packed<J>>) -> SubmitError<J::Function> {
        self.left_queue();
        match refused {
            Refused::Full(Packed(job)) => SubmitError::Full(job.into_function()),
            Refused::Closed(Packed(job)) => SubmitError::Closed(job.into_function()),
        }
    }
}
