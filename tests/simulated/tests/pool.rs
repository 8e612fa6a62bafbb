//! The pool itself, simulated: random programs of everything, whose accounts must balance and which must end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use fastthreadpool::simulation::{Simulation, random, sleep, spawn};
use fastthreadpool::{Group, ManualClock, Pool, Semaphore, WhenFull};

/// Programs that are played.
fn times() -> u64 {
    std::env::var("SIMULATIONS").map_or(300, |times| times.parse().unwrap())
}

fn moment() -> Duration {
    Duration::from_micros(random(2000))
}

/// What jobs of a program share.
struct Shared {
    pool: Pool<u64>,
    group: Group<u64>,
    permits: Semaphore,
    ran: AtomicU64,
    /// Threads may fail to start: who waits in a job has nobody to stand in then, until the next submit.
    has_faults: bool,
}

/// Says who waits for what, if a program fails.
struct Tells<'s>(&'s Shared);

impl Drop for Tells<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("{}\n{:?}", self.0.pool.report(), self.0.group.counts());
        }
    }
}

/// Something that may be done with a pool, in a job or not.
fn step(shared: &Arc<Shared>, depth: u32) {
    let job = |depth: u32| {
        let shared = Arc::clone(shared);
        move || {
            shared.ran.fetch_add(1, Ordering::Relaxed);
            if depth < 3 && random(2) == 0 {
                step(&shared, depth + 1);
            }
            u64::from(depth)
        }
    };
    let Shared { pool, group, permits, .. } = &**shared;
    match random(16) {
        5 | 7 | 8 if shared.has_faults && depth > 0 => {}
        0 => _ = pool.submit(job(depth)),
        1 => _ = pool.producer().submit(job(depth)),
        2 => _ = pool.submit_first(job(depth)),
        3 => _ = pool.submit_later(moment(), job(depth)),
        4 => {
            if let Ok(id) = pool.submit(job(depth)) {
                pool.cancel(id);
            }
        }
        5 => {
            if let Ok(handle) = pool.spawn(job(depth)) {
                _ = handle.join();
            }
        }
        6 => _ = group.submit(job(depth)),
        7 => _ = group.wait(),
        8 => {
            pool.scope(|s| {
                for _ in 0..random(4) {
                    s.spawn(|| _ = shared.ran.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
        9 => _ = pool.join(|| permits.try_acquire().is_ok(), || permits.value()),
        10 => {
            if let Ok(_permit) = permits.acquire_timeout(moment()) {
                sleep(moment());
            }
        }
        11 => _ = pool.done().pop_timeout(moment()),
        12 => {
            if let Ok(handle) = pool.spawn_with(|job| job.cancelled_timeout(moment())) {
                pool.cancel(handle.id());
                _ = handle.join_timeout(moment());
            }
        }
        13 => _ = pool.run_one(),
        14 => sleep(moment()),
        _ => {
            let mut left = random(3);
            let periodic = move || {
                left = left.saturating_sub(1);
                left
            };
            if let Ok(id) = pool.schedule(Duration::from_micros(1 + random(500)), periodic) {
                sleep(moment());
                pool.cancel(id);
            }
        }
    }
}

fn program(threadless: bool, has_faults: bool) -> (u64, u64) {
    let builder = Pool::builder();
    let builder = match random(4) {
        0 => builder.queue_capacity(4).when_full(WhenFull::RunHere),
        1 => builder.keep_alive(moment()),
        _ => builder,
    };
    let builder = if threadless { builder.threadless() } else { builder.threads(1 + random(3) as usize) };
    let pool: Pool<u64> = builder.build().unwrap();
    let group = pool.group().limit(1).build().unwrap();
    let shared = Arc::new(Shared { pool, group, permits: Semaphore::new(1), ran: AtomicU64::new(0), has_faults });
    let _tells = Tells(&shared);
    let actors: Vec<_> = (0..2)
        .map(|_| {
            let shared = Arc::clone(&shared);
            spawn(move || (0..4).for_each(|_| step(&shared, 0)))
        })
        .collect();
    actors.into_iter().for_each(|actor| actor.join().unwrap());
    match random(3) {
        0 => shared.pool.shutdown(),
        1 => _ = shared.pool.shutdown_now(),
        _ => {
            shared.pool.wait_idle();
            shared.pool.shutdown();
        }
    }
    let counts = shared.pool.counts();
    assert_eq!((counts.pending, counts.timers, counts.accepted), (0, 0, counts.sum()), "{counts:?}");
    assert_eq!(shared.permits.value(), 1);
    (counts.accepted, shared.ran.load(Ordering::Relaxed))
}

#[test]
fn random_programs_end_and_balance() {
    Simulation::new(0).explore(times(), || _ = program(false, false));
}

#[test]
fn without_threads_too() {
    Simulation::new(1_000_000).explore(times(), || _ = program(true, false));
}

#[test]
fn with_threads_that_do_not_start_and_jobs_that_panic() {
    Simulation::new(2_000_000).failing_starts(0.2).panicking_jobs(0.1).explore(times(), || _ = program(false, true));
}

#[test]
fn a_seed_repeats_a_program() {
    for seed in 3_000_000..3_000_000 + times() / 10 {
        let play = || Simulation::new(seed).panicking_jobs(0.1).play(|| program(false, false));
        assert_eq!(play(), play(), "with seed {seed}");
    }
}

/// Several ask for the failures at once, for the first time, and while they come; and again after a new beginning.
fn readers(reads: fn(&Pool<u64>)) {
    let pool: Pool<u64> = Pool::builder().threads(1).build().unwrap();
    pool.submit(|| Err::<u64, _>("on purpose")).unwrap();
    pool.submit(|| Ok::<_, &str>(1)).unwrap();
    pool.wait_idle();
    let other = pool.clone();
    let actor = spawn(move || reads(&other));
    reads(&pool);
    actor.join().unwrap();
    pool.shutdown();
    let _ = (pool.done().try_pop(), pool.failed().try_pop());
    pool.reset();
    pool.submit(|| 2).unwrap();
    pool.wait_idle();
}

#[test]
fn who_reads_holds_up_nobody_else() {
    Simulation::new(4_000_000).explore(times(), || readers(|pool| _ = pool.failed().len()));
    Simulation::new(5_000_000).explore(times(), || readers(|pool| _ = pool.failed().try_pop()));
}

#[test]
fn two_advance_a_clock() {
    Simulation::new(6_000_000).explore(times(), || {
        let clock = ManualClock::new();
        let pool: Pool<u64> = Pool::builder().threads(1).clock(&clock).build().unwrap();
        pool.submit_later(Duration::from_secs(1), || 1).unwrap();
        let other = clock.clone();
        let actor = spawn(move || other.advance(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        actor.join().unwrap();
        assert_eq!(pool.counts().done, 1);
    });
}
