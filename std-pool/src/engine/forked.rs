//! The children of the process: in one there are none of the pool's threads, and its locks may be held by threads that are not there.

use fastthreadpool_core::Phase;

use crate::engine::{Engine, pages, spare, waits};
use crate::sync::looks;
use crate::sys::Forks;

impl Engine {
    /// Whether this is the child of a process that has the pool's threads: here there are none, and its locks may be held
    /// by threads that are not here.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.core.phase() == Phase::Elsewhere
    }

    /// A thread is about to be started in this process: from here on its children are told that it is not theirs.
    pub(super) fn settle_here(&self) {
        let mut fork = self.fork.lock();
        if fork.is_none() {
            *fork = Some(Forks::enter(std::ptr::from_ref(self).cast_mut().cast(), in_child));
        }
    }
}

/// Called in a child: first without an engine, then with each whose threads are in the parent.
///
/// # Safety
///
/// `engine` points to an [`Engine`], or is null.
unsafe fn in_child(engine: *mut ()) {
    // SAFETY: as the caller says; an engine leaves the list of forks before it is gone.
    if let Some(engine) = unsafe { engine.cast::<Engine>().as_ref() } {
        engine.core.abandon();
    } else {
        waits::forget_list();
        pages::forget_depot();
        looks::forget();
        spare::forget();
    }
}
