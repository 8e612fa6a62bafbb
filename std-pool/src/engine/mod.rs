//! The engine: the core pool with threads, a life, and those who wait. It knows groups by one trait, and no type of result.
//!
//! | file | what is in it |
//! |---|---|
//! | `host`, `crowd` | the clock and the mutex of the core, and how it waits a moment |
//! | `clock` | the clock of the system, which can be set |
//! | `config` | what the builder fixes |
//! | `party` | the groups, as the engine knows them |
//! | `life` | where the pool stands: one state machine |
//! | `handle` | what the handles of the pool share |
//! | `threads` | the workers' threads, and those of callbacks |
//! | `presence` | a worker's thread from its first step to its last |
//! | `employer` | what is asked by who waits on a seat |
//! | `forked` | the children of the process |
//! | `affinity` | where they run |
//! | `naming` | what threads are called |
//! | `staffing` | how many threads there are to be |
//! | `hired` | a worker on a thread of the user's |
//! | `visit` | the same for a while |
//! | `worker` | a thread's loop, and what a job finds around it |
//! | `observed` | who is told of what happens |
//! | `meter` | what is measured |
//! | `gauge` | what is measured of a group |
//! | `errands` | what every thread does once |
//! | `spare` | what is kept for the next who needs the like |
//! | `arrival` | a job on its way in, and back |
//! | `submit` | its way into the core |
//! | `producers` | which lanes those have who submit much |
//! | `caller` | a job that runs where it is submitted |
//! | `carried` | what jobs carry along |
//! | `stow`, `pages` | what does not fit into a payload |
//! | `slot`, `slots`, `doom` | the cohorts of groups, and what becomes of them |
//! | `shown` | which of them the jobs of the seats belong to |
//! | `awaits` | what is waited for in line |
//! | `waits` | who waits until something is idle |
//! | `stops` | telling what runs to stop, and who waits for that |
//! | `limits` | until when jobs are to have begun, or ended |
//! | `punctual` | what is due while all workers are busy |
//! | `turned` | what a clock by hand asks of its pools |
//! | `due` | when a job is to run |
//! | `wall` | which jobs follow the clock of the system |
//! | `removal` | cancelling, sweeping; what becomes of what was removed |
//! | `told` | what groups are told of that |
//! | `ending` | what the edges of the life make somebody do |
//! | `totals` | the account in 64 bits |
//! | `habits` | what maps have cost |

#[cfg(feature = "affinity")]
pub(crate) mod affinity;
pub(crate) mod arrival;
pub(crate) mod awaits;
pub(crate) mod caller;
pub(crate) mod carried;
pub(crate) mod clock;
pub(crate) mod config;
mod crowd;
pub(crate) mod doom;
pub(crate) mod due;
mod employer;
pub(crate) mod ending;
pub(crate) mod errands;
mod forked;
pub(crate) mod gauge;
pub(crate) mod habits;
pub(crate) mod handle;
pub(crate) mod hired;
pub(crate) mod host;
pub(crate) mod life;
pub(crate) mod limits;
pub(crate) mod meter;
pub(crate) mod naming;
pub(crate) mod observed;
pub(crate) mod pages;
pub(crate) mod party;
mod presence;
mod producers;
pub(crate) mod punctual;
pub(crate) mod removal;
pub(crate) mod shown;
pub(crate) mod slot;
pub(crate) mod slots;
pub(crate) mod spare;
mod staffing;
pub(crate) mod stops;
pub(crate) mod stow;
pub(crate) mod submit;
pub(crate) mod submit_error;
pub(crate) mod threads;
pub(crate) mod told;
pub(crate) mod totals;
pub(crate) mod turned;
pub(crate) mod turns;
pub(crate) mod visit;
pub(crate) mod waits;
pub(crate) mod wall;
pub(crate) mod worker;

use std::any::Any;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use fastthreadpool_core::{Growing, JobId, Pool as CorePool, Task};

use crate::engine::awaits::Awaits;
use crate::engine::config::Config;
use crate::engine::due::Follows;
use crate::engine::ending::Morgue;
use crate::engine::errands::Errands;
use crate::engine::habits::Habits;
use crate::engine::handle::Handle;
use crate::engine::host::StdHost;
use crate::engine::life::Life;
use crate::engine::meter::Meter;
use crate::engine::party::Parties;
use crate::engine::producers::Producers;
use crate::engine::shown::Shown;
use crate::engine::slots::Slots;
use crate::engine::stops::Stops;
use crate::engine::threads::Threads;
use crate::engine::told::Asked;
use crate::engine::totals::Totals;
use crate::engine::waits::InLine;
use crate::engine::worker::Env;
use crate::here::call::quietly;
use crate::here::frame::Address;
use crate::sync::event::Event;
use crate::sync::time::{Deadline, Time};
use crate::sys::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sys::{Forks, Mutex, OnceLock, RawMutex};

pub(crate) type Payload = Task<Env>;
pub(crate) type Core = CorePool<Payload, StdHost, Growing<Payload, RawMutex>>;

/// What all handles, groups and workers of one pool share.
pub(crate) struct Engine {
    /// Dropped by [`Engine`]'s own drop: else what drops them would be there once more for whoever may hold the last reference,
    /// in the crates of users too.
    parts: ManuallyDrop<Parts>,
}

impl Deref for Engine {
    type Target = Parts;

    #[inline(always)]
    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Drop for Engine {
    #[inline(never)]
    fn drop(&mut self) {
        self.conclude();
        // SAFETY: nobody looks at them any more.
        unsafe { ManuallyDrop::drop(&mut self.parts) };
        pages::trim(true);
    }
}

/// All that an engine has.
pub(crate) struct Parts {
    pub(crate) core: Core,
    pub(crate) config: Config,
    /// The group that the pool was built with, for jobs that find it here.
    pub(crate) root: Arc<dyn Any + Send + Sync>,
    /// Whether it keeps results.
    pub(crate) root_keeps: bool,
    /// Itself, for threads that are to be started.
    this: Weak<Engine>,
    /// What the users' handles share.
    handle: OnceLock<Weak<Handle>>,
    life: Mutex<Life>,
    threads: Threads,
    parties: Parties,
    pub(crate) slots: Slots,
    pub(crate) shown: Shown,
    /// Something has changed for those who wait for the end of the pool, or of callbacks.
    pub(crate) quiet: Event,
    pub(crate) stops: OnceLock<Box<Stops>>,
    /// Without its type: so that a program without limits is spared what drops them.
    limits: OnceLock<Arc<dyn Any + Send + Sync>>,
    /// The same for jobs that follow the clock of the system.
    wall: OnceLock<Arc<dyn Follows>>,
    /// Waiters for nothing to be pending.
    idlers: AtomicUsize,
    /// Tells those who wait for something. There since the first came, so that a program in which nobody waits is spared it.
    tells: OnceLock<&'static waits::Tells>,
    /// The last handle is gone.
    abandoned: AtomicBool,
    /// How groups are told what those jobs were that are removed. There since the first has asked, so that a program in which none does
    /// is spared it.
    asked: OnceLock<&'static Asked>,
    /// Sees to it that a closed pool has a thread. There since somebody has changed the number of threads.
    want_somebody: OnceLock<fn(&Engine)>,
    morgue: Morgue,
    totals: Mutex<Totals>,
    pub(crate) habits: Habits,
    errands: Errands,
    producers: Producers,
    fork: Mutex<Option<Forks>>,
}

/// Seats beyond the wanted number of workers, for those that stand in while a job waits.
const SPARE_SEATS: usize = if cfg!(shuttle) { 3 } else { 1024 };

/// Seats of a pool without threads. Jobs that wait inside each other on one thread have one each, and there is less room on its stack.
const ATTENDED: usize = if cfg!(shuttle) { 3 } else { 64 };

impl Engine {
    pub(crate) fn new(config: Config, time: Time, root: Arc<dyn Any + Send + Sync>, root_keeps: bool) -> Arc<Self> {
        let most = if config.attends.is_some() { ATTENDED } else { SPARE_SEATS };
        let spares = most.min(fastthreadpool_core::MAX_WORKERS - config.threads);
        // A hook may take long, or wait for a job.
        let is_eager = config.on_thread_start.is_some();
        let make = if is_eager { Core::growing_eager } else { Core::growing };
        let mut core = make(StdHost { time }, config.threads, spares);
        core.keep(config.min_threads, config.keep_alive);
        let parts = |this: &Weak<Self>| Parts {
            this: Weak::clone(this),
            handle: OnceLock::new(),
            core,
            threads: Threads::new(config.threads + spares + fastthreadpool_core::GUESTS),
            root,
            root_keeps,
            life: Mutex::new(Life::new()),
            parties: Parties::new(),
            slots: Slots::new(),
            shown: Shown::new(config.threads + spares),
            quiet: Event::default(),
            stops: OnceLock::new(),
            limits: OnceLock::new(),
            wall: OnceLock::new(),
            idlers: AtomicUsize::new(0),
            tells: OnceLock::new(),
            abandoned: AtomicBool::new(false),
            asked: OnceLock::new(),
            want_somebody: OnceLock::new(),
            morgue: Morgue::new(),
            totals: Mutex::new(Totals::default()),
            habits: Habits::new(),
            errands: Errands::new(),
            producers: Producers::new(),
            fork: Mutex::new(None),
            config,
        };
        let engine = Arc::new_cyclic(|this| Self { parts: ManuallyDrop::new(parts(this)) });
        if let Some(observed) = &engine.config.observed {
            observed.begin(&engine.core, engine.config.threads + spares, engine.time());
        }
        engine
    }

    /// The clock that its jobs follow.
    #[inline(always)]
    pub(crate) fn time(&self) -> &Time {
        &self.core.host().time
    }

    #[inline(always)]
    pub(crate) fn address(&self) -> Address {
        Address::of(self)
    }

    /// Whether jobs have more to do than to be accepted: somebody observes, or they carry something.
    pub(crate) fn is_observed(&self) -> bool {
        let Config { observed, carries, .. } = &self.config;
        carries.is_some() || observed.as_ref().is_some_and(|observed| observed.tells())
    }

    /// What measures it.
    pub(crate) fn meter(&self) -> Option<&Meter> {
        self.config.observed.as_ref()?.meter()
    }

    /// Whether it has no threads, and is not to have any.
    pub(crate) fn is_threadless(&self) -> bool {
        self.config.attends.is_some()
    }

    /// Calls `wait`, in which this thread waits for something of this pool: if that has no threads, it works for it meanwhile.
    pub(crate) fn attended<R>(&self, wait: impl FnOnce() -> R) -> R {
        let (mut wait, mut result) = (Some(wait), None);
        self.attend(&mut || result = wait.take().map(|wait| wait()));
        result.unwrap_or_else(|| unreachable!("it is called once"))
    }

    /// The same without a type.
    #[inline(never)]
    pub(crate) fn attend(&self, wait: &mut dyn FnMut()) {
        match self.config.attends {
            Some(attends) => (attends.wait)(self, wait),
            None => wait(),
        }
    }

    // ----- idleness

    /// A waiter comes, or goes.
    pub(crate) fn count_idler(&self, comes: bool) {
        if comes {
            self.have_tells();
            self.idlers.fetch_add(1, Ordering::SeqCst)
        } else {
            self.idlers.fetch_sub(1, Ordering::SeqCst)
        };
    }

    /// Somebody comes who wants to be told of something.
    pub(crate) fn have_tells(&self) {
        self.tells.get_or_init(|| &waits::TELLS);
    }

    /// Tells those who wait for it if nothing is pending. The caller has passed a barrier after what it did.
    #[inline]
    pub(crate) fn tell_if_idle(&self) {
        if self.idlers.load(Ordering::SeqCst) > 0 {
            if let Some(tells) = self.tells.get() {
                (tells.idle)(self);
            }
        }
    }

    /// Waits until nothing is pending: a moment of that which comes after the call is not missed.
    pub(crate) fn wait_idle(&self, deadline: Deadline<'_>) -> bool {
        !self.is_elsewhere() && InLine::enter(Awaits::Idle(self)).wait(deadline)
    }

    /// Turns that are pending, those included whose time has come just now.
    pub(crate) fn pending(&self) -> usize {
        self.core.expire();
        let pending = self.core.pending();
        if pending == 0 {
            self.tell_if_idle();
        }
        pending
    }

    // ----- failures

    /// A job has failed: says so in the log, if that is wanted.
    #[cold]
    pub(crate) fn log_failure(&self, id: JobId, job: &str, error: &dyn fmt::Display) {
        if let Some(level) = self.config.log_failures {
            // How an error is displayed is code of the user's, and so is where that goes.
            quietly(|| log::log!(level, "{}: job {id} ({job}): {error}", self.config.name_prefix));
        }
    }
}
