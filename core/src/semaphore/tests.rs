use std::boxed::Box;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use std::thread::{self, Thread};
use std::vec::Vec;
use std::{format, vec};

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use super::*;
use crate::host::{Park, Tick};
use crate::hosts::FlagParker;
use crate::lock::{Lock, NotLocked};

mod order;

/// A mutex for real threads, which have to yield when there are more of them than cores.
struct YieldingMutex(AtomicUsize);

// SAFETY: the holder is who changed 0 to 1.
unsafe impl RawMutex for YieldingMutex {
    type GuardMarker = lock_api::GuardSend;

    const INIT: Self = Self(AtomicUsize::new(0));

    fn lock(&self) {
        while !self.try_lock() {
            thread::yield_now();
        }
    }

    fn try_lock(&self) -> bool {
        self.0.swap(1, Ordering::Acquire) == 0
    }

    unsafe fn unlock(&self) {
        self.0.store(0, Ordering::Release);
    }
}

/// Wakes a thread or a task.
enum Sleeper {
    Thread(Thread),
    Task(Waker),
}

impl Unpark for Sleeper {
    const BARGING: bool = true;

    fn unpark(&self) {
        match self {
            Self::Thread(thread) => thread.unpark(),
            Self::Task(waker) => waker.wake_by_ref(),
        }
    }
}

impl From<Waker> for Sleeper {
    fn from(waker: Waker) -> Self {
        Self::Task(waker)
    }
}

struct ThreadParker;

impl Park for ThreadParker {
    type Unpark = Sleeper;

    fn unparker(&self) -> Sleeper {
        Sleeper::Thread(thread::current())
    }

    fn park(&self) {
        thread::park();
    }

    /// Early, as it may be.
    fn park_until(&self, _: Tick) {
        thread::yield_now();
    }
}

type Threads = Semaphore<YieldingMutex, Sleeper>;

/// Counts its wake-ups.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A task that waits, and how often it was woken.
struct Task<'a> {
    acquire: Pin<Box<Acquire<'a, YieldingMutex, Sleeper>>>,
    woken: Arc<Count>,
}

impl<'a> Task<'a> {
    fn new(semaphore: &'a Threads, count: usize) -> Self {
        let mut task = Self { acquire: Box::pin(semaphore.acquire_async(count)), woken: Arc::default() };
        assert_eq!(task.poll(), Poll::Pending);
        task
    }

    fn poll(&mut self) -> Poll<Result<(), AcquireError>> {
        self.acquire.as_mut().poll(&mut Context::from_waker(&self.woken.clone().into()))
    }

    fn wakes(&self) -> usize {
        self.woken.0.load(Ordering::Relaxed)
    }
}

const GRANTED: Poll<Result<(), AcquireError>> = Poll::Ready(Ok(()));

#[test]
fn it_is_send_and_sync_and_so_is_what_waits() {
    fn assert<T: Send + Sync>() {}
    assert::<Threads>();
    assert::<Acquire<'static, YieldingMutex, Sleeper>>();
    assert::<Permit<'static, YieldingMutex, Sleeper>>();
    assert::<Lock<YieldingMutex, Sleeper>>();
}

#[test]
fn permits_are_taken_and_given_back() {
    static SEMAPHORE: Threads = Semaphore::new(3);
    assert_eq!(SEMAPHORE.try_acquire(4), Err(TryAcquireError::NoPermits));
    assert_eq!(SEMAPHORE.try_acquire(2), Ok(()));
    assert_eq!(SEMAPHORE.acquire(1, &ThreadParker), Ok(()));
    assert!(SEMAPHORE.is_locked());
    assert_eq!(SEMAPHORE.try_acquire(0), Ok(()));
    assert_eq!(SEMAPHORE.release(0), Ok(()));
    assert_eq!(SEMAPHORE.release(3), Ok(()));
    assert_eq!(SEMAPHORE.value(), 3);
    assert_eq!(format!("{SEMAPHORE:?}"), "Semaphore { value: 3, is_closed: false, .. }");
}

#[test]
fn who_looks_again_does_so_while_told_and_useful() {
    let semaphore = Threads::new(0);
    let mut looks = Vec::new();
    let mut look = |round: u32| {
        looks.push(round);
        round < 2
    };
    assert_eq!(semaphore.try_acquire_while(1, &mut look), Err(TryAcquireError::NoPermits));
    assert_eq!(semaphore.try_acquire_while(1, |_| semaphore.release(1).is_ok()), Ok(()));
    semaphore.close();
    assert_eq!(semaphore.try_acquire_while(1, &mut look), Err(TryAcquireError::Closed));
    assert_eq!(looks, [0, 1, 2]);
}

#[test]
fn too_much_is_refused_and_changes_nothing() {
    let semaphore = Threads::new(Threads::MAX_PERMITS - 1);
    assert_eq!(semaphore.release(2), Err(Overflow));
    assert_eq!(semaphore.release(usize::MAX), Err(Overflow));
    assert_eq!(semaphore.value(), Threads::MAX_PERMITS - 1);
    assert_eq!(semaphore.release(1), Ok(()));
    assert_eq!(semaphore.release(1), Err(Overflow));

    assert_eq!(semaphore.try_acquire(usize::MAX), Err(TryAcquireError::TooMany));
    assert_eq!(semaphore.acquire(Threads::MAX_PERMITS + 1, &ThreadParker), Err(AcquireError::TooMany));
    assert_eq!(semaphore.try_acquire(Threads::MAX_PERMITS), Ok(()));
    assert_eq!(semaphore.value(), 0);
}

#[test]
#[should_panic(expected = "more permits")]
fn a_semaphore_cannot_start_with_too_many() {
    let _ = Threads::new(Threads::MAX_PERMITS + 1);
}

#[test]
fn more_are_woken_than_fit_into_one_turn_of_the_lock() {
    for count in [WAKE_BATCH - 1, WAKE_BATCH, WAKE_BATCH + 1, 3 * WAKE_BATCH] {
        let semaphore = Threads::new(0);
        let mut tasks: Vec<_> = (0..count).map(|_| Task::new(&semaphore, 1)).collect();
        semaphore.release(count + 1).unwrap();
        assert!(tasks.iter_mut().all(|task| task.wakes() == 1 && task.poll() == GRANTED));
        assert_eq!((semaphore.value(), semaphore.waiters()), (1, 0));
        assert_eq!(semaphore.try_acquire(1), Ok(()), "newcomers are free again");
    }
}

#[test]
fn who_gives_up_leaves_what_was_gathered_to_the_next() {
    let semaphore = Threads::new(1);
    let mut big = Task::new(&semaphore, 5);
    let mut middle = Task::new(&semaphore, 2);
    let mut small = Task::new(&semaphore, 1);
    semaphore.release(1).unwrap();
    drop(middle);
    assert_eq!(small.poll(), Poll::Pending, "the head has not changed");
    assert_eq!(big.poll(), Poll::Pending);

    middle = Task::new(&semaphore, 1);
    drop(big);
    assert_eq!([small.poll(), middle.poll()], [GRANTED, GRANTED]);
    assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
}

#[test]
fn the_last_in_the_list_can_leave_and_be_followed() {
    let semaphore = Threads::new(0);
    let mut first = Task::new(&semaphore, 1);
    drop(Task::new(&semaphore, 1));
    let mut second = Task::new(&semaphore, 1);
    semaphore.release(2).unwrap();
    assert_eq!([first.poll(), second.poll()], [GRANTED, GRANTED]);
}

#[test]
fn what_was_granted_to_one_that_is_gone_goes_back() {
    let semaphore = Threads::new(0);
    let granted = Task::new(&semaphore, 2);
    semaphore.release(2).unwrap();
    assert_eq!(semaphore.value(), 0);
    drop(granted);
    assert_eq!(semaphore.value(), 2);
}

#[test]
fn a_task_that_has_moved_is_woken_where_it_was_last_polled() {
    let semaphore = Threads::new(0);
    let mut task = Task::new(&semaphore, 1);
    let former = core::mem::take(&mut task.woken);
    assert_eq!(task.poll(), Poll::Pending);
    assert_eq!(Arc::strong_count(&former), 1, "the former waker is dropped");
    semaphore.release(1).unwrap();
    assert_eq!((former.0.load(Ordering::Relaxed), task.wakes()), (0, 1));
}

#[test]
fn closing_turns_all_away_until_it_is_opened_again() {
    let semaphore = Threads::new(2);
    let mut tasks: Vec<_> = (0..=WAKE_BATCH).map(|_| Task::new(&semaphore, 3)).collect();
    semaphore.close();
    assert!(semaphore.is_closed());
    for task in &mut tasks {
        assert_eq!((task.wakes(), task.poll()), (1, Poll::Ready(Err(AcquireError::Closed))));
    }
    assert_eq!(semaphore.waiters(), 0);
    assert_eq!(semaphore.try_acquire(1), Err(TryAcquireError::Closed));
    assert_eq!(semaphore.acquire(0, &ThreadParker), Err(AcquireError::Closed));
    assert_eq!(semaphore.acquire_until(1, &ThreadParker, Tick::MAX, || Tick::ZERO), Err(AcquireError::Closed));

    semaphore.release(1).unwrap();
    semaphore.close();
    semaphore.reopen();
    assert_eq!(semaphore.try_acquire(3), Ok(()));
}

#[test]
fn a_deadline_is_kept() {
    let semaphore = Threads::new(1);
    let times = AtomicUsize::new(0);
    let now = || Tick(times.fetch_add(1, Ordering::Relaxed) as u64);
    assert_eq!(semaphore.acquire_until(1, &ThreadParker, Tick::ZERO, now), Ok(()), "in time although it is late");
    assert_eq!(times.load(Ordering::Relaxed), 0, "no clock is read where nobody waits");
    assert_eq!(semaphore.acquire_until(1, &ThreadParker, Tick(3), now), Err(AcquireError::TimedOut));
    assert_eq!(times.load(Ordering::Relaxed), 4);
    assert_eq!(semaphore.waiters(), 0);
}

#[test]
fn a_parker_that_panics_leaves_the_list_in_order() {
    struct Broken;
    impl Park for Broken {
        type Unpark = Sleeper;
        fn unparker(&self) -> Sleeper {
            Sleeper::Thread(thread::current())
        }
        fn park(&self) {
            panic!("a broken parker");
        }
        fn park_until(&self, _: Tick) {}
    }
    let semaphore = Threads::new(0);
    let mut before = Task::new(&semaphore, 1);
    let panic = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| semaphore.acquire(1, &Broken)));
    assert!(panic.is_err());
    assert_eq!(semaphore.waiters(), 1);
    semaphore.release(1).unwrap();
    assert_eq!(before.poll(), GRANTED);
}

/// Cannot be woken.
struct Unwakeable;

impl Wake for Unwakeable {
    fn wake(self: Arc<Self>) {
        panic!("it cannot be woken");
    }
}

/// So many tasks wait that it takes several turns of the lock to wake them, and one in the first turn panics.
fn one_of_many_panics(wake_all: impl FnOnce(&Threads), end: Poll<Result<(), AcquireError>>) {
    let semaphore = Threads::new(0);
    let mut first = Task::new(&semaphore, 1);
    let mut broken = Box::pin(semaphore.acquire_async(1));
    let waker = Waker::from(Arc::new(Unwakeable));
    assert_eq!(broken.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    let mut others: Vec<_> = (0..3 * WAKE_BATCH).map(|_| Task::new(&semaphore, 1)).collect();
    let panic = panic::catch_unwind(AssertUnwindSafe(|| wake_all(&semaphore))).expect_err("it goes on to the caller");
    assert_eq!(panic.downcast_ref(), Some(&"it cannot be woken"));
    for task in others.iter_mut().chain([&mut first]) {
        assert_eq!((task.wakes(), task.poll()), (1, end));
    }
    assert_eq!(broken.as_mut().poll(&mut Context::from_waker(&waker)), end);
    semaphore.reopen();
    assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
    semaphore.release(1).unwrap();
    assert_eq!(semaphore.try_acquire(1), Ok(()));
}

#[test]
fn who_was_called_gives_back_what_it_has_taken_if_to_call_the_next_panics() {
    let semaphore = Threads::new(0);
    let big = Task::new(&semaphore, 2);
    let mut first = Task::new(&semaphore, 1);
    // It would need nothing, but the first in line is not to be overtaken.
    let mut broken = Box::pin(semaphore.acquire_async(0));
    let waker = Waker::from(Arc::new(Unwakeable));
    assert_eq!(broken.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    drop(big);
    semaphore.release(1).unwrap();
    assert_eq!(first.wakes(), 1);
    let panic = panic::catch_unwind(AssertUnwindSafe(|| first.poll())).expect_err("it goes on to who wakes");
    assert_eq!(panic.downcast_ref(), Some(&"it cannot be woken"));
    drop(first);
    assert_eq!(broken.as_mut().poll(&mut Context::from_waker(&waker)), GRANTED);
    assert_eq!((semaphore.value(), semaphore.waiters()), (1, 0));
}

#[test]
fn an_unparker_that_panics_keeps_nobody_else_asleep() {
    one_of_many_panics(|semaphore| semaphore.release(3 * WAKE_BATCH + 2).unwrap(), GRANTED);
    one_of_many_panics(Semaphore::close, Poll::Ready(Err(AcquireError::Closed)));
}

#[test]
fn guards_release_split_merge_and_forget() {
    let semaphore = Threads::new(5);
    let mut three = semaphore.permit(3, &ThreadParker).unwrap();
    let one = three.split(1).unwrap();
    assert!(three.split(3).is_none());
    assert_eq!((three.count(), one.count(), semaphore.value()), (2, 1, 2));
    drop(three);
    assert_eq!(semaphore.value(), 4);

    let mut all = semaphore.try_permit(4).unwrap();
    all.merge(one);
    assert!(all.is_of(&semaphore) && !all.is_of(&Threads::new(5)));
    all.forget();
    assert_eq!(semaphore.value(), 0);
    drop(semaphore.adopt(5));
    assert_eq!(semaphore.value(), 5);
}

#[test]
#[should_panic(expected = "two semaphores")]
fn permits_of_two_semaphores_are_not_merged() {
    let semaphores = [Threads::new(1), Threads::new(1)];
    let [mut one, other] = semaphores.each_ref().map(|semaphore| semaphore.try_permit(1).unwrap());
    one.merge(other);
}

#[test]
fn a_lock_has_one_permit_at_most() {
    let lock = Lock::<YieldingMutex, Sleeper>::new();
    assert_eq!(lock.release(), Err(NotLocked));
    let guard = lock.guard(&ThreadParker);
    assert!(lock.is_locked() && lock.try_guard().is_none());
    assert!(!lock.acquire_until(&ThreadParker, Tick::ZERO, || Tick::ZERO));
    thread::scope(|scope| scope.spawn(|| lock.release()).join().unwrap().unwrap());
    assert!(!lock.is_locked());
    drop(guard);
    assert!(!lock.is_locked(), "a guard whose lock is free has nothing to release");
    assert!(lock.try_acquire());
    assert_eq!((lock.release(), lock.release()), (Ok(()), Err(NotLocked)));
}

#[test]
fn the_parkers_of_the_crate_fit() {
    let _ = |semaphore: &Semaphore<YieldingMutex, crate::hosts::FlagUnparker>, parker: &FlagParker| {
        semaphore.acquire(1, parker)
    };
}

const ROUNDS: usize = if cfg!(miri) { 20 } else { 4_000 };

/// Threads that wait, wait with a deadline and do not wait, for one permit and for many: none is lost, none is made.
#[test]
fn permits_are_conserved_under_stress() {
    const PERMITS: usize = 3;
    const THREADS: usize = 4;
    let semaphore = Threads::new(PERMITS);
    let held = AtomicUsize::new(0);
    let acquired: usize = thread::scope(|scope| {
        let work = |seed: usize| {
            let (semaphore, held) = (&semaphore, &held);
            move || {
                let mut acquired = 0;
                for round in 0..ROUNDS {
                    let count = 1 + (round + seed) % PERMITS;
                    let permit = match (round + seed) % 5 {
                        0 | 1 => semaphore.permit(count, &ThreadParker).ok(),
                        2 | 3 => {
                            let times = AtomicUsize::new(0);
                            let now = || Tick(times.fetch_add(1, Ordering::Relaxed) as u64);
                            semaphore.permit_until(count, &ThreadParker, Tick(round as u64 % 4), now).ok()
                        }
                        _ => semaphore.try_permit(count).ok(),
                    };
                    if let Some(permit) = permit {
                        let before = held.fetch_add(count, Ordering::Relaxed);
                        assert!(before + count <= PERMITS, "{before} + {count} permits are held at once");
                        thread::yield_now();
                        held.fetch_sub(count, Ordering::Relaxed);
                        drop(permit);
                        acquired += 1;
                    }
                }
                acquired
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|seed| scope.spawn(work(seed))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(acquired >= THREADS * ROUNDS / 5);
    assert_eq!((semaphore.value(), semaphore.waiters()), (PERMITS, 0));
}

/// What is done before a release is seen after the acquisition that it allows.
#[test]
fn a_lock_passes_turns_under_stress() {
    struct Shared(core::cell::UnsafeCell<usize>);
    // SAFETY: only touched with the lock held.
    unsafe impl Sync for Shared {}
    let lock = Lock::<YieldingMutex, Sleeper>::new();
    let shared = Shared(core::cell::UnsafeCell::new(0));
    let threads = vec![(); 4];
    thread::scope(|scope| {
        for () in &threads {
            scope.spawn(|| {
                let shared = &shared;
                for _ in 0..ROUNDS {
                    let _guard = lock.guard(&ThreadParker);
                    // SAFETY: the lock is held.
                    unsafe { *shared.0.get() += 1 };
                }
            });
        }
    });
    assert_eq!(shared.0.into_inner(), threads.len() * ROUNDS);
}

#[test]
fn closing_under_a_lock_turns_away_those_behind_one_that_was_called_too() {
    let semaphore = Threads::new(1);
    semaphore.try_acquire(1).unwrap();
    let mut tasks: Vec<_> = (0..3).map(|_| Task::new(&semaphore, 1)).collect();
    semaphore.release(1).unwrap();
    assert_eq!(tasks[0].wakes(), 1, "called");
    let mut woken = Vec::new();
    semaphore.close_for(|unparker| woken.push(unparker));
    assert_eq!((woken.len(), semaphore.waiters()), (2, 0));
    for task in &mut tasks {
        assert_eq!(task.poll(), Poll::Ready(Err(AcquireError::Closed)));
    }
}

#[test]
fn who_comes_after_the_others_were_turned_away_is_served() {
    for semaphore in [Threads::new(0), Threads::fair(0)] {
        let mut tasks: Vec<_> = (0..3).map(|_| Task::new(&semaphore, 1)).collect();
        let mut woken = 0;
        semaphore.turn_away(|_| woken += 1);
        assert_eq!((woken, semaphore.waiters(), semaphore.is_closed()), (3, 0, false));
        let mut late = Task::new(&semaphore, 1);
        semaphore.release(1).unwrap();
        assert!(tasks.iter_mut().all(|task| task.poll() == Poll::Ready(Err(AcquireError::Closed))));
        assert_eq!((late.poll(), semaphore.value()), (GRANTED, 0));
    }
}
