//! Delayed and periodic jobs: set, cancelled, on time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fastthreadpool::{Cancellation, Pool};
use scheduled_thread_pool::ScheduledThreadPool;

use crate::bench::{Bench, Peer, Settings, percentile};
use crate::peers::{Executor, Ours, Tokio};
use crate::round::{self, nanos};

const SCHEDULED: &str = "scheduled-thread-pool";
const WORKERS: usize = 2;

fn ours() -> Pool {
    Pool::builder().threads(WORKERS).build().expect("threads can be had")
}

/// Delays within an hour, an hour from now, in no order.
fn delay(n: usize) -> Duration {
    Duration::from_secs(3600) + Duration::from_micros((n as u64).wrapping_mul(2_654_435_761) % (1 << 32))
}

/// Sets so many timers, then cancels each.
fn many<P, H>(
    name: &'static str,
    timers: usize,
    make: fn() -> P,
    set: fn(&mut P, Duration) -> H,
    cancel: fn(&mut P, H),
) -> Peer
where
    P: 'static,
    H: 'static,
{
    let mut peer = None;
    Peer::new(name, move || {
        let peer = peer.get_or_insert_with(make);
        let mut handles = Vec::with_capacity(timers);
        let began = Instant::now();
        handles.extend((0..timers).map(|n| set(peer, delay(n))));
        let set = nanos(began) / timers as f64;
        let began = Instant::now();
        handles.into_iter().for_each(|handle| cancel(peer, handle));
        vec![set, nanos(began) / timers as f64]
    })
}

fn set_and_cancel(timers: usize) -> Bench {
    let heap = many(
        "binary heap",
        timers,
        BinaryHeap::<Reverse<(Instant, usize)>>::new,
        |heap, delay| heap.push(Reverse((Instant::now() + delay, heap.len()))),
        // It can only give back the earliest.
        |heap, ()| _ = heap.pop().expect("as many as were pushed"),
    );
    Bench::new("timers", format!("{timers} timers"), &["ns to set one", "ns to cancel one"]).with([
        many(
            Ours::NAME,
            timers,
            ours,
            |pool, delay| pool.submit_later(delay, || ()).expect("the pool is open"),
            |pool, id| assert_eq!(pool.cancel(id), Cancellation::Removed),
        ),
        many(
            SCHEDULED,
            timers,
            || ScheduledThreadPool::new(WORKERS),
            |pool, delay| pool.execute_after(delay, || ()),
            |_, handle| handle.cancel(),
        ),
        many(
            Tokio::NAME,
            timers,
            || Tokio::new(WORKERS),
            |Tokio(runtime), delay| runtime.spawn(async move { tokio::time::sleep(delay).await }),
            |_, task| task.abort(),
        ),
        heap,
    ])
}

/// One at a time in an idle pool: how late they start.
fn lateness<P: 'static>(name: &'static str, times: usize, make: fn() -> P, set: fn(&P, Duration, Job)) -> Peer {
    let mut peer = None;
    Peer::new(name, move || {
        let peer = peer.get_or_insert_with(make);
        let mut late: Vec<f64> = (0..times)
            .map(|_| {
                let started = Arc::new(AtomicU64::new(0));
                let job = Arc::clone(&started);
                let wait = Duration::from_millis(2);
                round::expect(1);
                let began = Instant::now();
                set(
                    peer,
                    wait,
                    Box::new(move || {
                        job.store(began.elapsed().as_nanos() as u64, Ordering::Relaxed);
                        round::ended(1);
                    }),
                );
                round::wait();
                (started.load(Ordering::Relaxed) as f64 - wait.as_nanos() as f64) / 1e3
            })
            .collect();
        vec![percentile(&mut late, 50), percentile(&mut late, 99)]
    })
}

type Job = Box<dyn FnOnce() + Send>;

fn on_time(times: usize) -> Bench {
    Bench::new("timers", "a job after 2 ms in an idle pool", &["us late (p50)", "us late (p99)"]).with([
        lateness(Ours::NAME, times, ours, |pool, wait, job| {
            _ = pool.submit_later(wait, job).expect("the pool is open")
        }),
        lateness(
            SCHEDULED,
            times,
            || ScheduledThreadPool::new(WORKERS),
            |pool, wait, job| _ = pool.execute_after(wait, job),
        ),
        lateness(
            Tokio::NAME,
            times,
            || Tokio::new(WORKERS),
            |Tokio(runtime), wait, job| {
                _ = runtime.spawn(async move {
                    tokio::time::sleep(wait).await;
                    job();
                });
            },
        ),
        lateness(
            "thread::sleep",
            times,
            || (),
            |(), wait, job| {
                thread::sleep(wait);
                job();
            },
        ),
    ])
}

/// A job every millisecond: how far from its grid it starts, in the end and in the worst case but one in a hundred.
fn drift(
    name: &'static str,
    length: Duration,
    start: fn(Duration, Box<dyn FnMut() + Send>) -> Box<dyn FnOnce()>,
) -> Peer {
    const PERIOD: Duration = Duration::from_millis(1);
    Peer::new(name, move || {
        let starts = Arc::new(Mutex::new(Vec::<Instant>::new()));
        let inner = Arc::clone(&starts);
        let stop = start(PERIOD, Box::new(move || inner.lock().expect("no job panics").push(Instant::now())));
        thread::sleep(length);
        stop();
        let starts = std::mem::take(&mut *starts.lock().expect("no job panics"));
        let (first, last) = (starts[0], starts[starts.len() - 1]);
        // Runs that are missing in the end, and how far the last is off.
        let due = first + PERIOD * u32::try_from(starts.len() - 1).expect("some thousands");
        vec![(last - due).as_secs_f64() * 1e6, (length.as_secs_f64() * 1e3 - starts.len() as f64).max(0.0)]
    })
}

fn periodic(length: Duration) -> Bench {
    let name = format!("every ms for {} s", length.as_secs());
    Bench::new("timers", name, &["us off its grid in the end", "runs missing"]).once().with([
        drift(Ours::NAME, length, |period, job| {
            let (pool, job) = (ours(), Mutex::new(job));
            pool.schedule(period, move || job.lock().expect("it does not panic")()).expect("the pool is open");
            Box::new(move || pool.shutdown())
        }),
        drift(SCHEDULED, length, |period, mut job| {
            let pool = ScheduledThreadPool::new(WORKERS);
            let handle = pool.execute_at_fixed_rate(period, period, move || job());
            Box::new(move || {
                handle.cancel();
                drop(pool);
            })
        }),
        drift(Tokio::NAME, length, |period, mut job| {
            let Tokio(runtime) = Tokio::new(WORKERS);
            runtime.spawn(async move {
                let mut ticks = tokio::time::interval(period);
                loop {
                    ticks.tick().await;
                    job();
                }
            });
            Box::new(move || drop(runtime))
        }),
    ])
}

pub fn benches(settings: &Settings) -> Vec<Bench> {
    let mut benches = vec![set_and_cancel(10_000), set_and_cancel(100_000)];
    if !settings.quick {
        benches.push(set_and_cancel(1_000_000));
    }
    benches.push(on_time(settings.count(100)));
    benches.push(periodic(Duration::from_secs(if settings.quick { 1 } else { 60 })));
    benches
}
