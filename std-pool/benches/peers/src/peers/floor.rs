//! What no pool can beat: a ring between one producer and one consumer, which runs the closures where they lie.
//!
//! No ids, no cancelling, no sleeping, no second worker, no panics: only the way of 64 bytes from one core to another.

use std::hint;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::Executor;

const SLOTS: usize = 1024;
const WORDS: usize = 6;

#[repr(align(64))]
struct Slot {
    full: AtomicBool,
    cell: std::cell::UnsafeCell<(MaybeUninit<[usize; WORDS]>, unsafe fn(*mut u8))>,
}

struct Ring {
    slots: [Slot; SLOTS],
    ends: AtomicBool,
}

// SAFETY: `full` hands each cell from the producer to the consumer (release, acquire) and back.
unsafe impl Sync for Ring {}

/// For one producer: `execute` from one thread only.
pub struct Floor {
    ring: Arc<Ring>,
    next: AtomicUsize,
}

unsafe fn run<F: FnOnce()>(f: *mut u8) {
    // SAFETY: the cell holds an `F`, once.
    unsafe { f.cast::<F>().read()() };
}

impl Executor for Floor {
    const NAME: &'static str = "bare ring";

    fn new(_: usize) -> Self {
        unsafe fn nothing(_: *mut u8) {}
        let slot =
            |_| Slot { full: AtomicBool::new(false), cell: (MaybeUninit::uninit(), nothing as unsafe fn(_)).into() };
        let ring = Arc::new(Ring { slots: std::array::from_fn(slot), ends: AtomicBool::new(false) });
        let inner = Arc::clone(&ring);
        thread::spawn(move || {
            for position in 0.. {
                let slot = &inner.slots[position % SLOTS];
                let mut looks = 0_u32;
                while !slot.full.load(Ordering::Acquire) {
                    if inner.ends.load(Ordering::Relaxed) {
                        return;
                    }
                    looks += 1;
                    if looks < 100 { hint::spin_loop() } else { thread::yield_now() }
                }
                // SAFETY: full, so the cell is this thread's and holds a closure.
                unsafe {
                    let cell = &mut *slot.cell.get();
                    (cell.1)(cell.0.as_mut_ptr().cast());
                }
                slot.full.store(false, Ordering::Release);
            }
        });
        Self { ring, next: AtomicUsize::new(0) }
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, f: F) {
        assert!(size_of::<F>() <= size_of::<[usize; WORDS]>() && align_of::<F>() <= align_of::<usize>());
        let position = self.next.load(Ordering::Relaxed);
        self.next.store(position + 1, Ordering::Relaxed);
        let slot = &self.ring.slots[position % SLOTS];
        while slot.full.load(Ordering::Acquire) {
            hint::spin_loop();
        }
        // SAFETY: not full, so the cell is the producer's, and the closure fits.
        unsafe {
            let cell = &mut *slot.cell.get();
            cell.0.as_mut_ptr().cast::<F>().write(f);
            cell.1 = run::<F>;
        }
        slot.full.store(true, Ordering::Release);
    }

    fn finish(self) {}
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.ring.ends.store(true, Ordering::Relaxed);
    }
}
