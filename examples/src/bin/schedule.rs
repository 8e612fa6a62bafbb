//! Jobs that wait for their time: delayed, at a point in time, again and again; how late they are; and that those that
//! are cancelled do not run.
//!
//! Nothing here sleeps to put things in order: the program waits on the done queue alone. What only takes time spins.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::error::Error;
use std::hint::spin_loop;
use std::iter::from_fn;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use examples::{check, check_that, exit_code};
use fastthreadpool::{Cancellation, JobId, MissedTickBehavior, Pool};

type Checked<T = ()> = Result<T, Box<dyn Error>>;

/// When a job ran.
#[derive(Clone, Copy)]
struct Span {
    begin: Instant,
    end: Instant,
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A job that takes so long.
fn work(time: Duration) -> Span {
    let begin = Instant::now();
    while begin.elapsed() < time {
        spin_loop();
    }
    Span { begin, end: Instant::now() }
}

fn main() -> ExitCode {
    exit_code("schedule", schedule())
}

fn schedule() -> Checked {
    let start = Instant::now();
    let pool = Pool::builder().threads(2).build()?;
    let late_runs = Arc::new(AtomicUsize::new(0));
    delayed(&pool, &late_runs)?;
    at_instants(&pool)?;
    at_system_times(&pool)?;
    at_a_rate(&pool)?;
    with_a_delay(&pool)?;
    until_it_fails(&pool)?;
    too_slow(&pool)?;

    // The cancelled jobs of the first part were due long ago.
    check_that("time for the cancelled jobs", start.elapsed() > CANCELLED_DUE, || "the program was too quick")?;
    check("runs of cancelled jobs", 0, late_runs.load(Ordering::Relaxed))?;
    check("timers left", 0, pool.counts().timers)?;
    let counts = pool.counts();
    pool.shutdown();
    println!(
        "\n{} runs; 5 delayed jobs were cancelled, and none of them ran; {:?} in all",
        counts.done,
        start.elapsed()
    );
    check_that("time in all", start.elapsed() < ms(3000), || {
        format!("expected less than 3 s, found {:?}", start.elapsed())
    })
}

// ----- once

/// What is cancelled was due so long after the beginning.
const CANCELLED_DUE: Duration = ms(200);

fn delayed(pool: &Pool<Span>, late_runs: &Arc<AtomicUsize>) -> Checked {
    println!("Delayed: 20 jobs, submitted latest first; 5 that are due later are cancelled while these run");
    let mut expected = Vec::new();
    for delay in (1..=20).rev().map(|n| ms(5 * n)) {
        let due = Instant::now() + delay;
        let id = pool.submit_later(delay, || work(Duration::ZERO))?;
        expected.insert(0, (id, due));
    }
    let mut to_cancel = Vec::new();
    for _ in 0..5 {
        let late_runs = Arc::clone(late_runs);
        to_cancel.push(pool.submit_later(CANCELLED_DUE, move || {
            late_runs.fetch_add(1, Ordering::Relaxed);
            work(Duration::ZERO)
        })?);
    }
    check("jobs that wait for their time", 25, pool.delayed().len())?;

    let mut begun = begun(pool, 10)?;
    for id in &to_cancel {
        check("cancelling a delayed job", Cancellation::Removed, pool.cancel(*id))?;
    }
    check("cancelling one again", Cancellation::TooLate, pool.cancel(to_cancel[0]))?;
    begun.extend(self::begun(pool, 10)?);
    Lateness::of(&expected, &begun)?.print();
    Ok(())
}

fn at_instants(pool: &Pool<Span>) -> Checked {
    println!("At an Instant: 4 points in time, not submitted in order, the earliest of them past");
    let now = Instant::now();
    let mut expected = Vec::new();
    // What is in the past is due now.
    for due in [15, 45, 30, 0].map(|after| now + ms(after)) {
        expected.push((pool.submit_at(due, || work(Duration::ZERO))?, due));
    }
    expected.sort_by_key(|(_, due)| *due);
    Lateness::of(&expected, &begun(pool, 4)?)?.print();
    Ok(())
}

fn at_system_times(pool: &Pool<Span>) -> Checked {
    println!("At a SystemTime: should somebody set the clock meanwhile, the jobs follow it");
    // Read before the other clock, so that no job seems early.
    let instant = Instant::now();
    let now = SystemTime::now();
    let mut expected = Vec::new();
    for n in 1..=3 {
        let id = pool.submit_at(now + ms(15 * n), || work(Duration::ZERO))?;
        expected.push((id, instant + ms(15 * n)));
    }
    Lateness::of(&expected, &begun(pool, 3)?)?.print();
    Ok(())
}

// ----- again and again

const PERIOD: Duration = ms(15);

/// The point of the grid `grid` of number `n`, from 0.
fn point(grid: Instant, n: u32) -> Instant {
    grid + PERIOD * n
}

fn at_a_rate(pool: &Pool<Span>) -> Checked {
    println!("Fixed rate: every {PERIOD:?}, 12 runs of 0 to 6 ms; the lateness does not add up");
    let grid = Instant::now() + ms(5);
    let mut n = 0;
    let job = move || {
        n += 1;
        work(ms(n % 4 * 2))
    };
    let id = pool.periodic(job).every(PERIOD).starting(grid).submit()?;
    let mut lateness = Lateness::default();
    for n in 0..12 {
        lateness.note(point(grid, n), next(pool, id)?.begin)?;
    }
    end(pool, id)?;
    lateness.print();
    Ok(())
}

fn with_a_delay(pool: &Pool<Span>) -> Checked {
    println!("Fixed delay: {PERIOD:?} after the end of the run before, 8 runs of 5 ms");
    let first = Instant::now() + PERIOD;
    let id = pool.periodic(|| work(ms(5))).with_delay(PERIOD).submit()?;
    let mut lateness = Lateness::default();
    let mut due = first;
    for _ in 0..8 {
        let run = next(pool, id)?;
        lateness.note(due, run.begin)?;
        due = run.end + PERIOD;
    }
    end(pool, id)?;
    lateness.print();
    Ok(())
}

fn until_it_fails(pool: &Pool<Span>) -> Checked {
    println!("Until it fails: the fourth run returns an error, and is the last");
    let mut left = 3_u32;
    let job = move || -> Result<Span, &str> {
        left = left.checked_sub(1).ok_or("nothing is left to do")?;
        Ok(work(Duration::ZERO))
    };
    let id = pool.periodic(job).every(ms(3)).stop_on_failure().name("countdown").submit()?;
    for _ in 0..3 {
        next(pool, id)?;
    }
    let failed = pool.failed().pop().ok_or("the pool ended")?;
    check("the failed job", (id, "countdown"), (failed.id, failed.name))?;
    pool.wait_idle();
    check("cancelling what has ended", Cancellation::TooLate, pool.cancel(id))?;
    println!("  {} of job {id}: {}", failed.name, failed.error);
    Ok(())
}

/// The slow run, and how long it takes.
const SLOW: (u32, Duration) = (1, ms(53));
const RUNS: u32 = 9;

/// The same job with each [`MissedTickBehavior`]: on time but for one run that takes more than three periods.
fn too_slow(pool: &Pool<Span>) -> Checked {
    println!(
        "Too slow: every {PERIOD:?}, but run {} takes {:?}; when the {RUNS} runs began, in ms, and in a drawing",
        SLOW.0, SLOW.1
    );
    for missed in [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip] {
        let grid = Instant::now() + ms(5);
        let mut n = 0;
        let job = move || {
            n += 1;
            work(if n == SLOW.0 + 1 { SLOW.1 } else { ms(1) })
        };
        let id = pool.periodic(job).every(PERIOD).missed(missed).starting(grid).submit()?;
        let runs = (0..RUNS).map(|_| next(pool, id)).collect::<Checked<Vec<_>>>()?;
        end(pool, id)?;

        // When each run is due at the earliest, from the table in the core's `period.rs`.
        let mut due = grid;
        let mut lateness = Lateness::default();
        for (n, run) in (0..).zip(&runs) {
            // After the slow run a burst is late by what it has not caught up yet, and `Delay` has a grid that only the
            // pool knows: a period after it saw the end of that run.
            if missed == MissedTickBehavior::Skip || n <= SLOW.0 {
                lateness.note(due, run.begin)?;
            }
            check_that("a run is early", run.begin >= due, || {
                format!("run {n} with {missed:?}: {:?} early", due - run.begin)
            })?;
            due += PERIOD;
            match missed {
                MissedTickBehavior::Delay if due < run.end => due = run.end + PERIOD,
                MissedTickBehavior::Skip => {
                    while due <= run.end {
                        due += PERIOD;
                    }
                }
                _ => {}
            }
        }
        if missed == MissedTickBehavior::Burst {
            let after = |n: u32| runs[n as usize + 1].begin - runs[n as usize].end;
            check_that("the missed runs follow at once", after(SLOW.0) < PERIOD && after(SLOW.0 + 1) < PERIOD, || {
                format!("expected less than {PERIOD:?}, found {:?} and {:?}", after(SLOW.0), after(SLOW.0 + 1))
            })?;
        }
        draw(missed, grid, &runs);
        lateness.print();
    }
    Ok(())
}

/// A run is `#` for each 3 ms or part of them; `'` is a point of the grid.
fn draw(missed: MissedTickBehavior, grid: Instant, runs: &[Span]) {
    const CELL: u128 = 3;
    let cell = |at: Instant| usize::try_from((at - grid).as_millis() / CELL).unwrap_or(usize::MAX);
    let mut line = vec![b' '; 60];
    line.iter_mut().step_by(cell(point(grid, 1))).for_each(|cell| *cell = b'\'');
    print!("  {:<6}", format!("{missed:?}"));
    for run in runs {
        print!(" {:>3}", (run.begin - grid).as_millis());
        line.iter_mut().take(cell(run.end) + 1).skip(cell(run.begin)).for_each(|cell| *cell = b'#');
    }
    println!("   |{}|", String::from_utf8_lossy(&line));
}

// ----- waiting, ending, measuring

/// Waits for so many results; when their jobs began.
fn begun(pool: &Pool<Span>, number: usize) -> Checked<HashMap<JobId, Instant>> {
    // Not `completed`, which ends when nothing is pending, and what waits for its time is not.
    let results = from_fn(|| pool.done().pop_timeout(ms(2000))).take(number);
    let begun: HashMap<_, _> = results.map(|done| (done.id, done.value.begin)).collect();
    check("results", number, begun.len())?;
    Ok(begun)
}

/// Waits for the next result, which must be one of this job.
fn next(pool: &Pool<Span>, id: JobId) -> Checked<Span> {
    let done = pool.done().pop_timeout(ms(2000)).ok_or_else(|| format!("no result of job {id} within 2 s"))?;
    check("whose turn it is", id, done.id)?;
    Ok(done.value)
}

/// Cancels a periodic job, and makes sure that it has ended.
fn end(pool: &Pool<Span>, id: JobId) -> Checked {
    let cancelled = pool.cancel(id);
    check_that("cancelling a periodic job", cancelled != Cancellation::TooLate, || "it had ended")?;
    // It may have been in a run just now.
    pool.wait_idle();
    pool.done().drain().for_each(drop);
    check("periodic jobs left", 0, pool.scheduled().len())
}

/// By how much jobs began after they were due.
#[derive(Default)]
struct Lateness(Vec<Duration>);

impl Lateness {
    fn of(expected: &[(JobId, Instant)], begun: &HashMap<JobId, Instant>) -> Checked<Self> {
        let mut lateness = Self::default();
        for (id, due) in expected {
            lateness.note(*due, *begun.get(id).ok_or_else(|| format!("job {id} has no result"))?)?;
        }
        Ok(lateness)
    }

    fn note(&mut self, due: Instant, begin: Instant) -> Checked {
        let late = begin.checked_duration_since(due).ok_or_else(|| format!("a job began {:?} early", due - begin))?;
        self.0.push(late);
        Ok(())
    }

    fn print(mut self) {
        let each: Vec<String> = self.0.iter().map(|late| late.as_micros().to_string()).collect();
        println!("  late by us: {}", each.join(" "));
        self.0.sort_unstable();
        if let (Some(median), Some(most)) = (self.0.get(self.0.len() / 2), self.0.last()) {
            println!("  median {} us, at most {} us", median.as_micros(), most.as_micros());
        }
    }
}
