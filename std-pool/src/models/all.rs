//! Everything at once: two threads make random calls, and at the end the account says what has become of all jobs.

use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use super::{Ends, Tally, check, group, model, pool};
use crate::group::Group;
use crate::{JobId, Pool};

/// Calls of each thread.
const CALLS: usize = 6;

struct Caller {
    pool: Pool,
    limited: Group,
    tally: Tally,
    ids: Vec<JobId>,
}

impl Caller {
    fn call(&mut self) {
        let (pool, limited, tally) = (&self.pool, &self.limited, &self.tally);
        let soon = Duration::from_micros(1);
        let id = match thread_rng().gen_range(0..16) {
            0 | 1 => pool.submit(tally.job()).ok(),
            2 => pool.submit_first(tally.job()).ok(),
            3 => pool.submit_later(soon, tally.job()).ok(),
            4 | 5 => limited.submit(tally.job()).ok(),
            6 => limited.submit_later(soon, tally.job()).ok(),
            7 => {
                let (again, tally) = (limited.clone(), tally.clone());
                limited.submit(tally.clone().with(move || _ = again.submit(tally.job()))).ok()
            }
            8 | 9 => {
                if let Some(id) = self.ids.pop() {
                    pool.cancel(id);
                }
                None
            }
            10 => {
                pool.cancel_queued();
                None
            }
            11 => {
                limited.cancel();
                None
            }
            12 => {
                limited.pause().unwrap();
                limited.resume();
                None
            }
            13 => {
                pool.pause();
                pool.resume();
                None
            }
            14 => {
                pool.wait_idle();
                None
            }
            _ => {
                limited.wait();
                None
            }
        };
        self.ids.extend(id);
    }
}

#[test]
fn the_account_balances() {
    model(|| {
        let (pool, tally) = (pool(2).build().unwrap(), Tally::default());
        let limited = group(&pool, |group| group.limit(1).pausable());
        let call = {
            let (pool, limited, tally) = (pool.clone(), limited.clone(), tally.clone());
            move || {
                let mut caller = Caller { pool, limited, tally, ids: Vec::new() };
                (0..CALLS).for_each(|_| caller.call());
            }
        };
        let other = thread::spawn(call.clone());
        call();
        other.join().unwrap();
        assert!(limited.wait());
        pool.shutdown();
        let Ends { done, failed, cancelled } = Ends::of(&tally);
        let account = pool.engine().core.account();
        // What was refused inside a job was dropped, and is nobody's.
        assert!(account.cancelled <= cancelled);
        check(&pool, Ends { done, failed, cancelled: account.cancelled });
        let (totals, ()) = limited.inner.core.cohorts.totals(|| ());
        assert_eq!(totals.live(), 0, "{totals:?}");
    });
}
