//! Code of users that panics where it should not: wakers, destructors.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use shuttle::future::block_on;
use shuttle::thread;

use super::{Ends, Flag, Tally, check, model, pool};
use crate::{Cancellation, Semaphore};

/// Panics without a word, when it is woken or dropped: the hook would have it in the report of each schedule.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        resume_unwind(Box::new("a waker"));
    }
}

struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        if !thread::panicking() {
            resume_unwind(Box::new("a destructor"));
        }
    }
}

/// Polls once, with a waker that panics.
fn poll_with_bomb<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
    let waker = Waker::from(Arc::new(Bomb));
    future.poll(&mut Context::from_waker(&waker)).is_ready()
}

/// The worker goes on, and whoever else waits is woken.
#[test]
fn a_waker_of_a_handle_panics() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let mut handle = Box::pin(pool.spawn(tally.job()).unwrap());
        let is_ready = poll_with_bomb(handle.as_mut());
        if !is_ready {
            std::pin::Pin::into_inner(handle).join().unwrap();
        }
        pool.submit(tally.job()).unwrap();
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// Another is in line behind a task whose waker panics; a task as well, since a thread would look some ten times before it joins
/// the line, and find its permit there. No third is: while one can go on, any that is parked may wake for no reason, and then
/// would not need to be woken.
#[test]
fn a_waker_in_line_panics() {
    model(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let mut task = pin!(semaphore.acquire_async(1));
        assert!(!poll_with_bomb(task.as_mut()));
        let behind = {
            let semaphore = Arc::clone(&semaphore);
            thread::spawn(move || block_on(semaphore.acquire_async(1)).unwrap().forget())
        };
        // Not waited for until it is in line: who looks again and again gives priority to all others, for good.
        assert!(catch_unwind(AssertUnwindSafe(|| semaphore.release(2))).is_err());
        behind.join().unwrap();
        match task.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(permit) => permit.unwrap().forget(),
            Poll::Pending => panic!("a permit was meant for it"),
        }
        assert_eq!(semaphore.value(), 0);
    });
}

/// A reader of results whose waker panics, when what it waits for comes or the pool ends, costs no job its end. It is called
/// with nothing locked.
#[test]
fn a_waker_of_a_reader_panics() {
    model(|| {
        let (pool, tally) = (crate::Pool::<u32>::builder().threads(1).build().unwrap(), Tally::default());
        let one = {
            let pool = pool.clone();
            thread::spawn(move || {
                let mut permit = Box::pin(pool.done_cnt().acquire_async(1));
                let _ = poll_with_bomb(permit.as_mut());
                drop(permit);
            })
        };
        let mut too_many = Box::pin(pool.done_cnt().acquire_async(3));
        assert!(!poll_with_bomb(too_many.as_mut()));
        for _ in 0..2 {
            pool.submit(tally.with(|| 1)).unwrap();
        }
        pool.shutdown();
        assert!(too_many.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        one.join().unwrap();
        check(&pool, Ends::ran(2));
    });
}

/// What a job owns panics as it is dropped: after its run, or when it is removed.
#[test]
fn a_destructor_panics() {
    model(|| {
        let (pool, tally) = (pool(1).build().unwrap(), Tally::default());
        let started = Flag::default();
        let raise = started.clone();
        let fragile = Fragile;
        let id = pool
            .submit(tally.with(move || {
                let _fragile = fragile;
                raise.raise();
            }))
            .unwrap();
        let canceller = {
            let pool = pool.clone();
            thread::spawn(move || pool.cancel(id))
        };
        pool.submit(tally.job()).unwrap();
        assert!(pool.wait_idle());
        let removed = usize::from(canceller.join().unwrap() == Cancellation::Removed);
        pool.shutdown();
        check(&pool, Ends { done: 1, failed: 1 - removed, cancelled: removed });
    });
}
