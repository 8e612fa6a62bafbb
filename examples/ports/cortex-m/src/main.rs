//! A firmware that checks itself: the main loop works jobs off, the handler of the tick submits, cancels and releases.
//!
//! It is a row of scenes. Each says what the handler does at which tick, counted from the beginning of the scene, and what
//! must have happened when, to the tick. Ends with status 0, or with 1 and the name of the first check that failed.
#![no_std]
#![no_main]

mod port;
#[allow(dead_code, reason = "a firmware need not use all of its desk")]
mod qemu;

use core::cell::{Cell, RefCell};
use core::num::NonZeroU64;

use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::hprintln;
use critical_section::Mutex;
use fastthreadpool_core::{AcquireError, Cancelled, Counts, JobId, Overflow, Phase, Refused, Tick, TryAcquireError};

use self::job::Job;
use self::port::{MAIN_LOOP, POOL, Signal};
use self::qemu::check;

/// What the port asks of the firmware: its jobs, and how many of them there is room for.
mod job {
    use fastthreadpool_core::Running;

    use super::Event;
    use crate::port::POOL;

    /// Queued jobs: a power of two.
    pub(crate) const JOBS: usize = 8;
    /// Timed and urgent jobs.
    pub(crate) const TIMERS: usize = 6;
    /// The main loop.
    pub(crate) const WORKERS: usize = 1;

    /// A job is an enum: a word in the ring, no pointers, and a `match` instead of a call through one.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Job {
        /// Something short.
        Byte(u8),
        /// Works until it is told to stop.
        Crunch,
        /// Works for so many ticks.
        Work(u8),
        /// The last of a scene.
        End,
    }

    impl Job {
        pub(crate) fn run(self, running: &Running) {
            super::trace(Event::Ran(self));
            match self {
                Self::Byte(_) => {}
                Self::Crunch => {
                    // A long job asks now and then whether it is still wanted.
                    while !POOL.is_cancelled(running) {
                        core::hint::spin_loop();
                    }
                    super::trace(Event::Stopped(self));
                }
                Self::Work(ticks) => super::pass(u64::from(ticks)),
                Self::End => crate::port::shut_down(),
            }
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Ran(Job),
    Stopped(Job),
    Refused(Refused<Job>),
    Removed(Job),
    Stopping,
    TooLate,
    Acquired(Result<(), AcquireError>),
    Tried(Result<(), TryAcquireError>),
    Released(Result<(), Overflow>),
}

use Event::{Acquired, Ran, Released, Removed, Stopped, Stopping, TooLate, Tried};
use Job::{Byte, Crunch, End, Work};

const MOST_EVENTS: usize = 24;

struct Trace {
    events: [Option<(u64, Event)>; MOST_EVENTS],
    len: usize,
}

static TRACE: Mutex<RefCell<Trace>> = Mutex::new(RefCell::new(Trace { events: [None; MOST_EVENTS], len: 0 }));

/// When the scene began.
static BEGUN: Mutex<Cell<Tick>> = Mutex::new(Cell::new(Tick::ZERO));

/// What the handler of the tick does in this scene.
static HANDLER: Mutex<Cell<fn(u64)>> = Mutex::new(Cell::new(|_| ()));

/// Ids of jobs that handlers cancel.
static IDS: Mutex<Cell<[Option<JobId>; 2]>> = Mutex::new(Cell::new([None; 2]));

static SIGNAL: Signal = Signal::new(0);

fn since_begun() -> u64 {
    port::now().since(critical_section::with(|cs| BEGUN.borrow(cs).get()))
}

fn trace(event: Event) {
    let when = since_begun();
    critical_section::with(|cs| {
        let mut trace = TRACE.borrow_ref_mut(cs);
        let place = trace.len;
        trace.events[place] = Some((when, event));
        trace.len += 1;
    });
}

/// Works for so many ticks; interrupts come all the same.
fn pass(ticks: u64) {
    let end = port::now().saturating_add(ticks);
    while port::now() < end {
        core::hint::spin_loop();
    }
}

fn remember(place: usize, id: JobId) {
    critical_section::with(|cs| {
        let mut ids = IDS.borrow(cs).get();
        ids[place] = Some(id);
        IDS.borrow(cs).set(ids);
    });
}

fn cancel(place: usize) {
    let id = critical_section::with(|cs| IDS.borrow(cs).get()[place]).expect("a job was remembered");
    trace(match POOL.cancel(id) {
        // The job itself comes back: had it owned a buffer, here it would be freed.
        Cancelled::Removed(job) => Removed(job),
        Cancelled::Stopping => Stopping,
        Cancelled::TooLate => TooLate,
    });
}

/// A handler cannot wait for room: it gets the job back.
fn note(submitted: port::Submitted) {
    if let Err(refused) = submitted {
        trace(Event::Refused(refused));
    }
}

fn every(ticks: u64) -> NonZeroU64 {
    NonZeroU64::new(ticks).expect("a period is not 0")
}

#[exception]
fn SysTick() {
    port::on_tick();
    let handler = critical_section::with(|cs| HANDLER.borrow(cs).get());
    handler(since_begun());
}

/// Plays one scene: `main` and then the main loop, while `handler` is told each tick.
fn scene(shows: &str, handler: fn(u64), main: impl FnOnce(), wanted: &[(u64, Event)]) {
    POOL.set_phase(Phase::Running);
    // From a tick on, so that `main` is done in tick 0.
    let now = port::now();
    while port::now() == now {}
    critical_section::with(|cs| {
        BEGUN.borrow(cs).set(port::now());
        TRACE.borrow_ref_mut(cs).len = 0;
        IDS.borrow(cs).set([None; 2]);
        HANDLER.borrow(cs).set(handler);
    });
    main();
    port::main_loop();
    critical_section::with(|cs| {
        HANDLER.borrow(cs).set(|_| ());
        let trace = TRACE.borrow_ref(cs);
        for (n, event) in wanted.iter().enumerate() {
            let got = trace.events[n].filter(|_| n < trace.len);
            assert!(got == Some(*event), "FAILED: {shows}\n  event {n}: wanted {event:?}\n  got {got:?}");
        }
        let more = trace.events[wanted.len()];
        assert!(trace.len == wanted.len(), "FAILED: {shows}\n  one event too many: {more:?}");
    });
    check(shows, &Counts::default(), &POOL.counts());
}

#[entry]
fn main() -> ! {
    let mut board = cortex_m::Peripherals::take().expect("taken once");
    // Some thousand instructions.
    port::start_clock(&mut board.SYST, 50_000);
    hprintln!("a pool of {} bytes, jobs of {} bytes", size_of_val(&POOL), size_of::<Job>());

    submitting();
    timing();
    cancelling();
    signalling();
    ending();

    let now = port::now();
    check("the clock went past 32 bits", &true, &(now.0 > u64::from(u32::MAX) && now.0 < u64::from(u32::MAX) + 1000));
    hprintln!("all checks passed");
    qemu::succeed()
}

fn submitting() {
    scene(
        "jobs of `main` and of the handler run in the order of coming",
        |tick| match tick {
            2 => note(port::submit(Byte(3))),
            3 => (4..7).for_each(|n| note(port::submit(Byte(n)))),
            4 => note(port::submit(End)),
            _ => {}
        },
        || (0..3).for_each(|n| note(port::submit(Byte(n)))),
        &[
            (0, Ran(Byte(0))),
            (0, Ran(Byte(1))),
            (0, Ran(Byte(2))),
            (2, Ran(Byte(3))),
            (3, Ran(Byte(4))),
            (3, Ran(Byte(5))),
            (3, Ran(Byte(6))),
            (4, Ran(End)),
        ],
    );
    scene(
        "a job that is submitted first overtakes those in the queue",
        |tick| {
            if tick == 2 {
                note(port::submit(Byte(1)));
                note(port::submit_first(Byte(2)));
                note(port::submit_first(Byte(3)));
                note(port::submit(End));
            }
        },
        || note(port::submit(Work(4))),
        &[(0, Ran(Work(4))), (4, Ran(Byte(3))), (4, Ran(Byte(2))), (4, Ran(Byte(1))), (4, Ran(End))],
    );
    scene(
        "a burst of 10 fills the ring of 8: the handler is told Full and has the others back",
        |tick| match tick {
            2 => (0..10).for_each(|n| note(port::submit(Byte(n)))),
            9 => note(port::submit(End)),
            _ => {}
        },
        || note(port::submit(Work(4))),
        &[
            (0, Ran(Work(4))),
            (2, Event::Refused(Refused::Full(Byte(8)))),
            (2, Event::Refused(Refused::Full(Byte(9)))),
            (4, Ran(Byte(0))),
            (4, Ran(Byte(1))),
            (4, Ran(Byte(2))),
            (4, Ran(Byte(3))),
            (4, Ran(Byte(4))),
            (4, Ran(Byte(5))),
            (4, Ran(Byte(6))),
            (4, Ran(Byte(7))),
            (9, Ran(End)),
        ],
    );
    scene(
        "6 timed and urgent jobs are the most: Full, and the job comes back, from both submits",
        |tick| {
            if tick == 2 {
                (1..6).for_each(|n| note(port::submit_later(u64::from(n) * 2, Byte(n))));
                note(port::submit_first(Byte(6)));
                note(port::submit_first(Byte(7)));
                note(port::submit_later(1, Byte(8)));
                note(port::schedule(every(1), Byte(9)));
                note(port::submit(Byte(10)));
            } else if tick == 13 {
                note(port::submit_first(End));
            }
        },
        || note(port::submit(Work(3))),
        &[
            (0, Ran(Work(3))),
            (2, Event::Refused(Refused::Full(Byte(7)))),
            (2, Event::Refused(Refused::Full(Byte(8)))),
            (2, Event::Refused(Refused::Full(Byte(9)))),
            (3, Ran(Byte(6))),
            (3, Ran(Byte(10))),
            (4, Ran(Byte(1))),
            (6, Ran(Byte(2))),
            (8, Ran(Byte(3))),
            (10, Ran(Byte(4))),
            (12, Ran(Byte(5))),
            (13, Ran(End)),
        ],
    );
}

fn timing() {
    scene(
        "delayed jobs of `main` and of the handler run at their ticks",
        |tick| match tick {
            1 => note(port::submit_later(6, Byte(7))),
            2 => note(port::submit_later(1, Byte(3))),
            _ => {}
        },
        || {
            note(port::submit_later(40, End));
            note(port::submit_later(5, Byte(5)));
            note(port::submit_later(35, Byte(35)));
        },
        &[(3, Ran(Byte(3))), (5, Ran(Byte(5))), (7, Ran(Byte(7))), (35, Ran(Byte(35))), (40, Ran(End))],
    );
    scene(
        "a periodic job of the handler stays on its grid, and leaves out what a long job made it miss",
        |tick| match tick {
            1 => note(port::schedule(every(4), Byte(4))),
            11 => note(port::submit(Work(8))),
            25 => note(port::submit(End)),
            _ => {}
        },
        || (),
        &[
            (5, Ran(Byte(4))),
            (9, Ran(Byte(4))),
            (11, Ran(Work(8))),
            (19, Ran(Byte(4))),
            (21, Ran(Byte(4))),
            (25, Ran(Byte(4))),
            (25, Ran(End)),
        ],
    );
}

fn cancelling() {
    scene(
        "a queued job is cancelled: it comes back once, and does not run",
        |tick| {
            if tick == 2 {
                cancel(0);
                cancel(0);
                note(port::submit(End));
            }
        },
        || {
            note(port::submit(Work(4)));
            remember(0, port::submit(Byte(1)).expect("there is room"));
            note(port::submit(Byte(2)));
        },
        &[(0, Ran(Work(4))), (2, Removed(Byte(1))), (2, TooLate), (4, Ran(Byte(2))), (4, Ran(End))],
    );
    scene(
        "a delayed job is cancelled",
        |tick| match tick {
            4 => {
                cancel(0);
                cancel(0);
            }
            9 => note(port::submit(End)),
            _ => {}
        },
        || remember(0, port::submit_later(6, Byte(1)).expect("there is room")),
        &[(4, Removed(Byte(1))), (4, TooLate), (9, Ran(End))],
    );
    scene(
        "a periodic job is cancelled between two runs",
        |tick| match tick {
            8 => cancel(0),
            15 => note(port::submit(End)),
            _ => {}
        },
        || remember(0, port::schedule(every(3), Byte(1)).expect("there is room")),
        &[(3, Ran(Byte(1))), (6, Ran(Byte(1))), (8, Removed(Byte(1))), (15, Ran(End))],
    );
    scene(
        "a running job is told to stop, and when it has ended it is too late",
        |tick| match tick {
            5 => cancel(0),
            7 => {
                cancel(0);
                note(port::submit(End));
            }
            _ => {}
        },
        || remember(0, port::submit(Crunch).expect("there is room")),
        &[(0, Ran(Crunch)), (5, Stopping), (5, Stopped(Crunch)), (7, TooLate), (7, Ran(End))],
    );
    scene(
        "a periodic job is cancelled while it runs: it is told to stop, and does not run again",
        |tick| match tick {
            6 => cancel(0),
            15 => {
                cancel(0);
                note(port::submit(End));
            }
            _ => {}
        },
        || remember(0, port::schedule(every(4), Crunch).expect("there is room")),
        &[(4, Ran(Crunch)), (6, Stopping), (6, Stopped(Crunch)), (15, TooLate), (15, Ran(End))],
    );
}

fn signalling() {
    scene(
        "the main loop sleeps on a semaphore until the handler has released both permits",
        |tick| match tick {
            2 | 5 => trace(Released(SIGNAL.release(1))),
            7 => note(port::submit(End)),
            _ => {}
        },
        || trace(Acquired(SIGNAL.acquire(2, &MAIN_LOOP))),
        &[(2, Released(Ok(()))), (5, Released(Ok(()))), (5, Acquired(Ok(()))), (7, Ran(End))],
    );
    scene(
        "an acquisition that nobody answers ends at its deadline, and takes nothing",
        |tick| match tick {
            1 => trace(Tried(SIGNAL.try_acquire(1))),
            6 => trace(Released(SIGNAL.release(1))),
            8 => {
                trace(Tried(SIGNAL.try_acquire(1)));
                note(port::submit(End));
            }
            _ => {}
        },
        || {
            let deadline = port::now().saturating_add(4);
            trace(Acquired(SIGNAL.acquire_until(1, &MAIN_LOOP, deadline, port::now)));
        },
        &[
            (1, Tried(Err(TryAcquireError::NoPermits))),
            (4, Acquired(Err(AcquireError::TimedOut))),
            (6, Released(Ok(()))),
            (8, Tried(Ok(()))),
            (8, Ran(End)),
        ],
    );
}

fn ending() {
    scene(
        "draining: nothing is accepted, what was accepted is run, periodic jobs end",
        |tick| match tick {
            2 => port::shut_down(),
            3 => {
                note(port::submit(Byte(7)));
                note(port::submit_first(Byte(8)));
                note(port::submit_later(1, Byte(9)));
            }
            _ => {}
        },
        || {
            note(port::submit(Work(5)));
            note(port::submit(Byte(1)));
            note(port::submit_later(9, Byte(2)));
            note(port::schedule(every(4), Byte(3)));
        },
        &[
            (0, Ran(Work(5))),
            (3, Event::Refused(Refused::Closed(Byte(7)))),
            (3, Event::Refused(Refused::Closed(Byte(8)))),
            (3, Event::Refused(Refused::Closed(Byte(9)))),
            (5, Ran(Byte(1))),
            (9, Ran(Byte(2))),
        ],
    );
    scene(
        "stopping: what runs is told to stop, what waits is handed back, from a handler",
        |tick| {
            if tick == 4 {
                port::stop(|_id, job| trace(Removed(job)));
                note(port::submit(Byte(7)));
            }
        },
        || {
            note(port::submit(Crunch));
            note(port::submit(Byte(1)));
            note(port::submit(Byte(2)));
            note(port::submit_later(9, Byte(3)));
        },
        &[
            (0, Ran(Crunch)),
            (4, Removed(Byte(1))),
            (4, Removed(Byte(2))),
            (4, Removed(Byte(3))),
            (4, Event::Refused(Refused::Closed(Byte(7)))),
            (4, Stopped(Crunch)),
        ],
    );
    scene(
        "a sleeping main loop is woken to end",
        |tick| {
            if tick == 3 {
                port::shut_down();
            }
        },
        || (),
        &[],
    );
    check("it ended in the tick of the shutdown", &3, &since_begun());
}
