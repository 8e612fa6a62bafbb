//! How a pool is set up.
#![forbid(unsafe_code)]

use std::env;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;

use crate::error::ThreadPoolBuildError;
use crate::registry::{self, Registry};
use crate::thread::{CustomSpawn, DefaultSpawn, ThreadBuilder, ThreadSpawn, std_builder};
use crate::thread_pool::{ThreadPool, max_num_threads};
use crate::unwind::Payload;

/// Sets up a [`ThreadPool`], or the global one.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = rayon_core::ThreadPoolBuilder::new().num_threads(2).build()?;
/// assert_eq!(pool.install(rayon_core::current_num_threads), 2);
/// # Ok(()) }
/// ```
pub struct ThreadPoolBuilder<S = DefaultSpawn> {
    settings: Settings,
    spawn_handler: S,
}

/// What is said of a pool, but for how its threads are started.
#[derive(Default)]
pub(crate) struct Settings {
    /// 0: as many as the environment says.
    pub(crate) threads: usize,
    pub(crate) use_current_thread: bool,
    pub(crate) stack_size: Option<usize>,
    pub(crate) thread_name: Option<Box<dyn FnMut(usize) -> String>>,
    pub(crate) handlers: Handlers,
}

/// What is called of the user's besides jobs.
#[derive(Default)]
pub(crate) struct Handlers {
    pub(crate) panic: Option<Box<dyn Fn(Payload) + Send + Sync>>,
    pub(crate) start: Option<Handler>,
    pub(crate) exit: Option<Handler>,
}

type Handler = Box<dyn Fn(usize) + Send + Sync>;

impl Default for ThreadPoolBuilder {
    fn default() -> Self {
        Self { settings: Settings::default(), spawn_handler: DefaultSpawn }
    }
}

impl ThreadPoolBuilder {
    /// With nothing said.
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds a pool whose threads live in a scope, calls `with_pool` with it, and waits for the threads. Each calls `wrapper`, which
    /// is to call [`ThreadBuilder::run`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::cell::Cell;
    ///
    /// thread_local!(static NUMBER: Cell<u32> = const { Cell::new(0) });
    ///
    /// let number = 7;
    /// let seen = rayon_core::ThreadPoolBuilder::new().num_threads(2).build_scoped(
    ///     |thread| {
    ///         NUMBER.set(number);
    ///         thread.run();
    ///     },
    ///     |pool| pool.install(|| NUMBER.get()),
    /// )?;
    /// assert_eq!(seen, 7);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ThreadPoolBuilder::build`].
    pub fn build_scoped<W, F, R>(self, wrapper: W, with_pool: F) -> Result<R, ThreadPoolBuildError>
    where
        W: Fn(ThreadBuilder) + Sync,
        F: FnOnce(&ThreadPool) -> R,
    {
        thread::scope(|scope| {
            let wrapper = &wrapper;
            let spawn = |thread| std_builder(&thread).spawn_scoped(scope, || wrapper(thread)).map(drop);
            let pool = self.spawn_handler(spawn).build()?;
            Ok(with_pool(&pool))
        })
    }
}

impl<S: ThreadSpawn> ThreadPoolBuilder<S> {
    /// The pool. Its threads are started.
    ///
    /// # Errors
    ///
    /// [`ThreadPoolBuildError`], when a thread cannot be started, or the present one is to be used and is another pool's.
    pub fn build(self) -> Result<ThreadPool, ThreadPoolBuildError> {
        self.build_registry().map(ThreadPool)
    }

    /// Makes this the global pool, which otherwise is built as by default where it is used first.
    ///
    /// # Errors
    ///
    /// As [`ThreadPoolBuilder::build`], and when there is a global pool.
    pub fn build_global(self) -> Result<(), ThreadPoolBuildError> {
        registry::build_global(|| self.build_registry())
    }

    pub(crate) fn build_registry(mut self) -> Result<Arc<Registry>, ThreadPoolBuildError> {
        let threads = match self.settings.threads {
            0 => default_threads(),
            threads => threads,
        };
        self.settings.threads = threads.min(max_num_threads());
        Registry::new(self.settings, &mut self.spawn_handler)
    }
}

/// What the environment says; the second name is the older one.
fn default_threads() -> usize {
    let asked = |name| env::var(name).ok()?.parse::<usize>().ok();
    asked("RAYON_NUM_THREADS")
        .or_else(|| asked("RAYON_RS_NUM_CPUS"))
        .filter(|threads| *threads > 0)
        .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}

impl<S> ThreadPoolBuilder<S> {
    /// So many threads. 0, the default: as many as `RAYON_NUM_THREADS` says, or else as there are processors.
    pub fn num_threads(mut self, num_threads: usize) -> Self {
        self.settings.threads = num_threads;
        self
    }

    /// The present thread is the one with index 0. It works only where it waits, joins or yields; the others are started.
    pub fn use_current_thread(mut self) -> Self {
        self.settings.use_current_thread = true;
        self
    }

    /// The name of the thread with an index.
    pub fn thread_name<F>(mut self, closure: F) -> Self
    where
        F: FnMut(usize) -> String + 'static,
    {
        self.settings.thread_name = Some(Box::new(closure));
        self
    }

    /// Bytes of stack for each thread; the default is std's.
    pub fn stack_size(mut self, stack_size: usize) -> Self {
        self.settings.stack_size = Some(stack_size);
        self
    }

    /// Is given the panics of which nobody hears: of detached jobs, and of the other handlers. Without one they abort the process, and
    /// so does a panic of this one.
    pub fn panic_handler<H>(mut self, panic_handler: H) -> Self
    where
        H: Fn(Payload) + Send + Sync + 'static,
    {
        self.settings.handlers.panic = Some(Box::new(panic_handler));
        self
    }

    /// Runs on each thread when it begins, with its index; on one that stands in with the index of one of the others.
    pub fn start_handler<H>(mut self, start_handler: H) -> Self
    where
        H: Fn(usize) + Send + Sync + 'static,
    {
        self.settings.handlers.start = Some(Box::new(start_handler));
        self
    }

    /// Runs on each thread when it ends, with what the start handler was given.
    pub fn exit_handler<H>(mut self, exit_handler: H) -> Self
    where
        H: Fn(usize) + Send + Sync + 'static,
    {
        self.settings.handlers.exit = Some(Box::new(exit_handler));
        self
    }

    /// Starts the threads in the user's way: called for each while the pool is built, in the order of the indices; some thread is then
    /// to call [`ThreadBuilder::run`]. In such a pool no thread stands in for one that waits.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let builder = rayon_core::ThreadPoolBuilder::new().num_threads(1);
    /// let pool = builder.spawn_handler(|thread| {
    ///     std::thread::Builder::new().name("mine".into()).spawn(|| thread.run()).map(drop)
    /// });
    /// let name = pool.build()?.install(|| std::thread::current().name().map(str::to_owned));
    /// assert_eq!(name.as_deref(), Some("mine"));
    /// # Ok(()) }
    /// ```
    pub fn spawn_handler<F>(self, spawn: F) -> ThreadPoolBuilder<CustomSpawn<F>>
    where
        F: FnMut(ThreadBuilder) -> io::Result<()>,
    {
        ThreadPoolBuilder { settings: self.settings, spawn_handler: CustomSpawn(spawn) }
    }

    /// Changes nothing.
    #[deprecated(note = "use `scope_fifo` and `spawn_fifo`")]
    pub fn breadth_first(self) -> Self {
        self
    }
}

impl<S> fmt::Debug for ThreadPoolBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolBuilder")
            .field("num_threads", &self.settings.threads)
            .field("use_current_thread", &self.settings.use_current_thread)
            .field("stack_size", &self.settings.stack_size)
            .finish_non_exhaustive()
    }
}
