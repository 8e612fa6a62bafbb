//! The pool's handle: waiting for it, ending it.
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::{JobId, NotMoved};

use crate::build_error::BuildError;
use crate::builder::Builder;
use crate::engine::Engine;
use crate::engine::handle::Handle;
use crate::engine::life::Close;
use crate::group::Group;
use crate::groups::inner::Inner;
use crate::groups::policy::Policy;
use crate::here::blocking;
use crate::here::cancellation::Cancellation;
use crate::here::job::RemovedJob;
use crate::jobs::when::{At, When};
use crate::results::outlet::{FAILURES, Outlet, Threads};
use crate::sync::looks;
use crate::sync::time::Deadline;

/// A pool of worker threads whose jobs return `T`.
///
/// A handle: cheap to clone, `Send` and `Sync`. When the last one is dropped the pool is shut down as by
/// [`Pool::shutdown`], so no accepted job is lost; [`Builder::on_drop`] can say something else. If a panic drops it, what has not
/// begun is removed instead, and nothing is waited for.
///
/// `T` is what the done queue holds. The first [`submit`](Group::submit) lets the compiler infer it; who does not want
/// results writes `Pool` without it, and a job that returns `()` leaves nothing in the queue.
///
/// A pool is a [`Group`] of jobs, and dereferences to it: how jobs are submitted and what becomes of their results is said there.
///
/// # `fork`
///
/// The threads of a pool do not exist in a child that the process forks, and what they were in the middle of stays so. There
/// submits are refused as [`Forked`](crate::SubmitError::Forked), waits for the pool or a group return at once, and dropping a handle does
/// nothing. Whatever else is asked may wait for ever: so do [`JoinHandle::join`](crate::JoinHandle::join), [`Results::pop`](crate::Results::pop) and
/// [`Group::completed`] for a job of the parent's. Pools that the child makes itself work, and so do those that had no thread at the fork.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::Pool;
///
/// let squares = Pool::new()?;
/// for n in 1..=10_u64 {
///     squares.submit(move || n * n)?;
/// }
/// squares.shutdown();
/// assert_eq!(squares.done().drain().map(|done| done.value).sum::<u64>(), 385);
///
/// let pool: Pool = Pool::new()?;
/// pool.submit(|| println!("from a worker"))?;
/// # Ok(()) }
/// ```
pub struct Pool<T = ()> {
    // Before the group: its drop ends the pool, and the group's results are kept until then.
    handle: Arc<Handle>,
    group: Group<T>,
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle), group: self.group.clone() }
    }
}

impl<T> Deref for Pool<T> {
    type Target = Group<T>;

    #[inline(always)]
    fn deref(&self) -> &Group<T> {
        &self.group
    }
}

impl<T: Send + 'static> Pool<T> {
    /// A pool with one thread for each processor available to the process, started when there is work for them.
    ///
    /// # Errors
    ///
    /// [`BuildError::Cpus`] when the number of processors cannot be found out.
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// A pool set up differently.
    #[inline]
    pub fn builder() -> Builder<T> {
        Builder::new()
    }

    pub(crate) fn of(engine: Arc<Engine>, root: Arc<Inner<T>>, begin: fn(&Arc<Inner<T>>, &Arc<Engine>)) -> Self {
        begin(&root, &engine);
        let group = Group::of(&engine, root);
        Self { handle: Handle::first(engine), group }
    }

    /// A handle more, whose results go to `group`.
    pub(crate) fn with(handle: Arc<Handle>, group: Group<T>) -> Self {
        Self { handle, group }
    }

    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// Another handle to the same workers, for jobs that return `U`: a [group](Group::group) with queues of its own, which keeps
    /// the pool open as a handle does. What this handle waits for and ends is the whole pool.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let numbers: Pool<u32> = Pool::new()?;
    /// let texts = numbers.with_results::<String>();
    /// numbers.submit(|| 7)?;
    /// texts.submit(|| "seven".to_owned())?;
    /// numbers.wait_idle();
    /// assert_eq!((numbers.done().len(), texts.done().len()), (1, 1));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_results<U: Send + 'static>(&self) -> Pool<U> {
        let outlet = Outlet::new(FAILURES, Threads::default(), self.engine().time());
        let policy = Policy { time: self.engine().time().clone(), ..Policy::default() };
        let group = Group::begin(self.engine(), Inner::new(policy, outlet, None));
        Pool { handle: Arc::clone(&self.handle), group }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.handle.engine
    }

    // ----- cancelling

    /// Cancels a job wherever it is: queued, delayed, periodic, in a group, or running. O(1).
    pub fn cancel(&self, id: JobId) -> Cancellation {
        self.engine().cancel(id)
    }

    /// Removes all jobs that wait for a worker or at the limit of a group; delayed ones that are not due and periodic ones stay,
    /// running ones go on, and scopes keep theirs. Returns those that were removed, which have been dropped.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{JobKind, Pool};
    /// let pool: Pool = Pool::new()?;
    /// pool.pause();
    /// pool.job(|| ()).name("backup").submit()?;
    /// let removed = pool.cancel_queued();
    /// assert_eq!((removed.len(), removed[0].name, removed[0].kind), (1, "backup", JobKind::Queued));
    /// # Ok(()) }
    /// ```
    pub fn cancel_queued(&self) -> Vec<RemovedJob> {
        self.engine().remove_queued()
    }

    /// Removes all delayed and periodic jobs. A periodic job that runs now does not run again. Returns those that were
    /// removed.
    pub fn cancel_timers(&self) -> Vec<RemovedJob> {
        self.engine().remove_timers()
    }

    // ----- moving

    /// Lets a delayed or a periodic job that waits for its time run at another one instead, without making it anew: a time in the
    /// past is now, one beyond the range of the clock never. Of jobs with the same time it is the last. O(1), allocates nothing, and
    /// wakes nobody for a later time.
    ///
    /// Of a periodic job the next run moves. At a fixed rate its grid goes on from there. One that is
    /// [paused](Pool::pause_periodic) runs then if its pause has ended by that time.
    ///
    /// What is moved to a [`SystemTime`](std::time::SystemTime) follows the system's clock from then on, and what is moved to another
    /// time does not any more: see [`When`]. If no thread can be started that minds the clock, which is logged, the time is
    /// converted once.
    ///
    /// # Errors
    ///
    /// [`NotMoved`], when it does not wait for its time any more, or never did; it goes on as if nobody had asked.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{NotMoved, Pool};
    /// # use std::time::Duration;
    /// let pool = Pool::new()?;
    /// // Saves when nothing was typed for a while.
    /// let save = pool.submit_later(Duration::from_secs(60), || "saved")?;
    /// for _key in 0..100 {
    ///     pool.reschedule(save, Duration::from_secs(60))?;
    /// }
    /// pool.reschedule(save, Duration::ZERO)?;
    /// assert_eq!(pool.done().pop().map(|done| done.value), Some("saved"));
    /// assert_eq!(pool.reschedule(save, Duration::ZERO), Err(NotMoved::TooLate));
    /// # Ok(()) }
    /// ```
    pub fn reschedule(&self, id: JobId, when: impl Into<When>) -> Result<(), NotMoved> {
        match when.into().point(self.engine()) {
            At::Tick(due) => self.engine().reschedule(id, due),
            At::Wall(time) => self.engine().reschedule_by_clock(id, time),
        }
    }

    // ----- pausing

    /// No job begins any more but those that workers have claimed already, at most a few dozen short ones each; what runs goes
    /// on. Jobs are accepted as before. A shutdown ends the pause, and a pool that is closed is not paused.
    pub fn pause(&self) {
        self.engine().core.pause();
    }

    /// Jobs begin again.
    pub fn resume(&self) {
        self.engine().perform_or_leave(self.engine().core.resume());
    }

    /// Whether the pool is paused.
    pub fn is_paused(&self) -> bool {
        self.engine().core.is_paused()
    }

    /// Pauses a periodic job, from its present run on. Returns whether there is such a job.
    pub fn pause_periodic(&self, id: JobId) -> bool {
        self.engine().core.pause_periodic(id)
    }

    /// Ends the pause of a periodic job: it runs next at the next point of its grid. Returns whether there is such a job.
    pub fn resume_periodic(&self, id: JobId) -> bool {
        let duty = self.engine().core.resume_periodic(id);
        duty.map(|duty| self.engine().perform_or_leave(duty)).is_some()
    }

    // ----- waiting and ending

    /// Waits for a moment at which no job is queued or runs, in any group; one that comes after the call is not missed. Delayed
    /// and periodic jobs count while they are due, and are not waited for before. Under steady load there may be no such moment: then wait for a
    /// [group](Group::wait).
    ///
    /// Inside a job, that job does not count, nor do those that wait for it. Returns whether it came to that: false only inside a
    /// job that could otherwise wait for ever, and in the child of a fork.
    pub fn wait_idle(&self) -> bool {
        self.engine().wait_idle(Deadline::NEVER)
    }

    /// [`Pool::wait_idle`], at most so long; returns whether it came to that.
    pub fn wait_idle_timeout(&self, timeout: Duration) -> bool {
        self.engine().wait_idle(self.engine().time().after(timeout))
    }

    /// Waits by `f` for something that this library does not know, in the middle of a job: meanwhile another worker stands in.
    /// Outside of jobs it only calls `f`. What this library waits for by itself says so: locks, semaphores, queues of results,
    /// joins.
    ///
    /// There is room for 1,024 that stand in (on 32-bit targets for as many as seats are left of 62); beyond that `f` is called
    /// without.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::sync::mpsc;
    ///
    /// let pool: Pool = Pool::builder().threads(1).build()?;
    /// let (sender, receiver) = mpsc::channel();
    /// let handle = pool.clone();
    /// let waiting = pool.spawn(move || handle.blocking(|| receiver.recv()))?;
    /// pool.submit(move || sender.send("from the second job").expect("the first one listens"))?;
    /// assert_eq!(waiting.join()?, Ok("from the second job"));
    /// # Ok(()) }
    /// ```
    pub fn blocking<R>(&self, f: impl FnOnce() -> R) -> R {
        blocking::once(|| looks::abroad(f))
    }

    /// Accepts no more jobs and waits until all have ended: queued ones are run, delayed ones too when their time comes;
    /// periodic ones end, and so do pauses. Running jobs may still submit. The threads end; when it returns their thread-local
    /// state is gone, and all callbacks have been called. Results are kept.
    ///
    /// Of several that shut the pool down each waits until then. Inside a job or a hook it does not wait, nor in a destructor that is called
    /// while all jobs are removed, or all of a kind, or those that are too late; and it waits no more when somebody opens the pool again by
    /// [`Pool::reset`]. On Windows the destructor of a thread-local value must not wait for it, nor drop the last handle: no thread begins or
    /// ends there meanwhile.
    pub fn shutdown(&self) {
        self.engine().shutdown(Close::Drain, Deadline::NEVER);
    }

    /// [`Pool::shutdown`], but waits at most so long, whatever jobs, hooks, destructors and callbacks do. Returns whether all
    /// has ended; if not, it goes on by itself, and dropping the last handle does not wait for it either.
    pub fn shutdown_timeout(&self, timeout: Duration) -> bool {
        self.engine().shutdown(Close::Drain, self.engine().time().after(timeout))
    }

    /// Accepts no more jobs, removes all that have not begun, tells the running ones to stop, and waits for them. Scopes run
    /// their jobs to the end.
    ///
    /// Inside a job it does not wait. Returns the jobs that it has removed; what another call has removed at the same time is told
    /// there.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// # use std::time::Duration;
    /// let pool: Pool = Pool::new()?;
    /// pool.job(|| ()).name("report").after(Duration::from_secs(3600)).submit()?;
    /// for job in pool.shutdown_now() {
    ///     println!("{} ({:?}) has not run: {}", job.id, job.kind, job.name);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn shutdown_now(&self) -> Vec<RemovedJob> {
        self.engine().shutdown_now()
    }

    /// Accepts no more jobs, as [`Pool::shutdown`], and does not wait: neither here nor when the last handle is dropped. What
    /// was accepted is run, as long as the process lives.
    pub fn detach(self) {
        self.engine().detach();
    }

    /// Whether no more jobs are accepted from outside.
    pub fn is_closed(&self) -> bool {
        self.engine().is_closed()
    }

    /// Whether it was closed, and all jobs have ended.
    pub fn is_ended(&self) -> bool {
        self.engine().is_ended()
    }

    /// Waits until somebody has closed the pool, and it has ended; at most so long, for ever with `None`. Returns whether it came
    /// to that; false, too, when somebody opens it again meanwhile, and, at once, where [`Pool::shutdown`] does not wait.
    pub fn wait_ended(&self, timeout: Option<Duration>) -> bool {
        let time = self.engine().time();
        self.engine().wait_ended(timeout.map_or(Deadline::NEVER, |timeout| time.after(timeout)))
    }

    /// Back to the beginning: removes all jobs that have not begun, empties the queues of results, and accepts jobs again after a
    /// shutdown.
    pub fn reset(&self) {
        self.engine().reopen();
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = &self.handle.engine;
        f.debug_struct("Pool")
            .field("name", &engine.config.name_prefix)
            .field("is_closed", &engine.is_closed())
            .field("is_paused", &engine.core.is_paused())
            .field("threads", &engine.core.wanted())
            .field("counts", &engine.core.counts())
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}
