//! What several tests use.

pub mod model;
