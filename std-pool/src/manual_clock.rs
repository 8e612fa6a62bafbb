//! A clock that is turned by hand: how it goes on, moment by moment, and how it waits for what each has brought about.
//!
//! # Nobody sleeps past a moment
//!
//! Who sleeps until a time looks at the clock and gets in line under its lock; who turns it does so under the same lock, and wakes
//! those whose time has come. What waits for its time in a pool needs no sleeper: who has turned the clock makes it begin.
//!
//! # When a moment is settled
//!
//! When no worker does anything but sleep or wait, and no more workers count as asleep than are in line: so one that is about to get in
//! line, or was told to get up, is not taken for one that sleeps. Who waits inside a job is asked to look once more, see [`looks`].
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use fastthreadpool_core::Tick;

use crate::engine::Engine;
use crate::engine::turned::Turned;
use crate::sync::lock::FastLock;
use crate::sync::looks;
use crate::sync::time::{BY_HAND, ByHand, Time};
use crate::sys::thread::{self, Thread};
use crate::sys::{self, Mutex};

mod hands;
mod quiet;

use self::hands::{Hands, Turner};
use self::quiet::Patience;

/// A clock that stands still but when somebody turns it, for tests of what a pool does in time: a handle, cheap to clone, for
/// any number of pools, see [`Builder::clock`](crate::Builder::clock).
///
/// A test of a daily job takes a millisecond:
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::{ManualClock, Pool};
/// use std::time::{Duration, SystemTime};
///
/// const DAY: Duration = Duration::from_secs(86_400);
/// let new_year = SystemTime::UNIX_EPOCH + 20_454 * DAY;
/// let clock = ManualClock::starting_at(new_year);
/// let pool = Pool::builder().clock(&clock).build()?;
///
/// // Each night at two, and each hour.
/// let mut nights = 0;
/// let backup = move || {
///     nights += 1;
///     nights
/// };
/// pool.periodic(backup).every(DAY).starting(new_year + DAY / 12).submit()?;
/// pool.schedule(DAY / 24, || 0)?;
///
/// clock.advance(7 * DAY);
/// let runs: Vec<u32> = pool.done().drain().map(|done| done.value).collect();
/// assert_eq!(runs.iter().filter(|run| **run == 0).count(), 7 * 24);
/// assert!(runs.iter().copied().filter(|run| *run > 0).eq(1..=7));
/// assert_eq!(clock.system_time(), new_year + 7 * DAY);
/// # Ok(()) }
/// ```
///
/// # What follows it
///
/// Of a pool that is built with it: delayed and periodic jobs, with [`Duration`]s, with [`Instant`]s of [`ManualClock::now`], and with
/// [`SystemTime`]s of [`ManualClock::system_time`]; [`start_by`](crate::Job::start_by) and [`time_limit`](crate::Job::time_limit), whatever
/// [`Context`](crate::Context) says, deadlines of groups; all waits with a time limit of the pool, its groups, handles and queues of
/// results; [`keep_alive`](crate::Builder::keep_alive) and [`punctual`](crate::Builder::punctual).
///
/// What does not: [`Semaphore`](crate::Semaphore) and [`FastLock`], which belong to no pool;
/// [`OnDrop::WaitTimeout`](crate::OnDrop), since nobody is left to turn the clock; what jobs do themselves, as
/// [`std::thread::sleep`]; and how workers share short jobs.
///
/// A [shutdown](crate::Pool::shutdown), and the drop of the last handle, wait for delayed jobs, and so for somebody who turns the clock: what
/// has not come by the end of a test is to be [removed](crate::Pool::cancel_timers) before it.
///
/// # What has happened when an advance returns
///
/// [`ManualClock::advance`] stops at each moment at which something is due, in order of time, and goes on from there when the moment is
/// *settled*; and first the present one. At each
///
/// 1. the clock shows the moment, and all that is due begins, as far as there are workers;
/// 2. all jobs that run, and all that could begin, end, or wait: for each other, in a scope or a join, for a semaphore, for results, to
///    be cancelled, for the clock, by whatever of this crate;
/// 3. what was to have begun by that moment, or to have ended, and has not, is removed, or told to stop; and again all end, or wait.
///
/// So a job that is due each hour runs 24 times in a day, what it submits runs in between, and what was submitted before the
/// advance has begun before the clock goes on.
///
/// Not waited for are threads other than workers: those of [`Builder::on_done`](crate::Builder::on_done), and those of the caller's whose time
/// limits are over, which have been woken.
///
/// A job that waits by other means for something that comes only after the advance, as a channel of the test's, says so by
/// [`Pool::blocking`](crate::Pool::blocking), and is not waited for; else it keeps the advance waiting for ever. So does one that asks
/// [`is_cancelled`](crate::Context::is_cancelled) again and again until a later moment, where [`cancelled`](crate::Context::cancelled)
/// would wait for it. The log has a warning then, after five seconds. [`ManualClock::jump`] waits for nothing.
///
/// Inside a job of a pool that follows the clock an advance is a jump: it would wait for itself.
#[derive(Clone)]
pub struct ManualClock(Arc<Inner>);

struct Inner {
    hands: Mutex<Hands>,
    /// Held by who advances. One that a simulation knows: the others wait for all that an advance waits for.
    turning: FastLock,
    /// What the wall clock said at [`BY_HAND`].
    zero: SystemTime,
}

impl ManualClock {
    /// One that shows the present time.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(SystemTime::now())
    }

    /// One whose [`system_time`](Self::system_time) begins with this. Its [`now`](Self::now) begins with the present instant.
    #[must_use]
    pub fn starting_at(time: SystemTime) -> Self {
        let since = sys::now();
        let zero = time.checked_sub(Duration::from_nanos(since.0)).unwrap_or(time);
        let hands =
            Hands { now: BY_HAND.saturating_add(since.0), turner: None, sleepers: Vec::new(), pools: Vec::new() };
        Self(Arc::new(Inner { hands: Mutex::new(hands), turning: FastLock::new(), zero }))
    }

    /// What it shows.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the clock does not go beyond the instants")]
    pub fn now(&self) -> Instant {
        self.time().instant(self.0.now()).expect("an instant of this clock")
    }

    /// What its wall clock shows, which goes with it.
    #[must_use]
    pub fn system_time(&self) -> SystemTime {
        self.0.wall(self.0.now())
    }

    /// Turns the clock forward, from moment to moment, and waits at each for what it brings about: see
    /// [above](Self#what-has-happened-when-an-advance-returns). It goes a hundred years at most. Of several threads one advances after
    /// the other.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{ManualClock, Pool};
    /// # use std::time::Duration;
    /// let clock = ManualClock::new();
    /// let pool: Pool<&str> = Pool::builder().threads(1).clock(&clock).build()?;
    /// let minute = Duration::from_secs(60);
    /// let job = pool.job_with(move |job| if job.cancelled_timeout(9 * minute) { "too slow" } else { "done" });
    /// job.time_limit(2 * minute).submit()?;
    /// clock.advance(minute);
    /// assert!(pool.done().is_empty());
    /// clock.advance(minute);
    /// assert_eq!(pool.done().try_pop().map(|done| done.value), Some("too slow"));
    /// # Ok(()) }
    /// ```
    pub fn advance(&self, by: Duration) {
        self.0.advance(by);
    }

    /// Advances to the next moment at which something is due in a pool, is over, or somebody's wait for a pool is. Returns what the clock shows then; `None` if there is no such moment, and the
    /// clock stays.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{ManualClock, Pool};
    /// # use std::time::Duration;
    /// let clock = ManualClock::new();
    /// let pool = Pool::builder().clock(&clock).build()?;
    /// let noon = clock.now() + Duration::from_secs(3600);
    /// pool.submit_at(noon, || "noon")?;
    /// assert_eq!(clock.advance_to_next(), Some(noon));
    /// assert_eq!(pool.done().try_pop().map(|done| done.value), Some("noon"));
    /// assert_eq!(clock.advance_to_next(), None);
    /// # Ok(()) }
    /// ```
    pub fn advance_to_next(&self) -> Option<Instant> {
        self.0.advance_to_next().then(|| self.now())
    }

    /// Turns the clock forward at once, as if the machine had slept so long, and waits for nothing: what was due meanwhile begins when there are
    /// workers, and periodic jobs have missed what their [`missed`](crate::Job::missed) is about.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{ManualClock, MissedTickBehavior, Pool};
    /// # use std::time::Duration;
    /// let clock = ManualClock::new();
    /// let pool = Pool::builder().clock(&clock).build()?;
    /// let hour = Duration::from_secs(3600);
    /// pool.periodic(|| "tick").every(hour).missed(MissedTickBehavior::Skip).submit()?;
    /// clock.jump(24 * hour);
    /// pool.wait_idle();
    /// assert_eq!(pool.done().len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn jump(&self, by: Duration) {
        self.0.jump(by);
    }

    pub(crate) fn time(&self) -> Time {
        Time::by_hand(Arc::clone(&self.0) as Arc<dyn ByHand>)
    }

    /// From now on this pool is told.
    pub(crate) fn is_followed_by(&self, engine: &Arc<Engine>) {
        let engine: Arc<dyn Turned> = Arc::clone(engine) as _;
        let mut hands = self.0.hands.lock();
        hands.pools.retain(|pool| pool.strong_count() > 0);
        hands.pools.push(Arc::downgrade(&engine));
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// A hundred years from the first tick of clocks by hand: instants of the system go so far.
const LAST: Tick = BY_HAND.saturating_add(100 * 365 * 86_400 * 1_000_000_000);

fn after(now: Tick, by: Duration) -> Tick {
    now.saturating_add(sys::nanos(by)).min(LAST)
}

type Pools = Vec<Arc<dyn Turned>>;

impl Inner {
    fn pools(&self) -> Pools {
        self.hands.lock().pools.iter().filter_map(Weak::upgrade).collect()
    }

    fn advance(&self, by: Duration) {
        let go_on = || {
            let target = after(self.now(), by);
            self.settle();
            while self.now() < target || self.next() <= target {
                self.turn_to(self.next().min(target));
                self.settle();
            }
        };
        if self.advancing(go_on).is_none() {
            self.jump(by);
        }
    }

    fn advance_to_next(&self) -> bool {
        let go_on = |settle: &dyn Fn()| {
            settle();
            loop {
                let next = self.next();
                if next > LAST {
                    return false;
                }
                let (has_moment, came) = (self.has_moment(next), self.came());
                self.turn_to(next);
                // Here, or by a worker that was woken for it.
                let is_moment = has_moment || self.came() != came;
                settle();
                if is_moment {
                    return true;
                }
                // A pool was to be asked again by then, and no more.
            }
        };
        self.advancing(|| go_on(&|| self.settle())).unwrap_or_else(|| go_on(&|| self.expire()))
    }

    /// Calls `f` as the only one who advances; `None` inside of a job that would be waited for.
    fn advancing<R>(&self, f: impl FnOnce() -> R) -> Option<R> {
        if self.pools().iter().any(|pool| pool.is_present()) {
            return None;
        }
        let _turning = self.turning.acquire();
        let _turner = Turner::begin(self);
        Some(f())
    }

    /// When something is due, or over, at the earliest: perhaps now.
    fn next(&self) -> Tick {
        let of_pools = self.pools().iter().map(|pool| pool.next()).min().unwrap_or(Tick::MAX);
        let hands = self.hands.lock();
        let of_sleepers = hands.waits().filter(|deadline| *deadline > hands.now).min().unwrap_or(Tick::MAX);
        of_pools.min(of_sleepers).max(hands.now)
    }

    /// Whether somebody's wait is over then, or a limit.
    fn has_moment(&self, next: Tick) -> bool {
        self.hands.lock().waits().any(|deadline| deadline == next)
            || self.pools().iter().any(|pool| pool.has_limit(next))
    }

    fn came(&self) -> usize {
        self.pools().iter().map(|pool| pool.came()).fold(0, usize::wrapping_add)
    }

    /// The clock shows that, or more; what is due begins.
    fn turn_to(&self, tick: Tick) {
        let woken: Vec<_> = {
            let mut hands = self.hands.lock();
            hands.now = hands.now.max(tick);
            hands.told().map(|sleeper| sleeper.thread.clone()).collect()
        };
        woken.iter().for_each(Thread::unpark);
        self.pools().iter().for_each(|pool| pool.begin());
    }

    fn jump(&self, by: Duration) {
        self.turn_to(after(self.now(), by));
        self.expire();
    }

    fn expire(&self) {
        self.pools().iter().for_each(|pool| pool.expire());
    }
}

impl ByHand for Inner {
    fn now(&self) -> Tick {
        self.hands.lock().now
    }

    fn wall(&self, tick: Tick) -> SystemTime {
        self.zero + Duration::from_nanos(tick.since(BY_HAND))
    }

    fn park_until(&self, deadline: Tick, park: &mut dyn FnMut()) {
        if let Some(_line) = self.line_up(deadline, false) {
            park();
        }
    }

    fn rest_until(&self, deadline: Tick, park: &mut dyn FnMut(Tick), rise: &mut dyn FnMut()) {
        let is_nap = deadline < BY_HAND;
        let (until, nap) = if is_nap { (Tick::MAX, deadline) } else { (deadline, Tick::MAX) };
        if let Some(_line) = self.line_up(until, true) {
            park(nap);
            rise();
        }
    }

    fn goes_on_by_itself(&self) -> bool {
        let is_turner = self.hands.lock().turner == Some(thread::current().id());
        let next = if is_turner { self.next() } else { Tick::MAX };
        if next > LAST {
            return false;
        }
        let mut patience = Patience::new();
        if self.is_quiet(&mut patience) {
            self.turn_to(next);
            self.expire();
        } else {
            patience.wait_a_moment();
        }
        true
    }

    fn waits(&self, engine: usize) {
        looks::begin(engine);
    }

    fn goes_on(&self) {
        looks::end();
    }
}
