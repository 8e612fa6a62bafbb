//! Something that threads wait for: they say so, look, and park; who makes it true looks whether anybody waits.
#![forbid(unsafe_code)]

use crate::sync::time::{Deadline, park};
use crate::sys::Mutex;
use crate::sys::atomic::{AtomicUsize, Ordering};
use crate::sys::thread::{self, Thread};

#[derive(Debug, Default)]
pub(crate) struct Event {
    /// The length of the list: read by those who notify, without the lock.
    count: AtomicUsize,
    waiters: Mutex<Vec<Thread>>,
}

/// The present thread's place on the lists of some events, until dropped.
struct Waiting<'e>(&'e [&'e Event]);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let this = thread::current().id();
        for event in self.0 {
            let mut waiters = event.waiters.lock();
            if let Some(index) = waiters.iter().position(|waiter| waiter.id() == this) {
                drop(waiters.swap_remove(index));
                event.count.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}

impl Event {
    /// Wakes everybody who waits, to look again. The caller has made true what they wait for by a sequentially consistent
    /// operation, or has passed a barrier that they pass too.
    #[inline]
    pub(crate) fn notify(&self) {
        if self.count.load(Ordering::SeqCst) > 0 {
            self.notify_slow();
        }
    }

    #[cold]
    fn notify_slow(&self) {
        // One by one, since whoever wakes wants the lock; from the end, since who leaves is replaced by the last one, which
        // has been woken by then; and who comes meanwhile looks for itself.
        let mut next = self.waiters.lock().len();
        while next > 0 {
            next -= 1;
            let waiter = self.waiters.lock().get(next).cloned();
            if let Some(waiter) = waiter {
                waiter.unpark();
            }
        }
    }

    /// Waits until `ready` returns something, or until the deadline. `ready` is asked at once and after each notification
    /// of any of the events.
    pub(crate) fn wait_any<T>(
        events: &[&Self],
        deadline: Deadline<'_>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        if let Some(result) = ready() {
            return Some(result);
        }
        for event in events {
            let mut waiters = event.waiters.lock();
            waiters.push(thread::current());
            event.count.fetch_add(1, Ordering::SeqCst);
        }
        let _waiting = Waiting(events);
        loop {
            if let Some(result) = ready() {
                return Some(result);
            }
            if !park(deadline) {
                return None;
            }
        }
    }

    /// [`Event::wait_any`] for one event and a condition.
    pub(crate) fn wait(&self, deadline: Deadline<'_>, mut ready: impl FnMut() -> bool) -> bool {
        Self::wait_any(&[self], deadline, || ready().then_some(())).is_some()
    }
}
