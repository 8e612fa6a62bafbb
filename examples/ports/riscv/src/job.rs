//! The jobs, and what they check of the pool that runs them.
//!
//! Both harts work all the time, so the program is a chain of steps, and each is a job: it submits the jobs of its step,
//! and the last of these to end submits the next step, which first looks at what they did.
#![forbid(unsafe_code)]

use core::hint::spin_loop;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};

use fastthreadpool_core::{AcquireError, Cancelled, MissedTickBehavior, Refused, Repeat, Running, Tick};
use lock_api::Mutex;

use crate::machine::{HARTS, hart, print};
use crate::port::{self, Board, POOL, Signal, Turn, ms, now, this_hart, wait_in_job};

/// Room in the queue.
pub(crate) const JOBS: usize = 64;
/// Room for delayed, periodic and urgent jobs.
pub(crate) const TIMERS: usize = 32;

/// The same as the numbers of marks.
const ROOM: u32 = 64;
const TIMED: u32 = 32;
const _: () = assert!(ROOM as usize == JOBS && TIMED as usize == TIMERS);

/// A job is an enum: a few words in the ring, no pointers, and a `match` instead of a call through one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Looks at what the step before did, and does this one.
    Step(u8),
    /// Submits marks from this one on, as many as there is room for; the rest after a while.
    Feed(u32),
    /// Is to run exactly once.
    Mark(u32),
    /// Submits jobs that submit jobs, down to marks of these numbers.
    Split(u32, u32),
    /// Keeps its hart until the gate is opened.
    Gate,
    /// Works until it is told to stop.
    Crunch,
    /// Is to run at this time, or later.
    Late(u32, Tick),
    /// Runs again and again.
    Beat(Beat),
    /// One of two that meet on different harts, and then wait for each other in turn.
    Rally(usize),
    /// One of two that meet on different harts, and then take turns at a number that only one may write.
    Turns(usize),
}

/// Periodic jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// On a grid of a millisecond, ten times.
    Rate,
    /// A millisecond after the end of the run before, ten times.
    Delay,
    /// Until it is cancelled.
    Forever,
}

impl Job {
    /// Runs it on the worker of that seat. Returns it if it wants to run again and may.
    pub(crate) fn run(self, seat: usize, running: &Running) -> Option<Self> {
        match self {
            Self::Step(step) => {
                let next = verify(step);
                STEP.store(next, SeqCst);
                LEFT.store(1, SeqCst);
                begin(next, seat);
            }
            Self::Feed(from) => feed(from),
            Self::Mark(number) => mark(number),
            Self::Split(from, to) => split(from, to, seat),
            Self::Gate => {
                assert_eq!(ENTERED.release(1), Ok(()));
                wait("the gate opens", &OPENED);
            }
            Self::Crunch => {
                assert_eq!(ENTERED.release(1), Ok(()));
                while !POOL.is_cancelled(running) {
                    spin_loop();
                }
            }
            Self::Late(number, due) => {
                if now() < due {
                    TOO_EARLY.store(true, SeqCst);
                }
                mark(number);
            }
            Self::Beat(beat) => {
                if run_beat(beat) {
                    return Some(self);
                }
            }
            Self::Rally(side) => rally(side),
            Self::Turns(side) => turns(side),
        }
        ended(seat);
        None
    }
}

// ----- what the jobs leave behind

const MARKS: u32 = 20_000;

/// How often each ran.
static RAN: [AtomicU8; MARKS as usize] = [const { AtomicU8::new(0) }; MARKS as usize];
/// How many ran on each hart.
static BY: [AtomicUsize; HARTS] = [const { AtomicUsize::new(0) }; HARTS];
/// The numbers of the first that ran, in the order of running.
static ORDER: [AtomicU32; 8] = [const { AtomicU32::new(0) }; 8];
static ORDERED: AtomicUsize = AtomicUsize::new(0);
static TOO_EARLY: AtomicBool = AtomicBool::new(false);

fn mark(number: u32) {
    RAN[number as usize].fetch_add(1, SeqCst);
    BY[hart()].fetch_add(1, SeqCst);
    if let Some(place) = ORDER.get(ORDERED.fetch_add(1, SeqCst)) {
        place.store(number, SeqCst);
    }
    // Some work, of different length.
    for _ in 0..number % 64 {
        spin_loop();
    }
}

fn forget_marks() {
    for ran in &RAN {
        ran.store(0, SeqCst);
    }
    for by in &BY {
        by.store(0, SeqCst);
    }
    ORDERED.store(0, SeqCst);
    TOO_EARLY.store(false, SeqCst);
}

/// How many of them ran; none twice.
pub(crate) fn marked() -> u32 {
    RAN.iter().fold(0, |sum, ran| {
        assert!(ran.load(SeqCst) <= 1, "FAILED: no job runs twice");
        sum + u32::from(ran.load(SeqCst))
    })
}

// ----- the chain

/// Jobs of this step that have not ended, the step itself included.
static LEFT: AtomicUsize = AtomicUsize::new(0);
static STEP: AtomicU8 = AtomicU8::new(0);

/// A job of this step has ended, or will never run. The last one submits the next step.
fn ended(seat: usize) {
    if LEFT.fetch_sub(1, SeqCst) == 1 && STEP.load(SeqCst) < LAST {
        let next = Job::Step(STEP.load(SeqCst));
        assert!(port::submit_from(seat, next).is_ok(), "FAILED: the ring is empty and takes the next step");
    }
}

/// Before a job of this step is submitted.
fn one_more() {
    LEFT.fetch_add(1, SeqCst);
}

/// It was refused or removed. Not the last one, as the step that says so has not ended.
fn one_less() {
    LEFT.fetch_sub(1, SeqCst);
}

/// Submits a job of this step, for which there must be room.
fn submit(job: Job) -> fastthreadpool_core::JobId {
    one_more();
    port::submit(job).unwrap_or_else(|refused| panic!("FAILED: there is room for {refused:?}"))
}

fn check(what: &str, holds: bool) {
    assert!(holds, "FAILED: {what}");
    print(format_args!("ok    {what}"));
}

/// Waits for a permit on behalf of a job; for ever is ten seconds.
fn wait(what: &str, signal: &Signal) {
    let deadline = now().saturating_add(ms(10_000).get());
    let result = wait_in_job(|| signal.acquire_until(1, this_hart(), deadline, now));
    assert!(result.is_ok(), "FAILED: {what}: {result:?}");
}

// ----- the steps

const FEED: u8 = 1;
const SPLIT: u8 = 2;
const FULL: u8 = 3;
const CANCEL: u8 = 4;
const RACE: u8 = 5;
const FIRST: u8 = 6;
const STOP: u8 = 7;
const DELAYED: u8 = 8;
const PERIODIC: u8 = 9;
const SEMAPHORE: u8 = 10;
const LOCK: u8 = 11;
const LAST: u8 = 12;

/// Keeps the other hart busy until it is opened.
static ENTERED: Signal = Signal::new(0);
static OPENED: Signal = Signal::new(0);

fn close_gate() {
    submit(Job::Gate);
    wait("the other hart takes the job that keeps it", &ENTERED);
}

fn open_gate() {
    assert_eq!(OPENED.release(1), Ok(()));
}

/// Does a step.
fn begin(step: u8, seat: usize) {
    forget_marks();
    match step {
        FEED => {
            submit(Job::Feed(0));
        }
        SPLIT => {
            submit(Job::Split(0, MARKS));
        }
        FULL => begin_full(),
        CANCEL => begin_cancel(),
        RACE => begin_race(),
        FIRST => begin_first(),
        STOP => begin_stop(),
        DELAYED => {
            for number in 0..TIMED {
                let due = now().saturating_add(ms(1).get() / 2 * u64::from(number * 7 % 32));
                one_more();
                assert!(port::submit_at(due, Job::Late(number, due), None).is_ok(), "FAILED: room for timers");
            }
            // With the end of this step both harts sleep, and only the clock wakes them.
        }
        PERIODIC => begin_periodic(),
        SEMAPHORE => [0, 1].iter().for_each(|side| _ = submit(Job::Rally(*side))),
        LOCK => [0, 1].iter().for_each(|side| _ = submit(Job::Turns(*side))),
        LAST => begin_end(seat),
        _ => unreachable!("no such step"),
    }
}

/// Looks at what a step did. Returns the next one.
fn verify(step: u8) -> u8 {
    let by = [BY[0].load(SeqCst), BY[1].load(SeqCst)];
    match step {
        FEED | SPLIT => {
            let what = if step == FEED { "jobs" } else { "jobs of jobs of jobs" };
            assert!(marked() == MARKS, "FAILED: each of {MARKS} {what} ran, not {}", marked());
            // Who is quick may have all of them: QEMU's host decides which hart runs when.
            if by.contains(&0) && ROUNDS.fetch_add(1, Relaxed) < 20 {
                return step;
            }
            ROUNDS.store(0, Relaxed);
            assert!(!by.contains(&0), "FAILED: both harts ran some: {by:?}");
            print(format_args!("ok    {MARKS} {what}: each ran once; {} on hart 0, {} on hart 1", by[0], by[1]));
        }
        FULL => check("what was accepted by the full ring ran, what was refused did not", {
            marked() == ACCEPTED.load(SeqCst)
        }),
        CANCEL => check("16 jobs of which every other was cancelled: 8 ran", marked() == 8),
        RACE => {
            let (ran, removed) = (marked(), REMOVED.load(SeqCst));
            assert!(ran + removed == RACES, "FAILED: {ran} ran, {removed} removed, of {RACES}");
            print(format_args!(
                "ok    {RACES} jobs cancelled at once: {ran} ran, {removed} were removed, none is missing"
            ));
        }
        DELAYED => {
            check("32 delayed jobs: each ran once", marked() == TIMED);
            check("none of them too early", !TOO_EARLY.load(SeqCst));
        }
        PERIODIC => {
            check(
                "10 runs each on a grid and with a pause",
                BEATS.iter().take(2).all(|beats| beats.load(SeqCst) == 10),
            );
            check("none of them too early", !TOO_EARLY.load(SeqCst));
        }
        SEMAPHORE => check("2000 rallies between the harts", by[0] == RALLIES && by[1] == RALLIES),
        LOCK => {
            check("10000 turns at a lock, no two at the same time", TURNED.load(SeqCst) == 2 * TURNS);
            check("both harts had theirs", by[0] > 0 && by[1] > 0);
        }
        _ => {}
    }
    check_idle(step);
    step + 1
}

/// Between two steps there is nothing but the step, as soon as the job that submitted it is over.
fn check_idle(step: u8) {
    let deadline = now().saturating_add(ms(10_000).get());
    while POOL.pending() > 1 && now() < deadline {
        spin_loop();
    }
    let counts = POOL.counts();
    assert!(counts.pending == 1 && counts.timers == 0, "FAILED: nothing is left after step {step}: {counts:?}");
}

static ROUNDS: AtomicU8 = AtomicU8::new(0);

fn feed(from: u32) {
    for number in from..MARKS {
        one_more();
        if let Err(refused) = port::submit(Job::Mark(number)) {
            assert!(refused == Refused::Full(Job::Mark(number)), "FAILED: refused as full, not {refused:?}");
            // Later; meanwhile this hart works off what fills the ring. This counts for the job that was refused.
            let later = now().saturating_add(1);
            assert!(port::submit_at(later, Job::Feed(number), None).is_ok(), "FAILED: room for one timer");
            return;
        }
    }
}

fn split(from: u32, to: u32, seat: usize) {
    if to - from == 1 {
        return mark(from);
    }
    let middle = from + (to - from) / 2;
    for (from, to) in [(from, middle), (middle, to)] {
        one_more();
        if port::submit_from(seat, Job::Split(from, to)).is_err() {
            // No room: at once, here.
            one_less();
            split(from, to, seat);
        }
    }
}

static ACCEPTED: AtomicU32 = AtomicU32::new(0);

fn begin_full() {
    close_gate();
    let mut number = 0;
    let refused = loop {
        one_more();
        match port::submit(Job::Mark(number)) {
            Ok(_) => number += 1,
            Err(refused) => break refused,
        }
    };
    one_less();
    ACCEPTED.store(number, SeqCst);
    check("a full ring gives the job back", refused == Refused::Full(Job::Mark(number)));
    // The job that holds the gate and the one that does this have gone out of it.
    check("after 64 jobs", number as usize == JOBS);
    open_gate();
}

fn begin_cancel() {
    close_gate();
    // With no job before them, the places of removed jobs are used again, though no worker comes by.
    for turn in 0..3 * ROOM {
        match port::submit(Job::Mark(turn)).map(|id| POOL.cancel(id)) {
            Ok(Cancelled::Removed(_)) => {}
            other => panic!("FAILED: turn {turn}: {other:?}"),
        }
    }
    for number in 0..16 {
        let id = submit(Job::Mark(number));
        if number % 2 == 1 {
            assert!(POOL.cancel(id) == Cancelled::Removed(Job::Mark(number)), "FAILED: a waiting job can be removed");
            assert!(POOL.cancel(id) == Cancelled::TooLate, "FAILED: once");
            one_less();
        }
    }
    open_gate();
}

const RACES: u32 = 5000;
static REMOVED: AtomicU32 = AtomicU32::new(0);

/// Cancels jobs while the other hart takes them.
fn begin_race() {
    let deadline = now().saturating_add(ms(10_000).get());
    for number in 0..RACES {
        one_more();
        // The place of a removed job is free when those before it have gone: so the ring may be full for as long as the
        // other hart is in the midst of taking an earlier one.
        let id = loop {
            match port::submit(Job::Mark(number)) {
                Ok(id) => break id,
                Err(refused) => assert!(now() < deadline, "FAILED: there is room again: {refused:?}"),
            }
        };
        for _ in 0..number % 97 {
            spin_loop();
        }
        match POOL.cancel(id) {
            Cancelled::Removed(job) => {
                assert!(job == Job::Mark(number), "FAILED: the job itself comes back, not {job:?}");
                REMOVED.fetch_add(1, SeqCst);
                one_less();
            }
            // It ran, or runs and does not care.
            Cancelled::Stopping | Cancelled::TooLate => {}
        }
    }
}

/// Holds the hart of this step, too, so that only the other one runs these, one after the other.
fn begin_first() {
    close_gate();
    for number in [1, 2, 3] {
        submit(Job::Mark(number));
    }
    for number in [4, 5] {
        one_more();
        assert!(port::submit_first(Job::Mark(number)).is_ok(), "FAILED: room for urgent jobs");
    }
    open_gate();
    let deadline = now().saturating_add(ms(10_000).get());
    while LEFT.load(SeqCst) > 1 && now() < deadline {
        spin_loop();
    }
    let order = [0, 1, 2, 3, 4].map(|place: usize| ORDER[place].load(SeqCst));
    assert!(order == [5, 4, 1, 2, 3], "FAILED: the urgent jobs first, the latest before the others: {order:?}");
    print(format_args!("ok    urgent jobs first, then the queue in order"));
}

fn begin_stop() {
    let id = submit(Job::Crunch);
    wait("the other hart runs it", &ENTERED);
    check("a running job is told to stop", POOL.cancel(id) == Cancelled::Stopping);
}

/// Runs of each kind of periodic job, and when the last one was over or the first was due.
static BEATS: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];
static SINCE: [Mutex<<Board as fastthreadpool_core::Host>::Mutex, Tick>; 2] = [const { Mutex::new(Tick::ZERO) }; 2];
static THIRD_BEAT: Signal = Signal::new(0);

/// Returns whether it goes on.
fn run_beat(beat: Beat) -> bool {
    let runs = BEATS[beat as usize].fetch_add(1, SeqCst) + 1;
    match beat {
        Beat::Rate | Beat::Delay => {
            let mut since = SINCE[beat as usize].lock();
            if now() < since.saturating_add(ms(1).get()) {
                TOO_EARLY.store(true, SeqCst);
            }
            // On the grid the next one is due from the grid's next point on, however late this one was.
            *since = if beat == Beat::Rate { since.saturating_add(ms(1).get()) } else { now() };
            runs < 10
        }
        Beat::Forever => {
            if runs == 3 {
                assert_eq!(THIRD_BEAT.release(1), Ok(()));
            }
            true
        }
    }
}

fn begin_periodic() {
    let skip = |period| Repeat::Rate { period, missed: MissedTickBehavior::Skip };
    let beat = |beat: Beat, repeat| {
        let start = now();
        if let Some(since) = SINCE.get(beat as usize) {
            *since.lock() = start;
        }
        one_more();
        let submitted = port::submit_at(start.saturating_add(ms(1).get()), Job::Beat(beat), Some(repeat));
        submitted.expect("FAILED: room for periodic jobs")
    };
    beat(Beat::Rate, skip(ms(1)));
    beat(Beat::Delay, Repeat::Delay { period: ms(1) });
    let forever = beat(Beat::Forever, skip(ms(2)));
    wait("a periodic job runs three times while this hart waits", &THIRD_BEAT);
    let cancelled = POOL.cancel(forever);
    check("a periodic job can be cancelled", cancelled != Cancelled::TooLate);
    one_less();

    // A deadline that passes, on the other way to sleep.
    let runs = BEATS[Beat::Forever as usize].load(SeqCst);
    let deadline = now().saturating_add(ms(8).get());
    let result = wait_in_job(|| THIRD_BEAT.acquire_until(1, this_hart(), deadline, now));
    check("a semaphore that nobody releases times out, not too early", {
        result == Err(AcquireError::TimedOut) && now() >= deadline
    });
    check("and what was cancelled has not run again", BEATS[Beat::Forever as usize].load(SeqCst) <= runs + 1);
}

const RALLIES: usize = 2000;
static SIDES: [Signal; 2] = [Signal::new(0), Signal::new(0)];

/// Both are needed at the same time, so they are on different harts.
fn rally(side: usize) {
    assert_eq!(SIDES[1 - side].release(1), Ok(()));
    wait("the other side comes", &SIDES[side]);
    for _ in 0..RALLIES {
        assert_eq!(SIDES[1 - side].release(1), Ok(()));
        assert_eq!(SIDES[side].acquire(1, this_hart()), Ok(()));
        BY[hart()].fetch_add(1, SeqCst);
    }
}

const TURNS: usize = 5000;
static TURN: Turn = Turn::new();
static TURNED: AtomicUsize = AtomicUsize::new(0);

fn turns(side: usize) {
    assert_eq!(SIDES[1 - side].release(1), Ok(()));
    wait("the other side comes", &SIDES[side]);
    for turn in 0..TURNS {
        let _guard = TURN.guard(this_hart());
        // In two steps on purpose: only the lock makes them one.
        let turned = TURNED.load(Relaxed);
        for _ in 0..turn % 16 {
            spin_loop();
        }
        TURNED.store(turned + 1, Relaxed);
        BY[hart()].fetch_add(1, SeqCst);
    }
}

/// Closes the pool, with a delayed job in it, and one more that this one submits.
fn begin_end(seat: usize) {
    let due = now().saturating_add(ms(3).get());
    assert!(port::submit_at(due, Job::Late(1, due), None).is_ok(), "FAILED: room for a timer");
    let repeat = Repeat::Delay { period: ms(1) };
    assert!(port::submit_at(due, Job::Beat(Beat::Forever), Some(repeat)).is_ok(), "FAILED: room for a timer");
    BEATS[Beat::Forever as usize].store(0, SeqCst);
    port::shut_down();
    check("a closed pool gives the job back", port::submit(Job::Mark(2)) == Err(Refused::Closed(Job::Mark(2))));
    check("but takes one from a running job", port::submit_from(seat, Job::Mark(3)).is_ok());
}

/// After the last hart has stopped working.
pub(crate) fn check_end() {
    check("the delayed job and the last one ran, periodic ones did not", {
        marked() == 2 && !TOO_EARLY.load(SeqCst) && BEATS[Beat::Forever as usize].load(SeqCst) == 0
    });
    let counts = POOL.counts();
    check("no worker is left, nothing is pending, no timer is set", counts == fastthreadpool_core::Counts::default());
    check("and the pool is closed", port::submit(Job::Gate) == Err(Refused::Closed(Job::Gate)));
}
