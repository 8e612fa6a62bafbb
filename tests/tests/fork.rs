//! A child of a process whose pool has threads: they are not there, and it gets on without them.
//!
//! One test in a process of its own, since it forks.
#![cfg(target_os = "linux")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool::{Pool, Semaphore};

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

    // SAFETY: the child only lets go of the pool, and ends without returning from here.
    match unsafe { libc::fork() } {
        0 => {
            // A child that hangs is killed.
            // SAFETY: no handler is installed.
            unsafe { libc::alarm(20) };
            // The pool as the parent has it, all its handles: this side's own to drop.
            let let_go = catch_unwind(AssertUnwindSafe(|| let_go(pool, texts)));
            // SAFETY: ends the child with nothing else run.
            unsafe { libc::_exit(i32::from(!matches!(let_go, Ok(true)))) };
        }
        child => {
            assert!(child > 0, "there is a child");
            let mut status = 0;
            // SAFETY: the status is a number of this function.
            let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
            // Before anything fails: a pool that is dropped waits for its jobs.
            gate.release(1).unwrap();
            let _ = pool.cancel(late);
            assert_eq!(waited, child);
            assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "the child ended with {status:#x}");
        }
    }

    assert!(pool.wait_idle());
    (3..100).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.shutdown();
    assert_eq!(pool.done().len(), 98);
    assert_eq!(texts.done().len(), 1);
}
