//! `Pool`: the interface of the original, on a pool whose jobs are calls of Python's.
//!
//! A job of Python's is one job of the pool: its id, its place in the queue, its time and its cancellation are the pool's. Values never are:
//! jobs return nothing to the pool, and what they leave lies in the queues of the [`Outlet`]. What the face shares with others is [`Inner`].
//!
//! When the face goes the pool takes no more jobs, runs those that it has, and nobody waits for it.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use fastthreadpool::{self as pool, Cancellation, JobInfo, OnDrop};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyTuple};

use crate::completed::{Completed, Until};
use crate::course::Course;
use crate::crew::{Crew, Hooks, unless_raised};
use crate::errors::{PoolCallback, refused, unbuilt};
use crate::exit;
use crate::hold;
use crate::id::{JobId, TimerObj};
use crate::life::Inner;
use crate::outlet::{Clerk, Form, Outlet, deque};
use crate::place::Place;
use crate::semaphore::Semaphore;
use crate::truth::truth;
use crate::wait;

/// The least of `max_children` that has a meaning of its own.
const ALL_CPUS: i64 = -9999;

/// Threads that call functions.
#[pyclass(frozen, subclass, weakref, module = "fastthreadpool")]
pub(crate) struct Pool {
    inner: Arc<Inner>,
    /// Where results of `submit` go: `True`, or, if they are not wanted, `False`.
    keeps: bool,
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Who reads no results makes no room for them.
        self.inner.outlet.lift(true);
        self.inner.pool.clone().detach();
        exit::leave(&self.inner);
    }
}

impl Pool {
    fn list(&self, py: Python<'_>, list: impl FnOnce(&pool::Pool) -> Vec<JobInfo> + Send) -> Vec<pool::JobId> {
        // In the child of a fork there are none, and their lock may be nobody's.
        let jobs = if self.inner.is_elsewhere() { Vec::new() } else { py.detach(|| list(&self.inner.pool)) };
        jobs.iter().map(|job| job.id).collect()
    }

    fn timers<'py>(
        &self,
        py: Python<'py>,
        list: impl FnOnce(&pool::Pool) -> Vec<JobInfo> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        deque(py, self.list(py, list).into_iter().map(|id| self.inner.timer(id)).collect())
    }

    fn id_of(&self, object: &Bound<'_, PyAny>) -> Option<pool::JobId> {
        if let Ok(id) = object.cast::<JobId>() {
            return Some(id.get().0);
        }
        let timer = object.cast::<TimerObj>().ok()?.get();
        // Another pool's has the id of another job here.
        (*timer == self.inner.timer(timer.id)).then_some(timer.id)
    }
}

#[pymethods]
impl Pool {
    #[new]
    #[expect(clippy::too_many_arguments, clippy::fn_params_excessive_bools, reason = "they are the original's")]
    #[pyo3(signature = (
        max_children = -9999, child_name_prefix = "", init_callback = None, init_args = None, finish_callback = None,
        done_callback = None, failed_callback = None, log_level = None, result_id = false, exc_stack = false,
        exc_args = false, done_max = 0, *, drains = false,
    ))]
    fn new(
        py: Python<'_>,
        max_children: i64,
        child_name_prefix: &str,
        init_callback: Option<Py<PyAny>>,
        init_args: Option<Bound<'_, PyAny>>,
        finish_callback: Option<Bound<'_, PyAny>>,
        done_callback: Option<Bound<'_, PyAny>>,
        failed_callback: Option<Bound<'_, PyAny>>,
        log_level: Option<Bound<'_, PyAny>>,
        #[pyo3(from_py_with = truth)] result_id: bool,
        #[pyo3(from_py_with = truth)] exc_stack: bool,
        #[pyo3(from_py_with = truth)] exc_args: bool,
        done_max: usize,
        drains: bool,
    ) -> PyResult<Self> {
        let mut builder = pool::Pool::<()>::builder().on_drop(OnDrop::Detach);
        builder = match usize::try_from(max_children) {
            Ok(number) if number > 0 => builder.threads(number),
            _ if max_children <= ALL_CPUS => builder,
            _ => builder.threads_less(usize::try_from(-max_children).unwrap_or(0)),
        };
        if !child_name_prefix.is_empty() {
            builder = builder.name_prefix(child_name_prefix);
        }
        let init_args = match init_args {
            Some(args) => args.try_iter()?.collect::<PyResult<Vec<_>>>()?,
            None => Vec::new(),
        };
        let callable = |callback: Option<Bound<'_, PyAny>>| callback.filter(Bound::is_callable).map(Bound::unbind);
        let init =
            init_callback.map(|init| Ok::<_, PyErr>((init, PyTuple::new(py, init_args)?.unbind()))).transpose()?;
        let hooks = Hooks { init, finish: callable(finish_callback) };
        let mut outlet = Outlet::new(py, result_id, Form { is_text: exc_stack, has_args: exc_args }, done_max)?;
        let keeps = !done_callback.as_ref().is_some_and(|done| done.is(PyBool::new(py, false)));
        if let Some(callback) = callable(done_callback) {
            outlet.done_clerk = Some(Clerk::new("ThreadPoolDone", Some(callback))?);
        }
        let log_level = log_level.filter(|level| level.is_truthy().unwrap_or(true));
        let failed_callback = callable(failed_callback);
        if failed_callback.is_some() || log_level.is_some() {
            outlet.failed_clerk = Some(Clerk::new("ThreadPoolFailed", failed_callback)?);
        }
        if let Some(level) = log_level {
            let logger = py.import("fastthreadpool.fastthreadpool")?.call_method1("_logger", (level,))?;
            outlet.set_logger(logger.unbind());
        }
        let (crew, pool) = Crew::pool(hooks, builder).map_err(unbuilt)?;
        let inner = Arc::new(Inner::new(pool, crew, outlet, drains));
        exit::enter(&inner);
        Ok(Self { inner, keeps })
    }

    // ----- submitting

    /// Appends a job; returns its id.
    #[pyo3(signature = (function, /, *args, **kwargs))]
    fn submit(
        &self,
        py: Python<'_>,
        function: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
        kwargs: Option<Bound<'_, PyDict>>,
    ) -> PyResult<JobId> {
        let done = (!self.keeps).then(|| PyBool::new(py, false).to_owned().into_any());
        let job = self.inner.job(py, function, args, kwargs, done)?;
        self.inner.put(Place::Back, job).map(JobId)
    }

    /// The same with a callback of its own, which is called on the worker; `True` is the queue, `False` is nowhere.
    #[pyo3(signature = (function, done_callback, /, *args, **kwargs))]
    fn submit_done(
        &self,
        py: Python<'_>,
        function: Bound<'_, PyAny>,
        done_callback: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
        kwargs: Option<Bound<'_, PyDict>>,
    ) -> PyResult<JobId> {
        let job = self.inner.job(py, function, args, kwargs, Some(done_callback))?;
        self.inner.put(Place::Back, job).map(JobId)
    }

    /// Puts a job before all others.
    #[pyo3(signature = (function, /, *args, **kwargs))]
    fn submit_first(
        &self,
        py: Python<'_>,
        function: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
        kwargs: Option<Bound<'_, PyDict>>,
    ) -> PyResult<JobId> {
        let job = self.inner.job(py, function, args, kwargs, None)?;
        self.inner.put(Place::Front, job).map(JobId)
    }

    #[pyo3(signature = (function, done_callback, /, *args, **kwargs))]
    fn submit_done_first(
        &self,
        py: Python<'_>,
        function: Bound<'_, PyAny>,
        done_callback: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
        kwargs: Option<Bound<'_, PyDict>>,
    ) -> PyResult<JobId> {
        let job = self.inner.job(py, function, args, kwargs, Some(done_callback))?;
        self.inner.put(Place::Front, job).map(JobId)
    }

    /// Puts a job before all others when so many seconds have passed.
    #[pyo3(signature = (delay, function, /, *args, **kwargs))]
    fn submit_later(
        &self,
        py: Python<'_>,
        delay: f64,
        function: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
        kwargs: Option<Bound<'_, PyDict>>,
    ) -> PyResult<TimerObj> {
        let job = self.inner.job(py, function, args, kwargs, None)?;
        self.inner.put(Place::Later(wait::seconds(delay)?), job).map(|id| self.inner.timer(id))
    }

    #[pyo3(signature = (delay, function, done_callback, /, *args, **kwargs))]
    fn submit_done_later(
        &self,
        py: Python<'_>,
        delay: f64,
        function: Bound<'_, PyAny>,
        done_callback: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
        kwargs: Option<Bound<'_, PyDict>>,
    ) -> PyResult<TimerObj> {
        let job = self.inner.job(py, function, args, kwargs, Some(done_callback))?;
        self.inner.put(Place::Later(wait::seconds(delay)?), job).map(|id| self.inner.timer(id))
    }

    /// Puts a job before all others at a time of day, in seconds or as a `struct_time`; and then, if there is an interval, again and again.
    #[pyo3(signature = (time, interval, function, /, *args, **kwargs))]
    fn submit_at(
        &self,
        py: Python<'_>,
        time: Bound<'_, PyAny>,
        interval: f64,
        function: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
        kwargs: Option<Bound<'_, PyDict>>,
    ) -> PyResult<TimerObj> {
        let job = self.inner.job(py, function, args, kwargs, None)?;
        self.inner.at(&time, interval, job)
    }

    #[expect(clippy::too_many_arguments, reason = "they are the original's")]
    #[pyo3(signature = (time, interval, function, done_callback, /, *args, **kwargs))]
    fn submit_done_at(
        &self,
        py: Python<'_>,
        time: Bound<'_, PyAny>,
        interval: f64,
        function: Bound<'_, PyAny>,
        done_callback: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
        kwargs: Option<Bound<'_, PyDict>>,
    ) -> PyResult<TimerObj> {
        let job = self.inner.job(py, function, args, kwargs, Some(done_callback))?;
        self.inner.at(&time, interval, job)
    }

    /// Runs a job every so many seconds, the first time after one interval.
    #[pyo3(signature = (interval, function, /, *args, **kwargs))]
    fn schedule(
        &self,
        py: Python<'_>,
        interval: f64,
        function: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
        kwargs: Option<Bound<'_, PyDict>>,
    ) -> PyResult<TimerObj> {
        let job = self.inner.job(py, function, args, kwargs, None)?;
        self.inner.repeat(interval, wait::seconds(interval)?, job)
    }

    #[pyo3(signature = (interval, function, done_callback, /, *args, **kwargs))]
    fn schedule_done(
        &self,
        py: Python<'_>,
        interval: f64,
        function: Bound<'_, PyAny>,
        done_callback: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
        kwargs: Option<Bound<'_, PyDict>>,
    ) -> PyResult<TimerObj> {
        let job = self.inner.job(py, function, args, kwargs, Some(done_callback))?;
        self.inner.repeat(interval, wait::seconds(interval)?, job)
    }

    /// Calls a function with each item, one after the other as far as one thread does it; with what is in it, if the first is a tuple, or if
    /// `unpack_args` says so.
    #[pyo3(signature = (r#fn, itr, done_callback = None, direct = true, unpack_args = None))]
    fn map(
        &self,
        py: Python<'_>,
        r#fn: Bound<'_, PyAny>,
        itr: Bound<'_, PyAny>,
        done_callback: Option<Bound<'_, PyAny>>,
        #[pyo3(from_py_with = truth)] direct: bool,
        unpack_args: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        // Threads stay in any case.
        let _ = direct;
        let items = hold::call(&py.get_type::<PyTuple>(), &PyTuple::new(py, [itr])?, None)?.cast_into::<PyTuple>()?;
        let job = self.inner.job(py, r#fn, items, None, done_callback)?;
        let items = job.args.bind(py);
        let unpacks = match unpack_args {
            Some(unpacks) => unpacks.is_truthy()?,
            None => items.get_item(0).is_ok_and(|item| item.is_instance_of::<PyTuple>()),
        };
        let helpers = self.inner.pool.threads().min(items.len());
        let course = Arc::new(Course {
            pool: Arc::clone(&self.inner),
            function: job.function,
            items: job.args,
            next: AtomicUsize::new(0),
            done: job.done,
            unpacks,
        });
        for _ in 0..helpers {
            let course = Arc::clone(&course);
            unless_raised(self.inner.pool.submit(move || course.run()))?.map_err(refused)?;
        }
        Ok(())
    }

    // ----- results

    /// The results, as a `deque`.
    #[getter]
    fn done(&self, py: Python<'_>) -> Py<PyAny> {
        self.inner.outlet.done.deque.clone_ref(py)
    }

    /// Its semaphore.
    #[getter]
    fn done_cnt(&self) -> Semaphore {
        Semaphore(Arc::clone(&self.inner.outlet.done.count))
    }

    /// The failures, as a `deque`.
    #[getter]
    fn failed(&self, py: Python<'_>) -> Py<PyAny> {
        self.inner.outlet.failed.deque.clone_ref(py)
    }

    /// Its semaphore.
    #[getter]
    fn failed_cnt(&self) -> Semaphore {
        Semaphore(Arc::clone(&self.inner.outlet.failed.count))
    }

    /// What ends, as it ends: until all jobs have; of what is there with `False`; or for so many seconds. At most so many, if not 0.
    #[pyo3(signature = (wait = None, cnt_max = 0))]
    fn as_completed(&self, wait: Option<Bound<'_, PyAny>>, cnt_max: usize) -> PyResult<Completed> {
        if !self.inner.outlet.is_the_users() {
            return Err(PoolCallback::new_err("results go to a callback of the pool"));
        }
        let until = match wait {
            None => Until::Idle,
            Some(wait) => match wait.cast::<PyBool>() {
                Ok(wait) => {
                    if wait.is_true() {
                        Until::Idle
                    } else {
                        Until::Now
                    }
                }
                Err(_) => Instant::now().checked_add(wait::seconds(wait.extract()?)?).map_or(Until::Idle, Until::Then),
            },
        };
        Ok(Completed::new(Arc::clone(&self.inner), until, cnt_max))
    }

    // ----- what there is

    /// The jobs that wait for a worker, as a `deque` of their ids.
    #[getter]
    fn jobs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        deque(py, self.list(py, pool::Pool::jobs).into_iter().map(JobId).collect())
    }

    /// The delayed jobs, as a `deque`.
    #[getter]
    fn delayed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.timers(py, pool::Pool::delayed)
    }

    /// The periodic jobs, as a `deque`.
    #[getter]
    fn scheduled<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.timers(py, pool::Pool::scheduled)
    }

    /// How many threads there are.
    #[getter]
    fn alive(&self) -> usize {
        if self.inner.is_elsewhere() { 0 } else { self.inner.pool.alive() }
    }

    /// How many of them run a job.
    #[getter]
    fn busy(&self) -> usize {
        if self.inner.is_elsewhere() { 0 } else { self.inner.pool.busy() }
    }

    /// How many jobs wait for a worker, or run.
    #[getter]
    fn pending(&self, py: Python<'_>) -> usize {
        if self.inner.is_elsewhere() { 0 } else { py.detach(|| self.inner.pool.pending()) }
    }

    /// The threads.
    #[getter]
    fn children<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.inner.crew.threads(py))
    }

    /// How many they are.
    #[getter]
    fn child_cnt(&self, py: Python<'_>) -> usize {
        self.inner.crew.threads(py).len()
    }

    /// There are none that are dead.
    #[expect(clippy::unused_self, reason = "the original's")]
    fn cleanup_children(&self) {}

    /// Whether no more jobs are taken.
    #[getter]
    fn is_shutdown(&self) -> bool {
        self.inner.is_stopped() || self.inner.pool.is_closed()
    }

    // ----- cancelling and ending

    #[expect(
        clippy::similar_names,
        reason = "the name that it has in the original's code, and that of its documentation"
    )]
    /// Cancels a job, all that wait for a worker (`None`), or none of these (`False`); and a timer, or all of them (`True`).
    #[pyo3(signature = (job_id = None, timer = None, *, jobid = None))]
    fn cancel(
        &self,
        py: Python<'_>,
        job_id: Option<Bound<'_, PyAny>>,
        timer: Option<Bound<'_, PyAny>>,
        jobid: Option<Bound<'_, PyAny>>,
    ) -> bool {
        if self.inner.is_elsewhere() {
            return false;
        }
        if let Some(timer) = timer {
            if timer.is(PyBool::new(py, true)) {
                py.detach(|| drop(self.inner.pool.cancel_timers()));
            } else if let Some(id) = self.id_of(&timer) {
                self.inner.cancel(py, id);
            }
        }
        let Some(job_id) = job_id.or(jobid) else {
            py.detach(|| drop(self.inner.pool.cancel_queued()));
            return true;
        };
        if job_id.is(PyBool::new(py, false)) {
            return true;
        }
        let Some(id) = self.id_of(&job_id) else { return false };
        py.detach(|| self.inner.pool.cancel(id)) == Cancellation::Removed
    }

    /// Drops all that waits and all results, and takes jobs again.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        if !self.inner.is_elsewhere() {
            let clerks = [&self.inner.outlet.done_clerk, &self.inner.outlet.failed_clerk];
            py.detach(|| {
                self.inner.pool.reset();
                clerks.into_iter().flatten().for_each(|clerk| clerk.pool.reset());
            });
            self.inner.open();
        }
        self.inner.outlet.clear(py)
    }

    /// Tells the threads to end: maps break off, and nothing is taken before a `clear`.
    fn shutdown_children(&self, py: Python<'_>) {
        self.inner.stop(py);
    }

    /// Takes no more jobs and waits until all have ended; returns whether they have. `soon` drops those that wait.
    #[pyo3(signature = (timeout = None, soon = false))]
    fn shutdown(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
        #[pyo3(from_py_with = truth)] soon: bool,
    ) -> PyResult<bool> {
        if soon && !self.inner.is_elsewhere() {
            py.detach(|| drop((self.inner.pool.cancel_queued(), self.inner.pool.cancel_timers())));
        }
        self.inner.shut_down(py, wait::timeout(timeout)?)
    }

    /// The same as `shutdown`.
    #[pyo3(signature = (timeout = None))]
    fn join(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.inner.shut_down(py, wait::timeout(timeout)?)
    }

    /// Waits until no job waits for a worker or runs; returns whether it came to that.
    #[pyo3(signature = (timeout = None))]
    fn wait_idle(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        if self.inner.is_elsewhere() {
            return Ok(false);
        }
        wait::until(py, wait::timeout(timeout)?, |slice| self.inner.pool.wait_idle_timeout(slice))
    }

    fn __enter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyAny>) -> PyResult<()> {
        self.inner.shut_down(py, None).map(drop)
    }
}
