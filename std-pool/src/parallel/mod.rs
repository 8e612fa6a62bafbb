//! Work that its caller waits for, and shares with the pool.

pub(crate) mod filling;
pub(crate) mod map;
pub(crate) mod scope;
mod scoped;
pub(crate) mod share;
