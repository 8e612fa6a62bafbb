//! Futures as jobs, and jobs that follow others.

use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use fastthreadpool::{Cancellation, Group, JobError, JobKind, JoinHandle, Pool, Semaphore, SubmitError};

use crate::support::{Bomb, Dropped, Drops, HOUR, Occupied, pool};

/// What futures wait for: open, or not.
#[derive(Clone, Default)]
struct Latch(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Latch {
    fn open(&self) {
        let wakers = {
            let mut state = self.0.lock().unwrap();
            state.0 = true;
            std::mem::take(&mut state.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    async fn wait(self) {
        poll_fn(|context| {
            let mut state = self.0.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Until some have been polled in vain.
    fn wait_for_polls(&self, number: usize) {
        while self.0.lock().unwrap().1.len() < number {
            thread::yield_now();
        }
    }
}

/// Until a pool has put all that it has back.
fn wait_for_gated<T: Send + 'static>(group: &Group<T>, number: u64) {
    while group.counts().gated < number {
        thread::yield_now();
    }
}

fn is_cancelled<U>(result: &Result<U, JobError>) -> bool {
    matches!(result, Err(JobError::Cancelled))
}

#[test]
fn a_future_is_polled_until_it_is_ready() {
    let pool: Pool = pool(2);
    assert_eq!(pool.spawn_future(ready(7)).unwrap().join().unwrap(), 7);
    let latch = Latch::default();
    let wait = latch.clone();
    let handle = pool.spawn_future(async move {
        wait.wait().await;
        "text".to_owned()
    });
    let handle = handle.unwrap();
    latch.wait_for_polls(1);
    assert!(!handle.is_finished());
    latch.open();
    assert_eq!(handle.join().unwrap(), "text");
    pool.wait_idle();
    assert_eq!((pool.counts().done, pool.done().len(), pool.counts().gated), (2, 0, 0));
}

#[test]
fn others_run_while_many_futures_are_pending() {
    let pool: Pool = pool(1);
    let latch = Latch::default();
    let handles: Vec<JoinHandle<usize>> = (0..1000)
        .map(|n| {
            let wait = latch.clone();
            pool.spawn_future(async move {
                wait.wait().await;
                n
            })
            .unwrap()
        })
        .collect();
    assert_eq!(pool.spawn(|| 1).unwrap().join().unwrap(), 1);
    latch.wait_for_polls(1000);
    wait_for_gated(&pool, 1000);
    // The value is there before the end is counted.
    while pool.counts().done < 1 {
        thread::yield_now();
    }
    assert_eq!((pool.counts().pending, pool.counts().alive), (1000, 1));
    assert!(pool.jobs().iter().all(|job| job.kind == JobKind::Gated));
    latch.open();
    assert!(handles.into_iter().map(|handle| handle.join().unwrap()).eq(0..1000));
}

#[test]
fn a_future_that_wakes_itself_is_polled_again_behind_the_others() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let count = Arc::new(AtomicUsize::new(0));
    let (own, other) = (Arc::clone(&count), Arc::clone(&count));
    let mut polls = 0;
    let future = pool.spawn_future(poll_fn(move |context| {
        polls += 1;
        // However often: one poll follows.
        (0..3).for_each(|_| context.waker().wake_by_ref());
        if polls < 10 { Poll::Pending } else { Poll::Ready((polls, own.load(Ordering::SeqCst))) }
    }));
    let job = pool.spawn(move || other.fetch_add(1, Ordering::SeqCst)).unwrap();
    drop(occupied);
    assert_eq!(future.unwrap().join().unwrap(), (10, 1));
    job.join().unwrap();
    pool.wait_idle();
    assert_eq!(pool.counts().done, 3);
}

#[test]
fn a_future_that_wakes_itself_for_ever_keeps_nothing_from_its_turn() {
    let pool: Pool = pool(1);
    let is_over = Arc::new(AtomicUsize::new(0));
    let (spins, handle) = (Arc::clone(&is_over), pool.clone());
    let future = pool.spawn_future(poll_fn(move |context| {
        context.waker().wake_by_ref();
        if spins.load(Ordering::SeqCst) == 0 { Poll::Pending } else { Poll::Ready(()) }
    }));
    // A job of a job, in a queue of the worker's own.
    pool.submit(move || _ = handle.submit(move || is_over.store(1, Ordering::SeqCst)).unwrap()).unwrap();
    future.unwrap().join().unwrap();
}

#[test]
fn nobody_polls_without_a_wake() {
    let pool: Pool = pool(2);
    let polls = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&polls);
    let handle = pool.spawn_future(poll_fn(move |_| {
        own.fetch_add(1, Ordering::SeqCst);
        Poll::<()>::Pending
    }));
    let handle = handle.unwrap();
    wait_for_gated(&pool, 1);
    assert!(!pool.wait_idle_timeout(Duration::from_millis(5)), "it is pending");
    assert_eq!(handle.cancel(), Cancellation::Removed);
    assert!(is_cancelled(&handle.join()));
    assert_eq!(polls.load(Ordering::SeqCst), 1);
}

/// A future that never is ready, its group, and how often it was dropped.
fn endless(group: &Group) -> (JoinHandle<()>, Drops, Latch) {
    let (drops, latch) = (Drops::default(), Latch::default());
    let (token, wait) = (drops.one(), latch.clone());
    let handle = group.spawn_future(async move {
        let _token: Dropped = token;
        loop {
            wait.clone().wait().await;
            wait.0.lock().unwrap().0 = false;
        }
    });
    latch.wait_for_polls(1);
    (handle.unwrap(), drops, latch)
}

#[test]
fn whatever_cancels_jobs_drops_a_future_that_is_pending() {
    let pool: Pool = pool(1);
    let by_id = |handle: &JoinHandle<()>| pool.cancel(handle.id());
    let (handle, drops, latch) = endless(&pool);
    wait_for_gated(&pool, 1);
    assert_eq!((by_id(&handle), drops.count()), (Cancellation::Removed, 1));
    assert_eq!(by_id(&handle), Cancellation::TooLate);
    assert!(is_cancelled(&handle.join()));
    latch.open();

    let (handle, drops, _) = endless(&pool);
    wait_for_gated(&pool, 1);
    assert_eq!((Group::cancel(&pool), drops.count()), (1, 1));
    assert!(is_cancelled(&handle.join()));

    let plain = pool.group::<()>().build().unwrap();
    let limited = plain.group::<()>().limit(1).build().unwrap();
    let (first, second) = (endless(&plain), endless(&limited));
    plain.cancel();
    plain.wait();
    assert_eq!((first.1.count(), second.1.count()), (1, 1));
    assert!(is_cancelled(&first.0.join()) && is_cancelled(&second.0.join()));
    assert_eq!((plain.counts().cancelled, plain.counts().pending), (2, 0));

    let fails = pool.group::<()>().fail_fast().build().unwrap();
    let (handle, drops, _) = endless(&fails);
    fails.submit(|| Err::<(), _>("fails")).unwrap();
    fails.wait();
    assert!(is_cancelled(&handle.join()) && drops.count() == 1);

    let late = pool.group::<()>().deadline(Duration::from_millis(1)).build().unwrap();
    let handle = late.spawn_future(std::future::pending::<()>());
    if let Ok(handle) = handle {
        assert!(matches!(handle.join(), Err(JobError::Expired)));
    }

    let (handle, drops, latch) = endless(&pool);
    pool.shutdown_now();
    assert_eq!(drops.count(), 1);
    assert!(is_cancelled(&handle.join()));
    latch.open();
    assert!(pool.is_ended());
}

#[test]
fn a_future_that_is_cancelled_in_a_poll_is_dropped_after_it() {
    for is_ready in [false, true] {
        let pool: Pool = pool(1);
        let ((polls, is_polled), (go, goes)) = (channel(), channel::<()>());
        let drops = Drops::default();
        let token = drops.one();
        let handle = pool.spawn_future(poll_fn(move |context| {
            let _ = &token;
            polls.send(()).unwrap();
            goes.recv().unwrap();
            context.waker().wake_by_ref();
            if is_ready { Poll::Ready(7) } else { Poll::Pending }
        }));
        let handle = handle.unwrap();
        is_polled.recv().unwrap();
        assert_eq!((handle.cancel(), drops.count()), (Cancellation::Stopping, 0));
        go.send(()).unwrap();
        pool.wait_idle();
        assert_eq!(drops.count(), 1);
        match handle.join() {
            Ok(value) => assert!(is_ready && value == 7),
            result => assert!(!is_ready && is_cancelled(&result)),
        }
        let counts = pool.counts();
        assert_eq!((counts.done, counts.cancelled), (u64::from(is_ready), u64::from(!is_ready)));
    }
}

#[test]
fn a_panic_is_an_error_of_the_handle() {
    let pool: Pool = pool(1);
    let panics = pool.spawn_future(async { panic!("a poll") }).unwrap();
    let Err(JobError::Panicked(panic)) = panics.join() else { panic!("it panicked") };
    assert_eq!(panic.message(), "a poll");
    let bomb = Bomb;
    let drops = pool.spawn_future(poll_fn(move |_| {
        let _ = &bomb;
        Poll::Ready(())
    }));
    assert!(matches!(drops.unwrap().join(), Err(JobError::Panicked(_))));
    pool.wait_idle();
    assert_eq!(pool.counts().failed, 2);
}

#[test]
fn a_drain_waits_for_what_is_pending_whoever_wakes_it() {
    let pool: Pool = pool(2);
    let latch = Latch::default();
    let handle = pool.spawn_future(latch.clone().wait()).unwrap();
    latch.wait_for_polls(1);
    wait_for_gated(&pool, 1);
    assert!(!pool.shutdown_timeout(Duration::from_millis(1)));
    assert!(matches!(pool.spawn_future(ready(1)), Err(SubmitError::Closed(_))));
    let opener = thread::spawn(move || latch.open());
    pool.shutdown();
    assert!(handle.is_finished());
    handle.join().unwrap();
    opener.join().unwrap();
}

#[test]
fn a_pool_that_nobody_holds_polls_to_the_end() {
    let pool: Pool = pool(1);
    let latch = Latch::default();
    let (wait, (sends, ended)) = (latch.clone(), channel());
    drop(pool.spawn_future(async move {
        wait.wait().await;
        sends.send(7).unwrap();
    }));
    latch.wait_for_polls(1);
    wait_for_gated(&pool, 1);
    pool.detach();
    latch.open();
    assert_eq!(ended.recv(), Ok(7));
}

#[test]
fn a_waker_outlives_its_pool() {
    let slot = Arc::new(Mutex::new(None));
    let own = Arc::clone(&slot);
    let pool: Pool = pool(1);
    let future = poll_fn(move |context| {
        *own.lock().unwrap() = Some(context.waker().clone());
        Poll::Ready(())
    });
    pool.spawn_future(future).unwrap().join().unwrap();
    drop(pool);
    let waker = slot.lock().unwrap().take().unwrap();
    waker.wake_by_ref();
    waker.wake();
}

#[test]
fn a_future_that_is_refused_comes_back() {
    struct Text(&'static str);
    impl Future for Text {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }
    let pool: Pool = pool(1);
    let group = pool.group::<()>().queue_capacity(1).build().unwrap();
    let occupied = Occupied::new(&pool);
    let accepted = group.spawn_future(ready(())).unwrap();
    let Err(SubmitError::Full(Text("full"))) = group.spawn_future(Text("full")) else { panic!("it is full") };
    drop(occupied);
    accepted.join().unwrap();
    pool.shutdown();
    let Err(SubmitError::Closed(Text("closed"))) = pool.spawn_future(Text("closed")) else { panic!("it is closed") };
    let Err(SubmitError::Closed(Text("too"))) = group.spawn_future(Text("too")) else { panic!("it is closed") };
}

#[test]
fn a_pending_future_has_no_place_in_a_limited_group() {
    let pool: Pool<usize> = pool(4);
    let limited = pool.group::<usize>().limit(1).build().unwrap();
    let latch = Latch::default();
    let inside = Arc::new(AtomicUsize::new(0));
    let handles: Vec<_> = (0..8)
        .map(|_| {
            let (wait, inside) = (latch.clone(), Arc::clone(&inside));
            let work = move || {
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
                thread::yield_now();
                inside.fetch_sub(1, Ordering::SeqCst);
            };
            limited
                .spawn_future(async move {
                    work();
                    wait.wait().await;
                    work();
                })
                .unwrap()
        })
        .collect();
    latch.wait_for_polls(8);
    limited.submit(|| 1_usize).unwrap();
    assert_eq!(limited.done().pop().unwrap().value, 1);
    latch.open();
    for handle in handles {
        handle.join().unwrap();
    }
    limited.wait();
    assert_eq!(limited.counts().done, 9);
}

#[test]
fn a_future_waits_for_a_semaphore_and_for_handles() {
    let pool: Pool = pool(1);
    let semaphore = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&semaphore);
    let handle = pool.spawn_future(async move { own.acquire_owned_async(2).await.unwrap().count() }).unwrap();
    let other = pool.spawn_future(async move { handle.await.unwrap() + 1 }).unwrap();
    pool.spawn(move || semaphore.release(2).unwrap()).unwrap().join().unwrap();
    assert_eq!(other.join().unwrap(), 3);
}

#[test]
fn a_job_joins_a_future_that_another_job_wakes() {
    let pool: Pool = pool(1);
    let latch = Latch::default();
    let wait = latch.clone();
    let handle = pool.clone();
    let joins = pool.spawn(move || {
        let future = handle.spawn_future(wait.wait()).unwrap();
        handle.submit(move || latch.open()).unwrap();
        future.join().is_ok()
    });
    assert!(joins.unwrap().join().unwrap());
}

#[test]
fn who_runs_one_job_polls_once() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let latch = Latch::default();
    let handle = pool.spawn_future(latch.clone().wait()).unwrap();
    assert!(pool.run_one() && !pool.run_one());
    assert_eq!((pool.counts().gated, pool.counts().running), (1, 1));
    latch.open();
    assert!(pool.run_one() && handle.is_finished());
    drop(occupied);
    pool.shutdown();
    assert_eq!(pool.counts().done, 2);
}

#[test]
fn what_follows_a_job_is_given_its_end() {
    let pool: Pool = pool(2);
    let chain = pool.spawn(|| 1).unwrap();
    let chain = chain.then(&pool, |n| n.unwrap() + 1).unwrap();
    let chain = chain.then(&pool, |n| n.unwrap() * 10).unwrap();
    assert_eq!(chain.join().unwrap(), 20);

    let panics = pool.spawn(|| -> u8 { panic!("a job") }).unwrap();
    let follows =
        panics.then(&pool, |result| matches!(result, Err(JobError::Panicked(panic)) if panic.message() == "a job"));
    assert!(follows.unwrap().join().unwrap());
    // By then it has ended.
    let job = pool.spawn(|| 5).unwrap();
    pool.wait_idle();
    assert_eq!(job.then(&pool, Result::unwrap).unwrap().join().unwrap(), 5);
}

#[test]
fn what_follows_a_job_that_is_cancelled_is_told_so() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let job = pool.spawn(|| ()).unwrap();
    let id = job.id();
    let follows = job.then(&pool, |result| is_cancelled(&result)).unwrap();
    assert!(!follows.is_finished());
    assert_eq!(pool.cancel(id), Cancellation::Removed);
    drop(occupied);
    assert!(follows.join().unwrap());
}

#[test]
fn what_follows_can_be_cancelled_itself() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let drops = Drops::default();
    let token = drops.one();
    let follows = pool.spawn(|| ()).unwrap().then(&pool, move |_| drop(token)).unwrap();
    assert_eq!((follows.cancel(), drops.count()), (Cancellation::Removed, 1));
    drop(occupied);
    pool.wait_idle();
    assert!(is_cancelled(&follows.join()));
}

#[test]
fn what_follows_runs_in_the_pool_that_it_was_given() {
    let (io, cpu): (Pool, Pool) = (pool(1), Pool::builder().threads(1).name_prefix("cpu").build().unwrap());
    let occupied = Occupied::new(&io);
    let job = io.spawn(|| ()).unwrap();
    let name = job.then(&cpu, |_| thread::current().name().map(str::to_owned)).unwrap();
    assert_eq!((cpu.counts().gated, cpu.counts().pending), (1, 1));
    drop(occupied);
    assert!(name.join().unwrap().unwrap().starts_with("cpu"));
}

#[test]
fn what_follows_is_drained_or_dropped_with_its_pool() {
    let first: Pool = pool(1);
    let occupied = Occupied::new(&first);
    let (drained, stopped): (Pool, Pool) = (pool(1), pool(1));
    let follow = |pool: &Pool| first.spawn(|| 7).unwrap().then(pool, Result::unwrap).unwrap();
    let (runs, dropped) = (follow(&drained), follow(&stopped));
    assert!(!drained.shutdown_timeout(Duration::from_millis(1)));
    stopped.shutdown_now();
    assert!(is_cancelled(&dropped.join()));
    drop(occupied);
    drained.shutdown();
    assert_eq!(runs.join().unwrap(), 7);

    // Of the same pool, too.
    let chain = first.spawn(|| 1).unwrap().then(&first, |n| n.unwrap() + 1).unwrap();
    first.shutdown();
    assert_eq!(chain.join().unwrap(), 2);
}

#[test]
fn what_is_refused_comes_back_with_its_handle() {
    let (open, closed): (Pool, Pool) = (pool(1), pool(1));
    closed.shutdown();
    let job = open.spawn(|| 7).unwrap();
    let Err(SubmitError::Closed((job, f))) = job.then(&closed, |n| n.unwrap() + 1) else { panic!("it is closed") };
    assert_eq!(job.then(&open, f).unwrap().join().unwrap(), 8);
}

#[test]
fn a_job_joins_what_follows_a_job_behind_it() {
    let pool: Pool = pool(1);
    let handle = pool.clone();
    let joins = pool.spawn(move || {
        let follows = handle.spawn(|| 1).unwrap().then(&handle, |n| n.unwrap() + 1).unwrap();
        follows.join_timeout(HOUR).unwrap().unwrap()
    });
    assert_eq!(joins.unwrap().join().unwrap(), 2);
}
