#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg), doc(auto_cfg(hide(loom, shuttle, simulated))))]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(any(test, loom, shuttle, simulated))]
extern crate std;

mod part;
mod sync;

// What the host brings.
mod host;
pub mod hosts;

// A job: its name, its payload, its place, its end.
mod end;
mod id;
mod pack;
mod priority;
mod slot;
mod task;

// Where jobs wait: in lanes over one of two stores, for their time, at gates.
#[cfg(feature = "alloc")]
mod blocks;
mod claim;
pub mod entries;
mod lane;
mod period;
mod pinned;
#[cfg(feature = "alloc")]
mod queue;
mod ring;
mod slots;
pub mod wheel;

// Halves of joins.
#[cfg(feature = "alloc")]
mod desks;
mod fork;

// Who works, who sleeps.
mod pace;
mod seat;
#[cfg(feature = "alloc")]
mod seats;
mod sleepers;
#[cfg_attr(not(feature = "alloc"), allow(dead_code, reason = "only pools that grow have one"))]
mod staff;
mod state;

// Waiting for each other.
mod cohort;
mod lock;
mod semaphore;

// The pool and its workers.
mod pool;
mod running;
mod shown;
mod storage;
mod worker;

#[cfg(feature = "alloc")]
pub use blocks::Blocks;
pub use cohort::{Begun as TallyBegun, Cohort, CohortCounts, Reading as TallyReading, Tally};
#[cfg(feature = "alloc")]
pub use desks::GUESTS;
pub use end::{After, End};
pub use entries::{Kinds, NotMoved, State as EntryState, View as EntryView};
#[doc(hidden)]
pub use fork::Look;
pub use fork::{Desk, Fork, ForkGate, Put, TakenFork};
pub use host::{Host, Park, Tick, Unpark};
pub use id::{JobId, JobIds};
pub use lane::Lane;
pub use lock::{Lock, LockGuard, NotLocked};
pub use pack::{Pack, Refused};
#[doc(hidden)]
pub use part::{Absent, Blank, Part, There};
pub use period::{MissedTickBehavior, Repeat};
#[doc(hidden)]
pub use pinned::Pinned;
pub use pool::{
    Account, Cancelled, Counts, Discrepancy, Duty, Exempt, Gate, Gated, MAX_GATES, Pool, Start, Taken, WITHOUT_END,
};
pub use priority::Priority;
#[cfg(feature = "alloc")]
pub use queue::Queue;
pub use ring::Ring;
pub use running::Running;
pub use seat::{NO_SEAT, STOPPABLE_DEPTH, Seat};
pub use semaphore::{Acquire, AcquireError, Overflow, Permit, Semaphore, TryAcquireError};
#[doc(hidden)]
pub use slot::Take;
#[doc(hidden)]
pub use slots::Slots;
#[doc(hidden)]
pub use staff::Staff;
pub use state::{MAX_WORKERS, Phase};
#[cfg(feature = "alloc")]
pub use storage::Growing;
pub use storage::{Fixed, Storage};
#[cfg(simulated)]
pub use sync::simulated;
pub use task::{Ran, Run, Task};
pub use worker::{Next, Rest, Runner, Worker};
