//! What a thread does while it waits instead of sleeping: it works for pools that have no threads.
//!
//! Whoever waits looks, parks, and looks again whatever has woken him. So in place of a park something else may be done, as long as
//! it is followed by a look.
//!
//! # Rules
//!
//! 1. A link is in its thread's chain only while [`while_attending`] runs, from which it is unlinked before it is gone; so what the chain
//!    leads to is there, and nobody else refers to it.

use std::cell::Cell;
use std::ptr;

use fastthreadpool_core::Tick;

use crate::sync::time::{Deadline, sleep};
use crate::sys;

/// One that has something to do meanwhile.
pub(crate) trait Attends {
    /// Does one thing, if there is one that can be done now. Else until when there is none, unless the thread is woken.
    fn step(&self) -> Option<Tick>;

    /// Sleeps until the deadline, or that tick of its own clock, or until it is woken.
    fn sleep(&self, deadline: Deadline<'_>, until: Tick);

    /// For whom, by address.
    fn is_for(&self, engine: usize) -> bool;

    /// Whether it is in the middle of a step, in which somebody waits.
    fn is_busy(&self) -> bool;
}

struct Link<'a> {
    attends: &'a dyn Attends,
    below: *const Link<'static>,
}

/// Waits in some other way than by a park. A program in which nobody ever attends to anything has no such function.
type Instead = fn(Deadline<'_>);

sys::local! {
    /// The innermost link, if there is one.
    static TOP: Cell<*const Link<'static>> = const { Cell::new(ptr::null()) };
}

sys::local! {
    static INSTEAD: Cell<Option<Instead>> = const { Cell::new(None) };
}

/// Unlinks the innermost, when dropped.
struct Unlink(*const Link<'static>);

impl Drop for Unlink {
    fn drop(&mut self) {
        TOP.with(|top| top.set(self.0));
        if self.0.is_null() {
            INSTEAD.with(|present| present.set(None));
        }
    }
}

/// Calls `wait`, in which the thread attends to that instead of parking.
pub(crate) fn while_attending(attends: &dyn Attends, wait: impl FnOnce()) {
    let below = TOP.with(Cell::get);
    let link = Link { attends, below };
    let _unlink = Unlink(below);
    TOP.with(|top| top.set(ptr::from_ref(&link).cast()));
    INSTEAD.with(|present| present.set(Some(instead)));
    wait();
}

/// Whether the thread attends to an engine already, in whatever it does instead of the next park.
pub(crate) fn is_attended(engine: usize) -> bool {
    any(|attends| !attends.is_busy() && attends.is_for(engine))
}

/// Calls `is_it` with all, the innermost first, until it says so.
fn any(mut is_it: impl FnMut(&dyn Attends) -> bool) -> bool {
    let mut next = TOP.with(Cell::get);
    // SAFETY: rule 1.
    while let Some(link) = unsafe { next.as_ref() } {
        if is_it(link.attends) {
            return true;
        }
        next = link.below;
    }
    false
}

/// Does what there is to do instead of a park until the deadline. Returns whether it has; then the caller looks again.
#[inline]
pub(crate) fn instead_of_park(deadline: Deadline<'_>) -> bool {
    let instead = INSTEAD.with(Cell::get);
    instead.inspect(|instead| instead(deadline)).is_some()
}

fn instead(deadline: Deadline<'_>) {
    let mut until = Tick::MAX;
    let has_done = any(|attends| {
        let rests = if attends.is_busy() { Some(Tick::MAX) } else { attends.step() };
        until = until.min(rests.unwrap_or(until));
        rests.is_none()
    });
    let mut sleeps = |attends: &dyn Attends| {
        let sleeps = !attends.is_busy();
        if sleeps {
            attends.sleep(deadline, until);
        }
        sleeps
    };
    if !has_done && !any(&mut sleeps) {
        sleep(deadline);
    }
}
