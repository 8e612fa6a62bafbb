//! How many transfers a job may cost. They are the same in every run of the same code.

use std::process::ExitCode;

use crate::works::{Measured, Row, To, Work};

/// More than this much above is too many; as far below, the table is to be brought up to date.
const SLACK: f64 = 0.05;

/// Producers, jobs that each submits at once, to which lanes, nanoseconds of a job, workers, transfers a job.
const SUBMITS: [(usize, usize, To, u64, usize, f64); 12] = [
    (1, 1, To::Main, 0, 1, 2.05),
    (1, 1, To::Main, 0, 4, 2.27),
    (1, 1, To::Main, 0, 15, 2.29),
    (8, 1, To::Main, 0, 1, 3.64),
    (8, 1, To::Main, 0, 15, 3.73),
    (8, 32, To::Main, 0, 8, 2.56),
    (8, 1, To::All, 0, 8, 2.15),
    (8, 1, To::All, 0, 1, 3.54),
    (32, 1, To::All, 0, 15, 2.31),
    (1, 1, To::Main, 200, 4, 2.19),
    (1, 1, To::Main, 200, 15, 2.59),
    (1, 1, To::Main, 200, 63, 2.91),
];

/// Runs all, and says so.
pub fn check(run: &dyn Fn(&Row) -> Measured) -> ExitCode {
    println!("{:<50} transfers a job  expected", "work");
    let mut code = ExitCode::SUCCESS;
    for (producers, batch, to, nanoseconds, workers, expected) in SUBMITS {
        let work = Work::Submit { producers, nanoseconds, batch, to };
        let row = Row { name: "submit", work, workers, jobs: 60_000 };
        let transfers = run(&row).transfers;
        let name = format!("{producers} producers by {batch} to {to:?}, {workers} workers, {nanoseconds} ns");
        let verdict = match transfers / expected {
            ratio if ratio > 1.0 + SLACK => {
                code = ExitCode::FAILURE;
                "MORE"
            }
            ratio if ratio < 1.0 - SLACK => "less: bring the table up to date",
            _ => "ok",
        };
        println!("{name:<50} {transfers:>15.2} {expected:>9.2}  {verdict}");
    }
    code
}
