//! The port: the pool on a Cortex-M with one core and no operating system. Copy this file.
//!
//! The main loop is the worker, and sleeps when there is nothing to do; interrupt handlers, and the jobs themselves, submit
//! and cancel jobs, and release semaphores. Nothing is allocated.
//!
//! # What to bring
//!
//! | | what | here |
//! |---|---|---|
//! | a module `job` | the type `Job` with `run`, and the numbers `JOBS` (a power of two), `TIMERS`, `WORKERS` | `main.rs` |
//! | a tick | a handler that calls [`on_tick`]; or another clock in [`now`], of 64 bits, that never goes back | `SysTick` |
//! | a critical section | in the binary's `Cargo.toml`: `cortex-m` with `critical-section-single-core` | `PRIMASK` |
//! | atomics | on a Cortex-M0 only, there too: `portable-atomic` with `critical-section` | |
//!
//! `main` sets up the chip, calls [`start_clock`], submits what is to be done from the beginning, and ends in
//! [`main_loop`]. Jobs that handlers submit before that are kept.
//!
//! Interrupts must not stay masked for longer than a tick, or a tick is lost. With a tickless clock, program its compare
//! register before [`FlagParker`] waits, and let [`now`] read its counter.
//!
//! # From where
//!
//! | call | handlers | jobs | `main` |
//! |---|---|---|---|
//! | [`submit`], [`submit_first`], [`submit_later`], [`schedule`] | yes | yes | yes |
//! | `POOL.cancel`, [`shut_down`], [`stop`] | yes | yes | yes |
//! | `Signal::release`, `Signal::try_acquire` | yes | yes | yes |
//! | [`now`] | yes | yes | yes |
//! | `Signal::acquire`, `Signal::acquire_until` with [`MAIN_LOOP`] | no: they sleep | yes, all jobs wait behind it | yes |
//! | [`main_loop`] | no | no | once at a time |
//!
//! Handlers of every priority that `PRIMASK` masks may call, so not the NMI and not a hard fault. They may interrupt the
//! main loop, and each other, anywhere in these calls; `sweep` puts an interrupt on each instruction of the main loop's.
//!
//! # What it costs
//!
//! `./sizes` measures it: what the pool adds to a firmware, how much RAM another job, timer or worker takes, and how many
//! instructions each call is. A submit, and the cancelling of a queued job, mask no interrupts on a Cortex-M3, unless a
//! sleeping main loop is to be woken; timed and urgent jobs, falling asleep and the clock do. On a Cortex-M0, which has no
//! compare-and-swap, each atomic exchange masks them for a few instructions, too.
#![forbid(unsafe_code)]

use core::cell::Cell;
use core::num::NonZeroU64;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use critical_section::Mutex;
use fastthreadpool_core::hosts::{CriticalSectionMutex, FlagParker, FlagUnparker, WakeFlag};
use fastthreadpool_core::wheel::Line;
use fastthreadpool_core::{
    Duty, End, Fixed, Host, JobId, Kinds, MissedTickBehavior, Next, Park, Phase, Pool, Refused, Repeat, Semaphore,
    Tick, Unpark,
};

use crate::job::{JOBS, Job, TIMERS, WORKERS};

/// What the pool has to know of the machine.
pub(crate) struct Board;

impl Host for Board {
    /// Masks interrupts for the few instructions of each critical section. Not a spin lock: a handler would spin for
    /// ever on what the main loop, which it has interrupted, holds.
    type Mutex = CriticalSectionMutex;

    fn now(&self) -> Tick {
        now()
    }

    // `wake_cost` stays 0 and `relax` false: with one core there is nobody to share the work with, and nothing comes
    // while the loop spins that would not also come while it sleeps.
}

/// The ticks so far. It begins shortly before 32 bits are full, so that code which keeps only these fails at once, and
/// not after 49 days.
static TICKS: Mutex<Cell<u64>> = Mutex::new(Cell::new(u32::MAX as u64 - 20));

/// The present time. 64 bits are two loads on this machine, and a tick between them would be off by 2^32; so interrupts
/// are masked meanwhile. Right at every priority, unlike reading again until both halves agree.
#[inline(never)]
pub(crate) fn now() -> Tick {
    Tick(critical_section::with(|cs| TICKS.borrow(cs).get()))
}

/// The body of the `SysTick` handler.
pub(crate) fn on_tick() {
    // Masked, as a handler of higher priority may read the clock.
    critical_section::with(|cs| {
        let ticks = TICKS.borrow(cs);
        ticks.set(ticks.get() + 1);
    });
}

/// Starts the clock; a tick is so many cycles of the core.
pub(crate) fn start_clock(syst: &mut SYST, cycles: u32) {
    syst.set_clock_source(SystClkSource::Core);
    syst.set_reload(cycles - 1);
    syst.clear_current();
    syst.enable_interrupt();
    syst.enable_counter();
}

/// Says that the main loop has something to do. Raised in handlers, taken in the main loop.
static WAKE: WakeFlag = WakeFlag::new();

/// How the main loop sleeps: until the flag is raised, or the clock has come to a deadline.
///
/// With `wfe`, not `wfi`: an interrupt that comes after the loop has looked at the flag, and before the instruction,
/// would be slept through by `wfi`. The return from an exception sets the event register, and then `wfe` returns at once.
/// The tick ends each wait, so deadlines need nothing else.
pub(crate) static MAIN_LOOP: FlagParker = FlagParker::new(&WAKE, cortex_m::asm::wfe, now);

/// What handlers and the main loop signal each other with: `release` in a handler, `acquire` in the main loop.
pub(crate) type Signal = Semaphore<CriticalSectionMutex, FlagUnparker>;

/// Room for all that is in the pool.
pub(crate) type Room = Fixed<Job, JOBS, TIMERS, WORKERS, Line>;

/// All of the pool, in a static, linked and counted at compile time. It is all zeros at the beginning, so it lies in `.bss`
/// and takes no flash. With more than some dozens of timers leave the [`Line`] out: then a wheel holds them.
pub(crate) static POOL: Pool<Job, Board, Room> = Pool::fixed(Board);

/// Does what a call into the pool asks for. Never waits, so that handlers may do it.
pub(crate) fn perform(duty: Duty) {
    match duty {
        Duty::Nothing => {}
        // There is one worker. With several, a flag for each seat, and an interrupt that makes the other context run.
        Duty::Wake(_seat) => MAIN_LOOP.unparker().unpark(),
        // A handler was quicker than `main_loop`. Nothing can be started here: the loop finds the job when it begins.
        Duty::Start => perform(POOL.start_failed()),
    }
}

/// The id of the job, or the job itself back with the reason.
pub(crate) type Submitted = Result<JobId, Refused<Job>>;

fn submitted((id, duty): (JobId, Duty)) -> JobId {
    perform(duty);
    id
}

/// Appends a job to the queue: no lock, so no interrupt is masked, unless the main loop sleeps and is to be woken.
pub(crate) fn submit(job: Job) -> Submitted {
    POOL.submit(job).map(submitted)
}

/// Puts a job before all others.
pub(crate) fn submit_first(job: Job) -> Submitted {
    POOL.submit_first(job, false).map(submitted)
}

/// Runs a job so many ticks from now.
pub(crate) fn submit_later(ticks: u64, job: Job) -> Submitted {
    POOL.submit_at(job, false, now().saturating_add(ticks), None).map(submitted)
}

/// Runs a job again and again on a grid of so many ticks; what was missed is left out.
pub(crate) fn schedule(period: NonZeroU64, job: Job) -> Submitted {
    let repeat = Repeat::Rate { period, missed: MissedTickBehavior::Skip };
    POOL.submit_at(job, false, now().saturating_add(period.get()), Some(repeat)).map(submitted)
}

/// The end of `main`: works jobs off, and sleeps when there are none. Returns after [`shut_down`] or [`stop`].
pub(crate) fn main_loop() {
    // Not `attach`: nobody asked for this worker with `Duty::Start`. `None`: it works already.
    let Some(mut worker) = POOL.enlist() else { return };
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
            // Before a tickless sleep, a deadline is what to program the compare register with.
            Next::Park(deadline) => MAIN_LOOP.park_until(deadline.unwrap_or(Tick::MAX)),
            Next::Exit { duty, .. } => {
                // It has left its seat. Dropping it would need the code for a worker that is dropped before it has.
                core::mem::forget(worker);
                return perform(duty);
            }
        }
    }
}

/// Accepts no more jobs; what is queued or delayed is still run, then [`main_loop`] returns.
pub(crate) fn shut_down() {
    POOL.set_phase(Phase::Draining);
    POOL.cancel_entries(Kinds::Periodic, |_id, _job| ());
    wake_all();
}

/// Accepts no more jobs, hands back what has not begun, tells what runs to stop; then [`main_loop`] returns.
pub(crate) fn stop(mut hand_back: impl FnMut(JobId, Job)) {
    POOL.set_phase(Phase::Stopping);
    POOL.cancel_queued(&mut hand_back);
    POOL.cancel_entries(Kinds::All, &mut hand_back);
    POOL.stop_running();
    wake_all();
}

fn wake_all() {
    while let Some(seat) = POOL.next_sleeper() {
        perform(Duty::Wake(seat));
    }
}
