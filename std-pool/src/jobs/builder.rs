//! A job with all that can be said about it before it is submitted: what can be said of any, and of one that runs once. Of one that
//! repeats: `schedule`.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::{JobId, Priority, Tick};

use crate::engine::Engine;
use crate::engine::due::WallTime;
use crate::engine::submit::To;
use crate::engine::submit_error::SubmitError;
use crate::jobs::call::{Call, Function, Renamed};
use crate::jobs::enter::{Entrance, Shape};
use crate::jobs::limited::{Limited, Timed};
use crate::jobs::once::{Discard, Give, Keep, OnceShape, Way};
use crate::jobs::spawned::{JoinHandle, SpawnShape};
use crate::jobs::when::{At, When, with_leeway};
use crate::results::outcome::Outcome;

/// A job that is being described; from [`Group::job`](crate::Group::job), [`Group::periodic`](crate::Group::periodic),
/// [`Group::overlapping`](crate::Group::overlapping), and the same with a [`Context`](crate::Context):
/// [`job_with`](crate::Group::job_with), [`periodic_with`](crate::Group::periodic_with),
/// [`overlapping_with`](crate::Group::overlapping_with). What is said of it may be said in any order.
///
/// | | of which | what it says |
/// |---|---|---|
/// | [`name`](Self::name) | any | what it is called |
/// | [`group`](Self::group) | any | to which group it belongs |
/// | [`priority`](Self::priority) | any | its class |
/// | [`on_done`](Self::on_done), [`discard`](Self::discard) | any but `overlapping` | what becomes of its value |
/// | [`time_limit`](Self::time_limit) | any | how long it may run |
/// | [`start_by`](Self::start_by) | `job` | until when it is to have begun |
/// | [`first`](Self::first) | `job` | that it goes before all others |
/// | [`after`](Self::after), [`at`](Self::at), [`leeway`](Self::leeway) | `job` | when |
/// | [`every`](Self::every), [`with_delay`](Self::with_delay), [`starting`](Self::starting), [`missed`](Self::missed) | `periodic`, `overlapping` | how often |
/// | [`stop_on_failure`](Self::stop_on_failure) | `periodic` | when it ends |
/// | [`at_most`](Self::at_most) | `overlapping` | how many run at the same time |
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use fastthreadpool::Pool;
/// use std::sync::mpsc;
/// use std::time::Duration;
///
/// let pool: Pool<u32> = Pool::new()?;
/// let (sender, receiver) = mpsc::channel();
/// pool.job(|| 6 * 7)
///     .after(Duration::from_millis(1))
///     .on_done(move |_id, value| sender.send(value).expect("somebody listens"))
///     .submit()?;
/// assert_eq!(receiver.recv()?, 42);
/// # Ok(()) }
/// ```
#[must_use = "a job does nothing until it is submitted"]
pub struct Job<'g, T, C, W = Keep, K = Once> {
    pub(super) entrance: Entrance<'g, T>,
    pub(super) call: C,
    pub(super) way: W,
    pub(super) priority: Priority,
    pub(super) kind: K,
}

/// It runs once.
#[derive(Clone, Copy)]
pub struct Once {
    to: To,
    /// When, if that is a time of the system's clock.
    wall: Option<WallTime>,
    leeway: Duration,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Once")
    }
}

impl<'g, T, C, W, K> Job<'g, T, C, W, K> {
    pub(super) fn of(entrance: Entrance<'g, T>, call: C, way: W, kind: K) -> Self {
        Self { entrance, call, way, priority: Priority::Normal, kind }
    }

    /// The same for another group.
    pub(crate) fn entering(self, entrance: Entrance<'g, T>) -> Self {
        Self { entrance, ..self }
    }

    pub(super) fn with_way<V>(self, way: V) -> Job<'g, T, C, V, K> {
        let Self { entrance, call, priority, kind, .. } = self;
        Job { entrance, call, way, priority, kind }
    }

    /// What the failed queue and the log call it. The default is the type of its function. A name takes 16 of the 48 bytes that
    /// a job has inline.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// pool.job(|| Err::<(), _>("no paper")).name("print").submit()?;
    /// pool.shutdown();
    /// assert_eq!(pool.failed().pop().map(|failed| failed.name), Some("print"));
    /// # Ok(()) }
    /// ```
    pub fn name(self, name: &'static str) -> Job<'g, T, Renamed<C>, W, K> {
        self.with_call(|call| Renamed { call, name })
    }

    /// How soon it begins, compared to others that wait for a worker; in a group with a limit, once the group lets it through. Of
    /// another class than the normal one a job costs about as much as a timer. Jobs whose time has come begin before all that wait in
    /// the queue, if they are of the normal class.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use fastthreadpool::{Pool, Priority};
    ///
    /// let pool = Pool::builder().threads(1).build()?;
    /// pool.pause();
    /// for (name, priority) in [("cleaning up", Priority::Low), ("a page", Priority::Normal), ("a click", Priority::High)] {
    ///     pool.job(move || name).priority(priority).submit()?;
    /// }
    /// pool.resume();
    /// pool.shutdown();
    /// assert!(pool.done().drain().map(|done| done.value).eq(["a click", "a page", "cleaning up"]));
    /// # Ok(()) }
    /// ```
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }
}

impl<'g, T, C, W, K> Job<'g, T, C, W, K> {
    /// Each of its runs has so much time. What still runs then is told to stop, as by a cancel, but only that run; and is
    /// [overdue](crate::Pool::overdue) until it ends. A thread that does nothing else minds the time, so that it does not matter whether
    /// all workers are busy. With a limit of zero a run is told soon after it began, not before. Said twice, the shorter holds.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::time::Duration;
    ///
    /// let pool: Pool<bool> = Pool::new()?;
    /// let endless = pool.job_with(|job| {
    ///     while !job.is_cancelled() {}
    ///     job.group().counts().running == 1
    /// });
    /// endless.time_limit(Duration::from_millis(1)).submit()?;
    /// assert_eq!(pool.done().pop().map(|done| done.value), Some(true));
    /// # Ok(()) }
    /// ```
    pub fn time_limit(self, limit: Duration) -> Job<'g, T, Timed<C>, W, K> {
        self.with_call(|call| Timed::new(call, limit))
    }

    pub(super) fn with_call<D>(self, change: impl FnOnce(C) -> D) -> Job<'g, T, D, W, K> {
        let Self { entrance, call, way, priority, kind } = self;
        Job { entrance, call: change(call), way, priority, kind }
    }
}

impl<'g, T, C> Job<'g, T, C> {
    pub(crate) fn once(entrance: Entrance<'g, T>, call: C) -> Self {
        Self::of(entrance, call, Keep, Once { to: To::Back, wall: None, leeway: Duration::ZERO })
    }
}

#[expect(private_bounds, reason = "what is called is a function, or one with a context")]
impl<'g, T, C> Job<'g, T, C>
where
    T: Send + 'static,
    C: Call<T>,
{
    /// Its value goes to this function, on the worker right after the job, instead of the done queue. A panic of it fails the
    /// job.
    pub fn on_done<D>(self, on_done: D) -> Job<'g, T, C, Give<D>>
    where
        C::Value: Outcome<T>,
        D: FnOnce(JobId, T) + Send + 'static,
    {
        self.with_way(Give(on_done))
    }

    /// Its value is dropped. A failure still goes to the failed queue.
    pub fn discard(self) -> Job<'g, T, C, Discard> {
        self.with_way(Discard)
    }

    /// Submits it, and returns a handle to it, as [`Group::spawn`](crate::Group::spawn): nothing goes to the queues of results, and its
    /// value may be of any type.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::time::Duration;
    ///
    /// let pool: Pool = Pool::new()?;
    /// let tea = pool.job(|| "ready").after(Duration::from_millis(1)).spawn()?;
    /// assert_eq!(tea.join()?, "ready");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Group::submit`](crate::Group::submit).
    pub fn spawn(self) -> Result<JoinHandle<C::Value>, SubmitError<C::Function>>
    where
        C::Value: Send,
    {
        let engine = self.entrance.engine;
        let mut receiver = None;
        let id = self.submit_as(|call, Keep| {
            let (shape, end) = SpawnShape::new(call);
            receiver = Some(end);
            shape
        })?;
        let receiver = receiver.unwrap_or_else(|| unreachable!("it was made for the job that was submitted"));
        Ok(receiver.into_handle(Arc::clone(engine), id))
    }
}

impl<'g, T, C, W> Job<'g, T, C, W> {
    /// If it has not begun by then it is removed, and what is said of removed jobs says that it has
    /// [expired](crate::CancelReason::Expired): the handle, the callback of its group. A time in the past is no mistake: then it is
    /// removed at once. Said twice, the last holds. As with [`time_limit`](Self::time_limit) a thread minds the time, which drops what it removes.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{JobError, Pool};
    /// use std::time::Duration;
    ///
    /// let pool: Pool = Pool::new()?;
    /// pool.pause();
    /// let answer = pool.job(|| "to nobody any more").start_by(Duration::from_millis(1)).spawn()?;
    /// assert!(matches!(answer.join(), Err(JobError::Expired)));
    /// # Ok(()) }
    /// ```
    pub fn start_by(self, when: impl Into<When>) -> Job<'g, T, Limited<C>, W> {
        let by = when.into().tick(self.entrance.engine);
        self.with_call(|call| Limited::new(call, by))
    }

    /// Before all others, instead of at the end of the queue; of a group that is limited, before all others of it.
    pub fn first(mut self) -> Self {
        (self.kind.to, self.kind.wall) = (To::Front, None);
        self
    }

    /// When so much time has passed.
    pub fn after(self, delay: Duration) -> Self {
        self.at(delay)
    }

    /// At a point in time: an [`Instant`](std::time::Instant), or a [`SystemTime`](std::time::SystemTime) of a clock that may be set
    /// meanwhile, see [`When`].
    pub fn at(mut self, when: impl Into<When>) -> Self {
        let (due, wall) = match when.into().point(self.entrance.engine) {
            At::Tick(due) => (due, None),
            // It is looked up when it is submitted.
            At::Wall(time) => (Tick::MAX, Some(time)),
        };
        (self.kind.to, self.kind.wall) = (To::Later(due, None), wall);
        self
    }

    /// Of a delayed job: it may begin so much later. Of the times that this leaves it takes one that many others would take, too, so
    /// that a worker that sleeps gets up once for several. What the system's clock has moved begins at its time.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::time::Duration;
    ///
    /// let pool: Pool = Pool::new()?;
    /// for session in 0..100 {
    ///     let expiry = Duration::from_millis(3_600_000 + session);
    ///     pool.job(|| ()).after(expiry).leeway(Duration::from_secs(60)).submit()?;
    /// }
    /// let mut times: Vec<_> = pool.delayed().iter().map(|job| job.due).collect();
    /// times.dedup();
    /// assert!(times.len() <= 4);
    /// # pool.cancel_timers();
    /// # Ok(()) }
    /// ```
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.kind.leeway = leeway;
        self
    }
}

#[expect(
    private_bounds,
    reason = "what is called is a function, or one with a context; the ways are keeping, on_done and discard"
)]
impl<T, C, W> Job<'_, T, C, W>
where
    T: Send + 'static,
    C: Call<T>,
    C::Value: Outcome<T>,
    W: Way<T>,
{
    /// Submits it; returns its id.
    ///
    /// # Errors
    ///
    /// As [`Group::submit`](crate::Group::submit).
    #[inline]
    pub fn submit(self) -> Result<JobId, SubmitError<C::Function>> {
        self.submit_as(|call, way| OnceShape { call, way })
    }
}

#[expect(private_bounds, reason = "as above")]
impl<T, C, W> Job<'_, T, C, W>
where
    T: Send + 'static,
    C: Function,
{
    #[inline]
    fn submit_as<S: Shape<T, Function = C::Function>>(
        self,
        shape: impl FnOnce(C, W) -> S,
    ) -> Result<JobId, SubmitError<C::Function>> {
        let is_at_once = matches!((self.priority, &self.kind.to), (Priority::Normal, To::Back));
        if C::IS_READY && is_at_once {
            return self.entrance.append(shape(self.call, self.way));
        }
        self.submit_with_more(shape)
    }

    /// The same of one that waits for something else than its turn, or needs more than that.
    #[inline(never)]
    fn submit_with_more<S: Shape<T, Function = C::Function>>(
        self,
        shape: impl FnOnce(C, W) -> S,
    ) -> Result<JobId, SubmitError<C::Function>> {
        let Self { entrance, mut call, way, priority, kind: Once { mut to, wall, leeway } } = self;
        let mut by_clock = None;
        if let Some(time) = wall {
            match time.due(entrance.engine) {
                Ok(due) => {
                    to = To::Later(due.tick, None);
                    by_clock = Some(due);
                }
                Err(error) => return Err(refuse(entrance.engine, call, error)),
            }
        }
        if let To::Later(due, None) = &mut to {
            *due = with_leeway(*due, leeway);
            call.set_due(*due);
            if let Some(by_clock) = &mut by_clock {
                by_clock.tick = *due;
            }
        }
        if let Err(error) = call.prepare(entrance.engine) {
            return Err(refuse(entrance.engine, call, error));
        }
        let start_by = call.start_by();
        let id = entrance.submit_ranked(priority, shape(call, way), to)?;
        if let Some(start_by) = start_by {
            start_by.accepted(entrance.engine, id);
        }
        if let Some(by_clock) = by_clock {
            by_clock.accepted(entrance.engine, id);
        }
        Ok(id)
    }
}

/// What a job needs of the pool cannot be made.
#[cold]
pub(super) fn refuse<C: Function>(engine: &Engine, call: C, error: io::Error) -> SubmitError<C::Function> {
    let function = call.into_function();
    if engine.is_elsewhere() { SubmitError::Forked(function) } else { SubmitError::NoThread(function, error) }
}

impl<T, C: Function, W, K: fmt::Debug> fmt::Debug for Job<'_, T, C, W, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("name", &self.call.name()).field("kind", &self.kind).finish_non_exhaustive()
    }
}
