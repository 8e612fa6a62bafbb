//! The port: the pool as one task of an async executor, next to tasks that wait for its work. Copy this file.
//!
//! # What it takes
//!
//! | part | here |
//! |---|---|
//! | [`Host::Mutex`] | masks interrupts, as handlers submit and release |
//! | [`Host::now`] | the ticks of `SysTick`; or `embassy_time::Instant::now().as_ticks()` |
//! | parking | an `await` of [`WAKE`]: nothing blocks, so there is no [`Park`](fastthreadpool_core::Park) at all |
//! | duties | `Wake`: a permit for [`WAKE`]; `Start`: refused, the task begins by itself |
//!
//! What wakes who waits for a semaphore is the type of its second parameter: with [`Waker`] it is for tasks. Where tasks
//! and a blocking context share one, take an enum of both that implements `Unpark` and `From<Waker>`.
//!
//! # From where each may be called
//!
//! | call | from | waits for |
//! |---|---|---|
//! | [`submit`], [`submit_at`], `POOL.cancel`, [`shut_down`] | tasks, jobs, interrupt handlers | nothing |
//! | [`Signal`]: `release`, `try_acquire` | tasks, jobs, interrupt handlers | nothing |
//! | [`Signal`]: `acquire_async` | tasks; may be dropped at any time | the event, by `await` |
//! | [`work`] | one task | the end of the pool, by `await` |
//! | [`on_tick`] | the handler of the clock | nothing |
//!
//! # What it costs
//!
//! A job runs to its end within one poll of the task, so other tasks of the same executor wait that long, and not longer:
//! the task yields after each. For jobs that take longer, run [`work`] in an executor of lower priority. A submit to the
//! idle pool costs one wake-up of a task; an idle pool costs nothing but the tick.
#![forbid(unsafe_code)]

use core::cell::Cell;
use core::future::poll_fn;
use core::task::{Poll, Waker};

use critical_section::Mutex;
use fastthreadpool_core::hosts::CriticalSectionMutex;
use fastthreadpool_core::{Duty, End, Fixed, Host, JobId, Kinds, Next, Phase, Pool, Refused, Repeat, Semaphore, Tick};

use crate::{JOBS, Job, TIMERS};

/// What the pool has to know of the machine.
pub(crate) struct Board;

impl Host for Board {
    type Mutex = CriticalSectionMutex;

    fn now(&self) -> Tick {
        now()
    }
}

/// The present time, and the time at which the worker is to be woken.
static CLOCK: Mutex<Cell<(u64, Tick)>> = Mutex::new(Cell::new((0, Tick::MAX)));

/// The present time. Read and written with interrupts masked: it is two words.
pub(crate) fn now() -> Tick {
    Tick(critical_section::with(|cs| CLOCK.borrow(cs).get().0))
}

/// The body of the clock's handler.
pub(crate) fn on_tick() {
    let is_due = critical_section::with(|cs| {
        let clock = CLOCK.borrow(cs);
        let (ticks, alarm) = clock.get();
        clock.set((ticks + 1, alarm));
        Tick(ticks + 1) >= alarm
    });
    if is_due {
        wake();
    }
}

/// What jobs, handlers and tasks signal each other with.
pub(crate) type Signal = Semaphore<CriticalSectionMutex, Waker>;

/// What the worker's task waits for.
static WAKE: Signal = Signal::new(0);

/// A permit is enough; if there is one more after all, the worker looks once in vain.
fn wake() {
    if WAKE.is_locked() {
        let _ = WAKE.release(1);
    }
}

/// All of the pool, in a static.
pub(crate) static POOL: Pool<Job, Board, Fixed<Job, JOBS, TIMERS, 1>> = Pool::fixed(Board);

/// Does what a call into the pool asks for. Never waits.
pub(crate) fn perform(duty: Duty) {
    match duty {
        Duty::Nothing => {}
        Duty::Wake(_seat) => wake(),
        // The task has not begun: it finds the job when it does.
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

/// Runs a job at a time, and again as `repeat` says.
pub(crate) fn submit_at(due: Tick, job: Job, repeat: Option<Repeat>) -> Submitted {
    POOL.submit_at(job, false, due, repeat).map(submitted)
}

/// Works the jobs off; ready after [`shut_down`].
pub(crate) async fn work() {
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
                yield_now().await;
            }
            Next::Park(deadline) => {
                let alarm = deadline.unwrap_or(Tick::MAX);
                let is_due = critical_section::with(|cs| {
                    let clock = CLOCK.borrow(cs);
                    clock.set((clock.get().0, alarm));
                    Tick(clock.get().0) >= alarm
                });
                if !is_due {
                    // Refused only if it were closed.
                    let _ = WAKE.acquire_async(1).await;
                }
            }
            Next::Exit { duty, .. } => return perform(duty),
        }
    }
}

/// Lets the other tasks have their turn.
pub(crate) async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if core::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Accepts no more jobs; what is queued or delayed is still run, then [`work`] is ready.
pub(crate) fn shut_down() {
    POOL.set_phase(Phase::Draining);
    POOL.cancel_entries(Kinds::Periodic, |_id, _job| ());
    while let Some(seat) = POOL.next_sleeper() {
        perform(Duty::Wake(seat));
    }
}
