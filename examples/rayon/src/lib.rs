#![doc = include_str!("../README.md")]

// What can go wrong.
mod error;
mod unwind;

// The threads of a pool, and what they have to do.
mod errands;
mod inboxes;
mod indices;
mod jobs;
mod reserve;

// A pool, its members, and how it is set up.
mod registry;
mod stand_in;
mod worker;

// The faces.
mod broadcast;
mod builder;
mod configuration;
mod join;
mod scope;
mod spawn;
mod thread;
mod thread_pool;
mod yields;

pub use broadcast::{BroadcastContext, broadcast, spawn_broadcast};
pub use builder::ThreadPoolBuilder;
#[allow(deprecated)]
pub use configuration::{Configuration, initialize};
pub use error::ThreadPoolBuildError;
pub use join::{FnContext, join, join_context};
pub use scope::{Scope, ScopeFifo, in_place_scope, in_place_scope_fifo, scope, scope_fifo};
pub use spawn::{spawn, spawn_fifo};
pub use thread::ThreadBuilder;
pub use thread_pool::{
    ThreadPool, current_num_threads, current_thread_has_pending_tasks, current_thread_index, max_num_threads,
};
pub use yields::{Yield, yield_local, yield_now};
