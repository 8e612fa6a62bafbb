//! The core as it ships on simulated cores: nanoseconds in virtual time, and transfers of lines, for each job. README.md says what
//! is simulated, and how far it is like a machine.

// The simulation.
mod machine;
mod world;

// What is simulated.
mod host;
mod joins;
mod lines;
mod turns;
mod works;

// What is made of it.
mod args;
mod limits;
mod plot;
mod table;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::machine::XEON;
use crate::table::Row;
use crate::works::Measured;

/// The one whose time is the median of some seeds.
fn median(row: &works::Row, seeds: u64) -> Measured {
    let mut all: Vec<Measured> = (1..=seeds).map(|seed| works::run(XEON, seed, row)).collect();
    all.sort_by(|a, b| a.time.total_cmp(&b.time));
    all.swap_remove(all.len() / 2)
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args = Args::parse();
    if args.lines {
        print!("{}", lines::table(XEON));
        return Ok(ExitCode::SUCCESS);
    }
    if args.check {
        return Ok(limits::check(&|row| median(row, args.seeds)));
    }
    let mut rows = Vec::new();
    let works = match &args.workers[..] {
        [] => works::rows(&args.cores, args.jobs),
        workers => works::submits(workers, args.jobs),
    };
    for row in works.into_iter().filter(|row| args.wants(row.name)) {
        let row = Row { measured: median(&row, args.seeds), work: row };
        print!("{}", table::line(&row, rows.is_empty()));
        rows.push(row);
    }
    if let Some(file) = &args.csv {
        table::write(&rows, file)?;
    }
    if let Some(file) = &args.plot {
        plot::draw(&rows, file)?;
    }
    Ok(ExitCode::SUCCESS)
}
