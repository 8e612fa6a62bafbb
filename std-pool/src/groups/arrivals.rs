//! The jobs that have come through a door, oldest first: where the oldest goes when there is no room for a new one.
//!
//! A job is listed when it was submitted. It may have begun by then: such ones stay until they are met, or until the list has
//! twice the length that it had without them.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use fastthreadpool_core::JobId;

use crate::sys::Mutex;

/// A list of so many is not looked through.
const SHORT: usize = if cfg!(shuttle) { 1 } else { 64 };

#[derive(Default)]
pub(crate) struct Arrivals(Mutex<List>);

#[derive(Default)]
struct List {
    ids: VecDeque<JobId>,
    /// With so many it is looked through.
    full_at: usize,
}

impl Arrivals {
    /// The oldest, which is listed no more.
    pub(super) fn oldest(&self) -> Option<JobId> {
        self.0.lock().ids.pop_front()
    }

    /// One has come. `waits`: whether a job has not begun yet.
    pub(super) fn list(&self, id: JobId, waits: impl Fn(JobId) -> bool) {
        let mut list = self.0.lock();
        list.ids.push_back(id);
        if list.ids.len() > list.full_at.max(SHORT) {
            list.ids.retain(|id| waits(*id));
            list.full_at = 2 * list.ids.len();
        }
    }
}
