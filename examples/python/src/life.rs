//! A pool's life: what its face, a running map and the list of all pools ([`crate::exit`]) share, and how it ends.
//!
//! | it is | by | then |
//! |---|---|---|
//! | open | it is made, `clear` | jobs are taken |
//! | closed | `shutdown`, the face is gone | only running jobs submit, and where it drains nobody; what was taken is run |
//! | stopped | `shutdown_children`, the end of the interpreter | nothing is taken, what has not begun is dropped, and maps break off |

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fastthreadpool::{self as pool, Cancellation};
use pyo3::prelude::*;

use crate::crew::Crew;
use crate::outlet::Outlet;
use crate::wait;

pub(crate) struct Inner {
    pub(crate) pool: pool::Pool,
    pub(crate) crew: Arc<Crew>,
    pub(crate) outlet: Arc<Outlet>,
    /// Threads are told to end: maps break off, and nothing is accepted, not even of running jobs.
    is_stopped: AtomicBool,
    /// At the end of the interpreter what was accepted is run.
    pub(crate) drains: bool,
    process: u32,
}

impl Inner {
    pub(crate) fn new(pool: pool::Pool, crew: Arc<Crew>, outlet: Outlet, drains: bool) -> Self {
        let (outlet, process) = (Arc::new(outlet), std::process::id());
        Self { pool, crew, outlet, is_stopped: AtomicBool::new(false), drains, process }
    }

    /// Takes jobs again.
    pub(crate) fn open(&self) {
        self.is_stopped.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// The process has forked, and the threads are its parent's.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.process != std::process::id()
    }

    /// Whether it was waiting, or is not to run again.
    pub(crate) fn cancel(&self, py: Python<'_>, id: pool::JobId) -> bool {
        !self.is_elsewhere() && py.detach(|| self.pool.cancel(id)) != Cancellation::TooLate
    }

    /// Takes no more jobs, drops all that have not begun, and waits for nothing.
    pub(crate) fn stop(&self, py: Python<'_>) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.outlet.lift(true);
        py.detach(|| {
            self.pool.cancel_queued();
            self.pool.cancel_timers();
            self.pool.clone().detach();
        });
    }

    /// Takes no more jobs, and waits until all have ended and all callbacks were called. Returns whether it came to that.
    pub(crate) fn shut_down(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<bool> {
        if self.is_elsewhere() {
            return Ok(false);
        }
        self.outlet.lift(true);
        if self.is_inside() {
            py.detach(|| self.pool.clone().detach());
            return Ok(false);
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let clerks = [&self.outlet.done_clerk, &self.outlet.failed_clerk];
        for pool in std::iter::once(&self.pool).chain(clerks.into_iter().flatten().map(|clerk| &clerk.pool)) {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if !wait::until(py, left, |slice| pool.shutdown_timeout(slice))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the thread is one of the pool's, which cannot wait for its own end.
    fn is_inside(&self) -> bool {
        let clerks = [&self.outlet.done_clerk, &self.outlet.failed_clerk];
        self.pool.thread_number().is_some()
            || clerks.into_iter().flatten().any(|clerk| clerk.pool.thread_number().is_some())
    }

    /// Whether nothing of it is left to do.
    pub(crate) fn is_over(&self) -> bool {
        let clerks = [&self.outlet.done_clerk, &self.outlet.failed_clerk];
        self.is_elsewhere()
            || self.pool.is_ended() && clerks.into_iter().flatten().all(|clerk| clerk.pool.pending() == 0)
    }
}
