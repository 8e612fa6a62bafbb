//! What the programs share: a check that says what it expected, and the end of a program that was checked.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt::{Debug, Display};
use std::process::ExitCode;

/// Compares what was found with what was expected.
///
/// # Errors
///
/// A text with both, when they differ.
#[expect(clippy::needless_pass_by_value, reason = "most values are made in the call")]
pub fn check<T: PartialEq + Debug>(what: &str, expected: T, found: T) -> Result<(), Box<dyn Error>> {
    let same = expected == found;
    check_that(what, same, || format!("expected {expected:?}, found {found:?}"))
}

/// Checks what is no comparison.
///
/// # Errors
///
/// A text with `details`, when it does not hold.
pub fn check_that<D: Display>(what: &str, holds: bool, details: impl FnOnce() -> D) -> Result<(), Box<dyn Error>> {
    if holds { Ok(()) } else { Err(format!("{what}: {}", details()).into()) }
}

/// The exit code of a program; an error is printed.
#[must_use]
pub fn exit_code(program: &str, result: Result<(), Box<dyn Error>>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("{program}: WRONG: {error}");
    ExitCode::FAILURE
}
