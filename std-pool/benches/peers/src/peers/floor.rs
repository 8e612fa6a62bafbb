//! What no pool can beat: the least that has to be done, without what makes it a pool.

use std::cell::{Cell, UnsafeCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::spin_loop;
use std::mem::{self, MaybeUninit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::capability::{Admits, Executor, Maps};
use crate::peer::Peer;
use crate::peers::channels::Crew;

const SLOTS: usize = 1 << 10;
const INLINE: usize = 48;
/// Hints between two looks: each look takes the other's cache line away, so that who looks all the time slows both down.
const PAUSE: usize = 64;
/// Looks that find nothing before the processor is given away.
const LOOKS: usize = 16;

/// One cache line: a closure and how to call it.
#[repr(align(64))]
struct Slot {
    is_full: AtomicBool,
    call: UnsafeCell<unsafe fn(*mut u8)>,
    closure: UnsafeCell<MaybeUninit<[u64; INLINE / 8]>>,
}

struct Slots {
    ring: Vec<Slot>,
    is_closed: AtomicBool,
}

// SAFETY: the one producer touches a slot while it is not full, the one consumer while it is; the flag hands it over.
unsafe impl Sync for Slots {}

/// Calls the closure in its place.
///
/// # Safety
///
/// `place` holds an `F`, which is gone afterwards.
unsafe fn call<F: FnOnce()>(place: *mut u8) {
    // SAFETY: the caller's promise.
    let closure = unsafe { place.cast::<F>().read() };
    closure();
}

/// A bare ring: one producer, one consumer, which never sleeps, closures called in place. Waits when it is full.
pub struct Ring {
    slots: Arc<Slots>,
    next: Cell<usize>,
    _crew: Closing,
}

/// Tells the consumer to end, then joins it.
struct Closing(Arc<Slots>, Option<Crew>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.is_closed.store(true, Ordering::Release);
        self.1.take();
    }
}

fn look_until(mut found: impl FnMut() -> bool) {
    for look in 1.. {
        if found() {
            return;
        }
        if look % LOOKS == 0 { thread::yield_now() } else { (0..PAUSE).for_each(|_| spin_loop()) }
    }
}

impl Slots {
    fn consume(&self) {
        for slot in self.ring.iter().cycle() {
            let mut is_full = false;
            look_until(|| {
                is_full = slot.is_full.load(Ordering::Acquire);
                is_full || self.is_closed.load(Ordering::Acquire)
            });
            if !is_full {
                return;
            }
            // SAFETY: the slot is full, so it is the consumer's, and `call` was stored with the closure.
            unsafe { (*slot.call.get())(slot.closure.get().cast()) };
            slot.is_full.store(false, Ordering::Release);
        }
    }
}

impl Executor for Ring {
    const PEER: Peer = Peer::Floor;

    fn new(_: usize) -> Self {
        let slot = || Slot {
            is_full: AtomicBool::new(false),
            call: UnsafeCell::new(call::<fn()>),
            closure: UnsafeCell::new(MaybeUninit::uninit()),
        };
        let ring = std::iter::repeat_with(slot).take(SLOTS).collect();
        let slots = Arc::new(Slots { ring, is_closed: AtomicBool::new(false) });
        let consumer = Arc::clone(&slots);
        let crew = Crew::new(1, move || consumer.consume());
        Self { slots: Arc::clone(&slots), next: Cell::new(0), _crew: Closing(slots, Some(crew)) }
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        if mem::size_of::<F>() > INLINE || mem::align_of::<F>() > mem::align_of::<u64>() {
            let boxed: Box<dyn FnOnce() + Send> = Box::new(job);
            return self.execute(boxed);
        }
        let slot = &self.slots.ring[self.next.get()];
        self.next.set((self.next.get() + 1) % SLOTS);
        look_until(|| !slot.is_full.load(Ordering::Acquire));
        // SAFETY: the slot is not full, so it is the producer's: the only one, as `Ring` is not `Sync`; the closure fits.
        unsafe {
            *slot.call.get() = call::<F>;
            slot.closure.get().cast::<F>().write(job);
        }
        slot.is_full.store(true, Ordering::Release);
    }
}

/// Two atomic operations on one word, which keep nobody out.
pub struct TwoAtomics(AtomicUsize);

impl Admits for TwoAtomics {
    const PEER: Peer = Peer::Floor;

    fn new(permits: usize) -> Self {
        Self(AtomicUsize::new(permits))
    }

    fn pass<R>(&self, inside: impl FnOnce() -> R) -> R {
        self.0.fetch_sub(1, Ordering::Acquire);
        let result = inside();
        self.0.fetch_add(1, Ordering::Release);
        result
    }
}

/// The plain loop.
pub struct Loop;

impl Maps for Loop {
    const PEER: Peer = Peer::Floor;
    type Output = Vec<u64>;

    fn new(_: usize) -> Self {
        Self
    }

    fn map<F: Fn(&u64) -> u64 + Send + Sync>(&self, items: &[u64], f: F) -> Vec<u64> {
        items.iter().map(f).collect()
    }

    fn sum(output: Vec<u64>) -> u64 {
        output.into_iter().sum()
    }
}

/// A binary heap of deadlines: no thread, no jobs, and no way to cancel but to pop.
#[derive(Default)]
pub struct Heap(BinaryHeap<Reverse<(Instant, u64)>>);

impl Heap {
    pub fn push(&mut self, due: Instant, number: u64) {
        self.0.push(Reverse((due, number)));
    }

    pub fn pop(&mut self) -> Option<u64> {
        self.0.pop().map(|Reverse((_, number))| number)
    }
}
