//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// The same work in this pool and in others: one process, rounds in turn, medians, and their ratios to ours.
#[derive(Parser)]
pub struct Args {
    /// Rounds of each work in each peer, after one to warm up; works that take long do fewer [default: 9, quick: 3].
    #[arg(long)]
    pub rounds: Option<usize>,
    /// Worker threads, where the work does not say.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// The works that scale, and no others, on so many cores: `1,2,4,8,16`, as many as the machine has.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub cores: Vec<u16>,
    /// All works, but fewer rounds and less in each: under a minute.
    #[arg(long)]
    pub quick: bool,
    /// Only works whose plot or name contains this; may be given several times.
    #[arg(long = "work", value_name = "TEXT")]
    pub works: Vec<String>,
    /// Only this pool, the floor, and peers whose name contains this; may be given several times.
    #[arg(long = "peer", value_name = "TEXT")]
    pub peers: Vec<String>,
    /// Lists the works and the peers.
    #[arg(long)]
    pub list: bool,
    /// Writes every round of every cell to this file.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Draws the plots of what was measured into this directory.
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// Measures nothing: prints the table of such a file, and draws its plots if asked to.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["csv", "quick", "rounds"])]
    pub from: Option<PathBuf>,
}

impl Args {
    pub fn wants_work(&self, chart: &str, name: &str) -> bool {
        self.works.is_empty() || self.works.iter().any(|text| chart.contains(text) || name.contains(text))
    }

    pub fn wants_peer(&self, name: &str) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|text| name.contains(text))
    }
}
