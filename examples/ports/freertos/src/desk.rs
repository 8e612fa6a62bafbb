//! The desk that the firmware lies on: what QEMU's semihosting prints, and the exit status. No part of a product.

use core::ffi::{CStr, c_char};
use core::fmt::{Debug, Display};
use core::panic::PanicInfo;

use cortex_m_semihosting::{debug, hprintln};

/// Prints a line.
pub(crate) fn ok(shows: impl Display) {
    hprintln!("ok  {shows}");
}

/// Goes on if the two are the same, and ends the run otherwise.
pub(crate) fn check<T: PartialEq + Debug>(what: &str, wanted: &T, got: &T) {
    assert!(wanted == got, "FAILED: {what}\n  wanted {wanted:?}\n  got    {got:?}");
}

/// Goes on if it is so, and ends the run otherwise.
pub(crate) fn check_that(what: &str, holds: bool) {
    assert!(holds, "FAILED: {what}");
}

/// Ends the run with success.
pub(crate) fn succeed() -> ! {
    hprintln!("all checks passed");
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    hprintln!("{info}");
    loop {
        debug::exit(debug::EXIT_FAILURE);
    }
}

/// The kernel's `configASSERT` has failed.
#[unsafe(no_mangle)]
extern "C" fn rust_assert(file: *const c_char, line: u32) {
    // SAFETY: the compiler's `__FILE__`.
    let file = unsafe { CStr::from_ptr(file) };
    panic!("FAILED: the kernel's assertion at {file:?}:{line}");
}

/// The kernel has found a task whose stack was too small.
#[unsafe(no_mangle)]
extern "C" fn vApplicationStackOverflowHook(_task: *mut core::ffi::c_void, name: *const c_char) {
    // SAFETY: the task's name.
    let name = unsafe { CStr::from_ptr(name) };
    panic!("FAILED: the stack of the task {name:?} is too small");
}
