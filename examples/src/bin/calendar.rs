//! Jobs by the calendar: a cron expression in a time zone says when a job is next, and the job follows the clock of the system.
//!
//! The pool knows no calendar. A periodic job that has `Duration::MAX` for its interval leaves all its times to
//! [`Context::next_at`], and whatever library knows a calendar can say them: this file is the whole recipe.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use croner::Cron;
use croner::errors::CronError;
use examples::{check, check_that, exit_code};
use fastthreadpool::{Context, JobId, Pool};
use jiff::Zoned;
use jiff::tz::TimeZone;

type Checked<T = ()> = Result<T, Box<dyn Error>>;

// ----- the recipe

/// The times of a cron expression in a time zone.
struct Calendar {
    cron: Cron,
    zone: TimeZone,
}

impl Calendar {
    fn new(expression: &str, zone: &str) -> Result<Self, Unscheduled> {
        let cron = expression.parse().map_err(Unscheduled::Cron)?;
        let zone = TimeZone::get(zone).map_err(Unscheduled::Zone)?;
        Ok(Self { cron, zone })
    }

    /// The first of them after this one.
    fn after(&self, time: &Zoned) -> Result<Zoned, Unscheduled> {
        let here = time.with_time_zone(self.zone.clone());
        self.cron.find_next_occurrence(&here, false).map_err(Unscheduled::Cron)
    }
}

/// Why a job has no time, or no pool.
#[derive(Debug)]
enum Unscheduled {
    /// The expression is none, or there is no such time.
    Cron(CronError),
    /// Nobody knows the zone.
    Zone(jiff::Error),
    /// The pool does not take the job.
    Refused(Box<dyn Error>),
}

impl fmt::Display for Unscheduled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(error) => write!(f, "the cron expression: {error}"),
            Self::Zone(error) => write!(f, "the time zone: {error}"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl Error for Unscheduled {}

/// Submits a job that runs at the times of a calendar, and is told which of them it is. Those that it has missed are left out; when
/// there are no more it ends.
fn submit_by<T, F>(pool: &Pool<T>, calendar: Calendar, mut job: F) -> Result<JobId, Unscheduled>
where
    T: Send + 'static,
    F: FnMut(&Context<'_, T>, &Zoned) -> T + Send + 'static,
{
    let mut due = calendar.after(&Zoned::now())?;
    let first = SystemTime::from(due.timestamp());
    let run = move |context: &Context<'_, T>| {
        // Not only after now: should the clock have been set back, no time comes twice.
        let next = calendar.after(&due.clone().max(Zoned::now()));
        // Before the job, so that what it says itself holds.
        match &next {
            Ok(next) => context.next_at(SystemTime::from(next.timestamp())),
            Err(_) => context.stop(),
        }
        let value = job(context, &due);
        due = next.unwrap_or_else(|_| due.clone());
        value
    };
    // The interval is for runs that say nothing.
    let periodic = pool.periodic_with(run).every(Duration::MAX).starting(first);
    periodic.submit().map_err(|error| Unscheduled::Refused(error.into()))
}

// ----- what it does

const ZONE: &str = "Europe/Berlin";

fn main() -> ExitCode {
    exit_code("calendar", calendar())
}

fn calendar() -> Checked {
    let pool = Pool::builder().threads(1).build()?;
    each_second(&pool)?;
    each_morning()?;
    never(&pool)?;
    pool.shutdown();
    Ok(())
}

/// When a run was to begin, and when it began.
type Run = (Zoned, Zoned);

fn each_second(pool: &Pool<Run>) -> Checked {
    println!("Each second: 3 runs of \"* * * * * *\", at whole seconds of the system's clock");
    submit_by(pool, Calendar::new("* * * * * *", ZONE)?, |job, due| {
        if job.run() == 3 {
            job.stop();
        }
        (due.clone(), Zoned::now().with_time_zone(due.time_zone().clone()))
    })?;
    let mut former = None;
    for (due, began) in pool.done().iter().take(3).map(|done| done.value) {
        println!("  due {due}, began {}", began.strftime("%H:%M:%S%.6f"));
        check("a part of a second", 0, due.subsec_nanosecond())?;
        check_that("the order", former < Some(due.clone()), || format!("{due} after {former:?}"))?;
        former = Some(due);
    }
    pool.wait_idle();
    check("jobs that are left", 0, pool.scheduled().len())
}

fn each_morning() -> Checked {
    println!("Each morning: \"0 9 * * *\" in {ZONE}, where the clocks are put forward on 2026-03-29");
    let calendar = Calendar::new("0 9 * * *", ZONE)?;
    let mut time: Zoned = "2026-03-28T00:00[Europe/Berlin]".parse()?;
    let mut hours = Vec::new();
    for _ in 0..3 {
        let next = calendar.after(&time)?;
        hours.push(next.timestamp().as_second() / 3600 - time.timestamp().as_second() / 3600);
        println!("  {next}: {} hours later", hours[hours.len() - 1]);
        time = next;
    }
    check("hours from one to the next", vec![9, 23, 24], hours)
}

fn never(pool: &Pool<Run>) -> Checked {
    println!("Never: \"0 0 30 2 *\", the thirtieth of February");
    let submitted = submit_by(pool, Calendar::new("0 0 30 2 *", ZONE)?, |_, due| (due.clone(), Zoned::now()));
    match submitted {
        Err(Unscheduled::Cron(CronError::TimeSearchLimitExceeded)) => println!("  is refused before it is submitted"),
        other => check_that("a job without a time", false, || format!("{other:?}"))?,
    }
    match Calendar::new("0 0 * *", ZONE) {
        Err(error @ Unscheduled::Cron(_)) => println!("  and so is \"0 0 * *\": {error}"),
        other => check_that("no expression", false, || format!("{:?}", other.map(|calendar| calendar.cron)))?,
    }
    Ok(())
}
