//! The way of a job into its group: what it must find there, and what it takes with it.
#![forbid(unsafe_code)]

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fastthreadpool_core::{Gate, Gated, JobId, Priority, WITHOUT_END};

use crate::engine::slot::Slot;
use crate::engine::submit::{Returned, Submission, To, submit_boxed};
use crate::engine::submit_error::SubmitError;
use crate::engine::{Engine, Payload};
use crate::groups::admission::{Admitted, Asks, Refusal, Then};
use crate::groups::door::Line;
use crate::groups::hold::{Hold, Root};
use crate::groups::inner::{GroupCore, Inner};
use crate::groups::member::Member;
use crate::groups::ways::How;
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

    /// The same, and makes something of the id.
    #[inline(always)]
    pub(crate) fn append_then<S: Shape<T>, R>(
        self,
        shape: S,
        then: impl FnOnce(JobId) -> R,
    ) -> Result<R, SubmitError<S::Function>> {
        let Self { engine, group, is_plain, key } = self;
        // Each for itself: where the ways meet, an id would be read in larger pieces than it was written in, and wait for that.
        if is_plain {
            engine.append(shape.hold(Root)).map(then)
        } else if key.is_none() && !group.core.is_slow {
            Self::append_member(engine, group, shape).map(then)
        } else {
            Self::submit_by_ways(engine, group, (Priority::Normal, key), shape, To::Back, false).map(then)
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
        let Self { engine, group, is_plain, key } = self;
        match (class, to) {
            (Priority::Normal, To::Back) => self.append(shape),
            (class, to) if is_plain => engine
                .submit_by(shape.hold(Root), |payload, nested| engine.put_entry(payload, class, &to, None, nested)),
            (class, to) => Self::submit_by_ways(engine, group, (class, key), shape, to, false),
        }
    }

    /// To the end of the queue, where nothing is in between.
    // Out of the way of a plain pool's jobs, and so are its arguments: in registers.
    #[inline(never)]
    fn append_member<S: Shape<T>>(
        engine: &Arc<Engine>,
        group: &Inner<T>,
        shape: S,
    ) -> Result<JobId, SubmitError<S::Function>> {
        let (mut slot, mut gauge) = (group.core.slot(engine), None);
        if !slot.is_easy() {
            slot = match pass_with_care(engine, &group.core) {
                Ok(Some(slot)) => slot,
                Ok(None) => {
                    return Self::submit_by_ways(engine, group, (Priority::Normal, None), shape, To::Back, false);
                }
                Err(refusal) => return Err(refusal.of(shape.into_function())),
            };
            gauge = group.core.policy.gauge.as_ref();
        }
        let submitted = engine.append(shape.hold(Member::accept(group, slot)));
        if let (Some(gauge), Ok(id)) = (gauge, &submitted) {
            gauge.submitted(*id, &|| engine.core.is_waiting(*id));
        }
        submitted
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
        let Self { engine, group, is_plain, key } = self;
        if is_plain || group.core.door.is_none() {
            return self.append(shape);
        }
        Self::submit_by_ways(engine, group, (Priority::Normal, key), shape, To::Back, true)
    }

    /// A gate for one job, with room for so many runs: behind it stand those of the group.
    pub(crate) fn open_gate(self, room: usize) -> Gate {
        let parent = (!self.is_plain).then(|| self.group.core.gate_or_open(self.engine));
        let gate = self.engine.core.open_gate(WITHOUT_END, room, parent);
        gate.unwrap_or_else(|| unreachable!("growing storage has room"))
    }

    /// At a gate that is the job's own. Not in the child of a fork.
    pub(crate) fn submit_at<S: Shape<T>>(self, gate: Gate, shape: S) -> Result<JobId, SubmitError<S::Function>> {
        let Self { engine, group, is_plain, .. } = self;
        let gated = Some(Gated { gate, room: 1, passes: false });
        if is_plain {
            return engine.submit_by(shape.hold(Root), |payload, nested| {
                engine.put_entry(payload, Priority::Normal, &To::Back, gated.as_ref(), nested)
            });
        }
        match (group.core.ways().admit)(&group.core, engine, Asks::LATER) {
            Ok(Admitted { slot, .. }) => {
                let (name, how) = (shape.name(), (Priority::Normal, To::Back, gated, None));
                let put = |job, nested| (group.core.ways().put)(&group.core, engine, job, how, nested);
                let submitted = engine.submit_by(shape.hold(Member::accept(group, slot)), put);
                submitted.inspect(|id| group.core.tell_accepted(engine, *id, name, &To::Back, true))
            }
            Err(refusal) => Err(refusal.of(shape.into_function())),
        }
    }

    /// Wherever it is to go.
    #[inline(never)]
    fn submit_by_ways<S: Shape<T>>(
        engine: &Arc<Engine>,
        group: &Inner<T>,
        (class, key): (Priority, Option<u64>),
        shape: S,
        to: To,
        has_room: bool,
    ) -> Result<JobId, SubmitError<S::Function>> {
        let core = &group.core;
        let asks = Asks { has_room, is_listed: !S::GOES_BACK, may_run: true };
        let leaves = shape.leaves() && group.outlet.keeps();
        let (Admitted { slot, then }, gated) = match ask(core, engine, &to, asks, leaves) {
            Ok(admitted) => admitted,
            Err(refusal) => return Err(refusal.of(shape.into_function())),
        };
        let name = shape.name();
        submit_boxed(shape.hold(Member::accept(group, slot)), |payload| {
            enter(core, engine, (payload, name), (class, to, gated, key), then)
        })
    }
}

/// The slot, if there is something to look for; `None` if something is to follow.
#[cold]
#[inline(never)]
fn pass_with_care<'s>(engine: &Engine, core: &'s GroupCore) -> Result<Option<&'s Slot>, Refusal> {
    if core.is_followed_up() {
        return Ok(None);
    }
    (core.ways().admit)(core, engine, Asks::LATER).map(|admitted| Some(admitted.slot))
}

/// A job wants to go somewhere; `leaves`: a result. What `asks` says is so if it waits for no time. If it may, comes how it is put in.
#[inline(never)]
fn ask<'s>(
    core: &'s GroupCore,
    engine: &Engine,
    to: &To,
    asks: Asks,
    leaves: bool,
) -> Result<(Admitted<'s>, Option<Gated>), Refusal> {
    let is_timed = matches!(to, To::Later(..));
    // There locks are taken before the job comes to the pool's own door.
    if (is_timed || core.is_gated) && engine.is_elsewhere() {
        return Err(Refusal::Forked);
    }
    let asks = if is_timed { Asks { has_room: asks.has_room, ..Asks::LATER } } else { asks };
    let ways = core.ways();
    let admitted = (ways.admit)(core, engine, asks)?;
    let gated = if is_timed || core.is_gated { (ways.gated)(core, engine, is_timed, leaves) } else { None };
    Ok((admitted, gated))
}

/// It has what it wants. Runs it here, if that is what is to follow: one that may not begin is refused.
#[inline(never)]
fn enter(
    core: &GroupCore,
    engine: &Arc<Engine>,
    (payload, name): (Payload, &'static str),
    how: How,
    then: Then,
) -> Result<JobId, Returned> {
    let ways = core.ways();
    let to = how.1;
    let id = engine.come_of((ways.put)(core, engine, payload, how, engine.is_nested()))?;
    match then {
        Then::Run => {
            if let Some(payload) = (ways.run_or_take_back)(engine, id) {
                return Err(Returned::full(payload));
            }
        }
        Then::List => (ways.list)(core, engine, id),
        Then::Nothing => {}
    }
    core.tell_accepted(engine, id, name, &to, core.is_gated);
    Ok(id)
}
