//! The same work in this pool and in others: one process, rounds in turn, medians. README.md says what each work is.

// What is compared: who, what each can do, and what there is to do.
mod algorithms;
mod capability;
mod peer;
mod peers;
mod work;
mod works;

// How it is measured.
mod heap;
mod rounds;
mod stats;
mod tally;
mod usage;
mod watchdog;

// What is made of it.
mod args;
mod curves;
mod machine;
mod plot;
mod rows;
mod table;

use std::error::Error;
use std::io::{self, Write as _};
use std::{fs, panic, process};

use clap::Parser;

use crate::args::Args;
use crate::peer::Peer;
use crate::rows::Measured;
use crate::watchdog::Watchdog;
use crate::work::{Effort, Work};

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    if args.list {
        return Ok(show(&list(&args))?);
    }
    let measured = match &args.from {
        Some(file) => Measured::read(file)?,
        None => measure(&args),
    };
    if let Some(file) = &args.csv {
        measured.write(file)?;
    }
    show(&table::table(&measured))?;
    if let Some(directory) = &args.plots {
        fs::create_dir_all(directory)?;
        plot::draw(&measured, directory)?;
    }
    Ok(())
}

/// The works that are asked for, each with the peers that are.
fn wanted(args: &Args) -> Vec<Work> {
    let effort = Effort { quick: args.quick, workers: args.workers };
    let cores: Vec<usize> = args.cores.iter().map(|cores| usize::from(*cores)).collect();
    let mut works = if cores.is_empty() { works::all(effort) } else { works::scale::works(effort, &cores) };
    works.retain(|work| args.wants_work(work.chart, &work.name));
    for work in &mut works {
        // Without these there would be no ratios.
        work.contenders.retain(|contender| {
            [Peer::Ours, Peer::Floor].contains(&contender.peer) || args.wants_peer(contender.peer.name())
        });
    }
    works
}

fn list(args: &Args) -> String {
    let line = |work: Work| {
        let peers: Vec<&str> = work.contenders.iter().map(|contender| contender.peer.name()).collect();
        format!("{:<14} {:<48} {}\n", work.chart, work.name, peers.join(", "))
    };
    wanted(args).into_iter().map(line).collect()
}

/// Whoever has read enough has closed the pipe.
fn show(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes()).or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })
}

/// A check that fails in a job must not end as the job's failure, nor one with workers held wait for their end.
fn exit_at_the_first_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        report(panic);
        process::exit(101);
    }));
}

fn measure(args: &Args) -> Measured {
    exit_at_the_first_panic();
    let machine = machine::line();
    let watchdog = Watchdog::start();
    let rounds = args.rounds.unwrap_or(if args.quick { 3 } else { 9 });
    let mut rows = Vec::new();
    for work in wanted(args) {
        let measured = rounds::measure(work, rounds, &watchdog);
        measured.iter().for_each(table::progress);
        rows.extend(measured);
    }
    Measured { machine, rows }
}
