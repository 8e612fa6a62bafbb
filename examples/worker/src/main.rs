//! A worker process of a queue in Redis, whose engine is the pool. To be copied: `queue.rs`, `holding.rs` and `worker.rs`; `work.rs` is what
//! another program has in its own way, `plain.rs` what is measured against.

mod holding;
mod plain;
mod queue;
mod work;
mod worker;

use std::io::{Write, stderr};
use std::num::ParseIntError;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use clap::Parser;
use nix::sys::signal::{SigSet, Signal};

use crate::queue::{NOBODY, Queue, Rules};
use crate::work::{BoxError, Work};
use crate::worker::{Options, Worker};

/// Does the jobs of a stream, beside other workers of its group. Ends on SIGTERM: with 0 if all that it had begun has ended, and the
/// rest is put back; with 1 if not, or if it could not begin.
#[derive(Parser)]
struct Arguments {
    /// The server.
    #[arg(long, default_value = "redis://127.0.0.1/")]
    server: String,
    /// The stream of jobs.
    #[arg(long, default_value = "jobs")]
    stream: String,
    /// The group of its workers.
    #[arg(long, default_value = "workers")]
    group: String,
    /// The stream of jobs that nobody could do [default: that of the jobs, with `:dead`].
    #[arg(long)]
    dead: Option<String>,
    /// The worker's name, of one process at a time [default: one that is nobody else's].
    #[arg(long)]
    name: Option<String>,
    /// So many jobs run at the same time [default: one for each processor].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// So many jobs that were read wait, run, or are not settled [default: eight for each thread].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    places: Option<u16>,
    /// So often a job is tried.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    tries: u16,
    /// Milliseconds until a job that has failed is tried again, then twice as many, and so on.
    #[arg(long, default_value = "1000", value_parser = millis)]
    back_off: Duration,
    /// Milliseconds without a sign from its worker after which a job is anybody's.
    #[arg(long, default_value = "30000", value_parser = millis)]
    abandoned: Duration,
    /// Milliseconds in which it stops. A read under way takes half a second of them.
    #[arg(long, default_value = "10000", value_parser = millis)]
    drain: Duration,
    /// Where the sample's jobs write what they have done.
    #[arg(long)]
    record: Option<PathBuf>,
    /// One thread, one job after the other, and nothing else: for comparison.
    #[arg(long)]
    plain: bool,
}

/// The signals that tell the process to end, which from now on wait until somebody waits for them. To be called before there are
/// other threads, which inherit that. So do processes that a job starts: what ends them is another signal, or they unblock these.
fn block_termination() -> Result<SigSet, BoxError> {
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    signals.thread_block()?;
    Ok(signals)
}

/// Calls whenever one comes.
fn on_termination(signals: SigSet, mut call: impl FnMut() + Send + 'static) -> Result<(), BoxError> {
    let wait = move || {
        while signals.wait().is_ok() {
            call();
        }
    };
    thread::Builder::new().name("signals".into()).spawn(wait)?;
    Ok(())
}

fn millis(text: &str) -> Result<Duration, ParseIntError> {
    // So that what is reckoned with it, here and in the server, is in range.
    text.parse::<u32>().map(|millis| Duration::from_millis(millis.into()))
}

fn run(arguments: Arguments) -> Result<(), BoxError> {
    let Arguments { server, stream, group, dead, name, back_off, abandoned, .. } = arguments;
    let signals = block_termination()?;
    let dead = dead.unwrap_or_else(|| format!("{stream}:dead"));
    let name = match name {
        Some(name) if name == NOBODY => return Err(format!("no worker is called {NOBODY}").into()),
        Some(name) => name,
        None => format!("{}-{:x}", std::process::id(), SystemTime::UNIX_EPOCH.elapsed()?.as_nanos()),
    };
    if abandoned < Duration::from_millis(100) {
        return Err("a sign each 25 milliseconds is too much".into());
    }
    if dead == stream {
        return Err("dead letters in the stream of jobs would be jobs again".into());
    }
    let rules = Rules { stream, group, dead, abandoned, back_off };
    let threads = match arguments.threads {
        Some(threads) => threads.into(),
        None => thread::available_parallelism()?.get(),
    };
    let places = arguments.places.map_or(8 * threads, usize::from);
    let options = Options { threads, places, tries: arguments.tries.into(), drain: arguments.drain };
    let work = Work::new(arguments.record.as_deref())?;
    let queue = || Queue::new(&server, rules.clone(), &name);
    if arguments.plain {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        on_termination(signals, move || told.store(true, Ordering::Relaxed))?;
        return plain::run(queue()?, places, &work, &stop);
    }
    let worker =
        Worker::new(queue()?, options, Arc::new(move |entry, is_cancelled| work.perform(entry, is_cancelled)))?;
    let stopper = worker.stopper();
    on_termination(signals, move || stopper.stop())?;
    worker.run(queue()?)
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(stderr(), "worker: {error}");
            ExitCode::FAILURE
        }
    }
}
