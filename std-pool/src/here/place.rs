//! Where the present thread forks, while it is in the middle of a join.
//!
//! # Rules
//!
//! 1. A place is said by [`AtPlace`], which borrows what it names, and taken back when that is dropped. So whoever finds one finds a
//!    frame, a desk and an engine that are there.
//! 2. It is of one frame. In any that is inside of that the thread is not in the middle of this join.

use std::cell::Cell;
use std::ptr::{self, NonNull};

use fastthreadpool_core::{Desk, ForkGate, NO_SEAT};

use crate::here::frame::{self, Address, Frame};
use crate::sys;

#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) frame: *const Frame,
    pub(crate) engine: Address,
    desk: NonNull<Desk>,
    /// The number of the desk.
    pub(crate) number: usize,
}

/// The same, each part by itself.
struct Parts {
    frame: Cell<*const Frame>,
    engine: Cell<Address>,
    // Not as a pointer: it would be asked once more whether there is one.
    desk: Cell<NonNull<Desk>>,
    number: Cell<usize>,
}

sys::local! {
    static PLACE: Parts = const {
        Parts {
            // No frame is there.
            frame: Cell::new(ptr::dangling()),
            engine: Cell::new(Address::NONE),
            desk: Cell::new(NonNull::dangling()),
            number: Cell::new(NO_SEAT),
        }
    };
}

impl Place {
    /// The present thread's, of whatever frame.
    pub(crate) fn get() -> Self {
        PLACE.with(|parts| Self {
            frame: parts.frame.get(),
            engine: parts.engine.get(),
            desk: parts.desk.get(),
            number: parts.number.get(),
        })
    }

    fn set(self) {
        PLACE.with(|parts| {
            parts.frame.set(self.frame);
            parts.engine.set(self.engine);
            parts.desk.set(self.desk);
            parts.number.set(self.number);
        });
    }
}

/// Whether what runs here is in the middle of a join of `engine`, or of any, and that shows nothing more for now.
#[inline(always)]
pub(crate) fn is_shut(engine: Option<Address>) -> bool {
    frame::gate(|gate| engine.map_or_else(|| gate.is_shut(), |engine| gate.is_shut_by(engine.number())))
}

/// The desk where what runs here forks, if it is in the middle of a join; of `engine` if that matters.
///
/// # Safety
///
/// For the lifetime that is chosen the caller stays inside of what it is inside of.
#[inline(never)]
pub(crate) unsafe fn desk<'f>(engine: Option<Address>) -> Option<&'f Desk> {
    let place = frame::joins().then(Place::get)?;
    let is_it = engine.is_none_or(|engine| place.engine == engine);
    // SAFETY: rule 1, and the caller's promise.
    if is_it { Some(unsafe { place.desk.as_ref() }) } else { None }
}

/// It forks there, until dropped.
pub(crate) struct AtPlace<'f> {
    pub(crate) desk: &'f Desk,
    engine: Address,
    place_before: Place,
    was_eager: bool,
    _gate_before: Before,
}

impl<'f> AtPlace<'f> {
    /// A frame, which is the innermost, and the desk of that number.
    pub(crate) fn new(frame: &'f Frame, desk: &'f Desk, number: usize) -> Self {
        let engine = frame.engine;
        let (place_before, gate_before) = (Place::get(), frame::set_gate(desk.gate()));
        Place { frame, engine, desk: NonNull::from(desk), number }.set();
        Self { desk, engine, place_before, was_eager: desk.is_eager(), _gate_before: Before(gate_before) }
    }

    /// Calls a function that shows nothing, if so it is to be.
    pub(crate) fn quietly<R>(&self, is_quiet: bool, function: impl FnOnce() -> R) -> R {
        if !is_quiet {
            return function();
        }
        let gate = ForkGate::shut(self.engine.number());
        let _before = Before(frame::set_gate(&raw const gate));
        function()
    }
}

/// The gate that was the thread's before, and is again when this is dropped: sooner than the other gate, even by a panic.
struct Before(*const ForkGate);

impl Drop for Before {
    fn drop(&mut self) {
        frame::set_gate(self.0);
    }
}

impl Drop for AtPlace<'_> {
    fn drop(&mut self) {
        self.place_before.set();
        self.desk.set_eager(self.was_eager);
    }
}
