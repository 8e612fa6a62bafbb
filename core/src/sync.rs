//! The one place that knows which atomics and which cell are in use: those of the target, or a model checker's.
//!
//! Everything else in the crate names atomics through here, so that the code that ships is the code that is checked. Two
//! checkers: loom, which knows weak memory, for this crate; and shuttle, which knows many threads but only sequential
//! consistency, for what is built on it.
//!
//! # What an operation is under loom
//!
//! loom 0.7 implements sequential consistency for fences only.
//!
//! | operation | under loom | compared with the language |
//! |---|---|---|
//! | load `SeqCst` | load `Acquire` | weaker: it has no place in the single order. It sees the latest value only of those whose fence came before a fence of its own thread. |
//! | store `SeqCst` | store `Release`, fence | stronger: the fence orders other accesses of the thread, too, as on x86 |
//! | read-modify-write `SeqCst` | the same `AcqRel`, fence | stronger: as the store |
//! | weaker orders | the same | |
//! | [`seed`] | a read-modify-write that changes nothing | stronger: the latest value. It only starts an exchange, which finds out. |
//! | [`overwrite`] | an exchange | stronger: it hands on what the exchange before it has released, too |
//!
//! So *I write, then I read what you write* against the same the other way round works as in the language, if both writes
//! are `SeqCst`; and it fails, as in the language, if one is a mere release. What relies on loads alone being in one order
//! would fail here though it holds; nothing does.
//!
//! What the fences hide: a relaxed load is as good as an acquiring one from the next fence of its thread on. So no model
//! notices that a ring's producer looks at the slot without acquire, since its exchange on the tail comes next.
//!
//! # Which orders are tried
//!
//! loom tries what follows from pairs of accesses that do not commute. Of the loads of an atomic it remembers one, the last
//! (its issues 166 and 392): who loads and then stores hides the loads of the others from its own store, and the order in which that
//! store comes first is never tried. So here each load is a store, too, to a companion of the atomic that nobody reads: loads
//! do not commute then, and none is forgotten.

#[cfg(not(any(loom, shuttle)))]
mod atomics {
    pub(crate) use core::hint::spin_loop;
    #[cfg(feature = "alloc")]
    pub(crate) use portable_atomic::AtomicPtr;
    pub(crate) use portable_atomic::{AtomicBool, AtomicUsize, Ordering};
}

#[cfg(shuttle)]
mod atomics {
    pub(crate) use shuttle::hint::spin_loop;
    #[cfg(feature = "alloc")]
    pub(crate) use shuttle::sync::atomic::AtomicPtr;
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
}

#[cfg(not(loom))]
mod plain {
    pub(crate) use super::atomics::*;

    /// A look whose result only starts an exchange: one that is stale makes the exchange fail, and no more.
    #[inline(always)]
    pub(crate) fn seed(atomic: &AtomicUsize) -> usize {
        atomic.load(Ordering::Relaxed)
    }

    /// A store with release, over what exchanges of others may have made of the last store of the same thread.
    #[inline(always)]
    pub(crate) fn overwrite(atomic: &AtomicUsize, value: usize) {
        atomic.store(value, Ordering::Release);
    }

    /// The value that nobody else can change any more.
    #[inline(always)]
    pub(crate) fn last(atomic: &mut AtomicUsize) -> usize {
        *atomic.get_mut()
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
    use loom::sync::atomic::fence;
    pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};

    /// What an operation of the order `SeqCst` is in loom.
    fn after<T>(order: Ordering, operation: impl FnOnce(Ordering) -> T) -> T {
        let is_total = order == Ordering::SeqCst;
        let result = operation(if is_total { Ordering::AcqRel } else { order });
        if is_total {
            fence(Ordering::SeqCst);
        }
        result
    }

    /// The loads of an atomic, in the order in which the checker tries them.
    #[derive(Debug)]
    struct Looks(loom::sync::atomic::AtomicUsize);

    impl Looks {
        #[track_caller]
        fn new() -> Self {
            Self(loom::sync::atomic::AtomicUsize::new(0))
        }

        /// Nobody reads it, and it synchronizes nothing that the fences of the same threads do not.
        #[track_caller]
        fn one_more(&self) {
            self.0.store(0, Ordering::Relaxed);
        }
    }

    macro_rules! atomic {
        ($name:ident $(<$t:ident>)?, $value:ty) => {
            #[derive(Debug)]
            #[allow(unreachable_pub, reason = "in the signature of a trait that is public, though hidden")]
            pub struct $name$(<$t>)? {
                value: loom::sync::atomic::$name$(<$t>)?,
                looks: Looks,
            }

            #[allow(dead_code)]
            impl$(<$t>)? $name$(<$t>)? {
                #[track_caller]
                pub(crate) fn new(value: $value) -> Self {
                    Self { value: loom::sync::atomic::$name::new(value), looks: Looks::new() }
                }

                #[track_caller]
                pub(crate) fn load(&self, order: Ordering) -> $value {
                    self.looks.one_more();
                    self.value.load(if order == Ordering::SeqCst { Ordering::Acquire } else { order })
                }

                #[track_caller]
                pub(crate) fn store(&self, value: $value, order: Ordering) {
                    match order {
                        Ordering::SeqCst => {
                            self.value.store(value, Ordering::Release);
                            fence(Ordering::SeqCst);
                        }
                        order => self.value.store(value, order),
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
                    after(order, |order| self.value.compare_exchange(from, to, order, failure))
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
                    self.compare_exchange(from, to, order, failure)
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
            after(order, |order| self.value.fetch_add(value, order))
        }

        #[track_caller]
        pub(crate) fn swap(&self, value: usize, order: Ordering) -> usize {
            after(order, |order| self.value.swap(value, order))
        }

        #[track_caller]
        pub(crate) fn fetch_or(&self, value: usize, order: Ordering) -> usize {
            after(order, |order| self.value.fetch_or(value, order))
        }

        #[track_caller]
        pub(crate) fn fetch_and(&self, value: usize, order: Ordering) -> usize {
            after(order, |order| self.value.fetch_and(value, order))
        }

        #[track_caller]
        pub(crate) fn fetch_sub(&self, value: usize, order: Ordering) -> usize {
            after(order, |order| self.value.fetch_sub(value, order))
        }
    }

    /// The latest value, lest the checker tries every stale one only to see the exchange fail.
    #[track_caller]
    pub(crate) fn seed(atomic: &AtomicUsize) -> usize {
        atomic.value.fetch_add(0, Ordering::AcqRel)
    }

    /// The exchange of another comes directly after what it has read, and so before this, if it has read what this thread
    /// stored last. Of a store loom does not know that.
    #[track_caller]
    pub(crate) fn overwrite(atomic: &AtomicUsize, value: usize) {
        atomic.swap(value, Ordering::Release);
    }

    /// The checker sees whether anybody still can look.
    #[track_caller]
    pub(crate) fn last(atomic: &mut AtomicUsize) -> usize {
        atomic.value.with_mut(|value| *value)
    }

    /// Nothing: who spins does so only so often. To yield would be to let somebody else make a step in any case.
    pub(crate) fn spin_loop() {}
}

pub(crate) use plain::*;

/// A size, or the one that a model checker can do with.
pub(crate) const fn sized(size: usize, model: usize) -> usize {
    if MODEL { model } else { size }
}

/// Whether a model checker drives the atomics.
pub(crate) const MODEL: bool = cfg!(any(loom, shuttle));

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

/// The same for a constant of a trait, [`Blank::BLANK`](crate::part::Blank).
macro_rules! const_blank {
    ($(#[$meta:meta])* const BLANK: Self;) => {
        #[cfg(not(loom))]
        $(#[$meta])*
        const BLANK: Self;

        #[cfg(loom)]
        $(#[$meta])*
        fn blank() -> Self;
    };
    ($(#[$meta:meta])* const BLANK: Self = $value:expr;) => {
        #[cfg(not(loom))]
        $(#[$meta])*
        const BLANK: Self = $value;

        #[cfg(loom)]
        fn blank() -> Self {
            $value
        }
    };
}
pub(crate) use const_blank;

/// What [`const_blank`] defines for a type.
#[cfg(not(loom))]
macro_rules! blank {
    ($type:ty) => {
        <$type as crate::part::Blank>::BLANK
    };
}
#[cfg(loom)]
macro_rules! blank {
    ($type:ty) => {
        <$type as crate::part::Blank>::blank()
    };
}
pub(crate) use blank;
