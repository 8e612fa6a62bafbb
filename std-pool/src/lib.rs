#![doc = include_str!("../../README.md")]

mod host;

// How jobs end, and what waits for it.
mod event;
mod filling;
mod lock;
mod outcome;
mod results;
mod room;
mod semaphore;
mod view;

// What is shared, and who works.
mod shared;
mod worker;

// Jobs on their way in.
mod context;
mod handle;
mod job;
mod job_builder;
mod submit;
mod when;

// The pool.
mod builder;
mod callback;
mod cancellation;
mod completed;
mod info;
mod map;
mod pool;
mod scope;
mod share;

pub use builder::{BuildError, Builder};
pub use cancellation::Cancellation;
pub use completed::Completed;
pub use context::{Context, EmitError};
pub use fastthreadpool_core::{
    self as core, AcquireError, JobId, MAX_WORKERS, MissedTickBehavior, NotLocked, Overflow, TryAcquireError,
};
pub use handle::JoinHandle;
pub use host::Waiter;
pub use info::{Counts, JobInfo, JobKind};
pub use job_builder::{Job, PeriodicJob};
pub use lock::{FastLock, FastLockGuard};
/// The facade through which [`Builder::log_failures`] reports.
pub use log;
pub use map::{Map, MapError, MapIter};
pub use outcome::{BoxError, JobError, Outcome, Panic};
pub use pool::Pool;
pub use results::Results;
pub use scope::Scope;
pub use semaphore::{Permit, Semaphore};
pub use submit::SubmitError;
pub use view::{Done, Failed};
pub use when::When;
