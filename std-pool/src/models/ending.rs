//! The end of a pool: against submits, against itself, against a new beginning; and the callbacks that it waits for.

use std::time::Duration;

use shuttle::thread;

use super::{Ends, Flag, Tally, check, check_balance, check_group, group, model, pool};
use crate::{Group, Pool, SubmitError};

/// Submits so many jobs to a pool that somebody else closes; returns how many it took.
fn submit_some(group: &Group, tally: &Tally, jobs: usize) -> usize {
    let is_taken = |_: &usize| match group.submit(tally.job()) {
        Ok(_) => true,
        Err(SubmitError::Closed(job)) => {
            drop(job);
            false
        }
        Err(error) => panic!("{error}"),
    };
    (0..jobs).filter(is_taken).count()
}

/// Each job is given back to who submits it, or ends before the shutdown returns.
#[test]
fn a_submit_meets_a_shutdown() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let submitter = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || submit_some(&pool, &tally, 2))
        };
        pool.shutdown();
        let ran = tally.ran();
        let accepted = submitter.join().unwrap();
        assert_eq!((ran, tally.ran(), tally.dropped()), (accepted, accepted, 2 - accepted));
        check(&pool, Ends::ran(accepted));
    });
}

/// The same by producers, whose jobs are in the lanes of two workers.
#[test]
fn submits_of_producers_meet_a_shutdown() {
    model(|| {
        let (pool, tally) = (pool(2).build().unwrap(), Tally::default());
        let submitters: Vec<_> = (0..2)
            .map(|_| {
                let (producer, tally) = (pool.producer(), tally.clone());
                thread::spawn(move || usize::from(producer.submit(tally.job()).is_ok()))
            })
            .collect();
        pool.shutdown();
        let ran = tally.ran();
        let accepted = submitters.into_iter().map(|submitter| submitter.join().unwrap()).sum();
        assert_eq!((ran, tally.ran(), tally.dropped()), (accepted, accepted, 2 - accepted));
        check(&pool, Ends::ran(accepted));
    });
}

/// The same in a group, which has accepted its turn when the pool says no.
#[test]
fn a_submit_to_a_group_meets_a_shutdown() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let group = group(&pool, |group| group);
        let submitter = {
            let (group, tally) = (group.clone(), tally.clone());
            thread::spawn(move || submit_some(&group, &tally, 2))
        };
        pool.shutdown();
        let accepted = submitter.join().unwrap();
        assert_eq!((tally.ran(), tally.dropped()), (accepted, 2 - accepted));
        check(&pool, Ends::ran(accepted));
        check_group(&group, Ends::ran(accepted));
    });
}

/// The same by what the pool has refused itself, so that it does not wait for it.
#[test]
fn what_a_pool_refused_submits_while_it_ends() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let submitter = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || {
                let submit = || submit_some(&pool, &tally, 1);
                pool.scope(|scope| _ = scope.spawn_with_handle(submit));
                pool.run(submit);
            })
        };
        pool.shutdown();
        submitter.join().unwrap();
        assert_eq!(tally.left(), 0);
        check_balance(&pool);
    });
}

/// The same where what has not begun is removed: then it is dropped before the shutdown returns.
#[test]
fn a_submit_meets_a_shutdown_that_removes() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let submitter = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || submit_some(&pool, &tally, 2))
        };
        pool.shutdown_now();
        let ran = tally.ran();
        let accepted = submitter.join().unwrap();
        assert_eq!((tally.ran(), tally.left()), (ran, 0));
        check(&pool, Ends { done: ran, failed: 0, cancelled: accepted - ran });
    });
}

/// Each returns when all has ended, the hooks of the threads too.
#[test]
fn two_shutdowns_meet() {
    model(|| {
        let (jobs, left) = (Tally::default(), Tally::default());
        let stopped = left.clone();
        let pool = pool(1).on_thread_stop(move |_| stopped.job()()).build().unwrap();
        pool.submit(jobs.job()).unwrap();
        let shutdown = {
            let (pool, jobs, left) = (pool.clone(), jobs.clone(), left.clone());
            move || {
                pool.shutdown();
                assert_eq!((jobs.ran(), left.ran()), (1, 1));
                assert!(pool.is_ended());
            }
        };
        let other = thread::spawn(shutdown.clone());
        shutdown();
        other.join().unwrap();
        check(&pool, Ends::ran(1));
    });
}

/// One that drains and one that removes.
#[test]
fn two_ways_to_shut_down_meet() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        for _ in 0..2 {
            pool.submit(tally.job()).unwrap();
        }
        let other = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || {
                pool.shutdown_now();
                assert_eq!(tally.left(), 0);
            })
        };
        pool.shutdown();
        assert_eq!(tally.left(), 0);
        other.join().unwrap();
        check(&pool, Ends::of(&tally));
    });
}

/// What is removed shuts the pool down itself: that does not wait for the removal, and others do.
#[test]
fn what_a_shutdown_removes_shuts_the_pool_down() {
    struct Closes(Pool);
    impl Drop for Closes {
        fn drop(&mut self) {
            self.0.shutdown();
        }
    }
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let closes = Closes(pool.clone());
        pool.submit(tally.job()).unwrap();
        pool.submit(tally.with(move || drop(closes))).unwrap();
        let other = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || {
                pool.shutdown();
                assert_eq!(tally.left(), 0);
            })
        };
        pool.shutdown_now();
        assert!(pool.is_ended());
        other.join().unwrap();
        check(&pool, Ends::of(&tally));
    });
}

/// Whatever comes last, the pool is open or has ended, as a whole.
#[test]
fn a_reset_meets_a_shutdown() {
    model(|| {
        let (pool, tally) = (Pool::<u32>::builder().threads(1).build().unwrap(), Tally::default());
        pool.submit(tally.with(|| 1)).unwrap();
        let other = {
            let pool = pool.clone();
            thread::spawn(move || pool.reset())
        };
        pool.shutdown();
        other.join().unwrap();
        assert_eq!(pool.is_closed(), pool.is_ended());
        if pool.is_closed() {
            pool.reset();
        }
        assert_eq!(pool.done().semaphore().is_closed(), pool.is_closed());
        pool.wait_idle();
        pool.done().drain().count();
        pool.submit(tally.with(|| 2)).unwrap();
        assert_eq!(pool.done().pop().map(|done| done.value), Some(2));
        pool.shutdown();
        check(&pool, Ends::of(&tally));
    });
}

/// A result of a job that was accepted after a reset comes, whatever two shutdowns decide about the round before.
#[test]
fn a_reset_between_two_shutdowns() {
    model(|| {
        let (pool, tally) = (Pool::<u32>::builder().threads(1).build().unwrap(), Tally::default());
        pool.submit(tally.with(|| 1)).unwrap();
        let shutdown = {
            let pool = pool.clone();
            move || pool.shutdown()
        };
        let others = [thread::spawn(shutdown.clone()), thread::spawn(shutdown)];
        pool.reset();
        if pool.submit(tally.with(|| 2)).is_ok() {
            let values: Vec<_> = std::iter::from_fn(|| pool.done().pop())
                .map(|done| done.value)
                .take_while(|value| *value < 2)
                .collect();
            assert!(values.iter().all(|value| *value == 1));
            assert!(tally.ran() + tally.dropped() == 2, "the result of the second job is the last");
        }
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(pool.is_closed(), pool.is_ended());
        pool.shutdown();
        check(&pool, Ends { cancelled: 0, ..Ends::of(&tally) }.or_removed(&pool));
    });
}

impl Ends {
    /// A job that was removed may not have been accepted before.
    fn or_removed<T: Send + 'static>(self, pool: &Pool<T>) -> Self {
        Self { cancelled: pool.engine().core.account().cancelled, ..self }
    }
}

/// Somebody sees the end of a round, and says so when the next one has begun, or is closed itself.
#[test]
fn what_is_found_out_too_late_changes_nothing() {
    model(|| {
        let (pool, tally, flag) =
            (Pool::<u32>::builder().threads(1).build().unwrap(), Tally::default(), Flag::default());
        let closer = {
            let pool = pool.clone();
            thread::spawn(move || pool.shutdown_timeout(Duration::from_millis(1)))
        };
        pool.reset();
        let wait = flag.clone();
        let job = tally.with(move || {
            wait.wait();
            1
        });
        if pool.submit(job).is_ok() {
            pool.clone().detach();
            closer.join().unwrap();
            assert!(!pool.is_ended() && !pool.done().semaphore().is_closed());
            flag.raise();
            assert!(pool.wait_ended(None));
            assert_eq!(pool.done().pop().map(|done| done.value), Some(1));
        } else {
            closer.join().unwrap();
        }
        pool.shutdown();
        check(&pool, Ends::ran(tally.ran()));
    });
}

/// Who waits no more for the end of a round says nothing about the next one: whose last handle waits, if it is open.
#[test]
fn a_reset_meets_who_gives_up() {
    let wait_a_moment = |pool: Pool| _ = pool.shutdown_timeout(Duration::from_millis(1));
    for give_up in [wait_a_moment, Pool::detach] {
        model(move || {
            let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
            pool.submit(tally.job()).unwrap();
            let other = {
                let pool = pool.clone();
                thread::spawn(move || give_up(pool))
            };
            pool.reset();
            other.join().unwrap();
            if pool.submit(tally.job()).is_ok() {
                drop(pool);
                assert_eq!(tally.left(), 0);
            }
        });
    }
}

/// A shutdown is over when the callback, on a thread of its own, has been called with everything.
#[test]
fn a_callback_meets_a_close() {
    model(|| {
        let (jobs, calls) = (Tally::default(), Tally::default());
        let called = calls.clone();
        let pool = Pool::<u32>::builder().threads(1).on_done(move |_| called.job()()).build().unwrap();
        let submitter = {
            let (pool, jobs) = (pool.clone(), jobs.clone());
            thread::spawn(move || (0..2).filter(|_| pool.submit(jobs.with(|| 1)).is_ok()).count())
        };
        pool.shutdown();
        let told = calls.ran();
        let accepted = submitter.join().unwrap();
        assert_eq!((jobs.ran(), told), (accepted, accepted));
        check(&pool, Ends::ran(accepted));
        drop(pool);
        assert_eq!(calls.ran(), accepted);
    });
}

/// The thread of the callback goes on when the pool is opened again, just as it saw the close.
#[test]
fn a_callback_meets_a_new_beginning() {
    model(|| {
        let (jobs, calls) = (Tally::default(), Tally::default());
        let called = calls.clone();
        let pool = Pool::<u32>::builder().threads(1).on_done(move |_| called.job()()).build().unwrap();
        pool.shutdown();
        pool.reset();
        pool.submit(jobs.with(|| 1)).unwrap();
        let other = {
            let pool = pool.clone();
            thread::spawn(move || pool.shutdown())
        };
        pool.shutdown();
        assert_eq!((jobs.ran(), calls.ran()), (1, 1));
        other.join().unwrap();
        check(&pool, Ends::ran(1));
    });
}

/// A callback that the workers call: who waits for the group, or shuts down, waits for the calls.
#[test]
fn a_callback_of_a_group_meets_a_wait() {
    model(|| {
        let (jobs, calls) = (Tally::default(), Tally::default());
        let called = calls.clone();
        let pool = pool(2).build().unwrap();
        let group = pool.group::<u32>().on_done(move |_| called.job()()).build().unwrap();
        for _ in 0..2 {
            group.submit(jobs.with(|| 1)).unwrap();
        }
        let other = {
            let (pool, calls) = (pool.clone(), calls.clone());
            thread::spawn(move || {
                pool.shutdown();
                assert_eq!(calls.ran(), 2);
            })
        };
        assert!(group.wait());
        assert_eq!((jobs.ran(), calls.ran()), (2, 2));
        other.join().unwrap();
        check_group(&group, Ends::ran(2));
        check(&pool, Ends::ran(2));
    });
}

/// The last handle goes, in whatever thread: all that was accepted is run first.
#[test]
fn the_last_two_handles_go() {
    model(|| {
        let tally = Tally::default();
        let pool = pool(1).build().unwrap();
        pool.submit(tally.job()).unwrap();
        let other = {
            let (pool, tally) = (pool.clone(), tally.clone());
            thread::spawn(move || {
                pool.submit(tally.job()).unwrap();
                drop(pool);
            })
        };
        drop(pool);
        other.join().unwrap();
        assert_eq!((tally.ran(), tally.left()), (2, 0));
    });
}
