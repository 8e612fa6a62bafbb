//! Where a job is put: at either end of the queue, or among those that wait for a time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fastthreadpool::{self as pool, MissedTickBehavior, When};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyTuple};

use crate::crew::unless_raised;
use crate::errors::{PoolStopped, refused};
use crate::hold;
use crate::id::TimerObj;
use crate::job::Job;
use crate::life::Inner;
use crate::wait;

/// Where a job is put.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Back,
    Front,
    Later(Duration),
    At(SystemTime),
}

impl Inner {
    /// A job, if one is taken. Without `done` its results go to the queue.
    pub(crate) fn job(
        &self,
        py: Python<'_>,
        function: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
        kwargs: Option<Bound<'_, PyDict>>,
        done: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Job> {
        if !function.is_callable() {
            return Err(PyTypeError::new_err("what is submitted is called"));
        }
        // One that drains waits for jobs as long as they come: those that submit themselves again would keep the process for ever.
        if self.is_stopped() || self.drains && self.pool.is_closed() {
            return Err(PoolStopped::new_err("the threads of the pool were told to end"));
        }
        let done = done.unwrap_or_else(|| PyBool::new(py, true).to_owned().into_any());
        let (function, args) = (function.unbind(), args.unbind());
        Ok(Job {
            outlet: Arc::clone(&self.outlet),
            function,
            args,
            kwargs: kwargs.map(Bound::unbind),
            done: done.unbind(),
        })
    }

    /// Submits it.
    #[inline]
    pub(crate) fn put(self: &Arc<Self>, place: Place, job: Job) -> PyResult<pool::JobId> {
        let pool = &self.pool;
        if self.outlet.has_ids {
            let call = pool.job_with(move |context| job.run(Some(context.id())));
            let call = match place {
                Place::Back => call,
                Place::Front => call.first(),
                Place::Later(delay) => call.after(delay),
                Place::At(time) => call.at(time),
            };
            return unless_raised(call.submit())?.map_err(refused);
        }
        let call = move || job.run(None);
        let submitted = match place {
            Place::Back => pool.submit(call),
            Place::Front => pool.submit_first(call),
            Place::Later(delay) => pool.submit_later(delay, call),
            Place::At(time) => pool.submit_at(time, call),
        };
        unless_raised(submitted)?.map_err(refused)
    }

    pub(crate) fn timer(self: &Arc<Self>, id: pool::JobId) -> TimerObj {
        TimerObj::new(id, self)
    }

    /// Submits it to run every so many seconds.
    pub(crate) fn repeat(self: &Arc<Self>, interval: f64, start: impl Into<When>, job: Job) -> PyResult<TimerObj> {
        let interval = wait::seconds(interval)?;
        if interval.is_zero() {
            return Err(PyValueError::new_err("an interval is longer than 0"));
        }
        let periodic = self.pool.periodic_with(move |context| {
            hold::with(|py| job.turn(py, job.outlet.has_ids.then(|| context.id())));
        });
        let periodic = periodic.every(interval).starting(start).missed(MissedTickBehavior::Skip);
        unless_raised(periodic.submit())?.map(|id| self.timer(id)).map_err(refused)
    }

    /// Submits it to run at a time of day, in seconds or as a `struct_time`, and then, if the interval is more than 0, again and again.
    pub(crate) fn at(self: &Arc<Self>, time: &Bound<'_, PyAny>, interval: f64, job: Job) -> PyResult<TimerObj> {
        let py = time.py();
        let clock = py.import(intern!(py, "time"))?;
        let seconds = if time.is_instance(&clock.getattr(intern!(py, "struct_time"))?)? {
            clock.call_method1(intern!(py, "mktime"), (time,))?.extract()?
        } else {
            time.extract()?
        };
        let time = SystemTime::UNIX_EPOCH.checked_add(wait::seconds(seconds)?);
        let time = time.filter(|time| *time >= SystemTime::now());
        let time = time.ok_or_else(|| PyValueError::new_err("the time is over, or never comes"))?;
        if interval > 0.0 {
            return self.repeat(interval, time, job);
        }
        self.put(Place::At(time), job).map(|id| self.timer(id))
    }
}
