//! All slots of an engine. Rules: as in `slot`.

use std::ptr::{self, NonNull};

use crate::engine::Engine;
use crate::engine::doom::CAREFUL;
use crate::engine::slot::Slot;
use crate::sys::Mutex;

/// All of them, and those that are nobody's, for the next group.
pub(crate) struct Slots {
    free: Mutex<Vec<NonNull<Slot>>>,
    all: Mutex<Vec<NonNull<Slot>>>,
}

// SAFETY: slots are shared between threads.
unsafe impl Send for Slots {}
// SAFETY: the same.
unsafe impl Sync for Slots {}

impl Slots {
    pub(crate) const fn new() -> Self {
        Self { free: Mutex::new(Vec::new()), all: Mutex::new(Vec::new()) }
    }

    /// A slot for a group: `owner` and the slots of its ancestors are there as long as it has jobs. `is_careful`: its jobs have
    /// to ask the group before they begin.
    pub(crate) fn take(
        &self,
        engine: &Engine,
        owner: *mut (),
        parent: Option<&Slot>,
        is_fail_fast: bool,
        is_careful: bool,
    ) -> NonNull<Slot> {
        let doom = if is_careful || parent.is_some() { CAREFUL } else { 0 };
        let parent = parent.map_or(ptr::null_mut(), |parent| ptr::from_ref(parent).cast_mut());
        let free = self.free.lock().pop();
        let Some(free) = free else {
            let slot = Slot::new(engine, owner, parent, is_fail_fast, doom);
            let slot = NonNull::from(Box::leak(Box::new(slot)));
            self.all.lock().push(slot);
            return slot;
        };
        // SAFETY: rule 1.
        let slot = unsafe { free.as_ref() };
        slot.pass_on(owner, parent, is_fail_fast, doom);
        free
    }

    /// Says of one, if there is one, what is left in it: for when the engine goes.
    pub(crate) fn unsettled(&self) -> Option<String> {
        // SAFETY: rule 1.
        let all: Vec<&Slot> = self.all.lock().iter().map(|slot| unsafe { slot.as_ref() }).collect();
        all.into_iter().find_map(Slot::unsettled)
    }

    /// A group is gone, and its slot nobody's: all its jobs have ended.
    pub(crate) fn give_back(&self, slot: NonNull<Slot>) {
        self.free.lock().push(slot);
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        for slot in self.all.get_mut().drain(..) {
            // SAFETY: made from a box; the engine goes, and with it whoever could look at a slot.
            drop(unsafe { Box::from_raw(slot.as_ptr()) });
        }
    }
}
