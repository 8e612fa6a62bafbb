//! The pool on two RISC-V harts without an operating system; checks itself, and exits with 0 or 1.
//!
//! | file | what it is | on a real chip |
//! |---|---|---|
//! | `port` | the pool on this kind of machine | copy it |
//! | `job` | the jobs, and what is checked | yours |
//! | `machine` | registers of QEMU's `virt`, entry, serial port, exit | your vendor's |
//!
//! Hart 0 sets the clock, calls hart 1, and then both work until a job shuts the pool down.
#![no_std]
#![no_main]

mod job;
mod machine;
mod port;

use core::sync::atomic::{AtomicBool, Ordering};

use crate::job::Job;
use crate::machine::print;
use crate::port::POOL;

static OTHER_HART_IS_DONE: AtomicBool = AtomicBool::new(false);

/// Where each hart arrives, with interrupts off, on a stack of its own.
extern "C" fn main(hart: usize) -> ! {
    if hart != 0 {
        port::work();
        OTHER_HART_IS_DONE.store(true, Ordering::Release);
        loop {
            machine::wait_for_interrupt();
        }
    }

    check_clock();
    // Before there is a worker: it waits for one.
    assert!(port::submit(Job::Step(0)).is_ok(), "FAILED: an empty pool takes a job");
    port::start_hart(1);
    port::work();

    let deadline = port::now().saturating_add(port::ms(10_000).get());
    while !OTHER_HART_IS_DONE.load(Ordering::Acquire) {
        assert!(port::now() < deadline, "FAILED: the other hart stops working, too");
    }
    job::check_end();
    let sleeps = machine::sleeps();
    assert!(!sleeps.contains(&0), "FAILED: both harts have slept meanwhile: {sleeps:?}");
    print(format_args!("ok    hart 0 has slept {} times, hart 1 {} times", sleeps[0], sleeps[1]));
    print(format_args!("all checks passed; the pool takes {} bytes", size_of_val(&POOL)));
    machine::exit(true)
}

/// Reads the clock while its lower half overflows, many times; then leaves it shortly before that happens again, so that
/// code which keeps only 32 bits fails at once, and not after seven minutes.
fn check_clock() {
    const CARRY: u64 = 1 << 32;
    let mut carries = 0;
    for _ in 0..100 {
        machine::set_mtime(CARRY - 1000);
        let mut last = port::now().0;
        let is_before = last < CARRY;
        while last < CARRY + 100 {
            let now = port::now().0;
            assert!(now >= last && now < 2 * CARRY, "FAILED: the clock goes from {last:#x} to {now:#x}");
            last = now;
        }
        carries += u32::from(is_before);
    }
    assert!(carries > 0, "FAILED: the clock was never seen before the carry");
    print(format_args!("ok    the clock never went back, across {carries} carries"));
    machine::set_mtime(CARRY - port::ms(5).get());
}
