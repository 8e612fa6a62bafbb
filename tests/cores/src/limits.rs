//! How many transfers a job may cost. They are the same in every run of the same code.

use std::process::ExitCode;

use crate::works::{Measured, Row, Work};

/// More than this much above is too many; as far below, the table is to be brought up to date.
const SLACK: f64 = 0.05;

/// Producers, jobs that each submits at once, nanoseconds of a job, workers, transfers a job.
const SUBMITS: [(usize, usize, u64, usize, f64); 9] = [
    (1, 1, 0, 1, 2.05),
    (1, 1, 0, 4, 2.25),
    (1, 1, 0, 15, 2.29),
    (8, 1, 0, 1, 3.64),
    (8, 1, 0, 15, 3.82),
    (8, 32, 0, 8, 2.56),
    (1, 1, 200, 4, 2.19),
    (1, 1, 200, 15, 2.64),
    (1, 1, 200, 63, 2.91),
];

/// Runs all, and says so.
pub fn check(run: &dyn Fn(&Row) -> Measured) -> ExitCode {
    println!("{:<38} transfers a job  expected", "work");
    let mut code = ExitCode::SUCCESS;
    for (producers, batch, nanoseconds, workers, expected) in SUBMITS {
        let work = Work::Submit { producers, nanoseconds, batch };
        let row = Row { name: "submit", work, workers, jobs: 60_000 };
        let transfers = run(&row).transfers;
        let name = format!("{producers} producers by {batch}, {workers} workers, {nanoseconds} ns");
        let verdict = match transfers / expected {
            ratio if ratio > 1.0 + SLACK => {
                code = ExitCode::FAILURE;
                "MORE"
            }
            ratio if ratio < 1.0 - SLACK => "less: bring the table up to date",
            _ => "ok",
        };
        println!("{name:<38} {transfers:>15.2} {expected:>9.2}  {verdict}");
    }
    code
}
