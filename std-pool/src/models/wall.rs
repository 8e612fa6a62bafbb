//! The clock of the system is set, and jobs that follow it are submitted, moved, cancelled meanwhile; the thread that minds it.
//!
//! The time of the model may come to any deadline. So what is to run only because the clock is set waits for a time that never comes
//! otherwise.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fastthreadpool_core::NotMoved;

use super::{Ends, Flag, Tally, check, model, pool};
use crate::engine::clock::hand::Hand;
use crate::engine::due::Follows;
use crate::engine::wall::WallClock;
use crate::sys::{self, thread};
use crate::{Cancellation, OnDrop, Pool, SubmitError};

/// Beyond the range of the ticks.
const NEVER: Duration = Duration::from_secs(1 << 36);
/// Within it: a job that waits for that may run when the model's time has come there.
const FAR: Duration = Duration::from_secs(1 << 32);
/// Some looks at the clock.
const SOON: Duration = Duration::from_micros(9);

/// A clock that is set by hand, and its jobs'.
fn by_hand(pool: &Pool) -> (Arc<Hand>, Arc<WallClock>) {
    let hand = Hand::new();
    let wall = WallClock::by(Arc::clone(&hand) as _, pool.engine());
    (hand, wall)
}

fn set_meanwhile(hand: &Arc<Hand>) -> thread::JoinHandle<()> {
    let hand = Arc::clone(hand);
    shuttle::thread::spawn(move || hand.set_forward(NEVER))
}

/// Nobody minds the clock any more, for nobody.
fn wait_unwatched(hand: &Hand, wall: &WallClock) {
    while hand.is_watched() {
        thread::yield_now();
    }
    assert_eq!(wall.len(), 0);
}

fn never(hand: &Hand) -> SystemTime {
    hand.after(NEVER)
}

#[test]
fn a_job_is_submitted_while_the_clock_is_set_to_its_time() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let (hand, wall) = by_hand(&pool);
        let time = never(&hand);
        let setter = set_meanwhile(&hand);
        let handle = pool.job(tally.job()).at(time).spawn().unwrap();
        handle.join().unwrap();
        setter.join().unwrap();
        // If that was before the thread has looked at the list.
        wall.wake();
        wait_unwatched(&hand, &wall);
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

#[test]
fn a_job_is_moved_to_a_time_of_the_clock_while_that_is_set_to_it() {
    model(|| {
        let (pool, tally, is_last) = (pool(1).build().unwrap(), Tally::default(), Flag::default());
        let (hand, _wall) = by_hand(&pool);
        let last = is_last.clone();
        let id = pool.submit_later(Duration::MAX, tally.with(move || last.raise())).unwrap();
        let time = never(&hand);
        let setter = set_meanwhile(&hand);
        pool.reschedule(id, time).unwrap();
        is_last.wait();
        setter.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

#[test]
fn a_job_that_is_moved_away_from_the_clock_stays_there_unless_it_was_late() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let (hand, wall) = by_hand(&pool);
        // Not the time that it is moved to.
        let id = pool.submit_at(hand.after(FAR), tally.job()).unwrap();
        let setter = set_meanwhile(&hand);
        let moved = pool.reschedule(id, Duration::MAX);
        setter.join().unwrap();
        wait_unwatched(&hand, &wall);
        match moved {
            Ok(()) => assert_eq!((pool.cancel(id), tally.ran()), (Cancellation::Removed, 0)),
            Err(error) => assert!(matches!(error, NotMoved::Due | NotMoved::TooLate), "{error}"),
        }
        pool.shutdown();
        check(&pool, Ends::of(&tally));
    });
}

#[test]
fn a_run_says_a_time_of_the_clock_while_that_is_set_to_it() {
    model(|| {
        let (pool, has_said, is_last) = (pool(1).build().unwrap(), Flag::default(), Flag::default());
        let (hand, _wall) = by_hand(&pool);
        let (said, last, clock) = (has_said.clone(), is_last.clone(), Arc::clone(&hand));
        let time = hand.after(FAR);
        let job = pool.periodic_with(move |job| {
            if job.run() == 1 {
                job.next_at(time);
                said.raise();
            } else {
                assert!(clock.after(Duration::ZERO) >= time);
                job.stop();
                last.raise();
            }
        });
        job.every(Duration::MAX).starting(Duration::ZERO).submit().unwrap();
        has_said.wait();
        hand.set_forward(FAR);
        is_last.wait();
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// The thread is about to end when another job comes.
#[test]
fn jobs_come_one_after_the_other() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let (hand, wall) = by_hand(&pool);
        pool.job(tally.job()).at(hand.after(SOON)).spawn().unwrap().join().unwrap();
        wall.wake();
        let time = never(&hand);
        let handle = pool.job(tally.job()).at(time).spawn().unwrap();
        hand.set_forward(NEVER);
        handle.join().unwrap();
        pool.shutdown();
        wait_unwatched(&hand, &wall);
        check(&pool, Ends::ran(2));
    });
}

#[test]
fn a_job_is_cancelled_while_the_clock_is_set_to_its_time() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let (hand, wall) = by_hand(&pool);
        let id = pool.submit_at(never(&hand), tally.job()).unwrap();
        let setter = set_meanwhile(&hand);
        pool.cancel(id);
        setter.join().unwrap();
        assert!(pool.wait_idle());
        wall.wake();
        wait_unwatched(&hand, &wall);
        pool.shutdown();
        check(&pool, Ends::of(&tally));
    });
}

/// Nobody minds the clock, if no thread can be started that would.
#[test]
fn a_job_is_refused_that_could_not_follow_the_clock() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let (hand, wall) = by_hand(&pool);
        // Of a worker.
        sys::limit_starts(1);
        pool.submit(tally.job()).unwrap();
        let refused = pool.submit_at(hand.after(FAR), tally.job());
        assert!(matches!(refused, Err(SubmitError::NoThread(..))));
        drop(refused);
        wait_unwatched(&hand, &wall);
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

/// The thread that minds the clock is the last that has the pool, or a worker is.
#[test]
fn nobody_has_the_pool_when_the_clock_is_set() {
    model(|| {
        let (pool, tally) = (pool(1).on_drop(OnDrop::Detach).build().unwrap(), Tally::default());
        let (hand, _wall) = by_hand(&pool);
        let gone = Arc::downgrade(pool.engine());
        let handle = pool.job(tally.job()).at(hand.after(SOON)).spawn().unwrap();
        drop(pool);
        hand.set_forward(SOON);
        let _ = handle.join();
        assert_eq!((tally.left(), tally.ran()), (0, 1));
        while gone.strong_count() > 0 {
            thread::yield_now();
        }
    });
}
