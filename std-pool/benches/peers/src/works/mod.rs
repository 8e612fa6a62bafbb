//! The works, by section. Each checks that all of it was done.

mod cancel;
mod footprint;
mod latency;
mod map;
mod nested;
mod results;
mod semaphore;
mod submit;
mod timers;

use crate::bench::{Bench, Settings};

/// Sections in the order in which they are measured: idleness first, while nothing else exists in the process.
pub fn all(settings: &Settings) -> Vec<Vec<Bench>> {
    vec![
        footprint::benches(settings),
        submit::benches(settings),
        results::benches(settings),
        nested::benches(settings),
        latency::benches(settings),
        map::benches(settings),
        semaphore::benches(settings),
        cancel::benches(settings),
        timers::benches(settings),
    ]
}
