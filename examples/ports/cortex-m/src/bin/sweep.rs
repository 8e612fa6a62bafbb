//! An interrupt on every instruction of the pool's operations, and in the handler another operation.
//!
//! For each pair of an operation of the main loop and a deed of the handler: the timer is set to one count and the pair is
//! played, then to two, and so on until the operation is over before the timer is. QEMU with `-icount` and an instruction
//! that takes longer than a count of the timer makes that an interrupt on each instruction that is not masked.
//!
//! After each the pool is worked off and closed, and then
//!
//! 1. each accepted job has ended exactly once: it ran, or came back to who cancelled it;
//! 2. a job that was said to be stopping has run, and was told;
//! 3. the permits add up;
//! 4. the pool's counts are all 0;
//! 5. nothing hung: a lost wake-up, or a handler that waits for what it has interrupted, meets the watchdog.
#![no_std]
#![no_main]

#[path = "../port.rs"]
#[allow(dead_code, reason = "a firmware need not use all of its port")]
mod port;
#[path = "../qemu.rs"]
#[allow(dead_code, reason = "a firmware need not use all of its desk")]
mod qemu;

use core::arch::naked_asm;
use core::cell::{Cell, RefCell};
use core::num::NonZeroU64;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::{ExceptionFrame, entry};
use cortex_m_semihosting::hprintln;
use critical_section::Mutex;
use fastthreadpool_core::hosts::FlagUnparker;
use fastthreadpool_core::{
    Cancelled, Counts, Duty, End, JobId, Kinds, Next, Park, Phase, Tick, TryAcquireError, Worker,
};
use portable_atomic::{AtomicBool, AtomicU32, Ordering};

use self::job::{JOBS, Job};
use self::port::{Board, MAIN_LOOP, POOL, Signal, Submitted, perform};

mod job {
    use fastthreadpool_core::Running;

    pub(crate) const JOBS: usize = 4;
    pub(crate) const TIMERS: usize = 6;
    pub(crate) const WORKERS: usize = 1;

    /// A number: its line in the ledger.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Job(pub(crate) usize);

    impl Job {
        /// For the port's main loop, which is not used here.
        #[allow(clippy::unused_self, reason = "as the port calls it")]
        pub(crate) fn run(self, _: &Running) {}
    }
}

type MainLoop = Worker<'static, Job, Board, port::Room>;

// The jobs that are there before, those of the operation, those of the handler.
const QUEUED: Job = Job(0);
const DELAYED: Job = Job(1);
const PERIODIC: Job = Job(2);
const FIRST: Job = Job(3);
const FILLERS: [Job; JOBS - 1] = [Job(4), Job(5), Job(6)];
const OWN: Job = Job(7);
const DEED: Job = Job(8);
const OWN_PERIODIC: Job = Job(9);
const KINDS: usize = 10;

const PERIOD: NonZeroU64 = NonZeroU64::new(3).unwrap();

/// What became of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Line {
    accepted: u8,
    ran: u8,
    removed: u8,
    told_to_stop: bool,
}

/// Permits that came and went, by those who succeeded.
#[derive(Clone, Copy, Debug, Default)]
struct Permits {
    released: usize,
    acquired: usize,
}

static LEDGER: Mutex<RefCell<[Line; KINDS]>> =
    Mutex::new(RefCell::new([Line { accepted: 0, ran: 0, removed: 0, told_to_stop: false }; KINDS]));
static PERMITS: Mutex<Cell<Permits>> = Mutex::new(Cell::new(Permits { released: 0, acquired: 0 }));
static IDS: Mutex<Cell<[Option<JobId>; KINDS]>> = Mutex::new(Cell::new([None; KINDS]));
static SIGNAL: Signal = Signal::new(0);

/// How often a job that had been cancelled before was said to be stopping: a worker that comes to its place marks it
/// before it finds that the job is gone, and whoever cancels it once more in between sees the mark.
static MISSAID: AtomicU32 = AtomicU32::new(0);

fn write(job: Job, change: impl FnOnce(&mut Line)) {
    critical_section::with(|cs| change(&mut LEDGER.borrow_ref_mut(cs)[job.0]));
}

fn write_submitted(job: Job, submitted: Submitted) {
    match submitted {
        Ok(id) => {
            write(job, |line| line.accepted += 1);
            critical_section::with(|cs| {
                let mut ids = IDS.borrow(cs).get();
                ids[job.0] = Some(id);
                IDS.borrow(cs).set(ids);
            });
        }
        Err(refused) => assert!(refused.into_inner() == job, "another job came back"),
    }
}

fn write_cancelled(job: Job, cancelled: Cancelled<Job>) {
    match cancelled {
        Cancelled::Removed(back) => {
            assert!(back == job, "another job was cancelled");
            write(job, |line| line.removed += 1);
        }
        Cancelled::Stopping => write(job, |line| {
            if line.removed == 0 {
                line.told_to_stop = true;
            } else {
                // Inexact, though harmless: it is to be `TooLate`. See `MISSAID`.
                MISSAID.fetch_add(1, Ordering::Relaxed);
            }
        }),
        Cancelled::TooLate => {}
    }
}

fn write_permits(change: impl FnOnce(&mut Permits)) {
    critical_section::with(|cs| {
        let mut permits = PERMITS.borrow(cs).get();
        change(&mut permits);
        PERMITS.borrow(cs).set(permits);
    });
}

fn id_of(job: Job) -> JobId {
    critical_section::with(|cs| IDS.borrow(cs).get()[job.0]).expect("it was submitted before")
}

// ----- deeds of the handler

/// What a deed brings to a main loop that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brings {
    Nothing,
    Work,
    Permit,
    /// Wakes it unless there are timers to wait for.
    End,
}

struct Deed {
    name: &'static str,
    brings: Brings,
    act: Act,
}

type Act = fn();

fn cancel_in_handler(job: Job) {
    write_cancelled(job, POOL.cancel(id_of(job)));
}

fn shut_down() {
    POOL.set_phase(Phase::Draining);
    POOL.cancel_entries(Kinds::Periodic, |_id, job| write(job, |line| line.removed += 1));
    while let Some(seat) = POOL.next_sleeper() {
        perform(Duty::Wake(seat));
    }
}

const DEEDS: [Deed; 10] = [
    Deed { name: "submits", brings: Brings::Work, act: || write_submitted(DEED, port::submit(DEED)) },
    Deed { name: "submits first", brings: Brings::Work, act: || write_submitted(DEED, port::submit_first(DEED)) },
    Deed { name: "submits for now", brings: Brings::Work, act: || write_submitted(DEED, port::submit_later(0, DEED)) },
    Deed {
        name: "submits for later",
        brings: Brings::Nothing,
        act: || write_submitted(DEED, port::submit_later(2, DEED)),
    },
    Deed { name: "cancels a queued job", brings: Brings::Nothing, act: || cancel_in_handler(QUEUED) },
    Deed { name: "cancels a delayed job", brings: Brings::Nothing, act: || cancel_in_handler(DELAYED) },
    Deed { name: "cancels a periodic job", brings: Brings::Nothing, act: || cancel_in_handler(PERIODIC) },
    Deed {
        name: "releases",
        brings: Brings::Permit,
        act: || {
            SIGNAL.release(1).expect("few permits");
            write_permits(|permits| permits.released += 1);
        },
    },
    Deed {
        name: "tries to acquire",
        brings: Brings::Nothing,
        act: || match SIGNAL.try_acquire(1) {
            Ok(()) => write_permits(|permits| permits.acquired += 1),
            Err(error) => assert!(error == TryAcquireError::NoPermits, "{error:?}"),
        },
    },
    Deed { name: "shuts down", brings: Brings::End, act: shut_down },
];

// ----- operations of the main loop

/// What an operation did; written into the ledger after it, so that the sweep meets the pool and nothing else.
#[derive(Default)]
struct Outcome {
    submitted: Option<(Job, Submitted)>,
    cancelled: Option<(Job, Cancelled<Job>)>,
    ran: Option<Job>,
    back: Option<Job>,
    released: usize,
    acquired: usize,
    has_exited: bool,
}

struct Operation {
    name: &'static str,
    /// What it waits for, if it does: only the deeds that bring it are its partners.
    waits_for: &'static [Brings],
    prepare: fn(),
    run: fn(&mut MainLoop, &mut Outcome),
}

/// One step of the port's main loop.
fn step(worker: &mut MainLoop, outcome: &mut Outcome, sleep: bool) {
    match worker.next() {
        Next::Run { payload, running, duty } => {
            perform(duty);
            outcome.ran = Some(payload);
            let was_told = critical_section::with(|cs| LEDGER.borrow_ref(cs)[payload.0].told_to_stop);
            assert!(!was_told || POOL.is_cancelled(&running), "FAILED: job {} does not know it", payload.0);
            let again = running.is_periodic().then_some(payload);
            let (back, duty) = POOL.end(&running, End::Done, again);
            perform(duty);
            outcome.back = back;
        }
        Next::Park(deadline) if sleep => match deadline {
            Some(deadline) => Watched.park_until(deadline),
            None => Watched.park(),
        },
        Next::Park(Some(_)) => port::on_tick(),
        Next::Park(None) => {}
        Next::Exit { duty, .. } => {
            perform(duty);
            outcome.has_exited = true;
        }
    }
}

/// The main loop's parker, and whether it sleeps.
struct Watched;

impl Park for Watched {
    type Unpark = FlagUnparker;

    fn unparker(&self) -> FlagUnparker {
        MAIN_LOOP.unparker()
    }

    fn park(&self) {
        IS_ASLEEP.store(true, Ordering::Relaxed);
        MAIN_LOOP.park();
        IS_ASLEEP.store(false, Ordering::Relaxed);
    }

    fn park_until(&self, deadline: Tick) {
        IS_ASLEEP.store(true, Ordering::Relaxed);
        MAIN_LOOP.park_until(deadline);
        IS_ASLEEP.store(false, Ordering::Relaxed);
    }
}

fn nothing() {}

/// What the handler may want to cancel; they do not get in the way, except in the ring.
fn some_of_each() {
    write_submitted(QUEUED, port::submit(QUEUED));
    write_submitted(DELAYED, port::submit_later(2, DELAYED));
    write_submitted(PERIODIC, port::schedule(PERIOD, PERIODIC));
}

fn all_due() {
    some_of_each();
    (0..4).for_each(|_| port::on_tick());
}

fn one_place_left() {
    some_of_each();
    for job in FILLERS.into_iter().skip(1) {
        write_submitted(job, port::submit(job));
    }
}

fn a_permit() {
    some_of_each();
    SIGNAL.release(1).expect("few permits");
    write_permits(|permits| permits.released += 1);
}

const OPERATIONS: [Operation; 22] = [
    Operation {
        name: "submit",
        waits_for: &[],
        prepare: some_of_each,
        run: |_, outcome| outcome.submitted = Some((OWN, port::submit(OWN))),
    },
    Operation {
        name: "submit into the last place",
        waits_for: &[],
        prepare: one_place_left,
        run: |_, outcome| outcome.submitted = Some((OWN, port::submit(OWN))),
    },
    Operation {
        name: "submit_first",
        waits_for: &[],
        prepare: some_of_each,
        run: |_, outcome| outcome.submitted = Some((OWN, port::submit_first(OWN))),
    },
    Operation {
        name: "submit_later",
        waits_for: &[],
        prepare: some_of_each,
        run: |_, outcome| outcome.submitted = Some((OWN, port::submit_later(1, OWN))),
    },
    Operation {
        name: "schedule",
        waits_for: &[],
        prepare: some_of_each,
        run: |_, outcome| outcome.submitted = Some((OWN_PERIODIC, port::schedule(PERIOD, OWN_PERIODIC))),
    },
    Operation {
        name: "claim and run a queued job",
        waits_for: &[],
        prepare: some_of_each,
        run: |worker, outcome| step(worker, outcome, false),
    },
    Operation {
        name: "claim from a full ring",
        waits_for: &[],
        prepare: || {
            one_place_left();
            write_submitted(FILLERS[0], port::submit(FILLERS[0]));
        },
        run: |worker, outcome| step(worker, outcome, false),
    },
    Operation {
        name: "run an urgent job",
        waits_for: &[],
        prepare: || {
            some_of_each();
            write_submitted(FIRST, port::submit_first(FIRST));
        },
        run: |worker, outcome| step(worker, outcome, false),
    },
    Operation {
        name: "run what has fallen due",
        waits_for: &[],
        prepare: all_due,
        run: |worker, outcome| step(worker, outcome, false),
    },
    Operation {
        name: "run a periodic job",
        waits_for: &[],
        prepare: || {
            all_due();
            // So that the periodic one is on top.
            write_cancelled(DELAYED, POOL.cancel(id_of(DELAYED)));
        },
        run: |worker, outcome| step(worker, outcome, false),
    },
    Operation {
        name: "cancel a queued job",
        waits_for: &[],
        prepare: some_of_each,
        run: |_, outcome| outcome.cancelled = Some((QUEUED, POOL.cancel(id_of(QUEUED)))),
    },
    Operation {
        name: "cancel a delayed job",
        waits_for: &[],
        prepare: some_of_each,
        run: |_, outcome| outcome.cancelled = Some((DELAYED, POOL.cancel(id_of(DELAYED)))),
    },
    Operation {
        name: "cancel a periodic job",
        waits_for: &[],
        prepare: some_of_each,
        run: |_, outcome| outcome.cancelled = Some((PERIODIC, POOL.cancel(id_of(PERIODIC)))),
    },
    Operation {
        name: "fall asleep",
        waits_for: &[Brings::Work, Brings::End],
        prepare: nothing,
        run: |worker, outcome| step(worker, outcome, true),
    },
    Operation {
        name: "fall asleep until a deadline",
        waits_for: &[Brings::Work],
        prepare: || write_submitted(DELAYED, port::submit_later(2, DELAYED)),
        run: |worker, outcome| step(worker, outcome, true),
    },
    Operation {
        name: "release",
        waits_for: &[],
        prepare: some_of_each,
        run: |_, outcome| outcome.released = usize::from(SIGNAL.release(1).is_ok()),
    },
    Operation {
        name: "try to acquire",
        waits_for: &[],
        prepare: a_permit,
        run: |_, outcome| outcome.acquired = usize::from(SIGNAL.try_acquire(1).is_ok()),
    },
    Operation {
        name: "acquire",
        waits_for: &[Brings::Permit],
        prepare: nothing,
        run: |_, outcome| {
            outcome.acquired = usize::from(SIGNAL.acquire(1, &Watched).is_ok());
        },
    },
    Operation {
        name: "acquire until a deadline",
        waits_for: &[Brings::Permit],
        prepare: nothing,
        run: |_, outcome| {
            let deadline = port::now().saturating_add(1);
            outcome.acquired = usize::from(SIGNAL.acquire_until(1, &Watched, deadline, port::now).is_ok());
        },
    },
    Operation {
        name: "acquire what comes too late",
        waits_for: &[],
        prepare: some_of_each,
        run: |_, outcome| {
            outcome.acquired = usize::from(SIGNAL.acquire_until(1, &Watched, port::now(), port::now).is_ok());
        },
    },
    Operation { name: "shut down", waits_for: &[], prepare: some_of_each, run: |_, _| shut_down() },
    Operation {
        name: "end",
        waits_for: &[],
        prepare: || {
            for job in [QUEUED, DELAYED, PERIODIC] {
                write_submitted(job, port::submit(job));
                write_cancelled(job, POOL.cancel(id_of(job)));
            }
            shut_down();
        },
        run: |worker, outcome| step(worker, outcome, false),
    },
];

// ----- the sweep

/// What the handler does; `None` once it was done.
static NEXT_DEED: Mutex<Cell<Option<Act>>> = Mutex::new(Cell::new(None));
/// The instruction before which the interrupt came.
static PC: AtomicU32 = AtomicU32::new(0);
/// The main loop waits: what comes now comes in time.
static IS_ASLEEP: AtomicBool = AtomicBool::new(false);
/// It waited when the interrupt came.
static WAS_ASLEEP: AtomicBool = AtomicBool::new(false);

/// Counts of the timer in which everything is long over.
const WATCHDOG: u32 = 1_000_000;
/// Interrupts into a waiting main loop before it is enough.
const ASLEEP: u32 = 80;

/// Hands what was interrupted to [`interrupt`].
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn SysTick() {
    // `main` runs on the main stack, where the frame is. A branch that reaches everywhere, on a Cortex-M0 too.
    naked_asm!("mrs r0, msp", "ldr r1, 1f", "bx r1", ".align 2", "1:", ".word {interrupt}", interrupt = sym interrupt)
}

extern "C" fn interrupt(frame: &ExceptionFrame) {
    let Some(deed) = critical_section::with(|cs| NEXT_DEED.borrow(cs).take()) else {
        panic!("FAILED: it hangs at {:#x}", frame.pc());
    };
    // SAFETY: `main` does not touch the timer between `arm` and `disarm`, and is interrupted here in between.
    let mut syst = unsafe { cortex_m::Peripherals::steal() }.SYST;
    // So that no second interrupt is pending, of a timer that was set to a few counts.
    syst.disable_counter();
    SCB::clear_pendst();
    PC.store(frame.pc(), Ordering::Relaxed);
    WAS_ASLEEP.store(IS_ASLEEP.load(Ordering::Relaxed), Ordering::Relaxed);
    deed();
    start(&mut syst, WATCHDOG);
}

fn start(syst: &mut SYST, counts: u32) {
    syst.set_reload(counts);
    syst.clear_current();
    syst.enable_interrupt();
    syst.enable_counter();
}

fn disarm(syst: &mut SYST) {
    syst.disable_counter();
    syst.disable_interrupt();
    SCB::clear_pendst();
}

/// Works off what is there, shuts down, and compares.
fn settle(mut worker: MainLoop, mut has_exited: bool) {
    // They would never end.
    POOL.cancel_entries(Kinds::Periodic, |_id, job| write(job, |line| line.removed += 1));
    while !has_exited {
        let counts = POOL.counts();
        if counts.pending == 0 && counts.timers == 0 {
            shut_down();
        }
        let mut outcome = Outcome::default();
        step(&mut worker, &mut outcome, false);
        has_exited = outcome.has_exited;
        note(outcome);
    }
    let value = SIGNAL.value();
    SIGNAL.try_acquire(value).expect("nobody else wants them");
    critical_section::with(|cs| {
        for (number, line) in LEDGER.borrow_ref_mut(cs).iter_mut().enumerate() {
            // Of a periodic job the runs do not count: it ends by its removal.
            let ran = if [PERIODIC, OWN_PERIODIC].contains(&Job(number)) { 0 } else { line.ran };
            assert!(line.accepted <= 1 && ran + line.removed == line.accepted, "FAILED: job {number}: {line:?}");
            assert!(!line.told_to_stop || line.ran > 0, "FAILED: job {number} was told to stop, and ran not: {line:?}");
            *line = Line::default();
        }
        let permits = PERMITS.borrow(cs).take();
        assert!(permits.released == permits.acquired + value, "FAILED: {value} permits are left of {permits:?}");
    });
    assert!(SIGNAL.waiters() == 0, "FAILED: somebody waits");
    assert!(POOL.counts() == Counts::default(), "FAILED: what is left: {:?}", POOL.counts());
}

#[allow(clippy::needless_pass_by_value, reason = "it is over")]
fn note(outcome: Outcome) {
    if let Some((job, submitted)) = outcome.submitted {
        write_submitted(job, submitted);
    }
    if let Some((job, cancelled)) = outcome.cancelled {
        write_cancelled(job, cancelled);
    }
    if let Some(job) = outcome.ran {
        write(job, |line| line.ran += 1);
    }
    if let Some(job) = outcome.back {
        write(job, |line| line.removed += 1);
    }
    write_permits(|permits| {
        permits.released += outcome.released;
        permits.acquired += outcome.acquired;
    });
}

/// Plays one pair once. Returns whether the interrupt came before the operation was over.
fn play(syst: &mut SYST, operation: &Operation, deed: &Deed, counts: u32) -> bool {
    POOL.set_phase(Phase::Running);
    let mut worker = POOL.enlist().expect("the main loop has ended before");
    (operation.prepare)();
    critical_section::with(|cs| NEXT_DEED.borrow(cs).set(Some(deed.act)));
    let mut outcome = Outcome::default();
    start(syst, counts);
    (operation.run)(&mut worker, &mut outcome);
    disarm(syst);
    let was_interrupted = critical_section::with(|cs| NEXT_DEED.borrow(cs).take()).is_none();
    // What follows is watched, too.
    start(syst, WATCHDOG);
    let has_exited = outcome.has_exited;
    note(outcome);
    settle(worker, has_exited);
    disarm(syst);
    was_interrupted
}

/// What was covered.
#[derive(Clone, Copy, Default)]
struct Covered {
    pairs: u32,
    interrupts: u32,
    instructions: u32,
}

/// Plays one pair, with the interrupt one count later each time.
fn sweep(syst: &mut SYST, operation: &Operation, deed: &Deed, covered: &mut Covered) {
    let (mut last, mut asleep) = (0, 0);
    covered.pairs += 1;
    for counts in 1.. {
        qemu::doing(operation.name, deed.name, counts);
        WAS_ASLEEP.store(false, Ordering::Relaxed);
        if !play(syst, operation, deed, counts) {
            return;
        }
        covered.interrupts += 1;
        let pc = PC.load(Ordering::Relaxed);
        // An instruction takes longer than a count, so some are interrupted twice: counted once.
        covered.instructions += u32::from(pc != last);
        last = pc;
        asleep += u32::from(WAS_ASLEEP.load(Ordering::Relaxed));
        if asleep == ASLEEP {
            return;
        }
    }
}

#[entry]
fn main() -> ! {
    let mut board = cortex_m::Peripherals::take().expect("taken once");
    board.SYST.set_clock_source(SystClkSource::Core);
    let mut all = Covered::default();
    for operation in &OPERATIONS {
        let mut covered = Covered::default();
        for deed in &DEEDS {
            if operation.waits_for.is_empty() || operation.waits_for.contains(&deed.brings) {
                sweep(&mut board.SYST, operation, deed, &mut covered);
            }
        }
        let Covered { pairs, interrupts, instructions } = covered;
        assert!(instructions > 20 * pairs, "FAILED: {}: hardly any interrupts came", operation.name);
        hprintln!("ok    {}: {pairs} deeds, {instructions} instructions, {interrupts} interrupts", operation.name);
        all.pairs += pairs;
        all.instructions += instructions;
        all.interrupts += interrupts;
    }
    hprintln!("note  {} times a job that had gone was said to be stopping", MISSAID.load(Ordering::Relaxed));
    hprintln!("all checks passed: {} pairs, an interrupt on {} instructions", all.pairs, all.instructions);
    qemu::succeed()
}
