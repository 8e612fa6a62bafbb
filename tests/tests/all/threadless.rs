//! Pools without threads, and threads that work for a pool for a while.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use fastthreadpool::{
    AcquireError, BuildError, Builder, Cancellation, Done, FastLock, Group, JobError, MAX_WORKERS, ManualClock,
    Observer, OnDrop, Pool, Semaphore, SubmitError, WhenFull, WorkerEvent,
};

use crate::support::HOUR;

const MINUTE: Duration = Duration::from_mins(1);

fn pool<T: Send + 'static>() -> Pool<T> {
    Pool::builder().threadless().build().unwrap()
}

/// Tells of each time that somebody falls asleep.
struct Parks(Sender<()>);

impl Observer for Parks {
    fn worker(&self, _: usize, event: WorkerEvent) {
        if event == WorkerEvent::Parked {
            let _ = self.0.send(());
        }
    }
}

/// A pool without threads, and who tells of sleep.
fn watched<T: Send + 'static>(builder: Builder<T>) -> (Pool<T>, Receiver<()>) {
    let (parks, parked) = channel();
    (builder.threadless().observer(Parks(parks)).build().unwrap(), parked)
}

/// A thread that works for the pool until it ends, and sleeps by now.
fn asleep<T: Send + 'static>(pool: &Pool<T>, parked: &Receiver<()>) -> thread::JoinHandle<usize> {
    let handle = pool.clone();
    let works = thread::spawn(move || handle.run_here(Duration::MAX));
    parked.recv().unwrap();
    works
}

fn here() -> ThreadId {
    thread::current().id()
}

fn values<T: Send + 'static>(group: &Group<T>) -> Vec<T> {
    group.done().drain().map(|Done { value, .. }| value).collect()
}

#[test]
fn nothing_runs_until_somebody_waits_or_says_so() {
    let pool: Pool<ThreadId> = pool();
    assert_eq!((pool.threads(), pool.alive(), pool.largest()), (0, 0, 0));
    for _ in 0..100 {
        pool.submit(here).unwrap();
    }
    assert_eq!((pool.counts().queued, pool.alive()), (100, 0));
    assert!(pool.run_one());
    assert_eq!((pool.done().len(), pool.counts().queued), (1, 99));
    assert_eq!(pool.run_until_idle(), 99);
    assert_eq!((pool.run_until_idle(), pool.run_one()), (0, false));
    assert_eq!((pool.alive(), pool.largest(), pool.counts().done), (0, 1, 100));
    assert!(values(&pool).into_iter().all(|thread| thread == here()));
}

#[test]
fn they_run_in_the_order_in_which_they_came() {
    let pool: Pool<u32> = pool();
    let handle = pool.clone();
    for n in 0..1000 {
        let handle = handle.clone();
        pool.submit(move || {
            if n == 10 {
                handle.submit(|| 1000).unwrap();
            }
            n
        })
        .unwrap();
    }
    pool.submit_first(|| 1001).unwrap();
    pool.wait_idle();
    assert!(values(&pool).into_iter().eq([1001].into_iter().chain(0..1001)));
}

#[test]
fn whatever_waits_for_the_pool_works_for_it() {
    let pool: Pool<u32> = pool();
    assert_eq!(pool.spawn(|| 1).unwrap().join().unwrap(), 1);
    assert_eq!(pool.spawn(|| 2).unwrap().join_timeout(HOUR).unwrap().unwrap(), 2);

    pool.submit(|| 3).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 3);
    pool.submit(|| 4).unwrap();
    assert_eq!(pool.done().pop_timeout(HOUR).unwrap().value, 4);
    pool.submit(|| 5).unwrap();
    assert!(pool.completed().map(|done| done.unwrap().value).eq([5]));

    let group: Group<u32> = pool.group().limit(1).build().unwrap();
    (6..9).for_each(|n| _ = group.submit(move || n).unwrap());
    group.wait();
    assert_eq!(values(&group), [6, 7, 8]);
    group.submit(|| 9).unwrap();
    assert_eq!(group.done().pop().unwrap().value, 9);

    let text = String::from("borrowed");
    let mut lens = [0; 10];
    pool.scope(|s| lens.iter_mut().for_each(|len| s.spawn(|| *len = text.len())));
    assert_eq!(lens, [8; 10]);
    assert_eq!(pool.join(|| 1, || 2), (1, 2));
    assert_eq!(pool.run(here), here());
    assert_eq!(pool.par_map(0..100_u32, |n| n + 1).len(), 100);
    assert_eq!(pool.map(0..100_u32, |n| n + 1).collect().len(), 100);
    assert!(pool.map(0..100_u32, |n| n + 1).iter().map(Result::unwrap).eq(1..101));
    assert_eq!(pool.alive(), 0);
}

#[test]
fn a_job_that_waits_has_others_run_on_top_of_it() {
    let pool: Pool<u32> = pool();
    let handle = pool.clone();
    let outer = pool
        .spawn(move || {
            let group: Group<u32> = handle.group().build().unwrap();
            (0..5).for_each(|n| _ = group.submit(move || n).unwrap());
            let first = group.done().pop().unwrap().value;
            group.wait();
            let semaphore = Arc::new(Semaphore::new(0));
            let other = Arc::clone(&semaphore);
            handle.submit(move || other.release(1).map_or(0, |()| 100)).unwrap();
            // A semaphore belongs to no pool; but this is a job of one.
            drop(semaphore.acquire().unwrap());
            first + values(&group).into_iter().sum::<u32>()
        })
        .unwrap();
    assert_eq!(outer.join().unwrap(), 10);
    assert_eq!(values(&pool), [100]);
    assert_eq!((pool.alive(), pool.counts().pending), (0, 0));
}

#[test]
fn waits_lie_on_top_of_each_other_up_to_a_limit() {
    /// A job that waits for one like it, `left` times.
    fn nest(pool: &Pool<usize>, left: usize, ended: Arc<Semaphore>, depth: &Arc<[AtomicUsize; 3]>) {
        let (handle, depth) = (pool.clone(), Arc::clone(depth));
        let job = move || {
            let [now, most, refused] = &*depth;
            most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            if left > 0 {
                let inner = Arc::new(Semaphore::new(0));
                nest(&handle, left - 1, Arc::clone(&inner), &depth);
                match inner.acquire() {
                    Ok(permit) => drop(permit),
                    Err(AcquireError::WouldDeadlock) => _ = refused.fetch_add(1, Ordering::Relaxed),
                    Err(error) => panic!("{error}"),
                }
            }
            now.fetch_sub(1, Ordering::Relaxed);
            ended.release(1).unwrap();
            left
        };
        pool.submit(job).unwrap();
    }
    // Without optimization, and under a sanitizer, they take more room than a test's thread has.
    let lie = || {
        let pool: Pool<usize> = pool();
        let depth = Arc::default();
        nest(&pool, 300, Arc::new(Semaphore::new(0)), &depth);
        pool.wait_idle();
        let [now, most, refused] = &*depth;
        assert_eq!((now.load(Ordering::Relaxed), most.load(Ordering::Relaxed)), (0, 64.min(MAX_WORKERS)));
        assert!(refused.load(Ordering::Relaxed) > 0, "who would be deeper does not wait");
        assert_eq!((pool.alive(), pool.counts().pending, pool.counts().done), (0, 0, 301));
    };
    thread::Builder::new().stack_size(16 << 20).spawn(lie).unwrap().join().unwrap();
}

#[test]
fn delayed_and_periodic_jobs_begin_in_time_while_somebody_waits() {
    let pool: Pool<u32> = pool();
    let late = pool.submit_later(Duration::from_hours(1), || 0).unwrap();
    assert!(!pool.run_one());
    pool.reschedule(late, Instant::now() + Duration::from_millis(2)).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 0);
    let mut runs = 0;
    let repeats = move || {
        runs += 1;
        runs
    };
    let id = pool.schedule(Duration::from_millis(1), repeats).unwrap();
    for run in 1..=3 {
        assert_eq!(pool.done().pop().unwrap().value, run);
    }
    assert_eq!(pool.cancel(id), Cancellation::Removed);
    assert_eq!(pool.counts().timers, 0);
}

#[test]
fn a_shutdown_runs_what_is_left_and_so_does_the_drop() {
    let ran = Arc::new(AtomicUsize::new(0));
    let submit = |pool: &Pool| {
        for _ in 0..10 {
            let ran = Arc::clone(&ran);
            pool.submit(move || _ = ran.fetch_add(1, Ordering::Relaxed)).unwrap();
        }
    };
    let first = pool();
    submit(&first);
    first.submit_later(Duration::from_millis(1), || ()).unwrap();
    first.shutdown();
    assert_eq!(ran.load(Ordering::Relaxed), 10);
    assert!(first.wait_ended(Some(Duration::ZERO)));
    first.reset();
    submit(&first);
    drop(first);
    assert_eq!(ran.load(Ordering::Relaxed), 20);

    let in_time = pool();
    submit(&in_time);
    assert!(in_time.shutdown_timeout(HOUR));
    assert_eq!(ran.load(Ordering::Relaxed), 30);

    let stopped = pool();
    submit(&stopped);
    assert_eq!(stopped.shutdown_now().len(), 10);
    let dropped: Pool = Pool::builder().threadless().on_drop(OnDrop::Stop).build().unwrap();
    submit(&dropped);
    drop(dropped);
    let left: Pool = Pool::builder().threadless().on_drop(OnDrop::Detach).build().unwrap();
    submit(&left);
    // Nobody is left who could run them.
    drop(left);
    assert_eq!(ran.load(Ordering::Relaxed), 30);
}

#[test]
fn a_job_is_cancelled_by_its_id_while_it_runs() {
    let pool: Pool<bool> = pool();
    let handle = pool.clone();
    let id = pool
        .job_with(move |job| {
            assert_eq!(handle.cancel(job.id()), Cancellation::Stopping);
            job.is_cancelled()
        })
        .submit()
        .unwrap();
    assert!(pool.run_one());
    assert_eq!(values(&pool), [true]);
    assert_eq!(pool.cancel(id), Cancellation::TooLate);
}

#[test]
fn a_panic_stays_with_its_job() {
    let pool: Pool<u32> = pool();
    pool.submit(|| -> u32 { panic!("on purpose") }).unwrap();
    pool.submit(|| 1).unwrap();
    assert!(matches!(pool.spawn(|| -> u32 { panic!("on purpose") }).unwrap().join(), Err(JobError::Panicked(_))));
    pool.wait_idle();
    assert_eq!((pool.failed().len(), values(&pool)), (1, vec![1]));
    assert_eq!(pool.alive(), 0);
}

#[test]
fn a_full_queue_is_worked_off_by_who_waits_for_room() {
    let bounded: Pool<u32> = Pool::builder().threadless().queue_capacity(2).build().unwrap();
    for n in 0..10 {
        bounded.submit_wait(move || n).unwrap();
    }
    assert!(matches!(bounded.submit(|| 10), Err(SubmitError::Full(_))));
    assert!(bounded.submit_timeout(HOUR, || 10).is_ok());
    bounded.wait_idle();
    assert!(values(&bounded).into_iter().eq(0..11));

    let here_then: Pool<u32> =
        Pool::builder().threadless().queue_capacity(1).when_full(WhenFull::RunHere).build().unwrap();
    (0..3).for_each(|n| _ = here_then.submit(move || n).unwrap());
    assert_eq!(values(&here_then), [1, 2]);
    here_then.wait_idle();

    // Results, too: a job that has no room for what it emits waits for it, and its reader runs it.
    let narrow: Pool<u32> = Pool::builder().threadless().done_capacity(1).build().unwrap();
    (0..5).for_each(|n| _ = narrow.submit(move || n).unwrap());
    assert!((0..5).map(|_| narrow.done().pop().unwrap().value).eq(0..5));
}

#[test]
fn threads_are_not_to_be_had() {
    let pool: Pool = pool();
    assert!(pool.set_threads(0).is_ok());
    assert_eq!(pool.set_threads(1).unwrap_err().most, 0);
    assert_eq!(pool.start_threads(3).unwrap(), 0);
    assert_eq!((pool.threads(), pool.alive()), (0, 0));
    let error = Pool::<()>::builder().threads(0).build().unwrap_err();
    assert!(matches!(error, BuildError::Threads(0)) && error.to_string().contains("threadless"), "{error}");
    // The last word counts.
    assert_eq!(Pool::<()>::builder().threadless().threads(1).build().unwrap().threads(), 1);
}

#[test]
fn what_is_local_to_the_thread_may_be_used() {
    thread_local!(static COUNT: Rc<Cell<u32>> = Rc::new(Cell::new(0)));
    let count = COUNT.with(Rc::clone);
    let pool: Pool = pool();
    (0..10).for_each(|_| _ = pool.submit(|| COUNT.with(|count| count.set(count.get() + 1))).unwrap());
    pool.wait_idle();
    assert_eq!(count.get(), 10);
}

#[test]
fn a_frame_runs_what_it_has_time_for() {
    let pool: Pool<u32> = pool();
    (0..3).for_each(|n| _ = pool.submit(move || n).unwrap());
    assert_eq!(pool.run_for(Duration::ZERO), 0);
    assert_eq!(pool.run_for(HOUR), 3);
    assert_eq!(pool.run_for(HOUR), 0, "it does not wait for more");
}

#[test]
fn a_submit_by_another_thread_wakes_who_waits() {
    let pool: Pool<ThreadId> = pool();
    let (handle, this) = (pool.clone(), here());
    let other = thread::spawn(move || {
        for _ in 0..100 {
            handle.submit(here).unwrap();
            // It has gone to sleep meanwhile, or not.
            thread::yield_now();
        }
    });
    assert!((0..100).all(|_| pool.done().pop().unwrap().value == this));
    other.join().unwrap();
}

#[test]
fn a_thread_works_here_until_the_pool_is_closed() {
    for threadless in [true, false] {
        let builder = Pool::builder();
        let pool: Pool<ThreadId> = if threadless { builder.threadless() } else { builder.threads(1) }.build().unwrap();
        let (handle, this) = (pool.clone(), here());
        let (sender, receiver) = channel();
        let other = thread::spawn(move || {
            // One that only a second worker can end.
            let waits = handle.spawn(move || receiver.recv().map(|()| here())).unwrap();
            if !threadless {
                handle.submit(move || sender.send(()).map(|()| here()).unwrap()).unwrap();
                handle.shutdown();
                return waits.join().unwrap().ok();
            }
            sender.send(()).unwrap();
            let thread = waits.join().unwrap().ok();
            handle.shutdown();
            thread
        });
        pool.run_here(Duration::MAX);
        assert!(other.join().unwrap().is_some());
        assert!(pool.wait_ended(Some(HOUR)));
        let _ = this;
    }
}

#[test]
fn a_thread_that_works_here_is_one_more_and_is_gone_afterwards() {
    let pool: Pool<usize> = Pool::builder().threads(2).build().unwrap();
    pool.start_threads(2).unwrap();
    let handle = pool.clone();
    let waits = Arc::new(Semaphore::new(0));
    let (begun, begins) = channel();
    // All three at once.
    for _ in 0..3 {
        let (handle, waits, begun) = (handle.clone(), Arc::clone(&waits), begun.clone());
        pool.submit(move || {
            begun.send(()).unwrap();
            while waits.value() == 0 {
                thread::yield_now();
            }
            handle.alive()
        })
        .unwrap();
    }
    let other = thread::spawn({
        let waits = Arc::clone(&waits);
        move || {
            (0..3).for_each(|_| begins.recv().unwrap());
            waits.release(1).unwrap();
        }
    });
    while pool.run_one() {}
    other.join().unwrap();
    pool.wait_idle();
    assert_eq!(values(&pool).into_iter().max(), Some(3));
    assert_eq!((pool.threads(), pool.alive(), pool.largest()), (2, 2, 3));
}

#[test]
fn time_is_over_while_somebody_works_here() {
    let pool: Pool = pool();
    let (id, runs) = (Arc::new(Mutex::new(None)), Arc::new(AtomicUsize::new(0)));
    let counts = Arc::clone(&runs);
    *id.lock().unwrap() =
        Some(pool.schedule(Duration::from_millis(1), move || _ = counts.fetch_add(1, Ordering::Relaxed)).unwrap());
    let ran = pool.run_here(Duration::from_millis(20));
    assert_eq!(ran, runs.load(Ordering::Relaxed));
    assert!(ran >= 1);
    assert_eq!(pool.run_here(Duration::ZERO), 0);
    assert_eq!(pool.alive(), 0);
}

#[test]
fn who_advances_a_clock_runs_the_jobs() {
    let clock = ManualClock::new();
    let pool: Pool<(u64, ThreadId)> = Pool::builder().threadless().clock(&clock).build().unwrap();
    let start = clock.now();
    let minutes = {
        let clock = clock.clone();
        move || (clock.now().duration_since(start).as_secs() / 60, here())
    };
    pool.schedule(10 * MINUTE, minutes.clone()).unwrap();
    pool.submit_later(HOUR, minutes.clone()).unwrap();
    pool.submit(minutes).unwrap();
    clock.advance(MINUTE);
    assert_eq!(values(&pool), [(0, here())]);
    clock.advance(HOUR);
    let expected = [10, 20, 30, 40, 50, 60, 60].map(|minute| (minute, here()));
    assert_eq!(values(&pool), expected);
    assert_eq!(pool.alive(), 0);
    pool.cancel_timers();
}

#[test]
fn a_job_that_waits_for_a_time_goes_on_there_while_who_advances_runs_it() {
    let clock = ManualClock::new();
    let pool: Pool<u64> = Pool::builder().threadless().clock(&clock).build().unwrap();
    let start = clock.now();
    let passed = {
        let clock = clock.clone();
        move || clock.now().duration_since(start).as_secs() / 60
    };
    let at_end = passed.clone();
    let waits = pool.job_with(move |job| {
        assert!(!job.cancelled_timeout(30 * MINUTE));
        at_end()
    });
    waits.submit().unwrap();
    let limited = pool.job_with(|job| u64::from(job.cancelled_timeout(HOUR)));
    limited.time_limit(5 * MINUTE).submit().unwrap();
    pool.submit_later(10 * MINUTE, passed.clone()).unwrap();
    clock.advance(MINUTE);
    // The one on top first, which its limit has ended; what was due in between has run in between.
    assert_eq!(values(&pool), [1, 10, 30]);
    assert_eq!(passed(), 30);
}

#[test]
fn observers_see_what_runs_here_as_anywhere() {
    let pool: Pool<u32> = Pool::builder().threadless().metrics(true).build().unwrap();
    pool.job(|| 1).name("seen").submit().unwrap();
    pool.wait_idle();
    let metrics = pool.metrics();
    assert_eq!((metrics.counts.done, metrics.counts.accepted), (1, 1));
}

#[test]
fn who_runs_others_while_it_waits_keeps_no_place_in_line() {
    // Three jobs on top of each other want what a fourth party has, and the last of them has it first.
    let wants: [fn() -> Box<dyn Turn>; 3] =
        [|| Box::new(Semaphore::new(1)), || Box::new(Semaphore::fair(1)), || Box::new(FastLock::new())];
    for turn in wants.map(|turn| Arc::from(turn())) {
        let turn: Arc<dyn Turn> = turn;
        let pool: Pool<u32> = pool();
        turn.take();
        for n in 0..3 {
            let turn = Arc::clone(&turn);
            pool.submit(move || {
                turn.take();
                turn.give();
                n
            })
            .unwrap();
        }
        let handle = pool.clone();
        let idle = thread::spawn(move || handle.wait_idle());
        while pool.counts().running < 3 {
            thread::yield_now();
        }
        turn.give();
        assert!(idle.join().unwrap());
        assert_eq!(values(&pool), [2, 1, 0]);
    }
}

/// What one has after the other.
trait Turn: Send + Sync {
    fn take(&self);
    fn give(&self);
}

impl Turn for Semaphore {
    fn take(&self) {
        self.acquire().unwrap().forget();
    }

    fn give(&self) {
        self.release(1).unwrap();
    }
}

impl Turn for FastLock {
    fn take(&self) {
        self.acquire().forget();
    }

    fn give(&self) {
        self.release().unwrap();
    }
}

#[test]
fn threads_that_work_here_contend_for_a_lock() {
    let pool: Pool<usize> = pool();
    let lock = Arc::new((FastLock::new(), AtomicUsize::new(0)));
    let others = [(); 2].map(|()| {
        let handle = pool.clone();
        thread::spawn(move || handle.run_here(Duration::MAX))
    });
    for _ in 0..200 {
        let lock = Arc::clone(&lock);
        pool.submit(move || {
            let _guard = lock.0.acquire();
            let before = lock.1.load(Ordering::Relaxed);
            thread::yield_now();
            lock.1.store(before + 1, Ordering::Relaxed);
            before
        })
        .unwrap();
    }
    pool.shutdown();
    assert_eq!(lock.1.load(Ordering::Relaxed), 200);
    assert!(others.map(|other| other.join().unwrap()).into_iter().sum::<usize>() <= 200);
}

#[test]
fn jobs_wait_for_room_as_who_runs_them_does() {
    let pool: Pool<u32> = Pool::builder().threadless().queue_capacity(1).build().unwrap();
    for n in 0..10 {
        let handle = pool.clone();
        pool.submit_wait(move || handle.submit_wait(move || n + 100).map_or(0, |_| n)).unwrap();
    }
    pool.wait_idle();
    let mut values = values(&pool);
    values.sort_unstable();
    assert!(values.into_iter().eq((0..10).chain(100..110)));
}

#[test]
fn who_waits_by_means_of_his_own_is_not_taken_for_one_who_works() {
    let (pool, parked) = watched::<()>(Pool::builder());
    let (handle, (sender, receiver), (begun, begins)) = (pool.clone(), channel(), channel());
    pool.submit(move || {
        handle.blocking(|| {
            begun.send(()).unwrap();
            receiver.recv().unwrap();
        });
    })
    .unwrap();
    let handle = pool.clone();
    let blocked = thread::spawn(move || handle.run_one());
    begins.recv().unwrap();
    let works = asleep(&pool, &parked);
    pool.submit(move || sender.send(()).unwrap()).unwrap();
    assert!(blocked.join().unwrap());
    pool.shutdown();
    assert_eq!(works.join().unwrap(), 1);
}

#[test]
fn a_panic_while_it_is_known_to_block_stays_with_its_job() {
    let pool: Pool<u32> = pool();
    let handle = pool.clone();
    pool.submit(move || handle.blocking(|| -> u32 { panic!("on purpose") })).unwrap();
    let (handle, permits) = (pool.clone(), Arc::new(Semaphore::new(0)));
    let other = Arc::clone(&permits);
    // Who waits in there by means that are known works meanwhile.
    pool.submit(move || handle.blocking(|| permits.acquire().map_or(0, |_| 1))).unwrap();
    pool.submit(move || other.release(1).map_or(0, |()| 2)).unwrap();
    pool.shutdown();
    assert_eq!((pool.failed().len(), values(&pool), pool.alive()), (1, vec![2, 1], 0));
}

#[test]
fn who_waits_for_two_pools_is_in_nobodys_way_while_he_works_for_one() {
    let ((one, one_parked), (other, other_parked)) = (watched::<u32>(Pool::builder()), watched::<u32>(Pool::builder()));
    let handle = other.clone();
    one.submit(move || handle.done().pop().unwrap().value).unwrap();
    let works = asleep(&one, &one_parked);
    // For both pools.
    other_parked.recv().unwrap();
    let helps = asleep(&other, &other_parked);
    let (sender, receiver) = channel();
    let (begun, begins) = channel();
    one.submit(move || {
        begun.send(()).unwrap();
        receiver.recv().unwrap()
    })
    .unwrap();
    begins.recv().unwrap();
    other.submit(move || sender.send(1).map_or(0, |()| 2)).unwrap();
    one.shutdown();
    assert_eq!(values(&one), [1, 2]);
    assert_eq!(works.join().unwrap(), 1);
    other.shutdown();
    assert_eq!(helps.join().unwrap(), 1);
}

#[test]
fn what_a_job_of_a_closed_pool_submits_is_run_by_who_waits_for_the_end() {
    for delay in [Duration::ZERO, Duration::from_millis(1)] {
        let (pool, parked) = watched::<u32>(Pool::builder());
        let (handle, (begun, begins), (sender, receiver)) = (pool.clone(), channel(), channel::<()>());
        pool.submit(move || {
            begun.send(()).unwrap();
            receiver.recv().unwrap();
            handle.submit_later(delay, || 2).map_or(0, |_| 1)
        })
        .unwrap();
        let handle = pool.clone();
        let runs_one = thread::spawn(move || handle.run_one());
        begins.recv().unwrap();
        let works = asleep(&pool, &parked);
        let handle = pool.clone();
        let ends = thread::spawn(move || handle.shutdown());
        while !pool.is_closed() {
            thread::yield_now();
        }
        parked.recv().unwrap();
        sender.send(()).unwrap();
        assert!(runs_one.join().unwrap());
        ends.join().unwrap();
        assert!(works.join().unwrap() <= 1);
        // The second may have been quicker.
        assert_eq!((values(&pool).into_iter().sum::<u32>(), pool.alive()), (3, 0));
    }
}

#[test]
fn who_works_here_is_none_of_those_that_stay() {
    let builder = Pool::<()>::builder().threads(2).min_threads(1).keep_alive(Duration::from_millis(1));
    let pool = builder.build().unwrap();
    pool.start_threads(1).unwrap();
    pool.run_here(Duration::from_millis(20));
    assert_eq!(pool.alive(), 1);
}

#[test]
fn who_works_here_helps_with_joins() {
    for builder in [Pool::<()>::builder().threadless(), Pool::builder().threads(1)] {
        let pool = builder.build().unwrap();
        let handle = pool.clone();
        let works = thread::spawn(move || handle.run_here(Duration::MAX));
        while pool.alive() == 0 {
            thread::yield_now();
        }
        let (sender, receiver) = channel();
        let (first, other) = pool.join(
            move || receiver.recv().map(|other| (here(), other)).unwrap(),
            move || {
                sender.send(here()).unwrap();
                here()
            },
        );
        assert_eq!((first.0, first.1), (here(), other));
        pool.shutdown();
        assert_eq!(works.join().unwrap(), 0, "that is no job");
    }
}

#[test]
fn a_clock_does_not_go_past_the_waits_of_those_who_work_meanwhile() {
    let clock = ManualClock::new();
    let (pool, parked) = watched::<u64>(Pool::builder().clock(&clock));
    let start = clock.now();
    let passed = {
        let clock = clock.clone();
        move || clock.now().duration_since(start).as_secs() / 60
    };
    // Outside of jobs, and as one who works for some time.
    let (reader, worker) = (pool.clone(), pool.clone());
    let reads = thread::spawn(move || reader.done().pop_timeout(10 * MINUTE).is_none());
    parked.recv().unwrap();
    assert_eq!(clock.advance_to_next(), Some(start + 10 * MINUTE));
    assert!(reads.join().unwrap());
    let works = thread::spawn(move || worker.run_here(10 * MINUTE));
    parked.recv().unwrap();
    assert_eq!(clock.advance_to_next(), Some(start + 20 * MINUTE));
    assert_eq!(works.join().unwrap(), 0);
    // In jobs, of which one lies on top of the other, the last in a pool that follows the same clock.
    let other: Pool<u64> = Pool::builder().threadless().clock(&clock).build().unwrap();
    for minutes in [30, 20] {
        let passed = passed.clone();
        pool.submit_with(move |job| {
            job.cancelled_timeout(minutes * MINUTE);
            passed()
        })
        .unwrap();
    }
    let handle = other.clone();
    pool.submit(move || handle.done().pop_timeout(10 * MINUTE).map_or_else(passed, |_| 0)).unwrap();
    let handle = pool.clone();
    let works = thread::spawn(move || handle.run_here(Duration::MAX));
    while pool.counts().running < 3 {
        thread::yield_now();
    }
    clock.advance(HOUR);
    assert_eq!(values(&pool), [30, 40, 50]);
    pool.shutdown();
    assert_eq!(works.join().unwrap(), 1, "those on top of it apart");
}

#[test]
fn a_clock_is_turned_while_somebody_waits_for_pools_of_two_clocks() {
    let clock = ManualClock::new();
    let (world, by_hand): (Pool<u32>, Pool<u32>) =
        (pool(), Pool::builder().threadless().clock(&clock).build().unwrap());
    let handle = by_hand.clone();
    let (begun, begins) = channel();
    world
        .submit(move || {
            begun.send(()).unwrap();
            handle.done().pop_timeout(HOUR).map_or(0, |done| done.value)
        })
        .unwrap();
    let handle = world.clone();
    let works = thread::spawn(move || handle.run_one());
    begins.recv().unwrap();
    by_hand.submit_later(10 * MINUTE, || 1).unwrap();
    clock.advance(HOUR);
    assert!(works.join().unwrap());
    assert_eq!(values(&world), [1]);
}

#[test]
fn a_clock_waits_for_others_when_a_job_of_who_turns_it_does() {
    let clock = ManualClock::new();
    let pool: Pool<bool> = Pool::builder().threadless().clock(&clock).build().unwrap();
    let other: Pool<u32> = Pool::builder().threads(1).clock(&clock).build().unwrap();
    let (handle, (sender, receiver)) = (other.clone(), channel());
    let waits = move || {
        let handle = handle
            .spawn(move || {
                receiver.recv().unwrap();
                // It is waited for, however long this takes.
                (0..100).for_each(|_| thread::yield_now());
                1
            })
            .unwrap();
        sender.send(()).unwrap();
        handle.join_timeout(MINUTE).is_ok()
    };
    pool.submit(waits).unwrap();
    clock.advance(HOUR);
    assert_eq!(values(&pool), [true]);
}

#[test]
fn a_job_works_for_its_pool_for_some_time_of_a_clock() {
    for builder in [Pool::builder().threadless(), Pool::builder().threads(1)] {
        let clock = ManualClock::new();
        let pool: Pool<usize> = builder.clock(&clock).build().unwrap();
        let handle = pool.clone();
        pool.submit(move || handle.run_here(10 * MINUTE)).unwrap();
        pool.submit_later(5 * MINUTE, || 5).unwrap();
        clock.advance(HOUR);
        assert!(values(&pool).into_iter().sum::<usize>() >= 5, "and perhaps it was run there");
        assert_eq!(pool.counts().pending, 0);
    }
}

#[test]
fn what_a_periodic_job_returns_is_waited_for() {
    let pool: Pool = pool();
    let runs = pool.periodic(|| 1).every(Duration::from_micros(10)).spawn().unwrap();
    assert!(runs.iter().take(3).flatten().eq([1; 3]));
    runs.cancel();
    assert_eq!(runs.iter().count(), 0);
}
