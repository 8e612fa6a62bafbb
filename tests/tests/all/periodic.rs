//! Jobs that run again and again. What falls on which tick is tested exactly on the core, under a clock turned by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fastthreadpool::{Cancellation, JobKind, MissedTickBehavior, Pool, Semaphore, SubmitError};

use crate::support::{Drops, HOUR, Occupied, pool};

const OFTEN: Duration = Duration::from_micros(500);
#[test]
fn runs_carry_one_id_and_come_no_earlier_than_their_time() {
    let pool: Pool<(u32, Instant)> = pool(1);
    let began = Instant::now();
    let mut n = 0;
    let id = pool
        .schedule(OFTEN, move || {
            n += 1;
            (n, Instant::now())
        })
        .unwrap();
    for n in 1..=10 {
        let done = pool.done().pop().unwrap();
        assert_eq!((done.id, done.value.0), (id, n));
        assert!(done.value.1.duration_since(began) >= OFTEN * n);
    }
    assert_ne!(pool.cancel(id), Cancellation::TooLate);
    pool.wait_idle();
    assert_eq!(pool.cancel(id), Cancellation::TooLate);
    assert!(pool.scheduled().is_empty());
}

#[test]
fn a_fixed_delay_counts_from_the_end() {
    let pool: Pool<(Instant, Instant)> = pool(1);
    let work = || {
        let began = Instant::now();
        while began.elapsed() < OFTEN {}
        (began, Instant::now())
    };
    let id = pool.periodic(work).with_delay(OFTEN).submit().unwrap();
    let runs: Vec<_> = pool.done().iter().take(4).map(|done| done.value).collect();
    pool.cancel(id);
    for pair in runs.windows(2) {
        assert!(pair[1].0 >= pair[0].1 + OFTEN);
    }
}

#[test]
fn a_zero_interval_is_refused() {
    let pool: Pool<u8> = pool(1);
    let error = pool.schedule(Duration::ZERO, || 7).unwrap_err();
    assert!(matches!(error, SubmitError::ZeroInterval(_)));
    assert_eq!(error.into_inner()(), 7);
    assert!(matches!(pool.periodic(|| 7).submit(), Err(SubmitError::ZeroInterval(_))));
    assert!(matches!(pool.overlapping(|| 7).submit(), Err(SubmitError::ZeroInterval(_))));
}

#[test]
fn a_failure_is_reported_and_the_schedule_goes_on() {
    let pool: Pool<u32> = pool(1);
    let mut n = 0;
    let id = pool
        .periodic(move || {
            n += 1;
            assert!(n % 2 == 0, "odd");
            n
        })
        .every(OFTEN)
        .name("wavering")
        .submit()
        .unwrap();
    assert_eq!(pool.done().iter().take(3).map(|done| done.value).collect::<Vec<_>>(), [2, 4, 6]);
    pool.cancel(id);
    pool.wait_idle();
    let failed = pool.failed().pop().unwrap();
    assert_eq!((failed.id, failed.name, failed.error.to_string().as_str()), (id, "wavering", "the job panicked: odd"));
}

#[test]
fn it_ends_with_a_failure_if_asked_to() {
    let pool: Pool<u32> = pool(1);
    let drops = Drops::default();
    let token = drops.one();
    pool.periodic(move || {
        let _ = &token;
        Err::<u32, _>("no")
    })
    .every(OFTEN)
    .stop_on_failure()
    .submit()
    .unwrap();
    assert!(pool.failed().pop().is_some());
    pool.wait_idle();
    assert_eq!((drops.count(), pool.scheduled().len(), pool.failed().len()), (1, 0, 0));
}

#[test]
fn a_run_never_overlaps_with_the_next() {
    let pool: Pool<()> = pool(3);
    let inside = Arc::new(AtomicUsize::new(0));
    let runs = Arc::new(Semaphore::new(0));
    let (counter, told) = (Arc::clone(&inside), Arc::clone(&runs));
    let id = pool
        .schedule(Duration::from_micros(50), move || {
            assert_eq!(counter.fetch_add(1, Ordering::SeqCst), 0);
            let began = Instant::now();
            while began.elapsed() < OFTEN {}
            counter.fetch_sub(1, Ordering::SeqCst);
            told.release(1).unwrap();
        })
        .unwrap();
    runs.acquire_many(10).unwrap().forget();
    pool.cancel(id);
    pool.wait_idle();
    assert!(pool.failed().is_empty());
}

#[test]
fn runs_overlap_where_that_is_asked_for() {
    let pool: Pool<u8> = pool(2);
    let (both, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (told, wait) = (Arc::clone(&both), Arc::clone(&gate));
    let id = pool
        .overlapping(move || {
            told.release(1).unwrap();
            wait.acquire().unwrap().forget();
            1
        })
        .every(OFTEN)
        .submit()
        .unwrap();
    both.acquire_many(2).unwrap().forget();
    // Or more: others stand in for those that wait.
    assert!(pool.busy() >= 2);
    pool.cancel(id);
    gate.release(1000).unwrap();
    pool.cancel_queued();
    pool.wait_idle();
    let done: Vec<_> = pool.done().drain().collect();
    assert!(done.len() >= 2 && done.iter().all(|done| done.id != id), "each run is a job of its own");
}

#[test]
fn it_starts_when_it_is_told_to() {
    let pool: Pool<u8> = pool(1);
    let occupied = Occupied::new(&pool);
    let first = Instant::now() + HOUR;
    let id = pool.periodic(|| 1).every(OFTEN).starting(first).submit().unwrap();
    let other = pool.schedule(2 * HOUR, || 2).unwrap();
    let listed = pool.scheduled();
    assert_eq!(
        listed.iter().map(|job| (job.id, job.kind)).collect::<Vec<_>>(),
        [(id, JobKind::Periodic), (other, JobKind::Periodic)]
    );
    assert_eq!(listed[0].due, Some(first));
    assert!(pool.delayed().is_empty());
    assert_eq!(pool.cancel(id), Cancellation::Removed);
    drop(occupied);
    pool.shutdown();
    assert_eq!(pool.counts().cancelled, 2, "a shutdown ends what is periodic");
}

#[test]
fn it_can_be_cancelled_from_inside() {
    let pool: Pool<u8> = pool(1);
    let gate = Arc::new(Semaphore::new(0));
    let id = Arc::new(std::sync::OnceLock::new());
    let (inside, own, wait) = (pool.clone(), Arc::clone(&id), Arc::clone(&gate));
    let scheduled = pool.schedule(OFTEN, move || {
        wait.acquire().unwrap().forget();
        assert_eq!(inside.cancel(*own.get().unwrap()), Cancellation::Stopping);
        1
    });
    id.set(scheduled.unwrap()).unwrap();
    gate.release(1).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 1);
    pool.wait_idle();
    assert!(pool.scheduled().is_empty() && pool.failed().is_empty());
}

#[test]
fn values_go_where_they_are_sent() {
    let pool: Pool<u8> = pool(1);
    let (sender, receiver) = std::sync::mpsc::channel();
    let id = pool.schedule_done(OFTEN, || 7, move |id, value| _ = sender.send((id, value))).unwrap();
    assert_eq!(receiver.recv().unwrap(), (id, 7));
    assert_eq!(receiver.recv().unwrap(), (id, 7));
    pool.cancel(id);
    let quiet = pool.periodic(|| 1).every(OFTEN).missed(MissedTickBehavior::Skip).discard().submit().unwrap();
    pool.cancel(quiet);
    pool.wait_idle();
    assert!(pool.done().is_empty());
    assert!(format!("{:?}", pool.periodic(|| 1).name("named")).contains("named"));
}

#[test]
fn a_panic_of_its_callback_is_a_failure_of_the_run() {
    let pool: Pool<u8> = pool(1);
    let id = pool.schedule_done(OFTEN, || 7, |_, _| panic!("in the callback")).unwrap();
    assert_eq!(pool.failed().pop().unwrap().id, id);
    assert_eq!(pool.failed().pop().unwrap().id, id);
    pool.cancel(id);
}

#[test]
fn a_job_that_is_always_due_leaves_others_their_turn() {
    let pool: Pool<u32> = pool(1);
    let id = pool.periodic(|| 0).every(Duration::from_nanos(1)).discard().submit().unwrap();
    for n in 0..100 {
        assert_eq!(pool.spawn(move || n).unwrap().join().unwrap(), n);
    }
    let group = pool.group::<u32>().limit(1).build().unwrap();
    group.submit(|| 7).unwrap();
    assert_eq!(group.done().pop().unwrap().value, 7);
    pool.cancel(id);
}
