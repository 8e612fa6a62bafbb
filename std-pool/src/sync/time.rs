//! By which clock something is timed: that of the world, or one that is turned by hand. Whoever asks what time it is, or sleeps until a
//! time, asks this.
//!
//! The ticks of all clocks by hand lie at [`BY_HAND`] and beyond it, where the world's come after 146 years. So of two deadlines the
//! earlier is one that comes by itself, if there is such a one, and each says by what it is measured.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use fastthreadpool_core::{Park, Tick};

use crate::sync::waiter::{ThisThread, Waiter};
use crate::sync::{attend, looks};
use crate::sys;

/// The first tick of clocks by hand.
pub(crate) const BY_HAND: Tick = Tick(1 << 62);

/// A clock that stands still but when somebody turns it.
pub(crate) trait ByHand: Send + Sync {
    fn now(&self) -> Tick;

    /// What its wall clock says then; always the same.
    fn wall(&self, tick: Tick) -> SystemTime;

    /// Parks the present thread by `park` until it is woken, or the clock shows `deadline`, which is later than it shows now; or for no reason.
    fn park_until(&self, deadline: Tick, park: &mut dyn FnMut());

    /// The same for a worker, until any time, by which clock it may be; `park` is told the tick of the world's. Calls `rise` when it is up,
    /// before it is said that it is.
    fn rest_until(&self, deadline: Tick, park: &mut dyn FnMut(Tick), rise: &mut dyn FnMut());

    /// Whether the present thread is the one that turns it, and nobody else does until it goes on. Then it has turned it to the next moment, or
    /// has waited a little because others do something yet.
    fn goes_on_by_itself(&self) -> bool;

    /// The present thread is about to wait in the middle of a job of this engine.
    fn waits(&self, engine: usize);

    /// It goes on.
    fn goes_on(&self);
}

/// A clock. Without the type of one by hand: so that a program without is spared it.
#[derive(Clone, Default)]
pub(crate) struct Time(Option<Arc<dyn ByHand>>);

/// That of the world.
pub(crate) static WORLD: Time = Time(None);

impl Time {
    pub(crate) fn by_hand(clock: Arc<dyn ByHand>) -> Self {
        Self(Some(clock))
    }

    pub(crate) fn is_by_hand(&self) -> bool {
        self.0.is_some()
    }

    #[inline]
    pub(crate) fn now(&self) -> Tick {
        match &self.0 {
            None => sys::now(),
            Some(clock) => clock.now(),
        }
    }

    /// So long from now.
    pub(crate) fn tick_after(&self, duration: Duration) -> Tick {
        self.now().saturating_add(sys::nanos(duration))
    }

    #[inline]
    pub(crate) fn after(&self, duration: Duration) -> Deadline<'_> {
        self.until(self.tick_after(duration))
    }

    #[inline]
    pub(crate) fn until(&self, tick: Tick) -> Deadline<'_> {
        Deadline { tick, time: self }
    }

    /// When it is that instant, of which the world's tick is given.
    #[inline]
    pub(crate) fn tick_of(&self, instant: Tick) -> Tick {
        if self.is_by_hand() { instant.saturating_add(BY_HAND.0) } else { instant }
    }

    /// See [`ByHand::waits`].
    #[inline]
    pub(crate) fn waits(&self, engine: impl FnOnce() -> usize) {
        if let Some(clock) = &self.0 {
            clock.waits(engine());
        }
    }

    /// See [`ByHand::goes_on_by_itself`].
    pub(crate) fn goes_on_by_itself(&self) -> bool {
        self.0.as_ref().is_some_and(|clock| clock.goes_on_by_itself())
    }

    /// See [`ByHand::goes_on`].
    #[inline]
    pub(crate) fn goes_on(&self) {
        if let Some(clock) = &self.0 {
            clock.goes_on();
        }
    }

    /// A tick as an instant; `None` for the end of time.
    pub(crate) fn instant(&self, tick: Tick) -> Option<Instant> {
        let is_by_hand = self.is_by_hand() && tick < Tick::MAX;
        sys::instant(if is_by_hand { Tick(tick.since(BY_HAND)) } else { tick })
    }

    /// When the wall clock of one by hand says `time`: now, if it does already. `None` of the world's, which can be set.
    pub(crate) fn tick_at(&self, time: SystemTime) -> Option<Tick> {
        let clock = self.0.as_deref()?;
        let now = clock.now();
        let ahead = time.duration_since(clock.wall(now)).unwrap_or(Duration::ZERO);
        Some(now.saturating_add(sys::nanos(ahead)))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_by_hand() { "by hand" } else { "the world's" })
    }
}

/// Until when somebody waits, by which clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline<'t> {
    pub(crate) tick: Tick,
    time: &'t Time,
}

impl Deadline<'_> {
    pub(crate) const NEVER: Self = Self { tick: Tick::MAX, time: &WORLD };
    /// It has come.
    pub(crate) const NOW: Self = Self { tick: Tick::ZERO, time: &WORLD };

    #[inline]
    pub(crate) fn is_never(self) -> bool {
        self.tick == Tick::MAX
    }

    /// Whether it has come.
    #[inline]
    pub(crate) fn is_over(self) -> bool {
        !self.is_never() && self.now() >= self.tick
    }

    /// That, or one of the same clock that is earlier.
    #[inline]
    pub(crate) fn or_by(self, tick: Tick) -> Self {
        Self { tick: self.tick.min(tick), ..self }
    }

    /// What the clock shows by which it is measured.
    #[inline]
    pub(crate) fn now(self) -> Tick {
        if self.tick < BY_HAND { sys::now() } else { self.time.now() }
    }
}

/// Parks the present thread until it is woken, or for no reason; false when the deadline had come already. [`Tick::MAX`] never
/// comes.
pub(crate) fn park(deadline: Deadline<'_>) -> bool {
    let is_over = deadline.is_over();
    if !is_over {
        park_until(deadline);
    }
    !is_over
}

pub(crate) fn park_until(deadline: Deadline<'_>) {
    if !attend::instead_of_park(deadline) {
        looks::between(|| match &deadline.time.0 {
            Some(clock) if deadline.tick >= BY_HAND => clock.park_until(deadline.tick, &mut sys::thread::park),
            _ if deadline.is_never() => sys::thread::park(),
            _ => sys::park_until(deadline.tick),
        });
    }
}

/// The same by `park`, which is told the tick of the world's clock, for one that sleeps as a worker besides: it is known until when it waits
/// before it is taken for one that sleeps.
pub(crate) fn park_by(deadline: Deadline<'_>, park: &mut dyn FnMut(Tick)) {
    match &deadline.time.0 {
        Some(clock) if deadline.tick >= BY_HAND => clock.park_until(deadline.tick, &mut || park(Tick::MAX)),
        _ => park(deadline.tick),
    }
}

/// Sleeps until `until` of the world's clock, unless it `goes_on` by itself; which it need not if the deadline comes in any case.
pub(crate) fn doze(deadline: Deadline<'_>, until: Tick, goes_on: impl FnOnce() -> bool) {
    if deadline.tick < BY_HAND || !goes_on() {
        sys::park_until(until);
    }
}

/// A worker parks: see [`ByHand::rest_until`].
pub(crate) fn rest(deadline: Deadline<'_>, mut rise: impl FnMut()) {
    match &deadline.time.0 {
        Some(clock) => clock.rest_until(deadline.tick, &mut sys::park_until, &mut rise),
        None if deadline.is_never() => sys::thread::park(),
        None => sys::park_until(deadline.tick),
    }
}

/// The same by `park`, which is told until when by the world's clock.
pub(crate) fn rest_by(deadline: Deadline<'_>, park: &mut dyn FnMut(Tick), rise: &mut dyn FnMut()) {
    match &deadline.time.0 {
        Some(clock) => clock.rest_until(deadline.tick, park, rise),
        None => park(deadline.tick),
    }
}

/// The present thread as something that parks, until a time of a clock.
pub(crate) struct OnTime<'t>(pub(crate) Deadline<'t>);

impl Park for OnTime<'_> {
    type Unpark = Waiter;

    fn unparker(&self) -> Waiter {
        ThisThread.unparker()
    }

    fn park(&self) {
        park(Deadline::NEVER);
    }

    fn park_until(&self, tick: Tick) {
        park_until(self.0.or_by(tick));
    }
}
