//! What all handles, views and workers of one pool share: the core pool, and what only std can do for it.
#![forbid(unsafe_code)]

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle, Thread};
use std::time::Instant;

use fastthreadpool_core::{Cancelled, Duty, Growing, Host, JobId, Kinds, Phase, Pool as CorePool, Task, Tick};
use parking_lot::{Mutex, RawMutex};

use crate::callback;
use crate::cancellation::Cancellation;
use crate::event::Event;
use crate::host::StdHost;
use crate::outcome::{JobError, drop_quietly};
use crate::room::Room;
use crate::view::{AnyView, View};
use crate::worker::{Env, work};

pub(crate) type Payload = Task<Env>;
pub(crate) type Core = CorePool<Payload, StdHost, Growing<Payload, RawMutex>>;
pub(crate) type Hook = Box<dyn Fn(usize) + Send + Sync>;

/// Seats beyond the wanted number of workers, for those that stand in while a job waits for another job.
const SPARE_SEATS: usize = 16;

/// What the builder fixes.
pub(crate) struct Config {
    pub(crate) threads: usize,
    pub(crate) name_prefix: String,
    pub(crate) stack_size: Option<usize>,
    pub(crate) on_thread_start: Option<Hook>,
    pub(crate) on_thread_stop: Option<Hook>,
    pub(crate) log_failures: Option<log::Level>,
}

pub(crate) struct Shared {
    pub(crate) core: Core,
    pub(crate) config: Config,
    /// The queue's bound. Entered at submit, left when the job begins or is removed.
    pub(crate) room: Option<Room>,
    /// The view that the pool was built with.
    pub(crate) primary: Arc<dyn Any + Send + Sync>,
    pub(crate) primary_keeps: bool,
    /// The same, if its done queue is bounded: jobs may be put off there.
    pub(crate) bounded: Option<Arc<dyn AnyView>>,
    /// All views, to close and clear them.
    views: Mutex<Vec<Weak<dyn AnyView>>>,
    /// Who is to be unparked for each seat.
    threads: Box<[Mutex<Option<Thread>>]>,
    /// The workers' threads, each with the epoch in which it was started.
    handles: Mutex<Vec<(usize, JoinHandle<()>)>>,
    /// How often the pool was opened again.
    epoch: AtomicUsize,
    pub(crate) callbacks: Mutex<Vec<JoinHandle<()>>>,
    /// The last handle is gone.
    abandoned: AtomicBool,
    started: AtomicUsize,
    /// The process that has started threads; 0 until then.
    process: AtomicU32,
    /// Nothing is pending, or the last worker has ended.
    pub(crate) quiet: Event,
    /// Held by whoever changes the phase, so that a shutdown and a clear do not mix.
    lifecycle: Mutex<()>,
    /// Jobs that were removed before they ran.
    cancelled: AtomicUsize,
    /// Failures of all kinds.
    failed: AtomicUsize,
    /// Those that were not the end of a run: of an iterator's item, of a callback of the pool.
    partial: AtomicUsize,
    /// Jobs that are put off and wait for room.
    held: AtomicUsize,
    /// What the core has counted as the end of a run and was none. Wraps.
    no_ends: AtomicUsize,
}

thread_local! {
    /// Which pool's worker this thread is, its seat, and how many jobs run inside each other on it.
    static CURRENT: Cell<Option<Current>> = const { Cell::new(None) };
}

/// A worker's thread seen from the jobs that it runs.
#[derive(Clone, Copy)]
pub(crate) struct Current {
    pool: usize,
    pub(crate) seat: usize,
    pub(crate) depth: usize,
    is_alive: bool,
}

impl Shared {
    pub(crate) fn new<T: Send + 'static>(config: Config, queue_capacity: Option<usize>, primary: Arc<View<T>>) -> Self {
        let view: Arc<dyn AnyView> = primary.clone();
        let limit = config.threads + SPARE_SEATS;
        Self {
            core: Core::growing(StdHost, config.threads, SPARE_SEATS),
            room: queue_capacity.map(Room::new),
            bounded: primary.is_bounded().then(|| Arc::clone(&view)),
            primary_keeps: primary.keeps(),
            primary,
            views: Mutex::new(vec![Arc::downgrade(&view)]),
            threads: (0..limit).map(|_| Mutex::new(None)).collect(),
            handles: Mutex::new(Vec::new()),
            epoch: AtomicUsize::new(0),
            callbacks: Mutex::new(Vec::new()),
            abandoned: AtomicBool::new(false),
            started: AtomicUsize::new(0),
            process: AtomicU32::new(0),
            quiet: Event::default(),
            lifecycle: Mutex::new(()),
            cancelled: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            partial: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            no_ends: AtomicUsize::new(0),
            config,
        }
    }

    // ----- the present thread

    /// The present thread's seat, if it is a worker of this pool.
    #[inline(always)]
    pub(crate) fn current(self: &Arc<Self>) -> Option<Current> {
        CURRENT.get().filter(|current| current.pool == Arc::as_ptr(self) as usize)
    }

    pub(crate) fn set_current(self: &Arc<Self>, seat: usize) {
        CURRENT.set(Some(Current { pool: Arc::as_ptr(self) as usize, seat, depth: 0, is_alive: true }));
        *self.threads[seat].lock() = Some(thread::current());
    }

    /// The worker has ended, and its thread soon will: it is none that others could stand in for. Its seat may be another
    /// worker's already.
    pub(crate) fn retire_current(&self, seat: usize) {
        CURRENT.set(CURRENT.get().map(|current| Current { is_alive: false, ..current }));
        let mut thread = self.threads[seat].lock();
        if thread.as_ref().is_some_and(|thread| thread.id() == thread::current().id()) {
            *thread = None;
        }
    }

    pub(crate) fn clear_current() {
        CURRENT.set(None);
    }

    /// The same, unless the worker has ended.
    pub(crate) fn alive(self: &Arc<Self>) -> Option<Current> {
        self.current().filter(|current| current.is_alive)
    }

    /// Runs `f` one job deeper.
    pub(crate) fn deeper<T>(f: impl FnOnce() -> T) -> T {
        let before = CURRENT.get();
        CURRENT.set(before.map(|current| Current { depth: current.depth + 1, ..current }));
        let result = f();
        CURRENT.set(before);
        result
    }

    /// Jobs that the present thread is inside of: they cannot end while it waits.
    pub(crate) fn own_jobs(self: &Arc<Self>) -> usize {
        self.alive().map_or(0, |current| current.depth + 1)
    }

    // ----- duties

    /// Does what the core asks for. `Err` when a thread could not be started and there is no other.
    #[inline(always)]
    pub(crate) fn perform(self: &Arc<Self>, duty: Duty) -> io::Result<()> {
        match duty {
            Duty::Nothing => Ok(()),
            Duty::Wake(seat) => {
                self.wake(seat);
                Ok(())
            }
            Duty::Start => self.start(),
        }
    }

    /// As [`Shared::perform`] where a job would wait for the next call rather than be given back.
    #[inline(always)]
    pub(crate) fn perform_or_leave(self: &Arc<Self>, duty: Duty) {
        if let Err(error) = self.perform(duty) {
            log::error!("{}: no thread can be started, jobs wait: {error}", self.config.name_prefix);
        }
    }

    #[cold]
    fn wake(&self, seat: usize) {
        // Cloned, so that nothing is woken under the lock.
        let thread = self.threads[seat].lock().clone();
        if let Some(thread) = thread {
            thread.unpark();
        }
    }

    /// A thread of the pool is about to be started in this process.
    pub(crate) fn settle_here(&self) {
        // Only there is a `fork`, and not everywhere is there a process.
        if cfg!(unix) {
            // The first stays: what a child starts by mistake does not make the pool its own.
            let _ = self.process.compare_exchange(0, process::id(), Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Whether this is the child of a process that has the pool's threads: here there are none, and its locks may be held
    /// by threads that are not here. Asked only where one waits or ends, and before anything is locked.
    fn is_elsewhere(&self) -> bool {
        let process = self.process.load(Ordering::Relaxed);
        process != 0 && process != process::id()
    }

    #[cold]
    fn start(self: &Arc<Self>) -> io::Result<()> {
        self.settle_here();
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        let mut builder = thread::Builder::new().name(format!("{}-{number}", self.config.name_prefix));
        if let Some(bytes) = self.config.stack_size {
            builder = builder.stack_size(bytes);
        }
        let (shared, epoch) = (Arc::clone(self), self.epoch.load(Ordering::SeqCst));
        match builder.spawn(move || work(&shared, number)) {
            Ok(handle) => {
                let mut handles = self.handles.lock();
                handles.retain(|(_, handle)| !handle.is_finished());
                handles.push((epoch, handle));
                Ok(())
            }
            Err(error) => {
                self.started.fetch_sub(1, Ordering::Relaxed);
                let duty = self.core.start_failed();
                match self.core.counts().alive {
                    0 => Err(error),
                    left => {
                        log::warn!("{}: goes on with {left} threads: {error}", self.config.name_prefix);
                        self.perform(duty)
                    }
                }
            }
        }
    }

    /// Runs `f` while another worker may stand in for this one. `None` when every worker of the pool waits already and
    /// none can be added: then nobody is left who could end the wait.
    pub(crate) fn blocking<T>(self: &Arc<Self>, f: impl FnOnce() -> T) -> Option<T> {
        if self.alive().is_none() {
            return Some(f());
        }
        let duty = self.core.block()?;
        self.perform_or_leave(duty);
        let result = f();
        self.core.unblock();
        Some(result)
    }

    // ----- waiting for the end

    /// Jobs that are pending, those included whose time has come just now, and those that wait for room in a bounded queue
    /// of results.
    pub(crate) fn pending(&self) -> usize {
        self.core.expire();
        // Held jobs first: one that is taken up again meanwhile is then counted by the core.
        self.held.load(Ordering::SeqCst) + self.core.pending()
    }

    /// Tells those who wait for it that nothing is pending, if so. A worker calls it when it has nothing to do.
    pub(crate) fn tell_if_quiet(&self) {
        self.quiet.notify();
    }

    /// Waits until nothing is pending but the jobs that the caller itself is inside of. False when the time is over, or
    /// when nobody is left who could end the wait.
    pub(crate) fn wait_idle(self: &Arc<Self>, deadline: Option<Instant>) -> bool {
        if self.is_elsewhere() {
            return false;
        }
        let own = self.own_jobs();
        self.blocking(|| {
            self.quiet.wait(deadline, || {
                self.core.barrier();
                self.pending() <= own
            })
        })
        .unwrap_or(false)
    }

    // ----- views

    pub(crate) fn add_view(&self, view: Weak<dyn AnyView>) {
        let mut views = self.views.lock();
        views.retain(|view| view.strong_count() > 0);
        views.push(view);
    }

    pub(crate) fn each_view<T>(&self, f: impl FnMut(Arc<dyn AnyView>) -> T) -> Vec<T> {
        // Collected first: a view's last owner may turn out to be this one, and must not be dropped under the lock.
        let views: Vec<_> = self.views.lock().iter().filter_map(Weak::upgrade).collect();
        views.into_iter().map(f).collect()
    }

    // ----- the end

    /// Accepts no more jobs, except from running ones if `phase` says so; removes what will not be run.
    fn close(self: &Arc<Self>, phase: Phase) {
        let enter = |phase| {
            let _changing = self.lifecycle.lock();
            if self.core.phase() != Phase::Stopping {
                self.core.set_phase(phase);
            }
        };
        enter(Phase::Draining);
        if phase == Phase::Stopping {
            // Before the running jobs see that they should stop: the worker of one that does would start what is left.
            self.dispose_queued();
            self.dispose_timers(Kinds::All);
            enter(Phase::Stopping);
            self.core.stop_running();
            self.dispose_queued();
            self.dispose_timers(Kinds::All);
        } else {
            self.dispose_timers(Kinds::Periodic);
            self.dispose_never();
        }
        self.wake_all();
    }

    fn wake_all(&self) {
        while let Some(seat) = self.core.next_sleeper() {
            self.wake(seat);
        }
    }

    /// Jobs were removed. The workers of a closed pool sleep until the last timer is due: if that is gone, they end.
    fn removed(&self) {
        if self.core.phase() != Phase::Running && self.core.counts().timers == 0 {
            self.wake_all();
        }
        self.tell_if_quiet();
    }

    /// Closes the pool and waits for the workers to end. From inside a job, which cannot end while it waits, it only
    /// closes, and returns `false`; that it also does when somebody opens the pool again meanwhile.
    pub(crate) fn shutdown(self: &Arc<Self>, phase: Phase, deadline: Option<Instant>) -> bool {
        if self.is_elsewhere() {
            return false;
        }
        self.close(phase);
        if self.current().is_some() {
            return false;
        }
        let wait = || {
            self.core.barrier();
            let epoch = self.epoch.load(Ordering::SeqCst);
            if self.core.phase() == Phase::Running {
                return Some(None);
            }
            if self.core.counts().alive > 0 {
                return None;
            }
            if self.core.pending() > 0 {
                // Nobody is left, but something is: threads could not be started when it came, or it came just now.
                if self.perform(self.core.demand()).is_err() {
                    work(self, 0);
                }
                return None;
            }
            (self.pending() == 0 && self.core.counts().timers == 0).then_some(Some(epoch))
        };
        // A pool that is dropped has often next to nothing left to do, and its threads end sooner than this one would be
        // asleep and up again.
        let soon = (0..).take_while(|look| StdHost.relax(*look)).find_map(|_| wait());
        let ended = soon.or_else(|| Event::wait_any(&[&self.quiet], deadline, wait));
        let Some(epoch) = ended.flatten() else { return false };
        // Those who call the callbacks cannot wait until all have been called.
        let called = || self.each_view(|view| view.is_called_back()).into_iter().all(|all| all);
        let ended = callback::is_callback() || self.quiet.wait(deadline, called);
        if ended {
            self.join_workers(epoch);
        }
        ended
    }

    /// The last handle is gone: as a shutdown; and what waits for room in a queue that nobody can read any more goes on.
    pub(crate) fn abandon(self: &Arc<Self>) {
        if self.is_elsewhere() {
            return;
        }
        self.abandoned.store(true, Ordering::SeqCst);
        if let Some(view) = &self.bounded {
            Arc::clone(view).lift_bound(self);
        }
        self.shutdown(Phase::Draining, None);
        self.each_view(|view| view.wake());
        let callbacks = std::mem::take(&mut *self.callbacks.lock());
        for handle in callbacks {
            if self.current().is_none() && handle.thread().id() != thread::current().id() {
                let _ = handle.join();
            }
        }
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    /// The last worker of an epoch is gone and nothing was left then: no more results come. Somebody may have opened the
    /// pool again since, and it may have new workers.
    fn join_workers(self: &Arc<Self>, epoch: usize) {
        let own = thread::current().id();
        let has_ended = |(started, handle): &(usize, JoinHandle<()>)| *started <= epoch && handle.thread().id() != own;
        let ended: Vec<_> = {
            let mut handles = self.handles.lock();
            let (ended, others) = handles.drain(..).partition(has_ended);
            *handles = others;
            ended
        };
        for (_, handle) in ended {
            // A worker catches every panic; what its thread's own destructors do is not the pool's.
            let _ = handle.join();
        }
        let _changing = self.lifecycle.lock();
        if self.core.phase() != Phase::Running {
            self.each_view(|view| view.close());
        }
    }

    /// Called by the last worker when it ends.
    pub(crate) fn last_worker_ended(self: &Arc<Self>) {
        let _changing = self.lifecycle.lock();
        if self.core.phase() != Phase::Running && self.core.counts().alive == 0 && self.pending() == 0 {
            self.each_view(|view| view.close());
        }
    }

    /// Removes everything that waits, empties the queues of results, and accepts jobs again.
    pub(crate) fn clear(self: &Arc<Self>) {
        self.dispose_queued();
        self.dispose_timers(Kinds::All);
        let _changing = self.lifecycle.lock();
        self.each_view(|view| view.clear());
        // Before it is open: who starts a worker from here on knows.
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.core.set_phase(Phase::Running);
        self.quiet.notify();
    }

    // ----- counting

    /// A job of no view has failed.
    #[cold]
    pub(crate) fn note_failure(&self, id: JobId, job: &str, error: &JobError) {
        self.count_failure();
        if let Some(level) = self.config.log_failures {
            log::log!(level, "{}: job {id} ({job}): {error}", self.config.name_prefix);
        }
    }

    pub(crate) fn count_failure(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// The failure that is counted next, or was just now, is not the end of a run.
    pub(crate) fn count_partial(&self) {
        self.partial.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }

    /// Runs that ended well.
    pub(crate) fn done(&self) -> usize {
        let failed_runs = self.failed().saturating_sub(self.partial.load(Ordering::Relaxed));
        let ended = self.core.ended().wrapping_sub(self.no_ends.load(Ordering::Relaxed));
        ended.saturating_sub(failed_runs)
    }

    /// The core counts, or has counted, the end of a run that is none.
    pub(crate) fn count_no_end(&self) {
        self.no_ends.fetch_add(1, Ordering::Relaxed);
    }

    /// A run that the core knows nothing of has ended.
    pub(crate) fn count_end(&self) {
        self.no_ends.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn cancelled(&self) -> usize {
        self.cancelled.load(Ordering::Relaxed)
    }

    // ----- removing jobs

    pub(crate) fn count_cancelled(&self) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    /// A job was removed before it ran.
    pub(crate) fn dispose(&self, payload: Payload) {
        self.count_cancelled();
        self.left_queue();
        drop_quietly(payload);
    }

    /// A job that took room in the queue has left it.
    #[inline(always)]
    pub(crate) fn left_queue(&self) {
        if let Some(room) = &self.room {
            room.leave();
        }
    }

    /// Jobs that were put off are so no more. Called when the core counts them again, or not at all.
    pub(crate) fn count_not_held(&self, number: usize) {
        self.held.fetch_sub(number, Ordering::SeqCst);
    }

    /// A job that was put off waits for a worker again, or was refused.
    pub(crate) fn taken_up(self: &Arc<Self>, taken_up: Result<Duty, Payload>) {
        match taken_up {
            Ok(duty) => self.perform_or_leave(duty),
            Err(refused) => self.dispose(refused),
        }
    }

    /// A job that had begun is put off. Called while the core still counts it as running.
    pub(crate) fn put_off(&self) {
        self.held.fetch_add(1, Ordering::SeqCst);
        self.count_no_end();
        if let Some(room) = &self.room {
            room.enter_again();
        }
    }

    pub(crate) fn dispose_queued(&self) -> usize {
        let held = self.bounded.as_ref().map_or(0, |view| view.cancel_held(self));
        let removed = self.core.cancel_queued(|_, payload| self.dispose(payload));
        self.tell_if_quiet();
        held + removed
    }

    pub(crate) fn dispose_timers(&self, kinds: Kinds) -> usize {
        let removed = self.core.cancel_entries(kinds, |_, payload| self.dispose(payload));
        self.removed();
        removed
    }

    /// Delayed jobs whose time never comes are not waited for.
    fn dispose_never(&self) {
        let mut never = Vec::new();
        self.core.visit_entries(|id, entry| never.extend((entry.due == Tick::MAX).then_some(id)));
        for id in never {
            if let Cancelled::Removed(payload) = self.core.cancel(id) {
                self.dispose(payload);
            }
        }
    }

    /// Cancels a job wherever it is.
    pub(crate) fn cancel(&self, id: JobId) -> Cancellation {
        match self.core.cancel(id) {
            Cancelled::Removed(payload) => {
                self.dispose(payload);
                self.removed();
                Cancellation::Removed
            }
            Cancelled::Stopping => {
                // It may wait for room for what it wants to emit.
                self.quiet.notify();
                Cancellation::Stopping
            }
            Cancelled::TooLate => {
                self.bounded.as_ref().and_then(|view| view.cancel(self, id)).unwrap_or(Cancellation::TooLate)
            }
        }
    }
}
