//! A map: workers take one item after the other, in order, until none is left. So a short one is done by whoever comes first, and of a long
//! one everybody takes as many as he can.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::hold;
use crate::job::{deliver, each};
use crate::life::Inner;

pub(crate) struct Course {
    pub(crate) pool: Arc<Inner>,
    pub(crate) function: Py<PyAny>,
    pub(crate) items: Py<PyTuple>,
    pub(crate) next: AtomicUsize,
    /// As of a job.
    pub(crate) done: Py<PyAny>,
    /// Each item is all the arguments of a call, and not the one.
    pub(crate) unpacks: bool,
}

impl Course {
    /// Takes items until there is none, or the pool's threads are told to end.
    pub(crate) fn run(&self) {
        hold::with(|py| {
            let items = self.items.bind(py);
            while !self.pool.is_stopped() {
                let Ok(item) = items.get_item(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
                self.run_item(py, item);
                hold::breathe(py);
            }
            self.pool.outlet.tell();
        });
    }

    fn run_item<'py>(&self, py: Python<'py>, item: Bound<'py, PyAny>) {
        let (function, outlet) = (self.function.bind(py), &self.pool.outlet);
        let (args, ended) = match self.arguments(py, item.clone()) {
            Ok(args) => {
                let ended = hold::call(function, &args, None).and_then(|result| {
                    each(py, function, result, |result| deliver(py, outlet, None, result, self.done.bind(py), false))
                });
                (args, ended)
            }
            Err(error) => (PyTuple::new(py, [item]).unwrap_or_else(|_| PyTuple::empty(py)), Err(error)),
        };
        if let Err(error) = ended {
            outlet.failed(py, None, error, &args, None);
        }
    }

    fn arguments<'py>(&self, py: Python<'py>, item: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        if !self.unpacks {
            return PyTuple::new(py, [item]);
        }
        if let Ok(args) = item.cast_exact::<PyTuple>() {
            return Ok(args.clone());
        }
        let Ok(iterator) = item.try_iter() else {
            let name = self.function.bind(py).getattr(intern!(py, "__name__"));
            let name = name.map_or_else(|_| "the function".to_owned(), |name| name.to_string());
            let what = item.get_type().name()?;
            let text = format!("{name}() argument after * must be an iterable, not {what}");
            return Err(PyTypeError::new_err(text));
        };
        let mut args = Vec::new();
        while let Some(arg) = hold::next(&iterator)? {
            args.push(arg);
        }
        PyTuple::new(py, args)
    }
}
