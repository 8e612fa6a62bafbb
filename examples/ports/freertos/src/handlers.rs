//! The firmware's interrupt handlers: each does what the checks have told it to, in its own context.
//!
//! | handler | priority | when |
//! |---|---|---|
//! | `TIMER_0A` | 3 | again and again, during the storm |
//! | `GPIOA` | 5 | at once, when it is pended |
//! | the tick hook, in `SysTick` | 7 | at a tick |
//!
//! All three are masked by the kernel's critical sections: their priorities are 2 or above.

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

use cortex_m::peripheral::NVIC;
use critical_section::Mutex;
use fastthreadpool_core::Tick;
use lm3s6965::{Interrupt, interrupt};

use crate::port::{is_in_handler, now};

type Action = fn();

static AT_ONCE: Mutex<Cell<Option<Action>>> = Mutex::new(Cell::new(None));
static AT_TICK: Mutex<Cell<Option<(Tick, Action)>>> = Mutex::new(Cell::new(None));
static AT_TIMER: Mutex<Cell<Option<Action>>> = Mutex::new(Cell::new(None));
/// In so many ticks all must be over. Counted here, as the port's clock is one of the things that are checked.
const LIMIT: usize = 5000;
static TICKS: AtomicUsize = AtomicUsize::new(0);

/// Sets the priorities. An interrupt has priority 0 after reset, which the kernel does not mask.
pub(crate) fn set_up(nvic: &mut NVIC) {
    for (interrupt, priority) in [(Interrupt::GPIOA, 5 << 5), (Interrupt::TIMER_0A, 3 << 5)] {
        // SAFETY: nothing is masked by these priorities, and the handlers are there.
        unsafe {
            nvic.set_priority(interrupt, priority);
            NVIC::unmask(interrupt);
        }
    }
}

/// Does this in a handler, before the next instruction of the task that calls.
pub(crate) fn in_handler(action: Action) {
    critical_section::with(|cs| AT_ONCE.borrow(cs).set(Some(action)));
    NVIC::pend(Interrupt::GPIOA);
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}

/// Does this in the tick's handler of that tick.
pub(crate) fn at_tick(tick: Tick, action: Action) {
    critical_section::with(|cs| AT_TICK.borrow(cs).set(Some((tick, action))));
}

/// Does this in the timer's handler, after so many cycles, and until [`stop_timer`] again and again.
pub(crate) fn start_timer(cycles: u32, action: Action) {
    critical_section::with(|cs| AT_TIMER.borrow(cs).set(Some(action)));
    // SAFETY: timer 0 is nobody else's: its clock on, 32 bits, periodic, with interrupts.
    unsafe {
        RCGC1.write_volatile(RCGC1.read_volatile() | 1 << 16);
        CTL.write_volatile(0);
        CFG.write_volatile(0);
        TAMR.write_volatile(2);
        TAILR.write_volatile(cycles);
        IMR.write_volatile(1);
        CTL.write_volatile(1);
    }
}

pub(crate) fn set_timer(cycles: u32) {
    // SAFETY: timer 0 is nobody else's.
    unsafe { TAILR.write_volatile(cycles) };
}

pub(crate) fn stop_timer() {
    // SAFETY: timer 0 is nobody else's.
    unsafe { CTL.write_volatile(0) };
}

const RCGC1: *mut u32 = ptr::without_provenance_mut(0x400F_E104);
const CFG: *mut u32 = ptr::without_provenance_mut(0x4003_0000);
const TAMR: *mut u32 = ptr::without_provenance_mut(0x4003_0004);
const CTL: *mut u32 = ptr::without_provenance_mut(0x4003_000C);
const IMR: *mut u32 = ptr::without_provenance_mut(0x4003_0018);
const ICR: *mut u32 = ptr::without_provenance_mut(0x4003_0024);
const TAILR: *mut u32 = ptr::without_provenance_mut(0x4003_0028);

#[interrupt]
fn GPIOA() {
    assert!(is_in_handler(), "FAILED: a handler does not know that it is one");
    if let Some(action) = critical_section::with(|cs| AT_ONCE.borrow(cs).take()) {
        action();
    }
}

#[interrupt]
fn TIMER_0A() {
    // SAFETY: timer 0 is nobody else's.
    unsafe { ICR.write_volatile(1) };
    if let Some(action) = critical_section::with(|cs| AT_TIMER.borrow(cs).get()) {
        action();
    }
}

/// Called by the kernel in each tick, in the tick's handler.
#[unsafe(no_mangle)]
extern "C" fn vApplicationTickHook() {
    assert!(TICKS.fetch_add(1, Ordering::Relaxed) < LIMIT, "FAILED: the checks do not end");
    let now = now();
    let action = critical_section::with(|cs| {
        let place = AT_TICK.borrow(cs);
        let due = place.get().filter(|(tick, _)| *tick <= now);
        if due.is_some() {
            place.set(None);
        }
        due
    });
    if let Some((_, action)) = action {
        action();
    }
}
