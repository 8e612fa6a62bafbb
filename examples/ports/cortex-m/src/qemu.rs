//! The desk that the firmware lies on: what QEMU's semihosting prints, and the exit status. No part of a product.
#![forbid(unsafe_code)]

use core::cell::Cell;
use core::fmt::Debug;
use core::panic::PanicInfo;

use cortex_m_semihosting::{debug, hprintln};
use critical_section::Mutex;

static DOING: Mutex<Cell<(&str, &str, u32)>> = Mutex::new(Cell::new(("", "", 0)));

/// Says what is to be named when something fails.
pub(crate) fn doing(what: &'static str, meanwhile: &'static str, when: u32) {
    critical_section::with(|cs| DOING.borrow(cs).set((what, meanwhile, when)));
}

/// Prints a line when a check holds, and panics otherwise.
pub(crate) fn check<T: PartialEq + Debug>(shows: &str, wanted: &T, got: &T) {
    assert!(wanted == got, "FAILED: {shows}\n  wanted {wanted:?}\n  got    {got:?}");
    hprintln!("ok    {shows}");
}

/// Ends the run with success.
pub(crate) fn succeed() -> ! {
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    let (what, meanwhile, when) = critical_section::with(|cs| DOING.borrow(cs).get());
    if !what.is_empty() {
        hprintln!("in `{what}`, while the handler {meanwhile}, after {when} counts:");
    }
    hprintln!("{info}");
    loop {
        debug::exit(debug::EXIT_FAILURE);
    }
}
