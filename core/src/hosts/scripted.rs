//! A host for tests: the clock is turned by hand, and a context that would sleep follows a script instead.
//!
//! Nothing here ever waits for another context, so a test that uses it runs on one thread, in an order that it chooses.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use lock_api::{GuardSend, Mutex, RawMutex};

use crate::host::{Host, Park, Tick, Unpark};
use crate::sync::{AtomicBool, Ordering, spin_loop};

/// A mutex that spins: good for tests, on one thread or on several.
#[derive(Debug)]
pub struct ScriptedMutex {
    is_held: AtomicBool,
}

// SAFETY: who holds it is who turned the flag from false to true; only the holder turns it back.
unsafe impl RawMutex for ScriptedMutex {
    type GuardMarker = GuardSend;

    const INIT: Self = Self { is_held: AtomicBool::new(false) };

    fn lock(&self) {
        while !self.try_lock() {
            spin_loop();
        }
    }

    fn try_lock(&self) -> bool {
        !self.is_held.swap(true, Ordering::Acquire)
    }

    unsafe fn unlock(&self) {
        self.is_held.store(false, Ordering::Release);
    }
}

/// A host whose clock stands still until it is turned. Clones are the same host.
///
/// ```
/// use fastthreadpool_core::hosts::ScriptedHost;
/// use fastthreadpool_core::{Host, Tick};
///
/// let host = ScriptedHost::new();
/// host.advance(5);
/// host.set(Tick(7));
/// assert_eq!(host.now(), Tick(7));
/// assert!(!host.relax(0), "sends workers to sleep at once");
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedHost {
    state: Arc<Mutex<ScriptedMutex, HostState>>,
}

#[derive(Debug)]
struct HostState {
    now: Tick,
    wake_cost: u64,
    looks: u32,
}

impl ScriptedHost {
    /// A host at tick zero, with no known cost of waking, whose workers sleep at once.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Arc::new(Mutex::new(HostState { now: Tick::ZERO, wake_cost: 0, looks: 0 })) }
    }

    /// Lets `ticks` pass.
    pub fn advance(&self, ticks: u64) {
        let mut state = self.state.lock();
        state.now = state.now.saturating_add(ticks);
    }

    /// Lets time pass until `tick`.
    ///
    /// # Panics
    ///
    /// If it has passed: the clock never goes backwards.
    pub fn set(&self, tick: Tick) {
        let now = core::mem::replace(&mut self.state.lock().now, tick);
        assert!(tick >= now, "the clock stands at {now} and cannot go back to {tick}");
    }

    /// Sets what [`Host::wake_cost`] says.
    pub fn set_wake_cost(&self, ticks: u64) {
        self.state.lock().wake_cost = ticks;
    }

    /// Sets in how many rounds [`Host::relax`] has a worker look again.
    pub fn set_looks(&self, rounds: u32) {
        self.state.lock().looks = rounds;
    }

    /// A context of this host.
    #[must_use]
    pub fn parker(&self) -> ScriptedParker {
        ScriptedParker { host: self.clone(), context: Arc::new(Mutex::new(Context::default())) }
    }
}

impl Default for ScriptedHost {
    fn default() -> Self {
        Self::new()
    }
}

impl Host for ScriptedHost {
    type Mutex = ScriptedMutex;

    fn now(&self) -> Tick {
        self.state.lock().now
    }

    fn wake_cost(&self) -> u64 {
        self.state.lock().wake_cost
    }

    fn relax(&self, round: u32) -> bool {
        round < self.state.lock().looks
    }
}

type Action = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Context {
    is_woken: bool,
    script: VecDeque<Action>,
    /// The deadline of each park.
    parks: Vec<Option<Tick>>,
    unparks: usize,
}

/// A context that never blocks. Clones are the same context, so a test keeps one and gives one away.
///
/// Where another would sleep, this one takes the next action of its script, and goes on until it is woken. At the end of
/// the script it panics, as it would sleep for ever; with a deadline it turns the clock to it instead.
///
/// ```
/// use fastthreadpool_core::hosts::ScriptedHost;
/// use fastthreadpool_core::{Host, Park, Tick, Unpark};
///
/// let host = ScriptedHost::new();
/// let parker = host.parker();
///
/// let other = parker.unparker();
/// parker.then(move || other.unpark());
/// parker.park();
///
/// parker.park_until(Tick(9));
/// assert_eq!(host.now(), Tick(9));
/// assert_eq!(parker.parks(), [None, Some(Tick(9))]);
/// assert_eq!(parker.unparks(), 1);
/// ```
#[derive(Clone)]
pub struct ScriptedParker {
    host: ScriptedHost,
    context: Arc<Mutex<ScriptedMutex, Context>>,
}

impl ScriptedParker {
    /// Adds what happens elsewhere while this context sleeps.
    pub fn then(&self, action: impl FnOnce() + Send + 'static) {
        self.context.lock().script.push_back(Box::new(action));
    }

    /// How many actions are left.
    pub fn script_len(&self) -> usize {
        self.context.lock().script.len()
    }

    /// Every park so far with its deadline, also those that a wake-up before them has ended at once.
    pub fn parks(&self) -> Vec<Option<Tick>> {
        self.context.lock().parks.clone()
    }

    /// The deadline of the last park, if it had one.
    pub fn last_deadline(&self) -> Option<Tick> {
        self.context.lock().parks.last().copied().flatten()
    }

    /// How many wake-ups have come so far.
    pub fn unparks(&self) -> usize {
        self.context.lock().unparks
    }

    /// Whether a wake-up is there that no park has taken yet.
    pub fn is_woken(&self) -> bool {
        self.context.lock().is_woken
    }

    /// Takes the wake-up, if there is one.
    fn take(&self) -> bool {
        core::mem::take(&mut self.context.lock().is_woken)
    }

    /// Takes the next action. Returns whether there was one. It runs without the lock: it may wake this context.
    fn act(&self) -> bool {
        let action = self.context.lock().script.pop_front();
        action.map(|action| action()).is_some()
    }
}

impl Park for ScriptedParker {
    type Unpark = ScriptedUnparker;

    fn unparker(&self) -> ScriptedUnparker {
        ScriptedUnparker { context: self.context.clone() }
    }

    /// # Panics
    ///
    /// If nobody has woken this context and its script has ended.
    fn park(&self) {
        self.context.lock().parks.push(None);
        while !self.take() {
            assert!(self.act(), "a scripted context would sleep for ever: not woken, and its script has ended");
        }
    }

    /// # Panics
    ///
    /// As [`park`](Park::park), if the deadline is [`Tick::MAX`].
    fn park_until(&self, deadline: Tick) {
        self.context.lock().parks.push(Some(deadline));
        while !self.take() && self.host.now() < deadline {
            if !self.act() {
                assert!(deadline < Tick::MAX, "a scripted context would sleep for ever: its deadline never comes");
                self.host.set(deadline);
            }
        }
    }
}

impl fmt::Debug for ScriptedParker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedParker").field("parks", &self.parks()).finish_non_exhaustive()
    }
}

/// Wakes a [`ScriptedParker`].
#[derive(Clone)]
pub struct ScriptedUnparker {
    context: Arc<Mutex<ScriptedMutex, Context>>,
}

impl Unpark for ScriptedUnparker {
    fn unpark(&self) {
        let mut context = self.context.lock();
        context.is_woken = true;
        context.unparks += 1;
    }
}

impl fmt::Debug for ScriptedUnparker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedUnparker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "sleep for ever")]
    fn a_sleep_without_an_end_is_found() {
        let parker = ScriptedHost::new().parker();
        parker.then(|| ());
        parker.park();
    }

    #[test]
    #[should_panic(expected = "never comes")]
    fn a_deadline_at_the_end_of_time_is_none() {
        ScriptedHost::new().parker().park_until(Tick::MAX);
    }

    #[test]
    #[should_panic(expected = "cannot go back")]
    fn the_clock_never_goes_back() {
        let host = ScriptedHost::new();
        host.advance(2);
        host.set(Tick(1));
    }

    #[test]
    fn a_park_with_a_deadline_ends_with_what_comes_first() {
        let host = ScriptedHost::new();
        let parker = host.parker();
        let (time, other) = (host.clone(), parker.unparker());
        parker.then(move || time.advance(3));
        parker.then(move || other.unpark());
        parker.park_until(Tick(5));
        assert_eq!((host.now(), parker.script_len()), (Tick(3), 0));

        let time = host.clone();
        parker.then(move || time.advance(4));
        parker.park_until(Tick(5));
        assert_eq!((host.now(), parker.last_deadline()), (Tick(7), Some(Tick(5))));

        parker.then(|| unreachable!("the deadline has passed"));
        parker.park_until(Tick(7));
        assert_eq!((parker.parks().len(), parker.unparks(), parker.is_woken()), (3, 1, false));
    }
}
