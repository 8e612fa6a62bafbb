//! Simulation: a program with pools is played again and again, each time in another order, which a seed repeats. The stage itself is in
//! `sys/simulated.rs`.
//!
//! What runs in a [simulation](Simulation::run), and all threads that this crate starts there, are *actors*. One of them plays at a time, and
//! which is drawn from the seed at each *point*: where a thread waits, wakes another, submits or cancels a job, takes a permit or releases one, where a
//! job begins or ends. So two runs with the same seed are the same in everything, and two with different seeds are different orders of what may
//! happen at the same time. Time is simulated, too: it stands still while somebody can go on, and goes on at once when all wait.
//!
//! The program under test is the one that ships: its pools are built as ever, without a word of this.
//!
//! ```
//! use fastthreadpool::Pool;
//! use fastthreadpool::simulation::{Simulation, now};
//! use std::sync::{Arc, Mutex};
//! use std::time::Duration;
//!
//! // A thousand orders, in each of which a day passes.
//! Simulation::new(0).explore(1000, || {
//!     let began = now();
//!     let pool: Pool<&str> = Pool::builder().threads(2).build().unwrap();
//!     pool.submit_later(Duration::from_secs(86_400), || "tomorrow").unwrap();
//!     let log = Arc::new(Mutex::new(Vec::new()));
//!     for n in [1, 2] {
//!         let log = Arc::clone(&log);
//!         pool.spawn(move || log.lock().unwrap().push(n)).unwrap();
//!     }
//!     assert_eq!(pool.done().pop().unwrap().value, "tomorrow");
//!     assert_eq!(now() - began, Duration::from_secs(86_400));
//!     let log = log.lock().unwrap();
//!     assert!(*log == [1, 2] || *log == [2, 1]);
//! });
//! ```
//!
//! # What is not simulated
//!
//! An actor must wait by this crate only: its pools and groups, results, handles, [`Semaphore`](crate::Semaphore), [`FastLock`](crate::FastLock),
//! [`ManualClock::advance`](crate::ManualClock::advance), [`sleep`], and what [`spawn`] returns. One that waits by other means, as for a message of std's channels, keeps the others from playing for
//! ever; a lock of std's is no matter as long as no point lies between its lock and its unlock. [`Instant::now`] and [`SystemTime::now`] are the world's, [`now`] and
//! [`system_time`] the play's. Threads that are started by other means than this crate's are no actors; they must leave alone what actors use.
//! Nor are orders simulated that only weak memory has: of two actors each sees at once what the other does.
//!
//! A pool without a number of threads has four here, on whatever machine. Random numbers, addresses and the order of a [`HashMap`](std::collections::HashMap)
//! are not drawn from the seed: what depends on them may not repeat.
//!
//! # When a run fails
//!
//! A run fails by a panic of the scenario; by one that nobody can go on, when all actors wait, and for no time; or by none at all, when something
//! waits by other means. After a panic the play is over: what is left of the pools goes on by itself, in the world's time.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::sync::event::Event;
use crate::sync::time::Deadline;
use crate::sys::simulated::{self, Faults, Stage};
use crate::sys::{self, Mutex};

/// How a program is played.
#[derive(Clone, Debug)]
#[must_use = "a simulation does nothing until it is run"]
pub struct Simulation {
    seed: u64,
    faults: Faults,
}

impl Simulation {
    /// One whose order is drawn from a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, faults: Faults::default() }
    }

    /// Of the threads that are to be started such a share cannot be: 0 for none, which is the default, 1 for all.
    ///
    /// ```
    /// use fastthreadpool::simulation::Simulation;
    /// use fastthreadpool::{Pool, SubmitError};
    ///
    /// Simulation::new(0).failing_starts(1.0).run(|| {
    ///     let pool: Pool = Pool::builder().threads(1).build().unwrap();
    ///     assert!(matches!(pool.submit(|| ()), Err(SubmitError::NoThread(..))));
    /// });
    /// ```
    pub fn failing_starts(mut self, share: f64) -> Self {
        self.faults.starts = of_u32(share);
        self
    }

    /// Of the runs of jobs such a share panics before the job's function is called.
    ///
    /// ```
    /// use fastthreadpool::Pool;
    /// use fastthreadpool::simulation::Simulation;
    ///
    /// let failed = Simulation::new(0).panicking_jobs(0.5).run(|| {
    ///     let pool = Pool::new().unwrap();
    ///     (0..100).for_each(|n| _ = pool.submit(move || n).unwrap());
    ///     pool.wait_idle();
    ///     assert_eq!(pool.done().len() + pool.failed().len(), 100);
    ///     pool.failed().len()
    /// });
    /// assert!((20..80).contains(&failed));
    /// ```
    pub fn panicking_jobs(mut self, share: f64) -> Self {
        self.faults.jobs = of_u32(share);
        self
    }

    /// Plays a scenario once, on the present thread and those that it starts. Returns what that returns.
    ///
    /// # Panics
    ///
    /// Passes on a panic of the scenario. Panics when nobody can go on; and inside of another simulation.
    pub fn run<R>(&self, scenario: impl FnOnce() -> R) -> R {
        self.play(scenario).0
    }

    /// The same; returns how many points there were, too: two runs with the same seed have as many.
    ///
    /// # Panics
    ///
    /// As [`Simulation::run`].
    pub fn play<R>(&self, scenario: impl FnOnce() -> R) -> (R, u64) {
        Stage::new(self.seed, self.faults).play(scenario)
    }

    /// Plays a scenario so many times, with its seed and those after it. With `SIMULATION_SEED` in the environment only with that one.
    ///
    /// # Panics
    ///
    /// Passes on the first panic, and says before on the standard error stream with which seed it came, and how to repeat it.
    pub fn explore(&self, times: u64, scenario: impl Fn()) {
        let given = env::var("SIMULATION_SEED").ok().and_then(|seed| seed.parse().ok());
        let seeds = given.map_or(self.seed..self.seed.saturating_add(times), |seed: u64| seed..seed.saturating_add(1));
        for seed in seeds {
            let simulation = Self { seed, ..self.clone() };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| simulation.run(&scenario))) {
                eprintln!("the simulation has failed with the seed {seed}; to repeat it, SIMULATION_SEED={seed}");
                resume_unwind(panic);
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 2^32")]
fn of_u32(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * 2_f64.powi(32)) as u64
}

/// What time it is in the simulation; the world's time outside of one.
#[must_use]
pub fn now() -> Instant {
    sys::instant(sys::now()).unwrap_or_else(|| unreachable!("it is not the end of time"))
}

/// What the clock of the system says in the simulation, which begins with the year 2026; the world's outside of one.
#[must_use]
pub fn system_time() -> SystemTime {
    sys::system_now()
}

/// Waits so long.
pub fn sleep(time: Duration) {
    let deadline = sys::after(time);
    while sys::now() < deadline {
        sys::park_until(deadline);
    }
}

/// A point: others may play now.
pub fn yield_now() {
    sys::thread::yield_now();
}

/// A number less than that, drawn from the seed; 0 outside of a simulation. For faults of the program's own: a service that does not answer, a
/// panic in the middle of a job.
#[must_use]
pub fn random(below: u64) -> u64 {
    simulated::random(below).unwrap_or(0)
}

/// Starts an actor of the scenario's own; outside of a simulation a thread.
///
/// ```
/// use fastthreadpool::simulation::{Simulation, spawn};
/// use fastthreadpool::{Pool, Semaphore};
///
/// Simulation::new(7).explore(100, || {
///     let pool = Pool::new().unwrap();
///     let handle = pool.clone();
///     let producer = spawn(move || (0..3).for_each(|n| _ = handle.submit(move || n).unwrap()));
///     let mut sum = 0;
///     (0..3).for_each(|_| sum += pool.done().pop().unwrap().value);
///     producer.join().unwrap();
///     assert_eq!(sum, 3);
/// });
/// ```
///
/// # Panics
///
/// When no thread can be started.
pub fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Actor<T> {
    let end = Arc::new(End { result: Mutex::new(None), has_come: Event::default() });
    let leaves = Arc::clone(&end);
    let live = move || {
        let result = catch_unwind(AssertUnwindSafe(f));
        *leaves.result.lock() = Some(result);
        leaves.has_come.notify();
    };
    let started = sys::thread::Builder::new().name("actor".into()).start(live);
    drop(started.unwrap_or_else(|error| panic!("no thread can be started: {error}")));
    Actor(end)
}

struct End<T> {
    result: Mutex<Option<thread::Result<T>>>,
    has_come: Event,
}

/// An actor; from [`spawn`].
pub struct Actor<T>(Arc<End<T>>);

impl<T> Actor<T> {
    /// Waits for its end. Returns what it has returned.
    ///
    /// # Errors
    ///
    /// What it has panicked with.
    pub fn join(self) -> thread::Result<T> {
        let result = Event::wait_any(&[&self.0.has_come], Deadline::NEVER, || self.0.result.lock().take());
        result.unwrap_or_else(|| unreachable!("it waits until it is there"))
    }
}

impl<T> std::fmt::Debug for Actor<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor").field("is_over", &self.0.result.lock().is_some()).finish_non_exhaustive()
    }
}
