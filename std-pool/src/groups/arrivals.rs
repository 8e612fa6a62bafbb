//! The jobs that have come through a door, oldest first: where the oldest goes when there is no room for a new one.
//!
//! A job is *coming* from when it has its room until its id is listed. Room is taken under the lock of the list, so who finds no
//! room and nobody listed knows whether somebody is coming. A job that has begun stays listed until it is met, or until the
//! list has twice the length that it had without such ones.
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
    coming: usize,
    /// With so many it is looked through.
    full_at: usize,
}

/// What who comes has found.
pub(super) enum Found {
    Room,
    /// No room; this one is listed no more.
    Oldest(JobId),
    /// No room, and the oldest is not listed yet.
    Coming,
    /// No room, and nobody who could go.
    Nobody,
}

impl Arrivals {
    /// Somebody comes; `takes` room, if there is some. `is_listed`: its id is to be listed then.
    pub(super) fn come(&self, takes: impl FnOnce() -> bool, is_listed: bool) -> Found {
        let mut list = self.0.lock();
        if takes() {
            list.coming += usize::from(is_listed);
            return Found::Room;
        }
        match list.ids.pop_front() {
            Some(id) => Found::Oldest(id),
            None if list.coming > 0 => Found::Coming,
            None => Found::Nobody,
        }
    }

    /// One that was coming has come; or has not, after all. `waits`: whether a job has not begun yet.
    pub(super) fn list(&self, id: Option<JobId>, waits: impl Fn(JobId) -> bool) {
        let mut list = self.0.lock();
        list.coming -= 1;
        list.ids.extend(id);
        if list.ids.len() > list.full_at.max(SHORT) {
            list.ids.retain(|id| waits(*id));
            list.full_at = 2 * list.ids.len();
        }
    }
}
