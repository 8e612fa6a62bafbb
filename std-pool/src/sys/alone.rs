//! std's threads where there is only one: its park returns at once there, which would have whoever waits for a time burn it.
//!
//! | it parks | and |
//! |---|---|
//! | woken since the last time | goes on |
//! | until a time | sleeps |
//! | for ever | ends the process: nobody is left who could wake it |
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};
pub(crate) use std::thread::*;
use std::time::Duration;

static IS_WOKEN: AtomicBool = AtomicBool::new(false);

#[derive(Clone, Debug)]
pub(crate) struct Thread(std::thread::Thread);

impl Thread {
    pub(crate) fn id(&self) -> ThreadId {
        self.0.id()
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.0.name()
    }

    /// It is the present one, which may be about to park.
    #[expect(clippy::unused_self, reason = "as std's")]
    pub(crate) fn unpark(&self) {
        IS_WOKEN.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn current() -> Thread {
    Thread(std::thread::current())
}

pub(crate) fn park_timeout(time: Duration) {
    if !IS_WOKEN.swap(false, Ordering::Relaxed) {
        sleep(time);
    }
}

pub(crate) fn park() {
    /// Nothing is unwound: jobs that borrow may be on the stack.
    extern "C" fn end() -> ! {
        panic!("a wait that nobody could end: there is no other thread, and no job to run meanwhile");
    }
    if !IS_WOKEN.swap(false, Ordering::Relaxed) {
        end();
    }
}
