//! A child of a process whose pool has threads: they are not there, and it gets on without them.
//!
//! In a process of its own, since it forks; one test at a time, so that no other is in the middle of something then.
#![cfg(target_os = "linux")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use fastthreadpool::{Cancellation, NotMoved, Pool, Semaphore, SubmitError};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs `child` in a child; it ends with what that returns, or fails.
fn fork(child: impl FnOnce() -> i32) -> libc::pid_t {
    // SAFETY: the child does what it is given, and ends without returning from here.
    match unsafe { libc::fork() } {
        0 => {
            // A child that hangs is killed.
            // SAFETY: no handler is installed.
            unsafe { libc::alarm(20) };
            let status = catch_unwind(AssertUnwindSafe(child)).unwrap_or(99);
            // SAFETY: ends the child with nothing else run.
            unsafe { libc::_exit(status) };
        }
        child => {
            assert!(child > 0, "there is a child");
            child
        }
    }
}

/// Waits for a child; returns how it ended.
fn wait_for(child: libc::pid_t) -> i32 {
    let mut status = 0;
    // SAFETY: the status is a number of this function.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child);
    assert!(libc::WIFEXITED(status), "the child ended with {status:#x}");
    libc::WEXITSTATUS(status)
}

/// What the child does: lets go of a pool in every way that ends or waits. False if one of them says that it has ended.
fn let_go(pool: Pool<u32>, view: Pool<String>) -> bool {
    let waited = pool.wait_idle() || pool.wait_idle_timeout(Duration::MAX);
    pool.shutdown();
    pool.shutdown_now();
    let ended = view.shutdown_timeout(Duration::MAX);
    drop((pool, view));
    !waited && !ended
}

#[test]
fn a_child_can_let_go_of_a_pool_and_the_parent_goes_on() {
    let _alone = ONE_AT_A_TIME.lock();
    let pool: Pool<u32> = Pool::builder().threads(2).on_failed(drop).build().unwrap();
    let texts = pool.with_results::<String>();
    texts.submit(|| "a result that nobody reads".to_owned()).unwrap();
    texts.wait_idle();
    // One worker is in the middle of a job, the other asleep, and a job waits for its time.
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (has_begun, wait) = (Arc::clone(&begun), Arc::clone(&gate));
    pool.submit(move || {
        has_begun.release(1).unwrap();
        wait.acquire().unwrap().forget();
        1
    })
    .unwrap();
    begun.acquire().unwrap().forget();
    let late = pool.submit_later(Duration::from_hours(1), || 2).unwrap();

    // The pool as the parent has it, all its handles: this side's own to drop.
    let (own, view) = (pool.clone(), texts.clone());
    let mut handles = Some((pool, texts));
    let child = fork(|| {
        drop((own.clone(), view.clone()));
        handles.take().map_or(1, |(pool, view)| i32::from(!let_go(pool, view)))
    });
    let (pool, texts) = handles.take().unwrap();
    drop((own, view));
    let status = wait_for(child);
    // Before anything fails: a pool that is dropped waits for its jobs.
    gate.release(1).unwrap();
    let _ = pool.cancel(late);
    assert_eq!(status, 0);

    assert!(pool.wait_idle());
    (3..100).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.shutdown();
    assert_eq!(pool.done().len(), 98);
    assert_eq!(texts.done().len(), 1);
}

/// What comes back when a pool of another process is asked to take a job.
fn refused<F: FnOnce() -> u32>(submitted: Result<impl Sized, SubmitError<F>>) -> Option<u32> {
    match submitted {
        Err(error @ SubmitError::Forked(_)) => Some(error.into_inner()()),
        _ => None,
    }
}

#[test]
fn a_child_is_refused_with_a_reason_and_makes_a_pool_of_its_own() {
    let _alone = ONE_AT_A_TIME.lock();
    let pool: Pool<u32> = Pool::builder().threads(2).build().unwrap();
    let unused: Pool<u32> = Pool::builder().threads(1).build().unwrap();
    let free = pool.group::<u32>().build().unwrap();
    let limited = pool.group::<u32>().limit(1).keyed().pausable().build().unwrap();
    // Too large for its slot: so there is a page, of which this thread has the rest.
    let large = [1_u32; 40];
    pool.submit(move || large[39]).unwrap();
    pool.wait_idle();
    let producer = pool.producer();
    let late = pool.submit_at(SystemTime::now() + Duration::from_hours(1), || 8).unwrap();
    let child = fork(|| {
        let hour = Duration::from_hours(1);
        let refusals = [
            refused(pool.submit(move || 6 + large[0])),
            refused(pool.submit_first(|| 7)),
            refused(pool.submit_later(hour, || 7)),
            refused(pool.submit_at(SystemTime::now() + hour, || 7)),
            refused(pool.spawn(|| 7)),
            refused(pool.job(|| 7).name("late").submit()),
            refused(free.submit(|| 7)),
            refused(free.submit_later(hour, || 7)),
            refused(limited.submit(|| 7)),
            refused(limited.spawn(|| 7)),
            refused(producer.submit(|| 7)),
            refused(producer.clone().submit(|| 7)),
        ];
        assert_eq!(refusals, [Some(7); 12]);
        assert_eq!(pool.reschedule(late, SystemTime::now()), Err(NotMoved::Closed));
        assert!(!free.wait() && !limited.wait() && free.cancel() == 0 && !pool.wait_ended(None));
        // What the parent has left there can be read.
        assert_eq!(pool.done().try_pop().map(|done| done.value), Some(1));

        let own: Pool<u32> = Pool::builder().threads(2).build().unwrap();
        let group = own.group::<u32>().limit(1).build().unwrap();
        (0..100).for_each(|n| _ = own.submit(move || n * large[39]).unwrap());
        (0..100).for_each(|n| _ = group.submit(move || n).unwrap());
        assert!(own.wait_idle() && group.wait());
        assert_eq!((own.done().len(), group.done().len()), (100, 100));
        own.shutdown();
        // Of this one the parent has not used a thread.
        unused.producer().submit(|| 5).unwrap();
        assert!(unused.wait_idle());
        unused.shutdown();
        i32::from(unused.done().pop().map(|done| done.value) != Some(5))
    });
    let status = wait_for(child);
    assert_eq!((status, pool.cancel(late)), (0, Cancellation::Removed));
    pool.submit(|| 2).unwrap();
    unused.submit(|| 3).unwrap();
    pool.shutdown();
    unused.shutdown();
    assert_eq!((pool.done().len(), unused.done().len()), (2, 1));
}

#[test]
fn a_child_may_exit_as_any_process() {
    static POOL: Mutex<Option<Pool<u32>>> = Mutex::new(None);
    let _alone = ONE_AT_A_TIME.lock();
    let pool: Pool<u32> = Pool::builder().threads(1).on_done(drop).build().unwrap();
    pool.submit(|| 1).unwrap();
    pool.wait_idle();
    *POOL.lock().unwrap() = Some(pool.clone());
    let child = fork(|| {
        drop(POOL.lock().unwrap().take());
        // With all that is run at the end of a process.
        std::process::exit(6)
    });
    assert_eq!(wait_for(child), 6);
    drop(POOL.lock().unwrap().take());
    pool.shutdown();
    assert_eq!(pool.counts().done, 1);
}
