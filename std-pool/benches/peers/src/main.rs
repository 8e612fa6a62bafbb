//! The same work in this pool and in others: one process, rounds interleaved, medians.

mod bench;
mod memory;
mod peers;
mod plot;
mod round;
mod table;
mod usage;
mod works;

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;

use clap::Parser;

use bench::{Bench, Settings};

#[derive(Parser)]
#[command(about = "The same work in this pool and in others, in one run.")]
struct Arguments {
    /// Only works whose section or name contains one of these.
    works: Vec<String>,
    /// Only peers whose name contains one of these; may be given again.
    #[arg(long)]
    peer: Vec<String>,
    /// Rounds of each work in each peer; one more warms up.
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// A tenth of the work in three rounds: the whole in about a minute.
    #[arg(long)]
    quick: bool,
    /// Writes every round of everything to this file.
    #[arg(long)]
    csv: Option<PathBuf>,
    /// Measures nothing: draws what the file of --csv holds into this folder.
    #[arg(long, requires = "csv")]
    plots: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let (Some(plots), Some(csv)) = (&arguments.plots, &arguments.csv) {
        let all = table::read(BufReader::new(File::open(csv)?))?;
        return plot::draw(&all, plots);
    }
    round::begin();
    let settings = Settings { quick: arguments.quick, rounds: if arguments.quick { 3 } else { arguments.rounds } };
    let wanted = |bench: &Bench| {
        let is_in = |part: &String| bench.section.contains(part.as_str()) || bench.name.contains(part.as_str());
        arguments.works.is_empty() || arguments.works.iter().any(is_in)
    };
    let mut csv = arguments.csv.map(File::create).transpose()?.map(BufWriter::new);
    if let Some(csv) = &mut csv {
        writeln!(csv, "{}", table::HEADER)?;
    }
    for section in works::all(&settings) {
        let mut measured = Vec::new();
        for bench in section.into_iter().filter(wanted) {
            let rows = bench.measure(&settings, &arguments.peer);
            if let Some(csv) = &mut csv {
                table::write(csv, &rows)?;
            }
            measured.extend(rows);
        }
        if !measured.is_empty() {
            println!("{}", table::markdown(&measured));
        }
    }
    if let Some(mut csv) = csv {
        csv.flush()?;
    }
    Ok(())
}
