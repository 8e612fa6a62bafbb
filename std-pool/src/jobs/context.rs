//! What a job may know about itself, and say about its next run.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastthreadpool_core::{JobId, Phase, Tick};

use crate::engine::Engine;
use crate::engine::slot::Slot;
use crate::engine::stops::StopToken;
use crate::engine::worker::Env;
use crate::groups::hold::Run;
use crate::groups::inner::Inner;
use crate::here::blocking;
use crate::jobs::when::{At, When};
use crate::sync::event::Event;
use crate::sync::time::Deadline;
use crate::sys::Mutex;

/// The job as it sees itself: its id, whether it has been asked to stop, how late it is, and a way to leave results before it ends.
/// Shown to functions of [`submit_with`](crate::Group::submit_with), [`job_with`](crate::Group::job_with),
/// [`spawn_with`](crate::Group::spawn_with), [`periodic_with`](crate::Group::periodic_with) and
/// [`overlapping_with`](crate::Group::overlapping_with).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::Pool;
///
/// let pool = Pool::new()?;
/// let id = pool.submit_with(|job| {
///     for n in 1..3_u32 {
///         if job.is_cancelled() {
///             break;
///         }
///         job.emit(n)?;
///     }
///     Ok::<u32, Box<dyn std::error::Error + Send + Sync>>(3)
/// })?;
/// pool.wait_idle();
/// let all: Vec<_> = pool.done().drain().map(|done| (done.id == id, done.value)).collect();
/// assert_eq!(all, [(true, 1), (true, 2), (true, 3)]);
/// # Ok(()) }
/// ```
pub struct Context<'e, T> {
    env: &'e Env,
    group: &'e Inner<T>,
    slot: Option<&'e Slot>,
    about: About<'e>,
    /// When it began, if it had waited for a time.
    began: Tick,
}

/// What a run is told about itself.
pub(crate) struct About<'e> {
    /// [`Tick::MAX`] if it has waited for no time.
    pub(crate) due: Tick,
    /// From 1.
    pub(crate) number: u64,
    /// If it can say anything about that.
    pub(crate) next: Option<&'e Next>,
    /// It has time until then.
    pub(crate) until: Tick,
}

impl About<'_> {
    pub(crate) fn once(due: Tick, until: Tick) -> Self {
        Self { due, number: 1, next: None, until }
    }
}

/// What a run has said about the next one.
#[derive(Default)]
pub(crate) struct Next(Mutex<Option<At>>);

impl Next {
    /// When it is to be, perhaps never; `None` if nothing was said.
    pub(crate) fn into_said(self) -> Option<At> {
        self.0.into_inner()
    }
}

impl<'e, T: Send + 'static> Context<'e, T> {
    pub(crate) fn new(env: &'e Env, run: &'e impl Run<T>, about: About<'e>) -> Self {
        let began = if about.due < Tick::MAX { env.engine.time().now() } else { about.due };
        Self { env, group: run.group(env), slot: run.slot(), about, began }
    }

    /// The job's id.
    pub fn id(&self) -> JobId {
        self.env.id()
    }

    /// Which of its runs this is, from 1; always 1 of a job that runs once. Runs that were missed or left out do not count.
    pub fn run(&self) -> u64 {
        self.about.number
    }

    /// When this run was to begin, of a delayed or a periodic job. Of one that runs once it is the time that it was submitted with,
    /// wherever it was [moved](crate::Pool::reschedule) since.
    pub fn due(&self) -> Option<Instant> {
        self.engine().time().instant(self.about.due)
    }

    /// How much later it began than it was to; zero of a job that has not waited for a time.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::time::{Duration, Instant};
    ///
    /// let pool = Pool::new()?;
    /// let noon = Instant::now() + Duration::from_millis(1);
    /// pool.job_with(|job| (job.due(), job.late())).at(noon).submit()?;
    /// let (due, late) = pool.done().pop().expect("the pool is open").value;
    /// assert!(due == Some(noon) && noon + late <= Instant::now());
    /// # Ok(()) }
    /// ```
    pub fn late(&self) -> Duration {
        Duration::from_nanos(self.began.since(self.about.due))
    }

    /// When its time is over, if that is limited: by [`Job::time_limit`](crate::Job::time_limit), or by the
    /// [deadline](crate::GroupBuilder::deadline) of its group, or of one around that, which does not stop what runs.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::time::{Duration, Instant};
    ///
    /// let pool: Pool = Pool::new()?;
    /// let left = |until: Instant| until.saturating_duration_since(Instant::now());
    /// let handle = pool.job_with(move |job| job.deadline().map(left)).time_limit(Duration::from_secs(9)).spawn()?;
    /// assert!(handle.join()?.is_some_and(|left| left <= Duration::from_secs(9)));
    /// # Ok(()) }
    /// ```
    pub fn deadline(&self) -> Option<Instant> {
        let of_group = self.group.core.policy.deadline.unwrap_or(Tick::MAX);
        self.engine().time().instant(self.about.until.min(of_group))
    }

    /// A periodic job runs for the last time. Does nothing in others.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new()?;
    /// let thrice = pool.periodic_with(|job| {
    ///     if job.run() == 3 {
    ///         job.stop();
    ///     }
    ///     job.run()
    /// });
    /// thrice.every(Duration::from_millis(1)).submit()?;
    /// assert!(pool.done().iter().take(3).map(|done| done.value).eq(1..=3));
    /// pool.shutdown();
    /// assert_eq!(pool.done().len(), 0);
    /// # Ok(()) }
    /// ```
    pub fn stop(&self) {
        self.say(At::Tick(Tick::MAX));
    }

    /// A periodic job runs next at this time, and goes on from there as it would have otherwise; what is said last holds. Does nothing in
    /// others. For jobs whose times are no multiples of anything, as those of a calendar: `every(Duration::MAX)` leaves all of them to
    /// this. A [`SystemTime`](std::time::SystemTime) is that of a clock that may be set meanwhile, see [`When`]; if no thread can be
    /// started that minds it, which is logged, it is converted once.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new()?;
    /// // Waits longer each time.
    /// let id = pool
    ///     .periodic_with(|job| {
    ///         job.next_at(Duration::from_millis(1 << job.run()));
    ///         job.run()
    ///     })
    ///     .every(Duration::MAX)
    ///     .starting(Duration::ZERO)
    ///     .submit()?;
    /// assert!(pool.done().iter().take(3).map(|done| done.value).eq(1..=3));
    /// pool.cancel(id);
    /// # Ok(()) }
    /// ```
    pub fn next_at(&self, when: impl Into<When>) {
        self.say(when.into().point(self.engine()));
    }

    fn say(&self, next: At) {
        if let Some(Next(said)) = self.about.next {
            *said.lock() = Some(next);
        }
    }

    /// Whether somebody has cancelled the job or its group, or shut the pool down without waiting, since it began; or another
    /// job of a group that is to fail fast has failed. A job that takes long asks now and then, and ends if so.
    pub fn is_cancelled(&self) -> bool {
        self.stop_token().is_stopped()
    }

    pub(super) fn stop_token(&self) -> StopToken<'_> {
        self.env.stop_token(self.slot)
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.env.engine
    }

    pub(crate) fn inner(&self) -> &Inner<T> {
        self.group
    }

    /// Puts a value into the done queue now, under the job's id.
    ///
    /// Waits while a bounded done queue is full; meanwhile another worker stands in for this one. Room that jobs hold for what they will return
    /// counts as taken, but to an empty queue one value always comes: it has one more than its bound then if all these return first.
    ///
    /// # Errors
    ///
    /// [`EmitError`] with the value, when there is no room and the job has been asked to stop, or every worker of the pool
    /// waits.
    pub fn emit(&self, value: T) -> Result<(), EmitError<T>> {
        let outlet = &self.group.outlet;
        if outlet.keeps() && !self.has_room() && !self.wait_for_room() {
            return Err(EmitError(value));
        }
        outlet.succeed(&self.env.engine, self.id(), value);
        Ok(())
    }

    /// Whether a value may come now. What the jobs that run will return may have taken all the room: if they all waited to emit, and there
    /// was nothing to read, nobody would ever go on.
    fn has_room(&self) -> bool {
        let (core, outlet) = (&self.group.core, &self.group.outlet);
        core.take_room(&self.env.engine) || outlet.done().is_empty() && core.owe_first()
    }

    #[cold]
    fn wait_for_room(&self) -> bool {
        let engine = &self.env.engine;
        let room = || {
            if self.has_room() {
                Some(true)
            } else {
                (self.is_cancelled() || engine.core.phase() == Phase::Stopping).then_some(false)
            }
        };
        let events = [&self.group.outlet.ended, &engine.quiet];
        let wait = || engine.attended(|| Event::wait_any(&events, Deadline::NEVER, room));
        blocking::maybe(wait).flatten().unwrap_or(false)
    }
}

impl<T> fmt::Debug for Context<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("id", &self.env.id()).finish_non_exhaustive()
    }
}

/// A value that was not taken: there was no room for it, and the job has been asked to stop or every worker of the pool
/// waits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EmitError<T>(pub T);

impl<T> fmt::Debug for EmitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmitError(..)")
    }
}

impl<T> fmt::Display for EmitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room for the value, and no use in waiting for it")
    }
}

impl<T> Error for EmitError<T> {}
