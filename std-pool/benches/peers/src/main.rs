//! The same work in this pool and in others: one process, rounds interleaved, medians.

mod executors;
mod works;

use std::time::Duration;

use clap::Parser;

use executors::{Channel, Executor, Kanal, Naive, Ours};

#[derive(Parser)]
struct Arguments {
    /// Rounds of each work in each peer.
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// Worker threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Fewer and shorter rounds.
    #[arg(long)]
    quick: bool,
}

/// A work in one peer: given threads and jobs, the time of one job.
type Measure = fn(usize, usize) -> Duration;

fn nanos<W: works::Work, E: Executor>(threads: usize, jobs: usize) -> Duration {
    W::run::<E>(threads, jobs)
}

struct Row {
    name: &'static str,
    jobs: usize,
    peers: Vec<(&'static str, Measure)>,
}

fn row<W: works::Work>() -> Row {
    let peers: Vec<(&str, Measure)> = vec![
        (Ours::NAME, nanos::<W, Ours>),
        (Channel::NAME, nanos::<W, Channel>),
        (Kanal::NAME, nanos::<W, Kanal>),
        (Naive::NAME, nanos::<W, Naive>),
    ];
    Row { name: W::NAME, jobs: W::JOBS, peers }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let Arguments { rounds, threads, quick } = Arguments::parse();
    let (rounds, divide) = if quick { (rounds.min(3), 10) } else { (rounds, 1) };
    for row in [row::<works::Small>(), row::<works::Captures>()] {
        let jobs = row.jobs / divide;
        let mut times = vec![Vec::new(); row.peers.len()];
        for round in 0..=rounds {
            for (index, (_, measure)) in row.peers.iter().enumerate() {
                let time = measure(threads, jobs).as_nanos() as f64 / jobs as f64;
                // The first round warms up.
                if round > 0 {
                    times[index].push(time);
                }
            }
        }
        println!(
            "{} ({jobs} jobs, {threads} workers, {rounds} rounds), ns/job: median, least, most, ratio to ours",
            row.name
        );
        let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
        for (((name, _), times), median) in row.peers.iter().zip(&times).zip(&medians) {
            let (least, most) = (times[0], times[times.len() - 1]);
            println!("  {name:<20} {median:8.1} {least:8.1} {most:8.1} {:8.2}", median / medians[0]);
        }
    }
}
