//! What the pool's operations cost, in instructions: QEMU with `-icount` lets each take the same time, and `SysTick` counts.
//!
//! Each is timed once by itself, with an instruction of many counts, and the cost of the timing is taken off. What one
//! count is worth is measured, too: a known number of instructions is timed first. No interrupt is on.
#![no_std]
#![no_main]

#[path = "../port.rs"]
#[allow(dead_code, reason = "a firmware need not use all of its port")]
mod port;
#[path = "../qemu.rs"]
#[allow(dead_code, reason = "a firmware need not use all of its desk")]
mod qemu;

use core::arch::asm;
use core::hint::black_box;
use core::num::NonZeroU64;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use fastthreadpool_core::{Cancelled, Counts, End, JobId, Next, Phase, Worker};

use self::job::Job;
use self::port::{Board, POOL, Signal, perform};

mod job {
    use fastthreadpool_core::Running;

    pub(crate) const JOBS: usize = 16;
    pub(crate) const TIMERS: usize = 8;
    pub(crate) const WORKERS: usize = 1;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Job(pub(crate) u16);

    impl Job {
        pub(crate) fn run(self, _: &Running) {
            core::hint::black_box(self);
        }
    }
}

type MainLoop = Worker<'static, Job, Board, port::Room>;

static SIGNAL: Signal = Signal::new(0);

const FULL: u32 = 0x00FF_FFFF;
const KNOWN: u32 = 200;

/// Counts of the timer that `work` takes.
#[inline(never)]
fn counts(work: impl FnOnce()) -> u32 {
    let before = SYST::get_current();
    work();
    let after = SYST::get_current();
    // It counts down.
    before.wrapping_sub(after) & FULL
}

#[inline(never)]
fn known_instructions() {
    // SAFETY: does nothing.
    unsafe { asm!(".rept 200", "nop", ".endr", options(nomem, nostack, preserves_flags)) };
}

/// Turns counts into instructions.
struct Scale {
    /// Of timing nothing.
    idle: u32,
    /// Of [`KNOWN`] instructions.
    known: u32,
}

impl Scale {
    fn print(&self, name: &str, work: impl FnOnce()) {
        let counts = counts(work) - self.idle;
        let instructions = (counts * KNOWN + self.known / 2) / self.known;
        hprintln!("cost  {name}: {instructions}");
    }
}

/// One step of the port's main loop.
fn step(worker: &mut MainLoop) -> bool {
    match worker.next() {
        Next::Run { payload, running, duty } => {
            perform(duty);
            payload.run(&running);
            let again = running.is_periodic().then_some(payload);
            let (_cancelled, duty) = POOL.end(&running, End::Done, again);
            perform(duty);
            true
        }
        Next::Park(_) => false,
        Next::Exit { .. } => unreachable!("it is not shut down"),
    }
}

fn rest(worker: &mut MainLoop) {
    while step(worker) {}
}

fn id(submitted: port::Submitted) -> JobId {
    submitted.expect("there is room")
}

#[entry]
fn main() -> ! {
    let mut board = cortex_m::Peripherals::take().expect("taken once");
    board.SYST.set_clock_source(SystClkSource::Core);
    board.SYST.set_reload(FULL);
    board.SYST.clear_current();
    board.SYST.enable_counter();
    let idle = counts(|| ());
    let scale = Scale { idle, known: counts(known_instructions) - idle };

    let mut worker = POOL.enlist().expect("a seat");
    let worker = &mut worker;
    id(port::submit(Job(0)));
    rest(worker);

    // The main loop sleeps.
    let mut ids = [None; 4];
    scale.print("submit, and wake the main loop", || ids[0] = Some(id(port::submit(black_box(Job(1))))));
    // It does not any more.
    scale.print("submit", || ids[1] = Some(id(port::submit(black_box(Job(2))))));
    id(port::submit(Job(3)));
    scale.print("run the first job after a sleep", || _ = step(worker));
    scale.print("run a job", || _ = step(worker));
    rest(worker);
    scale.print("cancel a job that has gone", || {
        assert!(POOL.cancel(ids[1].expect("submitted")) == Cancelled::TooLate);
    });
    let queued = id(port::submit(Job(4)));
    scale.print("cancel a queued job", || assert!(matches!(POOL.cancel(queued), Cancelled::Removed(_))));
    rest(worker);

    id(port::submit(Job(5)));
    scale.print("submit_first", || ids[0] = Some(id(port::submit_first(black_box(Job(6))))));
    scale.print("run an urgent job", || _ = step(worker));
    rest(worker);

    id(port::submit(Job(5)));
    scale.print("insert a timer, the first", || ids[0] = Some(id(port::submit_later(100, black_box(Job(7))))));
    scale.print("insert a timer, a later one", || ids[1] = Some(id(port::submit_later(1000, black_box(Job(8))))));
    scale.print("insert a timer, an earlier one", || ids[2] = Some(id(port::submit_later(10, black_box(Job(9))))));
    let period = NonZeroU64::new(3).expect("not 0");
    scale.print("insert a periodic job", || ids[3] = Some(id(port::schedule(period, black_box(Job(10))))));
    for (name, place) in [("cancel a timer, a later one", 1), ("cancel a timer, the earliest", 3)] {
        let id = ids[place].expect("submitted");
        scale.print(name, || assert!(matches!(POOL.cancel(id), Cancelled::Removed(_))));
    }
    rest(worker);
    (0..20).for_each(|_| port::on_tick());
    scale.print("run a timer that has fallen due", || _ = step(worker));
    rest(worker);
    POOL.cancel_entries(fastthreadpool_core::Kinds::All, |_, _| ());

    scale.print("release", || SIGNAL.release(1).expect("few permits"));
    scale.print("try_acquire", || SIGNAL.try_acquire(1).expect("there is one"));
    scale.print("on_tick", port::on_tick);
    scale.print("now", || _ = black_box(port::now()));

    port::shut_down();
    assert!(matches!(worker.next(), Next::Exit { .. }));
    POOL.set_phase(Phase::Running);
    assert!(POOL.counts() == Counts::default());
    hprintln!("all checks passed");
    qemu::succeed()
}
