//! Gates: jobs of a limited group, which wait for others to end, for room, for the end of a pause.

use std::panic::resume_unwind;

use shuttle::thread;

use super::{Ends, Tally, check, check_group, group, model, pool};
use crate::{Cancellation, Group, Pool};

/// What is cancelled while it is let through runs or is removed, and its slot is not lost.
#[test]
fn a_cancel_meets_a_release() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let limited = group(&pool, |group| group.limit(1));
        let (jobs, wanted) = (Tally::default(), Tally::default());
        limited.submit(jobs.job()).unwrap();
        let id = limited.submit(wanted.job()).unwrap();
        let canceller = {
            let limited = limited.clone();
            thread::spawn(move || limited.cancel_id(id))
        };
        limited.submit(jobs.job()).unwrap();
        assert!(limited.wait());
        assert_eq!(jobs.ran(), 2);
        let is_removed = canceller.join().unwrap() == Cancellation::Removed;
        assert_eq!(wanted.dropped(), usize::from(is_removed));
        let ends = Ends { cancelled: wanted.dropped(), ..Ends::ran(2 + wanted.ran()) };
        assert_eq!(wanted.left(), 0);
        check_group(&limited, ends);
        pool.shutdown();
        check(&pool, ends);
    });
}

/// The whole group is cancelled; what comes later runs.
#[test]
fn a_cancel_of_a_group_meets_a_release() {
    model(|| {
        let pool = pool(2).build().unwrap();
        let limited = group(&pool, |group| group.limit(1));
        let (jobs, later) = (Tally::default(), Tally::default());
        for _ in 0..3 {
            limited.submit(jobs.job()).unwrap();
        }
        let canceller = {
            let (limited, later) = (limited.clone(), later.clone());
            thread::spawn(move || {
                limited.cancel();
                limited.submit(later.job()).unwrap();
            })
        };
        assert!(limited.wait());
        assert_eq!(jobs.left(), 0);
        canceller.join().unwrap();
        assert!(limited.wait());
        assert_eq!(later.ran(), 1);
        let ends = Ends { cancelled: jobs.dropped(), ..Ends::ran(jobs.ran() + 1) };
        check_group(&limited, ends);
        pool.shutdown();
        check(&pool, ends);
    });
}

/// A pause takes slots away while they are given back; after its end all is as before.
#[test]
fn a_pause_meets_a_release() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let limited = group(&pool, |group| group.limit(1).pausable());
        let tally = Tally::default();
        for _ in 0..2 {
            limited.submit(tally.job()).unwrap();
        }
        let pauser = {
            let limited = limited.clone();
            thread::spawn(move || {
                limited.pause().unwrap();
                limited.resume();
            })
        };
        assert!(limited.wait());
        assert_eq!(tally.ran(), 2);
        pauser.join().unwrap();
        limited.submit(tally.job()).unwrap();
        assert!(limited.wait());
        check_group(&limited, Ends::ran(3));
        pool.shutdown();
        check(&pool, Ends::ran(3));
    });
}

/// The same for the whole pool, whose workers sleep in a pause.
#[test]
fn a_pause_of_the_pool_meets_a_submit() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let pauser = {
            let pool = pool.clone();
            thread::spawn(move || {
                pool.pause();
                pool.resume();
            })
        };
        for _ in 0..2 {
            pool.submit(tally.job()).unwrap();
        }
        assert!(pool.wait_idle());
        assert_eq!(tally.ran(), 2);
        pauser.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// A shutdown ends all pauses for good: nobody is left who could.
#[test]
fn a_pause_meets_a_shutdown() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let paused = group(&pool, |group| group.pausable().limit(2));
        let tally = Tally::default();
        paused.pause().unwrap();
        paused.submit(tally.job()).unwrap();
        let resumer = {
            let paused = paused.clone();
            thread::spawn(move || paused.resume())
        };
        pool.shutdown();
        assert_eq!(tally.ran(), 1);
        resumer.join().unwrap();
        check_group(&paused, Ends::ran(1));
        check(&pool, Ends::ran(1));
    });
}

/// The same of pauses that begin meanwhile: of one that comes too late nothing is to be seen.
#[test]
fn pauses_begin_while_the_pool_ends() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let few: Group = pool.group().pausable().build().unwrap();
        let tally = Tally::default();
        pool.submit(tally.job()).unwrap();
        few.submit(tally.job()).unwrap();
        let pauser = {
            let (pool, few) = (pool.clone(), few.clone());
            thread::spawn(move || {
                few.pause().unwrap();
                pool.pause();
            })
        };
        pool.shutdown();
        assert_eq!(tally.ran(), 2);
        pauser.join().unwrap();
        assert!(!pool.is_paused() && !few.is_paused());
        check(&pool, Ends::ran(2));
    });
}

/// A job that found no room for its result begins when somebody makes room, or takes it as it ends.
#[test]
fn a_reader_makes_room() {
    model(|| {
        let (pool, tally) = (Pool::<u32>::builder().threads(1).done_capacity(1).build().unwrap(), Tally::default());
        let reader = {
            let pool = pool.clone();
            thread::spawn(move || (0..3).filter_map(|_| pool.done().pop()).map(|done| done.value).sum::<u32>())
        };
        for value in [1, 2, 4] {
            pool.submit(tally.with(move || value)).unwrap();
        }
        assert_eq!(reader.join().unwrap(), 7);
        assert!(pool.wait_idle());
        pool.shutdown();
        check(&pool, Ends::ran(3));
    });
}

/// A job waits for room to emit; a failure is the end of its group.
#[test]
fn a_failure_meets_who_waits_for_room() {
    model(|| {
        let pool = pool(2).build().unwrap();
        let narrow = pool.group::<u32>().fail_fast().done_capacity(1).build().unwrap();
        narrow.submit_with(|job| job.emit(1).and_then(|()| job.emit(1)).map_or(2, |()| 3)).unwrap();
        // Needs no room, and tells nobody of its failure but who joins it.
        drop(narrow.spawn(|| -> u32 { resume_unwind(Box::new("on purpose")) }).unwrap());
        assert!(narrow.wait());
        pool.shutdown();
        assert_eq!(pool.engine().core.audit().err(), None);
    });
}

/// The same, and nobody is left who could read.
#[test]
fn the_last_reader_goes_while_a_job_waits_for_room() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let narrow = pool.group::<u32>().done_capacity(1).build().unwrap();
        narrow.submit_with(|job| job.emit(1).and_then(|()| job.emit(1)).map_or(2, |()| 3)).unwrap();
        drop(narrow);
        assert!(pool.wait_idle());
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

/// Each job holds the room for what it returns, and there is no more: one at a time emits all the same.
#[test]
fn two_emit_where_their_results_have_all_the_room() {
    model(|| {
        let pool = pool(2).build().unwrap();
        let narrow = pool.group::<u32>().done_capacity(2).build().unwrap();
        (0..2).for_each(|_| _ = narrow.submit_with(|job| job.emit(1).and_then(|()| job.emit(1)).map(|()| 1)).unwrap());
        assert_eq!((0..6).map(|_| narrow.done().pop().unwrap().value).sum::<u32>(), 6);
        assert!(narrow.wait());
        let core = &narrow.inner.core;
        assert!((0..2).all(|_| core.take_room(pool.engine())) && !core.take_room(pool.engine()), "as much as before");
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}
