//! Who is the first of several to leave a value.
#![forbid(unsafe_code)]

use std::mem;
use std::sync::Arc;

use crate::sync::packet::Packet;
use crate::sys::Mutex;

/// Who is first, of those that have not dropped out.
pub(crate) struct Race<U> {
    /// The first value; nothing if all have dropped out.
    pub(crate) packet: Arc<Packet<Option<U>>>,
    field: Arc<Mutex<Field>>,
}

struct Field {
    runners: usize,
    is_over: bool,
}

impl<U> Race<U> {
    pub(crate) fn new() -> Self {
        Self { packet: Packet::new(), field: Arc::new(Mutex::new(Field { runners: 0, is_over: false })) }
    }

    /// One more runs.
    pub(crate) fn enter(&self) -> Runner<U> {
        self.field.lock().runners += 1;
        Runner { packet: Arc::clone(&self.packet), field: Arc::clone(&self.field) }
    }

    /// Whether somebody has won, or all have dropped out.
    pub(crate) fn is_over(&self) -> bool {
        self.field.lock().is_over
    }
}

/// A place in the race, until dropped.
pub(crate) struct Runner<U> {
    packet: Arc<Packet<Option<U>>>,
    field: Arc<Mutex<Field>>,
}

impl<U> Runner<U> {
    /// Is the first with its value, unless another was.
    pub(crate) fn wins<E>(self, value: U) -> Option<E> {
        let waiting = {
            let mut field = self.field.lock();
            // There before it is said: who comes too late says so, and then it is looked for.
            (!mem::replace(&mut field.is_over, true)).then(|| self.packet.put(Some(value)))
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
        None
    }
}

impl<U> Drop for Runner<U> {
    fn drop(&mut self) {
        let waiting = {
            let mut field = self.field.lock();
            field.runners -= 1;
            let is_last = field.runners == 0 && !mem::replace(&mut field.is_over, true);
            is_last.then(|| self.packet.put(None))
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}
