//! Why permits were not acquired, or not taken back.
#![forbid(unsafe_code)]

use core::fmt;

/// Why permits were not acquired in spite of waiting for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcquireError {
    /// The deadline came first.
    TimedOut,
    /// The semaphore is closed.
    Closed,
    /// More permits than a semaphore can have: waiting would never end.
    TooMany,
    /// Who asks is in the middle of a job, all workers of its pool wait, and there can be no more: none would be left that
    /// could release. Only a host that knows this says so.
    WouldDeadlock,
    /// Who asks is in the middle of a job that has been told to stop. Only a host that knows this says so.
    Cancelled,
}

/// Why permits could not be acquired at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryAcquireError {
    /// There are too few, or others wait for them.
    NoPermits,
    /// The semaphore is closed.
    Closed,
    /// More permits than a semaphore can have.
    TooMany,
}

/// A release would have made more permits than a semaphore can have. It has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Overflow;

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "the permits were not free in time",
            Self::Closed => "the semaphore is closed",
            Self::TooMany => "more permits than a semaphore can have",
            Self::WouldDeadlock => "not waited for: all workers of the pool wait, and no more can stand in",
            Self::Cancelled => "the job that asks has been told to stop",
        })
    }
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPermits => "the permits are not free now",
            Self::Closed => "the semaphore is closed",
            Self::TooMany => "more permits than a semaphore can have",
        })
    }
}

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more permits released than a semaphore can have")
    }
}

impl core::error::Error for AcquireError {}
impl core::error::Error for TryAcquireError {}
impl core::error::Error for Overflow {}
