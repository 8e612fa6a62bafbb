//! Who the present thread is: a member of some pool, or of none.
//!
//! # Rules
//!
//! 1. What the cell points to is there: [`Worker::enter`] sets it to a value of its own and sets it back before it returns, and what
//!    [`Worker::stay`] sets it to is never freed.
//! 2. The cell is read in its own thread, and what is made of it is used inside of the call that has asked.

use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

use crate::registry::Registry;

thread_local! {
    static WORKER: Cell<*const Worker> = const { Cell::new(ptr::null()) };
}

/// A member of a pool.
pub(crate) struct Worker {
    pub(crate) registry: Arc<Registry>,
    index: Cell<Option<usize>>,
    is_leaving: Cell<bool>,
}

impl Worker {
    pub(crate) fn new(registry: &Arc<Registry>) -> Self {
        Self { registry: Arc::clone(registry), index: Cell::new(None), is_leaving: Cell::new(false) }
    }

    /// The present thread is this member during a call.
    pub(crate) fn enter<R>(self, f: impl FnOnce(&Self) -> R) -> R {
        struct Back(*const Worker);
        impl Drop for Back {
            fn drop(&mut self) {
                WORKER.set(self.0);
            }
        }
        let _back = Back(WORKER.replace(&raw const self));
        f(&self)
    }

    /// The present thread is this member from now on.
    pub(crate) fn stay(self) {
        WORKER.set(Box::into_raw(Box::new(self)));
    }

    /// Takes its own index, if no other thread has that meanwhile.
    pub(crate) fn take_index(&self, own: usize) {
        debug_assert_eq!(self.index.get(), None);
        self.index.set(self.registry.indices.take(own).then_some(own));
    }

    pub(crate) fn leave_index(&self) {
        if let Some(index) = self.index.take() {
            self.registry.indices.give_back(index);
        }
    }

    /// One that has none gets one as soon as there is one, and keeps it.
    pub(crate) fn index(&self) -> Option<usize> {
        if self.index.get().is_none() {
            self.index.set(self.registry.indices.take_any());
        }
        self.index.get()
    }

    /// The thread ends, with a function of the user's as its last.
    pub(crate) fn leave(&self, index: usize) {
        self.is_leaving.set(true);
        self.registry.handlers.exit(index);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.get()
    }

    pub(crate) fn is_of(&self, registry: &Arc<Registry>) -> bool {
        Arc::ptr_eq(&self.registry, registry)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.leave_index();
    }
}

/// Calls `f` with who the present thread is.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
    // SAFETY: rules 1 and 2.
    f(unsafe { WORKER.get().as_ref() })
}

/// The same, if it is a member of this pool.
pub(crate) fn with_member_of<R>(registry: &Arc<Registry>, f: impl FnOnce(Option<&Worker>) -> R) -> R {
    with(|worker| f(worker.filter(|worker| worker.is_of(registry))))
}

/// The present thread, among those that live.
#[inline]
pub(crate) fn place() -> usize {
    WORKER.with(|cell| ptr::from_ref(cell).addr())
}
