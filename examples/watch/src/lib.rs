//! What the programs share: a record of what an observer was told, and ways to show it.

pub mod picture;
pub mod record;
pub mod trace;
