//! What the child of a `fork` is told: that the threads of its pools are not there.
//!
//! In the child only the thread that forked exists, and any lock may be held by one that does not. So the handler that the
//! child runs takes none: it walks a list of registered pointers, of which nothing is ever freed, and calls a function that
//! keeps to atomics. A pointer leaves the list before what it points to is gone.

use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Called in the child, once without a pointer, for what is the process's, and then with each registered one.
///
/// # Safety
///
/// The pointer is null, or one that was registered, and still is.
pub(crate) type OnChild = unsafe fn(*mut ());

/// Pointers of a chunk.
const CHUNK: usize = 32;

struct Chunk {
    pointers: [AtomicPtr<()>; CHUNK],
    next: AtomicPtr<Chunk>,
}

impl Chunk {
    const fn new() -> Self {
        Self { pointers: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNK], next: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The one after this, which is made if it is not there.
    fn next_or_new(&self) -> &'static Self {
        let mut next = self.next.load(Ordering::Acquire);
        if next.is_null() {
            let fresh = Box::into_raw(Box::new(Self::new()));
            match self.next.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => next = fresh,
                Err(other) => {
                    // SAFETY: just made, and shown to nobody.
                    drop(unsafe { Box::from_raw(fresh) });
                    next = other;
                }
            }
        }
        // SAFETY: a chunk that is in the list is never freed.
        unsafe { &*next }
    }
}

/// Pointers, and what is called with them.
struct List {
    first: Chunk,
    on_child: OnceLock<OnChild>,
}

impl List {
    const fn new() -> Self {
        Self { first: Chunk::new(), on_child: OnceLock::new() }
    }

    fn enter(&'static self, pointer: *mut (), on_child: OnChild) -> Forks {
        self.on_child.get_or_init(|| {
            install();
            on_child
        });
        let mut chunk = &self.first;
        loop {
            let free = |place: &&AtomicPtr<()>| {
                place.compare_exchange(ptr::null_mut(), pointer, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            };
            if let Some(place) = chunk.pointers.iter().find(free) {
                return Forks(place);
            }
            chunk = chunk.next_or_new();
        }
    }

    fn tell(&self) {
        let Some(on_child) = self.on_child.get() else { return };
        // SAFETY: null.
        unsafe { on_child(ptr::null_mut()) };
        let mut chunk = &self.first;
        loop {
            for place in &chunk.pointers {
                let pointer = place.load(Ordering::Acquire);
                if !pointer.is_null() {
                    // SAFETY: it is registered: nobody else is here who could take it off the list.
                    unsafe { on_child(pointer) };
                }
            }
            let next = chunk.next.load(Ordering::Acquire);
            if next.is_null() {
                return;
            }
            // SAFETY: a chunk that is in the list is never freed.
            chunk = unsafe { &*next };
        }
    }
}

/// Of the process.
static LIST: List = List::new();

/// A place in the list.
#[derive(Debug)]
pub(crate) struct Forks(&'static AtomicPtr<()>);

impl Forks {
    /// Has `on_child` called with the pointer in the child of every fork, until [`Forks::leave`]. It is the same function for all.
    pub(crate) fn enter(pointer: *mut (), on_child: OnChild) -> Self {
        LIST.enter(pointer, on_child)
    }

    /// What the pointer points to will soon be gone.
    pub(crate) fn leave(&self) {
        self.0.store(ptr::null_mut(), Ordering::Release);
    }
}

#[cfg(all(unix, not(shuttle)))]
fn install() {
    // SAFETY: the handler is one for this place. A process that has no room for one more goes on without.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}

#[cfg(not(all(unix, not(shuttle))))]
fn install() {
    // There is no fork.
    let _ = in_child as extern "C" fn();
}

extern "C" fn in_child() {
    LIST.tell();
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_child_is_told_of_all_that_are_listed_however_many() {
        static TOLD: [AtomicUsize; 3 * CHUNK] = [const { AtomicUsize::new(0) }; 3 * CHUNK];
        static LIST: List = List::new();
        unsafe fn told(pointer: *mut ()) {
            // SAFETY: null, or a pointer of this array, since nobody else enters one into this list.
            if let Some(told) = unsafe { pointer.cast::<AtomicUsize>().as_ref() } {
                told.fetch_add(1, Ordering::Relaxed);
            }
        }
        let enter = |told_of: &'static AtomicUsize| LIST.enter(ptr::from_ref(told_of).cast_mut().cast(), told);
        let places: Vec<_> = TOLD.iter().map(enter).collect();
        LIST.tell();
        places.iter().step_by(2).for_each(Forks::leave);
        LIST.tell();
        let again = enter(&TOLD[0]);
        LIST.tell();
        let counts: Vec<_> = TOLD.iter().map(|told| told.load(Ordering::Relaxed)).collect();
        assert_eq!(counts[..4], [2, 3, 1, 3]);
        again.leave();
        places.iter().for_each(Forks::leave);
    }
}
