//! The tour: the four examples of the original `fastthreadpool`, four of what it did not have, then the work of its two benchmarks.
//!
//! Everything that is printed was checked; a check that fails ends the program with what was expected and found.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use examples::{check, check_that, exit_code};
use fastthreadpool::{Cancellation, JobError, NotMoved, Pool, Priority, Semaphore};

type Checked<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    exit_code("tour", tour())
}

fn tour() -> Checked {
    let cores = thread::available_parallelism()?.get();
    println!("fastthreadpool on {cores} cores\n");
    println!("The original's examples");
    map_to_done()?;
    map_with_callback()?;
    ids()?;
    mixed()?;
    println!("\nJobs under control");
    classes()?;
    debounced()?;
    limited()?;
    told()?;
    println!("\nThe original's benchmarks: medians of {ROUNDS} rounds, taken in turn");
    sums(cores)?;
    semaphores()
}

// ----- the examples

/// The job of the first three: a square root, for those numbers that have one.
fn root(square: u64) -> Result<u64, String> {
    let root = square.isqrt();
    if root * root == square { Ok(root) } else { Err(format!("{square} is no square")) }
}

/// `pool.map(worker, iterable)`: successes in the done queue, failures in the failed queue.
fn map_to_done() -> Checked {
    // Jobs that return a `Result` leave open what the done queue holds: their `Ok`, or the whole.
    let pool: Pool<u64> = Pool::new()?;
    pool.map(1..=100, root).to_done()?;
    pool.shutdown();
    let roots: u64 = pool.done().drain().map(|done| done.value).sum();
    check("sum of the roots", (1..=10).sum(), roots)?;
    check("numbers without a root", 90, pool.failed().len())?;
    let failed = pool.failed().pop().ok_or("the failed queue is empty")?;
    println!("  1 map to done     100 jobs; the 10 roots add up to {roots}; 90 failed, one says: {}", failed.error);
    Ok(())
}

/// `pool.map(worker, iterable, done_cb)`: the callback sees each success, the failures are queued as before.
fn map_with_callback() -> Checked {
    let pool: Pool<u64> = Pool::new()?;
    let sum = Arc::new(AtomicU64::new(0));
    let add = Arc::clone(&sum);
    pool.map(1..=100, root).on_each(move |_id, root| _ = add.fetch_add(root, Ordering::Relaxed))?;
    pool.shutdown();
    let sum = sum.load(Ordering::Relaxed);
    check("sum of what the callback was given", 55, sum)?;
    check("queued successes and failures", (0, 90), (pool.done().len(), pool.failed().len()))?;
    println!("  2 map, callback   the callback was called 10 times and added up {sum}; the done queue stayed empty");
    Ok(())
}

/// `Pool(result_id = True)`: here every result carries its job's id.
fn ids() -> Checked {
    let pool: Pool<u64> = Pool::new()?;
    let first = pool.submit(|| root(144))?;
    let second = pool.submit(|| root(145))?;
    pool.shutdown();
    let done = pool.done().pop().ok_or("the done queue is empty")?;
    let failed = pool.failed().pop().ok_or("the failed queue is empty")?;
    check("id and value of the first", (first, 12), (done.id, done.value))?;
    check("id of the second", second, failed.id)?;
    println!("  3 ids             job {first} returned {}, job {second} failed", done.value);
    Ok(())
}

/// What the jobs of the last example return.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    Held,
    Foo1(usize),
    Foo2,
    Foo3,
    Foo4,
}

/// The original's larger example: its seconds are milliseconds here, and its `sleep` is a wait for the third scheduled run.
fn mixed() -> Checked {
    // One worker, held by a first job until everything is submitted, so that the order can be checked. While a job waits for
    // something of this crate another worker stands in for it: this one waits for a channel.
    let pool = Pool::builder().threads(1).build()?;
    let (begun, has_begun) = mpsc::channel();
    let (gate, opens) = mpsc::channel::<()>();
    pool.submit(move || -> Result<Said, mpsc::SendError<()>> {
        begun.send(())?;
        // Until the other end is dropped.
        _ = opens.recv();
        Ok(Said::Held)
    })?;
    has_begun.recv()?;

    let mut last = None;
    for i in 0..100 {
        last = Some(pool.submit(move || Said::Foo1(i))?);
    }
    pool.submit_first(|| Said::Foo2)?;
    let last = last.ok_or("nothing was submitted")?;
    check("cancelling the last of the 100", Cancellation::Removed, pool.cancel(last))?;
    let later = pool.submit_later(Duration::from_millis(10), || Said::Foo3)?;
    let scheduled = pool.schedule(Duration::from_millis(20), || Said::Foo4)?;
    check("jobs that wait for their time", (1, 1), (pool.delayed().len(), pool.scheduled().len()))?;
    drop(gate);

    let mut said = Vec::new();
    let mut runs = 0;
    while runs < 3 {
        let done = pool.done().pop().ok_or("the pool ended")?;
        runs += usize::from(done.id == scheduled);
        said.push(done);
    }
    pool.cancel_timers();
    check("timers after they were cancelled", 0, pool.delayed().len() + pool.scheduled().len())?;
    pool.shutdown();
    // A fourth run may have come in between.
    said.extend(pool.done().drain());

    let queued: Vec<_> = said.iter().filter(|done| done.id != later && done.id != scheduled).collect();
    let in_order = [Said::Held, Said::Foo2].into_iter().chain((0..99).map(Said::Foo1));
    check("the queued jobs in order", in_order.collect(), queued.iter().map(|done| done.value).collect::<Vec<_>>())?;
    let count = |wanted| said.iter().filter(|done| done.value == wanted).count();
    check("runs of the delayed job", 1, count(Said::Foo3))?;
    let runs = count(Said::Foo4);
    check_that("runs of the scheduled job", runs >= 3, || format!("expected at least 3, found {runs}"))?;
    let counts = pool.counts();
    // The scheduled job counts as cancelled only if it waited just then.
    check_that("removed jobs", (1..=2).contains(&counts.cancelled), || format!("expected 1 or 2, found {counts:?}"))?;
    println!(
        "  4 mixed           foo2 overtook 99 of foo1, the cancelled 100th never ran, foo3 ran once, foo4 {runs} times"
    );
    Ok(())
}

// ----- jobs under control

/// A pool with one worker, and no job begins yet.
fn paused<T: Send + 'static>() -> Checked<Pool<T>> {
    let pool = Pool::builder().threads(1).build()?;
    pool.pause();
    Ok(pool)
}

/// What is urgent begins first, and nothing waits for ever.
fn classes() -> Checked {
    const EACH: usize = 1000;
    let pool = paused()?;
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        for _ in 0..EACH {
            pool.job(move || priority).priority(priority).submit()?;
        }
    }
    pool.resume();
    pool.shutdown();
    let order: Vec<_> = pool.done().drain().map(|done| done.value).collect();
    let mean = |class| {
        let places = order.iter().enumerate().filter(|(_, priority)| **priority == class).map(|(place, _)| place);
        places.sum::<usize>() / EACH
    };
    let [high, normal, low] = [Priority::High, Priority::Normal, Priority::Low].map(mean);
    check_that("classes in order", high < normal && normal < low, || format!("found {high}, {normal}, {low}"))?;
    let first_low = order.iter().position(|priority| *priority == Priority::Low).ok_or("no low one ran")?;
    check_that("a low one before the last high one", first_low < order.len() - EACH, || format!("place {first_low}"))?;
    println!("  5 priorities      3000 jobs: high ones began {high}th on the mean, normal {normal}th, low {low}th");
    Ok(())
}

/// One timer that is moved with each event.
fn debounced() -> Checked {
    const KEYS: u32 = 100_000;
    let pool = Pool::new()?;
    let save = pool.job(|| "saved").name("save").after(Duration::from_mins(1)).submit()?;
    let start = Instant::now();
    for _ in 0..KEYS {
        pool.reschedule(save, Duration::from_mins(1))?;
    }
    let took = start.elapsed();
    check("timers after all that", 1, pool.delayed().len())?;
    pool.reschedule(save, Duration::ZERO)?;
    check("what it did", Some("saved"), pool.done().pop().map(|done| done.value))?;
    check("moving it once more", Err(NotMoved::TooLate), pool.reschedule(save, Duration::ZERO))?;
    println!(
        "  6 moved timers    {KEYS} moves of one timer, {:.0} ns each; it ran once",
        nanos(took) / f64::from(KEYS)
    );
    Ok(())
}

/// What has not begun in time expires, what runs too long is told so.
fn limited() -> Checked {
    let pool: Pool<&str> = Pool::builder().threads(1).build()?;
    let limit = Duration::from_millis(2);
    let long = pool.job_with(|job| {
        job.cancelled();
        "told to stop"
    });
    let long = long.time_limit(2 * limit).spawn()?;
    let held = pool.job(|| "in time").start_by(Duration::ZERO).spawn()?;
    let expired = matches!(held.join(), Err(JobError::Expired));
    check("a job that was to have begun by now", true, expired)?;
    check("a job that waits for the end of its time", "told to stop", long.join()?)?;
    let (sender, receiver) = mpsc::channel();
    let job = pool.periodic_with(move |job| {
        _ = sender.send(job.late());
        match job.run() {
            3 => job.stop(),
            _ => job.next_at(limit),
        }
        "a run"
    });
    job.every(Duration::MAX).starting(Duration::ZERO).discard().submit()?;
    let waits: Vec<_> = receiver.iter().collect();
    check("runs of a job that says when the next one is", 3, waits.len())?;
    let latest = waits.iter().max().map_or(0.0, |late| nanos(*late) / 1e3);
    println!(
        "  7 limits          one expired, one was told to stop; 3 runs when they said, at most {latest:.0} us late"
    );
    Ok(())
}

/// Which jobs did not run is told.
fn told() -> Checked {
    let pool = paused::<()>()?;
    pool.job(|| ()).name("backup").submit()?;
    pool.job(|| ()).name("report").after(Duration::from_hours(1)).submit()?;
    pool.periodic(|| ()).name("heartbeat").every(Duration::from_mins(1)).submit()?;
    pool.set_threads(4)?;
    let mut names: Vec<_> = pool.shutdown_now().into_iter().map(|job| job.name).collect();
    names.sort_unstable();
    check("what has not run", vec!["backup", "heartbeat", "report"], names.clone())?;
    check("threads after the end", 0, pool.alive())?;
    println!("  8 not run         {}", names.join(", "));
    Ok(())
}

fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

// ----- the benchmarks

const ROUNDS: usize = 9;
const JOBS: u32 = 50_000;
const PAIRS: u32 = 200_000;

/// One way to do the work; returns what is checked.
type Way<'w> = (&'static str, Box<dyn FnMut() -> Checked<u64> + 'w>);

/// Times the ways in turn, so that a moment in which the machine is busy meets them all; prints a table.
fn compare(title: &str, unit: &str, count: u32, expected: u64, baseline: usize, ways: &mut [Way<'_>]) -> Checked {
    let mut times = vec![Vec::with_capacity(ROUNDS); ways.len()];
    // The first round starts threads and touches memory.
    for round in 0..=ROUNDS {
        for ((name, way), times) in ways.iter_mut().zip(&mut times) {
            let start = Instant::now();
            let found = way()?;
            let time = start.elapsed();
            check(name, expected, found)?;
            if round > 0 {
                times.push(time);
            }
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times) / f64::from(count)).collect();
    println!("\n  {title:<44} {unit:>12} {:>11} {:>20}", "x fastest", "faster than by hand");
    let fastest = medians.iter().copied().fold(f64::INFINITY, f64::min);
    for ((name, _), median) in ways.iter().zip(&medians) {
        let (slower, faster) = (median / fastest, medians[baseline] / median);
        println!("  {name:<44} {median:>12.1} {slower:>11.1} {faster:>19.1}x");
    }
    Ok(())
}

/// In nanoseconds.
fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    nanos(times[times.len() / 2])
}

/// The work of one job: nothing but its number, which the compiler must not see through.
fn number(n: u64) -> u64 {
    black_box(n)
}

fn sums(cores: usize) -> Checked {
    let pool = Pool::new()?;
    let by_hand = ByHand::new(cores);
    let numbers: Vec<u64> = (0..u64::from(JOBS)).collect();
    let sum = Arc::new(AtomicU64::new(0));
    let mut ways: [Way; 6] = [
        ("plain loop", Box::new(|| Ok(numbers.iter().map(|n| number(*n)).sum()))),
        ("par_map", Box::new(|| Ok(pool.par_map(&numbers, |n| number(*n)).into_iter().sum()))),
        (
            "map to the done queue",
            Box::new(|| {
                pool.map(0..u64::from(JOBS), number).to_done()?;
                pool.wait_idle();
                Ok(pool.done().drain().map(|done| done.value).sum())
            }),
        ),
        (
            "submit, results in the done queue",
            Box::new(|| {
                for n in 0..u64::from(JOBS) {
                    pool.submit(move || number(n))?;
                }
                pool.wait_idle();
                Ok(pool.done().drain().map(|done| done.value).sum())
            }),
        ),
        (
            "submit with a callback",
            Box::new(|| {
                for n in 0..u64::from(JOBS) {
                    let sum = Arc::clone(&sum);
                    pool.submit_done(move || number(n), move |_id, n| _ = sum.fetch_add(n, Ordering::Relaxed))?;
                }
                pool.wait_idle();
                Ok(sum.swap(0, Ordering::Relaxed))
            }),
        ),
        (
            "by hand: Mutex<VecDeque<Box<..>>> + Condvar",
            Box::new(|| {
                for n in 0..u64::from(JOBS) {
                    let sum = Arc::clone(&sum);
                    by_hand.submit(move || _ = sum.fetch_add(number(n), Ordering::Relaxed));
                }
                by_hand.wait_idle();
                Ok(sum.swap(0, Ordering::Relaxed))
            }),
        ),
    ];
    compare("50,000 jobs that add up numbers", "ns per job", JOBS, (0..u64::from(JOBS)).sum(), 5, &mut ways)
}

fn semaphores() -> Checked {
    let ours = Semaphore::new(1);
    let by_hand = HandSemaphore { permits: Mutex::new(1), released: Condvar::new() };
    let mut ways: [Way; 2] = [
        (
            "fastthreadpool::Semaphore",
            Box::new(|| {
                for _ in 0..PAIRS {
                    black_box(&ours).acquire()?.forget();
                    black_box(&ours).release(1)?;
                }
                Ok(ours.value() as u64)
            }),
        ),
        (
            "by hand: Mutex<usize> + Condvar",
            Box::new(|| {
                for _ in 0..PAIRS {
                    black_box(&by_hand).acquire();
                    black_box(&by_hand).release();
                }
                Ok(*lock(&by_hand.permits) as u64)
            }),
        ),
    ];
    compare("200,000 acquire/release pairs, one thread", "ns per pair", PAIRS, 1, 1, &mut ways)
}

// ----- what one writes by hand

/// Nothing here panics under a lock, and a panic of a job would leave the data whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type HandJob = Box<dyn FnOnce() + Send>;

/// The pool that everybody has written once.
struct ByHand {
    shared: Arc<HandShared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct HandShared {
    /// The jobs, and whether there will be more.
    queue: Mutex<(VecDeque<HandJob>, bool)>,
    changed: Condvar,
    pending: AtomicUsize,
    idle: Condvar,
}

impl ByHand {
    fn new(threads: usize) -> Self {
        let shared = Arc::new(HandShared::default());
        let work = |shared: Arc<HandShared>| move || shared.work();
        let threads = (0..threads).map(|_| thread::spawn(work(Arc::clone(&shared)))).collect();
        Self { shared, threads }
    }

    fn submit(&self, job: impl FnOnce() + Send + 'static) {
        self.shared.pending.fetch_add(1, Ordering::Relaxed);
        lock(&self.shared.queue).0.push_back(Box::new(job));
        self.shared.changed.notify_one();
    }

    fn wait_idle(&self) {
        let mut queue = lock(&self.shared.queue);
        while self.shared.pending.load(Ordering::Acquire) > 0 {
            queue = self.shared.idle.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl HandShared {
    fn work(&self) {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(job) = queue.0.pop_front() {
                drop(queue);
                job();
                let was = self.pending.fetch_sub(1, Ordering::AcqRel);
                queue = lock(&self.queue);
                if was == 1 {
                    self.idle.notify_all();
                }
            } else if queue.1 {
                return;
            } else {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        lock(&self.shared.queue).1 = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A job that panicked has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

struct HandSemaphore {
    permits: Mutex<usize>,
    released: Condvar,
}

impl HandSemaphore {
    fn acquire(&self) {
        let mut permits = lock(&self.permits);
        while *permits == 0 {
            permits = self.released.wait(permits).unwrap_or_else(PoisonError::into_inner);
        }
        *permits -= 1;
    }

    fn release(&self) {
        *lock(&self.permits) += 1;
        self.released.notify_one();
    }
}
