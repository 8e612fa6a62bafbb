//! Futures as jobs: wakes against polls, cancels and the end of the pool. Jobs that follow others.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use shuttle::sync::Mutex;
use shuttle::thread;

use super::{Ends, Flag, Tally, check, check_group, group, model, pool};
use crate::{JobError, Pool};

/// What a future waits for.
#[derive(Clone, Default)]
struct Signal {
    state: Arc<Mutex<(bool, Option<Waker>)>>,
    has_waker: Flag,
}

impl Signal {
    /// Wakes the future, by the waker of its first poll.
    fn set(&self) {
        self.has_waker.wait();
        self.state.lock().unwrap().0 = true;
        self.wake();
    }

    /// The same without a reason.
    fn wake(&self) {
        let waker = self.state.lock().unwrap().1.clone();
        waker.into_iter().for_each(Waker::wake);
    }

    /// A future that is ready once that was set, and counts what becomes of it.
    fn wait(&self, tally: &Tally) -> impl Future<Output = ()> + Send + use<> {
        Waits { signal: self.clone(), is_polled: AtomicBool::new(false), count: Some(Box::new(tally.job())) }
    }
}

struct Waits {
    signal: Signal,
    is_polled: AtomicBool,
    count: Option<Box<dyn FnOnce() + Send>>,
}

impl Future for Waits {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        assert!(!self.is_polled.swap(true, Ordering::Relaxed));
        let mut state = self.signal.state.lock().unwrap();
        let is_set = state.0;
        state.1.get_or_insert_with(|| context.waker().clone());
        drop(state);
        self.signal.has_waker.raise();
        // Somebody else may wake it here.
        thread::yield_now();
        self.is_polled.store(false, Ordering::Relaxed);
        if is_set {
            self.count.take().into_iter().for_each(|count| count());
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

fn is_cancelled(result: Result<(), JobError>) -> bool {
    match result {
        Ok(()) => false,
        Err(JobError::Cancelled) => true,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_wake_meets_the_end_of_a_poll() {
    model(|| {
        let (pool, tally, signal) = (pool(1).build().unwrap(), Tally::default(), Signal::default());
        let handle = pool.spawn_future(signal.wait(&tally)).unwrap();
        signal.set();
        handle.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

#[test]
fn two_wakes_meet_polls_by_two_workers() {
    model(|| {
        let (pool, tally, signal) = (pool(2).build().unwrap(), Tally::default(), Signal::default());
        let handle = pool.spawn_future(signal.wait(&tally)).unwrap();
        let other = {
            let signal = signal.clone();
            thread::spawn(move || signal.wake())
        };
        pool.submit(tally.job()).unwrap();
        signal.set();
        handle.join().unwrap();
        other.join().unwrap();
        // It is over.
        signal.wake();
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

#[test]
fn a_cancel_meets_a_wake() {
    model(|| {
        let (pool, tally, signal) = (pool(1).build().unwrap(), Tally::default(), Signal::default());
        let handle = pool.spawn_future(signal.wait(&tally)).unwrap();
        let other = {
            let (signal, tally) = (signal.clone(), tally.clone());
            thread::spawn(move || {
                // It may be cancelled before it was ever polled.
                while tally.left() > 0 && signal.state.lock().unwrap().1.is_none() {
                    thread::yield_now();
                }
                signal.state.lock().unwrap().0 = true;
                signal.wake();
            })
        };
        handle.cancel();
        let was_cancelled = is_cancelled(handle.join());
        other.join().unwrap();
        assert_eq!((tally.ran(), tally.dropped()), (usize::from(!was_cancelled), usize::from(was_cancelled)));
        pool.shutdown();
        check(&pool, Ends::of(&tally));
    });
}

#[test]
fn a_cancel_of_a_group_meets_a_poll() {
    model(|| {
        let (pool, tally, signal) = (pool(1).build().unwrap(), Tally::default(), Signal::default());
        let one_by_one = group(&pool, |group| group.limit(1));
        let handle = one_by_one.spawn_future(signal.wait(&tally)).unwrap();
        // It has the only place while the future does not.
        one_by_one.submit(tally.job()).unwrap();
        let other = {
            let one_by_one = one_by_one.clone();
            thread::spawn(move || one_by_one.cancel())
        };
        assert!(one_by_one.wait());
        assert!(is_cancelled(handle.join()));
        other.join().unwrap();
        signal.wake();
        check_group(&one_by_one, Ends::of(&tally));
        pool.shutdown();
    });
}

#[test]
fn a_drain_waits_for_a_wake() {
    model(|| {
        let (pool, tally, signal) = (pool(1).build().unwrap(), Tally::default(), Signal::default());
        drop(pool.spawn_future(signal.wait(&tally)));
        let other = thread::spawn(move || signal.set());
        pool.shutdown();
        other.join().unwrap();
        check(&pool, Ends::ran(1));
    });
}

#[test]
fn a_stop_meets_a_wake() {
    model(|| {
        let (pool, tally, signal) = (pool(1).build().unwrap(), Tally::default(), Signal::default());
        let handle = pool.spawn_future(signal.wait(&tally)).unwrap();
        let other = {
            let signal = signal.clone();
            thread::spawn(move || {
                signal.state.lock().unwrap().0 = true;
                signal.wake();
            })
        };
        pool.shutdown_now();
        assert_eq!(is_cancelled(handle.join()), tally.ran() == 0);
        other.join().unwrap();
        signal.wake();
        check(&pool, Ends::of(&tally));
    });
}

/// Whoever has time polls it, too, and puts it back.
#[test]
fn another_than_a_worker_polls() {
    model(|| {
        let (pool, tally, signal) = (pool(1).build().unwrap(), Tally::default(), Signal::default());
        let handle = pool.spawn_future(signal.wait(&tally)).unwrap();
        let other = {
            let signal = signal.clone();
            thread::spawn(move || signal.set())
        };
        pool.run_one();
        handle.join().unwrap();
        other.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(1));
    });
}

#[test]
fn a_job_follows_one_that_ends_meanwhile() {
    model(|| {
        let (first, second): (Pool, Pool) = (pool(1).build().unwrap(), pool(1).build().unwrap());
        let (tally, ends) = (Tally::default(), Tally::default());
        let job = first.spawn(tally.job()).unwrap();
        let (next, count) = (ends.job(), tally.clone());
        let follows = job.then(&second, move |result| {
            assert!(result.is_ok() && count.ran() == 1);
            next();
        });
        follows.unwrap().join().unwrap();
        first.shutdown();
        second.shutdown();
        check(&first, Ends::ran(1));
        check(&second, Ends::ran(1));
    });
}

#[test]
fn the_pool_of_a_job_that_follows_ends() {
    model(|| {
        let (first, second): (Pool, Pool) = (pool(1).build().unwrap(), pool(1).build().unwrap());
        let (tally, ends, flag) = (Tally::default(), Tally::default(), Flag::default());
        let wait = flag.clone();
        let job = first.spawn(tally.with(move || wait.wait())).unwrap();
        let next = ends.job();
        let follows = job.then(&second, move |result| {
            result.unwrap();
            next();
        });
        let closer = {
            let second = second.clone();
            thread::spawn(move || second.shutdown_now())
        };
        flag.raise();
        assert_eq!(is_cancelled(follows.unwrap().join()), ends.ran() == 0);
        closer.join().unwrap();
        first.shutdown();
        check(&first, Ends::ran(1));
        check(&second, Ends::of(&ends));
    });
}
