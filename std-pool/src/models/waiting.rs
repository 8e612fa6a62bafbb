//! Waits: for a group, for idleness; outside of jobs, and in them, where who waits may be waited for.

use std::panic::resume_unwind;
use std::time::Duration;

use shuttle::thread;

use super::{Ends, Flag, Tally, check, check_group, group, model, pool};
use crate::Group;
use crate::engine::waits::in_line;
use crate::here::blocking;

/// A wait is over when what was there before it is, and what descends from that, however much comes later.
#[test]
fn a_wait_of_a_group_is_not_prolonged() {
    model(|| {
        let pool = pool(2).build().unwrap();
        let waves = group(&pool, |group| group);
        let (first, later, returned) = (Tally::default(), Tally::default(), Tally::default());
        let flag = Flag::default();
        let descendant = {
            let (waves, first) = (waves.clone(), first.clone());
            first.clone().with(move || _ = waves.submit(first.job()).unwrap())
        };
        waves.submit(descendant).unwrap();
        waves.submit(first.job()).unwrap();
        let submitter = {
            let (waves, later, flag, returned) = (waves.clone(), later.clone(), flag.clone(), returned.clone());
            thread::spawn(move || {
                while in_line() == 0 && returned.ran() == 0 {
                    thread::yield_now();
                }
                // If it counted, the wait would not end.
                waves.submit(later.with(move || flag.wait())).unwrap();
                waves.submit(later.job()).unwrap();
            })
        };
        assert!(waves.wait());
        assert_eq!((first.ran(), first.left()), (3, 0));
        returned.job()();
        flag.raise();
        submitter.join().unwrap();
        assert!(waves.wait());
        assert_eq!(later.ran(), 2);
        check_group(&waves, Ends::ran(5));
        pool.shutdown();
        check(&pool, Ends::ran(5));
    });
}

/// A cohort that serves again is the present one, perhaps, and gets jobs meanwhile, so many that their ends go to tallies.
#[test]
fn a_flip_meets_submits() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let (waves, tally) = (group(&pool, |group| group), Tally::default());
        let submitter = {
            let (waves, tally) = (waves.clone(), tally.clone());
            // None of them is refused: what comes after a cancel is a matter of its own.
            thread::spawn(move || (0..3).for_each(|_| _ = waves.submit(tally.job()).unwrap()))
        };
        waves.cancel();
        submitter.join().unwrap();
        assert!(waves.wait());
        check_group(&waves, Ends::of(&tally));
        pool.shutdown();
    });
}

/// Whoever takes results as they come gets in line while the cohort that it waits for ends, and serves again.
#[test]
fn completed_meets_a_flip() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let waves = group(&pool, |group| group);
        let (begun, end, returned) = (Flag::default(), Flag::default(), Tally::default());
        let (begins, ends) = (begun.clone(), end.clone());
        drop(waves.spawn(move || {
            begins.raise();
            ends.wait();
        }));
        begun.wait();
        // It is the last of its cohort.
        waves.cancel();
        // The checker has a thread that parks go last, and one that looks around let others go first; and any look would do
        // instead of a wake-up. So after its end nobody looks: the worker has something else to do.
        let over = Flag::default();
        let other = {
            let (waves, returned, last_end) = (waves.clone(), returned.clone(), Flag::default());
            let (pool, is_over) = (pool.clone(), over.clone());
            thread::spawn(move || {
                end.raise();
                waves.cancel();
                // Leaves nothing: only its end is to be noticed.
                let ends = last_end.clone();
                drop(waves.spawn(move || ends.wait()));
                drop(pool.spawn(move || is_over.wait()));
                while in_line() == 0 && returned.ran() == 0 {
                    thread::yield_now();
                }
                last_end.raise();
            })
        };
        assert_eq!(waves.completed().count(), 0);
        over.raise();
        returned.job()();
        other.join().unwrap();
        assert!(waves.wait());
        pool.shutdown();
    });
}

/// What was accepted before a wait is over after it, though others come and wait, too.
#[test]
fn two_waits_of_a_group_meet() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let waves = group(&pool, |group| group);
        let submit_and_wait = {
            let waves = waves.clone();
            move || {
                let own = Tally::default();
                let descendant = {
                    let (waves, own) = (waves.clone(), own.clone());
                    own.clone().with(move || _ = waves.submit(own.job()).unwrap())
                };
                waves.submit(descendant).unwrap();
                assert!(waves.wait());
                assert_eq!((own.ran(), own.left()), (2, 0));
            }
        };
        let other = thread::spawn(submit_and_wait.clone());
        submit_and_wait();
        other.join().unwrap();
        check_group(&waves, Ends::ran(4));
        pool.shutdown();
        check(&pool, Ends::ran(4));
    });
}

/// Whoever has waited for a group that has failed finds it open, whenever the failure came.
#[test]
fn two_waits_meet_a_failure() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let fails: Group = pool.group().fail_fast().build().unwrap();
        drop(fails.spawn(|| resume_unwind(Box::new("on purpose"))).unwrap());
        let waits = || {
            let (fails, job) = (fails.clone(), tally.job());
            move || {
                assert!(fails.wait());
                fails.submit(job).unwrap();
            }
        };
        let other = thread::spawn(waits());
        waits()();
        other.join().unwrap();
        assert!(fails.wait());
        pool.shutdown();
        check_group(&fails, Ends { failed: 1, ..Ends::ran(2) });
        assert_eq!(tally.left(), 0);
    });
}

/// Nothing was pending, for a moment: all who were in line know it, though the first of them submits again at once.
#[test]
fn a_moment_of_idleness_is_not_missed() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let (start, second) = (Flag::default(), Flag::default());
        let wait = start.clone();
        pool.submit(tally.with(move || wait.wait())).unwrap();
        let returned = Tally::default();
        let waiters = [(); 2].map(|()| {
            let (pool, tally, second, returned) = (pool.clone(), tally.clone(), second.clone(), returned.clone());
            thread::spawn(move || {
                pool.wait_idle();
                returned.job()();
                if returned.ran() == 1 {
                    pool.submit(tally.with(move || second.wait())).unwrap();
                } else {
                    second.raise();
                }
            })
        });
        while in_line() < 2 {
            thread::yield_now();
        }
        start.raise();
        for waiter in waiters {
            waiter.join().unwrap();
        }
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// Idleness comes by a cancel, or by the end of a job that somebody else runs.
#[test]
fn idleness_comes_by_a_cancel() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let id = pool.submit(tally.job()).unwrap();
        let handle = pool.spawn(tally.job()).unwrap();
        let others = {
            let pool = pool.clone();
            thread::spawn(move || {
                pool.cancel(id);
                handle.cancel();
                let _ = handle.join();
            })
        };
        assert!(pool.wait_idle());
        assert_eq!(tally.left(), 0);
        others.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::of(&tally));
    });
}

/// Who waits for idleness looks what is due, while the worker falls asleep.
#[test]
fn a_timer_falls_due_for_who_waits() {
    model(|| {
        let (pool, tally, flag) = (pool(1).build().unwrap(), Tally::default(), Flag::default());
        let raise = flag.clone();
        pool.submit_later(Duration::from_micros(1), tally.with(move || raise.raise())).unwrap();
        let waiter = {
            let pool = pool.clone();
            thread::spawn(move || pool.wait_idle())
        };
        flag.wait();
        waiter.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

/// Two jobs wait for nothing to be pending but themselves, and there is one worker.
#[test]
fn two_jobs_wait_for_idleness() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        for _ in 0..2 {
            let idle = pool.clone();
            pool.submit(tally.with(move || assert!(idle.wait_idle()))).unwrap();
        }
        assert!(pool.wait_idle());
        assert_eq!(tally.ran(), 2);
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// Two jobs wait for each other's group.
#[test]
fn two_jobs_wait_for_each_others_group() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let groups = [(); 2].map(|()| group(&pool, |group| group));
        let both = Flag::default();
        for n in 0..2 {
            let (other, both) = (groups[1 - n].clone(), both.clone());
            let wait = tally.with(move || {
                // So that both run when they wait: somebody stands in for the first.
                if n == 0 {
                    blocking::once(|| both.wait());
                } else {
                    both.raise();
                }
                assert!(other.wait());
            });
            groups[n].submit(wait).unwrap();
        }
        assert!(pool.wait_idle());
        assert_eq!(tally.ran(), 2);
        pool.shutdown();
        for group in &groups {
            check_group(group, Ends::ran(1));
        }
        check(&pool, Ends::ran(2));
    });
}

/// Two jobs join each other's children, which wait in the queue behind them.
#[test]
fn jobs_join_jobs() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        for _ in 0..2 {
            let (inner, tally) = (pool.clone(), tally.clone());
            let join = tally.clone().with(move || inner.spawn(tally.job()).unwrap().join().unwrap());
            pool.submit(join).unwrap();
        }
        pool.shutdown();
        check(&pool, Ends::ran(4));
    });
}
