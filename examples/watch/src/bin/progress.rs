//! How far a loop, a map and a group are, as bars; where nobody looks, as in a pipe, none is drawn.

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use fastthreadpool::{Group, Pool};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

fn main() -> Result<(), Box<dyn Error>> {
    let pool: Pool<u64> = Pool::new()?;
    let numbers: Vec<u64> = (0..2_000).collect();

    let bar = new_bar("loop", numbers.len() as u64)?;
    let sum: u64 =
        pool.par(&numbers).on_progress(|done, _| bar.set_position(done as u64)).map(|n| collatz(*n)).into_iter().sum();
    finish(&bar, sum)?;

    let bar = new_bar("map", numbers.len() as u64)?;
    let steps = pool.map(&numbers, |n| collatz(*n)).on_progress(|done, _| bar.set_position(done as u64)).collect();
    let sum = steps.into_iter().sum::<Result<u64, _>>()?;
    finish(&bar, sum)?;

    let group = pool.group::<u64>().build()?;
    for n in numbers {
        group.submit(move || collatz(n))?;
    }
    let bar = new_bar("group", group.counts().accepted)?;
    follow(&group, &bar);
    finish(&bar, group.done().drain().map(|done| done.value).sum())
}

/// A group tells nobody: who wants to know looks.
fn follow(group: &Group<u64>, bar: &ProgressBar) {
    while !group.wait_timeout(Duration::from_millis(20)) {
        let counts = group.counts();
        bar.set_position(counts.done + counts.failed);
    }
    bar.set_position(group.counts().done);
}

/// The steps of the Collatz sequences from some numbers on to 1.
fn collatz(n: u64) -> u64 {
    let from = |mut n: u64| {
        let mut steps = 0;
        while n > 1 {
            n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
            steps += 1;
        }
        steps
    };
    (1..100).map(|k| from(black_box(100 * n + k))).sum()
}

/// Bars and rates are drawn on a terminal only.
fn new_bar(what: &'static str, len: u64) -> Result<ProgressBar, Box<dyn Error>> {
    let bar = ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr()).with_message(what);
    bar.set_style(ProgressStyle::with_template("{msg:>6} [{bar:40}] {pos}/{len} {per_sec} {eta}")?);
    Ok(bar)
}

fn finish(bar: &ProgressBar, sum: u64) -> Result<(), Box<dyn Error>> {
    let is_all = Some(bar.position()) == bar.length();
    bar.finish();
    let (what, done) = (bar.message(), bar.position());
    println!("{what:>6}: {done} items, {sum} steps");
    if is_all { Ok(()) } else { Err(format!("{what}: it was not told that all are done").into()) }
}
