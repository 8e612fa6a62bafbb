//! Those who wait for room in a bounded queue, and who makes some, who shuts the door, who gives up.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

use shuttle::thread::{self, JoinHandle, Thread};

use super::{Ends, Flag, Tally, check, check_group, group, model, pool};
use crate::{CancelReason, Group, JobId, Pool, SubmitError, WhenFull};

/// A thread that submits a job with patience. Returns how it went, and nothing of the function.
fn waits(group: &Group, tally: &Tally) -> JoinHandle<Result<JobId, SubmitError<()>>> {
    let (group, job) = (group.clone(), tally.job());
    thread::spawn(move || group.submit_wait(job).map_err(|error| error.split().1))
}

/// All room is free, nobody waits for some: the equation of the door, when nobody holds any.
fn check_door(group: &Group, capacity: usize) {
    let door = group.inner.core.door.as_ref().unwrap();
    assert_eq!(door.counts(), (capacity, 0));
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future until it is ready.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Arc::new(Unpark(thread::current())).into();
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn who_waits_meets_who_leaves() {
    model(|| {
        let (pool, tally) = (pool(2).queue_capacity(1).build().unwrap(), Tally::default());
        let waiting = [waits(&pool, &tally), waits(&pool, &tally)];
        let task = {
            let (pool, job) = (pool.clone(), tally.job());
            thread::spawn(move || block_on(pool.submit_async(job)).is_ok())
        };
        for waiting in waiting {
            assert!(waiting.join().unwrap().is_ok());
        }
        assert!(task.join().unwrap());
        pool.shutdown();
        check(&pool, Ends::ran(3));
        check_door(&pool, 1);
    });
}

#[test]
fn who_waits_meets_the_end_of_the_pool() {
    model(|| {
        let (pool, tally) = (pool(1).queue_capacity(1).build().unwrap(), Tally::default());
        pool.submit_later(Duration::from_secs(3600), tally.job()).unwrap();
        let waiting = waits(&pool, &tally);
        let task = {
            let (pool, job) = (pool.clone(), tally.job());
            thread::spawn(move || block_on(pool.submit_async(job)).map_err(|error| error.split().1))
        };
        let removed = pool.shutdown_now().len();
        let ends = [waiting.join().unwrap(), task.join().unwrap()];
        let accepted = ends.iter().filter(|end| end.is_ok()).count();
        assert!(ends.iter().all(|end| matches!(end, Ok(_) | Err(SubmitError::Closed(())))));
        assert!(removed <= 1 + accepted);
        check_door(&pool, 1);
        assert_eq!(tally.left(), 0);
    });
}

/// Nobody makes room: the close alone ends the wait.
#[test]
fn who_waits_meets_a_close_that_removes_nothing() {
    model(|| {
        let (pool, tally, begun) = (pool(1).build().unwrap(), Tally::default(), Flag::default());
        let narrow = group(&pool, |group| group.queue_capacity(1));
        let (open, gate) = (Flag::default(), Flag::default());
        let occupies = {
            let (begun, open) = (begun.clone(), open.clone());
            tally.with(move || {
                begun.raise();
                open.wait();
            })
        };
        pool.submit(occupies).unwrap();
        begun.wait();
        narrow.submit(tally.job()).unwrap();
        let waiting = waits(&narrow, &tally);
        let closer = {
            let (pool, gate) = (pool.clone(), gate.clone());
            thread::spawn(move || {
                pool.shutdown_timeout(Duration::ZERO);
                gate.raise();
            })
        };
        assert!(matches!(waiting.join().unwrap(), Err(SubmitError::Closed(()))));
        gate.wait();
        closer.join().unwrap();
        open.raise();
        pool.shutdown();
        check(&pool, Ends::ran(2));
        check_door(&narrow, 1);
    });
}

#[test]
fn who_waits_meets_a_failure() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let fails = group(&pool, |group| group.fail_fast().queue_capacity(1));
        let inside = fails.group::<()>().queue_capacity(1).build().unwrap();
        let id = inside.submit_later(Duration::from_secs(3600), tally.job()).unwrap();
        let waiting = waits(&inside, &tally);
        drop(fails.spawn(|| resume_unwind(Box::new("on purpose"))).unwrap());
        let end = waiting.join().unwrap();
        assert!(matches!(end, Ok(_) | Err(SubmitError::Closed(()))));
        pool.cancel(id);
        assert!(fails.wait());
        pool.shutdown();
        check_door(&inside, 1);
        check_door(&fails, 1);
        assert_eq!(tally.left(), 0);
    });
}

/// Whoever gives up takes no room with it, be it given meanwhile.
#[test]
fn who_gives_up_meets_who_leaves() {
    model(|| {
        let (pool, tally) = (pool(1).queue_capacity(1).build().unwrap(), Tally::default());
        pool.submit(tally.job()).unwrap();
        let late = {
            let (pool, job) = (pool.clone(), tally.job());
            thread::spawn(move || {
                let end = pool.submit_timeout(Duration::from_millis(1), job);
                assert!(matches!(end, Ok(_) | Err(SubmitError::TimedOut(_))));
            })
        };
        let dropped = {
            let (pool, job) = (pool.clone(), tally.job());
            thread::spawn(move || {
                let waker = Arc::new(Unpark(thread::current())).into();
                let _ = pin!(pool.submit_async(job)).poll(&mut Context::from_waker(&waker));
            })
        };
        let waiting = waits(&pool, &tally);
        assert!(waiting.join().unwrap().is_ok());
        late.join().unwrap();
        dropped.join().unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(tally.ran()));
        check_door(&pool, 1);
        assert_eq!(tally.left(), 0);
    });
}

/// However few workers there are; and who would be the last of them is told.
#[test]
fn jobs_wait_for_room_in_their_own_queue() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let narrow = group(&pool, |group| group.queue_capacity(1).limit(1));
        let jobs: Vec<_> = (0..2).map(|_| (narrow.clone(), [tally.job(), tally.job()])).collect();
        for (inner, inside) in jobs {
            let job = tally.with(move || inside.into_iter().for_each(|job| _ = inner.submit_wait(job).unwrap()));
            narrow.submit_wait(job).unwrap();
        }
        assert!(narrow.wait());
        pool.shutdown();
        check_group(&narrow, Ends::ran(6));
        check_door(&narrow, 1);
    });
}

#[test]
fn those_who_displace_meet_each_other_and_a_worker() {
    model(|| {
        let (pool, tally, told) = (pool(1).build().unwrap(), Tally::default(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&told);
        let latest = group(&pool, |group| {
            group.queue_capacity(1).when_full(WhenFull::DropOldest).on_cancelled(move |_, reason| {
                assert_eq!(reason, CancelReason::Displaced);
                count.fetch_add(1, Ordering::Relaxed);
            })
        });
        let other = {
            let (latest, jobs) = (latest.clone(), [tally.job(), tally.job()]);
            thread::spawn(move || jobs.into_iter().for_each(|job| _ = latest.submit(job).unwrap()))
        };
        (0..2).for_each(|_| _ = latest.submit(tally.job()).unwrap());
        other.join().unwrap();
        assert!(latest.wait());
        pool.shutdown();
        check_group(&latest, Ends::of(&tally));
        assert_eq!((tally.ran() + tally.dropped(), told.load(Ordering::Relaxed)), (4, tally.dropped()));
        check_door(&latest, 1);
    });
}

#[test]
fn those_who_run_their_own_jobs_meet_a_worker_and_a_shutdown() {
    model(|| {
        let pool: Pool = pool(1).queue_capacity(1).when_full(WhenFull::RunHere).build().unwrap();
        let tally = Tally::default();
        let other = {
            let (pool, jobs) = (pool.clone(), [tally.job(), tally.job()]);
            thread::spawn(move || jobs.into_iter().filter_map(|job| pool.submit(job).ok()).count())
        };
        let accepted = (0..2).filter_map(|_| pool.submit(tally.job()).ok()).count();
        pool.shutdown();
        let accepted = accepted + other.join().unwrap();
        check(&pool, Ends::ran(accepted));
        assert_eq!((tally.ran(), tally.left()), (accepted, 0));
        check_door(&pool, 1);
    });
}
