//! The port: the pool as tasks of FreeRTOS. Copy this file.
//!
//! Each worker is a task, with a priority and a stack of its own. Tasks, jobs and interrupt handlers submit and cancel
//! jobs, and signal each other with semaphores; a task that waits sleeps in the kernel. Nothing is allocated on the
//! Rust side. The kernel allocates the tasks, once.
//!
//! # What to implement
//!
//! | what | by |
//! |---|---|
//! | a clock of 64 bits that never goes back: [`now`] | the tick count and the kernel's count of its overflows |
//! | a mutex that masks interrupts: [`Mask`] | `BASEPRI`, as the kernel's own critical sections |
//! | parking: [`ThisTask`], [`TaskUnparker`] | a notification, given by tasks or by handlers |
//! | the duties: [`perform`] | a notification to the task on that seat |
//! | the workers: [`create_workers`], [`start`], [`shut_down`] | tasks that are never deleted |
//!
//! # What to bring
//!
//! - A module `job` with the type `Job`, its `run`, and the sizes `JOBS` (a power of two) and `TIMERS`.
//! - In `FreeRTOSConfig.h` what is marked `[port]` in this one: a tick of 32 bits, task notifications, two or more of
//!   them in each task. [`NOTIFICATION`] must be nobody else's: stream and message buffers use the first.
//! - `configMAX_SYSCALL_INTERRUPT_PRIORITY` must be [`MAX_SYSCALL_PRIORITY`]; each worker looks once.
//! - In the firmware's `Cargo.toml`: `critical-section` with `restore-state-u32`, `cortex-m` *without*
//!   `critical-section-single-core`.
//!
//! # From where
//!
//! | call | handlers | jobs | other tasks | before the scheduler |
//! |---|---|---|---|---|
//! | [`submit`], [`submit_first`], [`submit_at`] | yes | yes | yes | yes |
//! | `POOL.cancel`, the counts | yes | yes | yes | yes |
//! | [`Signal`]: `release`, `try_acquire` | yes | yes | yes | yes |
//! | [`now`] | yes | yes | yes | yes |
//! | [`Signal`]: `acquire`, `acquire_until` with [`ThisTask`] | no: they sleep | yes | yes | no |
//! | [`close`] | yes | yes | yes | yes |
//! | [`start`], [`shut_down`] | no | no: it would wait for itself | one at a time | `start` |
//! | [`create_workers`] | no | no | once | or here |
//!
//! *Handlers* are those whose priority the kernel's critical sections mask: numerically [`MAX_SYSCALL_PRIORITY`] or
//! above. An interrupt has priority 0 after reset, which they do **not** mask: set it before you enable it. Faults, the
//! NMI and handlers of the priorities above may not call the pool at all. The tick hook is a handler.
//!
//! Call nothing of the kernel inside `critical_section::with`: it could unmask too early.
//!
//! A job may wait for a handler or for another task. One that waits for another *job* calls `POOL.block` before and
//! `POOL.unblock` after: `None` says that all workers wait already, and nobody would ever end it.
//!
//! # What it costs
//!
//! - A submit while a worker searches or all of them run jobs: atomic operations; nothing is masked, the kernel is not
//!   called. With a sleeper one notification more, and a change of context if the worker is of higher priority; from a
//!   handler that change comes when the handler, and all that it has interrupted, are over.
//! - Interrupts are masked by the kernel for its lists, and by the pool for its own: where a timed or urgent job comes
//!   or goes, a worker falls asleep or is woken, a semaphore has waiters. Longest when many timers fall due
//!   at one tick.
//! - A job at its time comes with the interrupt of that tick, if its worker's priority lets it; a tick later at worst,
//!   when the tick comes just between a look at the clock and the sleep.
//! - An idle pool wakes nobody: one worker sleeps until the next timer, the others until they are notified.
//! - Memory: the pool is a static, its size known at compile time (1608 bytes for 8 queued and 6 timed jobs of 8 bytes
//!   and 2 workers); for each worker the kernel's task and its stack.

use core::ffi::{CStr, c_char, c_void};
use core::num::NonZeroU32;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use fastthreadpool_core::hosts::CriticalSectionMutex;
use fastthreadpool_core::{
    Duty, End, Fixed, Host, JobId, Kinds, Next, Park, Phase, Pool, Refused, Repeat, Semaphore, Tick, Unpark,
};

use crate::job::{JOBS, Job, TIMERS};

/// How many workers there are.
pub(crate) const WORKERS: usize = 2;
/// Which of a task's notifications parks it. Nobody else's.
const NOTIFICATION: u32 = 1;
/// The kernel's `configMAX_SYSCALL_INTERRUPT_PRIORITY`.
pub(crate) const MAX_SYSCALL_PRIORITY: u32 = 2 << 5;

// ----- the kernel

type TaskHandle = *mut c_void;

/// The kernel's `TimeOut_t`.
#[repr(C)]
struct TimeOut {
    overflows: i32,
    ticks: u32,
}

const FOREVER: u32 = u32::MAX;
const INCREMENT: i32 = 2;
const TRUE: i32 = 1;

// The functions behind the kernel's macros. Blocking is for tasks only; the names say which are for handlers.
unsafe extern "C" {
    fn xTaskCreate(
        run: extern "C" fn(*mut c_void),
        name: *const c_char,
        stack_words: u32,
        argument: *mut c_void,
        priority: u32,
        handle: *mut TaskHandle,
    ) -> i32;
    fn xTaskGetCurrentTaskHandle() -> TaskHandle;
    fn ulTaskGenericNotifyTake(index: u32, clear: i32, ticks: u32) -> u32;
    fn xTaskGenericNotify(task: TaskHandle, index: u32, value: u32, action: i32, previous: *mut u32) -> i32;
    fn vTaskGenericNotifyGiveFromISR(task: TaskHandle, index: u32, woken: *mut i32);
    fn vTaskInternalSetTimeOutState(time: *mut TimeOut);
    fn vPortEnterCritical();
    fn vPortExitCritical();
}

/// Whether the caller is an interrupt handler: `IPSR` holds the number of the exception.
pub(crate) fn is_in_handler() -> bool {
    let number: u32;
    // SAFETY: reads a register, and nothing else.
    unsafe { core::arch::asm!("mrs {}, ipsr", out(reg) number, options(nomem, nostack, preserves_flags)) };
    number != 0
}

/// Makes the kernel choose again which task runs, when all handlers are over: `portYIELD_FROM_ISR`.
fn yield_after_handlers() {
    cortex_m::peripheral::SCB::set_pendsv();
}

/// A task of our own. It must never return, and is never deleted.
pub(crate) fn create_task(run: extern "C" fn(*mut c_void), name: &CStr, stack_words: u32, priority: NonZeroU32) {
    // SAFETY: the name is copied, nobody wants the handle, and `run` takes no argument.
    let result =
        unsafe { xTaskCreate(run, name.as_ptr(), stack_words, ptr::null_mut(), priority.get(), ptr::null_mut()) };
    assert!(result == TRUE, "no memory for a task: see configTOTAL_HEAP_SIZE");
}

// ----- the mutex

/// Masks the interrupts that the kernel masks. It saves and restores what was masked before, and so is right in tasks,
/// in handlers, in the kernel's own critical sections and before the scheduler has started, where `taskENTER_CRITICAL`
/// would leave interrupts masked.
///
/// Not a spin lock, and no mutex of the kernel: a handler would wait for ever for what the task, which it has
/// interrupted, holds.
struct Mask;
critical_section::set_impl!(Mask);

fn masked() -> u32 {
    let priority: u32;
    // SAFETY: reads a register, and nothing else.
    unsafe { core::arch::asm!("mrs {}, basepri", out(reg) priority, options(nomem, nostack, preserves_flags)) };
    priority
}

// SAFETY: from `acquire` to `release` no other task and no handler that may call here runs, since both come through
// interrupts that are masked. There is one core. The instructions are no `nomem`, so that accesses stay between them.
unsafe impl critical_section::Impl for Mask {
    unsafe fn acquire() -> critical_section::RawRestoreState {
        let before = masked();
        // `basepri_max` only ever masks more.
        // SAFETY: masks interrupts, which is what the caller asks for. The barriers are the kernel's own.
        unsafe {
            core::arch::asm!(
                "msr basepri_max, {}", "dsb", "isb",
                in(reg) MAX_SYSCALL_PRIORITY,
                options(nostack, preserves_flags)
            );
        }
        before
    }

    unsafe fn release(before: critical_section::RawRestoreState) {
        // SAFETY: the state before the `acquire` that the caller pairs this with.
        unsafe { core::arch::asm!("msr basepri, {}", in(reg) before, options(nostack, preserves_flags)) };
    }
}

// ----- the clock

/// The present time, in ticks of the kernel.
///
/// The tick count wraps after 2^32 ticks, 49 days of milliseconds. The kernel counts that, too, and says both together.
/// They belong together while the tick's interrupt is masked. Ticks that come while the scheduler is suspended are
/// counted when it goes on: the clock stands still meanwhile, and never goes back.
pub(crate) fn now() -> Tick {
    let mut time = TimeOut { overflows: 0, ticks: 0 };
    // SAFETY: copies two counts, and asks for the critical section that it is called in.
    critical_section::with(|_| unsafe { vTaskInternalSetTimeOutState(&raw mut time) });
    Tick(u64::from(time.overflows.cast_unsigned()) << 32 | u64::from(time.ticks))
}

// ----- parking

/// Parks the task that calls, by a notification.
///
/// A count, not a flag: a wake-up that comes before the park is kept, and many are one.
pub(crate) struct ThisTask;

impl ThisTask {
    /// Sleeps for so many ticks at most. Whether it was woken.
    fn sleep(ticks: u32) -> bool {
        debug_assert!(!is_in_handler(), "a handler cannot wait");
        // SAFETY: in a task, by the rules at the head of this file, and the task has such a notification.
        unsafe { ulTaskGenericNotifyTake(NOTIFICATION, TRUE, ticks) != 0 }
    }
}

impl Park for ThisTask {
    type Unpark = TaskUnparker;

    fn unparker(&self) -> TaskUnparker {
        // SAFETY: reads a pointer.
        TaskUnparker(unsafe { xTaskGetCurrentTaskHandle() })
    }

    fn park(&self) {
        // The kernel may give up early, as after `xTaskAbortDelay`: only the count decides.
        while !Self::sleep(FOREVER) {}
    }

    fn park_until(&self, deadline: Tick) {
        loop {
            let left = deadline.since(now());
            // Farther than the kernel can wait: in pieces.
            let ticks = u32::try_from(left).unwrap_or(FOREVER).min(FOREVER - 1);
            if left == 0 || Self::sleep(ticks) {
                return;
            }
        }
    }
}

/// Wakes a task, from a task or from a handler.
///
/// It may come late, when the task has gone on by itself. So a task that ever parks must not be deleted, unless its
/// memory stays a task's: the handle would lead into memory that is something else by then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskUnparker(TaskHandle);

// SAFETY: the kernel takes notifications for a task from every context.
unsafe impl Send for TaskUnparker {}
// SAFETY: as above.
unsafe impl Sync for TaskUnparker {}

impl Unpark for TaskUnparker {
    fn unpark(&self) {
        if is_in_handler() {
            let mut is_higher = 0;
            // SAFETY: in a handler that the kernel masks, by the rules at the head of this file; the task is not
            // deleted.
            unsafe { vTaskGenericNotifyGiveFromISR(self.0, NOTIFICATION, &raw mut is_higher) };
            if is_higher != 0 {
                yield_after_handlers();
            }
        } else {
            // SAFETY: in a task, and not in a critical section, since the core wakes nobody in one; the task is not
            // deleted.
            unsafe { xTaskGenericNotify(self.0, NOTIFICATION, 0, INCREMENT, ptr::null_mut()) };
        }
    }
}

/// What handlers and tasks signal each other with: `release` anywhere, `acquire` with [`ThisTask`] in tasks.
pub(crate) type Signal = Semaphore<CriticalSectionMutex, TaskUnparker>;

// ----- the pool

/// What the pool has to know of the machine.
pub(crate) struct Kernel;

impl Host for Kernel {
    type Mutex = CriticalSectionMutex;

    fn now(&self) -> Tick {
        now()
    }

    // `wake_cost` stays 0 and `relax` false: on one core nothing comes while a worker spins, except from those who
    // could run if it slept.
}

/// The pool, in a static. Not all of it is 0 at the beginning, so it lies in `.data`.
pub(crate) static POOL: Pool<Job, Kernel, Fixed<Job, JOBS, TIMERS, WORKERS>> = Pool::fixed(Kernel);

/// The task on each seat. Once there it is a task for ever, if not always the one that sleeps there: then it is woken
/// for nothing, and looks again.
static ON_SEAT: [AtomicPtr<c_void>; WORKERS] = [const { AtomicPtr::new(ptr::null_mut()) }; WORKERS];

/// Does what a call into the pool asks for. Never waits, so that handlers may do it.
pub(crate) fn perform(duty: Duty) {
    match duty {
        Duty::Nothing => {}
        // Whoever is woken has slept, and before that said who it is.
        Duty::Wake(seat) => TaskUnparker(ON_SEAT[seat].load(Ordering::Acquire)).unpark(),
        // The workers are not there yet, or are just leaving. No task is created here; they look before they sleep.
        Duty::Start => perform(POOL.start_failed()),
    }
}

/// The id of the job, or the job itself back with the reason.
pub(crate) type Submitted = Result<JobId, Refused<Job>>;

fn submitted((id, duty): (JobId, Duty)) -> JobId {
    perform(duty);
    id
}

/// Appends a job to the queue.
pub(crate) fn submit(job: Job) -> Submitted {
    POOL.submit(job).map(submitted)
}

/// Puts a job before all others.
pub(crate) fn submit_first(job: Job) -> Submitted {
    POOL.submit_first(job, false).map(submitted)
}

/// Runs a job at `due`, and then again as `repeat` says.
pub(crate) fn submit_at(due: Tick, job: Job, repeat: Option<Repeat>) -> Submitted {
    POOL.submit_at(job, false, due, repeat).map(submitted)
}

// ----- the workers

/// A permit for each worker that shall begin.
static BEGIN: Signal = Signal::new(0);
/// A permit for each worker that has left the pool.
static GONE: Signal = Signal::new(0);

/// Creates the tasks, once. They wait for [`start`].
pub(crate) fn create_workers(priorities: [NonZeroU32; WORKERS], stack_words: u32) {
    for priority in priorities {
        create_task(worker, c"worker", stack_words, priority);
    }
}

/// Lets the workers begin: before the scheduler starts, or after a [`shut_down`].
pub(crate) fn start() {
    POOL.set_phase(Phase::Running);
    BEGIN.release(WORKERS).expect("a few permits");
}

/// A worker's task. Between two lives it waits, and is not deleted: see [`TaskUnparker`].
extern "C" fn worker(_: *mut c_void) {
    // SAFETY: in a task; enters a critical section of the kernel, and leaves it again.
    let kernels = unsafe {
        vPortEnterCritical();
        let masked = masked();
        vPortExitCritical();
        masked
    };
    assert!(kernels == MAX_SYSCALL_PRIORITY, "configMAX_SYSCALL_INTERRUPT_PRIORITY is {kernels}");
    loop {
        if BEGIN.acquire(1, &ThisTask).is_ok() {
            work();
            GONE.release(1).expect("a few permits");
        }
    }
}

fn work() {
    // Not `attach`: nobody asked for this worker with `Duty::Start`. `None`: it works already.
    let Some(mut worker) = POOL.enlist() else { return };
    let seat = worker.seat();
    ON_SEAT[seat].store(ThisTask.unparker().0, Ordering::Release);
    loop {
        match worker.next() {
            Next::Run { payload, running, duty } => {
                perform(duty);
                payload.run(&running);
                // A periodic job goes back to its place, unless it was cancelled meanwhile.
                let again = running.is_periodic().then_some(payload);
                let (_cancelled, duty) = POOL.end(&running, End::Done, again);
                perform(duty);
            }
            Next::Park(None) => ThisTask.park(),
            // A tickless kernel programs its compare register by itself.
            Next::Park(Some(deadline)) => ThisTask.park_until(deadline),
            Next::Exit { duty, .. } => return perform(duty),
        }
    }
}

/// Accepts no more jobs. What is queued or delayed is still run, what repeats is not; then the workers leave.
pub(crate) fn close() {
    POOL.set_phase(Phase::Draining);
    POOL.cancel_entries(Kinds::Periodic, |_id, _job| ());
    while let Some(seat) = POOL.next_sleeper() {
        perform(Duty::Wake(seat));
    }
}

/// [`close`], and waits until all workers have left.
pub(crate) fn shut_down() {
    close();
    // Refused only if the semaphore were closed, which it never is.
    GONE.acquire(WORKERS, &ThisTask).expect("nobody closes it");
}
