//! How long a job waits: for a sleeping pool to wake up, in a burst, behind long ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::{Bench, Runner, Settings, percentile};
use crate::peers::{self, Executor, Work};
use crate::round::{self, nanos};
use crate::usage::Usage;

const WORKERS: usize = 2;

/// Long enough for every pool here to have gone to sleep.
const PAUSE: Duration = Duration::from_micros(400);

/// One job into a pool that sleeps.
struct WakeUp {
    times: usize,
}

impl Work for WakeUp {
    fn runner<E: Executor>(&self) -> Runner {
        let times = self.times;
        let mut executor = None;
        Box::new(move || {
            let executor = executor.get_or_insert_with(|| E::new(WORKERS));
            let started = Arc::new(AtomicU64::new(0));
            let (mut waits, mut submits) = (Vec::new(), Vec::new());
            for _ in 0..times {
                thread::sleep(PAUSE);
                round::expect(1);
                let job = Arc::clone(&started);
                let began = Instant::now();
                executor.execute(move || {
                    job.store(began.elapsed().as_nanos() as u64, Ordering::Relaxed);
                    round::ended(1);
                });
                submits.push(nanos(began) / 1e3);
                round::wait();
                waits.push(started.load(Ordering::Relaxed) as f64 / 1e3);
            }
            vec![percentile(&mut waits, 50), percentile(&mut waits, 99), percentile(&mut submits, 50)]
        })
    }
}

/// Many at once into a pool that sleeps.
struct Burst {
    times: usize,
}

const BURST: usize = 1000;

impl Work for Burst {
    fn runner<E: Executor>(&self) -> Runner {
        let times = self.times;
        let mut executor = None;
        Box::new(move || {
            let executor = executor.get_or_insert_with(|| E::new(WORKERS));
            let (mut each, mut waits) = (Vec::new(), 0.0);
            for _ in 0..times {
                thread::sleep(PAUSE);
                let before = Usage::now();
                each.push(round::nanos_each(BURST, || {
                    for _ in 0..BURST {
                        executor.execute(|| round::ended(1));
                    }
                }));
                waits += Usage::now().waits - before.waits;
            }
            vec![percentile(&mut each, 50), waits / times as f64]
        })
    }
}

/// Short jobs behind a long one: a free worker should run them meanwhile.
struct BehindLong {
    times: usize,
}

const SHORT: usize = 200;
const LONG: Duration = Duration::from_millis(2);

impl Work for BehindLong {
    fn runner<E: Executor>(&self) -> Runner {
        let times = self.times;
        let mut executor = None;
        Box::new(move || {
            let executor = executor.get_or_insert_with(|| E::new(WORKERS));
            let mut waits = Vec::new();
            for _ in 0..times {
                let waited: Arc<Vec<AtomicU64>> = Arc::new((0..SHORT).map(|_| AtomicU64::new(0)).collect());
                let long = Arc::new(AtomicUsize::new(0));
                round::expect(SHORT + 1);
                for number in 0..=SHORT {
                    let began = Instant::now();
                    // In the middle of the short ones, so that a worker has taken it together with others.
                    if number == SHORT / 4 {
                        let long = Arc::clone(&long);
                        executor.execute(move || {
                            while began.elapsed() < LONG {
                                long.fetch_add(1, Ordering::Relaxed);
                            }
                            round::ended(1);
                        });
                    } else {
                        let waited = Arc::clone(&waited);
                        let index = if number > SHORT / 4 { number - 1 } else { number };
                        executor.execute(move || {
                            waited[index].store(began.elapsed().as_nanos() as u64, Ordering::Relaxed);
                            round::ended(1);
                        });
                    }
                }
                round::wait();
                assert!(long.load(Ordering::Relaxed) > 0);
                waits.extend(waited.iter().map(|wait| wait.load(Ordering::Relaxed) as f64 / 1e3));
            }
            vec![percentile(&mut waits, 50), percentile(&mut waits, 99)]
        })
    }
}

pub fn benches(settings: &Settings) -> Vec<Bench> {
    let times = settings.count(200);
    vec![
        Bench::new(
            "latency",
            "a job into a sleeping pool",
            &["us to its start (p50)", "us to its start (p99)", "us of the submit"],
        )
        .with(peers::all(&WakeUp { times })),
        Bench::new("latency", "1000 jobs into a sleeping pool", &["ns per job", "waits of threads per burst"])
            .with(peers::all(&Burst { times: times / 4 })),
        Bench::new(
            "latency",
            "200 short jobs around a job of 2 ms",
            &["us to the start of a short one (p50)", "us to the start of a short one (p99)"],
        )
        .with(peers::all(&BehindLong { times: times / 4 })),
    ]
}
