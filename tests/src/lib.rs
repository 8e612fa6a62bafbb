//! What several tests use.

pub mod model;

/// The first page of the repository, whose example is a test, too.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
