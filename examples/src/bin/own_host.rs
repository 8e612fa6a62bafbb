//! A host of one's own: the core of the pool on a microcontroller without an operating system, without an allocator.
//!
//! One core, one main loop that works jobs off and sleeps in between, and interrupt handlers that submit and cancel them.
//!
//! | module | what it is | on a real chip |
//! |---|---|---|
//! | `port` | the pool on this kind of machine | the same, with the vendor's clock |
//! | `app` | the firmware: its jobs, its `main`, its interrupt handlers | yours |
//! | `chip` | plays the hardware: a tick, `wfi`, the interrupt mask | the hardware |
//! | `desk` | decides when which interrupt comes, checks what the firmware did | your desk |
//!
//! The first two see `core` and the pool's core only: this program is `no_std`, and just `chip` and `desk` bring std in.
//! Time passes only where the firmware waits or works, so that every run is the same, and is checked to the tick.
#![no_std]

/// The port. It needs a clock, a mutex that masks interrupts, and a way to wait for an interrupt.
mod port {
    #![forbid(unsafe_code)]

    use core::num::NonZeroU64;

    use fastthreadpool_core::hosts::{CriticalSectionMutex, FlagParker, FlagUnparker, WakeFlag};
    use fastthreadpool_core::{
        Duty, End, Fixed, Host, JobId, Kinds, MissedTickBehavior, Next, Park, Phase, Pool, Refused, Repeat, Semaphore,
        Tick, Unpark,
    };

    use crate::app::Job;
    use crate::chip;

    /// What the pool has to know of the machine.
    pub(crate) struct Board;

    impl Host for Board {
        /// Masks interrupts for the few instructions of each critical section. Not a spin lock: a handler would spin for
        /// ever on what the main loop, which it has interrupted, holds.
        type Mutex = CriticalSectionMutex;

        /// A tick counter or a free-running timer, widened to 64 bits so that it never wraps.
        fn now(&self) -> Tick {
            chip::now()
        }

        // `wake_cost` stays 0 and `relax` false: with one core there is nobody to share the work with, and nothing comes
        // while the loop spins that would not also come while it sleeps.
    }

    /// Says that the main loop has something to do. Raised in handlers, taken in the main loop.
    static WAKE: WakeFlag = WakeFlag::new();

    /// How the main loop sleeps: until the flag is raised, or the clock has come to a deadline. `wait_for_interrupt` is
    /// `wfe` or `wfi`; the head of [`FlagParker`] says how not to lose the interrupt that comes just before it.
    pub(crate) static MAIN_LOOP: FlagParker = FlagParker::new(&WAKE, chip::wait_for_interrupt, chip::now);

    /// What handlers and the main loop signal each other with: `release` in a handler, `acquire` in the main loop.
    pub(crate) type Signal = Semaphore<CriticalSectionMutex, FlagUnparker>;

    /// All of the pool, in `.data`, linked and counted at compile time: 8 queued jobs, 6 timed or urgent ones, one worker.
    pub(crate) static POOL: Pool<Job, Board, Fixed<Job, 8, 6, 1>> = Pool::fixed(Board);

    /// Does what a call into the pool asks for. Never waits, so that handlers may do it.
    fn perform(duty: Duty) {
        match duty {
            Duty::Nothing => {}
            // There is one worker. With several, one flag a seat, and `sev` or an inter-processor interrupt.
            Duty::Wake(_seat) => MAIN_LOOP.unparker().unpark(),
            // A handler was quicker than `main_loop`. Nothing can be started here: the loop finds the job when it begins.
            Duty::Start => perform(POOL.start_failed()),
        }
    }

    type Submitted = Result<JobId, Refused<Job>>;

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
        POOL.submit_at(job, false, chip::now().saturating_add(ticks), None).map(submitted)
    }

    /// Runs a job again and again on a grid of so many ticks; what was missed is left out.
    pub(crate) fn schedule(period: NonZeroU64, job: Job) -> Submitted {
        let repeat = Repeat::Rate { period, missed: MissedTickBehavior::Skip };
        POOL.submit_at(job, false, chip::now().saturating_add(period.get()), Some(repeat)).map(submitted)
    }

    /// The end of `main`: works jobs off, and sleeps when there are none. Returns after [`shut_down`].
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
                Next::Park(None) => MAIN_LOOP.park(),
                // Before a tickless sleep, this is what to program the compare register with.
                Next::Park(Some(deadline)) => MAIN_LOOP.park_until(deadline),
                Next::Exit { duty, .. } => return perform(duty),
            }
        }
    }

    /// Accepts no more jobs; what is queued or delayed is still run, then [`main_loop`] returns.
    pub(crate) fn shut_down() {
        POOL.set_phase(Phase::Draining);
        POOL.cancel_entries(Kinds::Periodic, |_id, _job| ());
        while let Some(seat) = POOL.next_sleeper() {
            perform(Duty::Wake(seat));
        }
    }
}

/// The firmware.
mod app {
    #![forbid(unsafe_code)]

    use core::cell::Cell;
    use core::num::NonZeroU64;

    use critical_section::Mutex;
    use fastthreadpool_core::{AcquireError, Cancelled, JobId, Refused, Running};

    use crate::chip::{self, Event};
    use crate::port::{self, MAIN_LOOP, POOL, Signal};

    /// A job is an enum: a word or two in the ring, no pointers, and a `match` instead of a call through one.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Job {
        /// Turns the LED over, again and again.
        Blink,
        /// A long computation, in slices.
        Crunch,
        /// A byte has come in.
        Byte(u8),
        /// A supply voltage is out of bounds: before everything else.
        Fault,
        /// What nobody wants to hear.
        Alarm,
        /// A DMA transfer is over.
        Transferred,
        /// The last word.
        Goodbye,
    }

    impl Job {
        pub(crate) fn run(self, running: &Running) {
            chip::trace(Event::Ran(self));
            if self == Self::Crunch {
                // A long job asks now and then whether it is still wanted.
                while !POOL.is_cancelled(running) {
                    chip::work_one_tick();
                }
                chip::trace(Event::Stopped(self));
            }
        }
    }

    /// Released for each conversion of the analog-digital converter.
    static CONVERTED: Signal = Signal::new(0);
    /// Released when the sensor answers. It never does.
    static ANSWERED: Signal = Signal::new(0);

    /// The ids of jobs that a handler may cancel.
    static BLINK: Mutex<Cell<Option<JobId>>> = Mutex::new(Cell::new(None));
    static ALARM: Mutex<Cell<Option<JobId>>> = Mutex::new(Cell::new(None));
    static CRUNCH: Mutex<Cell<Option<JobId>>> = Mutex::new(Cell::new(None));

    const BLINK_PERIOD: NonZeroU64 = NonZeroU64::new(10).unwrap();

    /// `#[entry] fn main`.
    pub(crate) fn main() -> Result<(), Refused<Job>> {
        // Blocks the main loop in `wait_for_interrupt` until both conversions are there.
        chip::trace(Event::Acquired(CONVERTED.acquire(2, &MAIN_LOOP)));
        // At most 4 ticks for the sensor.
        let deadline = chip::now().saturating_add(4);
        chip::trace(Event::Acquired(ANSWERED.acquire_until(1, &MAIN_LOOP, deadline, chip::now)));

        let remember = |place: &Mutex<Cell<_>>, id| critical_section::with(|cs| place.borrow(cs).set(Some(id)));
        remember(&BLINK, port::schedule(BLINK_PERIOD, Job::Blink)?);
        remember(&CRUNCH, port::submit_later(16, Job::Crunch)?);
        remember(&ALARM, port::submit_later(40, Job::Alarm)?);
        port::submit_later(55, Job::Goodbye)?;
        port::main_loop();
        Ok(())
    }

    fn cancel(place: &Mutex<Cell<Option<JobId>>>) {
        if let Some(id) = critical_section::with(|cs| place.borrow(cs).take()) {
            chip::trace(match POOL.cancel(id) {
                // The job itself comes back: had it owned a buffer, here it would be freed.
                Cancelled::Removed(job) => Event::Removed(job),
                Cancelled::Stopping => Event::Stopping,
                Cancelled::TooLate => Event::TooLate,
            });
        }
    }

    // ----- interrupt handlers: they never wait

    pub(crate) fn on_converted() {
        // Refused only if there were more permits than a word can count.
        let _ = CONVERTED.release(1);
    }

    pub(crate) fn on_byte(byte: u8) {
        // A handler cannot wait for room. It gets the job back, and decides: here the byte is lost, and counted.
        match port::submit(Job::Byte(byte)) {
            Ok(_id) => {}
            Err(Refused::Full(job)) => chip::trace(Event::Full(job)),
            Err(Refused::Closed(job)) => chip::trace(Event::Closed(job)),
        }
    }

    pub(crate) fn on_transferred() {
        if let Err(refused) = port::submit(Job::Transferred) {
            chip::trace(Event::Full(refused.into_inner()));
        }
    }

    pub(crate) fn on_fault() {
        if let Err(refused) = port::submit_first(Job::Fault) {
            chip::trace(Event::Full(refused.into_inner()));
        }
    }

    pub(crate) fn on_watchdog() {
        cancel(&CRUNCH);
    }

    pub(crate) fn on_button() {
        cancel(&ALARM);
        cancel(&BLINK);
    }

    pub(crate) fn on_power_down() {
        port::shut_down();
    }

    /// For the check at the end.
    pub(crate) type Acquired = Result<(), AcquireError>;
}

/// Plays the hardware, on one thread: interrupts come when time passes, and at the end of critical sections.
mod chip {
    extern crate std;

    use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
    use std::sync::{Mutex, PoisonError};
    use std::vec::Vec;

    use fastthreadpool_core::Tick;

    use crate::app::{self, Acquired, Job};
    use crate::desk;

    static TICKS: AtomicU64 = AtomicU64::new(0);
    /// How many critical sections are open. On a Cortex-M: `PRIMASK`.
    static MASKED: AtomicU32 = AtomicU32::new(0);
    static IN_HANDLER: AtomicBool = AtomicBool::new(false);
    /// The critical sections of this tick.
    static SECTIONS: AtomicU64 = AtomicU64::new(0);

    /// Reads the tick counter. On a 32-bit chip it is widened in a critical section, or by `portable-atomic`.
    pub(crate) fn now() -> Tick {
        Tick(TICKS.load(Relaxed))
    }

    /// `wfi`: sleeps until an interrupt has been served. Here the next one is always the tick.
    pub(crate) fn wait_for_interrupt() {
        assert_eq!(MASKED.load(Relaxed), 0, "the firmware sleeps with interrupts masked");
        let now = TICKS.fetch_add(1, Relaxed) + 1;
        assert!(now < 1000, "the main loop does not end");
        SECTIONS.store(0, Relaxed);
        interrupt(|| desk::interrupts_at(now));
    }

    /// A millisecond of computation. Interrupts come all the same.
    pub(crate) fn work_one_tick() {
        wait_for_interrupt();
    }

    fn interrupt(handler: impl FnOnce()) {
        assert!(!IN_HANDLER.swap(true, Relaxed), "all interrupts have the same priority here");
        handler();
        IN_HANDLER.store(false, Relaxed);
    }

    /// `cortex-m` brings this with its feature `critical-section-single-core`, other chips have it in their HAL.
    struct Mask;
    critical_section::set_impl!(Mask);

    // SAFETY: there is one thread, and interrupts come while no critical section is open; so inside one is alone.
    unsafe impl critical_section::Impl for Mask {
        unsafe fn acquire() {
            MASKED.fetch_add(1, Relaxed);
        }

        /// The nastiest moment for an interrupt is the end of a critical section: it came in the midst of it, and is served
        /// before the next instruction.
        unsafe fn release((): critical_section::RawRestoreState) {
            let is_open = MASKED.fetch_sub(1, Relaxed) > 1;
            if !is_open && !IN_HANDLER.load(Relaxed) && desk::is_noisy(now(), SECTIONS.fetch_add(1, Relaxed)) {
                trace(Event::Pending);
                interrupt(app::on_transferred);
            }
        }
    }

    /// What comes out of the trace port.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Event {
        Ran(Job),
        Stopped(Job),
        Acquired(Acquired),
        Full(Job),
        Closed(Job),
        Removed(Job),
        Stopping,
        TooLate,
        Pending,
    }

    static TRACE: Mutex<Vec<(u64, Event)>> = Mutex::new(Vec::new());

    pub(crate) fn trace(event: Event) {
        TRACE.lock().unwrap_or_else(PoisonError::into_inner).push((now().0, event));
    }

    pub(crate) fn read_trace() -> Vec<(u64, Event)> {
        core::mem::take(&mut TRACE.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Presses the buttons, and compares what happened with what should have.
mod desk {
    extern crate std;

    use std::boxed::Box;
    use std::error::Error;
    pub(crate) use std::process::ExitCode;
    use std::vec::Vec;
    use std::{format, println};

    use examples::{check, check_that, exit_code};
    use fastthreadpool_core::{AcquireError, Counts, Refused, Tick};

    use crate::app::{self, Job};
    use crate::chip::{self, Event};
    use crate::port::{self, POOL};

    /// Whether a DMA transfer ends at the end of this critical section, the `section`th of the tick: at most four times a
    /// tick, each tick elsewhere, and not around the burst, which is to find the ring empty.
    pub(crate) fn is_noisy(Tick(now): Tick, section: u64) -> bool {
        !(25..=31).contains(&now) && now < 60 && section < 12 && section % 3 == now % 3
    }

    /// The interrupts of a tick.
    pub(crate) fn interrupts_at(tick: u64) {
        match tick {
            2 | 5 => app::on_converted(),
            // Before there is a main loop.
            3 => app::on_byte(b'!'),
            // While a long job runs: a burst of 12 bytes, where the queue has room for 8.
            28 => {
                b"a dozen byte".iter().copied().for_each(app::on_byte);
                app::on_fault();
            }
            31 => app::on_watchdog(),
            45 => app::on_button(),
            60 => app::on_power_down(),
            62 => app::on_byte(b'?'),
            _ => {}
        }
    }

    /// What the firmware did: tick, event, what this shows.
    const EXPECTED: [(u64, Event, &str); 27] = [
        (5, Event::Acquired(Ok(())), "the main loop slept on a semaphore until the second conversion"),
        (9, Event::Acquired(Err(AcquireError::TimedOut)), "the sensor had 4 ticks to answer"),
        (9, Event::Ran(Job::Byte(b'!')), "`!`, submitted in tick 3 by a handler, before there was a main loop"),
        (19, Event::Ran(Job::Blink), "every 10 ticks"),
        (25, Event::Ran(Job::Crunch), "delayed by 16 ticks; takes as long as it is let"),
        (
            28,
            Event::Full(Job::Byte(b'b')),
            "`b`: a burst of 12 fills the ring of 8, and the handler gets the others back",
        ),
        (28, Event::Full(Job::Byte(b'y')), "`y`"),
        (28, Event::Full(Job::Byte(b't')), "`t`"),
        (28, Event::Full(Job::Byte(b'e')), "`e`"),
        (31, Event::Stopping, "the watchdog cancelled the job that runs"),
        (31, Event::Stopped(Job::Crunch), "which noticed"),
        (31, Event::Ran(Job::Fault), "submitted as the first, after the bytes"),
        (31, Event::Ran(Job::Blink), "due in tick 29, while Crunch ran: before the queue, too"),
        (31, Event::Ran(Job::Byte(b'a')), "`a`: the queue, in order"),
        (31, Event::Ran(Job::Byte(b' ')), "` `"),
        (31, Event::Ran(Job::Byte(b'd')), "`d`"),
        (31, Event::Ran(Job::Byte(b'o')), "`o`"),
        (31, Event::Ran(Job::Byte(b'z')), "`z`"),
        (31, Event::Ran(Job::Byte(b'e')), "`e`"),
        (31, Event::Ran(Job::Byte(b'n')), "`n`"),
        (31, Event::Ran(Job::Byte(b' ')), "` `"),
        (39, Event::Ran(Job::Blink), "on its grid again"),
        (45, Event::Removed(Job::Alarm), "the button cancelled the alarm of tick 49"),
        (45, Event::Removed(Job::Blink), "and the blinking"),
        (62, Event::Closed(Job::Byte(b'?')), "after the power-down of tick 60 nothing more is accepted"),
        (64, Event::Ran(Job::Goodbye), "but what was delayed is still run"),
        (64, Event::Closed(Job::Byte(b'.')), "after the main loop has returned"),
    ];

    pub(crate) fn run() -> ExitCode {
        exit_code("own_host", firmware())
    }

    fn firmware() -> Result<(), Box<dyn Error>> {
        let sizes = (size_of_val(&POOL), size_of::<Job>());
        println!("A pool of {} bytes for 8 queued and 6 timed jobs of {} bytes each, in a static\n", sizes.0, sizes.1);
        app::main().map_err(|refused| format!("the firmware cannot begin: {refused:?}"))?;
        app::on_byte(b'.');

        let trace = chip::read_trace();
        let is_noise = |event: &Event| matches!(event, Event::Pending | Event::Ran(Job::Transferred));
        let quiet: Vec<_> = trace.iter().copied().filter(|(_, event)| !is_noise(event)).collect();
        println!("tick  what happened");
        for (n, (tick, event, shows)) in EXPECTED.into_iter().enumerate() {
            check(&format!("event {n}"), Some((tick, event)), quiet.get(n).copied())?;
            println!("{tick:>4}  {:<30} {shows}", format!("{event:?}"));
        }
        check("number of events", EXPECTED.len(), quiet.len())?;

        let count = |wanted| trace.iter().filter(|(_, event)| *event == wanted).count();
        let (pending, ran) = (count(Event::Pending), count(Event::Ran(Job::Transferred)));
        check("jobs of interrupts at the end of critical sections", pending, ran)?;
        check_that("interrupts at the end of critical sections", pending > 0, || "there were none")?;
        println!(
            "\nMeanwhile {pending} interrupts came right at the end of a critical section of the pool; the job of each ran"
        );
        check("what is left", Counts::default(), POOL.counts())?;
        check("a later job", Err(Refused::Closed(Job::Fault)), port::submit_first(Job::Fault))
    }
}

fn main() -> desk::ExitCode {
    desk::run()
}
