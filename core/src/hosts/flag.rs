//! Parking by a flag, for a context without an operating system: the main loop of a microcontroller, or a core of its own.
//!
//! # Order
//!
//! The flag is raised with `Release` and taken with `Acquire`, so that the woken context sees what was done before the
//! wake-up. A flag that is raised before the park makes the park return at once.
#![forbid(unsafe_code)]

use core::fmt;
use core::hint;

use crate::host::{Park, Tick, Unpark};
use crate::sync::{AtomicBool, Ordering, const_unless_loom};

/// The flag between a [`FlagParker`] and those who wake it, to be put into a static.
#[derive(Debug)]
pub struct WakeFlag {
    is_raised: AtomicBool,
    /// What else is to be done to wake the context.
    signal: fn(),
}

impl WakeFlag {
    const_unless_loom! {
        /// A flag that needs nothing else: the context polls it, or whatever raises it is itself an event that ends the
        /// wait, as an interrupt is on its own core.
        #[must_use]
        pub const fn new() -> Self {
            Self::with_signal(|| ())
        }
    }

    const_unless_loom! {
        /// A flag whose context waits for `signal`, as for the `sev` instruction of another core, or an interrupt that one
        /// core raises in another. It is called after the flag is raised, and must be callable wherever wake-ups come
        /// from.
        #[must_use]
        pub const fn with_signal(signal: fn()) -> Self {
            Self { is_raised: AtomicBool::new(false), signal }
        }
    }
}

impl WakeFlag {
    /// Whether a wake-up is there that no park has taken yet: what a wait with interrupts masked looks at before `wfi`.
    pub fn is_raised(&self) -> bool {
        self.is_raised.load(Ordering::Acquire)
    }
}

impl Default for WakeFlag {
    fn default() -> Self {
        Self::new()
    }
}

/// Parks by waiting for a [`WakeFlag`].
///
/// The function `wait` passes a moment, and may return at any time. On several cores without an operating system it is
/// [`core::hint::spin_loop`], see [`FlagParker::spinning`]. On a microcontroller it saves power, and then mind the race:
/// an interrupt may raise the flag *after* the parker has looked at it and *before* the processor sleeps. So `wait` must
/// be one of those that a wake-up in between ends at once:
///
/// - `wfe` on a Cortex-M with `SEVONPEND` set or with handlers that end in `sev`: the event is remembered. An exception
///   return sets the event register, too.
/// - `wfi` with interrupts masked (`PRIMASK`) *before* the flag is looked at again: a pending interrupt ends `wfi` even
///   if masked, and is served when `wait` unmasks it. `wait` then has to look at [`WakeFlag::is_raised`], or the timer tick
///   has to end every wait.
/// - a plain `wfi` only if a periodic tick ends it: then a wake-up is late by a tick at most.
///
/// `now` is the clock for [`Park::park_until`]; something must end `wait` when the deadline has come, the tick or a
/// compare register.
///
/// ```
/// use core::hint::spin_loop;
/// use core::sync::atomic::{AtomicU64, Ordering};
/// use fastthreadpool_core::hosts::{FlagParker, WakeFlag};
/// use fastthreadpool_core::{Park, Tick, Unpark};
///
/// static TICKS: AtomicU64 = AtomicU64::new(0);
/// static MAIN_LOOP: WakeFlag = WakeFlag::new();
///
/// // Here the wait itself lets time pass.
/// fn wait() {
///     TICKS.fetch_add(1, Ordering::Relaxed);
/// }
/// let parker = FlagParker::new(&MAIN_LOOP, wait, || Tick(TICKS.load(Ordering::Relaxed)));
///
/// parker.unparker().unpark(); // as an interrupt handler would
/// parker.park(); // not lost: returns at once
/// assert_eq!(TICKS.load(Ordering::Relaxed), 0);
///
/// parker.park_until(Tick(3));
/// assert_eq!(TICKS.load(Ordering::Relaxed), 3);
/// ```
#[derive(Clone, Debug)]
pub struct FlagParker {
    flag: &'static WakeFlag,
    wait: fn(),
    now: fn() -> Tick,
}

impl FlagParker {
    /// A parker for the context that `flag` stands for; one context a flag.
    #[must_use]
    pub const fn new(flag: &'static WakeFlag, wait: fn(), now: fn() -> Tick) -> Self {
        Self { flag, wait, now }
    }

    /// A parker that burns its core while it waits.
    #[must_use]
    pub const fn spinning(flag: &'static WakeFlag, now: fn() -> Tick) -> Self {
        Self::new(flag, hint::spin_loop, now)
    }

    /// Takes the wake-up, if there is one.
    fn take(&self) -> bool {
        self.flag.is_raised.swap(false, Ordering::Acquire)
    }
}

impl Park for FlagParker {
    type Unpark = FlagUnparker;

    fn unparker(&self) -> FlagUnparker {
        FlagUnparker { flag: self.flag }
    }

    fn park(&self) {
        while !self.take() {
            (self.wait)();
        }
    }

    #[inline(never)]
    fn park_until(&self, deadline: Tick) {
        while !self.take() && (self.now)() < deadline {
            (self.wait)();
        }
    }
}

/// Raises the flag of a [`FlagParker`].
#[derive(Clone, Copy)]
pub struct FlagUnparker {
    flag: &'static WakeFlag,
}

impl Unpark for FlagUnparker {
    fn unpark(&self) {
        self.flag.is_raised.store(true, Ordering::Release);
        (self.flag.signal)();
    }
}

impl fmt::Debug for FlagUnparker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlagUnparker").finish_non_exhaustive()
    }
}
