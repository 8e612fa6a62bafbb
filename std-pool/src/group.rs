//! A group's handle: its results, its counts, waiting for it, cancelling it.
#![forbid(unsafe_code)]

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::JobId;

use crate::engine::Engine;
use crate::engine::doom::Doom;
use crate::engine::party::Party;
use crate::group_builder::GroupBuilder;
use crate::groups::inner::Inner;
use crate::groups::kin::Kin;
use crate::here::cancellation::Cancellation;
use crate::info::Counts;
use crate::jobs::builder::Job;
use crate::jobs::context::Context;
use crate::jobs::enter::Entrance;
use crate::keyed::Keyed;
use crate::results::completed::{Completed, What};
use crate::results::outlet::{Done, Failed};
use crate::results::queue::Results;
use crate::sync::semaphore::Semaphore;
use crate::sync::time::Deadline;

/// Jobs of a pool that are counted, limited, waited for and cancelled together, and have queues of results of their own; from
/// [`Group::group`].
///
/// A handle: cheap to clone, `Send` and `Sync`. Groups do not keep their pool open: once that is shut down they take no jobs. A
/// pool is a group itself, the *root*, and dereferences to it, so all that is said here of submitting is said of pools.
///
/// What a group costs: a job of a group without limits a third more than one of the root (`--work ways` of the benchmark). In
/// a group inside another, and elsewhere than on Linux, up to four fifths more: there the end of each job is a locked
/// operation on a line that all workers write. If it may have to wait for another reason than time ([`limit`](GroupBuilder::limit),
/// [`keyed`](GroupBuilder::keyed), [`pausable`](GroupBuilder::pausable), [`done_capacity`](GroupBuilder::done_capacity)) its jobs
/// take a lock on their way in, out and at their end.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::{Group, Pool};
///
/// let pool: Pool = Pool::new()?;
/// let request: Group<usize> = pool.group().build()?;
/// for part in ["one", "group", "for", "each", "request"] {
///     request.submit(move || part.len())?;
/// }
/// assert!(request.wait());
/// assert_eq!(request.done().drain().map(|done| done.value).sum::<usize>(), 22);
/// assert_eq!((request.counts().done, request.counts().pending), (5, 0));
/// # Ok(()) }
/// ```
pub struct Group<T = ()> {
    pub(crate) engine: Arc<Engine>,
    pub(crate) inner: Arc<Inner<T>>,
    /// It is the root, and nothing is bounded.
    is_plain: bool,
}

impl<T> Clone for Group<T> {
    fn clone(&self) -> Self {
        self.inner.core.add_handle();
        let (engine, inner) = (Arc::clone(&self.engine), Arc::clone(&self.inner));
        Self { engine, inner, is_plain: self.is_plain }
    }
}

impl<T> Drop for Group<T> {
    fn drop(&mut self) {
        self.inner.core.leave_handle(&self.engine);
    }
}

impl<T: Send + 'static> Group<T> {
    /// Makes a group known to its engine.
    pub(crate) fn begin(engine: &Arc<Engine>, inner: Arc<Inner<T>>) -> Self {
        inner.begin(engine);
        Self::of(engine, inner)
    }

    /// A handle to a group that is known to its engine.
    pub(crate) fn of(engine: &Arc<Engine>, inner: Arc<Inner<T>>) -> Self {
        let is_plain = inner.core.is_plain();
        Self { engine: Arc::clone(engine), inner, is_plain }
    }

    /// A handle once more to a group that may have lost all: the group, if it is buried. The pool's own never is.
    pub(crate) fn again(engine: &Arc<Engine>, inner: Arc<Inner<T>>) -> Result<Self, Arc<Inner<T>>> {
        // In the child of a fork the lock may be held by nobody who is there.
        if inner.core.policy.is_root || engine.is_elsewhere() {
            inner.core.add_handle();
            return Ok(Self::of(engine, inner));
        }
        // Not while somebody looks whether there are any.
        let is_there = engine.with_parties(|| {
            let is_there = !inner.is_buried();
            if is_there {
                inner.core.add_handle();
            }
            is_there
        });
        if is_there { Ok(Self::of(engine, inner)) } else { Err(inner) }
    }

    #[inline(always)]
    pub(crate) fn entrance(&self) -> Entrance<'_, T> {
        Entrance { engine: &self.engine, group: &self.inner, is_plain: self.is_plain, key: None }
    }

    fn is_root(&self) -> bool {
        self.inner.core.policy.is_root
    }

    /// A group inside this one, set up as its builder says: its jobs count here, too, are limited and paused with those of this
    /// one, and cancelled with it.
    pub fn group<U: Send + 'static>(&self) -> GroupBuilder<'_, U> {
        let around: Option<Arc<dyn Kin>> = if self.is_root() { None } else { Some(self.inner.clone()) };
        GroupBuilder::new(&self.engine, around)
    }

    /// The jobs of one key run one at a time, in the order in which they were submitted; those of different keys side by side, as
    /// far as the group's limit lets them. Two keys with the same hash count as one. A delayed or periodic job holds neither its key nor a
    /// place in the order until it is due. For several at a time of each key make a group for each, with a [`limit`](GroupBuilder::limit).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let accounts = pool.group::<(u32, i64)>().keyed().build()?;
    /// for (account, amount) in [(7, 100), (8, 50), (7, -30)] {
    ///     accounts.keyed(&account)?.submit(move || (account, amount))?;
    /// }
    /// accounts.wait();
    /// let of_7: Vec<_> = accounts.done().drain().filter(|done| done.value.0 == 7).map(|done| done.value.1).collect();
    /// assert_eq!(of_7, [100, -30]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotKeyed`] if the group was not built so.
    ///
    /// # Panics
    ///
    /// Passes on a panic of the key's [`Hash`]; nothing has changed then.
    pub fn keyed<K: Hash + ?Sized>(&self, key: &K) -> Result<Keyed<'_, T>, NotKeyed> {
        let keys = self.inner.core.keys.as_ref().ok_or(NotKeyed)?;
        Ok(Keyed { entrance: Entrance { key: Some(keys.hash(key)), ..self.entrance() } })
    }

    // ----- results

    /// The values of the jobs that succeeded, oldest first. A job that returns `()` leaves nothing here: it can be counted
    /// ([`Group::counts`]) and waited for.
    ///
    /// It has no bound, unless it was given one: what nobody reads stays.
    pub fn done(&self) -> &Results<Done<T>> {
        self.inner.outlet.done()
    }

    /// The failures, oldest first. It keeps 65,536, unless it was given another bound: who reads them misses none. Else the
    /// oldest are dropped, and [counted](Results::lost).
    pub fn failed(&self) -> &Results<Failed> {
        self.inner.outlet.failed()
    }

    /// The semaphore of the done queue.
    pub fn done_cnt(&self) -> &Semaphore {
        self.done().semaphore()
    }

    /// The semaphore of the failed queue.
    pub fn failed_cnt(&self) -> &Semaphore {
        self.failed().semaphore()
    }

    /// What ends, as it ends, from both queues, until nothing is left to wait for.
    #[doc(alias = "as_completed")]
    pub fn completed(&self) -> Completed<'_, T> {
        let cohorts = &self.inner.core.cohorts;
        let what = if self.is_root() { What::Pool(&self.engine) } else { What::Group(Box::new(|| cohorts.line())) };
        Completed::new(&self.inner.outlet, what, self.engine.time())
    }

    // ----- the group as a whole

    /// Waits until all have ended that were accepted before the call, and all that descends from them, that is, was submitted to
    /// this group by one of them while it ran; and its callbacks have been called. What others submit later does not prolong the
    /// wait. Delayed jobs are waited for, schedules are not.
    ///
    /// Of a pool it is [`Pool::wait_idle`](crate::Pool::wait_idle), which waits for a moment at which nothing is pending: not for delayed
    /// jobs that are not due. A server that is never idle takes groups.
    ///
    /// After the failure of a group that fails fast this is what lets it take jobs again, when it has come to that.
    ///
    /// Returns whether it came to that. `false` only inside a job that could otherwise wait for ever, and in the child of a fork. A job of
    /// this group does not wait for itself, nor for those that wait for it.
    pub fn wait(&self) -> bool {
        self.wait_until(Deadline::NEVER)
    }

    /// [`Group::wait`], at most so long; returns whether it came to that.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.wait_until(self.engine.time().after(timeout))
    }

    pub(crate) fn wait_until(&self, deadline: Deadline<'_>) -> bool {
        let (engine, inner) = (&self.engine, &self.inner);
        if engine.is_elsewhere() {
            return false;
        }
        if self.is_root() {
            return engine.wait_idle(deadline);
        }
        inner.core.cohorts.wait(engine, &inner.core, deadline) && inner.outlet.wait_told(deadline)
    }

    /// Cancels all jobs: what is queued, delayed, periodic or waits at a limit will not run, and what runs is told to stop
    /// ([`Context::is_cancelled`](crate::Context::is_cancelled)). Jobs that others submit at the same time may be cancelled with
    /// them; the group takes jobs as before. Of a pool this is all that is in it, but for scopes.
    ///
    /// Returns how many there were. The functions of those that wait in the pool's queue are dropped by the worker that meets
    /// them, and [`on_cancelled`](GroupBuilder::on_cancelled) is called then; [`Group::wait`] waits for that. Those that wait for
    /// something else are dropped before this returns.
    pub fn cancel(&self) -> usize {
        if self.engine.is_elsewhere() {
            return 0;
        }
        if self.is_root() {
            self.engine.cancel_everything()
        } else {
            self.inner.core.cancel(&self.engine, Doom::Cancelled)
        }
    }

    /// Cancels one job, wherever it is: queued, delayed, periodic or running. O(1), at once.
    pub fn cancel_id(&self, id: JobId) -> Cancellation {
        self.engine.cancel(id)
    }

    /// How many jobs are where, and how many have ended how, since the group was built. O(threads).
    pub fn counts(&self) -> Counts {
        Counts::of(&self.engine, &self.inner)
    }

    /// No job begins any more that has not been let through; what runs goes on. Jobs are accepted as before.
    /// A shutdown ends the pause, and a group of a pool that is closed is not paused.
    ///
    /// # Errors
    ///
    /// [`NotPausable`] if the group was not built so.
    pub fn pause(&self) -> Result<(), NotPausable> {
        if self.is_root() {
            self.engine.core.pause();
            return Ok(());
        }
        if self.inner.core.pause(&self.engine) { Ok(()) } else { Err(NotPausable) }
    }

    /// Jobs begin again; does nothing if the group is not paused.
    pub fn resume(&self) {
        let duty = if self.is_root() { self.engine.core.resume() } else { self.inner.core.resume(&self.engine) };
        self.engine.perform_or_leave(duty);
    }

    /// Whether it is paused itself; it may be inside of one that is.
    pub fn is_paused(&self) -> bool {
        if self.is_root() { self.engine.core.is_paused() } else { self.inner.core.is_paused() }
    }
}

impl<'g, T: Send + 'static, C, W, K> Job<'g, T, C, W, K> {
    /// It belongs to this group, instead of the one that it was begun with, and to none of its keys.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool<u32> = Pool::new()?;
    /// let request = pool.group::<u32>().build()?;
    /// pool.job(|| 7).group(&request).submit()?;
    /// request.wait();
    /// assert_eq!((request.done().len(), pool.done().len()), (1, 0));
    /// # Ok(()) }
    /// ```
    pub fn group(self, group: &'g Group<T>) -> Self {
        self.entering(group.entrance())
    }
}

impl<T: Send + 'static> Context<'_, T> {
    /// The job's group, to submit more to it, or to ask it something; of a job of the pool's own the pool as a group. It does not keep
    /// the pool open.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool<u32> = Pool::new()?;
    /// pool.submit_with(|job| {
    ///     let another = job.group().submit(|| 2);
    ///     another.map(|_| 1).map_err(|refused| refused.to_string())
    /// })?;
    /// pool.shutdown();
    /// assert_eq!(pool.done().len(), 2);
    /// # Ok(()) }
    /// ```
    pub fn group(&self) -> Group<T> {
        let (engine, inner) = (self.engine(), self.inner().share());
        // Not while somebody looks whether there are any.
        engine.with_parties(|| inner.core.add_handle());
        Group::of(engine, inner)
    }
}

impl<T> fmt::Debug for Group<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("policy", &self.inner.core.policy).finish_non_exhaustive()
    }
}

/// A group was to be paused that was not built with [`pausable`](GroupBuilder::pausable).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotPausable;

/// A group was given a key that was not built with [`keyed`](GroupBuilder::keyed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotKeyed;

impl fmt::Display for NotPausable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the group was not built to be paused")
    }
}

impl fmt::Display for NotKeyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the group was not built to have keys")
    }
}

impl std::error::Error for NotPausable {}
impl std::error::Error for NotKeyed {}
