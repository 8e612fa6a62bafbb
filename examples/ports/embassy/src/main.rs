//! The pool under embassy's executor: its worker is a task, other tasks await what its jobs and an interrupt handler
//! release. Checks itself, and exits with 0 or 1.
//!
//! `port` is the part to copy; this file is the firmware, and what is checked.
#![no_std]
#![no_main]

mod port;

use core::future::{Future, poll_fn};
use core::num::NonZeroU64;
use core::panic::PanicInfo;
use core::pin::pin;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use core::task::Poll;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use cortex_m_semihosting::{debug, hprintln};
use embassy_executor::Spawner;
use fastthreadpool_core::{AcquireError, Cancelled, Counts, MissedTickBehavior, Refused, Repeat, Running, Tick};

use crate::port::{POOL, Signal, now, yield_now};

/// Room in the queue.
const JOBS: usize = 8;
/// Room for delayed and periodic jobs.
const TIMERS: usize = 4;

/// What the pool runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    /// Counts, and says that it has run.
    Mark,
    /// Appends so many marks.
    Submit(u32),
    /// Is to run at this time or later; then a mark.
    Late(Tick),
    /// Runs until it is told to stop, and releases while it does.
    Crunch,
}

impl Job {
    fn run(self, running: &Running) {
        match self {
            Self::Mark => mark(),
            Self::Submit(marks) => {
                assert!((0..marks).all(|_| port::submit(Self::Mark).is_ok()), "FAILED: there is room");
            }
            Self::Late(due) => {
                TOO_EARLY.fetch_or(now() < due, SeqCst);
                mark();
            }
            Self::Crunch => {
                CANCELS.store(true, SeqCst);
                while !POOL.is_cancelled(running) {}
                mark();
            }
        }
    }
}

fn mark() {
    RUNS.fetch_add(1, SeqCst);
    assert_eq!(RAN.release(1), Ok(()));
}

static RUNS: AtomicU32 = AtomicU32::new(0);
static TOO_EARLY: AtomicBool = AtomicBool::new(false);
/// A permit for each mark.
static RAN: Signal = Signal::new(0);
/// Released by the handler with each tick while it may.
static TICKED: Signal = Signal::new(0);
static TICKS: AtomicU32 = AtomicU32::new(0);
/// The handler submits so many jobs, one with each tick.
static SUBMITS: AtomicU32 = AtomicU32::new(0);
/// The handler cancels the job of this id.
static CANCELS: AtomicBool = AtomicBool::new(false);
static CRUNCH: critical_section::Mutex<core::cell::Cell<Option<fastthreadpool_core::JobId>>> =
    critical_section::Mutex::new(core::cell::Cell::new(None));
/// A permit for each task that is over.
static ENDED: Signal = Signal::new(0);

#[exception]
fn SysTick() {
    port::on_tick();
    if TICKS.load(SeqCst) > 0 {
        TICKS.fetch_sub(1, SeqCst);
        assert_eq!(TICKED.release(1), Ok(()));
    }
    if SUBMITS.load(SeqCst) > 0 {
        SUBMITS.fetch_sub(1, SeqCst);
        assert!(port::submit(Job::Mark).is_ok(), "FAILED: there is room for the handler's jobs");
    }
    if CANCELS.swap(false, SeqCst) {
        let id = critical_section::with(|cs| CRUNCH.borrow(cs).take()).expect("FAILED: the id is known by now");
        assert_eq!(POOL.cancel(id), Cancelled::Stopping, "FAILED: a running job is told to stop");
    }
}

/// The pool's worker.
#[embassy_executor::task]
async fn worker() {
    port::work().await;
    assert_eq!(ENDED.release(1), Ok(()));
}

/// Who finished at which tick.
static GREEDY_AT: AtomicU32 = AtomicU32::new(0);
static MODEST_AT: AtomicU32 = AtomicU32::new(0);

/// Wants so many ticks at once.
#[embassy_executor::task(pool_size = 2)]
async fn waits(count: usize, at: &'static AtomicU32) {
    assert_eq!(TICKED.acquire_async(count).await, Ok(()));
    at.store(u32::try_from(now().0).expect("not after 49 days"), SeqCst);
    assert_eq!(ENDED.release(1), Ok(()));
}

fn check(what: &str, holds: bool) {
    assert!(holds, "FAILED: {what}");
    hprintln!("ok    {what}");
}

/// Awaits so many marks.
async fn ran(count: usize) {
    assert_eq!(RAN.acquire_async(count).await, Ok(()));
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let mut peripherals = cortex_m::Peripherals::take().expect("FAILED: nobody else has them");
    peripherals.SYST.set_clock_source(SystClkSource::Core);
    peripherals.SYST.set_reload(12_500 - 1);
    peripherals.SYST.clear_current();
    peripherals.SYST.enable_interrupt();
    peripherals.SYST.enable_counter();

    // Before the worker has begun.
    let first = port::submit(Job::Mark).is_ok();
    spawner.spawn(worker().expect("FAILED: room for the task"));
    ran(1).await;
    check("a job that was there before the worker", first);

    jobs().await;
    interrupts(spawner).await;
    times().await;

    let due = now().saturating_add(3);
    assert!(port::submit_at(due, Job::Late(due), None).is_ok(), "FAILED: room for a timer");
    port::shut_down();
    check("a closed pool gives the job back", port::submit(Job::Mark) == Err(Refused::Closed(Job::Mark)));
    assert_eq!(ENDED.acquire_async(1).await, Ok(()));
    check("the delayed job ran before the worker's task ended", RAN.value() == 1 && !TOO_EARLY.load(SeqCst));
    check("no worker is left, nothing is pending, no timer is set", POOL.counts() == Counts::default());
    hprintln!("all checks passed; the pool takes {} bytes", size_of_val(&POOL));
    exit(debug::EXIT_SUCCESS)
}

/// Jobs from tasks and from jobs.
async fn jobs() {
    // The worker is a task like this one: it does nothing until the next `await`.
    RUNS.store(0, SeqCst);
    let accepted = (0..JOBS).filter(|_| port::submit(Job::Mark).is_ok()).count();
    let refused = port::submit(Job::Mark);
    check("a full ring gives the job back", accepted == JOBS && refused == Err(Refused::Full(Job::Mark)));
    for turn in 1..=JOBS {
        yield_now().await;
        assert!(RUNS.load(SeqCst) as usize <= turn, "FAILED: the worker yields after each job");
    }
    check("the worker's task yields after each job", true);
    ran(JOBS).await;
    check("a task awaited 8 jobs", RUNS.load(SeqCst) == 8);

    assert!(port::submit(Job::Submit(5)).is_ok(), "FAILED: there is room");
    ran(5).await;
    check("a job submitted 5 more", RUNS.load(SeqCst) == 13);

    let id = port::submit(Job::Mark).expect("FAILED: there is room");
    check("a waiting job is removed, once", {
        POOL.cancel(id) == Cancelled::Removed(Job::Mark) && POOL.cancel(id) == Cancelled::TooLate
    });
}

/// What an interrupt handler does, while the tasks sleep and while a job runs.
async fn interrupts(spawner: Spawner) {
    spawner.spawn(waits(3, &GREEDY_AT).expect("FAILED: room for the task"));
    // The first in the list is the first that waits.
    while TICKED.waiters() < 1 {
        yield_now().await;
    }
    spawner.spawn(waits(1, &MODEST_AT).expect("FAILED: room for the task"));
    while TICKED.waiters() < 2 {
        yield_now().await;
    }
    TICKS.store(4, SeqCst);
    assert_eq!(ENDED.acquire_async(2).await, Ok(()));
    let (greedy, modest) = (GREEDY_AT.load(SeqCst), MODEST_AT.load(SeqCst));
    check("two tasks awaited the handler's permits, first come, first served", greedy + 1 == modest);
    check("no permit is left over", TICKED.value() == 0);

    // The loser of a race leaves the list, and takes nothing with it.
    TICKS.store(1, SeqCst);
    let (mut never, mut soon) = (pin!(ENDED.acquire_async(1)), pin!(TICKED.acquire_async(1)));
    let first = poll_fn(|context| match (never.as_mut().poll(context), soon.as_mut().poll(context)) {
        (Poll::Ready(_), _) => panic!("FAILED: nobody has released it"),
        (_, Poll::Ready(result)) => Poll::Ready((result, ENDED.waiters())),
        _ => Poll::Pending,
    });
    check("of two awaited at once the released one is ready", first.await == (Ok(()), 1));

    RUNS.store(0, SeqCst);
    SUBMITS.store(20, SeqCst);
    ran(20).await;
    check("20 jobs that the handler submitted, one with each tick", RUNS.load(SeqCst) == 20);

    let id = port::submit(Job::Crunch).expect("FAILED: there is room");
    critical_section::with(|cs| CRUNCH.borrow(cs).set(Some(id)));
    ran(1).await;
    check("the handler told a running job to stop", !CANCELS.load(SeqCst));

    TICKED.close();
    check("a closed semaphore refuses", TICKED.acquire_async(1).await == Err(AcquireError::Closed));
}

/// Jobs that wait for their time.
async fn times() {
    let start = now();
    for ticks in [7, 2, 5] {
        let due = start.saturating_add(ticks);
        assert!(port::submit_at(due, Job::Late(due), None).is_ok(), "FAILED: room for timers");
    }
    ran(3).await;
    let took = now().since(start);
    check("3 delayed jobs, none too early, none late by more than a tick", !TOO_EARLY.load(SeqCst) && took <= 8);

    let (start, period) = (now(), const { NonZeroU64::new(4).unwrap() });
    let repeat = Repeat::Rate { period, missed: MissedTickBehavior::Skip };
    let due = start.saturating_add(period.get());
    let id = port::submit_at(due, Job::Late(due), Some(repeat)).expect("FAILED: room for a timer");
    ran(5).await;
    let took = now().since(start);
    check("5 runs of a periodic job took 20 ticks", !TOO_EARLY.load(SeqCst) && (20..=21).contains(&took));
    check("then it was cancelled", POOL.cancel(id) != Cancelled::TooLate);
    let counts = POOL.counts();
    check("and nothing is left", counts.pending == 0 && counts.timers == 0);
}

fn exit(status: debug::ExitStatus) -> ! {
    loop {
        debug::exit(status);
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    hprintln!("{info}");
    exit(debug::EXIT_FAILURE)
}
