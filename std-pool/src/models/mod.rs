//! The shell that ships, under a model checker: shuttle runs each scenario under many schedules, and says when nobody can go
//! on. Only built with `RUSTFLAGS="--cfg shuttle"`:
//!
//! ```text
//! RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/shuttle cargo test --release -p fastthreadpool --lib models
//! ```
//!
//! The schedules are those of PCT: the threads have priorities, which change at few places. Of known faults it has found all;
//! random schedules, as many, less than half of them. `SHUTTLE_RANDOM_SEED` makes others.
//!
//! Each scenario counts for itself what becomes of its jobs, and compares the account of the pool with that.

mod ending;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::scheduler::PctScheduler;
use shuttle::{Config, MaxSteps, Runner};

use crate::sys;
use crate::{Builder, Pool};

/// Schedules of each model.
const SCHEDULES: usize = 1_000;

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
    Runner::new(PctScheduler::new_from_seed(27, DEPTH, SCHEDULES), config).run(move || {
        scenario();
        let faults = sys::faults();
        assert!(faults.is_empty(), "{faults:?}");
    });
}

fn pool(threads: usize) -> Builder<()> {
    Pool::builder().threads(threads)
}

/// What became of jobs, counted by themselves: no place where the checker chooses.
#[derive(Clone, Default)]
struct Tally(Arc<[AtomicUsize; 3]>);

impl Tally {
    /// What a job owns that counts here: its run, or that it was dropped without one.
    fn job(&self) -> impl FnOnce() + Send + use<> {
        let mut dropped = Dropped(self.clone(), true);
        self.0[2].fetch_add(1, Ordering::Relaxed);
        move || {
            dropped.1 = false;
            dropped.0.0[0].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn ran(&self) -> usize {
        self.0[0].load(Ordering::Relaxed)
    }

    fn dropped(&self) -> usize {
        self.0[1].load(Ordering::Relaxed)
    }

    fn made(&self) -> usize {
        self.0[2].load(Ordering::Relaxed)
    }

    /// Jobs that are somewhere.
    fn left(&self) -> usize {
        self.made() - self.ran() - self.dropped()
    }
}

struct Dropped(Tally, bool);

impl Drop for Dropped {
    fn drop(&mut self) {
        if self.1 {
            self.0.0[1].fetch_add(1, Ordering::Relaxed);
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

/// Nothing is left in a pool, and its account says of that what is true.
fn check<T: Send + 'static>(pool: &Pool<T>, ends: Ends) {
    let core = &pool.engine().core;
    let account = core.account();
    assert_eq!(core.audit().err(), None);
    assert_eq!(account.accepted, account.sum(), "{account:?}");
    assert_eq!((account.pending(), account.waiting), (0, 0), "{account:?}");
    let (done, failed, cancelled) = (account.done, account.failed, account.cancelled);
    assert_eq!(Ends { done, failed, cancelled }, ends, "{account:?}");
}
