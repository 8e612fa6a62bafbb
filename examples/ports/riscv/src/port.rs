//! The port: the pool on several RISC-V harts without an operating system. Copy this file.
//!
//! # What it takes
//!
//! | part | here | on another chip |
//! |---|---|---|
//! | [`Host::Mutex`] | a spin lock | the same, as long as no interrupt handler calls into the pool |
//! | [`Host::now`] | the CLINT's `mtime`, which all harts share | any counter that all see alike, widened to 64 bits |
//! | [`Park`] | `wfi`, ended by the software or the timer interrupt of the hart | the same |
//! | duties | `Wake`: a software interrupt; `Start`: refused, the harts begin by themselves | the same |
//! | payload | [`Job`], an enum | yours, or `fastthreadpool_core::Task::inline` |
//!
//! The harts are really parallel, so a spin lock is right, and masking interrupts would help nothing: the holder is on
//! another hart. It is right *only* because interrupts are never served here. They wake a hart from `wfi`, and are
//! taken by hand. If you have handlers that submit, take a mutex that masks the interrupts of its own hart and then spins.
//!
//! # From where each may be called
//!
//! | call | from | waits for |
//! |---|---|---|
//! | [`submit`], [`submit_first`], [`submit_at`], `POOL.cancel` | everywhere | the spin lock, some hundred instructions |
//! | [`submit_from`] | a running job | the same |
//! | [`Signal`], [`Turn`]: `release`, `try_acquire` | everywhere | the same |
//! | [`Signal`], [`Turn`]: `acquire`, `acquire_until` | a running job, or a hart before [`work`]; with [`this_hart`] | the event |
//! | [`work`] | each hart, once | the end of the pool |
//! | [`shut_down`] | everywhere | the spin lock |
//!
//! # What it costs
//!
//! A submit to busy harts: no lock, no device. To a sleeping one: the spin lock twice, and one store to the CLINT. An idle
//! hart draws no power but for the next deadline. RAM: the one static [`POOL`]; `./run` prints its size.
#![forbid(unsafe_code)]

use core::num::NonZeroU64;
use core::sync::atomic::{AtomicUsize, Ordering};

use fastthreadpool_core::hosts::{FlagParker, FlagUnparker, SpinMutex, WakeFlag};
use fastthreadpool_core::{
    Duty, End, Fixed, Host, JobId, Kinds, Lock, Next, Park, Phase, Pool, Refused, Repeat, Semaphore, Tick, Unpark,
};

use crate::job::{JOBS, Job, TIMERS};
use crate::machine::{self, HARTS};

/// What the pool has to know of the machine.
pub(crate) struct Board;

impl Host for Board {
    type Mutex = SpinMutex;

    fn now(&self) -> Tick {
        now()
    }

    /// From the store to `msip` to the first instruction after `wfi`: measure it on your chip. While jobs are shorter than
    /// this, a hart takes several at once, and does not call another one for each.
    fn wake_cost(&self) -> u64 {
        20
    }

    /// Spins shortly before it sleeps: what the other hart is about to submit then needs no interrupt.
    fn relax(&self, round: u32) -> bool {
        core::hint::spin_loop();
        round < 16
    }
}

/// The present time, in ticks of `mtime`.
pub(crate) fn now() -> Tick {
    Tick(machine::mtime())
}

/// How one hart sleeps and is woken: a flag, and the software interrupt that ends its `wfi`.
///
/// A spinning wait would do without the interrupt, and be woken sooner by some hundred nanoseconds; but it would burn the
/// hart, and its loads of the flag would disturb those who work.
pub(crate) struct Hart(FlagParker);

impl Park for Hart {
    type Unpark = FlagUnparker;

    fn unparker(&self) -> FlagUnparker {
        self.0.unparker()
    }

    fn park(&self) {
        machine::set_alarm(u64::MAX);
        self.0.park();
    }

    /// The alarm ends the `wfi`, and then the flag's parker looks at the clock.
    fn park_until(&self, deadline: Tick) {
        machine::set_alarm(deadline.0);
        self.0.park_until(deadline);
    }
}

const fn hart(flag: &'static WakeFlag) -> Hart {
    Hart(FlagParker::new(flag, machine::wait_for_interrupt, now))
}

static WAKE: [WakeFlag; HARTS] =
    [WakeFlag::with_signal(machine::interrupt::<0>), WakeFlag::with_signal(machine::interrupt::<1>)];

/// One for each hart, to be parked on that hart only.
static PARKERS: [Hart; HARTS] = [hart(&WAKE[0]), hart(&WAKE[1])];

/// The parker of the calling hart: what a job that waits hands to a semaphore.
pub(crate) fn this_hart() -> &'static Hart {
    &PARKERS[machine::hart()]
}

/// Lets a hart begin that waits in its entry for an interrupt.
pub(crate) fn start_hart(hart: usize) {
    PARKERS[hart].unparker().unpark();
}

/// What jobs and harts signal each other with.
pub(crate) type Signal = Semaphore<SpinMutex, FlagUnparker>;

/// What jobs take turns with.
pub(crate) type Turn = Lock<SpinMutex, FlagUnparker>;

/// All of the pool, in a static.
pub(crate) static POOL: Pool<Job, Board, Fixed<Job, JOBS, TIMERS, HARTS>> = Pool::fixed(Board);

/// Which hart works on which seat: seats are given in the order of coming. Written before that worker first sleeps, and
/// read only to wake it, so the sleepers' lock is in between.
static HART_OF: [AtomicUsize; HARTS] = [const { AtomicUsize::new(0) }; HARTS];

/// Does what a call into the pool asks for. Never waits.
pub(crate) fn perform(duty: Duty) {
    match duty {
        Duty::Nothing => {}
        Duty::Wake(seat) => PARKERS[HART_OF[seat].load(Ordering::Relaxed)].unparker().unpark(),
        // A hart that has not come yet finds the job when it does.
        Duty::Start => perform(POOL.start_failed()),
    }
}

/// The id of the job, or the job back.
pub(crate) type Submitted = Result<JobId, Refused<Job>>;

fn submitted((id, duty): (JobId, Duty)) -> JobId {
    perform(duty);
    id
}

/// Appends a job to the queue.
pub(crate) fn submit(job: Job) -> Submitted {
    POOL.submit(job).map(submitted)
}

/// Appends a job on behalf of the job that runs on `seat`; accepted while the pool drains, too.
pub(crate) fn submit_from(seat: usize, job: Job) -> Submitted {
    POOL.submit_from(seat, job).map(submitted)
}

/// Puts a job before all others.
pub(crate) fn submit_first(job: Job) -> Submitted {
    POOL.submit_first(job, false).map(submitted)
}

/// Runs a job at a time, and again as `repeat` says.
pub(crate) fn submit_at(due: Tick, job: Job, repeat: Option<Repeat>) -> Submitted {
    POOL.submit_at(job, false, due, repeat).map(submitted)
}

/// So many milliseconds, in ticks.
pub(crate) const fn ms(milliseconds: u64) -> NonZeroU64 {
    NonZeroU64::new(milliseconds * machine::TICKS_PER_MS).expect("not zero")
}

/// Waits within a job for what another job does: meanwhile the pool knows that this hart does nothing.
pub(crate) fn wait_in_job<T>(wait: impl FnOnce() -> T) -> T {
    // `None`: the other harts wait, too. Then it is up to the caller that somebody ends the wait.
    let blocked = POOL.block().map(perform).is_some();
    let result = wait();
    if blocked {
        POOL.unblock();
    }
    result
}

/// Works on the calling hart; returns after [`shut_down`].
pub(crate) fn work() {
    // Not `attach`: nobody asked for this worker with `Duty::Start`. `None`: as many as there are seats work already.
    let Some(mut worker) = POOL.enlist() else { return };
    let seat = worker.seat();
    HART_OF[seat].store(machine::hart(), Ordering::Relaxed);
    loop {
        match worker.next() {
            Next::Run { payload, running, duty } => {
                perform(duty);
                // A periodic job goes back to its place, unless it does not want to or was cancelled meanwhile.
                let again = payload.run(seat, &running).filter(|_| running.is_periodic());
                let (_cancelled, duty) = POOL.end(&running, End::Done, again);
                perform(duty);
            }
            Next::Park(None) => this_hart().park(),
            Next::Park(Some(deadline)) => this_hart().park_until(deadline),
            Next::Exit { duty, .. } => return perform(duty),
        }
    }
}

/// Accepts no more jobs from outside; what is queued or delayed is still run, then [`work`] returns on all harts.
pub(crate) fn shut_down() {
    POOL.set_phase(Phase::Draining);
    POOL.cancel_entries(Kinds::Periodic, |_id, _job| ());
    while let Some(seat) = POOL.next_sleeper() {
        perform(Duty::Wake(seat));
    }
}
