//! Where the present thread forks, while it is in the middle of a join.
//!
//! # Rules
//!
//! 1. A place is said by [`AtPlace`], which borrows what it names, and taken back when that is dropped. So whoever finds one finds a
//!    frame, a desk and an engine that are there.
//! 2. It is of one frame. In any that is inside of that the thread is not in the middle of this join.

use std::cell::Cell;
use std::ptr::{self, NonNull};

use fastthreadpool_core::{Desk, NO_SEAT};

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

/// The same, each part by itself: who joins inside of a join looks at two or three.
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

/// The desk where what runs here forks, if it is in the middle of a join; of `engine` if that matters.
///
/// # Safety
///
/// For the lifetime that is chosen the caller stays inside of what it is inside of.
#[inline(always)]
pub(crate) unsafe fn desk<'f>(engine: Option<Address>) -> Option<&'f Desk> {
    let joins = frame::joins();
    let is_it = engine.map_or(joins != Address::NONE, |engine| joins == engine);
    // SAFETY: rule 1, and the caller's promise.
    if is_it { Some(unsafe { PLACE.with(|parts| parts.desk.get()).as_ref() }) } else { None }
}

/// It forks there, until dropped.
pub(crate) struct AtPlace<'f> {
    pub(crate) desk: &'f Desk,
    before: (Place, Address),
}

impl<'f> AtPlace<'f> {
    /// A frame, which is the innermost, and the desk of that number.
    pub(crate) fn new(frame: &'f Frame, desk: &'f Desk, number: usize) -> Self {
        let before = (Place::get(), frame::set_joins(frame.engine));
        Place { frame, engine: frame.engine, desk: NonNull::from(desk), number }.set();
        Self { desk, before }
    }
}

impl Drop for AtPlace<'_> {
    fn drop(&mut self) {
        let (place, joins) = self.before;
        place.set();
        frame::set_joins(joins);
    }
}
