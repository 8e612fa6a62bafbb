//! Several jobs at once: all of them, or the first that succeeds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use fastthreadpool::{Attempt, Group, JobError, Pool, WhenFull};

use crate::support::{Drops, HOUR, Occupied, Shut, pool};

type Job<U> = Box<dyn FnOnce() -> U + Send>;

fn job<U>(f: impl FnOnce() -> U + Send + 'static) -> Job<U> {
    Box::new(f)
}

// ----- all

#[test]
fn what_all_return_comes_in_their_order() {
    let pool: Pool<u8> = pool(2);
    let squares = pool.invoke_all((0..100_u64).map(|n| move || n * n));
    assert!(squares.into_iter().map(Result::unwrap).eq((0..100).map(|n| n * n)));
    assert!(pool.invoke_all(Vec::<Job<String>>::new()).is_empty());
    let mixed = pool.invoke_all([job(|| Ok("a")), job(|| panic!("on purpose")), job(|| Err("c"))]);
    assert!(
        matches!(&mixed[..], [Ok(Ok("a")), Err(JobError::Panicked(panic)), Ok(Err("c"))] if panic.message() == "on purpose")
    );
    assert!(pool.done().is_empty() && pool.failed().is_empty());
    pool.wait_idle();
    assert_eq!((pool.counts().done, pool.counts().failed), (102, 1));
}

/// A job that ends, one that waits when it has begun, one behind it; at most so long. Returns whether the second has begun in time.
fn ends_in_time(pool: &Pool, timeout: Duration) -> bool {
    let (drops, before) = (Drops::default(), pool.counts());
    let (shut, gate) = Shut::new();
    let (told, begun) = channel();
    let waits = job(move || {
        told.send(()).unwrap();
        gate.pass();
        2
    });
    let token = drops.one();
    let results = pool.invoke_all_timeout([job(|| 1), waits, job(move || (token, 3).1)], timeout);
    let has_begun = begun.try_recv().is_ok();
    // Else the one behind it may have begun when it was removed.
    let is_removed = matches!(results[2], Err(JobError::Expired));
    assert!(matches!(results[1], Err(JobError::Expired)) && (is_removed || !has_begun), "{results:?}");
    assert_eq!(drops.count(), 1, "it was removed, or ran");
    shut.open();
    pool.wait_idle();
    if has_begun {
        assert!(matches!(results[0], Ok(1)));
        let counts = pool.counts();
        assert_eq!((counts.done - before.done, counts.cancelled - before.cancelled), (2, 1));
    }
    has_begun
}

#[test]
fn what_is_late_is_cancelled_and_the_rest_is_there() {
    let pool: Pool = pool(1);
    assert!((1..20).any(|exponent| ends_in_time(&pool, Duration::from_millis(1 << exponent))));
    let occupied = Occupied::new(&pool);
    let results = pool.invoke_all_timeout([job(|| 1), job(|| 2)], Duration::ZERO);
    assert!(matches!(results[..], [Err(JobError::Expired), Err(JobError::Expired)]), "{results:?}");
    drop(occupied);
    pool.wait_idle();
    let results = pool.invoke_all_timeout((0..100).map(|n| move || n), HOUR);
    assert!(results.into_iter().map(Result::unwrap).eq(0..100));
}

#[test]
fn all_are_waited_for_where_the_queue_has_less_room() {
    for when_full in [WhenFull::Refuse, WhenFull::Wait, WhenFull::DropOldest, WhenFull::RunHere] {
        let pool: Pool<()> = Pool::builder().threads(1).queue_capacity(2).when_full(when_full).build().unwrap();
        let results = pool.invoke_all((0..50).map(|n| move || n));
        assert!(results.into_iter().map(Result::unwrap).eq(0..50));
        let _occupied = Occupied::new(&pool);
        let results = pool.invoke_all_timeout((0..4).map(|n| move || n), Duration::from_millis(2));
        assert!(results.iter().all(|result| matches!(result, Err(JobError::Expired))), "{results:?}");
    }
}

#[test]
fn of_a_closed_pool_all_are_cancelled() {
    let pool: Pool<()> = pool(1);
    pool.shutdown();
    let results = pool.invoke_all([|| 1]);
    assert!(matches!(results[..], [Err(JobError::Cancelled)]));
    let errors = pool.invoke_any([|| Ok::<u8, u8>(1)]).unwrap_err();
    assert!(matches!(errors[..], [Attempt::Ended(JobError::Cancelled)]));
}

#[test]
fn a_panic_of_the_iterator_cancels_what_it_gave_before() {
    let (pool, drops) = (pool::<()>(1), Drops::default());
    let occupied = Occupied::new(&pool);
    let jobs = |n: u8| {
        assert!(n < 3, "on purpose");
        let token = drops.one();
        move || (token, Ok::<u8, u8>(n)).1
    };
    assert!(catch_unwind(AssertUnwindSafe(|| pool.invoke_all((0..9).map(jobs)))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| pool.invoke_any((0..9).map(jobs)))).is_err());
    assert_eq!((drops.count(), pool.counts().cancelled), (6, 6));
    drop(occupied);
    pool.wait_idle();
}

// ----- any

#[test]
fn the_first_that_succeeds_is_the_end_of_the_others() {
    let (pool, drops) = (pool::<()>(1), Drops::default());
    let (shut, gate) = Shut::new();
    let token = drops.one();
    let jobs = [
        job(|| Err("not this one")),
        job(|| -> Result<u8, &str> { panic!("nor this") }),
        job(|| Ok(3)),
        job(move || {
            gate.pass();
            Err("late")
        }),
        job(move || (token, Ok(5)).1),
    ];
    assert_eq!(pool.invoke_any(jobs).unwrap(), 3);
    shut.open();
    pool.wait_idle();
    assert_eq!(drops.count(), 1);
    assert_eq!(pool.counts().done + pool.counts().cancelled, 4);
}

#[test]
fn nothing_is_taken_from_the_iterator_when_one_has_succeeded() {
    let pool: Pool<()> = Pool::builder().threads(1).queue_capacity(1).build().unwrap();
    // One behind the other: each waits for the room of the one before.
    let endless = (0_u64..).map(|n| move || if n < 10 { Err(n) } else { Ok(n) });
    assert!(pool.invoke_any(endless).unwrap() >= 10);
    pool.wait_idle();
}

#[test]
fn if_none_succeeds_their_errors_come_in_order() {
    let pool: Pool<()> = pool(2);
    let jobs = [job(|| Err::<(), _>(1)), job(|| panic!("on purpose")), job(|| Err(3))];
    let errors = pool.invoke_any(jobs).unwrap_err();
    assert!(
        matches!(&errors[..], [Attempt::Failed(1), Attempt::Ended(JobError::Panicked(_)), Attempt::Failed(3)]),
        "{errors:?}"
    );
    let texts = ["1", "the job panicked: on purpose", "3"];
    assert!(errors.iter().map(ToString::to_string).eq(texts));
    let parse = || "x".parse::<u8>();
    let errors = pool.invoke_any([parse]).unwrap_err();
    assert!(std::error::Error::source(&errors[0]).is_none() && errors[0].to_string().contains("invalid digit"));
    assert!(pool.invoke_any(Vec::<Job<Result<u8, u8>>>::new()).unwrap_err().is_empty());
    for _ in 0..200 {
        let errors = pool.invoke_any((0..4).map(|n| move || Err::<(), _>(n))).unwrap_err();
        assert!(errors.iter().all(|error| matches!(error, Attempt::Failed(_))));
    }
}

#[test]
fn if_none_succeeds_in_time_all_are_cancelled() {
    let (pool, drops) = (pool::<()>(1), Drops::default());
    let occupied = Occupied::new(&pool);
    for timeout in [Duration::ZERO, Duration::from_millis(2)] {
        let token = drops.one();
        let errors = pool.invoke_any_timeout([move || (token, Ok::<u8, u8>(1)).1], timeout).unwrap_err();
        assert!(matches!(errors[..], [Attempt::Ended(JobError::Expired)]), "{errors:?}");
    }
    assert_eq!(drops.count(), 2);
    drop(occupied);
    assert_eq!(pool.invoke_any_timeout([|| Ok::<u8, u8>(1)], HOUR).unwrap(), 1);
}

// ----- inside jobs

fn both_inside(of: &Group<u32>) {
    let group = of.clone();
    let inside = move || {
        let all = group.invoke_all((1..=5).map(|n| move || n));
        let sum: u32 = all.into_iter().map(Result::unwrap).sum();
        let any = group.invoke_any((1..=5).map(|n| move || if n == 4 { Ok(n) } else { Err(n) })).unwrap();
        let in_time = group.invoke_any_timeout([|| Ok::<_, ()>(100)], HOUR).unwrap();
        let errors = group.invoke_any((1..=5).map(|n| move || Err::<u32, _>(n))).unwrap_err();
        assert!(errors.iter().map(ToString::to_string).eq(["1", "2", "3", "4", "5"]));
        sum + any + in_time
    };
    let results = of.invoke_all([inside.clone(), inside]);
    assert!(results.into_iter().map(Result::unwrap).eq([119, 119]));
}

#[test]
fn jobs_do_not_wait_for_ever_for_several_of_their_own_pool() {
    both_inside(&pool(1));
    both_inside(&Pool::builder().threads(1).queue_capacity(1).build().unwrap());
    let pool: Pool<u32> = pool(1);
    both_inside(&pool.group().limit(1).build().unwrap());
    both_inside(&pool.group().limit(1).queue_capacity(1).build().unwrap());
    both_inside(&pool.group::<u32>().limit(1).build().unwrap().group().limit(1).build().unwrap());
}

#[test]
fn one_of_several_may_wait_for_the_group_of_who_waits_for_it() {
    let pool: Pool<u32> = pool(1);
    let group = Arc::new(pool.group::<u32>().build().unwrap());
    let inner = Arc::clone(&group);
    let waits = move || {
        let group = Arc::clone(&inner);
        inner.invoke_any([move || if group.wait() { Ok(1) } else { Err(2) }]).unwrap()
    };
    assert_eq!(group.spawn(waits).unwrap().join().unwrap(), 1);
}
