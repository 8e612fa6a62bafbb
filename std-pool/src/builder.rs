//! How a pool is set up.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::MAX_WORKERS;

use crate::build_error::BuildError;
use crate::engine::Engine;
use crate::engine::carried::Carries;
use crate::engine::config::{Attends, Config, Hook, OnDrop, SpawnHandler, Watched};
use crate::engine::hired::WorkerThread;
use crate::engine::naming::{self, NameThread};
use crate::engine::observed::Observed;
use crate::engine::punctual::Punctual;
use crate::groups::inner::Inner;
use crate::groups::policy::{Policy, WhenFull};
use crate::groups::ways::Bounds;
use crate::here::location;
use crate::manual_clock::ManualClock;
use crate::pool::Pool;
use crate::results::outlet::{FAILURES, Outlet, Threads as Callers};
use crate::sync::time::Time;
use crate::sys::{self, thread};

mod queues;
mod staff;
mod watched;

/// Sets up a [`Pool`]; from [`Pool::builder`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::Pool;
///
/// let pool: Pool<u32> = Pool::builder().threads(2).name_prefix("crunch").build()?;
/// let name = pool.spawn(|| std::thread::current().name().map(str::to_owned))?.join()?;
/// assert_eq!(name.as_deref(), Some("crunch-1"));
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until it builds"]
pub struct Builder<T> {
    threads: Threads,
    min_threads: usize,
    keep_alive: Duration,
    prestart: Option<Prestart>,
    punctual: Option<KeepTime>,
    observed: Option<Box<dyn Observed>>,
    carries: Option<Box<dyn Carries>>,
    time: Time,
    follow: Option<Follow>,
    name_prefix: String,
    thread_name: Option<NameThread>,
    stack_size: Option<usize>,
    queue_capacity: Option<usize>,
    when_full: WhenFull,
    done_capacity: Option<usize>,
    failed_capacity: usize,
    on_drop: OnDrop,
    spawn_handler: Option<SpawnHandler>,
    /// Whether so many threads can be where they should; and sees to it that one is.
    check: Option<Check>,
    pin: Option<Hook>,
    on_thread_start: Option<Hook>,
    on_thread_stop: Option<Hook>,
    on_done: Option<Starts<T>>,
    on_failed: Option<Starts<T>>,
    log_failures: Option<log::Level>,
    /// Of a pool with a bound.
    bounds: Option<Bounds<T>>,
}

/// Starts the thread of a callback. Made where the callback is given, so that a program without is spared such threads.
type Starts<T> = Box<dyn FnOnce(&Arc<Engine>, Arc<Inner<T>>) -> io::Result<()> + Send>;

type Check = Box<dyn FnOnce(usize) -> Result<(), BuildError> + Send>;

/// The same for threads that are started beforehand.
type Prestart = Box<dyn FnOnce(&Engine) -> io::Result<()> + Send>;

/// What makes due jobs punctual, if it can: what workers are watched by, and what starts it.
type KeepTime = Box<dyn FnOnce() -> Result<(Arc<dyn Watched>, StartThread), BuildError> + Send>;
type StartThread = Box<dyn FnOnce(&Arc<Engine>) -> io::Result<()> + Send>;

/// Makes a pool known to the clock that it follows.
type Follow = Box<dyn FnOnce(&Arc<Engine>) + Send>;

/// How many threads. All of it is set at once, so that a program is spared what it has replaced.
struct Threads {
    /// Says how many, given a number.
    count: fn(usize) -> Result<usize, BuildError>,
    number: usize,
    /// If there are to be none: with what those do who wait.
    attends: Option<&'static Attends>,
}

/// So many less than there are processors.
fn cpus_less(less: usize) -> Result<usize, BuildError> {
    let cpus = thread::available_parallelism().map_err(BuildError::Cpus)?.get();
    let left = cpus.checked_sub(less).filter(|left| *left > 0);
    // Where words are short there may be more processors than can be counted.
    Ok(left.ok_or(BuildError::TooFewCpus { cpus, less })?.min(MAX_WORKERS / 2))
}

impl<T: Send + 'static> Builder<T> {
    // Where it is called, and what follows: what is set twice is not set first then.
    #[inline]
    pub(crate) fn new() -> Self {
        Self {
            threads: Threads { count: cpus_less, number: 0, attends: None },
            min_threads: 0,
            keep_alive: Duration::MAX,
            prestart: None,
            punctual: None,
            observed: None,
            carries: None,
            time: Time::default(),
            follow: None,
            name_prefix: "ThreadPool".into(),
            thread_name: None,
            stack_size: None,
            queue_capacity: None,
            when_full: WhenFull::default(),
            done_capacity: None,
            failed_capacity: FAILURES,
            on_drop: OnDrop::default(),
            spawn_handler: None,
            check: None,
            pin: None,
            on_thread_start: None,
            on_thread_stop: None,
            on_done: None,
            on_failed: None,
            log_failures: None,
            bounds: None,
        }
    }

    /// Keeps delayed and periodic jobs punctual while all workers are busy with long ones: one that is later than `leeway` has another
    /// worker thread started, `extra` more at most than there are to be; it begins what is due, and ends. So a due job is late by
    /// twice that at most, and what a thread takes to start, as long as one of these threads is free. Without it one is started by the first worker that ends its job.
    ///
    /// A thread more looks each `leeway` while all workers are busy, and sleeps while one is not. Of use where jobs take much longer than
    /// the leeway, which should be no less than some tenths of a millisecond. It concerns jobs of the normal class that wait for nothing
    /// but their time.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// let leeway = Duration::from_millis(1);
    /// let pool: Pool = Pool::builder().threads(1).punctual(leeway, 1).build()?;
    /// let (sender, receiver) = mpsc::channel();
    /// // The only worker does nothing but wait for what is due meanwhile.
    /// pool.submit(move || receiver.recv().unwrap_or(()))?;
    /// pool.submit_later(Duration::from_millis(1), move || sender.send(()).unwrap_or(()))?;
    /// pool.wait_idle();
    /// # Ok(()) }
    /// ```
    pub fn punctual(mut self, leeway: Duration, extra: usize) -> Self {
        self.punctual = Some(Box::new(move || {
            if leeway.is_zero() || extra == 0 {
                return Err(BuildError::NotPunctual);
            }
            let keeper = Arc::new(Punctual::new(leeway, extra));
            let watched = Arc::clone(&keeper);
            let start: StartThread = Box::new(|engine| {
                if engine.time().is_by_hand() {
                    return Ok(());
                }
                engine.start_callbacks("punctual", move |engine| keeper.watch(engine))
            });
            Ok((watched, start))
        }));
        self
    }

    /// The pool follows a clock that stands still but when it is turned by hand, so that a test of a job that is to run tomorrow takes no
    /// time: see [`ManualClock`]. The default is the clock of the system.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{ManualClock, Pool};
    /// # use std::time::Duration;
    /// let clock = ManualClock::new();
    /// let pool = Pool::builder().clock(&clock).build()?;
    /// pool.submit_later(Duration::from_secs(86_400), || "tomorrow")?;
    /// clock.advance(Duration::from_secs(86_400));
    /// assert_eq!(pool.done().try_pop().map(|done| done.value), Some("tomorrow"));
    /// # Ok(()) }
    /// ```
    pub fn clock(mut self, clock: &ManualClock) -> Self {
        self.time = clock.time();
        let clock = clock.clone();
        self.follow = Some(Box::new(move |engine| clock.is_followed_by(engine)));
        self
    }

    /// The threads are called `prefix-1`, `prefix-2` and so on; the default prefix is `ThreadPool`. A thread has the lowest number
    /// that no other of the pool has. Linux shows 15 bytes of a name: of a longer one the prefix is shortened there, and not the
    /// number.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name_prefix = prefix.into();
        self
    }

    /// What a thread is called, by its number from 1, instead of by a prefix. Called on whatever thread the need for one is seen. Zero
    /// bytes are left out; if it panics the name is that by the prefix.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::builder().threads(1).thread_name(|number| format!("{number}. of one")).build()?;
    /// let name = pool.spawn(|| std::thread::current().name().map(str::to_owned))?.join()?;
    /// assert_eq!(name.as_deref(), Some("1. of one"));
    /// # Ok(()) }
    /// ```
    pub fn thread_name(mut self, name: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        self.thread_name = Some(Box::new(move |number| naming::own_name(|| name(number))));
        self
    }

    /// Bytes of stack for each thread; the default is std's.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// What becomes of the pool when its last handle is dropped. The default is that it is shut down as by
    /// [`Pool::shutdown`].
    pub fn on_drop(mut self, what: OnDrop) -> Self {
        self.on_drop = what;
        self
    }

    /// Starts the threads in the user's way: the handler is given a [`WorkerThread`] whenever the pool wants a worker, and sees to
    /// it that some thread calls its [`run`](WorkerThread::run). It is called on whatever thread the need is seen, as in the
    /// middle of a submit, so it should not take its time. An error, or a panic, means that no thread could be started: the pool
    /// goes on with those that it has.
    ///
    /// A shutdown waits until `run` has done its work, and not for the threads, which are joined by whoever has started them.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::builder()
    ///     .threads(1)
    ///     .spawn_handler(|worker| {
    ///         std::thread::Builder::new().name("mine".into()).spawn(|| worker.run()).map(drop)
    ///     })
    ///     .build()?;
    /// let name = pool.spawn(|| std::thread::current().name().map(str::to_owned))?.join()?;
    /// assert_eq!(name.as_deref(), Some("mine"));
    /// # Ok(()) }
    /// ```
    pub fn spawn_handler(mut self, handler: impl Fn(WorkerThread) -> io::Result<()> + Send + Sync + 'static) -> Self {
        self.spawn_handler = Some(Box::new(handler));
        self
    }

    /// On which processors a thread runs, by its number from 1; with an empty list wherever the thread may run that builds the pool. The
    /// default is what the thread has that starts it. Numbers are used again, so a pool of `n` threads has those up to `n`; threads that stand in for others that wait
    /// have higher ones, and so have those that [`Pool::set_threads`] adds. Where one of these cannot run as said, it runs where it may, and the log has a
    /// warning. Threads of a [spawn handler](Builder::spawn_handler) and of callbacks are left alone. Linux.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::{BuildError, Pool};
    /// let build = |processor| Pool::<()>::builder().threads(1).affinity(move |_| vec![processor]).build();
    /// let error = build(usize::MAX).unwrap_err();
    /// assert!(matches!(error, BuildError::NoProcessor { thread: 1, processor: usize::MAX }));
    /// # Ok(()) }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    #[cfg(feature = "affinity")]
    pub fn affinity(mut self, processors: impl Fn(usize) -> Vec<usize> + Send + Sync + 'static) -> Self {
        let affinity = Arc::new(crate::engine::affinity::Affinity::new(processors));
        let asked = Arc::clone(&affinity);
        self.check = Some(Box::new(move |threads| asked.check(threads).map_err(BuildError::of_affinity)));
        self.pin = Some(Box::new(move |number| affinity.pin(number)));
        self
    }

    /// Runs on each worker thread before its first job, with the [thread's number](Pool::thread_number); may set up thread-local
    /// state. It may take its time, and wait for jobs: meanwhile other threads are started for them.
    ///
    /// Some 60 threads begin at the same time, 3 where `usize` has 32 bits: more do not wait for each other here.
    pub fn on_thread_start(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.on_thread_start = Some(Box::new(hook));
        self
    }

    /// Runs on each worker thread after its last job, with the [thread's number](Pool::thread_number).
    pub fn on_thread_stop(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.on_thread_stop = Some(Box::new(hook));
        self
    }

    /// Lets each [`Panic`](crate::Panic) say where it was. For all pools of the process, from now on: it sets a panic hook, which calls
    /// the one that there was. A hook that replaces it afterwards ends it.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use fastthreadpool::{JobError, Pool};
    ///
    /// let pool: Pool = Pool::builder().threads(1).panic_locations().build()?;
    /// pool.submit(|| -> () { panic!("no such thing") })?;
    /// if let Some(JobError::Panicked(panic)) = pool.failed().pop().map(|failed| failed.error) {
    ///     println!("{panic}"); // no such thing, at src/main.rs:5:16
    ///     assert!(panic.location().is_some_and(|location| location.contains(".rs:")));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn panic_locations(self) -> Self {
        location::record();
        self
    }

    /// The pool. Starts no worker yet but those of [`Builder::prestart`].
    ///
    /// # Errors
    ///
    /// [`BuildError`], when the number of threads is not between 1 and what the pool can count, when the least number of them is above
    /// that, when a capacity is 0, or when a thread cannot be started: that of a callback, or one that is to be there beforehand.
    pub fn build(self) -> Result<Pool<T>, BuildError> {
        let Threads { count, number, attends } = self.threads;
        let threads = count(number)?;
        if (threads == 0 && attends.is_none()) || threads > MAX_WORKERS / 2 {
            return Err(BuildError::Threads(threads));
        }
        if self.min_threads > threads {
            return Err(BuildError::MinThreads { min: self.min_threads, max: threads });
        }
        if [self.queue_capacity, self.done_capacity, Some(self.failed_capacity)].contains(&Some(0)) {
            return Err(BuildError::NoCapacity);
        }
        let (watched, keep_time) = self.punctual.map(|keep_time| keep_time()).transpose()?.unzip();
        if self.name_prefix.contains('\0') {
            return Err(BuildError::Name);
        }
        if let Some(check) = self.check {
            check(threads)?;
        }
        let callers = Callers { done: self.on_done.is_some(), failed: self.on_failed.is_some() };
        let (queue_capacity, done_capacity) = (self.queue_capacity, self.done_capacity);
        let when_full = self.when_full;
        let is_observed = self.carries.is_some() || self.observed.as_ref().is_some_and(|observed| observed.tells());
        let time = self.time.clone();
        let policy =
            Policy { is_root: true, is_observed, time, queue_capacity, when_full, done_capacity, ..Policy::default() };
        let root = Inner::root(
            policy,
            Outlet::new(self.failed_capacity, callers, &self.time),
            self.bounds.as_ref().map(|bounds| bounds.ways),
        );
        let begin = self.bounds.map_or(Inner::begin_plain as fn(&_, &_), |bounds| bounds.begin);
        let config = Config {
            threads,
            min_threads: self.min_threads,
            keep_alive: sys::nanos(self.keep_alive),
            name_prefix: self.name_prefix,
            thread_name: self.thread_name,
            stack_size: self.stack_size,
            spawn_handler: self.spawn_handler,
            pin: self.pin,
            on_thread_start: self.on_thread_start,
            on_thread_stop: self.on_thread_stop,
            log_failures: self.log_failures,
            on_drop: self.on_drop,
            watched,
            observed: self.observed,
            carries: self.carries,
            attends,
        };
        let engine = Engine::new(config, self.time, root.clone(), root.outlet.keeps());
        if let Some(follow) = self.follow {
            follow(&engine);
        }
        let pool = Pool::of(engine.clone(), root.clone(), begin);
        if let Some(on_done) = self.on_done {
            on_done(&engine, root.clone()).map_err(BuildError::Callback)?;
        }
        if let Some(on_failed) = self.on_failed {
            on_failed(&engine, root).map_err(BuildError::Callback)?;
        }
        if let Some(keep_time) = keep_time {
            keep_time(&engine).map_err(BuildError::Start)?;
        }
        if let Some(prestart) = self.prestart {
            prestart(&engine).map_err(BuildError::Start)?;
        }
        Ok(pool)
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name_prefix", &self.name_prefix).finish_non_exhaustive()
    }
}
