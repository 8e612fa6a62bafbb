//! Where it ran, in a line; and what else ran there, as that says what the figures are worth.

use std::fs;
use std::thread;

pub fn line() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let model = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, model)| model.trim().to_owned()))
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let system = read("/proc/sys/kernel/osrelease");
    let version = system.trim().split('-').next().unwrap_or_default();
    let averages = read("/proc/loadavg");
    let load = averages.split(' ').next().unwrap_or_default();
    format!("{model}, {cores} cores, {} {version}, load {load} at the start", std::env::consts::OS)
}
