//! Who sees to it that due jobs begin, while workers fall asleep, get up, and are busy with what waits for just those jobs.

use std::time::Duration;

use super::{Ends, Flag, Tally, check, model, pool};
use crate::{OnDrop, Pool};

/// Some looks at the clock.
const SOON: Duration = Duration::from_micros(9);

fn punctual() -> Pool {
    pool(1).punctual(SOON, 1).build().unwrap()
}

/// A job that keeps its worker until one has run that is due soon.
fn wait_for_what_is_due(pool: &Pool, tally: &Tally) {
    let came = Flag::default();
    let raise = came.clone();
    pool.submit(tally.with(move || came.wait())).unwrap();
    pool.submit_later(SOON, tally.with(move || raise.raise())).unwrap();
    pool.submit(tally.job()).unwrap();
    assert!(pool.wait_idle());
}

#[test]
fn a_worker_that_was_not_there_waits_for_what_is_due() {
    model(|| {
        let (pool, tally) = (punctual(), Tally::default());
        wait_for_what_is_due(&pool, &tally);
        pool.shutdown();
        check(&pool, Ends::ran(3));
    });
}

#[test]
fn a_worker_that_slept_waits_for_what_is_due() {
    model(|| {
        let (pool, tally) = (punctual(), Tally::default());
        pool.submit(tally.job()).unwrap();
        assert!(pool.wait_idle());
        wait_for_what_is_due(&pool, &tally);
        pool.shutdown();
        check(&pool, Ends::ran(4));
    });
}

/// The worker has minded it, and gets up for it; then it does not any more.
#[test]
fn a_worker_that_gets_up_for_a_due_job_waits_for_another() {
    model(|| {
        let (pool, tally) = (punctual(), Tally::default());
        let (came, over) = (Flag::default(), Flag::default());
        let (raise, ends) = (came.clone(), over.clone());
        let wait = move || {
            came.wait();
            ends.raise();
        };
        pool.submit_later(SOON, tally.with(wait)).unwrap();
        pool.submit_later(2 * SOON, tally.with(move || raise.raise())).unwrap();
        over.wait();
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

#[test]
fn the_pool_ends_while_somebody_keeps_time() {
    model(|| {
        let (pool, tally) = (pool(1).punctual(SOON, 1).on_drop(OnDrop::Detach).build().unwrap(), Tally::default());
        let gone = std::sync::Arc::downgrade(pool.engine());
        pool.submit_later(SOON, tally.job()).unwrap();
        drop(pool);
        while gone.strong_count() > 0 {
            crate::sys::thread::yield_now();
        }
        assert_eq!(tally.ran(), 1);
    });
}
