//! Results: how jobs can end, and the queues, callbacks and iterators by which users learn of it.

pub(crate) mod callback;
pub(crate) mod combine;
pub(crate) mod completed;
pub(crate) mod late;
pub(crate) mod outcome;
pub(crate) mod outlet;
pub(crate) mod queue;
