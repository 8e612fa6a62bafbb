//! What jobs carry along from where they are submitted to where they run: a job around the job. The engine knows it by a trait, so that a
//! program in which nothing is carried is spared it.
//!
//! Rule: in an engine that has a [`Carries`], whatever goes in by the ways of groups is wrapped by it, all that may be taken back goes in by these, and
//! what is taken back is unwrapped. No group of such an engine is plain.

use std::sync::Arc;

use fastthreadpool_core::{After, JobId, Ran, Refused, Run};

use crate::engine::worker::Env;
use crate::engine::{Engine, Payload};
use crate::here::call::{catch, drop_quietly, quietly};

/// Wraps jobs.
pub(crate) trait Carries: Send + Sync {
    /// The job of a group of that name, with what it carries.
    fn wrap(&self, payload: Payload, group: &'static str) -> Payload;

    /// The job without it, which is dropped.
    ///
    /// # Safety
    ///
    /// It is one that [`Carries::wrap`] has returned, and has not run.
    unsafe fn unwrap(&self, payload: Payload) -> Payload;
}

/// What is carried, and what is done with it.
pub(crate) trait Carry: Send + Sync + 'static {
    type Context: Send + 'static;

    /// A job is submitted to a group of that name.
    fn capture(&self, group: &'static str) -> Self::Context;

    /// It runs, by `step`.
    fn enter(&self, context: &mut Self::Context, run: &Carrying, step: &mut dyn FnMut());
}

/// Which job runs.
#[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "of interest to spans"))]
pub(crate) struct Carrying {
    pub(crate) id: JobId,
    pub(crate) name: &'static str,
}

/// Two functions of the user's.
pub(crate) struct Functions<F, G> {
    pub(crate) capture: F,
    pub(crate) enter: G,
}

impl<C, F, G> Carry for Functions<F, G>
where
    C: Send + 'static,
    F: Fn() -> C + Send + Sync + 'static,
    G: Fn(&mut C, &mut dyn FnMut()) + Send + Sync + 'static,
{
    type Context = C;

    fn capture(&self, _: &'static str) -> C {
        (self.capture)()
    }

    fn enter(&self, context: &mut C, _: &Carrying, step: &mut dyn FnMut()) {
        (self.enter)(context, step);
    }
}

/// Jobs carry something, and what they carried otherwise.
pub(crate) struct Carrier<K> {
    pub(crate) carry: Arc<K>,
    pub(crate) inner: Option<Box<dyn Carries>>,
}

/// A job with what it carries.
struct Carried<K: Carry> {
    payload: Payload,
    /// None if it could not be had.
    context: Option<K::Context>,
    carry: Arc<K>,
}

impl<K: Carry> Carries for Carrier<K> {
    fn wrap(&self, payload: Payload, group: &'static str) -> Payload {
        let payload = match &self.inner {
            None => payload,
            Some(inner) => inner.wrap(payload, group),
        };
        let context = catch(|| self.carry.capture(group)).map_err(drop_quietly).ok();
        Payload::new(Carried { payload, context, carry: Arc::clone(&self.carry) })
    }

    unsafe fn unwrap(&self, payload: Payload) -> Payload {
        // SAFETY: `wrap` has made it of this type.
        let Carried { payload, context, .. } = unsafe { payload.into_job::<Carried<K>>() };
        drop_quietly(context);
        match &self.inner {
            None => payload,
            // SAFETY: `wrap` had it wrapped before.
            Some(inner) => unsafe { inner.unwrap(payload) },
        }
    }
}

impl<K: Carry> Run<Env> for Carried<K> {
    fn run(mut self, env: &mut Env) -> Ran<Self> {
        let run = Carrying { id: env.id(), name: self.payload.name() };
        let Self { payload, context, carry } = &mut self;
        let mut after = None;
        if let Some(context) = context {
            // Once, however often it is called.
            let mut step = || after = after.or_else(|| Some(payload.step(env)));
            // Nobody is there who could be told of a panic; the job has run, or does so now.
            quietly(|| carry.enter(context, &run, &mut step));
        }
        let after = after.unwrap_or_else(|| payload.step(env));
        match after {
            After::Back => Ran::Back(self),
            After::Again | After::FailedAgain => Ran::Again(self, after.end()),
            After::Done | After::Failed | After::Cancelled => {
                drop_quietly(self);
                Ran::Over(after.end())
            }
        }
    }

    fn name(&self) -> &'static str {
        self.payload.name()
    }
}

impl Engine {
    /// Puts in a job of a group of that name with what it carries.
    pub(crate) fn put_carrying<R>(
        &self,
        group: &'static str,
        job: Payload,
        put: impl FnOnce(Payload) -> Result<R, Refused<Payload>>,
    ) -> Result<R, Refused<Payload>> {
        let Some(carries) = &self.config.carries else { return put(job) };
        // SAFETY: it has just been wrapped, and was refused.
        put(carries.wrap(job, group)).map_err(|refused| refused.map(|job| unsafe { carries.unwrap(job) }))
    }

    /// Takes a job back that nobody has begun, as it was submitted.
    pub(crate) fn take_back_job(&self, id: JobId) -> Option<Payload> {
        let payload = self.core.withdraw(id)?;
        Some(match &self.config.carries {
            None => payload,
            // SAFETY: the rule above.
            Some(carries) => unsafe { carries.unwrap(payload) },
        })
    }
}
