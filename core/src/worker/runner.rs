//! What a host brings to run jobs, and what a worker tells it.
#![forbid(unsafe_code)]

use crate::end::After;
use crate::host::Tick;
use crate::pool::Duty;
use crate::running::Running;

/// What runs the jobs of a worker, in its context.
pub trait Runner<P> {
    /// Does a duty.
    fn perform(&mut self, duty: Duty);

    /// Runs a job where it is. Returns what becomes of it. If it is over, the payload, or what the run has left of it, is
    /// dropped.
    fn run(&mut self, payload: &mut P, running: Running) -> After;

    /// Drops the payload of a job that was cancelled while it ran, and would have run again or on.
    fn dispose(&mut self, payload: P) {
        drop(payload);
    }

    /// The worker has found nothing after its last job, and begins to search: who waits until nothing is pending may see that
    /// now.
    fn idle(&mut self) {}

    /// The pool has [errands](crate::Pool::begin_errands) that this worker may not have done.
    fn errand(&mut self) {}
}

/// Why a worker has stopped working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Rest {
    /// It has nothing to do: park until woken or until the deadline, then go on. Before, a host that lets others wait for
    /// an idle pool asks [`Pool::pending`](crate::Pool::pending).
    Park(Option<Tick>),
    /// It has ended: do the duty, and do not ask again. Its seat may be another worker's already.
    Exit {
        /// What to do.
        duty: Duty,
        /// No other worker is left.
        last: bool,
    },
}

/// What a worker does next.
#[derive(Debug)]
#[must_use]
pub enum Next<P> {
    /// Do the duty, run the payload, then hand `running` to [`Pool::end`](crate::Pool::end).
    Run {
        /// The job.
        payload: P,
        /// Its token.
        running: Running,
        /// What to do before.
        duty: Duty,
    },
    /// As [`Rest::Park`].
    Park(Option<Tick>),
    /// As [`Rest::Exit`].
    Exit {
        /// What to do.
        duty: Duty,
        /// No other worker is left.
        last: bool,
    },
}
