//! Work that its caller waits for, and shares with the pool.

pub(crate) mod join;
pub(crate) mod map;
mod mapping;
mod own;
pub(crate) mod scope;
mod scoped;
pub(crate) mod share;
mod shares;
mod tasks;
