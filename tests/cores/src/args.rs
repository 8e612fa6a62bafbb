//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// The core as it ships on simulated cores.
#[derive(Parser)]
pub struct Args {
    /// Numbers of cores, from 2 to 64: each runs one producer or one worker.
    #[arg(long, value_delimiter = ',', default_values_t = [2, 4, 8, 16, 32, 64], value_parser = clap::value_parser!(u64).range(2..=64))]
    pub cores: Vec<u64>,
    /// Instead of numbers of cores: what one producer and what eight submit to so many workers, from 1 to 56.
    #[arg(long, value_delimiter = ',', conflicts_with = "cores", value_parser = clap::value_parser!(u64).range(1..=56))]
    pub workers: Vec<u64>,
    /// Jobs of each work, after as many to warm up.
    #[arg(long, default_value_t = 60_000)]
    pub jobs: usize,
    /// Runs of each work, which differ in chance alone; the one of the median time is shown.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// Only works whose name contains this; may be given several times.
    #[arg(long = "work", value_name = "TEXT")]
    pub works: Vec<String>,
    /// What lines cost by themselves, beside what was measured; and nothing else.
    #[arg(long)]
    pub lines: bool,
    /// Compares the transfers of some works with what they may be; status 1 if there are more.
    #[arg(long)]
    pub check: bool,
    /// Writes all figures to this file.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Draws the curves into this file.
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

impl Args {
    pub fn wants(&self, work: &str) -> bool {
        self.works.is_empty() || self.works.iter().any(|text| work.contains(text.as_str()))
    }
}
