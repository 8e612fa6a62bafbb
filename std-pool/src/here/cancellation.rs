//! What became of a request to cancel.
#![forbid(unsafe_code)]

/// What became of a request to cancel a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cancellation {
    /// It had not begun and will not: its function has been dropped.
    Removed,
    /// It runs, and has been told to stop (see [`Context::is_cancelled`](crate::Context::is_cancelled)), now or before. A periodic job
    /// will not run again.
    Stopping,
    /// It has ended already, or was removed before; or it runs inside of more others on its worker than can be told to stop.
    TooLate,
}
