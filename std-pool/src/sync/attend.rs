//! What a thread does while it waits instead of sleeping: it works for pools that have no threads.
//!
//! Whoever waits looks, parks, and looks again whatever has woken him. So in place of a park something else may be done, as long as
//! it is followed by a look.
//!
//! # While something is done
//!
//! It may take long, and its own waits are on top of the one in which it is done: that one goes on when it has ended, and not before. So
//! meanwhile the thread is in nobody's way:
//!
//! - It is in no line where what comes free is kept for the first: a wait in such a line leaves it before, and gets in line again afterwards
//!   ([`in_line`]).
//! - It does not count as one who is about to do something for another pool: others that are waited for make a pause ([`Attends::pause`]).
//!
//! # Rules
//!
//! 1. A link is in its thread's chain only while [`while_attending`] runs, from which it is unlinked before it is gone; so what the chain
//!    leads to is there, and nobody else refers to it.

use std::cell::Cell;
use std::iter;
use std::ptr;

use fastthreadpool_core::{AcquireError, Tick};

use crate::sync::looks;
use crate::sync::time::{Deadline, doze, park_by};
use crate::sys;

/// One that has something to do meanwhile. In the middle of one of these functions only the last two are called.
pub(crate) trait Attends {
    /// Whether there is something to be done now, for which the wait is to look again afterwards.
    fn look(&self) -> bool;

    /// Does it, if the last look has found something.
    fn act(&self);

    /// The thread does something else for a while: others are not to count on this one until its next look.
    fn pause(&self);

    /// Sleeps by `park`, after a look that has found nothing: until it is woken, or `until` of the world's clock, or for as long as that look
    /// has said.
    fn rest(&self, until: Tick, park: &mut dyn FnMut(Tick));

    /// Whether the present thread turns the clock of this one by hand, and has done so now, or waits until it may: all others sleep.
    fn goes_on(&self) -> bool;

    /// For whom, by address.
    fn is_for(&self, engine: usize) -> bool;
}

struct Link<'a> {
    attends: &'a dyn Attends,
    /// It is in the middle of something, in which somebody waits.
    is_busy: Cell<bool>,
    below: *const Link<'static>,
}

impl Link<'_> {
    fn busily<R>(&self, f: impl FnOnce(&dyn Attends) -> R) -> R {
        self.is_busy.set(true);
        let result = f(self.attends);
        self.is_busy.set(false);
        result
    }

    fn is_free(&self) -> bool {
        !self.is_busy.get()
    }
}

/// What is done in some other way than by a park. A program in which nobody ever attends to anything has no such functions.
struct Instead {
    park: fn(Deadline<'_>),
    act: fn(),
}

static INSTEAD: Instead = Instead { park: instead, act };

/// The wait of the present thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// It is in no line, or in one that holds up nobody.
    No,
    /// What comes free is kept for it.
    First,
    /// The same, and there is something to be done.
    Called,
}

sys::local! {
    /// The innermost link, if there is one.
    static TOP: Cell<*const Link<'static>> = const { Cell::new(ptr::null()) };
}

sys::local! {
    static PRESENT: Cell<Option<&'static Instead>> = const { Cell::new(None) };
}

sys::local! {
    static LINE: Cell<Line> = const { Cell::new(Line::No) };
}

/// Unlinks the innermost, when dropped.
struct Unlink(*const Link<'static>);

impl Drop for Unlink {
    fn drop(&mut self) {
        TOP.with(|top| top.set(self.0));
        if self.0.is_null() {
            PRESENT.with(|present| present.set(None));
        }
    }
}

/// The wait is one in that line, until dropped.
struct InLine(Line);

impl InLine {
    fn enter(line: Line) -> Self {
        Self(LINE.with(|present| present.replace(line)))
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        LINE.with(|present| present.set(self.0));
    }
}

/// Calls `wait`, in which the thread attends to that instead of parking.
pub(crate) fn while_attending(attends: &dyn Attends, wait: impl FnOnce()) {
    let below = TOP.with(Cell::get);
    let link = Link { attends, is_busy: Cell::new(false), below };
    let _unlink = Unlink(below);
    TOP.with(|top| top.set(ptr::from_ref(&link).cast()));
    PRESENT.with(|present| present.set(Some(&INSTEAD)));
    wait();
}

/// Whether the thread attends to an engine already, in whatever it does instead of the next park.
pub(crate) fn is_attended(engine: usize) -> bool {
    links().any(|link| link.is_free() && link.attends.is_for(engine))
}

/// All, the innermost first. To be used up within the call in which it was made.
fn links<'a>() -> impl Iterator<Item = &'a Link<'a>> {
    // SAFETY: rule 1.
    let link = |link: *const Link<'static>| unsafe { link.cast::<Link<'a>>().as_ref() };
    iter::successors(link(TOP.with(Cell::get)), move |present| link(present.below))
}

/// Does what there is to do instead of a park until the deadline. Returns whether it has; then the caller looks again.
#[inline]
pub(crate) fn instead_of_park(deadline: Deadline<'_>) -> bool {
    let present = PRESENT.with(Cell::get);
    present.inspect(|present| (present.park)(deadline)).is_some()
}

/// Waits by `acquire` in a line where what comes free is kept for the first. That leaves the line with [`AcquireError::TimedOut`] when its clock
/// says so, or the function that it is given, which it asks before each park. What it returns is given back when it is dropped.
pub(crate) fn in_line<R>(
    mut acquire: impl FnMut(&dyn Fn() -> bool) -> Result<R, AcquireError>,
) -> Result<R, AcquireError> {
    let is_called = || LINE.with(Cell::get) == Line::Called;
    loop {
        let (result, is_called) = {
            let _line = InLine::enter(Line::First);
            (acquire(&is_called), is_called())
        };
        match result {
            Ok(_) | Err(AcquireError::TimedOut) if is_called => {
                drop(result);
                PRESENT.with(Cell::get).inspect(|present| (present.act)());
            }
            result => return result,
        }
    }
}

fn instead(deadline: Deadline<'_>) {
    let has_found = {
        let _none = InLine::enter(Line::No);
        look().is_some()
    };
    if !has_found {
        let _none = InLine::enter(Line::No);
        looks::between(|| park_by(deadline, &mut |until| lie_down(TOP.with(Cell::get), deadline, until)));
    } else if LINE.with(Cell::get) == Line::No {
        act();
    } else {
        LINE.with(|line| line.set(Line::Called));
    }
}

/// The first that has something to do.
fn look<'a>() -> Option<&'a Link<'a>> {
    links().find(|link| link.is_free() && link.busily(|attends| attends.look()))
}

fn act() {
    if let Some(found) = look() {
        for other in links().filter(|link| link.is_free() && !ptr::eq(*link, found)) {
            other.busily(|attends| attends.pause());
        }
        found.busily(|attends| attends.act());
    }
}

/// All that attend sleep, the innermost first, and then the thread does.
fn lie_down(link: *const Link<'static>, deadline: Deadline<'_>, until: Tick) {
    // SAFETY: rule 1.
    match unsafe { link.as_ref() } {
        Some(link) if link.is_free() => {
            link.busily(|attends| attends.rest(until, &mut |until| lie_down(link.below, deadline, until)));
        }
        Some(link) => lie_down(link.below, deadline, until),
        None => doze(deadline, until, || links().any(|link| link.attends.goes_on())),
    }
}
