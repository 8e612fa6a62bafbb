//! Jobs that borrow from the caller's stack, because the caller waits for them.
//!
//! Why that is sound is said at the job, in `scoped`.
//!
//! Waiting helps with the scope's own jobs and with nothing else, so a job never finds itself on top of a foreign one
//! that holds a lock it wants.
//!
//! | what is spawned | is |
//! |---|---|
//! | by the scope's own thread, without a handle | a task in a list ([`tasks`](super::tasks)); who helps with it is a job |
//! | by others, or with a handle, or where the list is full | a job, *owned*: nobody removes it from the pool but the scope |
//!
//! A turn of the scope's cohort is a job's. So a scope is over when its list is empty and its cohort drained.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use fastthreadpool_core::{JobId, Run};

use crate::engine::Engine;
use crate::engine::awaits::Awaits;
use crate::engine::doom::Doom;
use crate::engine::host;
use crate::engine::slot::Slot;
use crate::engine::waits::InLine;
use crate::engine::worker::Env;
use crate::here::blocking;
use crate::here::call::Stays;
use crate::here::frame::{Frame, Kind, OUTSIDE};
use crate::here::inside;
use crate::parallel::own::Kept;
use crate::parallel::scope_handle::ScopedJoinHandle;
use crate::parallel::scoped::{self, Helping, Leave, Nowhere, Owned, Scoped, State, ToHandle, Turn};
use crate::parallel::tasks::{Helper, List, Taken, Tasks};
use crate::sync::packet::Packet;
use crate::sync::time::{Deadline, park};
use crate::sys::atomic::{AtomicBool, Ordering};
use crate::sys::{Mutex, OnceLock};

/// Where jobs can be spawned that borrow; from [`Group::scope`](crate::Group::scope).
pub struct Scope<'scope, 'env: 'scope> {
    engine: &'scope Arc<Engine>,
    state: State,
    /// Taken with the first job.
    slot: OnceLock<Held>,
    kept: Kept,
    /// What its own thread has spawned, made with the first of that.
    tasks: OnceLock<List>,
    /// Invariant in both, like [`std::thread::Scope`].
    lifetimes: PhantomData<(&'scope mut &'scope (), &'env mut &'env ())>,
}

/// A slot of the engine's.
struct Held(NonNull<Slot>);

// SAFETY: a slot is shared between threads.
unsafe impl Send for Held {}
// SAFETY: the same.
unsafe impl Sync for Held {}

impl<'scope> Scope<'scope, '_> {
    /// Appends a job that may borrow from outside the scope. If the pool is closed or without threads, it runs here and now, or when the
    /// scope waits.
    pub fn spawn<F>(&'scope self, f: F)
    where
        F: FnOnce() + Send + 'scope,
    {
        if let Err(f) = self.append(f) {
            self.submit(f);
        }
    }

    /// The same by a job of the pool.
    fn submit<F>(&'scope self, f: F)
    where
        F: FnOnce() + Send + 'scope,
    {
        let _ = self.put(f, Nowhere).map_err(|job| self.run_here(job));
    }

    /// Appends a task, if this is the scope's own thread and there is room.
    #[inline]
    fn append<F>(&'scope self, f: F) -> Result<(), F>
    where
        F: FnOnce() + Send + 'scope,
    {
        if !self.kept.is_own() {
            return Err(f);
        }
        let tasks = self.tasks.get_or_init(|| Tasks::take(self.engine.config.threads));
        // SAFETY: it is the owner, and the scope does not return before all have been taken and ended.
        unsafe { tasks.push(f) }?;
        if tasks.calls() && !self.call_helper(tasks) {
            self.take_back(tasks);
        }
        Ok(())
    }

    /// Somebody is to help with the tasks, who counts as coming. Returns whether the pool takes that.
    #[cold]
    #[inline(never)]
    fn call_helper(&'scope self, tasks: &'scope Tasks) -> bool {
        let helper = move || {
            tasks.arrive();
            let helper = tasks.enter();
            self.take(&helper, tasks);
            let core = &self.engine.core;
            while helper.look(|look| !core.has_visible_work() && host::relax(look)) {
                self.take(&helper, tasks);
            }
        };
        let called = self.put(helper, Helping).ok();
        // Without threads nobody comes, and the next is to ask again.
        let is_called = called.is_some_and(|id| self.engine.core.alive() > 0 || !self.engine.take_away(id));
        if !is_called {
            tasks.arrive();
        }
        is_called
    }

    /// Whether the pool could do something and has nobody who would.
    fn is_left_alone(&self) -> bool {
        self.engine.core.alive() == 0 && !self.engine.core.is_paused()
    }

    /// Takes its own tasks back, the latest first, on the scope's own thread. What one of them spawns is left to who takes already: not one on top
    /// of the other.
    fn take_back(&self, tasks: &Tasks) {
        debug_assert!(self.kept.is_own());
        if tasks.is_taking_back.replace(true) {
            return;
        }
        let slot = self.slot();
        // SAFETY: it is the owner.
        while let Some(task) = unsafe { tasks.pop() } {
            self.end(task, slot);
        }
        tasks.is_taking_back.set(false);
    }

    /// Takes tasks as long as there are some.
    fn take(&'scope self, helper: &Helper<'_>, tasks: &'scope Tasks) {
        let slot = self.slot();
        while let Some((task, is_stolen)) = helper.next() {
            if is_stolen && tasks.left() > 0 && tasks.calls() {
                self.call_helper(tasks);
            }
            self.end(task, slot);
        }
    }

    /// Runs a task, or drops it if the scope was told to stop.
    fn end(&self, task: Taken, slot: &Slot) {
        if let Err(panic) = task.end(slot.doom() == Doom::None) {
            if self.state.stops() {
                scoped::stop(slot, Doom::FailFast);
            }
            self.state.keep(panic);
        }
    }

    /// The same, but that a job which the pool does not take is dropped. Returns whether it was taken.
    pub(super) fn spawn_if_taken<F>(&'scope self, f: F) -> bool
    where
        F: FnOnce() + Send + 'scope,
    {
        self.put(f, Nowhere).is_ok()
    }

    /// The same for a job with a value, for which there is a handle. A panic of the job goes to the handle, and not to the scope.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let text = "a scope borrows".to_owned();
    /// let words = pool.scope(|s| {
    ///     let words = s.spawn_with_handle(|| text.split(' ').collect::<Vec<_>>());
    ///     words.join()
    /// })?;
    /// assert_eq!(words, ["a", "scope", "borrows"]);
    /// # Ok(()) }
    /// ```
    pub fn spawn_with_handle<F, U>(&'scope self, f: F) -> ScopedJoinHandle<'scope, U>
    where
        F: FnOnce() -> U + Send + 'scope,
        U: Send + 'scope,
    {
        let packet = Packet::new();
        let put = self.put(f, ToHandle(Some(Arc::clone(&packet))));
        let id = put.map_err(|job| self.run_here(job)).ok();
        ScopedJoinHandle::new(self.engine, id, packet)
    }

    /// From the first panic of a job on, those that have not begun are not begun, and [`Scope::is_cancelled`] says so. Those that run and
    /// wait to be [told to stop](crate::ScopedContext) are.
    pub fn stop_on_panic(&self) {
        self.state.stops_on_panic.store(true, Ordering::Relaxed);
    }

    /// Jobs that have not begun are not begun any more, and [`Scope::is_cancelled`] says so. Those that run are told to stop, if they
    /// ask: see [`Scope::spawn_with`].
    pub fn cancel(&self) {
        scoped::stop(self.slot(), Doom::Cancelled);
    }

    /// Whether the scope was told to stop.
    pub fn is_cancelled(&self) -> bool {
        self.slot().doom() != Doom::None
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        self.engine
    }

    pub(super) fn slot(&self) -> &Slot {
        let held = self.slot.get_or_init(|| {
            let owner = ptr::from_ref(&self.state).cast_mut().cast();
            Held(self.engine.slots.take(self.engine, owner, None, false, false))
        });
        // SAFETY: a slot is there as long as its engine.
        unsafe { held.0.as_ref() }
    }

    /// Returns the id of the job, or the job if the pool does not take it.
    fn put<F, L, U>(&'scope self, function: F, to: L) -> Result<JobId, Owned<Scoped<F, L, U>>>
    where
        F: FnOnce() -> U + Send + 'scope,
        L: Leave<U>,
    {
        let slot = self.slot();
        self.kept.accept(slot);
        let job = Scoped { function, to, turn: Turn(NonNull::from(slot)), value: PhantomData };
        let id = self.engine.submit_owned(Owned(job))?;
        self.kept.keep(id);
        Ok(id)
    }

    fn run_here(&self, Owned(job): Owned<impl Run<Env>>) {
        let _ = job.run(&mut Env::outside(self.engine));
    }

    /// Helps with the jobs that have not begun, the latest first, then waits for the others; `helps`: not only if there is nobody else.
    fn wait(&'scope self, helps: bool) {
        let Some(held) = self.slot.get() else { return };
        // SAFETY: a slot is there as long as its engine.
        let slot = unsafe { held.0.as_ref() };
        loop {
            if let Some(tasks) = self.tasks.get() {
                tasks.close();
                // Where they are inside of no job they are inside of this, as they were elsewhere.
                let is_inside = inside::engine() == Some(self.engine.address());
                let frame = (!is_inside).then(|| Frame::new(Kind::Tasks, self.engine.address(), OUTSIDE));
                Frame::enter_some(frame.as_ref(), || {
                    self.take_back(tasks);
                    self.take(&tasks.enter(), tasks);
                });
            }
            if helps || self.is_left_alone() {
                // A job may spawn into its scope while this waits.
                while let Some(id) = self.kept.last_untaken(&self.engine.core) {
                    help(self.engine, id);
                }
            }
            self.kept.hand_back(slot);
            if slot.is_drained() {
                // Nobody spawns any more: neither `f`, which is over, nor a job.
                return self.engine.slots.give_back(held.0);
            }
            // The last often end sooner than this thread would be asleep and up again.
            let is_over = |_| slot.is_drained().then_some(());
            if (0..).take_while(|look| host::relax(*look)).find_map(is_over).is_some() {
                continue;
            }
            Slot::watch([slot]);
            let line = InLine::enter(Awaits::Scope(slot));
            // Who waits for a pool without threads works for it.
            let is_left_alone = || !self.engine.is_threadless() && self.is_left_alone();
            // Without a stand-in it waits all the same: what it waits for runs, and borrows.
            blocking::anyway(|| {
                self.engine.attended(|| {
                    while !(line.is_over() || helps && self.kept.has_others_or_waits() || !helps && is_left_alone()) {
                        park(Deadline::NEVER);
                    }
                });
            });
        }
    }
}

/// Runs a job that has not begun, if it may begin now.
pub(super) fn help(engine: &Arc<Engine>, id: JobId) {
    let _ = engine.run_inside(id).or_else(|| engine.run_outside(id));
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// Calls `f` with a scope, and waits for its jobs.
pub(crate) fn run<'env, F, U>(engine: &'env Arc<Engine>, f: F) -> U
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> U,
{
    with(engine, true, f)
}

/// Calls `f` on a worker, and waits for it; inside of a job of the pool, and if the pool does not take it, here.
pub(crate) fn call_elsewhere<F, U>(engine: &Arc<Engine>, f: F) -> U
where
    F: FnOnce() -> U + Send,
    U: Send,
{
    if inside::engine() == Some(engine.address()) {
        return f();
    }
    let mut value = None;
    with(engine, false, |scope| scope.submit(|| value = Some(f())));
    value.unwrap_or_else(|| unreachable!("it has been called, or its panic was passed on"))
}

fn with<'env, F, U>(engine: &'env Arc<Engine>, helps: bool, f: F) -> U
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> U,
{
    let state = State { panic: Mutex::new(None), stops_on_panic: AtomicBool::new(false) };
    let scope = Scope {
        engine,
        state,
        slot: OnceLock::new(),
        kept: Kept::new(),
        tasks: OnceLock::new(),
        lifetimes: PhantomData,
    };
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    let stays = Stays;
    scope.wait(helps);
    mem::forget(stays);
    match result {
        Err(payload) => resume_unwind(payload),
        Ok(value) => {
            let panic = scope.state.panic.lock().take();
            match panic {
                Some(panic) => resume_unwind(panic.into_payload()),
                None => value,
            }
        }
    }
}
