//! Jobs of a pool and of its groups, and their results, many times over, for the instruction counter of `.ci/instructions`: what is
//! executed inside of the functions named `count_..` is counted. All on one thread: it submits everything, and is the worker then.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastthreadpool::{Group, Pool, WorkerThread};

/// How often.
const TIMES: usize = 10_000;

#[inline(never)]
fn count_submit(group: &Group<usize>) {
    for n in 0..TIMES {
        group.submit(move || black_box(n)).expect("the group is open");
    }
}

#[inline(never)]
fn count_run(worker: WorkerThread) {
    worker.run();
}

#[inline(never)]
fn count_results(group: &Group<usize>) {
    for n in 0..TIMES {
        assert_eq!(group.done().try_pop().map(|done| done.value), Some(n));
    }
}

/// Nobody helps: its own thread takes all of them back.
#[inline(never)]
fn count_scope(pool: &Pool<usize>) {
    pool.scope(|scope| {
        for n in 0..TIMES {
            scope.spawn(move || _ = black_box(n));
        }
    });
}

fn main() -> ExitCode {
    let hired = Arc::new(Mutex::new(None));
    let hire = Arc::clone(&hired);
    let handler = move |worker| {
        *hire.lock().expect("nobody panics with it") = Some(worker);
        Ok(())
    };
    let pool: Pool<usize> = Pool::builder().threads(1).spawn_handler(handler).build().expect("no thread is started");
    let part = pool.group::<usize>().build().expect("its settings are possible");
    let group = match std::env::args().nth(1).as_deref() {
        Some("pool") => &*pool,
        Some("group") => &part,
        Some("scope") => {
            count_scope(&pool);
            &*pool
        }
        other => {
            eprintln!("jobs of whom: pool, group or scope, not {other:?}");
            return ExitCode::FAILURE;
        }
    };
    count_submit(group);
    // The worker is to end when it has done everything.
    assert!(!pool.shutdown_timeout(Duration::ZERO), "nobody works yet");
    let worker: Option<WorkerThread> = hired.lock().expect("nobody panics with it").take();
    count_run(worker.expect("a worker was asked for"));
    count_results(group);
    ExitCode::SUCCESS
}
