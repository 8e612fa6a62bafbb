//! A clock that a test sets, and that goes with the ticks otherwise.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastthreadpool_core::Tick;

use super::{Clock, Reading, Watch};
use crate::sync::event::Event;
use crate::sync::time::WORLD;
use crate::sys::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sys::{self, Mutex};

/// Such a clock, and its only watch.
pub(crate) struct Hand(Arc<Inner>);

struct Inner {
    /// What it would have said at the first tick.
    zero: Mutex<SystemTime>,
    is_set: AtomicBool,
    is_interrupted: AtomicBool,
    changed: Event,
    watches: AtomicUsize,
}

impl Hand {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Arc::new(Inner {
            zero: Mutex::new(UNIX_EPOCH + Duration::from_secs(1 << 31)),
            is_set: AtomicBool::new(false),
            is_interrupted: AtomicBool::new(false),
            changed: Event::default(),
            watches: AtomicUsize::new(0),
        })))
    }

    /// So long from now.
    pub(crate) fn after(&self, duration: Duration) -> SystemTime {
        self.read().time + duration
    }

    /// When it will say `time`.
    #[cfg(not(shuttle))]
    pub(crate) fn tick_at(&self, time: SystemTime) -> Tick {
        self.read().tick_at(time)
    }

    pub(crate) fn set_forward(&self, by: Duration) {
        self.set(|zero| zero + by);
    }

    #[cfg(not(shuttle))]
    pub(crate) fn set_back(&self, by: Duration) {
        self.set(|zero| zero - by);
    }

    fn set(&self, change: impl FnOnce(SystemTime) -> SystemTime) {
        {
            let mut zero = self.0.zero.lock();
            *zero = change(*zero);
        }
        self.0.is_set.store(true, Ordering::SeqCst);
        self.0.changed.notify();
    }

    /// Whether somebody wants to know when it is set.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.watches.load(Ordering::SeqCst) > 0
    }
}

impl Clock for Hand {
    fn read(&self) -> Reading {
        let tick = sys::now();
        Reading { tick, time: *self.0.zero.lock() + Duration::from_nanos(tick.0) }
    }

    fn watch(&self) -> Arc<dyn Watch> {
        self.0.watches.fetch_add(1, Ordering::SeqCst);
        Arc::new(Watching(Arc::clone(&self.0)))
    }
}

/// Until dropped.
struct Watching(Arc<Inner>);

impl Watch for Watching {
    fn wait(&self, until: Tick) -> bool {
        let flags = [&self.0.is_set, &self.0.is_interrupted];
        self.0.changed.wait(WORLD.until(until), || flags.iter().any(|flag| flag.load(Ordering::SeqCst)));
        self.0.is_interrupted.store(false, Ordering::SeqCst);
        self.0.is_set.swap(false, Ordering::SeqCst)
    }

    fn interrupt(&self) {
        self.0.is_interrupted.store(true, Ordering::SeqCst);
        self.0.changed.notify();
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.watches.fetch_sub(1, Ordering::SeqCst);
    }
}
