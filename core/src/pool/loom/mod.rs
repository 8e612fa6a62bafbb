//! Models of the pool: `RUSTFLAGS="--cfg loom" cargo test --release -p fastthreadpool-core --lib loom`.
//!
//! Two kinds. *Scenes* have workers that park, are woken, and end: little fits into one. *Steps* have a few calls on a few
//! threads; when all have returned, one thread does the duties that they were given, and then every job must have run.
//! When it has, the world stands still, and the account must say the same as a sweep of all that is there.
//!
//! | file | what is in it |
//! |---|---|
//! | `stage` | what steps share |
//! | `steps` | submits, claims, thieves |
//! | `waits` | who sleeps against timers and urgent jobs; jobs that wait inside jobs; what is not published yet |
//! | `moves` | timers that are given another time |
//! | `gates` | jobs at gates, pauses |
//! | `ends` | pools that close, workers that vanish or do not come, jobs that are removed or cannot be packed |
//! | `lanes` | jobs from outside in the lanes of workers |
//! | `forks` | forks against workers that fall asleep, and the end |
//! | `errands` | errands against workers that fall asleep, or work |
//! | `staffing` | changes of how many workers are wanted, and those that were idle for long |
//! | `visits` | workers that come and go as they please |
//! | `scenes` | scenes |

mod ends;
mod errands;
mod forks;
mod gates;
mod lanes;
mod moves;
mod scenes;
mod staffing;
mod stage;
mod steps;
mod visits;
mod waits;

use super::Pool;
use crate::host::{Host, Tick};
use crate::hosts::loom::{LoomMutex, model};
use crate::storage::Growing;

/// A clock that stands still; wake-ups cost something only where short jobs are to be claimed by the dozen.
#[derive(Clone, Copy)]
struct Still {
    wake_cost: u64,
}

impl Host for Still {
    type Mutex = LoomMutex;

    fn now(&self) -> Tick {
        Tick(1)
    }

    fn wake_cost(&self) -> u64 {
        self.wake_cost
    }
}

type Grown = Pool<usize, Still, Growing<usize, LoomMutex>>;

const LONG: Still = Still { wake_cost: 0 };
/// All jobs are short: they take no time.
const SHORT: Still = Still { wake_cost: 1000 };
