//! Where results go: the queues `done` and `failed`, which are the user's own, and whoever is called with what would lie there.
//!
//! | a result of | without a callback of the pool | with one |
//! |---|---|---|
//! | a submitted job | `done` | the callback, and `done`, of which the latest [`KEPT`] stay |
//! | a map | `done` | the callback |
//! | a job with a callback of its own | that callback, on the worker | the same |
//!
//! A failure goes to `failed`, or, where there is one who is called with it, or a logger, to that.
//!
//! Each of the two callbacks is called on one thread, in order: that of a [`Clerk`], which is a pool with one thread.
//! All is written by who has the interpreter, so that a look and what follows from it are one step.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use fastthreadpool::{JobId, OnDrop, Pool, Semaphore};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::crew::{Crew, Hooks};
use crate::hold;
use crate::id;

/// Results that stay in `done` although a callback was called with them.
const KEPT: usize = 65_536;

/// Whoever reads `done` without `as_completed` says nothing of the room that he makes.
const LOOK: Duration = Duration::from_millis(10);

/// Who calls a callback of the pool.
pub(crate) struct Clerk {
    pub(crate) pool: Pool,
    callback: Option<Py<PyAny>>,
}

impl Clerk {
    pub(crate) fn new(name: &'static str, callback: Option<Py<PyAny>>) -> PyResult<Self> {
        // Whoever drops it has the interpreter, which its thread needs to end.
        let builder = Pool::builder().threads(1).on_drop(OnDrop::Detach).thread_name(move |_| name.into());
        let (_, pool) = Crew::pool(Hooks::default(), builder).map_err(crate::errors::unbuilt)?;
        Ok(Self { pool, callback })
    }
}

/// One of the two queues.
pub(crate) struct Queue {
    pub(crate) deque: Py<PyAny>,
    append: Py<PyAny>,
    pub(crate) count: Arc<Semaphore>,
}

impl Queue {
    fn new(py: Python<'_>) -> PyResult<Self> {
        let deque = deque(py, Vec::<Py<PyAny>>::new())?;
        let append = deque.getattr(intern!(py, "append"))?.unbind();
        Ok(Self { deque: deque.unbind(), append, count: Arc::new(Semaphore::new(0)) })
    }

    pub(crate) fn len(&self, py: Python<'_>) -> usize {
        self.deque.bind(py).len().unwrap_or(0)
    }

    fn push(&self, py: Python<'_>, entry: Bound<'_, PyAny>) -> PyResult<()> {
        self.append.bind(py).call1((entry,))?;
        // As many as would not fit do not fit into memory.
        let _ = self.count.release(1);
        Ok(())
    }

    /// The oldest entry, if there is one.
    pub(crate) fn pop<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let deque = self.deque.bind(py);
        if deque.len()? == 0 {
            return Ok(None);
        }
        if let Ok(permit) = self.count.try_acquire() {
            permit.forget();
        }
        deque.call_method0(intern!(py, "popleft")).map(Some)
    }

    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.deque.bind(py).call_method0(intern!(py, "clear"))?;
        self.count.forget_permits(usize::MAX);
        Ok(())
    }
}

pub(crate) struct Outlet {
    pub(crate) done: Queue,
    pub(crate) failed: Queue,
    pub(crate) done_clerk: Option<Clerk>,
    pub(crate) failed_clerk: Option<Clerk>,
    logger: Option<Py<PyAny>>,
    pub(crate) has_ids: bool,
    pub(crate) form: Form,
    /// At most so many results in `done`, none if it is 0.
    done_max: usize,
    /// There may be more all the same: the pool is shut down.
    is_lifted: AtomicBool,
    room: (Mutex<()>, Condvar),
    /// Who waits for whatever ends.
    watchers: AtomicUsize,
    news: Semaphore,
}

/// What a failure looks like.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    /// The text of the traceback, instead of the exception.
    pub(crate) is_text: bool,
    /// With the arguments of the job.
    pub(crate) has_args: bool,
}

impl Outlet {
    pub(crate) fn new(py: Python<'_>, has_ids: bool, form: Form, done_max: usize) -> PyResult<Self> {
        Ok(Self {
            done: Queue::new(py)?,
            failed: Queue::new(py)?,
            done_clerk: None,
            failed_clerk: None,
            logger: None,
            has_ids,
            form,
            done_max,
            is_lifted: AtomicBool::new(false),
            room: (Mutex::new(()), Condvar::new()),
            watchers: AtomicUsize::new(0),
            news: Semaphore::new(0),
        })
    }

    pub(crate) fn set_logger(&mut self, logger: Py<PyAny>) {
        self.logger = Some(logger);
    }

    /// Whether nobody but the user reads the queues.
    pub(crate) fn is_the_users(&self) -> bool {
        self.done_clerk.is_none() && self.failed_clerk.is_none()
    }

    // ----- results

    /// A job has a result.
    pub(crate) fn done(
        self: &Arc<Self>,
        py: Python<'_>,
        id: Option<JobId>,
        result: Bound<'_, PyAny>,
        stays: bool,
    ) -> PyResult<()> {
        let entry = match id {
            Some(id) => PyTuple::new(py, [id::JobId(id).into_pyobject(py)?.as_any(), &result])?.into_any(),
            None => result,
        };
        if let Some(clerk) = &self.done_clerk {
            let (outlet, told) = (Arc::clone(self), entry.clone().unbind());
            let tell = move || hold::with(|py| outlet.tell_done(py, told));
            // The clerk is shut down after the last job has ended.
            let _ = clerk.pool.submit(tell);
            if !stays {
                return Ok(());
            }
            if self.done.len(py) >= KEPT {
                self.done.pop(py)?;
            }
        } else if self.done_max > 0 {
            self.await_room(py);
        }
        self.done.push(py, entry)?;
        self.tell();
        Ok(())
    }

    fn tell_done(self: &Arc<Self>, py: Python<'_>, entry: Py<PyAny>) {
        let call = |callback: &Py<PyAny>| hold::tell(callback.bind(py), entry.into_bound(py));
        let callback = self.done_clerk.as_ref().and_then(|clerk| clerk.callback.as_ref());
        if let Some(Err(error)) = callback.map(call) {
            self.failed(py, None, error, &PyTuple::empty(py), None);
        }
    }

    /// A job has failed; a callback of the pool, or an item of a map, if it has no id.
    pub(crate) fn failed(
        self: &Arc<Self>,
        py: Python<'_>,
        id: Option<JobId>,
        error: PyErr,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) {
        let fail = || -> PyResult<()> {
            let exception = error.value(py).clone().into_any();
            let entry = self.entry(py, id, &error, args, kwargs)?;
            if let Some(clerk) = &self.failed_clerk {
                let (outlet, entry, exception) = (Arc::clone(self), entry.unbind(), exception.unbind());
                let tell = move || {
                    hold::with(|py| {
                        let told = outlet.tell_failed(py, entry.bind(py), exception.bind(py));
                        hold::free(entry.into_bound(py));
                        hold::free(exception.into_bound(py));
                        told.unwrap_or_else(|error| hold::unraisable(py, error));
                    });
                };
                let _ = clerk.pool.submit(tell);
                return Ok(());
            }
            self.failed.push(py, entry)
        };
        // Then there is no memory left for it.
        fail().unwrap_or_else(|error| hold::unraisable(py, error));
        self.tell();
    }

    fn entry<'py>(
        &self,
        py: Python<'py>,
        id: Option<JobId>,
        error: &PyErr,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let what = if self.form.is_text {
            let format = py.import(intern!(py, "traceback"))?.getattr(intern!(py, "format_exception"))?;
            let parts = (error.get_type(py), error.value(py), error.traceback(py)).into_pyobject(py)?;
            let lines = hold::call(&format, &parts, None)?;
            intern!(py, "").call_method1(intern!(py, "join"), (lines,))?
        } else {
            error.value(py).clone().into_any()
        };
        let id = match id {
            Some(id) => id::JobId(id).into_pyobject(py)?.into_any(),
            None => 0_u8.into_pyobject(py)?.into_any(),
        };
        let kwargs = || kwargs.map_or_else(|| PyDict::new(py), Bound::clone);
        Ok(match (self.has_ids, self.form.has_args) {
            (false, false) => what,
            (true, false) => (id, what).into_pyobject(py)?.into_any(),
            (false, true) => (what, args, kwargs()).into_pyobject(py)?.into_any(),
            (true, true) => (id, what, args, kwargs()).into_pyobject(py)?.into_any(),
        })
    }

    fn tell_failed(&self, py: Python<'_>, entry: &Bound<'_, PyAny>, exception: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Some(logger) = &self.logger {
            let kwargs = PyDict::new(py);
            kwargs.set_item(intern!(py, "exc_info"), exception)?;
            let error = logger.bind(py).getattr(intern!(py, "error"))?;
            hold::call(&error, &PyTuple::new(py, [exception])?, Some(&kwargs))?;
        }
        if let Some(callback) = self.failed_clerk.as_ref().and_then(|clerk| clerk.callback.as_ref()) {
            let args = match entry.cast::<PyTuple>() {
                Ok(parts) => parts.clone(),
                Err(_) => PyTuple::new(py, [entry])?,
            };
            hold::call(callback.bind(py), &args, None)?;
        }
        Ok(())
    }

    // ----- room

    /// The thread waits, and nobody stands in for it: it is the jobs that are to wait.
    fn await_room(&self, py: Python<'_>) {
        while self.done.len(py) >= self.done_max && !self.is_lifted.load(Ordering::Relaxed) {
            py.detach(|| {
                let guard = self.room.0.lock().unwrap_or_else(PoisonError::into_inner);
                drop(self.room.1.wait_timeout(guard, LOOK));
            });
        }
    }

    /// An entry was taken.
    pub(crate) fn taken(&self) {
        if self.done_max > 0 {
            self.room.1.notify_one();
        }
    }

    /// There is room for whatever comes; or not any more.
    pub(crate) fn lift(&self, is_lifted: bool) {
        self.is_lifted.store(is_lifted, Ordering::Relaxed);
        self.room.1.notify_all();
    }

    // ----- news

    /// Tells who watches that something has ended.
    pub(crate) fn tell(&self) {
        let watchers = self.watchers.load(Ordering::Relaxed);
        if watchers > 0 {
            let _ = self.news.release(watchers);
        }
    }

    /// Calls `f`, which may wait by [`Outlet::news`] for what has ended since it looked.
    pub(crate) fn watch<R>(&self, f: impl FnOnce() -> R) -> R {
        self.watchers.fetch_add(1, Ordering::Relaxed);
        let result = f();
        if self.watchers.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.news.forget_permits(usize::MAX);
        }
        result
    }

    /// Waits until something has ended, at most so long. Returns whether it has.
    pub(crate) fn news(&self, slice: Duration) -> bool {
        self.news.acquire_timeout(slice).map(fastthreadpool::Permit::forget).is_ok()
    }

    // ----- the pool's life

    /// Empties the queues.
    pub(crate) fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.done.clear(py)?;
        self.failed.clear(py)?;
        self.lift(false);
        Ok(())
    }
}

/// A `collections.deque` of these.
pub(crate) fn deque<'py, T: IntoPyObject<'py>>(py: Python<'py>, items: Vec<T>) -> PyResult<Bound<'py, PyAny>> {
    py.import(intern!(py, "collections"))?.getattr(intern!(py, "deque"))?.call1((items,))
}
