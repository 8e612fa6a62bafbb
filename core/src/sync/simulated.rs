//! The atomics of the target, which tell an observer of each access before it happens: a simulation of many cores lets time
//! pass for it, and other cores go first. They lie in memory as those that ship do, so that lines are shared as they are there.
//!
//! For `--cfg simulated` alone; see `tests/cores`.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

pub(crate) use super::native::Ordering;

/// What is done to memory, as a core of today's x86 sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reads.
    Load,
    /// Writes, at some time later: nobody waits for it.
    Store,
    /// Has the line for itself when all stores before have been done; whatever then becomes of the exchange.
    Locked,
    /// Asks for the line, to write it: a hint.
    Ask,
    /// Touches no memory: passes a moment, as a loop does that waits.
    Pause,
}

/// One access.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// What is done.
    pub operation: Operation,
    /// To the bytes from here on,
    pub address: usize,
    /// so many.
    pub bytes: usize,
}

/// Whom to tell.
static OBSERVER: OnceLock<fn(Access)> = OnceLock::new();

/// From here on `observer` is told of each access, on the thread that is about to do it. The first one stays.
pub fn observe(observer: fn(Access)) {
    let _ = OBSERVER.set(observer);
}

/// Tells of an access to `place`.
#[inline]
pub fn tell<T>(operation: Operation, place: *const T) {
    if let Some(observer) = OBSERVER.get() {
        observer(Access { operation, address: place.addr(), bytes: size_of::<T>() });
    }
}

/// Says where a part of something lies: its name, and what [`tell`] would say of it.
pub(crate) fn name<T>(say: &mut dyn FnMut(&'static str, usize, usize), name: &'static str, part: &T) {
    say(name, core::ptr::from_ref(part).addr(), size_of::<T>());
}

pub(crate) fn spin_loop() {
    tell::<()>(Operation::Pause, core::ptr::null());
}

macro_rules! atomic {
    ($name:ident $(<$t:ident>)?, $value:ty) => {
        /// That of the target, which tells of what is done to it.
        #[derive(Debug)]
        #[repr(transparent)]
        #[allow(unreachable_pub, reason = "in the signature of a trait that is public, though hidden")]
        pub struct $name$(<$t>)?(super::native::$name$(<$t>)?);

        #[allow(dead_code)]
        impl$(<$t>)? $name$(<$t>)? {
            pub(crate) const fn new(value: $value) -> Self {
                Self(super::native::$name::new(value))
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                tell(Operation::Load, self);
                self.0.load(order)
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                let operation = if order == Ordering::SeqCst { Operation::Locked } else { Operation::Store };
                tell(operation, self);
                self.0.store(value, order);
            }

            pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                tell(Operation::Locked, self);
                self.0.swap(value, order)
            }

            pub(crate) fn compare_exchange(
                &self,
                from: $value,
                to: $value,
                order: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                tell(Operation::Locked, self);
                self.0.compare_exchange(from, to, order, failure)
            }

            pub(crate) fn compare_exchange_weak(
                &self,
                from: $value,
                to: $value,
                order: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                // Not weak: on the machine that is simulated it does not fail for nothing.
                self.compare_exchange(from, to, order, failure)
            }

            pub(crate) fn get_mut(&mut self) -> &mut $value {
                self.0.get_mut()
            }
        }
    };
}

atomic!(AtomicUsize, usize);
atomic!(AtomicBool, bool);
atomic!(AtomicPtr<T>, *mut T);

macro_rules! change {
    ($($name:ident)*) => {
        impl AtomicUsize {
            $(pub(crate) fn $name(&self, value: usize, order: Ordering) -> usize {
                tell(Operation::Locked, self);
                self.0.$name(value, order)
            })*
        }
    };
}

change!(fetch_add fetch_sub fetch_or fetch_and);
