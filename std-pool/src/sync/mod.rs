//! Waiting for each other: the core's semaphore and lock for threads and tasks, the event on which the shell waits, and by which clock.

pub(crate) mod attend;
pub(crate) mod event;
pub(crate) mod lock;
pub(crate) mod looks;
pub(crate) mod owned_permit;
pub(crate) mod packet;
pub(crate) mod permit;
pub(crate) mod race;
pub(crate) mod semaphore;
pub(crate) mod time;
pub(crate) mod waiter;
