//! What the shell takes from the world: threads, locks, atomics, thread-local values, time. The only choice in the shell is
//! here: std, or a model checker, under which the shell that ships is checked.
//!
//! shuttle knows many threads and sequential consistency; what needs weaker orders is in the core, where loom checks it.

#[cfg(feature = "affinity")]
pub(crate) mod affinity;
#[cfg(all(target_family = "wasm", not(target_feature = "atomics"), not(shuttle)))]
mod alone;
#[cfg(not(shuttle))]
pub(crate) mod barrier;
mod fork;
#[cfg(shuttle)]
mod model;
mod name;
#[cfg(not(shuttle))]
mod real;
#[cfg(all(feature = "simulation", not(shuttle)))]
pub(crate) mod simulated;
mod timely;
pub(crate) mod timerfd;
#[cfg(not(all(feature = "simulation", not(shuttle))))]
mod unplayed;

pub(crate) use fork::Forks;
#[cfg(shuttle)]
pub(crate) use model::*;
pub(crate) use name::{NAME_BYTES, show_name};
#[cfg(not(shuttle))]
pub(crate) use real::*;
#[cfg(all(feature = "simulation", not(shuttle)))]
pub(crate) use simulated::{Scene, begin_job, is_simulated, point, system_now};
pub(crate) use timely::wake_in_time;
#[cfg(not(all(feature = "simulation", not(shuttle))))]
pub(crate) use unplayed::{Scene, begin_job, is_simulated, point, system_now};

#[cfg(not(any(shuttle, all(target_family = "wasm", not(target_feature = "atomics")))))]
use std::thread as world;
use std::time::Duration;

#[cfg(all(target_family = "wasm", not(target_feature = "atomics"), not(shuttle)))]
use alone as world;

use fastthreadpool_core::Tick;

/// A duration in ticks, cut off at the end of the range (584 years).
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// So long from now.
pub(crate) fn after(duration: Duration) -> Tick {
    now().saturating_add(nanos(duration))
}
