//! The one place that knows which atomics and which cell are in use: those of the target, or a model checker's.
//!
//! Everything else in the crate names atomics through here, so that the code that ships is the code that is checked. Two
//! checkers: loom, which knows weak memory, for this crate; and shuttle, which knows many threads but only sequential
//! consistency, for what is built on it. And one that checks nothing, but counts what lines of memory cost: see `simulated`.
//!
//! # What an operation is under loom
//!
//! loom 0.7 implements sequential consistency for fences only. So a write that is `SeqCst` *owes* a fence: it comes before the
//! thread's next write, access to a cell, or load that is `SeqCst`, whichever is first.
//!
//! | operation | under loom | compared with the language |
//! |---|---|---|
//! | load `SeqCst` | the fence that is owed, load `Acquire` | weaker: where none is owed it has no place in the single order |
//! | store `SeqCst` | what is owed, store `Release`, owes a fence | stronger: that also orders the weaker writes and `SeqCst` loads next to it, and what comes after |
//! | read-modify-write `SeqCst` | the same `AcqRel`, owes a fence | stronger: as the store |
//! | any weaker write | what is owed, the same | as it is, but for what is owed |
//! | any weaker load | the same, and nothing is paid | as it is; nobody reads what is only written later, and of all values the last 7 are known |
//! | exchange that fails | a load of the latest value, owes nothing | stronger: the language knows stale ones |
//! | weak exchange | the strong one | stronger: it does not fail for nothing; the loop would only go around once more |
//! | [`seed`] | a read-modify-write that changes nothing | stronger: the latest value. It only starts an exchange, which finds out. |
//! | [`overwrite`] | an exchange | stronger: it hands on what the exchange before it has released, too |
//! | [`last`] | an access that must be exclusive | as it is, and the checker sees whether it is |
//! | `AtomicBool` | loom's own | as it is: none is `SeqCst` |
//! | [`own_barrier`] | a fence | as if who has all threads pass a barrier had one between these two of its own; see `cohort/tally` |
//! | [`UnsafeCell`] | what is owed, loom's own | as it is: accesses that race are reported |
//!
//! So *I write, then I read what you write* against the same the other way round works as in the language, if both writes
//! and both reads are `SeqCst`; and it fails, as in the language, if a write is a mere release, even where a `SeqCst` write
//! to something else comes before it, or if a read is a mere acquire. What relies on loads alone being in one order would
//! fail here though it holds; nothing does.
//!
//! What the fences hide: once a thread has paid, what it has read before with a relaxed load is as good as acquired. So no
//! model notices that a ring's producer looks at the slot without acquire, since its exchange on the tail comes next.
//!
//! # Which orders are tried
//!
//! loom tries what follows from pairs of accesses that do not commute. Of the loads of an atomic it remembers one, the last
//! (its issues 166 and 392): who loads and then stores hides the loads of the others from its own store, and the order in
//! which that store comes first is never tried. So here each load is a store, too, to a companion of the atomic that nobody
//! reads: loads do not commute then, and none is forgotten.

#[cfg(simulated)]
pub mod simulated;
#[cfg(simulated)]
use simulated as atomics;

/// Those of the target, or what stands for them there.
#[cfg(not(any(loom, shuttle)))]
mod native {
    #[cfg(all(target_has_atomic = "8", target_has_atomic = "ptr"))]
    pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
    #[cfg(not(all(target_has_atomic = "8", target_has_atomic = "ptr")))]
    pub(crate) use portable_atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
}

#[cfg(not(any(loom, shuttle, simulated)))]
mod atomics {
    pub(crate) use super::native::*;
    pub(crate) use core::hint::spin_loop;
}

#[cfg(shuttle)]
mod atomics {
    pub(crate) use shuttle::hint::spin_loop;
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
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

    /// This thread's part of a barrier that somebody else has all threads pass: the compiler keeps to the order.
    #[inline(always)]
    pub(crate) fn own_barrier() {
        core::sync::atomic::compiler_fence(Ordering::SeqCst);
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
            #[cfg(simulated)]
            super::atomics::tell(super::atomics::Operation::Store, self);
            f(self.0.get())
        }
    }
}

#[cfg(loom)]
mod plain {
    use loom::sync::atomic::fence;
    pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};

    loom::thread_local! {
        static OWES_FENCE: core::cell::Cell<bool> = core::cell::Cell::new(false);
    }

    #[track_caller]
    fn pay() {
        if OWES_FENCE.with(|owes| owes.replace(false)) {
            fence(Ordering::SeqCst);
        }
    }

    /// What an operation is that writes, if `has_written` says so of its result.
    #[track_caller]
    fn write<T>(
        order: Ordering,
        weaker: Ordering,
        operation: impl FnOnce(Ordering) -> T,
        has_written: impl FnOnce(&T) -> bool,
    ) -> T {
        pay();
        let is_total = order == Ordering::SeqCst;
        let result = operation(if is_total { weaker } else { order });
        if is_total && has_written(&result) {
            OWES_FENCE.with(|owes| owes.set(true));
        }
        result
    }

    #[track_caller]
    fn change<T>(order: Ordering, operation: impl FnOnce(Ordering) -> T) -> T {
        write(order, Ordering::AcqRel, operation, |_| true)
    }

    /// What an operation is that only reads.
    fn read(order: Ordering) -> Ordering {
        if order == Ordering::SeqCst { Ordering::Acquire } else { order }
    }

    /// loom's cell. A fence that is owed comes before the access: it must not publish what is written here.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(loom::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        #[track_caller]
        pub(crate) fn new(value: T) -> Self {
            Self(loom::cell::UnsafeCell::new(value))
        }

        #[track_caller]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            pay();
            self.0.with_mut(f)
        }
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
                    if order == Ordering::SeqCst {
                        pay();
                    }
                    self.looks.one_more();
                    self.value.load(read(order))
                }

                #[track_caller]
                pub(crate) fn store(&self, value: $value, order: Ordering) {
                    write(order, Ordering::Release, |order| self.value.store(value, order), |()| true);
                }

                #[track_caller]
                pub(crate) fn compare_exchange(
                    &self,
                    from: $value,
                    to: $value,
                    order: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    let exchange = |order| self.value.compare_exchange(from, to, order, read(failure));
                    write(order, Ordering::AcqRel, exchange, Result::is_ok)
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
    atomic!(AtomicPtr<T>, *mut T);

    impl AtomicUsize {
        #[track_caller]
        pub(crate) fn fetch_add(&self, value: usize, order: Ordering) -> usize {
            change(order, |order| self.value.fetch_add(value, order))
        }

        #[track_caller]
        pub(crate) fn fetch_or(&self, value: usize, order: Ordering) -> usize {
            change(order, |order| self.value.fetch_or(value, order))
        }

        #[track_caller]
        pub(crate) fn fetch_and(&self, value: usize, order: Ordering) -> usize {
            change(order, |order| self.value.fetch_and(value, order))
        }

        #[track_caller]
        pub(crate) fn fetch_sub(&self, value: usize, order: Ordering) -> usize {
            change(order, |order| self.value.fetch_sub(value, order))
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
        pay();
        atomic.value.swap(value, Ordering::Release);
    }

    /// The checker sees whether anybody still can look.
    #[track_caller]
    pub(crate) fn last(atomic: &mut AtomicUsize) -> usize {
        atomic.value.with_mut(|value| *value)
    }

    /// This thread's part of a barrier that all threads pass.
    #[track_caller]
    pub(crate) fn own_barrier() {
        OWES_FENCE.with(|owes| owes.set(true));
        pay();
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

/// Whether there may be so many cores that it matters who looks at what another writes.
pub(crate) const CROWDS: bool = usize::BITS >= 64;

/// Asks for the line where the `AHEAD`th element after this one begins, or would: it will be written soon. Nothing but a hint,
/// and only where there are crowds.
#[cfg(feature = "alloc")]
#[inline(always)]
pub(crate) fn ask_ahead<T, const AHEAD: usize>(here: &T) {
    #[cfg(simulated)]
    simulated::tell(simulated::Operation::Ask, core::ptr::from_ref(here).wrapping_add(AHEAD).cast::<u8>());
    #[cfg(all(target_arch = "x86_64", not(any(loom, shuttle, simulated, miri))))]
    // SAFETY: of any address; it never faults, and changes nothing that a program can see. An instruction of 64-bit AMD
    // processors from the first, of those of Intel since 2014, and nothing at all to those before (Intel, SDM volume 2, PREFETCHW).
    unsafe {
        core::arch::asm!(
            "prefetchw [{} + {ahead}]",
            in(reg) core::ptr::from_ref(here).addr(),
            ahead = const AHEAD * size_of::<T>(),
            options(nomem, nostack, preserves_flags),
        );
    }
    #[cfg(all(target_arch = "aarch64", not(any(loom, shuttle, simulated, miri))))]
    // SAFETY: of any address; it never faults, and changes nothing that a program can see.
    unsafe {
        let there = core::ptr::from_ref(here).wrapping_add(AHEAD).addr();
        core::arch::asm!("prfm pstl1keep, [{}]", in(reg) there, options(nomem, nostack, preserves_flags));
    }
    let _ = here;
}

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
