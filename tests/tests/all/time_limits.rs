//! Jobs that are to begin by a time, and runs that have a limited time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use fastthreadpool::{CancelReason, Cancellation, JobError, ManualClock, OnDrop, Pool};

use crate::support::{Bomb, Drops, Gate, Gone, HOUR, Occupied, Shut, pool};

const SOON: Duration = Duration::from_millis(1);

/// The thread that minds the limits has come to this moment.
fn until_now_is_minded<T: Send + 'static>(pool: &Pool<T>) {
    let handle = pool.job(|| ()).after(HOUR).start_by(Duration::from_micros(1)).spawn().unwrap();
    assert!(matches!(handle.join(), Err(JobError::Expired)));
}

#[test]
fn a_job_expires_while_all_workers_are_busy() {
    let pool: Pool = pool(1);
    let occupied = Occupied::new(&pool);
    let drops = Drops::default();
    let token = drops.one();
    let handle = pool.job(move || drop(token)).start_by(SOON).spawn().unwrap();
    let id = handle.id();
    assert!(matches!(handle.join(), Err(JobError::Expired)));
    assert_eq!((drops.count(), pool.cancel(id), pool.counts().cancelled), (1, Cancellation::TooLate, 1));
    drop(occupied);
    pool.shutdown();
    assert_eq!((pool.counts().done, pool.counts().cancelled), (1, 1));
}

/// Passes a gate before it lets go of the pool; not where that is opened afterwards, on a machine that was too busy to submit it in time.
struct Late(Gate, Option<Pool>, ThreadId);

impl Drop for Late {
    fn drop(&mut self) {
        if thread::current().id() != self.2 {
            self.0.pass();
        }
        drop(self.1.take());
    }
}

#[test]
fn what_expires_may_have_the_last_handle_while_another_limit_is_outstanding() {
    let (builder, gone) = Gone::watch(Pool::builder().threads(1));
    let (pool, (shut, gate)): (Pool, _) = (builder.build().unwrap(), Shut::new());
    let late = Late(gate, Some(pool.clone()), thread::current().id());
    pool.job_with(|job| {
        job.cancelled();
    })
    .time_limit(50 * SOON)
    .submit()
    .unwrap();
    pool.job(move || drop(late)).start_by(SOON).submit().unwrap();
    drop(pool);
    shut.open();
    gone.wait();
}

#[test]
fn a_limit_that_begins_when_nobody_has_the_pool_is_minded() {
    let (builder, gone) = Gone::watch(Pool::builder().threads(1).on_drop(OnDrop::Detach));
    let pool: Pool = builder.build().unwrap();
    let occupied = Occupied::new(&pool);
    pool.job_with(|job| {
        job.cancelled();
    })
    .time_limit(SOON)
    .submit()
    .unwrap();
    drop(pool);
    // The thread that minds the limits sees that there are none.
    (0..1000).for_each(|_| thread::yield_now());
    drop(occupied);
    gone.wait();
}

#[test]
fn what_expires_by_a_clock_by_hand_may_have_the_last_handle() {
    let clock = ManualClock::new();
    let (builder, gone) = Gone::watch(Pool::builder().threads(1).clock(&clock));
    let pool: Pool = builder.build().unwrap();
    let (last, (begun, has_begun)) = (pool.clone(), channel());
    let waits = pool.job_with(move |job| {
        begun.send(()).unwrap();
        job.cancelled();
    });
    waits.time_limit(HOUR).submit().unwrap();
    has_begun.recv().unwrap();
    pool.job(move || drop(last)).start_by(SOON).submit().unwrap();
    drop(pool);
    clock.advance(SOON);
    clock.advance(HOUR);
    gone.wait();
}

#[test]
fn who_is_told_of_what_expires_may_shut_the_pool_down() {
    let pool: Pool = pool(1);
    let (weak, (told, was_told), here) = (pool.downgrade(), channel(), thread::current().id());
    let shut_down = move |_, reason| {
        let pool = weak.upgrade().unwrap();
        // Where the machine was too busy it expires as it is submitted: there it would wait for the end, which comes after this.
        let is_elsewhere = thread::current().id() != here;
        let ended = is_elsewhere.then(|| {
            pool.shutdown();
            pool.wait_ended(None)
        });
        told.send((reason, ended)).unwrap();
    };
    let group = pool.group::<()>().on_cancelled(shut_down).build().unwrap();
    let occupied = Occupied::new(&pool);
    group.job(|| ()).start_by(SOON).submit().unwrap();
    let (reason, ended) = was_told.recv().unwrap();
    assert_eq!((reason, ended.unwrap_or(false)), (CancelReason::Expired, false));
    drop(occupied);
    pool.shutdown();
    assert!(pool.wait_ended(None));
}

#[test]
fn what_begins_in_time_runs_as_long_as_it_wants() {
    let pool: Pool<bool> = pool(1);
    let (shut, gate) = Shut::new();
    let (begun, has_begun) = channel();
    let by = Instant::now() + 20 * SOON;
    let job = pool.job_with(move |job| {
        begun.send(()).unwrap();
        Gate::pass(&gate);
        job.is_cancelled()
    });
    let handle = job.start_by(by).spawn().unwrap();
    if has_begun.recv().is_err() {
        // The machine was too busy: it has expired, and there is nothing to see.
        assert!(matches!(handle.join(), Err(JobError::Expired)));
        return;
    }
    while Instant::now() < by {
        thread::yield_now();
    }
    until_now_is_minded(&pool);
    shut.open();
    assert!(!handle.join().unwrap());
    assert!(pool.overdue().is_empty());
}

#[test]
fn a_time_in_the_past_removes_at_once() {
    let pool: Pool<u8> = pool(1);
    let occupied = Occupied::new(&pool);
    for by in [Instant::now(), Instant::now().checked_sub(SOON).unwrap()] {
        let handle = pool.job(|| 1).start_by(by).spawn().unwrap();
        assert!(handle.is_finished());
        assert!(matches!(handle.join(), Err(JobError::Expired)));
    }
    let id = pool.job(|| 1).start_by(Duration::ZERO).submit().unwrap();
    assert_eq!(pool.cancel(id), Cancellation::TooLate);
    drop(occupied);
    pool.shutdown();
    assert_eq!((pool.counts().cancelled, pool.done().len()), (3, 0));
}

#[test]
fn a_delayed_job_may_expire_before_its_time() {
    let pool: Pool<u8> = pool(1);
    let late = pool.job(|| 1).after(HOUR).start_by(SOON).spawn().unwrap();
    let early = pool.job(|| 2).start_by(HOUR).after(SOON).name("early").spawn().unwrap();
    assert!(matches!(late.join(), Err(JobError::Expired)));
    assert_eq!(early.join().unwrap(), 2);
    assert!(pool.delayed().is_empty());
}

#[test]
fn a_group_is_told_and_has_its_room_back() {
    let pool: Pool = pool(1);
    let (sender, receiver) = channel();
    let group = pool
        .group::<u8>()
        .queue_capacity(1)
        .done_capacity(1)
        .limit(1)
        .on_cancelled(move |id, reason| sender.send((id, reason)).unwrap())
        .build()
        .unwrap();
    let occupied = Occupied::new(&pool);
    for _ in 0..3 {
        let id = group.job(|| 1).start_by(SOON).submit().unwrap();
        assert_eq!(receiver.recv().unwrap(), (id, CancelReason::Expired));
        assert!(group.wait());
    }
    drop(occupied);
    group.submit(|| 2).unwrap();
    assert_eq!(group.done().pop().unwrap().value, 2);
    group.submit(|| 3).unwrap();
    assert_eq!(group.done().pop().unwrap().value, 3);
}

#[test]
fn under_load_each_runs_or_expires() {
    const JOBS: usize = 4_000;
    let pool: Pool = pool(2);
    let (run, expired) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&expired);
    let group = pool
        .group::<()>()
        .on_cancelled(move |_, reason| {
            assert_eq!(reason, CancelReason::Expired);
            count.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    for n in 0..JOBS {
        let run = Arc::clone(&run);
        let by = Duration::from_micros(u64::try_from(n % 97).unwrap() * 10);
        let work = move || {
            run.fetch_add(1, Ordering::SeqCst);
        };
        if n % 3 == 0 {
            group.job(work).start_by(by).after(by).submit().unwrap();
        } else {
            group.job(work).start_by(by).submit().unwrap();
        }
    }
    assert!(group.wait());
    let (run, expired) = (run.load(Ordering::SeqCst), expired.load(Ordering::SeqCst));
    assert_eq!(run + expired, JOBS);
    let counts = group.counts();
    assert_eq!((counts.done, counts.cancelled), (run as u64, expired as u64));
    assert!(expired > 0, "some limits were zero");
}

#[test]
fn a_limit_is_minded_when_nobody_has_the_pool_any_more() {
    let (builder, gone) = Gone::watch(Pool::<()>::builder().threads(1).on_drop(OnDrop::Detach));
    let pool = builder.build().unwrap();
    let (shut, gate) = Shut::new();
    pool.submit(move || gate.pass()).unwrap();
    let handle = pool.job(|| ()).start_by(SOON).spawn().unwrap();
    drop(pool);
    assert!(matches!(handle.join(), Err(JobError::Expired)));
    shut.open();
    gone.wait();
}

#[test]
fn a_destructor_that_panics_keeps_no_limit_from_its_time() {
    let pool: Pool = pool(1);
    let _occupied = Occupied::new(&pool);
    let bomb = Bomb;
    let first = pool.job(move || drop(bomb)).start_by(SOON).spawn().unwrap();
    let second = pool.job(|| ()).start_by(2 * SOON).spawn().unwrap();
    assert!(matches!(first.join(), Err(JobError::Expired)));
    assert!(matches!(second.join(), Err(JobError::Expired)));
}

#[test]
fn a_run_is_told_when_its_time_is_over() {
    let pool: Pool<usize> = pool(1);
    let (shut, gate) = Shut::new();
    let (stopped, is_stopped) = channel();
    let job = pool.job_with(move |job| {
        job.cancelled();
        stopped.send(()).unwrap();
        Gate::pass(&gate);
        7
    });
    let id = job.time_limit(SOON).submit().unwrap();
    is_stopped.recv().unwrap();
    assert_eq!(pool.overdue(), [id]);
    shut.open();
    // It ends as it wants to.
    assert_eq!(pool.done().pop().unwrap().value, 7);
    assert!(pool.overdue().is_empty());
}

#[test]
fn a_limit_of_zero_is_over_at_once() {
    let pool: Pool<bool> = pool(1);
    let handle = pool.job_with(|job| job.cancelled_timeout(HOUR)).time_limit(Duration::ZERO).spawn().unwrap();
    assert!(handle.join().unwrap());
}

#[test]
fn a_limit_of_a_job_that_repeats_is_one_of_each_run() {
    let pool: Pool<(u64, bool)> = pool(1);
    let job = pool.periodic_with(|job| {
        let number = job.run();
        let is_over = job.is_cancelled();
        // Later ones may be cancelled before they look.
        let is_own = job.deadline() <= Some(Instant::now());
        assert!(!is_over || is_own || number > 6, "the limit of another run");
        // Every second one is too long.
        (number, number % 2 == 1 && job.cancelled_timeout(HOUR))
    });
    let id = job.every(Duration::from_micros(100)).time_limit(SOON).submit().unwrap();
    let runs: Vec<_> = pool.done().iter().take(6).map(|done| done.value).collect();
    assert_eq!(runs, [(1, true), (2, false), (3, true), (4, false), (5, true), (6, false)]);
    pool.cancel(id);
    pool.wait_idle();
    assert!(pool.overdue().is_empty() && pool.failed().is_empty());
}

#[test]
fn runs_that_overlap_have_each_their_limit() {
    let pool: Pool<bool> = pool(4);
    let job = pool.overlapping_with(|job| job.cancelled_timeout(HOUR)).time_limit(SOON).every(SOON);
    let id = job.at_most(3).submit().unwrap();
    assert!(pool.done().iter().take(10).all(|done| done.value));
    pool.cancel(id);
    pool.wait_idle();
    assert!(pool.overdue().is_empty());
}

#[test]
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method is not one of any lifetime")]
fn a_job_knows_when_its_time_is_over() {
    let pool: Pool = pool(1);
    assert_eq!(pool.spawn_with(|job| job.deadline()).unwrap().join().unwrap(), None);
    let before = Instant::now();
    let handle = pool.job_with(|job| job.deadline()).time_limit(HOUR).name("long").spawn().unwrap();
    let deadline = handle.join().unwrap().unwrap();
    assert!(before + HOUR <= deadline && deadline <= Instant::now() + HOUR);
    let group = pool.group::<()>().deadline(before + HOUR).build().unwrap();
    let handle = group.job_with(|job| job.deadline()).time_limit(2 * HOUR).spawn().unwrap();
    assert_eq!(handle.join().unwrap(), Some(before + HOUR));
}
