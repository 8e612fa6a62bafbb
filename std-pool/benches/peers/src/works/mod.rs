//! What there is to do. Each work checks that all of it was done.

mod behind;
mod burst;
mod cancel;
mod classes;
mod cold;
mod gate;
mod handles;
mod held;
mod idle;
mod joins;
mod lateness;
mod lifecycle;
mod long;
mod map;
mod memory;
mod originals;
mod periodic;
mod picture;
mod producers;
mod results;
pub mod scale;
mod scope;
mod semaphore;
mod submit;
mod timers;
mod tree;
mod ways;

use crate::work::{Effort, Work};

/// All, in the order of the table.
pub fn all(effort: Effort) -> Vec<Work> {
    let groups = [
        submit::works,
        ways::works,
        results::works,
        handles::works,
        tree::works,
        cold::works,
        burst::works,
        behind::works,
        classes::works,
        scope::works,
        joins::works,
        map::works,
        long::works,
        picture::works,
        semaphore::works,
        timers::works,
        lateness::works,
        periodic::works,
        cancel::works,
        memory::works,
        idle::works,
        held::works,
        lifecycle::works,
        originals::works,
    ];
    groups.into_iter().flat_map(|works| works(effort)).collect()
}
