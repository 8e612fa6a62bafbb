//! The bell of a job that is a future: who wakes it rings, and it is polled once more.
//!
//! The job waits at a gate of its own, with room for one poll: a poll takes the room, and the bell gives it. So what is pending is
//! where all jobs wait, and is counted, cancelled and waited for as they are; and since it is there or with the one who polls it, it
//! is never polled twice at once.
//!
//! # The word
//!
//! | value | means | a wake | whoever polls |
//! |---|---|---|---|
//! | 0 | *idle*: pending, and nobody has woken it; the gate has no room | to `WOKEN`, and gives room | - |
//! | `WOKEN` | *scheduled*: there is room; it is in line, or about to come back to its gate | changes nothing | begins: to `POLLED` |
//! | `POLLED` | *running* | to both | it is pending: to 0 |
//! | `POLLED`, `WOKEN` | *running and woken* | changes nothing | it is pending: to `WOKEN`, and gives room |
//! | `OVER`, alone or with `WOKEN` | *done*: it has ended, or was dropped | means nothing | - |
//!
//! # Order
//!
//! No wake is lost, since it and the end of a poll are exchanges on one word: either the end sees `WOKEN`, or the wake sees that
//! nobody polls. Room that is given before the job is back at its gate waits for it there. Each wake releases, whatever it changes,
//! and the beginning of a poll acquires: what was done before a wake is seen by the next poll.
#![forbid(unsafe_code)]

use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};

use fastthreadpool_core::Gate;

use crate::engine::Engine;
use crate::sys::atomic::{AtomicUsize, Ordering};

const IDLE: usize = 0;
const WOKEN: usize = 1;
const POLLED: usize = 2;
const OVER: usize = 4;

pub(crate) struct Bell {
    word: AtomicUsize,
    gate: Gate,
    /// Weak: a waker may be kept for long after all.
    engine: Weak<Engine>,
}

impl Bell {
    fn give_room(&self) {
        if let Some(engine) = self.engine.upgrade().filter(|engine| !engine.is_elsewhere()) {
            engine.perform_or_leave(engine.core.give_room(self.gate));
        }
    }

    pub(crate) fn ring(&self) {
        if self.word.fetch_or(WOKEN, Ordering::AcqRel) == IDLE {
            self.give_room();
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

/// The job's end of it: dropped with the job.
pub(crate) struct Rung {
    bell: Arc<Bell>,
    /// A job that is pending keeps its pool's engine, even if nobody else does who could run it.
    engine: Arc<Engine>,
}

impl Rung {
    /// For a job at that gate; `is_scheduled`: there is room for its first poll.
    pub(crate) fn new(engine: &Arc<Engine>, gate: Gate, is_scheduled: bool) -> Self {
        let word = AtomicUsize::new(if is_scheduled { WOKEN } else { IDLE });
        Self { bell: Arc::new(Bell { word, gate, engine: Arc::downgrade(engine) }), engine: Arc::clone(engine) }
    }

    pub(crate) fn gate(&self) -> Gate {
        self.bell.gate
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.bell))
    }

    /// A poll begins.
    pub(crate) fn begin(&self) {
        let former = self.bell.word.swap(POLLED, Ordering::AcqRel);
        debug_assert_eq!(former, WOKEN, "a poll takes room that was given");
    }

    /// It has ended, and the job is pending.
    pub(crate) fn end(&self) {
        if self.bell.word.fetch_and(!POLLED, Ordering::AcqRel) & WOKEN != 0 {
            self.bell.give_room();
        }
    }
}

impl Drop for Rung {
    fn drop(&mut self) {
        self.bell.word.store(OVER, Ordering::Release);
        if !self.engine.is_elsewhere() {
            self.engine.core.close_gate(self.bell.gate);
        }
    }
}
