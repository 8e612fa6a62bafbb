//! What the public types are, besides what they do: what may be shared, sent, used after a panic, printed, and passed on as an error.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};

use fastthreadpool::{
    AcquireError, Attempt, BuildError, Builder, CancelReason, Cancellation, Completed, Context, Counts, Done,
    EmitError, Failed, FastLock, FastLockGuard, Group, GroupBuilder, GroupOnDrop, Histogram, Job, JobError, JobId,
    JobInfo, JobKind, JoinHandle, Keyed, ManualClock, Map, MapError, Metrics, MissedTickBehavior, NotKeyed, NotLocked,
    NotMoved, NotPausable, OnDrop, Overflow, OwnedPermit, Panic, Permit, Pool, Priority, Producer, RemovedJob, Report,
    Results, Runs, Scope, ScopedJoinHandle, Semaphore, SubmitAllError, SubmitError, TooManyThreads, TryAcquireError,
    WeakPool, When, WhenFull, WorkerLocal,
};

/// Each line is a set of traits, and the types that have them all.
macro_rules! have {
    ($($($bound:ident)+: [$($of:ty),* $(,)?]);* $(;)?) => {{
        $({
            fn all<T: $($bound +)+>() {}
            $(all::<$of>();)*
        })*
    }};
}

#[test]
fn types_have_the_traits_that_they_can_have() {
    have! {
        Send Sync UnwindSafe RefUnwindSafe Debug Clone: [Pool<u8>, Producer<u8>, Group<u8>, WeakPool<u8>, WorkerLocal<u8>, ManualClock];
        Send Sync UnwindSafe RefUnwindSafe Debug: [
            Semaphore, FastLock, Permit<'_>, OwnedPermit, FastLockGuard<'_>, Results<u8>, Runs<u8>, JoinHandle<u8>,
            Scope<'_, '_>, ScopedJoinHandle<'_, u8>, Keyed<'_, u8>,
        ];
        UnwindSafe RefUnwindSafe Debug: [Context<'_, u8>, Panic];
        Send Debug: [
            Builder<u8>, GroupBuilder<'_, u8>, Completed<'_, u8>, Job<'_, u8, fastthreadpool::job::Plain<fn(), ()>>,
            Map<'_, u8, Vec<u8>, fn(u8)>,
        ];
        Default Debug: [Semaphore, FastLock, ManualClock, OnDrop, GroupOnDrop, WhenFull, Priority, MissedTickBehavior, Counts, Histogram, Metrics];
        Send Sync Copy Eq Hash Debug: [
            JobId, JobKind, JobInfo, RemovedJob, CancelReason, Cancellation, OnDrop, GroupOnDrop, WhenFull, Priority,
            MissedTickBehavior, Done<u8>,
        ];
        Ord Display: [JobId];
        Send Sync Copy Eq Debug: [When, Counts];
        Send Sync Clone Display: [Metrics, Report, Histogram];
        Send Sync Error Debug Display: [
            Failed, JobError, Panic, BuildError, SubmitError<fn()>, SubmitAllError<fn()>, MapError, EmitError<u8>,
            Attempt<std::io::Error>, AcquireError, TryAcquireError, Overflow, NotLocked, NotMoved, NotKeyed, NotPausable,
            TooManyThreads,
        ];
    }
}

#[test]
fn errors_pass_for_anybody_s() {
    fn failing() -> Result<(), Box<dyn Error + Send + Sync>> {
        let pool: Pool<u8> = Pool::builder().threads(1).build()?;
        pool.submit(|| "three".parse::<u8>())?;
        pool.shutdown();
        Err(pool.failed().pop().ok_or("it failed")?.into())
    }
    let error = failing().unwrap_err().to_string();
    assert!(error.ends_with("the job failed: invalid digit found in string"), "{error}");
}

/// What an error says of the one inside is said once in a chain of them.
#[test]
fn no_error_says_what_its_source_says() {
    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);
    impl Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the outer one")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
    let pool: Pool<u8> = Pool::builder().threads(1).build().unwrap();
    pool.job(|| "three".parse::<u8>().map_err(Outer)).name("parse").submit().unwrap();
    let failed = pool.failed().pop().unwrap();
    let mut chain = vec![failed.to_string()];
    let mut error: &dyn Error = &failed;
    while let Some(source) = error.source() {
        chain.push(source.to_string());
        error = source;
    }
    assert_eq!(
        chain,
        [format!("job {} (parse): the job failed: the outer one", failed.id), "invalid digit found in string".into()]
    );
}

#[test]
fn a_submit_goes_into_a_catch() {
    let pool: Pool<u8> = Pool::builder().threads(1).build().unwrap();
    let group = pool.group::<u8>().build().unwrap();
    assert!(catch_unwind(|| group.submit(|| 1).is_ok() && pool.submit(|| 2).is_ok()).unwrap());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _unfinished = pool.job(|| 3);
        panic!("on the way");
    }));
    assert!(panicked.is_err());
    pool.shutdown();
    assert_eq!((pool.done().len(), group.done().len()), (1, 1));
}

#[test]
fn a_pool_says_what_it_is() {
    let pool: Pool<u8> =
        Pool::builder().threads(3).name_prefix("texts").queue_capacity(7).done_capacity(9).build().unwrap();
    pool.pause();
    pool.submit(|| 1).unwrap();
    let text = format!("{pool:?}");
    for part in [
        "name: \"texts\"",
        "is_closed: false",
        "is_paused: true",
        "threads: 3",
        "pending: 1",
        "queue_capacity: Some(7)",
        "done_capacity: Some(9)",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
