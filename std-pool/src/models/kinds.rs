//! Jobs that are more than one call: those of a key, those that repeat, those that return an iterator, those of a map.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use shuttle::thread;

use super::{Ends, Flag, Tally, check, check_group, group, model, pool};
use crate::JobError;

const SOON: Duration = Duration::from_micros(1);

/// Two threads submit jobs of two keys, while the gates of keys that have no job are looked for.
#[test]
fn keys_come_and_go() {
    model(|| {
        let (pool, tally) = (pool(2).build().unwrap(), Tally::default());
        let keyed = pool.group().keyed().build().unwrap();
        let inside = Arc::new([const { AtomicBool::new(false) }; 2]);
        let submit = {
            let (keyed, tally) = (keyed.clone(), tally.clone());
            move |keys: [usize; 2]| {
                for key in keys {
                    let inside = inside.clone();
                    let job = tally.with(move || {
                        assert!(!inside[key].swap(true, Ordering::Relaxed), "two jobs of a key at a time");
                        thread::yield_now();
                        inside[key].store(false, Ordering::Relaxed);
                    });
                    keyed.keyed(&key).unwrap().submit(job).unwrap();
                }
            }
        };
        let other = thread::spawn({
            let submit = submit.clone();
            move || submit([1, 0])
        });
        submit([0, 1]);
        other.join().unwrap();
        assert!(keyed.wait());
        check_group(&keyed, Ends::ran(4));
        pool.shutdown();
        check(&pool, Ends::ran(4));
    });
}

/// A key's jobs are cancelled while they go from one to the next.
#[test]
fn a_cancel_meets_a_key() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let keyed = pool.group().keyed().build().unwrap();
        for key in [0, 0, 1] {
            keyed.keyed(&key).unwrap().submit(tally.job()).unwrap();
        }
        let later = Tally::default();
        let canceller = {
            let (keyed, later) = (keyed.clone(), later.clone());
            thread::spawn(move || {
                keyed.cancel();
                keyed.keyed(&0).unwrap().submit(later.job()).unwrap();
            })
        };
        assert!(keyed.wait());
        canceller.join().unwrap();
        assert!(keyed.wait());
        assert_eq!(later.ran(), 1);
        let ends = Ends { cancelled: tally.dropped(), ..Ends::ran(tally.ran() + 1) };
        check_group(&keyed, ends);
        pool.shutdown();
        check(&pool, ends);
    });
}

/// The first job of a key is cancelled, wherever it is: the next ones run.
#[test]
fn a_key_goes_on_without_one_of_its_jobs() {
    model(|| {
        let (pool, tally, first) = (pool(1).build().unwrap(), Tally::default(), Tally::default());
        let keyed = pool.group().keyed().build().unwrap();
        let id = keyed.keyed(&0).unwrap().submit(first.job()).unwrap();
        let canceller = {
            let keyed = keyed.clone();
            thread::spawn(move || keyed.cancel_id(id))
        };
        for _ in 0..2 {
            keyed.keyed(&0).unwrap().submit(tally.job()).unwrap();
        }
        assert!(keyed.wait());
        canceller.join().unwrap();
        assert_eq!(tally.ran(), 2);
        let ends = Ends { cancelled: first.dropped(), ..Ends::ran(first.ran() + 2) };
        check_group(&keyed, ends);
        pool.shutdown();
        check(&pool, ends);
    });
}

/// One that repeats is cancelled while it runs, goes back, or waits: by its id, or with its group.
fn a_repeated_job_meets_a_cancel(by_id: bool) {
    model(move || {
        let pool = pool(1).build().unwrap();
        let repeating = group(&pool, |group| group);
        let (ran, flag, guard) = (Arc::new(AtomicUsize::new(0)), Flag::default(), Tally::default());
        // Dropped with the job, and never called.
        let (count, raise, dropped) = (ran.clone(), flag.clone(), guard.job());
        let id = repeating.schedule(SOON, move || {
            let _ = &dropped;
            count.fetch_add(1, Ordering::Relaxed);
            raise.raise();
            // Else nobody else might ever run.
            thread::yield_now();
        });
        let id = id.unwrap();
        flag.wait();
        if by_id {
            repeating.cancel_id(id);
        } else {
            repeating.cancel();
        }
        // Its last run, if it runs.
        while guard.left() > 0 {
            thread::yield_now();
        }
        assert!(repeating.wait());
        // What is dropped is counted by then.
        pool.shutdown();
        let (totals, ()) = repeating.inner.core.cohorts.totals(|| ());
        let ends =
            Ends { cancelled: usize::try_from(totals.cancelled).unwrap(), ..Ends::ran(ran.load(Ordering::Relaxed)) };
        assert!(ends.cancelled <= 1, "one turn at a time");
        check_group(&repeating, ends);
        check(&pool, ends);
    });
}

#[test]
fn a_repeated_job_meets_a_cancel_of_its_own() {
    a_repeated_job_meets_a_cancel(true);
}

#[test]
fn a_repeated_job_meets_a_cancel_of_its_group() {
    a_repeated_job_meets_a_cancel(false);
}

/// An iterator goes back when its results have no room, and comes again when one is read; or it is cancelled.
#[test]
fn an_iterator_meets_a_reader_and_a_cancel() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let narrow = pool.group::<u32>().done_capacity(1).build().unwrap();
        let guard = Tally::default();
        let dropped = guard.job();
        narrow.submit_iter(move || (0..3).inspect(move |_| _ = &dropped)).unwrap();
        let reader = {
            let narrow = narrow.clone();
            thread::spawn(move || assert_eq!(narrow.done().pop().unwrap().value, 0))
        };
        reader.join().unwrap();
        let canceller = {
            let narrow = narrow.clone();
            thread::spawn(move || _ = narrow.cancel())
        };
        let second = narrow.done().try_pop();
        canceller.join().unwrap();
        assert!(narrow.wait());
        assert_eq!(guard.left(), 0);
        let read: Vec<_> = second.into_iter().chain(narrow.done().drain()).map(|done| done.value).collect();
        assert!([1, 2].starts_with(&read), "{read:?}");
        let (totals, ()) = narrow.inner.core.cohorts.totals(|| ());
        assert_eq!((totals.accepted, totals.live(), totals.done + totals.cancelled), (1, 0, 1));
        pool.shutdown();
        assert_eq!(pool.engine().core.audit().err(), None);
    });
}

/// One that is read as it goes ends with the pool: each item is mapped, or cancelled.
#[test]
fn a_map_that_is_read_meets_a_shutdown() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let closer = {
            let pool = pool.clone();
            thread::spawn(move || pool.shutdown_now())
        };
        let read: Vec<_> = pool.map(1..4, |n| n * n).iter().collect();
        for (n, result) in (1..4).zip(read) {
            assert!(matches!(result, Err(JobError::Cancelled)) || matches!(result, Ok(square) if square == n * n));
        }
        closer.join().unwrap();
        let account = pool.engine().core.account();
        assert_eq!((account.pending(), account.accepted), (0, account.sum()));
        assert_eq!(pool.engine().core.audit().err(), None);
    });
}
