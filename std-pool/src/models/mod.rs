//! The shell that ships, under a model checker: shuttle runs each scenario under many schedules, and says when nobody can go
//! on. Only built with `RUSTFLAGS="--cfg shuttle"`:
//!
//! ```text
//! RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/shuttle cargo test --release -p fastthreadpool --lib models
//! ```
//!
//! The schedules are those of PCT: the threads have priorities, which change at few places. Of known faults it has found all;
//! random schedules, as many, less than half of them. `SHUTTLE_RANDOM_SEED` makes others, `SHUTTLE_SCHEDULES` more.
//!
//! Each scenario counts for itself what becomes of its jobs, and compares the account of the pool with that.
//!
//! | file | what meets what |
//! |---|---|
//! | `broadcasts` | broadcasts, and threads that come, go, and broadcast |
//! | `doors` | those who wait for room in a queue, and who makes some, shuts the door, gives up |
//! | `ending` | a shutdown, and submits, another shutdown, a reset; callbacks |
//! | `futures` | those who wake a future, and its polls, cancels, the end of the pool; what follows a job |
//! | `gates` | what opens a gate, and a cancel, a pause |
//! | `gauges` | who notes when a job of a group came, and who begins it |
//! | `handles` | weak handles, and the last of the others |
//! | `joins` | joins of guests and of jobs, and what they wait for |
//! | `kinds` | jobs of keys, those that repeat, iterators, and what ends them |
//! | `limits` | who minds the limits of jobs, and what becomes of these meanwhile |
//! | `maps` | those who share a map, or a loop |
//! | `pages` | those who take room for large jobs, and those who bring it back |
//! | `panics` | wakers and destructors that panic, and those who come after them |
//! | `punctual` | who keeps due jobs punctual, and workers that sleep and get up |
//! | `removals` | what a group is told of what it has removed, and workers |
//! | `results` | the first who asks for results, and those who leave some, or close the queues |
//! | `scopes` | a scope, and cancels; its owner, and those who help with its tasks |
//! | `semaphores` | who gives up, and a release |
//! | `several` | those of several jobs who win, drop out, or are removed |
//! | `starts` | threads that do not start, and those that leave |
//! | `stops` | those who wait to be told to stop, and who tells them |
//! | `turned` | who turns a clock by hand, and those who sleep, come, begin, wait, end meanwhile |
//! | `visits` | those who work for a pool while they wait, or for a while, and those who submit, wait, close |
//! | `waiting` | waits for groups and for idleness, in jobs and outside |
//! | `wall` | who sets the clock, and jobs that come, are moved, run again, or are the last |
//! | `all` | a random program of everything |

mod all;
mod broadcasts;
mod doors;
mod ending;
mod futures;
mod gates;
mod gauges;
mod handles;
mod joins;
mod kinds;
mod limits;
mod maps;
mod pages;
mod panics;
mod punctual;
mod removals;
mod results;
mod scopes;
mod semaphores;
mod several;
mod starts;
mod stops;
mod turned;
mod visits;
mod waiting;
mod wall;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::scheduler::PctScheduler;
use shuttle::sync::{Condvar, Mutex};
use shuttle::{Config, MaxSteps, Runner};

use crate::group::Group;
use crate::sys;
use crate::{Builder, GroupBuilder, Pool};

/// Schedules of each model.
const SCHEDULES: usize = 20_000;

/// Places at which priorities change, and one: what takes more places to go wrong is seldom found.
const DEPTH: usize = 3;

/// Steps after which nobody is thought to get anywhere any more.
const STEPS: usize = 100_000;

/// Runs a scenario under many schedules.
fn model(scenario: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = 0x2_0000;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.silence_warnings = true;
    let schedules = std::env::var("SHUTTLE_SCHEDULES").map_or(SCHEDULES, |number| number.parse().unwrap());
    Runner::new(PctScheduler::new_from_seed(27, DEPTH, schedules), config).run(move || {
        sys::begin();
        scenario();
        let faults = sys::faults();
        assert!(faults.is_empty(), "{faults:?}");
    });
}

fn pool(threads: usize) -> Builder<()> {
    Pool::builder().threads(threads)
}

fn group(pool: &Pool, set_up: impl FnOnce(GroupBuilder<'_, ()>) -> GroupBuilder<'_, ()>) -> Group {
    set_up(pool.group()).build().unwrap()
}

/// Something that happens once, and is waited for.
#[derive(Clone, Default)]
struct Flag(Arc<(Mutex<bool>, Condvar)>);

impl Flag {
    fn raise(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let mut is_raised = self.0.0.lock().unwrap();
        while !*is_raised {
            is_raised = self.0.1.wait(is_raised).unwrap();
        }
    }
}

/// What became of jobs, counted by themselves: no place where the checker chooses.
#[derive(Clone, Default)]
struct Tally(Arc<Counters>);

#[derive(Default)]
struct Counters {
    made: AtomicUsize,
    ran: AtomicUsize,
    dropped: AtomicUsize,
}

impl Tally {
    /// A job that counts here that it ran, or that it was dropped without.
    fn job(&self) -> impl FnOnce() + Send + use<> {
        self.with(|| ())
    }

    /// The same, which does something, too.
    fn with<R, F: FnOnce() -> R + Send>(&self, f: F) -> impl FnOnce() -> R + Send + use<R, F> {
        self.0.made.fetch_add(1, Ordering::Relaxed);
        let mut chance = Chance { tally: self.clone(), is_missed: true };
        move || {
            chance.is_missed = false;
            let result = f();
            chance.tally.0.ran.fetch_add(1, Ordering::Relaxed);
            result
        }
    }

    /// How many ran to their end.
    fn ran(&self) -> usize {
        self.0.ran.load(Ordering::Relaxed)
    }

    fn dropped(&self) -> usize {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// How many are somewhere.
    fn left(&self) -> usize {
        self.0.made.load(Ordering::Relaxed) - self.ran() - self.dropped()
    }
}

/// To run.
struct Chance {
    tally: Tally,
    is_missed: bool,
}

impl Drop for Chance {
    fn drop(&mut self) {
        if self.is_missed {
            self.tally.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// How the jobs of a pool that stands still have ended, by somebody else's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ends {
    done: usize,
    failed: usize,
    cancelled: usize,
}

impl Ends {
    /// They have run.
    fn ran(jobs: usize) -> Self {
        Self { done: jobs, ..Self::default() }
    }

    /// These are all that there were.
    fn of(tally: &Tally) -> Self {
        assert_eq!(tally.left(), 0);
        Self { done: tally.ran(), failed: 0, cancelled: tally.dropped() }
    }
}

/// Nothing is left in a pool, and its account balances.
fn check_balance<T: Send + 'static>(pool: &Pool<T>) {
    let core = &pool.engine().core;
    let account = core.account();
    assert_eq!(core.audit().err(), None);
    assert_eq!(account.accepted, account.sum(), "{account:?}");
    assert_eq!((account.pending(), account.waiting), (0, 0), "{account:?}");
}

/// The same, and it says what is true.
fn check<T: Send + 'static>(pool: &Pool<T>, ends: Ends) {
    check_balance(pool);
    let account = pool.engine().core.account();
    let (done, failed, cancelled) = (account.done, account.failed, account.cancelled);
    assert_eq!(Ends { done, failed, cancelled }, ends, "{account:?}");
}

/// The same for a group.
fn check_group<T: Send + 'static>(group: &Group<T>, ends: Ends) {
    let (totals, ()) = group.inner.core.cohorts.totals(|| ());
    assert_eq!(totals.live(), 0, "{totals:?}");
    let ended = [totals.done, totals.failed, totals.cancelled].map(|count| usize::try_from(count).unwrap());
    assert_eq!(ended, [ends.done, ends.failed, ends.cancelled], "{totals:?}");
}
