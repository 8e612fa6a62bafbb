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

use crate::algorithms;
use crate::capability::{Admits, Executor, Joins, Maps};
use crate::peer::Peer;
use crate::peers::channels::Crew;

const SLOTS: usize = 1 << 12;
const INLINE: usize = 48;
/// Hints between two looks: each look takes the other's cache line away, so that who looks all the time slows both down.
const PAUSE: usize = 64;
/// Looks that find nothing before the processor is given away.
const LOOKS: usize = 16;

/// A closure and how to call it, in one cache line.
#[repr(align(64))]
struct Slot {
    call: unsafe fn(*mut u8),
    closure: MaybeUninit<[u64; INLINE / 8]>,
}

/// Alone on its cache line.
#[derive(Default)]
#[repr(align(128))]
struct Position(AtomicUsize);

struct Slots {
    ring: Vec<UnsafeCell<Slot>>,
    /// Up to where there are closures.
    written: Position,
    /// Up to where they have been called.
    called: Position,
    is_closed: AtomicBool,
}

// SAFETY: the one consumer touches the slots between `called` and `written`, the one producer the others.
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

fn look_until(mut found: impl FnMut() -> bool) {
    for look in 1.. {
        if found() {
            return;
        }
        if look % LOOKS == 0 { thread::yield_now() } else { (0..PAUSE).for_each(|_| spin_loop()) }
    }
}

impl Slots {
    fn slot(&self, position: usize) -> *mut Slot {
        self.ring[position % SLOTS].get()
    }

    fn consume(&self) {
        let (mut called, mut written) = (0, 0);
        loop {
            look_until(|| {
                written = self.written.0.load(Ordering::Acquire);
                written != called || self.is_closed.load(Ordering::Acquire)
            });
            if written == called {
                return;
            }
            for position in called..written {
                let slot = self.slot(position);
                // SAFETY: the slot is the consumer's, and `call` was stored with the closure.
                unsafe { ((*slot).call)((&raw mut (*slot).closure).cast()) };
            }
            called = written;
            self.called.0.store(called, Ordering::Release);
        }
    }
}

/// A bare ring: one producer, one consumer, which never sleeps, closures called in place. Waits when it is full.
pub struct Ring {
    slots: Arc<Slots>,
    next: Cell<usize>,
    /// Up to where the slots are known to be free again.
    free: Cell<usize>,
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

impl Ring {
    pub const SLOTS: usize = SLOTS;
}

impl Executor for Ring {
    const PEER: Peer = Peer::Floor;

    fn new(_: usize) -> Self {
        let slot = || UnsafeCell::new(Slot { call: call::<fn()>, closure: MaybeUninit::uninit() });
        let ring = std::iter::repeat_with(slot).take(SLOTS).collect();
        let (written, called) = (Position::default(), Position::default());
        let slots = Arc::new(Slots { ring, written, called, is_closed: AtomicBool::new(false) });
        let consumer = Arc::clone(&slots);
        let crew = Closing(Arc::clone(&slots), Some(Crew::new(1, move || consumer.consume())));
        Self { slots, next: Cell::new(0), free: Cell::new(SLOTS), _crew: crew }
    }

    fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        if mem::size_of::<F>() > INLINE || mem::align_of::<F>() > mem::align_of::<u64>() {
            let boxed: Box<dyn FnOnce() + Send> = Box::new(job);
            return self.execute(boxed);
        }
        let next = self.next.get();
        look_until(|| {
            let is_free = next < self.free.get();
            if !is_free {
                self.free.set(self.slots.called.0.load(Ordering::Acquire) + SLOTS);
            }
            is_free
        });
        let slot = self.slots.slot(next);
        // SAFETY: the slot is free, so it is the producer's: the only one, as `Ring` is not `Sync`; the closure fits.
        unsafe {
            (*slot).call = call::<F>;
            (&raw mut (*slot).closure).cast::<F>().write(job);
        }
        self.next.set(next + 1);
        self.slots.written.0.store(next + 1, Ordering::Release);
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

    fn new(_: usize) -> Self {
        Self
    }

    fn map<R: Send, F: Fn(&u64) -> R + Send + Sync>(&self, items: &[u64], f: F) -> Vec<R> {
        items.iter().map(f).collect()
    }
}

/// The plain recursion, in the same order.
pub struct Alone;

impl Joins for Alone {
    const PEER: Peer = Peer::Floor;

    fn new(_: usize) -> Self {
        Self
    }
}

algorithms! {
    Alone, ():
    enter |_, run| run(()),
    join |(), a, b| (a(()), b(())),
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
