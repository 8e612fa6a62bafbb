//! `top` for a pool: compresses the files under a directory, and shows meanwhile what the pool does. In a terminal as a table that is drawn
//! anew, which `q` ends early; in a pipe as a line now and then.

use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use fastthreadpool::{Counts, Group, Metrics, Pool, WorkerMetrics};
use ratatui::crossterm::event::{self, Event, KeyCode};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::Stylize;
use ratatui::text::Line;
use ratatui::widgets::{Block, Gauge, Paragraph, Row, Table};
use ratatui::{DefaultTerminal, Frame};
use walkdir::WalkDir;

/// Compresses every file under a directory, and shows what the pool does.
#[derive(Parser)]
struct Arguments {
    /// The directory.
    dir: PathBuf,
    /// How hard zstd tries, from 1 to 22.
    #[arg(long, default_value_t = 19, value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
    /// How many threads; the default is one for each processor.
    #[arg(long)]
    threads: Option<usize>,
    /// How long between two looks, in milliseconds.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
}

/// Larger files wait for each other, so that there is always a thread for the small ones.
const LARGE: u64 = 64 * 1024;

/// What is looked at.
struct Work {
    pool: Pool<u64>,
    groups: [(&'static str, Group<u64>); 2],
    files: usize,
}

impl Work {
    fn begin(arguments: &Arguments) -> Result<Self, Box<dyn Error>> {
        let mut builder = Pool::builder().metrics(true).name_prefix("compress");
        if let Some(threads) = arguments.threads {
            builder = builder.threads(threads);
        }
        let pool = builder.build()?;
        let small = pool.group().name("small").build()?;
        let large = pool.group().name("large").limit(1).build()?;
        let mut files = 0;
        for entry in WalkDir::new(&arguments.dir) {
            let entry = entry?;
            if entry.file_type().is_file() {
                let group = if entry.metadata()?.len() < LARGE { &small } else { &large };
                let (path, level) = (entry.into_path(), arguments.level);
                group.submit(move || compress(&path, level))?;
                files += 1;
            }
        }
        Ok(Self { pool, groups: [("small", small), ("large", large)], files })
    }

    fn is_over(&self) -> bool {
        self.pool.pending() == 0
    }

    /// How many files are compressed, or could not be.
    fn ended(&self) -> u64 {
        self.groups.iter().map(|(_, group)| group.counts()).map(|counts| counts.done + counts.failed).sum()
    }
}

/// The job: how many bytes are left of a file.
fn compress(path: &Path, level: i32) -> Result<u64, std::io::Error> {
    Ok(zstd::bulk::compress(&fs::read(path)?, level)?.len() as u64)
}

fn main() -> Result<(), Box<dyn Error>> {
    // Nobody reads any more: there is nobody to be told that.
    let is_unread = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
    run().or_else(|error| if error.downcast_ref().is_some_and(is_unread) { Ok(()) } else { Err(error) })
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let work = Work::begin(&arguments)?;
    let every = Duration::from_millis(arguments.every);
    let shown = if stdout().is_terminal() {
        let mut terminal = ratatui::init();
        let shown = show(&mut terminal, &work, every);
        ratatui::restore();
        shown
    } else {
        print(&work, every)
    };
    work.pool.cancel_queued();
    work.pool.shutdown();
    shown?;
    Ok(sum_up(&work)?)
}

fn sum_up(work: &Work) -> io::Result<()> {
    let mut out = stdout();
    writeln!(out, "{}", work.pool.metrics())?;
    let bytes: u64 = work.groups.iter().flat_map(|(_, group)| group.done().drain()).map(|done| done.value).sum();
    writeln!(out, "{bytes} bytes are left of {} files", work.ended())?;
    let mut failed = work.groups.iter().flat_map(|(_, group)| group.failed().drain());
    failed.try_for_each(|failed| writeln!(out, "{}", failed.error))
}

// ----- in a pipe

fn print(work: &Work, every: Duration) -> io::Result<()> {
    loop {
        let is_over = work.pool.wait_idle_timeout(every);
        let metrics = work.pool.metrics();
        let Counts { queued, gated, running, .. } = metrics.counts;
        let times = metrics.running.quantile(0.5).zip(metrics.running.quantile(0.99));
        let (half, most) = times.unwrap_or_default();
        writeln!(
            stdout(),
            "{:6.1?} {}/{} files, {running} run, {queued} queued, {gated} at the gate; a run: p50 {half:.1?}, p99 {most:.1?}; awake {:.0} %",
            metrics.age,
            work.ended(),
            work.files,
            100.0 * metrics.awake()
        )?;
        if is_over {
            return Ok(());
        }
    }
}

// ----- in a terminal

fn show(terminal: &mut DefaultTerminal, work: &Work, every: Duration) -> io::Result<()> {
    let mut last: Vec<WorkerMetrics> = Vec::new();
    let mut next = Instant::now();
    while !work.is_over() {
        let metrics = work.pool.metrics();
        terminal.draw(|frame| draw(frame, work, &metrics, &last))?;
        last = metrics.workers;
        next += every;
        while event::poll(next.saturating_duration_since(Instant::now()))? {
            if matches!(event::read()?, Event::Key(key) if key.code == KeyCode::Char('q')) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn draw(frame: &mut Frame<'_>, work: &Work, metrics: &Metrics, last: &[WorkerMetrics]) {
    let workers = u16::try_from(metrics.workers.len()).unwrap_or(u16::MAX);
    let heights = [3, 7, 5, workers.saturating_add(3)].map(Constraint::Length);
    let [progress, pool, groups, table] = Layout::vertical(heights).areas(frame.area());
    let (ended, all) = (work.ended(), work.files as u64);
    let share = if all == 0 { 1.0 } else { ratio(ended, all) };
    let bar = Gauge::default().ratio(share).label(format!("{ended} of {all} files")).cyan();
    frame.render_widget(bar.block(Block::bordered().title("compress")), progress);
    let lines: Vec<_> = metrics.to_string().lines().map(|line| Line::from(line.to_owned())).collect();
    frame.render_widget(Paragraph::new(lines), pool);
    let of_group = |(name, group): &(&'static str, Group<u64>)| {
        let Counts { gated, queued, running, done, failed, .. } = group.counts();
        Row::new([
            (*name).into(),
            gated.to_string(),
            queued.to_string(),
            running.to_string(),
            done.to_string(),
            failed.to_string(),
        ])
    };
    let header = Row::new(["group", "gated", "queued", "running", "done", "failed"]).bold();
    frame
        .render_widget(Table::new(work.groups.iter().map(of_group), [Constraint::Length(9); 6]).header(header), groups);
    let of_worker = |worker: &WorkerMetrics| {
        let before = last.iter().find(|before| before.worker == worker.worker);
        let awake = before.map_or(worker.awake(), |before| awake_since(before, worker));
        Row::new([worker.worker.to_string(), format!("{:.0} %", 100.0 * awake), worker.wake_ups.to_string()])
    };
    let header = Row::new(["worker", "awake", "wake-ups"]).bold();
    frame.render_widget(
        Table::new(metrics.workers.iter().map(of_worker), [Constraint::Length(9); 3]).header(header),
        table,
    );
}

/// Which share of the time between two looks a worker was awake.
fn awake_since(before: &WorkerMetrics, now: &WorkerMetrics) -> f64 {
    let present = now.present.saturating_sub(before.present).as_secs_f64();
    let asleep = now.asleep.saturating_sub(before.asleep).as_secs_f64();
    if present > 0.0 { (1.0 - asleep / present).clamp(0.0, 1.0) } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "files")]
fn ratio(part: u64, all: u64) -> f64 {
    part as f64 / all as f64
}
