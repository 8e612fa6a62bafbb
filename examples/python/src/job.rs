//! A job: a function of Python's, what it is called with, and where its result goes.

use std::sync::Arc;

use fastthreadpool::JobId;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyTuple, PyType};

use crate::hold;
use crate::outlet::Outlet;

/// Small enough to lie in the queue itself.
pub(crate) struct Job {
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) function: Py<PyAny>,
    pub(crate) args: Py<PyTuple>,
    pub(crate) kwargs: Option<Py<PyDict>>,
    /// `True`: to the queue; `False`: nowhere; else who is called with it.
    pub(crate) done: Py<PyAny>,
}

impl Job {
    /// Calls it; under its id, if its results are to say that.
    #[inline]
    pub(crate) fn run(self, id: Option<JobId>) {
        hold::with(|py| {
            self.turn(py, id);
            self.free(py);
        });
    }

    /// While there is the interpreter: without, what it drops would be left to the next one who has that.
    fn free(self, py: Python<'_>) {
        let kwargs = self.kwargs.map(Py::into_any);
        let parts = [Some(self.function), Some(self.args.into_any()), kwargs, Some(self.done)];
        parts.into_iter().flatten().for_each(|part| hold::free(part.into_bound(py)));
    }

    /// One of its turns.
    #[inline]
    pub(crate) fn turn(&self, py: Python<'_>, id: Option<JobId>) {
        let (function, args) = (self.function.bind(py), self.args.bind(py));
        let kwargs = self.kwargs.as_ref().map(|kwargs| kwargs.bind(py));
        let called = hold::call(function, args, kwargs);
        let ended = called.and_then(|result| {
            each(py, function, result, |result| deliver(py, &self.outlet, id, result, self.done.bind(py), true))
        });
        match ended {
            Ok(()) => self.outlet.tell(),
            Err(error) => self.outlet.failed(py, id, error, args, kwargs),
        }
    }
}

/// Calls `f` with what a function has returned, or, if that is a generator function, with each item.
pub(crate) fn each<'py>(
    py: Python<'py>,
    function: &Bound<'py, PyAny>,
    result: Bound<'py, PyAny>,
    mut f: impl FnMut(Bound<'py, PyAny>) -> PyResult<()>,
) -> PyResult<()> {
    static GENERATOR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let generator = GENERATOR.import(py, "types", "GeneratorType")?;
    // A function may return a generator, too: that is its value.
    if !result.get_type().is(generator) || !is_generator_function(py, function)? {
        return f(result);
    }
    while let Some(item) = hold::next(&result)? {
        f(item)?;
    }
    Ok(())
}

fn is_generator_function(py: Python<'_>, function: &Bound<'_, PyAny>) -> PyResult<bool> {
    let inspect = py.import(intern!(py, "inspect"))?;
    inspect.call_method1(intern!(py, "isgeneratorfunction"), (function,))?.is_truthy()
}

/// Takes a result where it belongs.
#[inline]
pub(crate) fn deliver<'py>(
    py: Python<'py>,
    outlet: &Arc<Outlet>,
    id: Option<JobId>,
    result: Bound<'py, PyAny>,
    done: &Bound<'py, PyAny>,
    stays: bool,
) -> PyResult<()> {
    if let Ok(is_kept) = done.cast_exact::<PyBool>() {
        if is_kept.is_true() {
            return outlet.done(py, id, result, stays);
        }
        hold::free(result);
        return Ok(());
    }
    hold::tell(done, result)
}
