//! Jobs that borrow nothing, for which nobody waits.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::registry::{self, Registry};

/// Appends a job to the present pool. A panic goes to the panic handler.
///
/// ```
/// let (sender, receiver) = std::sync::mpsc::channel();
/// rayon_core::spawn(move || sender.send(7).unwrap());
/// assert_eq!(receiver.recv(), Ok(7));
/// ```
pub fn spawn<F>(func: F)
where
    F: FnOnce() + Send + 'static,
{
    registry::with_current(|registry| spawn_in(registry, func));
}

/// The same.
pub fn spawn_fifo<F>(func: F)
where
    F: FnOnce() + Send + 'static,
{
    spawn(func);
}

pub(crate) fn spawn_in(registry: &Arc<Registry>, func: impl FnOnce() + Send + 'static) {
    registry.submit(|registry| registry.catch(func));
}
