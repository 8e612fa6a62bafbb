//! What is kept for the next who needs the like: until a pool has needed nothing for long.
#![forbid(unsafe_code)]

use std::any::Any;
use std::mem;

use crate::sys::{self, Global, Mutex};

/// Things that are kept at most: those who need one at a time.
const MOST: usize = 8;

/// The one that was kept last is the last.
type Things = Vec<Box<dyn Any + Send>>;

static SPARE: Global<Mutex<Things>> = Global::new(|| Mutex::new(Vec::new()));

/// One that fits, if there is one.
pub(crate) fn take<T: Any + Send>(fits: impl Fn(&T) -> bool) -> Option<Box<T>> {
    if sys::is_simulated() {
        // Whatever others have left is not the seed's.
        return None;
    }
    let mut things = SPARE.made()?.lock();
    let place = things.iter().rposition(|thing| thing.downcast_ref().is_some_and(&fits))?;
    let thing = things.swap_remove(place);
    drop(things);
    thing.downcast().ok()
}

/// Somebody needs it no more.
pub(crate) fn keep(thing: Box<dyn Any + Send>) {
    if sys::is_simulated() {
        return;
    }
    let mut things = SPARE.get().lock();
    let surplus = if things.len() < MOST { None } else { Some(things.swap_remove(0)) };
    things.push(thing);
    drop(things);
    drop(surplus);
}

/// Drops what is kept when a pool has needed nothing for `long`; what others have needed, too. Returns whether there would be something.
pub(crate) fn trim(long: bool) -> bool {
    let Some(things) = SPARE.made() else { return false };
    let mut things = things.lock();
    if !long {
        return !things.is_empty();
    }
    let dropped = mem::take(&mut *things);
    // Not under the lock.
    drop(things);
    drop(dropped);
    false
}

/// In the child of a fork, where the list may be locked by a thread that is not there.
pub(crate) fn forget() {
    SPARE.forget();
}
