//! An allocator that can count. It counts only when asked: a shared counter would slow down whoever allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

static ON: AtomicBool = AtomicBool::new(false);
static BYTES: AtomicI64 = AtomicI64::new(0);
static CALLS: AtomicI64 = AtomicI64::new(0);

/// What a block takes of the heap: what the allocator rounded its size up to, and the word before it.
fn size(block: *mut u8) -> i64 {
    // SAFETY: the block is the system allocator's, or null.
    let usable = unsafe { libc::malloc_usable_size(block.cast()) };
    i64::try_from(usable + mem::size_of::<usize>()).unwrap_or(i64::MAX)
}

fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

fn note(bytes: i64, calls: i64) {
    BYTES.fetch_add(bytes, Ordering::Relaxed);
    CALLS.fetch_add(calls, Ordering::Relaxed);
}

fn note_new(block: *mut u8) -> *mut u8 {
    if is_on() {
        note(size(block), 1);
    }
    block
}

// SAFETY: all is handed on to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        note_new(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        note_new(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_on() {
            note(-size(block), 0);
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if is_on() {
            note(-size(block), 0);
        }
        // SAFETY: the caller's promise.
        note_new(unsafe { System.realloc(block, layout, new_size) })
    }
}

/// What was taken and not given back, and how often something was taken.
pub struct Growth {
    pub bytes: i64,
    pub calls: i64,
}

/// What `f` adds to the heap, of all threads.
pub fn growth(f: impl FnOnce()) -> Growth {
    BYTES.store(0, Ordering::Relaxed);
    CALLS.store(0, Ordering::Relaxed);
    ON.store(true, Ordering::SeqCst);
    f();
    ON.store(false, Ordering::SeqCst);
    Growth { bytes: BYTES.load(Ordering::Relaxed), calls: CALLS.load(Ordering::Relaxed) }
}
