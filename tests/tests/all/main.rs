//! Behaviour of the pool through its public interface, one file per subject.
//!
//! Nothing here sleeps to order things: jobs wait for gates, and tests wait for what they have caused.

mod support;

mod batches;
mod bounded;
mod broadcast;
mod build;
mod callbacks;
mod cancel;
mod contexts;
mod core_pool;
mod entangled;
mod faults;
mod futures;
mod generators;
mod groups;
mod handle;
mod hooks;
mod info;
mod join;
mod life;
mod limits;
mod lock;
mod loops;
mod manual_clock;
mod map;
mod moves;
mod original;
mod panics;
mod periodic;
mod places;
mod priority;
mod punctual;
mod removed;
mod results;
mod scope;
mod seen;
mod semaphore;
mod several;
mod shutdown;
mod stops;
mod submit;
mod submit_wait;
mod tallies;
mod threads;
mod time_limits;
mod timers;
mod views;
mod waits;
mod wall;
mod worker_local;
