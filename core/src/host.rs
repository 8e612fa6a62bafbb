//! What the host brings: time, a raw mutex, and parking. Nothing else of the outside world is known to this crate.
//!
//! | trait | who implements it | who calls it |
//! |---|---|---|
//! | [`Host`] | one type per platform | the pool, from any context that calls into the pool |
//! | [`Park`] | one value per context that can block | that context alone |
//! | [`Unpark`] | what can be sent to others to wake it | anybody, an interrupt handler too |
#![forbid(unsafe_code)]

use core::fmt;

/// A point in the host's monotonic time, in ticks of the host's choice (nanoseconds on std).
///
/// Arithmetic saturates: the end of time is never reached by adding to it, and never wrapped around.
///
/// ```
/// use fastthreadpool_core::Tick;
/// assert_eq!(Tick(5).saturating_add(u64::MAX), Tick::MAX);
/// assert_eq!(Tick(5).since(Tick(7)), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    /// The first tick.
    pub const ZERO: Self = Self(0);
    /// The end of time: a deadline at it never falls due.
    pub const MAX: Self = Self(u64::MAX);

    /// The tick `ticks` later, at most [`Tick::MAX`].
    #[must_use]
    pub const fn saturating_add(self, ticks: u64) -> Self {
        Self(self.0.saturating_add(ticks))
    }

    /// How many ticks have passed since `earlier`; 0 when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The platform under a pool: its lock, its clock, its manners while it waits.
///
/// All methods may be called from every context that calls into the pool, so an implementation for a microcontroller
/// whose interrupt handlers submit jobs must be callable from interrupt handlers.
pub trait Host {
    /// Guards the few short critical sections. Nothing is woken, run or dropped while it is held. If interrupt handlers
    /// call into the pool it must mask them: an interrupt that submits must never wait for what it interrupted.
    type Mutex: lock_api::RawMutex;

    /// The present time. Never goes backwards. Called when a job is timed, before a worker sleeps, and now and then
    /// between jobs; never for a plain submit.
    fn now(&self) -> Tick;

    /// The present time by the clock that timed jobs wait for. The default is [`Host::now`]. Where it is another, which need not go
    /// on by itself, all its ticks are later than those of `now`, so that of two deadlines one that comes by itself is the earlier; and
    /// when it has been turned forward the host [expires](crate::Pool::expire) what is due, and
    /// [demands](crate::Pool::demand) a worker.
    fn time(&self) -> Tick {
        self.now()
    }

    /// What it costs to wake a sleeping worker, in ticks. Decides from when on a second worker is worth waking for
    /// short jobs. 0 means *not known*: then every job is worth a wake-up, and the pool reads no clock between jobs.
    ///
    /// Always the same; best a constant, which the compiler then knows.
    fn wake_cost(&self) -> u64 {
        0
    }

    /// Passes a moment in a worker that looks for work and found none in `round` looks so far. Returns whether to look
    /// again; `false` sends the worker to sleep. Here a host spins or yields. The default sleeps at once.
    fn relax(&self, round: u32) -> bool {
        let _ = round;
        false
    }

    /// How long all workers sleep, in ticks, before the memory that a burst took is given back; one of them gets up once
    /// for that. `None`: when they sleep for the second time without having needed it. Fixed storage has none to give.
    fn trim_after(&self) -> Option<u64> {
        None
    }

    /// Gives back what the host keeps for jobs; only if it is `long` that nothing was needed. Returns whether there would be
    /// something to give back after such a time.
    fn trim(&self, long: bool) -> bool {
        let _ = long;
        false
    }
}

impl<H: Host + ?Sized> Host for &H {
    type Mutex = H::Mutex;

    fn now(&self) -> Tick {
        (**self).now()
    }

    fn time(&self) -> Tick {
        (**self).time()
    }

    fn wake_cost(&self) -> u64 {
        (**self).wake_cost()
    }

    fn relax(&self, round: u32) -> bool {
        (**self).relax(round)
    }

    fn trim_after(&self) -> Option<u64> {
        (**self).trim_after()
    }

    fn trim(&self, long: bool) -> bool {
        (**self).trim(long)
    }
}

/// The sleeping end of a context that can block: a thread, a task of an RTOS, the main loop of a microcontroller.
///
/// It belongs to that context: only there may it be parked. Both ways to park may return early for no reason; callers
/// look again at what they wait for. A wake-up that comes before the park is not lost: the park then returns at once.
pub trait Park {
    /// The waking end.
    type Unpark: Unpark;

    /// A waking end for this context, to hand to those who shall wake it. May be called any number of times.
    fn unparker(&self) -> Self::Unpark;

    /// Blocks until woken.
    fn park(&self);

    /// Blocks until woken or until the host's clock has reached `deadline`, whichever is first. A deadline in the past
    /// returns at once.
    fn park_until(&self, deadline: Tick);
}

impl<P: Park + ?Sized> Park for &P {
    type Unpark = P::Unpark;

    fn unparker(&self) -> Self::Unpark {
        (**self).unparker()
    }

    fn park(&self) {
        (**self).park();
    }

    fn park_until(&self, deadline: Tick) {
        (**self).park_until(deadline);
    }
}

/// The waking end of a [`Park`]. It stays valid when the sleeper is gone: waking nobody is harmless.
pub trait Unpark {
    /// Whether who comes may overtake who sleeps, see [`Semaphore`](crate::Semaphore): right where it takes longer to get up than
    /// what is done with a permit as a rule, and others run meanwhile. On one core strict order costs nothing, and without this
    /// a semaphore is smaller.
    const BARGING: bool = false;

    /// Wakes the context, now or from its next park. Never blocks; may be called from any context, from an interrupt
    /// handler too, and never while a lock of this crate is held.
    ///
    /// It should not panic. Should it, whoever wakes several wakes the others while it unwinds; so one that can panic at all
    /// has to catch that where its thread is panicking already, since a second panic there ends the program.
    fn unpark(&self);
}

/// An async task that waits is woken by its waker.
impl Unpark for core::task::Waker {
    const BARGING: bool = true;

    fn unpark(&self) {
        self.wake_by_ref();
    }
}
