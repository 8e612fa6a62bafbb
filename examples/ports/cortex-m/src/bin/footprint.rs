//! The firmware that `./sizes` weighs: without the pool, and with more and more of it. It is never run.
//!
//! Without a feature it has a clock and a main loop that does what the handler of the tick tells it through a flag: what
//! one would write without a pool. With features it does the same by jobs. Its panic handler prints nothing, as in
//! a product.
#![no_std]
#![no_main]

#[path = "../port.rs"]
#[allow(dead_code, reason = "a firmware need not use all of its port")]
mod port;

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m_rt::{entry, exception};

mod job {
    use fastthreadpool_core::Running;

    /// A number out of the environment, else what the target is reported for.
    const fn number(text: Option<&str>, default: usize) -> usize {
        let Some(text) = text else { return default };
        let (mut at, mut number) = (0, 0);
        while at < text.len() {
            number = 10 * number + (text.as_bytes()[at] - b'0') as usize;
            at += 1;
        }
        number
    }

    pub(crate) const JOBS: usize = number(option_env!("JOBS"), 16);
    pub(crate) const TIMERS: usize = number(option_env!("TIMERS"), 8);
    pub(crate) const WORKERS: usize = number(option_env!("WORKERS"), 2);

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[allow(dead_code, reason = "without the pool there are no jobs")]
    pub(crate) enum Job {
        Blink,
        Byte(u8),
        Read { channel: u8, count: u16 },
    }

    impl Job {
        #[inline(never)]
        pub(crate) fn run(self, _: &Running) {
            core::hint::black_box(self);
        }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::nop();
    }
}

/// What the handler and the main loop do.
#[cfg(not(feature = "pool"))]
mod app {
    use portable_atomic::{AtomicBool, Ordering};

    static TOLD: AtomicBool = AtomicBool::new(false);

    pub(crate) fn on_tick() {
        TOLD.store(true, Ordering::Release);
    }

    pub(crate) fn run() {
        while super::port::now().0 < u64::MAX {
            if TOLD.load(Ordering::Acquire) {
                TOLD.store(false, Ordering::Relaxed);
                super::black_box(3);
            }
            cortex_m::asm::wfe();
        }
    }
}

#[cfg(feature = "pool")]
mod app {
    use super::black_box;
    use super::job::Job;
    use super::port;

    #[cfg(feature = "semaphore")]
    static SIGNAL: port::Signal = port::Signal::new(0);

    pub(crate) fn on_tick() {
        let id = port::submit(black_box(Job::Byte(3)));
        #[cfg(feature = "urgent")]
        let _ = port::submit_first(black_box(Job::Blink));
        #[cfg(feature = "timers")]
        let _ = port::submit_later(black_box(7), Job::Read { channel: 1, count: 2 });
        #[cfg(feature = "timers")]
        let _ = port::schedule(core::num::NonZeroU64::MIN.saturating_add(black_box(8)), Job::Blink);
        #[cfg(feature = "cancel")]
        if let Ok(id) = black_box(&id) {
            _ = black_box(port::POOL.cancel(*id));
        }
        #[cfg(feature = "semaphore")]
        let _ = black_box(SIGNAL.release(1));
        #[cfg(feature = "shutdown")]
        if black_box(false) {
            port::shut_down();
        }
        _ = black_box(id.is_ok());
    }

    pub(crate) fn run() {
        #[cfg(feature = "semaphore")]
        let _ = black_box(SIGNAL.acquire_until(1, &port::MAIN_LOOP, port::now().saturating_add(9), port::now));
        port::main_loop();
    }
}

#[exception]
fn SysTick() {
    port::on_tick();
    app::on_tick();
}

#[entry]
fn main() -> ! {
    if let Some(mut board) = cortex_m::Peripherals::take() {
        port::start_clock(&mut board.SYST, 12_000);
    }
    app::run();
    loop {
        cortex_m::asm::nop();
    }
}
