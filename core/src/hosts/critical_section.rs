//! A raw mutex that masks interrupts, through whatever `critical-section` implementation the final binary brings.
//!
//! # Rules
//!
//! 1. *Inside is alone.* Between `critical_section::acquire` and `release` no other context runs that respects critical
//!    sections; so the cells are touched by one context at a time.
//! 2. *Held is inside.* The mutex is held exactly from an `acquire` to its `release`, in one context, as long as these nest: the guards are not
//!    `Send`, and the crate never holds two of these mutexes. Who locks one by hand has to see to that: a guard cannot know of others.
//!
//! # Order
//!
//! `critical-section` promises the order of a lock: what was done inside is seen inside.

use core::cell::Cell;
use core::fmt;

use critical_section::RestoreState;
use lock_api::{GuardNoSend, RawMutex};

/// A mutex that masks interrupts while it is held, on one core or, if the implementation of `critical-section` locks the
/// cores against each other, on several.
///
/// This is [`Host::Mutex`](crate::Host::Mutex) for a microcontroller whose interrupt handlers call into the pool: a
/// handler never has to wait for what it interrupted.
///
/// It is not reentrant: to lock it again while it is held panics. Hold it for a few instructions only. Used by hand, its
/// guards must be dropped in reverse order, as critical sections nest; this crate never holds two.
///
/// ```
/// use fastthreadpool_core::hosts::CriticalSectionMutex;
/// # mod on_a_host_with_one_thread {
/// #     struct Alone;
/// #     critical_section::set_impl!(Alone);
/// #     unsafe impl critical_section::Impl for Alone {
/// #         unsafe fn acquire() {}
/// #         unsafe fn release(_: critical_section::RawRestoreState) {}
/// #     }
/// # }
///
/// static COUNT: lock_api::Mutex<CriticalSectionMutex, u32> = lock_api::Mutex::new(0);
///
/// let mut count = COUNT.lock();
/// *count += 1;
/// assert!(COUNT.try_lock().is_none());
/// drop(count);
/// assert_eq!(*COUNT.lock(), 1);
/// ```
pub struct CriticalSectionMutex {
    is_held: Cell<bool>,
    /// What the holder's `release` is to restore.
    restore: Cell<RestoreState>,
}

// SAFETY: rule 1, the cells are touched inside a critical section only.
unsafe impl Sync for CriticalSectionMutex {}

// SAFETY: rule 2, who holds the mutex is inside, and by rule 1 alone there; who comes in and finds it held does not get
// it.
unsafe impl RawMutex for CriticalSectionMutex {
    type GuardMarker = GuardNoSend;

    const INIT: Self = Self { is_held: Cell::new(false), restore: Cell::new(RestoreState::invalid()) };

    // Not inlined: a pool locks in a dozen places, and code is dearer here than the calls.
    #[inline(never)]
    fn lock(&self) {
        // Inside is alone: whoever holds it is the very context that asks.
        assert!(self.try_lock(), "a critical-section mutex was locked again by the context that holds it");
    }

    #[inline]
    fn try_lock(&self) -> bool {
        // SAFETY: released below, or in `unlock` by the same context.
        let restore = unsafe { critical_section::acquire() };
        if self.is_held.replace(true) {
            // SAFETY: pairs with the `acquire` above.
            unsafe { critical_section::release(restore) };
            return false;
        }
        self.restore.set(restore);
        true
    }

    #[inline(never)]
    unsafe fn unlock(&self) {
        let restore = self.restore.get();
        self.is_held.set(false);
        // SAFETY: the caller holds the mutex; rule 2, so this pairs with the `acquire` of `try_lock`.
        unsafe { critical_section::release(restore) };
    }

    #[inline]
    fn is_locked(&self) -> bool {
        critical_section::with(|_| self.is_held.get())
    }
}

impl fmt::Debug for CriticalSectionMutex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CriticalSectionMutex").finish_non_exhaustive()
    }
}
