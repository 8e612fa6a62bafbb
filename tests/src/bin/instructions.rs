//! One operation many times over, for an instruction counter: `.ci/instructions` runs this under callgrind and counts what
//! is executed inside of the functions named `count_..`.

use std::hint::black_box;
use std::mem::ManuallyDrop;
use std::process::ExitCode;
use std::sync::Barrier;
use std::time::Duration;

use fastthreadpool::{Cancellation, Pool, RemovedJob, Semaphore};
use fastthreadpool_core::hosts::ScriptedMutex;
use fastthreadpool_core::{self as core, After, Duty, Growing, Host, JobId, Rest, Runner, Running, Task, Tick};

/// How often.
const TIMES: usize = 10_000;

/// A pool does not know of it: nobody stands in for who waits here.
static GO: Barrier = Barrier::new(2);

/// A pool whose one worker has something else to do, and whose memory has been used before.
fn occupied() -> Pool {
    static BEGUN: Semaphore = Semaphore::new(0);
    let pool = Pool::builder().threads(1).build().expect("a thread can be had");
    let occupy = || {
        BEGUN.release(1).expect("few permits");
        GO.wait();
    };
    pool.submit(occupy).expect("the pool is open");
    BEGUN.acquire().expect("the semaphore is open").forget();
    for n in 0..TIMES {
        pool.submit(move || _ = black_box(n)).expect("the pool is open");
    }
    assert_eq!(count(pool.cancel_queued()), TIMES);
    for n in 0..TIMES {
        pool.submit_later(Duration::from_hours(1), move || _ = black_box(n)).expect("the pool is open");
    }
    assert_eq!(count(pool.cancel_timers()), TIMES);
    pool
}

/// Leaks it: code that drops it in this program changes what the compiler inlines in the joins that are counted.
fn count(removed: Vec<RemovedJob>) -> usize {
    ManuallyDrop::new(removed).len()
}

fn done(pool: &Pool) {
    GO.wait();
    pool.shutdown();
}

#[inline(never)]
fn count_submit(pool: &Pool) -> Vec<JobId> {
    let mut ids = Vec::with_capacity(TIMES);
    for n in 0..TIMES {
        ids.push(pool.submit(move || _ = black_box(n)).expect("the pool is open"));
    }
    ids
}

#[inline(never)]
fn count_cancel(pool: &Pool, ids: Vec<JobId>) {
    for id in ids {
        assert_eq!(pool.cancel(id), Cancellation::Removed);
    }
}

#[inline(never)]
fn count_timer(pool: &Pool) -> Vec<JobId> {
    let mut ids = Vec::with_capacity(TIMES);
    for n in 0..TIMES {
        let delay = Duration::from_secs(3600 + n as u64);
        ids.push(pool.submit_later(delay, move || _ = black_box(n)).expect("the pool is open"));
    }
    ids
}

#[inline(never)]
fn count_semaphore(semaphore: &Semaphore) {
    for _ in 0..TIMES {
        semaphore.release(1).expect("few permits");
        drop(semaphore.acquire().expect("the semaphore is open"));
        semaphore.acquire().expect("the semaphore is open").forget();
    }
}

/// As many joins, less one; those inside of others that have shown all that they may only call both.
#[inline(never)]
fn count_join(pool: &Pool) {
    fn halves(pool: &Pool, n: usize) {
        if black_box(n) > 1 {
            pool.join(|| halves(pool, n / 2), || halves(pool, n - n / 2));
        }
    }
    halves(pool, TIMES);
}

/// A host whose time stands still: every job is a short one.
struct Still;

impl Host for Still {
    type Mutex = ScriptedMutex;

    fn now(&self) -> Tick {
        Tick(0)
    }

    fn wake_cost(&self) -> u64 {
        1000
    }
}

struct Count(usize);

impl Runner<Task<Self>> for Count {
    fn perform(&mut self, _: Duty) {}

    fn run(&mut self, task: &mut Task<Self>, _: Running) -> After {
        task.step(self)
    }
}

#[inline(never)]
fn count_run(worker: &mut core::Worker<'_, Task<Count>, Still, Growing<Task<Count>, ScriptedMutex>>) {
    let mut count = Count(0);
    let rest = worker.work(&mut count);
    assert!(rest == Rest::Park(None) && count.0 == TIMES);
}

fn main() -> ExitCode {
    let pool = occupied();
    match std::env::args().nth(1).as_deref() {
        Some("submit") => _ = count_submit(&pool),
        Some("cancel") => count_cancel(&pool, count_submit(&pool)),
        Some("timer") => _ = count_timer(&pool),
        Some("cancel-timer") => count_cancel(&pool, count_timer(&pool)),
        Some("join") => count_join(&pool),
        Some("semaphore") => count_semaphore(&Semaphore::new(0)),
        Some("run") => {
            let core = core::Pool::growing(Still, 1, 0);
            for n in 0..TIMES {
                let job = Task::once(move |count: &mut Count| count.0 += usize::from(black_box(n) < TIMES));
                let (_, duty) = core.submit(job).expect("the pool is open");
                assert!(duty == Duty::Start || n > 0);
            }
            count_run(&mut core.attach().expect("there is a seat"));
        }
        other => {
            eprintln!("no operation {other:?}: one of submit, cancel, timer, cancel-timer, join, semaphore, run");
            return ExitCode::FAILURE;
        }
    }
    count(pool.cancel_timers());
    count(pool.cancel_queued());
    done(&pool);
    ExitCode::SUCCESS
}
