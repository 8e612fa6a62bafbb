//! What the handles of a pool share: whoever drops the last one ends the pool.
//!
//! | state | handles | a weak one is upgraded | a handle is dropped |
//! |---|---|---|---|
//! | Open | n > 0 | n + 1 | n - 1; of the last one the state is Gone, and who has dropped it abandons the engine |
//! | Gone | 0, for good | there is nothing | |
//!
//! A handle is made of another, or of a weak one, and that only where there is one: the count is compared and exchanged. So an upgrade
//! comes before the drop of the last handle, which is not the last then, or after it, and gets nothing: no pool whose end has begun
//! has a handle again. There is no lock, and a weak handle keeps the count alone.
#![forbid(unsafe_code)]

use std::sync::{Arc, Weak};

use crate::engine::Engine;

/// Ends the pool with the last of the users' handles.
pub(crate) struct Handle {
    pub(crate) engine: Arc<Engine>,
}

impl Handle {
    /// The first one; the engine's jobs find it there.
    pub(crate) fn first(engine: Arc<Engine>) -> Arc<Self> {
        let handle = Arc::new(Self { engine });
        let _ = handle.engine.handle.set(Arc::downgrade(&handle));
        handle
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.engine.abandon();
    }
}

impl Engine {
    /// A weak handle to the pool.
    pub(crate) fn weak_handle(&self) -> Weak<Handle> {
        self.handle.get().map_or_else(Weak::new, Weak::clone)
    }
}
