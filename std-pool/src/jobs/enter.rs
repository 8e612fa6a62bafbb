//! The way of a job into its group: what it must find there, and what it takes with it.
#![forbid(unsafe_code)]

use std::sync::Arc;

use fastthreadpool_core::JobId;

use crate::engine::Engine;
use crate::engine::slot::Doom;
use crate::engine::submit::{Submission, SubmitError, To};
use crate::groups::inner::Inner;
use crate::groups::member::{Hold, Member, Root};

/// A job without its hold on a group.
pub(crate) trait Shape<T>: Sized {
    type Function;
    /// With it.
    type Held<H: Hold<T>>: Submission<Function = Self::Function>;

    fn hold<H: Hold<T>>(self, hold: H) -> Self::Held<H>;
    fn into_function(self) -> Self::Function;
    /// Whether it leaves a result in the done queue, for which there has to be room before it begins.
    fn leaves(&self) -> bool;
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

impl<T: Send + 'static> Entrance<'_, T> {
    #[inline(always)]
    pub(crate) fn submit<S: Shape<T>>(self, shape: S, to: To) -> Result<JobId, SubmitError<S::Function>> {
        if self.is_plain { self.engine.submit(shape.hold(Root), to, None) } else { self.submit_member(shape, to) }
    }

    #[inline]
    fn submit_member<S: Shape<T>>(self, shape: S, to: To) -> Result<JobId, SubmitError<S::Function>> {
        let (engine, core) = (self.engine, &self.group.core);
        let is_timed = matches!(to, To::Later(..));
        // There locks are taken before the job comes to the pool's own door.
        if (is_timed || core.is_gated) && engine.is_elsewhere() {
            return Err(SubmitError::Forked(shape.into_function()));
        }
        if core.door.as_ref().is_some_and(|door| !door.enter()) {
            return Err(SubmitError::Full(shape.into_function()));
        }
        let slot = core.slot(engine);
        if core.is_closed() || slot.doom() != Doom::None {
            if let Some(door) = &core.door {
                door.leave();
            }
            return Err(SubmitError::Closed(shape.into_function()));
        }
        let leaves = shape.leaves() && self.group.outlet.keeps();
        let ways = core.ways();
        let gated = if is_timed || core.is_gated { (ways.gated)(core, engine, is_timed, leaves) } else { None };
        let job = shape.hold(Member::accept(self.group, slot));
        match (to, gated) {
            (To::Back, None) => engine.submit(job, To::Back, None),
            _ => engine.submit_by(job, |job, nested| (ways.put)(core, engine, job, (to, gated, self.key), nested)),
        }
    }
}
