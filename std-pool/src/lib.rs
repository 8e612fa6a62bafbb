#![doc = include_str!("../README.md")]
//!
//! # Where to read on
//!
//! The [`guide`] has a chapter for each subject, with examples that run, and [tables of all calls](guide::which_call). [`Pool`] is a pool's handle,
//! [`Builder`] sets one up; how jobs are submitted, and what becomes of their results, is said at [`Group`], which each pool is.
#![cfg_attr(docsrs, feature(doc_cfg), doc(auto_cfg(hide(shuttle))))]
#![cfg_attr(
    shuttle,
    allow(clippy::result_large_err, clippy::large_enum_variant, reason = "the locks of the model checker are large")
)]

// The world, and the present thread in it.
mod here;
mod sys;

// Waiting for each other.
mod sync;

// The core with threads, and a life.
mod engine;

// Jobs: where they belong, what becomes of their results, what they are.
mod groups;
mod jobs;
mod results;

// Work that is shared with the caller.
mod parallel;

// The faces.
mod awaiting;
mod build_error;
mod builder;
#[cfg(feature = "metrics")]
mod exporter;
mod group;
mod group_builder;
mod info;
mod keyed;
mod loops;
mod manual_clock;
mod metrics;
mod pool;
mod producer;
mod report;
mod several;
mod sharing;
#[cfg(all(feature = "simulation", not(shuttle)))]
pub mod simulation;
#[cfg(feature = "tracing")]
mod spans;
mod submitting;
mod threads;
mod unwinding;
mod visiting;
mod waiting;
mod weak_pool;
mod worker_local;

/// Of what the type of a [`Job`] is made, for who has to write it down.
pub mod job {
    pub use crate::jobs::builder::Once;
    pub use crate::jobs::call::{Callable, Plain, Renamed, WithContext};
    pub use crate::jobs::limited::{Limited, Timed};
    pub use crate::jobs::once::{Discard, Give, Keep};
    pub use crate::jobs::schedule::{Overlapping, Periodic};
}

/// Of what the type of a loop is made, for who has to write it down.
pub mod par {
    pub use crate::parallel::items::{Chunks, ChunksMut, Enumerate, Zip};
    pub use crate::parallel::progress::{Hook, Quiet};
}

// Nothing but documentation, so it is not there in a build.
#[cfg(any(doc, doctest))]
pub mod guide;

// The shipped code under a model checker.
#[cfg(all(test, shuttle))]
mod models;

pub use build_error::BuildError;
pub use builder::Builder;
pub use engine::config::OnDrop;
pub use engine::hired::WorkerThread;
pub use engine::submit_error::SubmitError;
#[cfg(feature = "metrics")]
pub use exporter::Exporter;
pub use fastthreadpool_core::{
    AcquireError, JobId, MAX_WORKERS, MissedTickBehavior, NotLocked, NotMoved, Overflow, Priority, TryAcquireError,
};
pub use group::{Group, NotKeyed, NotPausable};
pub use group_builder::GroupBuilder;
pub use groups::policy::{GroupOnDrop, WhenFull};
pub use here::call::Panic;
pub use here::cancellation::Cancellation;
pub use here::histogram::Histogram;
pub use here::job::{JobKind, RemovedJob};
pub use here::observer::{AcceptedJob, JobRun, Observer, RunEnd, WorkerEvent};
pub use here::removed::CancelReason;
pub use info::{Counts, JobInfo};
pub use jobs::batch::SubmitAllError;
pub use jobs::builder::Job;
pub use jobs::context::{Context, EmitError};
pub use jobs::runs::Runs;
pub use jobs::spawned::JoinHandle;
pub use jobs::when::When;
pub use keyed::Keyed;
/// The facade through which [`Builder::log_failures`] reports.
pub use log;
pub use manual_clock::ManualClock;
pub use metrics::{GroupMetrics, Metrics, WorkerMetrics};
pub use parallel::items::IntoPar;
pub use parallel::join::join_here as join;
pub use parallel::map::{Map, MapError, MapIter};
pub use parallel::par::Par;
pub use parallel::scope::Scope;
pub use parallel::scope_handle::ScopedJoinHandle;
pub use parallel::scoped_context::ScopedContext;
pub use pool::Pool;
pub use producer::Producer;
pub use report::{Awaited, Report, Wait};
pub use results::completed::Completed;
pub use results::outcome::{BoxError, JobError, Outcome};
pub use results::outlet::{Done, Failed};
pub use results::queue::Results;
pub use several::Attempt;
pub use sync::lock::{FastLock, FastLockGuard};
pub use sync::owned_permit::OwnedPermit;
pub use sync::permit::Permit;
pub use sync::semaphore::Semaphore;
pub use threads::TooManyThreads;
pub use waiting::Submit;
pub use weak_pool::WeakPool;
pub use worker_local::WorkerLocal;
