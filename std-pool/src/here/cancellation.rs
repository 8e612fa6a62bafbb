//! What became of a request to cancel.
#![forbid(unsafe_code)]

/// What became of a request to cancel a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cancellation {
    /// It had not begun and will not: its function has been dropped.
    Removed,
    /// It runs, and has been told to stop (see [`Context::is_cancelled`](crate::Context::is_cancelled)). A periodic job
    /// will not run again.
    Stopping,
    /// It has ended already, or was cancelled before.
    TooLate,
}
