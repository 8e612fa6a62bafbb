//! Work that its caller waits for, and shares with the pool.

pub(crate) mod broadcast;
mod gather;
mod halves;
pub(crate) mod items;
pub(crate) mod join;
pub(crate) mod map;
mod own;
pub(crate) mod par;
mod participant;
mod places;
pub(crate) mod progress;
mod runs;
pub(crate) mod scope;
pub(crate) mod scope_handle;
mod scoped;
pub(crate) mod scoped_context;
pub(crate) mod share;
mod shares;
mod slots;
mod source;
mod stock;
mod tasks;
mod until;
