//! What the builder fixes of an engine.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::Tick;

use crate::engine::Engine;
use crate::engine::carried::Carries;
use crate::engine::hired::WorkerThread;
use crate::engine::naming::NameThread;
use crate::engine::observed::Observed;

pub(crate) type Hook = Box<dyn Fn(usize) + Send + Sync>;
pub(crate) type SpawnHandler = Box<dyn Fn(WorkerThread) -> io::Result<()> + Send + Sync>;

/// What becomes of a pool whose last handle is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnDrop {
    /// As by [`Pool::shutdown`](crate::Pool::shutdown): it waits until all jobs have ended.
    #[default]
    Wait,
    /// The same, but it waits at most so long; what is left goes on by itself.
    WaitTimeout(Duration),
    /// As by [`Pool::detach`](crate::Pool::detach): it waits for nothing, and what was accepted is run.
    Detach,
    /// As by [`Pool::shutdown_now`](crate::Pool::shutdown_now): what has not begun is removed, and it waits for what runs.
    Stop,
}

/// What the builder fixes.
pub(crate) struct Config {
    pub(crate) threads: usize,
    /// So many stay, and the others for so many nanoseconds without work; `u64::MAX` for ever.
    pub(crate) min_threads: usize,
    pub(crate) keep_alive: u64,
    pub(crate) name_prefix: String,
    pub(crate) thread_name: Option<NameThread>,
    pub(crate) stack_size: Option<usize>,
    pub(crate) spawn_handler: Option<SpawnHandler>,
    /// Runs on each thread that the pool starts, before all else.
    pub(crate) pin: Option<Hook>,
    pub(crate) on_thread_start: Option<Hook>,
    pub(crate) on_thread_stop: Option<Hook>,
    pub(crate) log_failures: Option<log::Level>,
    pub(crate) on_drop: OnDrop,
    pub(crate) watched: Option<Arc<dyn Watched>>,
    pub(crate) observed: Option<Box<dyn Observed>>,
    pub(crate) carries: Option<Box<dyn Carries>>,
    /// Of a pool without threads: how who waits for it works meanwhile.
    pub(crate) attends: Option<&'static Attends>,
}

/// What a pool without threads does instead. Named where one is built, so that a program without is spared it.
pub(crate) struct Attends {
    /// Calls a function in which the present thread waits, and works for the pool meanwhile.
    pub(crate) wait: fn(&Engine, &mut dyn FnMut()),
    /// Runs what may begin. Returns whether there was something.
    pub(crate) work: fn(&Engine) -> bool,
}

/// Who wants to know whether workers have nothing to do. Without its type, so that a program without is spared it.
pub(crate) trait Watched: Send + Sync {
    /// A worker comes.
    fn comes(&self);
    /// It has found nothing to do.
    fn parks(&self);
    /// It is up again.
    fn gets_up(&self);
    /// A clock by hand was turned. Returns when it is to be told so again at the latest.
    fn turn(&self, engine: &Engine) -> Tick;
}
