//! What a group is told of its jobs that are removed, while workers begin them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::thread;

use super::{Tally, check_balance, model, pool};
use crate::{CancelReason, JobKind};

/// Each job runs, or is told once, with what it was, before a wait for the group is over: in the queue, where a worker meets it, and at
/// a limit.
#[test]
fn a_cancel_of_a_group_that_is_told_meets_a_worker() {
    for limited in [false, true] {
        model(move || {
            let (pool, tally, told) = (pool(1).build().unwrap(), Tally::default(), Arc::new(AtomicUsize::new(0)));
            let count = Arc::clone(&told);
            let group = pool.group::<()>().on_removed(move |job, reason| {
                assert_eq!((job.name, reason), ("told", CancelReason::Cancelled));
                assert!(job.kind == JobKind::Queued || limited && job.kind == JobKind::Gated);
                count.fetch_add(1, Ordering::Relaxed);
            });
            let group = if limited { group.limit(1) } else { group }.build().unwrap();
            for _ in 0..2 {
                group.job(tally.job()).name("told").submit().unwrap();
            }
            let canceller = {
                let group = group.clone();
                thread::spawn(move || group.cancel())
            };
            canceller.join().unwrap();
            assert!(group.wait());
            assert_eq!((tally.dropped(), tally.left()), (told.load(Ordering::Relaxed), 0));
            pool.shutdown();
            check_balance(&pool);
        });
    }
}
