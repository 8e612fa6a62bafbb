//! The one place that knows which atomics and which cell are in use: those of the target, or the model checker's.
//!
//! Everything else in the crate names atomics through here, so that the code that ships is the code that is checked.

#[cfg(not(loom))]
mod plain {
    pub(crate) use core::hint::spin_loop;
    #[cfg(feature = "alloc")]
    pub(crate) use portable_atomic::AtomicPtr;
    pub(crate) use portable_atomic::{AtomicBool, AtomicUsize, Ordering};

    /// A look whose result only starts an exchange: one that is stale makes the exchange fail, and no more.
    #[inline(always)]
    pub(crate) fn seed(atomic: &AtomicUsize) -> usize {
        atomic.load(Ordering::Relaxed)
    }

    /// [`core::cell::UnsafeCell`] in the shape of loom's, which wants to see where an access begins and ends.
    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(core::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

#[cfg(loom)]
mod plain {
    pub(crate) use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};

    /// loom knows no sequentially consistent loads and stores, it takes them for acquire and release. Read-modify-writes
    /// see the latest value, and so do for this crate's arguments what sequentially consistent accesses do.
    macro_rules! atomic {
        ($name:ident $(<$t:ident>)?, $value:ty) => {
            #[derive(Debug)]
            #[allow(unreachable_pub, reason = "in the signature of a trait that is public, though hidden")]
            pub struct $name$(<$t>)?(loom::sync::atomic::$name$(<$t>)?);

            #[allow(dead_code)]
            impl$(<$t>)? $name$(<$t>)? {
                #[track_caller]
                pub(crate) fn new(value: $value) -> Self {
                    Self(loom::sync::atomic::$name::new(value))
                }

                #[track_caller]
                pub(crate) fn load(&self, order: Ordering) -> $value {
                    match order {
                        Ordering::SeqCst => {
                            let same = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, Some);
                            same.unwrap_or_else(|value| value)
                        }
                        order => self.0.load(order),
                    }
                }

                #[track_caller]
                pub(crate) fn store(&self, value: $value, order: Ordering) {
                    match order {
                        Ordering::SeqCst => _ = self.0.swap(value, Ordering::AcqRel),
                        order => self.0.store(value, order),
                    }
                }

                #[track_caller]
                pub(crate) fn compare_exchange(
                    &self,
                    from: $value,
                    to: $value,
                    order: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.0.compare_exchange(from, to, order, failure)
                }

                #[track_caller]
                pub(crate) fn compare_exchange_weak(
                    &self,
                    from: $value,
                    to: $value,
                    order: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    // Not weak: a spurious failure only makes the loop go around once more.
                    self.0.compare_exchange(from, to, order, failure)
                }
            }
        };
    }

    atomic!(AtomicUsize, usize);
    #[cfg(feature = "alloc")]
    atomic!(AtomicPtr<T>, *mut T);

    impl AtomicUsize {
        #[track_caller]
        pub(crate) fn fetch_add(&self, value: usize, order: Ordering) -> usize {
            self.0.fetch_add(value, order)
        }

        #[track_caller]
        pub(crate) fn swap(&self, value: usize, order: Ordering) -> usize {
            self.0.swap(value, order)
        }

        #[track_caller]
        pub(crate) fn fetch_sub(&self, value: usize, order: Ordering) -> usize {
            self.0.fetch_sub(value, order)
        }
    }

    /// The latest value, lest the checker tries every stale one only to see the exchange fail.
    #[track_caller]
    pub(crate) fn seed(atomic: &AtomicUsize) -> usize {
        atomic.load(Ordering::SeqCst)
    }

    /// A spinning thread lets the others run, or the model would never end.
    pub(crate) fn spin_loop() {
        loom::thread::yield_now();
    }
}

pub(crate) use plain::*;

/// Whether it pays to look before a store that may change nothing: an exchange waits for all stores before it where these
/// are queued. A microcontroller has no such queue, and less room for code.
pub(crate) const LOOKS_FIRST: bool = usize::BITS >= 64;

/// Keeps what different cores write on different cache lines, where there are caches: two lines of 64 bytes, because
/// the prefetchers of current x86 and ARM cores fetch lines in pairs.
#[derive(Debug)]
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), repr(align(128)))]
pub(crate) struct Padded<T>(pub(crate) T);

impl<T> core::ops::Deref for Padded<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Makes a constructor `const` where the atomics allow it. The model checker's atomics have an identity that only exists
/// at run time.
macro_rules! const_unless_loom {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(loom))]
        $(#[$meta])*
        $vis const fn $($rest)*

        #[cfg(loom)]
        $(#[$meta])*
        $vis fn $($rest)*
    };
}
pub(crate) use const_unless_loom;
