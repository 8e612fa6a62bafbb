//! Every job that was accepted ends exactly once, whatever several threads do to the pool at the same time.
//!
//! A binary of its own, so that `under_stress` is built without all that it does not need.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use fastthreadpool::{Done, JobId, JoinHandle, Pool, Producer};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a destructor");
    }
}

#[derive(Debug, Default)]
struct Ledger {
    made: AtomicUsize,
    refused: AtomicUsize,
    ran: AtomicUsize,
    dropped: AtomicUsize,
}

impl Ledger {
    fn count(counter: &AtomicUsize) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Made, refused, ran, dropped without having run.
    fn read(&self) -> [usize; 4] {
        [&self.made, &self.refused, &self.ran, &self.dropped].map(|counter| counter.load(Ordering::SeqCst))
    }
}

/// One job's line in the ledger.
struct Line {
    ledger: Arc<Ledger>,
    ran: bool,
}

impl Line {
    fn new(ledger: &Arc<Ledger>) -> Self {
        Ledger::count(&ledger.made);
        Self { ledger: Arc::clone(ledger), ran: false }
    }

    fn run(&mut self) {
        self.ran = true;
        Ledger::count(&self.ledger.ran);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.ran {
            Ledger::count(&self.ledger.dropped);
        }
    }
}

/// A thread that does things to the pool.
struct Actor {
    pool: Pool<u32>,
    producer: Producer<u32>,
    ledger: Arc<Ledger>,
    rng: Rng,
    ids: Vec<JobId>,
    handles: Vec<JoinHandle<u32>>,
}

impl Actor {
    fn new(pool: &Pool<u32>, ledger: &Arc<Ledger>, seed: u64) -> Self {
        let (pool, producer, ledger) = (pool.clone(), pool.producer(), Arc::clone(ledger));
        Self { pool, producer, ledger, rng: Rng::with_seed(seed), ids: Vec::new(), handles: Vec::new() }
    }

    /// A job that runs its line, and sometimes panics or submits others.
    fn job(&mut self) -> impl FnOnce() -> u32 + Send + 'static {
        let mut line = Line::new(&self.ledger);
        let (kind, seed) = (self.rng.u32(..30), self.rng.u64(..));
        let (pool, ledger) = (self.pool.clone(), Arc::clone(&self.ledger));
        move || {
            line.run();
            match kind {
                0 => panic!("a job"),
                1 => drop(Bomb),
                2..6 => Self::new(&pool, &ledger, seed).submit(),
                6 => drop(pool.cancel_queued()),
                _ => {}
            }
            kind
        }
    }

    fn submit(&mut self) {
        let (job, delay) = (self.job(), Duration::from_micros(self.rng.u64(..500)));
        let submitted = match self.rng.u32(..8) {
            0 => self.pool.submit_first(job),
            1 => self.pool.submit_later(delay, job),
            2 => self.pool.job(job).discard().submit(),
            3 => match self.pool.spawn(job) {
                Ok(handle) => {
                    self.handles.push(handle);
                    return;
                }
                Err(refused) => Err(refused),
            },
            4 | 5 => self.producer.submit(job),
            _ => self.pool.submit(job),
        };
        match submitted {
            Ok(id) => self.ids.push(id),
            Err(_) => Ledger::count(&self.ledger.refused),
        }
    }

    fn act(&mut self) {
        match self.rng.u32(..1000) {
            0..700 => self.submit(),
            700..900 if !self.ids.is_empty() => {
                let id = self.ids.swap_remove(self.rng.usize(..self.ids.len()));
                let _ = self.pool.cancel(id);
            }
            900..960 if !self.handles.is_empty() => {
                let handle = self.handles.swap_remove(self.rng.usize(..self.handles.len()));
                match self.rng.u32(..3) {
                    0 => _ = handle.join_timeout(Duration::from_micros(50)),
                    1 => _ = handle.cancel(),
                    _ => _ = handle.join(),
                }
            }
            960..970 => _ = self.pool.cancel_queued(),
            970..975 => _ = self.pool.cancel_timers(),
            975..980 => _ = (self.pool.jobs(), self.pool.delayed(), self.pool.counts()),
            980..983 => self.pool.reset(),
            983..985 => {
                self.pool.shutdown_timeout(Duration::from_micros(200));
                self.pool.reset();
            }
            985 => {
                self.pool.shutdown_now();
                self.pool.reset();
            }
            986..990 => _ = self.pool.wait_idle_timeout(Duration::from_micros(100)),
            _ => self.pool.done().drain().for_each(drop),
        }
    }
}

fn run(seed: u64, callback_panics: &AtomicUsize, build: impl FnOnce() -> Pool<u32>) {
    let (pool, ledger) = (build(), Arc::new(Ledger::default()));
    std::thread::scope(|scope| {
        for actor in 0..3 {
            let mut actor = Actor::new(&pool, &ledger, seed * 10 + actor);
            scope.spawn(move || (0..2000).for_each(|_| actor.act()));
        }
    });
    // Somebody may be left who waits for room.
    while !pool.shutdown_timeout(Duration::from_millis(1)) {
        pool.done().drain().for_each(drop);
    }
    let [made, refused, ran, dropped] = ledger.read();
    assert_eq!(ran + dropped, made, "seed {seed}: each job runs or is dropped, once");
    let counts = pool.counts();
    assert_eq!(counts.cancelled, (dropped - refused) as u64, "seed {seed}: {ledger:?} {counts:?}");
    let panics = callback_panics.swap(0, Ordering::SeqCst);
    assert_eq!(
        (counts.done + counts.failed, counts.reports),
        (ran as u64, panics as u64),
        "seed {seed}: {ledger:?} {counts:?}"
    );
    assert_eq!(counts.accepted, counts.sum(), "seed {seed}: {ledger:?} {counts:?}");
    assert_eq!((counts.pending, counts.busy, counts.alive, counts.timers), (0, 0, 0, 0));
    assert_eq!(Arc::strong_count(&ledger), 1, "nothing is kept");
}

/// `STRESS_SECONDS=600 cargo test --release -p tests --test conservation under_stress -- --ignored --nocapture`
#[test]
#[ignore = "takes as long as STRESS_SECONDS says"]
fn under_stress() {
    let seconds = std::env::var("STRESS_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(60);
    let until = std::time::Instant::now() + Duration::from_secs(seconds);
    // Jobs panic by the thousand: their messages would only slow it down.
    std::panic::set_hook(Box::new(|_| ()));
    let first = std::env::var("STRESS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1000);
    let seeds = (first..).take_while(|_| std::time::Instant::now() < until).inspect(|seed| {
        run(*seed, &AtomicUsize::new(0), || {
            let builder = Pool::builder().threads(1 + *seed as usize % 4);
            if seed % 2 == 0 { builder } else { builder.queue_capacity(50).done_capacity(20) }.build().unwrap()
        });
    });
    println!("{} pools of 3 threads x 2000 deeds, from seed {first}", seeds.count());
}

#[test]
fn of_an_unbounded_pool() {
    for seed in 0..8 {
        run(seed, &AtomicUsize::new(0), || Pool::builder().threads(1 + seed as usize % 3).build().unwrap());
    }
}

#[test]
fn of_a_pool_with_bounds() {
    for seed in 100..108 {
        run(seed, &AtomicUsize::new(0), || {
            Pool::builder().threads(1 + seed as usize % 3).queue_capacity(50).done_capacity(20).build().unwrap()
        });
    }
}

#[test]
fn of_a_pool_with_callbacks() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    for seed in 200..204 {
        run(seed, &PANICS, || {
            let on_done = |done: Done<u32>| {
                if done.value == 9 {
                    PANICS.fetch_add(1, Ordering::SeqCst);
                    panic!("a callback");
                }
            };
            Pool::builder().threads(2).on_done(on_done).on_failed(drop).build().unwrap()
        });
    }
}
