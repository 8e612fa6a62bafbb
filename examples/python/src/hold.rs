//! Who has the interpreter: a worker keeps it from one job to the next.
//!
//! | a worker's thread | from | until |
//! |---|---|---|
//! | is away | it begins, it parks, it ends | its next job |
//! | holds the interpreter | a job, see [`with`] | it has nothing to do, see [`leave`] |
//!
//! To let go of the interpreter after each job and to take it again for the next costs more than a small job, and wakes whoever waits for it
//! each time. Others are let in all the same: the interpreter itself asks who holds it to let go, every 5 ms by default, whenever a function of
//! Python's is entered; and where only built-in functions run, which do not look, [`breathe`] does.
//!
//! # Rules
//!
//! 1. What a thread has taken beyond a job is one state of `PyGILState_Ensure`, in its own `HELD`; it is released once, by that thread, and not
//!    inside of a job. The binding's view of it is untouched: each job attaches by itself, which then finds the thread attached.
//! 2. Only threads that say when they park keep it: those inside of [`working`].
//! 3. Where the interpreter ends while a job is in the middle of Python, `CPython` before 3.14 ends the thread by unwinding its stack. No frame of
//!    Rust may be passed by that, so [`call`], [`next`], [`free`] and [`unraisable`], by which all that may take time is called, stop it: the thread
//!    sleeps until the process is gone.

use std::cell::Cell;
use std::hint::black_box;
use std::mem;
use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

use fastthreadpool::{Observer, WorkerEvent};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

thread_local! {
    static IS_WORKING: Cell<bool> = const { Cell::new(false) };
    static HELD: Cell<Option<ffi::PyGILState_STATE>> = const { Cell::new(None) };
    /// Jobs since the clock was looked at.
    static SINCE: Cell<u32> = const { Cell::new(0) };
    /// When others were let in.
    static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Jobs between two looks at the clock.
const LOOK: u32 = 256;

/// The interpreter's own time between two that have it. More often is no fairer, and each time others are woken.
const BREATH: Duration = Duration::from_millis(5);

/// Calls `f`, which works for a pool that tells [`Leaver`] of its workers, on a thread of Python's that is not attached.
pub(crate) fn working(f: impl FnOnce()) {
    IS_WORKING.set(true);
    f();
    IS_WORKING.set(false);
    leave();
}

/// Calls `f` with the interpreter, and keeps that if the thread is a worker.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(Python<'_>) -> R) -> R {
    if HELD.get().is_none() && IS_WORKING.get() {
        // SAFETY: the interpreter is initialized, since it has started this thread. Rule 1: it is released by `leave`.
        HELD.set(Some(unsafe { ffi::PyGILState_Ensure() }));
    }
    Python::attach(|py| {
        breathe(py);
        f(py)
    })
}

/// Lets others in who have asked for the interpreter, now and then.
#[inline]
pub(crate) fn breathe(py: Python<'_>) {
    let since = SINCE.get() + 1;
    SINCE.set(since % LOOK);
    if since == LOOK {
        breathe_slow(py);
    }
}

#[cold]
fn breathe_slow(py: Python<'_>) {
    let now = Instant::now();
    if LAST.get().is_none_or(|last| now - last >= BREATH) {
        LAST.set(Some(now));
        py.detach(|| ());
    }
}

/// A worker lets go of what it has kept.
fn leave() {
    if let Some(state) = HELD.take() {
        // SAFETY: rule 1: the thread has taken it, and is not inside of a job.
        unsafe { ffi::PyGILState_Release(state) };
    }
}

/// Has workers let go of the interpreter before they sleep.
pub(crate) struct Leaver;

impl Observer for Leaver {
    fn worker(&self, _worker: usize, event: WorkerEvent) {
        if matches!(event, WorkerEvent::Parked | WorkerEvent::Ended) {
            leave();
        }
    }
}

// ----- rule 3

/// Dropped by unwinding it sleeps for ever. It is there only where the compiler does not see which function is called, of which `PyO3` has
/// declared that it does not unwind.
struct Stop;

impl Drop for Stop {
    fn drop(&mut self) {
        loop {
            thread::park();
        }
    }
}

type Object = *mut ffi::PyObject;

/// `function(*args, **kwargs)`
pub(crate) fn call<'py>(
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    type Call = unsafe extern "C-unwind" fn(Object, Object, Object) -> Object;
    // SAFETY: the same function, which may unwind.
    let call: Call =
        unsafe { mem::transmute(ffi::PyObject_Call as unsafe extern "C" fn(Object, Object, Object) -> Object) };
    let kwargs = kwargs.map_or(ptr::null_mut(), Bound::as_ptr);
    let stop = Stop;
    // SAFETY: all are live objects of the types that it asks for, and the thread is attached.
    let result = unsafe { black_box(call)(function.as_ptr(), args.as_ptr(), kwargs) };
    mem::forget(stop);
    // SAFETY: it returns a reference that is its caller's, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(function.py(), result) }
}

/// The next item of an iterator.
pub(crate) fn next<'py>(iterator: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    type Next = unsafe extern "C-unwind" fn(Object) -> Object;
    // SAFETY: the same function, which may unwind.
    let next: Next = unsafe { mem::transmute(ffi::PyIter_Next as unsafe extern "C" fn(Object) -> Object) };
    let stop = Stop;
    // SAFETY: a generator is an iterator, and the thread is attached.
    let item = unsafe { black_box(next)(iterator.as_ptr()) };
    mem::forget(stop);
    let py = iterator.py();
    // SAFETY: it returns a reference that is its caller's, or null.
    let item = unsafe { Bound::from_owned_ptr_or_opt(py, item) };
    match (item, PyErr::take(py)) {
        (_, Some(error)) => Err(error),
        (item, None) => Ok(item),
    }
}

/// `function(value)`, of which nothing is kept.
pub(crate) fn tell<'py>(function: &Bound<'py, PyAny>, value: Bound<'py, PyAny>) -> PyResult<()> {
    let args = PyTuple::new(function.py(), [value])?;
    let told = call(function, &args, None);
    free(args.into_any());
    told.map(free)
}

/// Drops what may have a destructor of the user's.
pub(crate) fn free(object: Bound<'_, PyAny>) {
    type Free = unsafe extern "C-unwind" fn(Object);
    // SAFETY: the same function, which may unwind.
    let free: Free = unsafe { mem::transmute(ffi::Py_DecRef as unsafe extern "C" fn(Object)) };
    let stop = Stop;
    // SAFETY: the reference is given away, and the thread is attached.
    unsafe { black_box(free)(object.into_ptr()) };
    mem::forget(stop);
}

/// Tells `sys.unraisablehook` of an error.
pub(crate) fn unraisable(py: Python<'_>, error: PyErr) {
    type Tell = unsafe extern "C-unwind" fn(Object);
    // SAFETY: the same function, which may unwind.
    let tell: Tell = unsafe { mem::transmute(ffi::PyErr_WriteUnraisable as unsafe extern "C" fn(Object)) };
    error.restore(py);
    let stop = Stop;
    // SAFETY: an exception is set, none of any object, and the thread is attached.
    unsafe { black_box(tell)(ptr::null_mut()) };
    mem::forget(stop);
}
