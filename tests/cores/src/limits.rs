//! How many transfers a job may cost, and how long a join of what takes long may. They are the same in every run of the same code.

use std::process::ExitCode;

use crate::joins::Tree;
use crate::works::{Measured, Row, To, Work};

/// More than this much above is too many; as far below, the table is to be brought up to date.
const SLACK: f64 = 0.05;
/// The same of times, which chance changes more.
const SLACK_OF_TIMES: f64 = 0.1;

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

/// Workers, microseconds until the sixteen leaves of [`Tree::LONG`] are done; a millisecond is the least there can be.
const JOINS: [(usize, f64); 1] = [(16, 1_110.0)];

/// Whether it is more than it may be, and the word for that.
fn verdict(measured: f64, expected: f64, slack: f64) -> (bool, &'static str) {
    match measured / expected {
        ratio if ratio > 1.0 + slack => (true, "MORE"),
        ratio if ratio < 1.0 - slack => (false, "less: bring the table up to date"),
        _ => (false, "ok"),
    }
}

/// Runs all, and says so.
pub fn check(run: &dyn Fn(&Row) -> Measured) -> ExitCode {
    println!("{:<50} transfers a job  expected", "work");
    let mut fails = false;
    for (producers, batch, to, nanoseconds, workers, expected) in SUBMITS {
        let work = Work::Submit { producers, nanoseconds, batch, to };
        let row = Row { name: "submit", work, workers, jobs: 60_000 };
        let transfers = run(&row).transfers;
        let name = format!("{producers} producers by {batch} to {to:?}, {workers} workers, {nanoseconds} ns");
        let (is_more, verdict) = verdict(transfers, expected, SLACK);
        fails |= is_more;
        println!("{name:<50} {transfers:>15.2} {expected:>9.2}  {verdict}");
    }
    println!("{:<50} {:>15}", "", "us");
    for (workers, expected) in JOINS {
        let row = Row { name: "join", work: Work::Join(Tree::LONG), workers, jobs: 16 };
        let took = run(&row).time * row.count() as f64 / 1000.0;
        let name = format!("16 leaves of 1 ms, joined, {workers} workers");
        let (is_more, verdict) = verdict(took, expected, SLACK_OF_TIMES);
        fails |= is_more;
        println!("{name:<50} {took:>15.0} {expected:>9.0}  {verdict}");
    }
    if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
