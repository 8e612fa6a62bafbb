//! The threads of a pool: those of the module `threading`, so that a job finds itself on one, with a name and with attributes of the user's.
//! Their state in the interpreter is made once for each thread, and not once for each job.

use std::cell::Cell;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use fastthreadpool::{BuildError, Builder, Pool, WorkerThread};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::hold::{self, Leaver};

/// What is called on each thread.
#[derive(Default)]
pub(crate) struct Hooks {
    /// Before its first job, with the thread and further arguments.
    pub(crate) init: Option<(Py<PyAny>, Py<PyTuple>)>,
    /// After its last one.
    pub(crate) finish: Option<Py<PyAny>>,
}

/// The threads that there are.
#[derive(Default)]
pub(crate) struct Crew {
    threads: Mutex<Vec<Py<PyAny>>>,
    hooks: Hooks,
}

impl Crew {
    /// A pool whose threads are of this crew.
    pub(crate) fn pool(hooks: Hooks, builder: Builder<()>) -> Result<(Arc<Self>, Pool), BuildError> {
        let crew = Arc::new(Self { hooks, ..Self::default() });
        let (beginning, ending) = (Arc::clone(&crew), Arc::clone(&crew));
        let pool = builder
            .observer(Leaver)
            .spawn_handler(start)
            .on_thread_start(move |_| beginning.begin())
            .on_thread_stop(move |_| ending.end())
            .build()?;
        Ok((crew, pool))
    }

    /// All threads that work, as `threading` knows them.
    pub(crate) fn threads(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.list(|threads| threads.iter().map(|thread| thread.clone_ref(py)).collect())
    }

    /// Not while the interpreter is let go: the lock is never waited for.
    fn list<R>(&self, f: impl FnOnce(&mut Vec<Py<PyAny>>) -> R) -> R {
        f(&mut self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn begin(&self) {
        hold::with(|py| {
            let begin = || -> PyResult<()> {
                let thread = this_thread(py)?;
                self.list(|threads| threads.push(thread.clone().unbind()));
                let Some((init, args)) = &self.hooks.init else { return Ok(()) };
                let args = args.bind(py).iter();
                let args = PyTuple::new(py, std::iter::once(thread).chain(args).collect::<Vec<_>>())?;
                hold::call(init.bind(py), &args, None).map(drop)
            };
            begin().unwrap_or_else(|error| hold::unraisable(py, error));
        });
    }

    fn end(&self) {
        // At the end of the interpreter nothing of it is left to tell.
        let _ = Python::try_attach(|py| {
            let end = || -> PyResult<()> {
                let thread = this_thread(py)?;
                self.list(|threads| threads.retain(|other| !other.is(&thread)));
                let Some(finish) = &self.hooks.finish else { return Ok(()) };
                hold::call(finish.bind(py), &PyTuple::empty(py), None).map(drop)
            };
            end().unwrap_or_else(|error| hold::unraisable(py, error));
        });
    }
}

thread_local! {
    static RAISED: Cell<Option<PyErr>> = const { Cell::new(None) };
}

/// What a call has led to that may have started a thread.
///
/// # Errors
///
/// What a handler of a signal has raised meanwhile.
pub(crate) fn unless_raised<T>(result: T) -> PyResult<T> {
    RAISED.take().map_or(Ok(result), Err)
}

/// Starts a thread for a worker.
fn start(worker: WorkerThread) -> io::Result<()> {
    let start = |py: Python<'_>| -> PyResult<()> {
        let name = worker.name().clone();
        let shift = Bound::new(py, Shift(Mutex::new(Some(worker))))?;
        let Err(error) = start_thread(&name, &shift) else { return Ok(()) };
        // `threading` may keep the thread all the same, and the thread begin.
        let has_begun = shift.get().take().is_none();
        let is_its_own = error.is_instance_of::<PyRuntimeError>(py) || error.is_instance_of::<PyMemoryError>(py);
        if !is_its_own {
            RAISED.set(Some(error.clone_ref(py)));
        }
        if has_begun { Ok(()) } else { Err(error) }
    };
    // What has no interpreter any more has no threads.
    let started = Python::try_attach(|py| start(py).map_err(|error| io::Error::other(error.to_string())));
    started.unwrap_or_else(|| Err(io::Error::other("the interpreter is at its end")))
}

fn start_thread(name: &str, shift: &Bound<'_, Shift>) -> PyResult<()> {
    let py = shift.py();
    let number = name.rsplit('-').next().and_then(|number| number.parse::<usize>().ok()).unwrap_or(0);
    let kwargs = PyDict::new(py);
    kwargs.set_item(intern!(py, "name"), name)?;
    kwargs.set_item(intern!(py, "target"), shift)?;
    kwargs.set_item(intern!(py, "daemon"), true)?;
    let thread = py.import(intern!(py, "threading"))?.getattr(intern!(py, "Thread"))?.call((), Some(&kwargs))?;
    thread.setattr(intern!(py, "tnum"), number)?;
    hold::call(&thread.getattr(intern!(py, "start"))?, &PyTuple::empty(py), None).map(drop)
}

fn this_thread(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import(intern!(py, "threading"))?.call_method0(intern!(py, "current_thread"))
}

/// What a thread does: it works until the pool has no more need of it.
#[pyclass(frozen)]
struct Shift(Mutex<Option<WorkerThread>>);

impl Shift {
    fn take(&self) -> Option<WorkerThread> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[pymethods]
impl Shift {
    fn __call__(&self, py: Python<'_>) {
        if let Some(worker) = self.take() {
            py.detach(|| hold::working(|| worker.run()));
        }
    }
}
