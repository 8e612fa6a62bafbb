//! What the handles and the threads of one pool share; and the pool of those who have not built one.
#![forbid(unsafe_code)]

use std::io;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use fastthreadpool::{JobId, OnDrop, Pool, WorkerThread};

use crate::builder::{Handlers, Settings};
use crate::error::{Kind, ThreadPoolBuildError};
use crate::inboxes::{Inboxes, Part, Waiter};
use crate::indices::Indices;
use crate::reserve::Reserve;
use crate::stand_in::StandIns;
use crate::thread::{ThreadBuilder, ThreadSpawn};
use crate::unwind::{AbortOnDrop, lock};
use crate::worker::{self, Worker};

pub(crate) struct Registry {
    pub(crate) pool: Pool,
    pub(crate) reserve: Arc<Reserve>,
    pub(crate) indices: Indices,
    pub(crate) inboxes: Inboxes,
    pub(crate) handlers: Handlers,
    /// Never set in a pool whose threads the user starts.
    stand_ins: OnceLock<StandIns>,
}

/// Threads of a registry that could not be built are sent home.
struct Unbuilt<'r>(&'r Registry);

impl Drop for Unbuilt<'_> {
    fn drop(&mut self) {
        self.0.reserve.close();
    }
}

impl Registry {
    /// Starts all its threads; they wait until the pool wants them.
    pub(crate) fn new<S: ThreadSpawn>(settings: Settings, spawn: &mut S) -> Result<Arc<Self>, ThreadPoolBuildError> {
        let Settings { threads, use_current_thread, stack_size, mut thread_name, handlers } = settings;
        let is_member = use_current_thread && worker::with(|worker| worker.is_some());
        if is_member {
            return Err(Kind::IsMember.into());
        }
        let first = usize::from(use_current_thread);
        let reserve = Arc::new(Reserve::new(threads - first));
        let registry = Arc::new_cyclic(|registry| Self {
            pool: Self::pool(threads - first, &reserve, registry),
            reserve,
            indices: Indices::new(threads),
            inboxes: Inboxes::new(threads),
            handlers,
            stand_ins: OnceLock::new(),
        });
        let unbuilt = Unbuilt(&registry);
        let mut names = Vec::new();
        for index in 0..threads {
            let name = thread_name.as_mut().map(|name| name(index));
            names.push(name.clone());
            if index >= first {
                spawn.spawn(ThreadBuilder { registry: Arc::clone(&registry), index, name, stack_size })?;
            }
        }
        std::mem::forget(unbuilt);
        if S::STANDS_IN {
            registry.stand_ins.get_or_init(|| StandIns::new(names, stack_size));
        }
        if use_current_thread {
            let worker = Worker::new(&registry);
            worker.take_index(0);
            worker.stay();
        }
        Ok(registry)
    }

    /// A pool that gets its threads from the reserve of the registry that it is in.
    fn pool(threads: usize, reserve: &Arc<Reserve>, registry: &Weak<Self>) -> Pool {
        let (reserve, registry) = (Arc::clone(reserve), Weak::clone(registry));
        let built = Pool::builder()
            .threads(threads.max(1))
            .name_prefix("rayon")
            .on_drop(OnDrop::Detach)
            .spawn_handler(move |worker| reserve.hand(worker).or_else(|worker| stand_in(&registry, worker)))
            .build();
        built.unwrap_or_else(|error| unreachable!("there are not too many threads: {error}"))
    }

    /// Whether others work while a thread waits.
    pub(crate) fn has_stand_ins(&self) -> bool {
        self.stand_ins.get().is_some()
    }

    pub(crate) fn threads(&self) -> usize {
        self.indices.len()
    }

    /// Runs a function of the user's of which nobody hears; its panic goes to the handler for that.
    pub(crate) fn catch(&self, f: impl FnOnce()) {
        self.handlers.catch(f);
    }

    /// Appends a job, which keeps the pool until it is over. Where the pool takes nothing, as in the child of a fork, it runs here and now.
    pub(crate) fn submit(self: &Arc<Self>, job: impl FnOnce(&Arc<Self>) + Send + 'static) -> Option<JobId> {
        let this = Arc::clone(self);
        self.pool.submit(move || job(&this)).map_err(|refused| (refused.into_inner())()).ok()
    }

    /// One part for each index.
    pub(crate) fn broadcast(self: &Arc<Self>, waiter: Waiter, part: impl FnMut() -> Part) {
        self.inboxes.put(waiter, part);
        (0..self.threads()).for_each(|_| self.send_for_part());
    }

    /// Where the pool takes nothing nobody else comes, and the present thread runs a part, whichever it is for.
    fn send_for_part(self: &Arc<Self>) {
        let this = Arc::clone(self);
        match self.pool.submit(move || this.run_part()) {
            Ok(errand) => self.inboxes.sent(errand),
            Err(_) => _ = self.inboxes.next(None).map(|(index, part)| part(index)),
        }
    }

    /// Runs a part for the present thread's index. One that is asleep is to be woken for its own: so another that comes instead asks
    /// again, and is busy for a moment.
    fn run_part(self: &Arc<Self>) {
        let index = worker::with_member_of(self, |worker| worker.and_then(Worker::index));
        match self.inboxes.next(index) {
            Some((index, part)) => part(index),
            None if self.inboxes.are_empty() => {}
            None => {
                self.send_for_part();
                self.inboxes.wait_a_moment();
            }
        }
    }

    /// Calls a function in a thread of this pool; says whether it had to be brought there.
    #[inline]
    pub(crate) fn in_worker<R: Send>(self: &Arc<Self>, f: impl FnOnce(bool) -> R + Send) -> R {
        if worker::with_member_of(self, |worker| worker.is_some()) { f(false) } else { self.pool.run(|| f(true)) }
    }

    /// Nothing more is accepted from outside, and nobody waits for what is left.
    pub(crate) fn terminate(&self) {
        self.pool.shutdown_timeout(Duration::ZERO);
        self.close_if_ended();
    }

    /// Whoever may have been the last to do something sends home those who wait for more.
    pub(crate) fn close_if_ended(&self) {
        if self.pool.is_ended() {
            self.reserve.close();
        }
    }
}

fn stand_in(registry: &Weak<Registry>, worker: WorkerThread) -> io::Result<()> {
    let none = || io::Error::other("no thread stands in");
    let registry = registry.upgrade().ok_or_else(none)?;
    // That one would leave at once, perhaps with the same wish.
    if worker::with(|worker| worker.is_some_and(Worker::is_leaving)) || registry.pool.is_ended() {
        return Err(none());
    }
    registry.stand_ins.get().ok_or_else(none)?.start(&registry, worker)
}

static GLOBAL: OnceLock<Arc<Registry>> = OnceLock::new();
static BUILDING: Mutex<()> = Mutex::new(());

/// Builds the global pool, unless there is one.
pub(crate) fn build_global(
    build: impl FnOnce() -> Result<Arc<Registry>, ThreadPoolBuildError>,
) -> Result<(), ThreadPoolBuildError> {
    let _building = lock(&BUILDING);
    if GLOBAL.get().is_some() {
        return Err(Kind::GlobalIsSet.into());
    }
    let registry = build()?;
    GLOBAL.get_or_init(|| registry);
    Ok(())
}

pub(crate) fn global() -> &'static Arc<Registry> {
    GLOBAL.get().unwrap_or_else(global_slow)
}

#[cold]
fn global_slow() -> &'static Arc<Registry> {
    let built = build_global(|| crate::ThreadPoolBuilder::new().build_registry());
    match (GLOBAL.get(), built) {
        (Some(registry), _) => registry,
        (None, error) => panic!("the global thread pool cannot be built: {error:?}"),
    }
}

/// Calls a function with the pool of the present thread, or else the global one.
#[inline]
pub(crate) fn with_current<R>(f: impl FnOnce(&Arc<Registry>) -> R) -> R {
    worker::with(|worker| match worker {
        Some(worker) => f(&worker.registry),
        None => f(global()),
    })
}

/// The same in a thread of that pool; says whether it had to be brought there.
#[inline]
pub(crate) fn in_worker<R: Send>(f: impl FnOnce(&Arc<Registry>, bool) -> R + Send) -> R {
    worker::with(|worker| match worker {
        Some(worker) => f(&worker.registry, false),
        None => in_worker_cold(f),
    })
}

#[cold]
fn in_worker_cold<R: Send>(f: impl FnOnce(&Arc<Registry>, bool) -> R + Send) -> R {
    let registry = global();
    registry.pool.run(|| f(registry, true))
}

impl Handlers {
    fn catch(&self, f: impl FnOnce()) {
        let Err(payload) = crate::unwind::catch(f) else { return };
        let abort = AbortOnDrop("a panic that nobody handles");
        if let Some(handler) = &self.panic {
            handler(payload);
            std::mem::forget(abort);
        }
    }

    /// A thread begins.
    pub(crate) fn start(&self, index: usize) {
        if let Some(handler) = &self.start {
            self.catch(|| handler(index));
        }
    }

    /// A thread ends.
    pub(crate) fn exit(&self, index: usize) {
        if let Some(handler) = &self.exit {
            self.catch(|| handler(index));
        }
    }
}
