//! The world as it is.

use std::ptr;
pub(crate) use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};
pub(crate) use std::thread_local as local;
use std::time::{Duration, Instant};

use fastthreadpool_core::Tick;

#[cfg(feature = "simulation")]
use crate::sys::simulated;
use crate::sys::{point, world};
pub(crate) use parking_lot::{Mutex, RawMutex};

pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering};
}

pub(crate) mod thread {
    pub(crate) use std::thread::{ThreadId, panicking};

    #[cfg(feature = "simulation")]
    pub(crate) use crate::sys::simulated::{
        Builder, JoinHandle, Thread, available_parallelism, current, park, yield_now,
    };
    #[cfg(not(feature = "simulation"))]
    pub(crate) use crate::sys::world::{Builder, JoinHandle, Thread, available_parallelism, current, park, yield_now};

    /// To join it takes no time.
    pub(crate) fn is_over(handle: &JoinHandle<()>) -> bool {
        handle.is_finished()
    }
}

/// A value of the process, made by the first who asks, and never freed.
pub(crate) struct Global<T: Sync + 'static> {
    value: AtomicPtr<T>,
    make: fn() -> T,
}

impl<T: Sync> Global<T> {
    pub(crate) const fn new(make: fn() -> T) -> Self {
        Self { value: AtomicPtr::new(ptr::null_mut()), make }
    }

    pub(crate) fn get(&'static self) -> &'static T {
        let mut value = self.value.load(Ordering::Acquire);
        if value.is_null() {
            let fresh = Box::into_raw(Box::new((self.make)()));
            match self.value.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => value = fresh,
                Err(other) => {
                    // SAFETY: just made, and shown to nobody.
                    drop(unsafe { Box::from_raw(fresh) });
                    value = other;
                }
            }
        }
        // SAFETY: never freed.
        unsafe { &*value }
    }

    /// If somebody has asked.
    pub(crate) fn made(&'static self) -> Option<&'static T> {
        // SAFETY: never freed.
        unsafe { self.value.load(Ordering::Acquire).as_ref() }
    }

    /// The next who asks makes another.
    pub(crate) fn forget(&self) {
        self.value.store(ptr::null_mut(), Ordering::Release);
    }
}

/// Where the ticks begin: some time before anything is measured, so that no instant of interest lies before it.
fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(|| {
        let now = Instant::now();
        now.checked_sub(Duration::from_secs(3600)).unwrap_or(now)
    })
}

/// The present time, in nanoseconds.
pub(crate) fn now() -> Tick {
    #[cfg(feature = "simulation")]
    if let Some(now) = simulated::now() {
        return now;
    }
    tick(Instant::now())
}

/// An instant as a tick; what lies outside the range is cut off at its end.
pub(crate) fn tick(instant: Instant) -> Tick {
    Tick(super::nanos(instant.saturating_duration_since(origin())))
}

/// A tick as an instant; `None` for the end of time.
pub(crate) fn instant(tick: Tick) -> Option<Instant> {
    (tick < Tick::MAX).then(|| origin().checked_add(Duration::from_nanos(tick.0)))?
}

/// Parks the present thread until it is woken, or until the clock has reached `deadline`; or for no reason.
pub(crate) fn park_until(deadline: Tick) {
    #[cfg(feature = "simulation")]
    if simulated::park_until(deadline) {
        return;
    }
    match instant(deadline) {
        Some(deadline) => world::park_timeout(deadline.saturating_duration_since(Instant::now())),
        None => thread::park(),
    }
}

/// User code is about to run.
#[inline(always)]
pub(crate) fn assert_unlocked() {
    point();
}
