//! How a job belongs to its group while it waits, runs, or repeats; and how it belongs to the root, which costs nothing. The
//! others: `member`.

use fastthreadpool_core::End;

use crate::engine::slot::Slot;
use crate::engine::worker::Env;
use crate::groups::inner::Inner;
use crate::here::removed::CancelReason;
use crate::results::outcome::JobError;

/// How a job that waits belongs to its group.
pub(crate) trait Hold<T>: Sized + Send + 'static {
    type Begun: Run<T>;
    type Recurring: Recur<T>;

    /// The job begins; or it is not to, and is to be dropped, and then this.
    fn begin(self, env: &Env) -> Result<Self::Begun, (Self, CancelReason)>;

    /// It is too late for the job to begin: it is to be dropped, and then this.
    fn late(self, _: &Env) -> Self {
        self
    }

    /// The job goes back to who had submitted it.
    fn refuse(self);

    /// The job repeats.
    fn recur(self) -> Self::Recurring;
}

/// How a job that repeats belongs to its group.
pub(crate) trait Recur<T>: Run<T> {
    /// Why its present turn is not to begin, if it is not.
    fn is_doomed(&self) -> Option<CancelReason>;

    /// The present turn ends, and there will be a next one.
    fn again(&self, env: &Env, end: End);

    /// The job goes back to who had submitted it.
    fn refuse(self);
}

/// How a job that runs belongs to its group.
pub(crate) trait Run<T>: Sized + Send + 'static {
    /// The group.
    fn group<'e>(&'e self, env: &'e Env) -> &'e Inner<T>;

    /// Whether results are kept.
    fn keeps(&self, env: &Env) -> bool;

    /// Runs the user's part of one that runs once, which is called so. The turn has ended.
    #[inline(always)]
    fn once(self, env: &Env, name: &'static str, part: impl FnOnce(&Self) -> Result<(), JobError>) -> End
    where
        T: Send + 'static,
    {
        let end = match self.inside(env, || part(&self)) {
            Ok(()) => End::Done,
            Err(error) => fail(env, &self, name, error),
        };
        self.end(env, end);
        end
    }

    /// Runs a part of the user's.
    fn inside<R>(&self, env: &Env, f: impl FnOnce() -> R) -> R;

    /// Whether the cohort has been told to stop.
    fn slot(&self) -> Option<&Slot>;

    /// The turn has ended.
    fn end(self, env: &Env, end: End);
}

/// The pool's own group, which is found in the engine. The core counts its turns.
pub(crate) struct Root;

impl<T: Send + 'static> Hold<T> for Root {
    type Begun = Self;
    type Recurring = Self;

    #[inline(always)]
    fn begin(self, _: &Env) -> Result<Self, (Self, CancelReason)> {
        Ok(self)
    }

    fn refuse(self) {}

    fn recur(self) -> Self {
        self
    }
}

impl<T: Send + 'static> Recur<T> for Root {
    fn is_doomed(&self) -> Option<CancelReason> {
        None
    }

    fn again(&self, _: &Env, _: End) {}

    fn refuse(self) {}
}

impl<T: Send + 'static> Run<T> for Root {
    #[inline(always)]
    fn group<'e>(&'e self, env: &'e Env) -> &'e Inner<T> {
        env.engine.root.downcast_ref().expect("a handle knows whether its group is the root")
    }

    #[inline(always)]
    fn keeps(&self, env: &Env) -> bool {
        env.engine.root_keeps
    }

    #[inline(always)]
    fn inside<R>(&self, _: &Env, f: impl FnOnce() -> R) -> R {
        f()
    }

    fn slot(&self) -> Option<&Slot> {
        None
    }

    #[inline(always)]
    fn end(self, _: &Env, _: End) {}
}

/// A run has failed.
#[cold]
#[inline(never)]
pub(crate) fn fail<T: Send + 'static>(env: &Env, run: &impl Run<T>, name: &'static str, error: JobError) -> End {
    run.group(env).outlet.fail(&env.engine, env.id(), name, error);
    End::Failed
}
