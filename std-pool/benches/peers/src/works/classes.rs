//! Jobs of three classes that come faster than they can be run: how long those of each class wait, beside the same jobs in a pool without
//! classes.

use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastthreadpool::{Pool, Priority};

use crate::peer::Peer;
use crate::stats::quantile;
use crate::work::{Effort, Work};

/// What each of them takes.
const TAKES: Duration = Duration::from_micros(20);

/// Of ten jobs one is urgent, and three are not.
fn class(job: usize) -> Priority {
    match job % 10 {
        0 => Priority::High,
        1..=6 => Priority::Normal,
        _ => Priority::Low,
    }
}

/// How long each job has waited, in microseconds; `ranked`: by their classes.
fn waits(pool: &Pool, jobs: usize, ranked: bool) -> Vec<f64> {
    let waited: Arc<Vec<AtomicU64>> = Arc::new((0..jobs).map(|_| AtomicU64::new(0)).collect());
    for job in 0..jobs {
        let waited = Arc::clone(&waited);
        let submitted = Instant::now();
        let run = move || {
            let begun = Instant::now();
            waited[job].store((begun - submitted).as_nanos() as u64, Ordering::Relaxed);
            while begun.elapsed() < TAKES {
                hint::spin_loop();
            }
        };
        let priority = if ranked { class(job) } else { Priority::Normal };
        pool.job(run).priority(priority).submit().expect("the pool is open");
    }
    pool.wait_idle();
    let waited: Vec<_> = waited.iter().map(|waited| waited.load(Ordering::Relaxed)).collect();
    assert!(waited.iter().all(|waited| *waited > 0), "each has begun");
    waited.into_iter().map(|waited| waited as f64 / 1e3).collect()
}

fn round(pool: &Pool, jobs: usize) -> Vec<f64> {
    let mut plain = waits(pool, jobs, false);
    let ranked = waits(pool, jobs, true);
    let of = |priority| -> Vec<f64> {
        let jobs = ranked.iter().enumerate().filter(|(job, _)| class(*job) == priority);
        jobs.map(|(_, waited)| *waited).collect()
    };
    let [mut high, mut normal, mut low] = [Priority::High, Priority::Normal, Priority::Low].map(of);
    vec![
        quantile(&mut plain, 0.5),
        quantile(&mut high, 0.5),
        quantile(&mut normal, 0.5),
        quantile(&mut low, 0.5),
        quantile(&mut plain, 0.99),
        quantile(&mut high, 0.99),
        quantile(&mut low, 0.99),
    ]
}

pub fn works(effort: Effort) -> Vec<Work> {
    let (workers, jobs) = (effort.workers, effort.either(5000, 500));
    let metrics = [
        ("wait p50, no classes", "us"),
        ("high p50", "us"),
        ("normal p50", "us"),
        ("low p50", "us"),
        ("wait p99, no classes", "us"),
        ("high p99", "us"),
        ("low p99", "us"),
    ];
    let mut work = Work::new("classes", format!("{jobs} jobs of three classes, 20 us each"), &metrics);
    work.enter(Peer::Ours, move || {
        let pool = Pool::builder().threads(workers).build().expect("threads can be had");
        move || round(&pool, jobs)
    });
    vec![work]
}
