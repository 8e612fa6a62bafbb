//! Panics wherever user code runs: none takes a worker, a count or the pool with it.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use fastthreadpool::{JobError, Pool};

use crate::support::{Bomb, Dropped, Drops, Occupied, pool, values};

/// The pool works as before, with all counts in order.
fn assert_well(pool: &Pool<u32>) {
    assert!(pool.wait_idle());
    pool.done().drain().for_each(drop);
    let threads = pool.alive();
    (0..10).for_each(|n| _ = pool.submit(move || n).unwrap());
    assert!(pool.wait_idle());
    assert_eq!(values(pool.done()), (0..10).collect::<Vec<_>>());
    assert_eq!((pool.pending(), pool.busy(), pool.alive()), (0, 0, threads));
}

#[test]
fn in_jobs() {
    let pool: Pool<u32> = pool(1);
    for n in 0..100 {
        pool.submit(move || -> u32 { panic!("number {n}") }).unwrap();
    }
    pool.wait_idle();
    for (n, failed) in pool.failed().drain().enumerate() {
        assert!(matches!(failed.error, JobError::Panicked(panic) if panic.message() == format!("number {n}")));
    }
    assert_eq!((pool.counts().failed, pool.counts().done), (100, 0));
    assert_well(&pool);
}

#[test]
fn in_destructors_of_what_a_job_captured() {
    let pool: Pool<u32> = pool(1);
    // Dropped by the job, after it, when it is cancelled, and with all others.
    let bomb = Bomb;
    pool.submit(move || (bomb, 1).1).unwrap();
    let occupied = Occupied::new(&pool);
    let bomb = Bomb;
    let id = pool.submit(move || (bomb, 1).1).unwrap();
    pool.cancel(id);
    for _ in 0..3 {
        let (bomb, other) = (Bomb, Bomb);
        pool.submit(move || (bomb, 1).1).unwrap();
        pool.submit_later(crate::support::HOUR, move || (other, 1).1).unwrap();
    }
    assert_eq!((pool.cancel_queued().len(), pool.cancel_timers().len()), (3, 3));
    drop(occupied);
    assert_well(&pool);
    assert_eq!(pool.counts().cancelled, 7);
}

#[test]
fn in_destructors_of_results() {
    struct Result(Bomb);
    let pool: Pool<Result> = pool(1);
    pool.job(|| Result(Bomb)).discard().submit().unwrap();
    pool.submit_done(|| Result(Bomb), |_, result| drop(result)).unwrap();
    drop(pool.spawn(|| Result(Bomb)).unwrap());
    pool.submit(|| Result(Bomb)).unwrap();
    pool.wait_idle();
    pool.reset();
    assert!(pool.done().is_empty());
    let numbers = pool.with_results::<u32>();
    assert_well(&numbers);
}

#[test]
fn in_destructors_of_errors_and_payloads() {
    #[derive(Debug)]
    struct Failure(#[expect(dead_code, reason = "dropped")] Arc<Bomb>);
    impl std::fmt::Display for Failure {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("failure")
        }
    }
    impl std::error::Error for Failure {}

    let pool: Pool<u32> = pool(1);
    pool.submit(|| Err::<u32, _>(Failure(Arc::new(Bomb)))).unwrap();
    pool.submit(|| -> u32 { std::panic::panic_any(Bomb) }).unwrap();
    drop(pool.spawn(|| -> u32 { std::panic::panic_any(Bomb) }).unwrap());
    pool.periodic(|| -> u32 { std::panic::panic_any(Bomb) })
        .every(Duration::from_micros(100))
        .stop_on_failure()
        .submit()
        .unwrap();
    pool.wait_idle();
    while pool.counts().timers > 0 {
        std::thread::yield_now();
    }
    pool.wait_idle();
    assert_eq!((pool.counts().failed, pool.failed().len()), (4, 3));
    // Here it is the pool that drops them; who pops an entry drops it where a panic is his own.
    pool.reset();
    assert_well(&pool);
}

/// A payload whose destructor panics with the next, so many times.
struct Chain(usize, #[expect(dead_code, reason = "dropped")] crate::support::Dropped, Drops);

impl Chain {
    fn new(links: usize, drops: &Drops) -> Self {
        Self(links, drops.one(), drops.clone())
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        if self.0 > 0 {
            std::panic::panic_any(Self::new(self.0 - 1, &self.2));
        }
    }
}

/// The same without an end. It holds nothing, so what is left somewhere is no leak that counts.
struct Endless;

impl Drop for Endless {
    fn drop(&mut self) {
        std::panic::panic_any(Self);
    }
}

#[test]
fn in_destructors_of_the_payloads_of_destructors() {
    let pool: Pool<u32> = pool(1);
    let drops = Drops::default();
    let chain = Chain::new(4, &drops);
    pool.submit(move || (chain, 1).1).unwrap();
    pool.wait_idle();
    // All of it in the failure, which the pool drops.
    pool.reset();
    assert_eq!(drops.count(), 5, "each payload is dropped");
    let occupied = Occupied::new(&pool);
    let endless = Endless;
    let id = pool.submit(move || (endless, 1).1).unwrap();
    pool.cancel(id);
    drop(occupied);
    pool.submit(|| -> u32 { std::panic::panic_any(Endless) }).unwrap();
    pool.wait_idle();
    pool.reset();
    assert_well(&pool);
}

#[test]
fn in_iterators_and_their_destructors() {
    struct Items(Bomb, u32);
    impl Iterator for Items {
        type Item = u32;
        fn next(&mut self) -> Option<u32> {
            self.1 += 1;
            (self.1 < 3).then_some(self.1)
        }
    }
    let pool: Pool<u32> = pool(1);
    pool.submit_iter(|| Items(Bomb, 0)).unwrap();
    pool.wait_idle();
    assert_eq!(values(pool.done()), [1, 2]);
    assert_well(&pool);
}

#[test]
fn in_wakers() {
    use std::future::Future;
    use std::task::{Context, Wake, Waker};
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker");
        }
    }
    let pool: Pool<u32> = pool(1);
    let occupied = Occupied::new(&pool);
    let mut handle = std::pin::pin!(pool.spawn(|| 7).unwrap());
    let waker = Waker::from(Arc::new(Panics));
    assert!(handle.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(occupied);
    assert_well(&pool);
    assert!(handle.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[test]
fn nothing_is_dropped_twice_or_kept() {
    let drops = Drops::default();
    let pool: Pool<u32> = pool(1);
    for n in 0..100 {
        let token = drops.one();
        pool.submit(move || {
            let _token = token;
            assert!(n % 2 == 0, "odd");
            n
        })
        .unwrap();
    }
    pool.wait_idle();
    assert_eq!(drops.count(), 100);
}

#[test]
fn in_destructors_of_values_that_nobody_wants_any_more() {
    let pool: Pool<u32> = pool(1);
    let group = pool.group::<()>().build().unwrap();
    let occupied = Occupied::new(&pool);
    drop(group.spawn(|| Bomb).unwrap());
    drop(occupied);
    pool.scope(|scope| drop(scope.spawn_with_handle(|| Bomb)));
    assert!(group.wait());
    // The run was over, and is so for both.
    assert_eq!((group.counts().done, group.counts().failed), (1, 0));
    assert_eq!(pool.counts().failed, 0);
    assert_well(&pool);
}

#[test]
fn in_the_destructor_of_a_future_and_of_its_value() {
    struct Both(Bomb);
    impl Future for Both {
        type Output = Bomb;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Bomb> {
            let _ = &self.0;
            Poll::Ready(Bomb)
        }
    }
    let pool: Pool<u32> = pool(1);
    let Err(JobError::Panicked(panic)) = pool.spawn_future(Both(Bomb)).unwrap().join() else {
        panic!("its destructor panicked")
    };
    assert_eq!(panic.message(), "a destructor");
    assert_well(&pool);
}

#[test]
fn in_destructors_of_results_that_nobody_has_read() {
    #[expect(dead_code, reason = "dropped")]
    struct Last(Option<Bomb>, Dropped);
    let drops = Drops::default();
    let pool: Pool<Last> = Pool::builder().threads(1).build().unwrap();
    for n in 0..600 {
        let last = Last((n == 10).then(|| Bomb), drops.one());
        pool.submit(move || last).unwrap();
    }
    pool.shutdown();
    let dropping = catch_unwind(AssertUnwindSafe(|| drop(pool)));
    assert!(dropping.is_err() || drops.count() == 600);
    assert_eq!(drops.count(), 600);
}
