//! Handles: join, time limits, cancellation, and awaiting.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use fastthreadpool::{Cancellation, JobError, JoinHandle, Pool};

use crate::support::{Drops, Occupied, pool};

#[test]
fn a_handle_returns_what_the_job_returned_whatever_its_type() {
    let pool: Pool = pool(2);
    assert_eq!(pool.spawn(|| "text").unwrap().join().unwrap(), "text");
    assert_eq!(pool.spawn(|| Err::<u8, _>(7)).unwrap().join().unwrap(), Err(7), "a `Result` is a value here");
    let large = pool.spawn(|| vec![1_u8; 1000]).unwrap().join().unwrap();
    assert_eq!(large.len(), 1000);
    assert!(pool.done().is_empty() && pool.failed().is_empty());
    pool.wait_idle();
    assert_eq!(pool.counts().done, 3);
}

#[test]
fn a_panic_arrives_with_its_message_and_payload() {
    let pool: Pool = pool(1);
    let handle = pool.spawn(|| -> u8 { std::panic::panic_any(42_u64) }).unwrap();
    let Err(JobError::Panicked(panic)) = handle.join() else { panic!("it panicked") };
    assert_eq!(panic.message(), "a payload that is not text");
    assert_eq!(panic.into_payload().downcast_ref::<u64>(), Some(&42));
    pool.wait_idle();
    assert_eq!((pool.counts().failed, pool.failed().len()), (1, 0));
}

#[test]
fn waiting_with_a_limit_gives_the_handle_back() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let handle = pool.spawn(|| 7).unwrap();
    assert!(!handle.is_finished());
    let began = Instant::now();
    let handle = handle.join_timeout(Duration::from_millis(3)).unwrap_err();
    assert!(began.elapsed() >= Duration::from_millis(3));
    let handle = handle.join_timeout(Duration::ZERO).unwrap_err();
    drop(occupied);
    pool.wait_idle();
    assert!(handle.is_finished());
    assert_eq!(handle.join_timeout(Duration::ZERO).unwrap().unwrap(), 7);
    assert_eq!(pool.spawn(|| 8).unwrap().join_timeout(Duration::MAX).unwrap().unwrap(), 8);
}

#[test]
fn a_cancelled_job_says_so_to_its_handle() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let drops = Drops::default();
    let token = drops.one();
    let handle = pool.spawn(move || drop(token)).unwrap();
    assert_eq!(pool.cancel(handle.id()), Cancellation::Removed);
    assert_eq!((drops.count(), handle.is_finished()), (1, true));
    assert_eq!(handle.cancel(), Cancellation::TooLate);
    assert!(matches!(handle.join(), Err(JobError::Cancelled)));

    let other = pool.spawn(|| 1).unwrap();
    assert_eq!(other.cancel(), Cancellation::Removed);
    let last = pool.spawn(|| 2).unwrap();
    pool.cancel_queued();
    assert!(matches!(last.join(), Err(JobError::Cancelled)));
    drop(occupied);
}

#[test]
fn a_dropped_handle_lets_its_job_run() {
    let pool: Pool = pool(1);
    let count = Arc::new(AtomicUsize::new(0));
    for _ in 0..10 {
        let count = Arc::clone(&count);
        drop(pool.spawn(move || count.fetch_add(1, Ordering::SeqCst)));
    }
    pool.shutdown();
    assert_eq!(count.load(Ordering::SeqCst), 10);
}

#[test]
fn nested_joins_ten_deep_on_one_worker_do_not_deadlock() {
    fn nest(pool: &Pool, depth: u32) -> u32 {
        if depth == 0 {
            return 0;
        }
        let inner = pool.clone();
        pool.spawn(move || nest(&inner, depth - 1)).unwrap().join().unwrap() + 1
    }
    for threads in 1..=2 {
        let pool: Pool = pool(threads);
        let inner = pool.clone();
        assert_eq!(pool.spawn(move || nest(&inner, 10)).unwrap().join().unwrap(), 10);
        assert_eq!(nest(&pool, 10), 10);
        pool.wait_idle();
        assert_eq!(pool.counts().done, 21);
    }
}

#[test]
fn a_job_that_waits_for_one_behind_others_runs_only_that_one() {
    let pool: Pool = pool(1);
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let inner = pool.clone();
    let log = Arc::clone(&order);
    let outer = pool.spawn(move || {
        let say = |text| {
            let log = Arc::clone(&log);
            move || log.lock().unwrap().push(text)
        };
        let first = inner.spawn(say("first")).unwrap();
        let second = inner.spawn(say("second")).unwrap();
        second.join().unwrap();
        log.lock().unwrap().push("outer");
        first
    });
    outer.unwrap().join().unwrap().join().unwrap();
    assert_eq!(*order.lock().unwrap(), ["second", "outer", "first"]);
}

#[test]
fn a_stand_in_works_while_a_job_waits_for_a_running_one() {
    let pool: Pool = pool(1);
    let inner = pool.clone();
    // The inner job runs on the stand-in, and waits for a third that only a further one can run.
    let outer = pool.spawn(move || {
        let (sender, receiver) = std::sync::mpsc::channel();
        let innermost = inner.clone();
        let middle = inner.spawn(move || {
            let third = innermost.spawn(move || sender.send(3).unwrap()).unwrap();
            third.join().unwrap();
        });
        let middle = middle.unwrap().join_timeout(Duration::MAX);
        middle.unwrap().unwrap();
        receiver.recv().unwrap()
    });
    assert_eq!(outer.unwrap().join().unwrap(), 3);
    pool.wait_idle();
    assert!(pool.alive() >= 1);
}

#[test]
fn a_wait_that_could_never_end_says_so() {
    // Each job waits for its own handle, which nobody can fill: sooner or later no seat is left for a stand-in.
    let pool: Pool = pool(1);
    let handle: Arc<std::sync::Mutex<Option<JoinHandle<bool>>>> = Arc::default();
    let own = Arc::clone(&handle);
    let occupied = Occupied::new(&pool);
    let job = pool.spawn(move || {
        let own = own.lock().unwrap().take().unwrap();
        matches!(own.join_timeout(Duration::from_millis(1)), Err(_) | Ok(Err(JobError::WouldDeadlock)))
    });
    *handle.lock().unwrap() = Some(job.unwrap());
    drop(occupied);
    pool.wait_idle();
    assert_eq!(pool.counts().failed, 0);
}

struct Unparks(Thread, AtomicUsize);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.unpark();
    }
}

/// As small as an executor can be.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unparks(thread::current(), AtomicUsize::new(0))));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_handle_is_a_future_without_a_runtime() {
    let pool: Pool = pool(1);
    assert_eq!(block_on(pool.spawn(|| 7).unwrap()).unwrap(), 7);
    let sum = block_on(async {
        let handles: Vec<_> = (0..10).map(|n| pool.spawn(move || n).unwrap()).collect();
        let mut sum = 0;
        for handle in handles {
            sum += handle.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 45);
    assert!(matches!(block_on(pool.spawn(|| -> u8 { panic!("oh") }).unwrap()), Err(JobError::Panicked(_))));
}

#[test]
fn only_the_last_waker_is_woken_and_once() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let mut handle = pin!(pool.spawn(|| 7).unwrap());
    let wakers: Vec<_> = (0..2).map(|_| Arc::new(Unparks(thread::current(), AtomicUsize::new(0)))).collect();
    for waker in &wakers {
        let waker = Waker::from(Arc::clone(waker));
        assert!(handle.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    drop(occupied);
    pool.wait_idle();
    let counts: Vec<_> = wakers.iter().map(|waker| waker.1.load(Ordering::SeqCst)).collect();
    assert_eq!(counts, [0, 1]);
    assert!(handle.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn polling_on_after_the_end_is_a_mistake() {
    let pool: Pool = pool(1);
    let mut handle = pin!(pool.spawn(|| 7).unwrap());
    pool.wait_idle();
    for _ in 0..2 {
        let _ = handle.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}
