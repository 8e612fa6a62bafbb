//! A firmware on FreeRTOS that checks itself: two workers of different priority, a task that submits, handlers that
//! submit.
//!
//! | module | what it is |
//! |---|---|
//! | `port` | the pool on FreeRTOS: to be copied |
//! | `job`, `handlers` | the firmware's jobs and its interrupt handlers |
//! | `desk` | prints, and ends the run |
//! | this one | the checks, in a task of the lowest priority |
//!
//! Both workers go before the checking task. So what a submit makes them do is done when it returns, unless it waits.
#![no_std]
#![no_main]

mod desk;
mod handlers;
mod job;
mod port;

use core::cell::Cell;
use core::ffi::c_void;
use core::num::{NonZeroU32, NonZeroU64};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use critical_section::Mutex;
use fastthreadpool_core::{
    AcquireError, Cancelled, Counts, JobId, MissedTickBehavior, Park, Phase, Refused, Repeat, Tick, Unpark,
};

use desk::{check, check_that, ok};
use handlers::{at_tick, in_handler};
use job::{COUNTED, GATE, JOBS, Job, take_log};
use port::{POOL, Signal, Submitted, TaskUnparker, ThisTask, now};

/// In words of 4 bytes.
const STACK: u32 = 512;
const HIGH: NonZeroU32 = NonZeroU32::new(3).unwrap();
const LOW: NonZeroU32 = NonZeroU32::new(2).unwrap();
const CHECKS: NonZeroU32 = NonZeroU32::new(1).unwrap();

/// The kernel's `configINITIAL_TICK_COUNT`: 200 ticks later its counter wraps.
const FIRST: Tick = Tick(0xFFFF_FF38);
const WRAP: Tick = Tick(1 << 32);

const PERIOD: NonZeroU64 = NonZeroU64::new(10).unwrap();
const EVERY_PERIOD: Repeat = Repeat::Rate { period: PERIOD, missed: MissedTickBehavior::Skip };

/// What a handler got.
static SUBMITTED: Mutex<Cell<Option<Submitted>>> = Mutex::new(Cell::new(None));
static CANCELLED: Mutex<Cell<Option<Cancelled<Job>>>> = Mutex::new(Cell::new(None));
/// What a handler is to cancel, or whom to wake.
static VICTIM: Mutex<Cell<Option<JobId>>> = Mutex::new(Cell::new(None));
static SLEEPER: Mutex<Cell<Option<TaskUnparker>>> = Mutex::new(Cell::new(None));

fn put<T>(place: &Mutex<Cell<Option<T>>>, what: T) {
    critical_section::with(|cs| place.borrow(cs).set(Some(what)));
}

fn take<T>(place: &Mutex<Cell<Option<T>>>) -> Option<T> {
    critical_section::with(|cs| place.borrow(cs).take())
}

fn accepted(submitted: Submitted) -> JobId {
    submitted.expect("there is room, and the pool is open")
}

/// Never released.
static NEVER: Signal = Signal::new(0);

fn sleep_until(tick: Tick) {
    check(
        "a semaphore that nobody releases",
        &Err(AcquireError::TimedOut),
        &NEVER.acquire_until(1, &ThisTask, tick, now),
    );
}

fn later(ticks: u64) -> Tick {
    now().saturating_add(ticks)
}

/// Waits for the next tick. What follows is done in that one, and so can be checked to the tick.
fn fresh_tick() -> Tick {
    sleep_until(later(1));
    now()
}

unsafe extern "C" {
    fn vTaskStartScheduler();
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut chip = cortex_m::Peripherals::take().expect("taken once");
    handlers::set_up(&mut chip.NVIC);
    // Before there is a scheduler: nobody can be woken yet, and nothing is lost.
    accepted(port::submit(Job::Note(0)));
    port::create_workers([HIGH, LOW], STACK);
    port::start();
    port::create_task(checks, c"checks", 2 * STACK, CHECKS);
    // SAFETY: called once, with tasks.
    unsafe { vTaskStartScheduler() };
    unreachable!("no memory for the idle task: see configTOTAL_HEAP_SIZE");
}

extern "C" fn checks(_: *mut c_void) {
    before_the_scheduler();
    clock();
    parking();
    submits();
    two_at_once();
    overflow_and_order();
    delayed();
    periodic();
    cancel_waiting();
    cancel_running();
    cancel_running_periodic();
    semaphore();
    storm();
    draining();
    again();
    desk::succeed();
}

fn before_the_scheduler() {
    let log = take_log();
    check_that("the job of before the scheduler", log.is_of(&[Job::Note(0)]));
    check("workers", &2, &POOL.counts().alive);
    ok(format_args!(
        "a job that was submitted before the scheduler started has run; 2 workers, a pool of {} bytes",
        size_of_val(&POOL)
    ));
}

fn clock() {
    check_that("the first ticks", now() >= FIRST && now() < FIRST.saturating_add(5));
    let end = fresh_tick().saturating_add(7);
    sleep_until(end);
    check("the time after a sleep", &end, &now());
    ok("the clock, and a sleep of 7 ticks");
}

fn parking() {
    // A wake-up that comes before the park.
    ThisTask.unparker().unpark();
    ThisTask.park();
    // A deadline in the past, and one now.
    ThisTask.park_until(Tick::ZERO);
    ThisTask.park_until(now());
    let due = fresh_tick().saturating_add(5);
    ThisTask.park_until(due);
    check("the time after a park", &due, &now());

    // From a handler: before, and while it sleeps.
    put(&SLEEPER, ThisTask.unparker());
    in_handler(|| take(&SLEEPER).expect("a sleeper").unpark());
    ThisTask.park();
    put(&SLEEPER, ThisTask.unparker());
    let tick = later(3);
    at_tick(tick, || take(&SLEEPER).expect("a sleeper").unpark());
    ThisTask.park_until(Tick::MAX);
    check("when a handler woke it", &tick, &now());
    ok("parking: woken before, in time, by a task, by handlers, at a deadline, before one more than 32 bits away");
}

fn submits() {
    accepted(port::submit(Job::Note(1)));
    let log = take_log();
    check_that("a submit from a task", log.is_of(&[Job::Note(1)]) && log.iter().all(|entry| entry.priority > 1));
    ok("submit from a task: a worker of higher priority runs it at once");

    in_handler(|| put(&SUBMITTED, port::submit(Job::Note(2))));
    // No instruction of this task was in between.
    let log = take_log();
    check_that("a submit from a handler", log.is_of(&[Job::Note(2)]));
    accepted(take(&SUBMITTED).expect("the handler ran"));
    ok("submit from a handler: it asks for the change of task, and the job has run before this task goes on");

    let tick = later(4);
    at_tick(tick, || put(&SUBMITTED, port::submit(Job::Note(3))));
    sleep_until(tick.saturating_add(1));
    let log = take_log();
    check_that("a submit from the tick hook", log.is_of(&[Job::Note(3)]) && log.iter().all(|entry| entry.tick == tick));
    accepted(take(&SUBMITTED).expect("the hook ran"));
    ok("submit from the tick hook: the job runs in that tick");
}

/// Both workers wait in a job.
fn hold_both() {
    accepted(port::submit(Job::Hold));
    accepted(port::submit(Job::Hold));
    check("busy workers", &2, &POOL.counts().busy);
    let log = take_log();
    check("jobs that hold a worker", &2, &log.len());
    let has = |priority: NonZeroU32| log.iter().any(|entry| entry.priority == priority.get());
    check_that("both workers", has(HIGH) && has(LOW));
}

fn two_at_once() {
    hold_both();
    check("who waits", &2, &GATE.waiters());
    in_handler(|| GATE.release(2).expect("two permits"));
    check("what is left", &Counts { alive: 2, ..Counts::default() }, &POOL.counts());
    ok("two jobs at the same time, each waits for a semaphore, and a handler releases both");
}

fn overflow_and_order() {
    hold_both();
    let mut ids = [None; JOBS];
    for (number, id) in (10..).zip(&mut ids) {
        *id = Some(accepted(port::submit(Job::Note(number))));
    }
    check("a job too many", &Err(Refused::Full(Job::Note(18))), &port::submit(Job::Note(18)));
    in_handler(|| put(&SUBMITTED, port::submit(Job::Note(19))));
    check("a job too many, from a handler", &Some(Err(Refused::Full(Job::Note(19)))), &take(&SUBMITTED));
    ok("a full queue gives the job back, to tasks and to handlers");

    let third = ids[2].expect("accepted");
    check("a queued job", &Cancelled::Removed(Job::Note(12)), &POOL.cancel(third));
    check("the same again", &Cancelled::TooLate, &POOL.cancel(third));
    put(&VICTIM, ids[5].expect("accepted"));
    in_handler(|| put(&CANCELLED, POOL.cancel(take(&VICTIM).expect("a victim"))));
    check("a queued job, from a handler", &Some(Cancelled::Removed(Job::Note(15))), &take(&CANCELLED));
    ok("cancel of a queued job: it comes back, once");

    accepted(port::submit_first(Job::Note(20)));
    GATE.release(2).expect("two permits");
    let log = take_log();
    let order = [20, 10, 11, 13, 14, 16, 17].map(Job::Note);
    check_that("the order", log.is_of(&order));
    check("what is left", &Counts { alive: 2, ..Counts::default() }, &POOL.counts());
    ok("the urgent job first, then the others in their order");
}

fn delayed() {
    let start = fresh_tick();
    let after = |ticks| start.saturating_add(ticks);
    // Each is due before the one that the sleeper waits for.
    for (ticks, number) in [(25, 30), (20, 31), (12, 32)] {
        accepted(port::submit_at(after(ticks), Job::Note(number), None));
    }
    sleep_until(after(11));
    check("jobs that ran too early", &0, &take_log().len());
    sleep_until(after(27));
    let log = take_log();
    check_that("the delayed jobs", log.is_of(&[32, 31, 30].map(Job::Note)));
    for (entry, ticks) in log.iter().zip([12, 20, 25]) {
        check("the tick of a delayed job", &after(ticks), &entry.tick);
    }
    ok("delayed jobs run at their ticks, not before");
}

fn periodic() {
    // Two points of the grid before the kernel's counter wraps, one when it does, two after.
    let first = Tick(WRAP.0 - 2 * PERIOD.get());
    check_that("time enough before the counter wraps", now() < first);
    let id = accepted(port::submit_at(first, Job::Note(40), Some(EVERY_PERIOD)));
    sleep_until(Tick(WRAP.0 + 2 * PERIOD.get() + 5));
    check("a periodic job that waits", &Cancelled::Removed(Job::Note(40)), &POOL.cancel(id));
    check("the same again", &Cancelled::TooLate, &POOL.cancel(id));
    sleep_until(later(2 * PERIOD.get()));
    let log = take_log();
    check_that("the periodic job", log.is_of(&[Job::Note(40); 5]));
    for (entry, point) in log.iter().zip(0..) {
        check("a point of the grid", &first.saturating_add(point * PERIOD.get()), &entry.tick);
    }
    check_that("the clock", now() > WRAP);
    ok("a periodic job stays on its grid, also where the kernel's counter wraps, and is cancelled");
}

fn cancel_waiting() {
    let id = accepted(port::submit_at(later(10), Job::Note(50), None));
    check("timers", &1, &POOL.counts().timers);
    put(&VICTIM, id);
    at_tick(later(5), || put(&CANCELLED, POOL.cancel(take(&VICTIM).expect("a victim"))));
    sleep_until(later(15));
    check("a delayed job", &Some(Cancelled::Removed(Job::Note(50))), &take(&CANCELLED));
    check("jobs that ran", &0, &take_log().len());
    check("what is left", &Counts { alive: 2, ..Counts::default() }, &POOL.counts());
    ok("cancel of a delayed job from a handler: it does not run");
}

fn cancel_running() {
    let tick = later(5);
    at_tick(tick, || put(&CANCELLED, POOL.cancel(take(&VICTIM).expect("a victim"))));
    // It runs before `submit` has returned its id. So the id is known only while both workers are held.
    hold_both();
    let id = accepted(port::submit(Job::Crunch));
    put(&VICTIM, id);
    GATE.release(2).expect("two permits");
    let log = take_log();
    check_that("the job", log.is_of(&[Job::Crunch]) && log.iter().all(|entry| entry.tick == tick));
    check("a running job", &Some(Cancelled::Stopping), &take(&CANCELLED));
    check("the same later", &Cancelled::TooLate, &POOL.cancel(id));
    ok("cancel of a running job from a handler: it is told, and notices in the same tick");
}

fn cancel_running_periodic() {
    let (due, tick) = (later(5), later(8));
    put(&VICTIM, accepted(port::submit_at(due, Job::Crunch, Some(EVERY_PERIOD))));
    at_tick(tick, || put(&CANCELLED, POOL.cancel(take(&VICTIM).expect("a victim"))));
    sleep_until(later(4 * PERIOD.get()));
    let log = take_log();
    check_that("the job", log.is_of(&[Job::Crunch]) && log.iter().all(|entry| entry.tick == tick));
    check("a running periodic job", &Some(Cancelled::Stopping), &take(&CANCELLED));
    check("what is left", &Counts { alive: 2, ..Counts::default() }, &POOL.counts());
    ok("cancel of a running periodic job: it is told, and does not run again");
}

/// Released by handlers.
static ARRIVED: Signal = Signal::new(0);
static ARRIVALS: AtomicUsize = AtomicUsize::new(0);

fn arrive() {
    ARRIVED.release(1).expect("a few permits");
    if ARRIVALS.fetch_add(1, Relaxed) < 2 {
        at_tick(later(2), arrive);
    }
}

fn semaphore() {
    // Three permits, in ticks 3, 5 and 7.
    let start = fresh_tick();
    at_tick(later(3), arrive);
    check("three permits", &Ok(()), &ARRIVED.acquire(3, &ThisTask));
    check("when they were there", &start.saturating_add(7), &now());
    check("permits left", &0, &ARRIVED.value());
    ok("a task waits for three permits, that a handler releases one by one");

    let deadline = fresh_tick().saturating_add(6);
    at_tick(later(20), arrive);
    check("no permit", &Err(AcquireError::TimedOut), &ARRIVED.acquire_until(1, &ThisTask, deadline, now));
    check("when it gave up", &deadline, &now());
    check("one permit", &Ok(()), &ARRIVED.acquire_until(1, &ThisTask, later(50), now));
    check("who waits", &0, &ARRIVED.waiters());
    ok("a task gives up at its deadline, and gets the permit of later");
}

// ----- a storm: a timer's handler submits and cancels at all moments, while a task does the same

/// Counted by the storm; its jobs submit some, too.
static ACCEPTED: AtomicUsize = AtomicUsize::new(0);
static REMOVED: AtomicUsize = AtomicUsize::new(0);
static FULL: AtomicUsize = AtomicUsize::new(0);
static STRIKES: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn count(submitted: Submitted) -> Option<JobId> {
    match submitted {
        Ok(id) => {
            ACCEPTED.fetch_add(1, Relaxed);
            Some(id)
        }
        Err(refused) => {
            assert!(refused == Refused::Full(Job::Count), "FAILED: the storm was refused with {refused:?}");
            FULL.fetch_add(1, Relaxed);
            None
        }
    }
}

fn take_back(id: JobId) {
    if let Cancelled::Removed(job) = POOL.cancel(id) {
        assert!(job == Job::Count, "FAILED: the storm took back {job:?}");
        REMOVED.fetch_add(1, Relaxed);
    }
}

/// The handler's part.
fn strike() {
    let strike = STRIKES.fetch_add(1, Relaxed);
    // Another distance each time, prime to everything.
    handlers::set_timer(2003 + (strike as u32).wrapping_mul(7919) % 3001);
    let id = match strike % 4 {
        0 => count(port::submit_first(Job::Count)),
        1 => count(port::submit_at(later(2), Job::Count, None)),
        _ => count(port::submit(Job::Count)),
    };
    if let Some(victim) = take(&VICTIM) {
        take_back(victim);
    }
    if strike.is_multiple_of(3)
        && let Some(id) = id
    {
        put(&VICTIM, id);
    }
    ARRIVED.release(1).expect("some permits");
}

fn storm() {
    let before = COUNTED.load(Relaxed);
    let end = later(400);
    let (mut got, mut round) = (0, 0_usize);
    handlers::start_timer(2003, strike);
    while now() < end {
        round += 1;
        let ids = [(); 3].map(|()| count(port::submit(Job::Count)));
        if let Some(Some(id)) = ids.get(round % 5) {
            take_back(*id);
        }
        if round.is_multiple_of(2) {
            // Often the permit and the deadline come at the same time.
            got += usize::from(ARRIVED.acquire_until(1, &ThisTask, later(1), now).is_ok());
        }
        if round.is_multiple_of(3) {
            count(port::submit_at(later(round as u64 % 4), Job::Count, None));
        }
    }
    handlers::stop_timer();
    sleep_until(later(10));
    let (accepted, removed, full) = (ACCEPTED.load(Relaxed), REMOVED.load(Relaxed), FULL.load(Relaxed));
    let strikes = STRIKES.load(Relaxed);
    check("jobs that ran or were taken back", &accepted, &(COUNTED.load(Relaxed) - before + removed));
    check("permits", &strikes, &(got + ARRIVED.value()));
    check("what is left", &Counts { alive: 2, ..Counts::default() }, &POOL.counts());
    assert!(
        strikes > 500 && accepted > 1000 && removed > 10 && full > 10 && got > 10,
        "FAILED: no storm worth the name: {strikes} {accepted} {removed} {full} {got}"
    );
    let _ = take(&VICTIM);
    ok(format_args!(
        "a storm of {strikes} interrupts: {accepted} jobs accepted, {removed} taken back, {full} refused, none lost; \
         {got} permits acquired in time"
    ));
}

fn draining() {
    let (due, id) = (later(10), accepted(port::submit_at(later(3), Job::Note(60), Some(EVERY_PERIOD))));
    accepted(port::submit_at(due, Job::Note(61), None));
    put(&VICTIM, id);
    // What is accepted when: once it drains, nothing from outside.
    at_tick(later(5), || put(&SUBMITTED, port::submit(Job::Note(62))));
    port::shut_down();
    check_that("when the last worker left", now() >= due && now() <= due.saturating_add(1));
    let log = take_log();
    check_that("what was still run", log.is_of(&[Job::Note(61)]) && log.iter().all(|entry| entry.tick == due));
    check("a job while it drains", &Some(Err(Refused::Closed(Job::Note(62)))), &take(&SUBMITTED));
    check("what repeats", &Cancelled::TooLate, &POOL.cancel(id));
    check("what is left", &Counts::default(), &POOL.counts());
    check("a job after the end", &Err(Refused::Closed(Job::Note(63))), &port::submit(Job::Note(63)));
    check("the phase", &Phase::Draining, &POOL.phase());
    ok("shut down: what was delayed is still run, what repeats is not, both workers are joined");
}

fn again() {
    port::start();
    accepted(port::submit(Job::Note(70)));
    hold_both_after(Job::Note(70));
    at_tick(later(4), || GATE.release(2).expect("two permits"));
    port::shut_down();
    check("what is left", &Counts::default(), &POOL.counts());
    check("jobs that ran", &0, &take_log().len());
    ok("begun again, with both workers, and shut down while both run a job");
}

/// As [`hold_both`], where the log begins with this job.
fn hold_both_after(job: Job) {
    check_that("the job before", take_log().is_of(&[job]));
    hold_both();
}
