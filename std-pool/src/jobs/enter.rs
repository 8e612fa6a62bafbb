//! The way of a job into its group: what it must find there, and what it takes with it.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fastthreadpool_core::{Gate, Gated, JobId, Priority, WITHOUT_END};

use crate::engine::Engine;
use crate::engine::arrival::{Arrival, Kind, Submission, submit_arrival, submit_boxed};
use crate::engine::slot::Turn;
use crate::engine::submit::To;
use crate::engine::submit_error::SubmitError;
use crate::groups::admission::Refusal;
use crate::groups::door::Line;
use crate::groups::hold::{Hold, Root};
use crate::groups::inner::Inner;
use crate::groups::member::Member;
use crate::sync::time::Deadline;

/// A job without its hold on a group.
pub(crate) trait Shape<T>: Sized {
    type Function;
    /// With it.
    type Held<H: Hold<T>>: Submission<Function = Self::Function>;

    fn hold<H: Hold<T>>(self, hold: H) -> Self::Held<H>;
    fn into_function(self) -> Self::Function;
    /// What it is called.
    fn name(&self) -> &'static str;
    /// Whether it leaves a result in the done queue, for which there has to be room before it begins.
    fn leaves(&self) -> bool;

    /// Whether it may wait again when it has begun.
    const GOES_BACK: bool = false;
}

/// Where jobs enter a group.
pub(crate) struct Entrance<'g, T> {
    pub(crate) engine: &'g Arc<Engine>,
    pub(crate) group: &'g Inner<T>,
    /// It is the pool's own group, and nothing is said of that.
    pub(crate) is_plain: bool,
    pub(crate) key: Option<u64>,
}

/// A job that becomes a member of a group.
struct Joining<'g, T, S> {
    group: &'g Inner<T>,
    shape: S,
}

impl<'g, T: Send + 'static, S: Shape<T>> Arrival<Turn<'g>> for Joining<'g, T, S> {
    type Job = S::Held<Member<T>>;

    fn kind(&self) -> Kind {
        Kind {
            name: self.shape.name(),
            leaves: self.shape.leaves() && self.group.outlet.keeps(),
            goes_back: S::GOES_BACK,
        }
    }

    #[inline(always)]
    fn into_job(self, turn: Turn<'g>) -> Self::Job {
        self.shape.hold(Member::of(self.group, turn))
    }

    fn into_function(self) -> S::Function {
        self.shape.into_function()
    }
}

/// One that becomes the pool's own.
struct Outright<T, S> {
    shape: S,
    group: PhantomData<fn() -> T>,
}

impl<T: Send + 'static, S: Shape<T>> Arrival<()> for Outright<T, S> {
    type Job = S::Held<Root>;

    fn kind(&self) -> Kind {
        Kind { name: self.shape.name(), leaves: self.shape.leaves(), goes_back: S::GOES_BACK }
    }

    #[inline(always)]
    fn into_job(self, (): ()) -> Self::Job {
        self.shape.hold(Root)
    }

    fn into_function(self) -> S::Function {
        self.shape.into_function()
    }
}

impl<T> Clone for Entrance<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Entrance<'_, T> {}

impl<'g, T: Send + 'static> Entrance<'g, T> {
    /// To the end of the queue.
    #[inline(always)]
    pub(crate) fn append<S: Shape<T>>(self, shape: S) -> Result<JobId, SubmitError<S::Function>> {
        self.append_then(shape, |id| id)
    }

    /// The same, and makes something of the id: without that the two results are brought together, which is ten instructions more, and an
    /// id would be read in larger pieces there than it was written in, and wait for that.
    #[inline(always)]
    fn append_then<S: Shape<T>, R>(
        self,
        shape: S,
        then: impl FnOnce(JobId) -> R,
    ) -> Result<R, SubmitError<S::Function>> {
        if self.is_plain {
            self.engine.append(shape.hold(Root)).map(then)
        } else {
            Self::append_member(self.engine, self.group, self.key, shape).map(then)
        }
    }

    /// To the end of a lane, if nothing is said of the group and this is no job.
    #[inline(always)]
    pub(crate) fn append_to<S: Shape<T>>(self, seat: usize, shape: S) -> Result<JobId, SubmitError<S::Function>> {
        if self.is_plain && !self.engine.is_nested() {
            self.engine.append_to(seat, shape.hold(Root))
        } else {
            self.append_by_call(shape)
        }
    }

    /// The same of one that costs more than a call: out of line, and without its type from there on.
    pub(crate) fn append_by_call<S: Shape<T>>(self, shape: S) -> Result<JobId, SubmitError<S::Function>> {
        if self.is_plain {
            append_outright(self.engine, shape)
        } else {
            Self::append_member(self.engine, self.group, self.key, shape)
        }
    }

    /// Wherever it is to go.
    #[inline(always)]
    pub(crate) fn submit<S: Shape<T>>(self, shape: S, to: To) -> Result<JobId, SubmitError<S::Function>> {
        self.submit_ranked(Priority::Normal, shape, to)
    }

    /// A job of any class.
    #[inline(always)]
    pub(crate) fn submit_ranked<S: Shape<T>>(
        self,
        class: Priority,
        shape: S,
        to: To,
    ) -> Result<JobId, SubmitError<S::Function>> {
        match (class, to) {
            (Priority::Normal, To::Back) => self.append(shape),
            (class, to) if self.is_plain => submit_own(self.engine, class, shape, &to),
            (class, to) => self.submit_member(class, shape, to, false),
        }
    }

    /// To the end of the queue.
    // Out of the way of a plain pool's jobs, and so are its arguments: in registers.
    #[inline(never)]
    fn append_member<S: Shape<T>>(
        engine: &Arc<Engine>,
        group: &Inner<T>,
        key: Option<u64>,
        shape: S,
    ) -> Result<JobId, SubmitError<S::Function>> {
        let ways = group.core.ways();
        submit_arrival(Joining { group, shape }, |job| {
            if key.is_none() && !group.core.is_slow {
                (ways.append)(engine, &group.core, job)
            } else {
                (ways.submit)(engine, &group.core, job, (Priority::Normal, key), To::Back, false)
            }
        })
    }

    /// Wherever it is to go.
    #[inline(never)]
    fn submit_member<S: Shape<T>>(
        self,
        class: Priority,
        shape: S,
        to: To,
        has_room: bool,
    ) -> Result<JobId, SubmitError<S::Function>> {
        let Self { engine, group, key, .. } = self;
        let ways = group.core.ways();
        submit_arrival(Joining { group, shape }, |job| {
            (ways.submit)(engine, &group.core, job, (class, key), to, has_room)
        })
    }

    /// Waits until the group has room for a job: for [`Entrance::submit_with_room`].
    pub(crate) fn wait_for_room(self, deadline: Deadline<'_>) -> Result<(), Refusal> {
        if self.is_plain { Ok(()) } else { self.group.core.wait_for_room(self.engine, deadline) }
    }

    /// The same for a task.
    pub(crate) fn poll_room(
        self,
        line: &mut Option<Pin<Box<Line<'g>>>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Refusal>> {
        if self.is_plain { Poll::Ready(Ok(())) } else { self.group.core.poll_room(self.engine, line, context) }
    }

    /// To the end of the queue, where there is room for it.
    pub(crate) fn submit_with_room<S: Shape<T>>(self, shape: S) -> Result<JobId, SubmitError<S::Function>> {
        if self.is_plain || self.group.core.door.is_none() {
            return self.append(shape);
        }
        self.submit_member(Priority::Normal, shape, To::Back, true)
    }

    /// A gate for one job, with room for so many runs: behind it stand those of the group.
    pub(crate) fn open_gate(self, room: usize) -> Gate {
        let parent = (!self.is_plain).then(|| self.group.core.gate_or_open(self.engine));
        let gate = self.engine.core.open_gate(WITHOUT_END, room, parent);
        gate.unwrap_or_else(|| unreachable!("growing storage has room, and groups are not too deep"))
    }

    /// At a gate that is the job's own. Not in the child of a fork.
    pub(crate) fn submit_at<S: Shape<T>>(self, gate: Gate, shape: S) -> Result<JobId, SubmitError<S::Function>> {
        let Self { engine, group, is_plain, .. } = self;
        let gated = Some(Gated { gate, room: 1, passes: false });
        if is_plain {
            let put = |payload| engine.submit_entry(payload, Priority::Normal, &To::Back, gated.as_ref());
            return submit_boxed(shape.hold(Root), put);
        }
        let how = (Priority::Normal, To::Back, gated, None);
        submit_arrival(Joining { group, shape }, |job| (group.core.ways().submit_gated)(engine, &group.core, job, how))
    }
}

#[inline(never)]
fn append_outright<T: Send + 'static, S: Shape<T>>(
    engine: &Engine,
    shape: S,
) -> Result<JobId, SubmitError<S::Function>> {
    submit_arrival(Outright { shape, group: PhantomData }, |job| engine.append_own(job))
}

/// One of the pool's own, that does not wait in a lane.
#[inline]
fn submit_own<T: Send + 'static, S: Shape<T>>(
    engine: &Engine,
    class: Priority,
    shape: S,
    to: &To,
) -> Result<JobId, SubmitError<S::Function>> {
    submit_boxed(shape.hold(Root), |payload| engine.submit_entry(payload, class, to, None))
}
