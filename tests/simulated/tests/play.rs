//! What a simulation is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use fastthreadpool::simulation::{self, Simulation, now, sleep, spawn, system_time, yield_now};
use fastthreadpool::{AcquireError, FastLock, JobError, MissedTickBehavior, Pool, Semaphore, SubmitError, WhenFull};

const DAY: Duration = Duration::from_secs(86_400);
const SECOND: Duration = Duration::from_secs(1);

/// What actors do, in the order in which they do it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u32>>>);

impl Log {
    fn note(&self, what: u32) {
        self.0.lock().unwrap().push(what);
    }

    fn take(&self) -> Vec<u32> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn three_jobs() -> Vec<u32> {
    let (pool, log) = (Pool::<()>::builder().threads(3).build().unwrap(), Log::default());
    for n in 0..3 {
        let log = log.clone();
        pool.submit(move || {
            log.note(n);
            yield_now();
            log.note(10 + n);
        })
        .unwrap();
    }
    pool.wait_idle();
    log.take()
}

#[test]
fn a_seed_repeats_everything_and_others_bring_other_orders() {
    let mut orders = Vec::new();
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let first = simulation.play(three_jobs);
        assert_eq!(first, simulation.play(three_jobs), "with seed {seed}");
        orders.push(first.0);
    }
    orders.sort();
    orders.dedup();
    // Of the 90 in which three pairs may be.
    assert!(orders.len() > 40, "{}", orders.len());
}

#[test]
fn time_goes_on_when_all_wait_and_by_just_that() {
    let days = Simulation::new(1).run(|| {
        let (began, date) = (now(), system_time());
        let pool: Pool<u64> = Pool::builder().threads(2).build().unwrap();
        let days = move || now().duration_since(began).as_secs() / DAY.as_secs();
        pool.periodic(days).every(DAY).missed(MissedTickBehavior::Burst).submit().unwrap();
        pool.submit_later(10 * DAY, move || 100 + days()).unwrap();
        sleep(10 * DAY + SECOND);
        assert_eq!(now() - began, 10 * DAY + SECOND);
        assert_eq!(system_time().duration_since(date).unwrap(), 10 * DAY + SECOND);
        pool.cancel_timers();
        let mut values: Vec<_> = pool.done().drain().map(|done| done.value).collect();
        values.sort_unstable();
        values
    });
    assert_eq!(days, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 110]);
}

#[test]
fn every_wait_has_its_time() {
    Simulation::new(2).explore(50, || {
        let began = now();
        let pool: Pool<u32> = Pool::builder().threads(1).queue_capacity(1).build().unwrap();
        let semaphore = Semaphore::new(0);
        assert!(matches!(semaphore.acquire_timeout(DAY), Err(AcquireError::TimedOut)));
        let lock = FastLock::new();
        let _held = lock.acquire();
        assert!(lock.acquire_timeout(DAY).is_none());
        assert!(pool.done().pop_timeout(DAY).is_none());
        let id = pool.submit_later(30 * DAY, || 0).unwrap();
        assert!(matches!(pool.submit_timeout(DAY, || 1), Err(SubmitError::TimedOut(_))));
        assert!(!pool.shutdown_timeout(DAY));
        assert_eq!(now() - began, 5 * DAY);
        pool.cancel(id);
    });
}

#[test]
fn limits_and_dates_are_kept_in_the_time_of_the_play() {
    Simulation::new(3).explore(50, || {
        let (began, date) = (now(), system_time());
        let pool: Pool<u64> = Pool::builder().threads(1).build().unwrap();
        let limited = pool.job_with(|job| u64::from(job.cancelled_timeout(DAY))).time_limit(SECOND).spawn().unwrap();
        assert_eq!(limited.join().unwrap(), 1);
        assert_eq!(now() - began, SECOND);
        let at = move || system_time().duration_since(date).unwrap().as_secs();
        pool.job(at).at(date + 2 * DAY).submit().unwrap();
        assert_eq!(pool.done().pop().unwrap().value, 2 * DAY.as_secs());
        let late = pool.job(|| 0).start_by(now() + SECOND);
        let occupied = pool.submit(|| {
            sleep(DAY);
            7
        });
        let late = late.spawn().unwrap();
        assert!(matches!(late.join(), Err(JobError::Expired)));
        assert!(occupied.is_ok() && pool.done().pop().unwrap().value == 7);
    });
}

#[test]
fn who_waits_for_what_never_comes_is_told() {
    let waits = || {
        let pool: Pool<u32> = Pool::builder().threads(1).build().unwrap();
        // Nobody is to submit anything.
        pool.done().pop();
    };
    let panic = catch_unwind(|| Simulation::new(4).run(waits)).unwrap_err();
    assert!(panic.downcast_ref::<&str>().unwrap().contains("nobody can go on"));
    // Two that want what the other has.
    let deadly = |seed| {
        let ring = move || {
            let (one, other) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
            let actor = {
                let (one, other) = (Arc::clone(&one), Arc::clone(&other));
                spawn(move || {
                    let _one = one.acquire().unwrap();
                    let _other = other.acquire().unwrap();
                })
            };
            {
                let _other = other.acquire().unwrap();
                let _one = one.acquire().unwrap();
            }
            actor.join().unwrap();
        };
        catch_unwind(|| Simulation::new(seed).run(ring)).is_err()
    };
    let fails: Vec<_> = (0..50).filter(|seed| deadly(*seed)).collect();
    assert!(!fails.is_empty() && fails.len() < 50, "{fails:?}");
    assert!(fails.iter().all(|seed| deadly(*seed)), "a seed repeats it");
}

#[test]
fn a_panic_of_the_scenario_ends_the_play_and_all_go_on_by_themselves() {
    let ran = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&ran);
    let result = catch_unwind(AssertUnwindSafe(|| {
        Simulation::new(5).run(|| {
            let pool: Pool = Pool::builder().threads(2).build().unwrap();
            for _ in 0..10 {
                let ran = Arc::clone(&counts);
                pool.submit(move || _ = ran.fetch_add(1, Ordering::Relaxed)).unwrap();
            }
            pool.wait_idle();
            let handle = pool.clone();
            std::mem::forget(handle);
            panic!("on purpose");
        })
    }));
    assert!(result.is_err());
    assert_eq!(ran.load(Ordering::Relaxed), 10);
    // The next one is none of its business.
    assert_eq!(Simulation::new(5).run(three_jobs).len(), 6);
}

#[test]
fn a_pool_that_is_left_behind_keeps_no_simulation_from_its_end() {
    let pool = Simulation::new(6).run(|| {
        let pool: Pool<u32> = Pool::builder().threads(2).build().unwrap();
        pool.submit(|| 1).unwrap();
        pool.submit_later(DAY, || 2).unwrap();
        pool
    });
    // The others played on until then: there was a time to wait for.
    let mut values: Vec<_> = pool.done().drain().map(|done| done.value).collect();
    values.sort_unstable();
    assert_eq!(values, [1, 2]);
    // Its threads are as others now.
    assert_eq!(pool.spawn(|| 3).unwrap().join().unwrap(), 3);
}

#[test]
fn what_goes_wrong_is_drawn_from_the_seed_too() {
    let faults = |seed| {
        let scenario = || {
            let pool: Pool<u32> = Pool::builder().threads(4).build().unwrap();
            let refused = (0..100).filter(|n| {
                let n = *n;
                matches!(pool.submit(move || n), Err(SubmitError::NoThread(..)))
            });
            let refused = refused.count();
            pool.wait_idle();
            assert_eq!(pool.done().len() + pool.failed().len() + refused, 100);
            (refused, pool.failed().len())
        };
        Simulation::new(seed).failing_starts(0.5).panicking_jobs(0.1).play(scenario)
    };
    let all: Vec<_> = (0..20).map(faults).collect();
    assert!(all.iter().any(|((refused, _), _)| *refused > 0) && all.iter().any(|((_, failed), _)| *failed > 0));
    assert!((0..20).map(faults).eq(all), "a seed repeats them");
    assert_eq!(Simulation::new(0).run(|| simulation::random(1)), 0);
}

#[test]
fn a_simulation_without_threads_has_one_order() {
    let scenario = || {
        let pool: Pool<u32> = Pool::builder().threadless().build().unwrap();
        let handle = pool.clone();
        pool.submit_later(DAY, || 2).unwrap();
        let inner = move || handle.spawn(|| 1).unwrap().join().unwrap();
        pool.submit(inner).unwrap();
        [pool.done().pop().unwrap().value, pool.done().pop().unwrap().value]
    };
    assert!((0..20).all(|seed| Simulation::new(seed).run(scenario) == [1, 2]));
}

#[test]
fn outside_of_one_the_world_is_as_it_is() {
    let began = now();
    sleep(Duration::from_millis(1));
    assert!(now() - began >= Duration::from_millis(1));
    yield_now();
    assert_eq!(simulation::random(10), 0);
    assert_eq!(spawn(|| thread::current().name().map(str::to_owned)).join().unwrap().as_deref(), Some("actor"));
    assert!(spawn(|| panic!("on purpose")).join().is_err());
    let nested = || Simulation::new(0).run(|| Simulation::new(1).run(|| ()));
    assert!(catch_unwind(nested).is_err());
    let pool = Pool::builder().threads(1).queue_capacity(1).when_full(WhenFull::Wait).build().unwrap();
    (0..100).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.wait_idle();
    assert_eq!(pool.done().len(), 100);
}
