//! What it costs to watch: an empty job, submitted and run, in pools that are watched in different ways. Medians of rounds that are taken in turn.

use std::error::Error;
use std::time::Instant;

use fastthreadpool::{Observer, Pool};

const JOBS: u32 = 200_000;
const ROUNDS: usize = 21;

/// Is told, and does nothing.
struct Nothing;

impl Observer for Nothing {}

fn main() -> Result<(), Box<dyn Error>> {
    for threads in [1, 2] {
        let builder = || Pool::<()>::builder().threads(threads);
        let pools = [
            ("nobody watches", builder().build()?),
            ("metrics", builder().metrics(true).build()?),
            ("an observer", builder().observer(Nothing).build()?),
            ("a context", builder().propagate(|| (), |(), job| job()).build()?),
        ];
        let mut times = [const { Vec::new() }; 4];
        for _ in 0..ROUNDS {
            for ((_, pool), times) in pools.iter().zip(&mut times) {
                times.push(nanos_a_job(pool)?);
            }
        }
        println!("{threads} workers, ns a job");
        for ((what, _), mut times) in pools.into_iter().zip(times) {
            times.sort_unstable_by(f64::total_cmp);
            println!("  {what:<15} {:4.0}", times[ROUNDS / 2]);
        }
    }
    Ok(())
}

fn nanos_a_job(pool: &Pool) -> Result<f64, Box<dyn Error>> {
    let begun = Instant::now();
    for _ in 0..JOBS {
        pool.submit(|| ())?;
    }
    pool.wait_idle();
    Ok(begun.elapsed().as_secs_f64() * 1e9 / f64::from(JOBS))
}
