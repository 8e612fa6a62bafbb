//! A function that is called once on each thread of a pool.
#![forbid(unsafe_code)]

use std::panic::resume_unwind;

use crate::engine::Engine;
use crate::here::call::{Panic, catch};
use crate::here::inside;
use crate::sys::Mutex;

/// What has come of it so far.
struct State<R> {
    /// With the numbers of the threads.
    values: Vec<(usize, R)>,
    panic: Option<Panic>,
}

/// Calls `f` on each thread, and waits for all.
pub(crate) fn broadcast<R: Send>(engine: &Engine, f: impl Fn() -> R + Sync) -> Vec<R> {
    let state = Mutex::new(State { values: Vec::new(), panic: None });
    engine.give_errand(&|| {
        let result = catch(&f);
        let later = {
            let mut state = state.lock();
            match result {
                Ok(value) => {
                    state.values.push((inside::thread_number(engine.address()).unwrap_or(0), value));
                    None
                }
                Err(panic) if state.panic.is_none() => state.panic.replace(panic),
                Err(panic) => Some(panic),
            }
        };
        // Its payload is the user's.
        drop(later);
    });
    let State { mut values, panic } = state.into_inner();
    if let Some(panic) = panic {
        drop(values);
        resume_unwind(panic.into_payload());
    }
    values.sort_unstable_by_key(|(thread, _)| *thread);
    values.into_iter().map(|(_, value)| value).collect()
}
