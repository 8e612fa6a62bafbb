//! A photo service for a quarter of a second, watched: what its pool did is written as a trace for a viewer, and as a picture.
//!
//! How to find the slow job: in the picture one bar of *thumbnails* is much longer than the others, and the thin lines before the bars on its worker, which are the
//! time that jobs had waited, grow while it lasts. In a viewer a click on it shows its name, its id and how long it had waited.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use fastthreadpool::{Pool, Priority};
use watch::record::{Record, Recorder};
use watch::{picture, trace};

const PANORAMA: &str = "thumbnail of a panorama";
const LONG: Duration = Duration::from_millis(90);

/// Records what a pool does, and shows it.
#[derive(Parser)]
struct Arguments {
    /// The folder for `timeline.json` and `timeline.svg`.
    #[arg(long, default_value = "target")]
    out: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { out } = Arguments::parse();
    let record = serve()?;
    let json = serde_json::to_string(&trace::events(&record))?;
    let svg = picture::svg(&record)?;
    fs::create_dir_all(&out)?;
    let (trace, picture) = (out.join("timeline.json"), out.join("timeline.svg"));
    fs::write(&trace, json)?;
    fs::write(&picture, svg)?;
    let removed = record.jobs.iter().filter(|job| job.removed.is_some()).count();
    println!("{} jobs, {} runs, {removed} removed, {:.0?}", record.jobs.len(), record.runs.len(), record.end);
    let slow = record.runs.iter().find(|run| run.name == PANORAMA).ok_or("the slow one has not run")?;
    println!("{} took {:.1?}, on worker {:?}", slow.name, slow.took(), slow.worker);
    if slow.took() < LONG || slow.group != "thumbnails" {
        return Err(format!("that was not recorded: {slow:?}").into());
    }
    println!("for chrome://tracing or ui.perfetto.dev: {}\nto look at: {}", trace.display(), picture.display());
    Ok(())
}

/// Some pictures are scaled, mails are sent, and a heart beats; one picture is a panorama.
fn serve() -> Result<Record, Box<dyn Error>> {
    let recorder = Arc::new(Recorder::default());
    let pool: Pool<u64> = Pool::builder().threads(3).observer(Arc::clone(&recorder)).build()?;
    let thumbnails = pool.group::<u64>().name("thumbnails").limit(2).build()?;
    let mails = pool.group::<u64>().name("mails").build()?;
    let beats = pool
        .periodic(|| work(Duration::from_micros(300)))
        .name("heartbeat")
        .every(Duration::from_millis(20))
        .submit()?;
    let begun = Instant::now();
    let mut n = 0;
    while begun.elapsed() < Duration::from_millis(240) {
        n += 1;
        if n == 10 {
            thumbnails.job(|| work(LONG)).name(PANORAMA).submit()?;
        } else if n % 2 == 0 {
            thumbnails.job(|| work(Duration::from_millis(6))).name("thumbnail").submit()?;
        }
        if n % 3 == 0 {
            mails.job(|| work(Duration::from_millis(3))).name("mail").priority(Priority::Low).submit()?;
        }
        thread::sleep(Duration::from_millis(8));
    }
    pool.cancel(beats);
    pool.shutdown();
    Ok(recorder.record())
}

/// Computes for so long.
fn work(time: Duration) -> u64 {
    let end = Instant::now() + time;
    let mut sum = 0_u64;
    while Instant::now() < end {
        sum = (0..1000).fold(sum, |sum, n| black_box(sum.wrapping_mul(31).wrapping_add(n)));
    }
    sum
}
