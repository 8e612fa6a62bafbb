//! How a group is set up.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use fastthreadpool_core::JobId;

use crate::build_error::BuildError;
use crate::engine::Engine;
use crate::group::Group;
use crate::groups::inner::Inner;
use crate::groups::kin::Kin;
use crate::groups::policy::{GroupOnDrop, Policy, WhenFull};
use crate::here::job::RemovedJob;
use crate::here::removed::CancelReason;
use crate::jobs::when::When;
use crate::results::combine::Combined;
use crate::results::outlet::{Done, FAILURES, Failed, Outlet, Threads};

/// Sets up a [`Group`]; from [`Group::group`].
///
/// What is not said costs nothing. Whether a group can be limited, paused, keyed or bounded is fixed here.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use fastthreadpool::Pool;
/// let pool: Pool = Pool::new()?;
/// // One at a time, in order.
/// let strand = pool.group::<u32>().limit(1).build()?;
/// for n in 0..10 {
///     strand.submit(move || n)?;
/// }
/// strand.wait();
/// assert!(strand.done().drain().map(|done| done.value).eq(0..10));
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until it builds"]
pub struct GroupBuilder<'g, T> {
    engine: &'g Arc<Engine>,
    around: Option<Arc<dyn Kin>>,
    policy: Policy,
    failed_capacity: usize,
    callbacks: Combined<T>,
}

impl<'g, T: Send + 'static> GroupBuilder<'g, T> {
    pub(crate) fn new(engine: &'g Arc<Engine>, around: Option<Arc<dyn Kin>>) -> Self {
        let (time, is_observed) = (engine.time().clone(), engine.is_observed());
        let around_gauge = || around.as_ref().and_then(|around| around.core().policy.gauge.clone());
        let gauge = engine.config.observed.as_ref().and_then(|observed| observed.gauge(around_gauge()));
        // Its alarm, its door and its jobs look at its own.
        let deadline = around.as_ref().and_then(|around| around.core().policy.deadline);
        let policy = Policy { is_observed, gauge, time, deadline, ..Policy::default() };
        Self { engine, around, policy, failed_capacity: FAILURES, callbacks: Combined::none() }
    }

    /// At most so many of its jobs run at the same time, the others wait for that in the order in which they came. With 1 they
    /// run one at a time, in order.
    ///
    /// Jobs of the group may wait for each other: one that joins another which waits for a place lends it its own, passing the
    /// others by; and one that waits for the whole group, for another one inside or beside it, for room in its queue, or for the pool, gives up its
    /// place for good, and goes on beside the others afterwards. But a job that waits for something else that waits for a job
    /// of the group may wait for ever, as it would with a lock: in a scope or a loop whose tasks wait for jobs of the group, or for a job outside
    /// of the group that does.
    pub fn limit(mut self, jobs: usize) -> Self {
        self.policy.limit = Some(jobs);
        self
    }

    /// What it is called where jobs are [observed](crate::Observer). The default is no name.
    pub fn name(mut self, name: &'static str) -> Self {
        self.policy.name = name;
        self
    }

    /// Its jobs may be given keys: see [`Group::keyed`].
    pub fn keyed(mut self) -> Self {
        self.policy.is_keyed = true;
        self
    }

    /// It may be [paused](Group::pause).
    pub fn pausable(mut self) -> Self {
        self.policy.is_pausable = true;
        self
    }

    /// With the first job that fails all that have not begun are removed, those that run are told to stop, and others are
    /// refused as [`Closed`](crate::SubmitError::Closed); until somebody has [waited](Group::wait) for the group until all that runs has
    /// ended: a wait whose time is over before changes nothing. It takes jobs again, too, when it is cancelled, or a wait for a group
    /// around it begins.
    /// Of a [spawned](Group::spawn) job a panic is a failure, an `Err` is not.
    pub fn fail_fast(mut self) -> Self {
        self.policy.is_fail_fast = true;
        self
    }

    /// What has not begun by then is removed, and nothing is accepted afterwards. What runs goes on. It holds for the groups inside it, too:
    /// of their own deadline and those around them the earliest counts.
    ///
    /// The removal is done by a worker; if all are busy, or the pool is paused, a job that is too late is dropped when its turn comes.
    pub fn deadline(mut self, when: impl Into<When>) -> Self {
        let own = when.into().tick(self.engine);
        self.policy.deadline = Some(self.policy.deadline.map_or(own, |around| own.min(around)));
        self
    }

    /// At most so many of its jobs wait to be run, delayed and periodic ones included; one more is refused as
    /// [`Full`](crate::SubmitError::Full), unless [`GroupBuilder::when_full`] says something else. The default is no bound. Jobs of
    /// groups inside it do not count.
    pub fn queue_capacity(mut self, jobs: usize) -> Self {
        self.policy.queue_capacity = Some(jobs);
        self
    }

    /// What becomes of a job for which the queue has no room, if that has a bound. The default is that it is refused.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use fastthreadpool::WhenFull;
    ///
    /// let pool: Pool = Pool::new()?;
    /// pool.pause();
    /// let latest = pool.group().queue_capacity(1).when_full(WhenFull::DropOldest).build()?;
    /// for n in 0..10 {
    ///     latest.submit(move || n)?;
    /// }
    /// pool.resume();
    /// latest.wait();
    /// assert!(latest.done().drain().map(|done| done.value).eq([9]));
    /// # Ok(()) }
    /// ```
    pub fn when_full(mut self, what: WhenFull) -> Self {
        self.policy.when_full = what;
        self
    }

    /// At most so many results wait in the done queue: a job whose result has no room does not begin. The default is no bound. A job that
    /// waits for others of the group, as by [`Group::wait`], should leave no result itself: it holds the room for it meanwhile.
    /// See [`Builder::done_capacity`](crate::Builder::done_capacity).
    pub fn done_capacity(mut self, results: usize) -> Self {
        self.policy.done_capacity = Some(results);
        self
    }

    /// So many failures wait in the failed queue at most; the oldest are dropped. The default is 65,536.
    pub fn failed_capacity(mut self, failures: usize) -> Self {
        self.failed_capacity = failures;
        self
    }

    /// Is given every result, in order of completion, on the workers, and never by two at a time: who has left a result calls,
    /// unless somebody calls already. It takes them from the done queue, which then is not to be read by others. A panic of it
    /// goes to the failed queue.
    pub fn on_done(mut self, callback: impl FnMut(Done<T>) + Send + 'static) -> Self {
        self.callbacks.on_done = Some(Box::new(callback));
        self
    }

    /// Is given every failure, as [`GroupBuilder::on_done`] every result.
    pub fn on_failed(mut self, callback: impl FnMut(Failed) + Send + 'static) -> Self {
        self.callbacks.on_failed = Some(Box::new(callback));
        self
    }

    /// Is given the id of every job that was removed before it ran, and why, when its function has been dropped. It is called
    /// where that happens: by a worker, or by who has cancelled it; and never by two at a time.
    pub fn on_cancelled(mut self, callback: impl FnMut(JobId, CancelReason) + Send + 'static) -> Self {
        self.callbacks.on_cancelled = Some(Box::new(callback));
        self
    }

    /// The same with the name of the job and what it waited for, as the pool tells of what it has [removed](crate::Pool::cancel_queued): of all
    /// that is removed by a cancel of this group, of one around it or of all that the pool has, by a failure, a deadline, or the time by
    /// which a job was to begin, for a newer job, or because the pool ends or is reset. Not of one that somebody
    /// has cancelled by its id, who knows which that is.
    ///
    /// Once a pool has had such a group each job that it removes so is asked for its name. Others pay nothing for it.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use fastthreadpool::{CancelReason, JobKind};
    /// use std::sync::mpsc::channel;
    ///
    /// let pool: Pool = Pool::new()?;
    /// let (sender, receiver) = channel();
    /// let uploads = pool.group::<()>().on_removed(move |job, why| _ = sender.send((job.name, job.kind, why))).build()?;
    /// uploads.job(|| ()).name("the report").after(std::time::Duration::from_secs(60)).submit()?;
    /// uploads.cancel();
    /// assert_eq!(receiver.recv()?, ("the report", JobKind::Delayed, CancelReason::Cancelled));
    /// # Ok(()) }
    /// ```
    pub fn on_removed(mut self, callback: impl FnMut(RemovedJob, CancelReason) + Send + 'static) -> Self {
        self.callbacks.on_removed = Some(Box::new(callback));
        self
    }

    /// What becomes of its jobs when its last handle is dropped. The default is that they go on by themselves.
    pub fn on_drop(mut self, what: GroupOnDrop) -> Self {
        self.policy.on_drop = what;
        self
    }

    /// The group.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoLimit`] when the limit is 0, [`BuildError::NoCapacity`] when a capacity is; [`BuildError::TooDeep`] when 254 groups
    /// are around it, counted from the outermost that has a limit or keys, or can be paused.
    pub fn build(self) -> Result<Group<T>, BuildError> {
        let Self { engine, around, policy, failed_capacity, callbacks } = self;
        if policy.limit == Some(0) {
            return Err(BuildError::NoLimit);
        }
        if around.as_ref().is_some_and(|around| !around.core().may_have_groups()) {
            return Err(BuildError::TooDeep);
        }
        let capacities = [policy.queue_capacity, policy.done_capacity, Some(failed_capacity)];
        if capacities.contains(&Some(0)) {
            return Err(BuildError::NoCapacity);
        }
        if callbacks.on_removed.is_some() {
            engine.ask();
        }
        let outlet = Outlet::new(failed_capacity, Threads::default(), engine.time()).combined(callbacks);
        Ok(Group::begin(engine, Inner::new(policy, outlet, around)))
    }
}

impl<T> fmt::Debug for GroupBuilder<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupBuilder").field("policy", &self.policy).finish_non_exhaustive()
    }
}
