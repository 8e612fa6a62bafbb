//! What a pool takes while it does nothing, to begin, and for what waits in it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fastthreadpool::Semaphore;
use scheduled_thread_pool::ScheduledThreadPool;

use crate::bench::{Bench, Peer, Runner, Settings};
use crate::memory;
use crate::peers::{self, Executor, Ours, Tokio, Work};
use crate::round::{self, nanos};
use crate::usage::Usage;

const WORKERS: usize = 2;

/// A pool that has worked, and has nothing to do for a while.
struct Idle {
    length: Duration,
}

impl Work for Idle {
    fn runner<E: Executor>(&self) -> Runner {
        let length = self.length;
        Box::new(move || {
            let executor = E::new(WORKERS);
            round::nanos_each(1000, || (0..1000).for_each(|_| executor.execute(|| round::ended(1))));
            // Until the last has gone to sleep.
            thread::sleep(Duration::from_millis(50));
            let before = Usage::now();
            thread::sleep(length);
            let after = Usage::now();
            // This thread's own sleep is one wait.
            let seconds = length.as_secs_f64();
            vec![(after.cpu_us - before.cpu_us) / seconds, (after.waits - before.waits - 1.0) / seconds]
        })
    }
}

/// Made, used once, and ended: until the job has run, and, where a pool can wait for that, until its threads have ended.
struct Create;

impl Work for Create {
    fn runner<E: Executor>(&self) -> Runner {
        Box::new(|| {
            let began = Instant::now();
            let executor = E::new(WORKERS);
            round::expect(1);
            executor.execute(|| round::ended(1));
            executor.finish();
            round::wait();
            let time = nanos(began) / 1e3;
            // What was not waited for ends now, and not in somebody else's turn.
            thread::sleep(Duration::from_millis(2));
            vec![time]
        })
    }
}

/// Jobs that wait for their turn.
struct Pending {
    jobs: usize,
}

impl Work for Pending {
    fn runner<E: Executor>(&self) -> Runner {
        let jobs = self.jobs;
        Box::new(move || {
            let executor = E::new(1);
            let (begun, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
            let (told, waits) = (Arc::clone(&begun), Arc::clone(&go));
            executor.execute(move || {
                told.release(1).expect("few permits");
                waits.acquire().expect("it is open").forget();
            });
            begun.acquire().expect("it is open").forget();
            round::expect(jobs);
            let bytes = memory::growth(|| {
                for _ in 0..jobs {
                    let one = std::hint::black_box(1);
                    executor.execute(move || round::ended(one));
                }
            });
            go.release(1).expect("few permits");
            round::wait();
            vec![bytes / jobs as f64]
        })
    }
}

fn pending_timers(timers: usize) -> Bench {
    let later = Duration::from_secs(3600);
    let bytes = move |set: &mut dyn FnMut()| vec![memory::growth(|| (0..timers).for_each(|_| set())) / timers as f64];
    Bench::new("footprint", "a pending timer", &["bytes"]).once().with([
        Peer::new(Ours::NAME, move || {
            let Ours(pool) = Ours::new(1);
            let figure = bytes(&mut || _ = pool.submit_later(later, || ()).expect("the pool is open"));
            pool.cancel_timers();
            figure
        }),
        Peer::new("scheduled-thread-pool", move || {
            let pool = ScheduledThreadPool::builder()
                .num_threads(1)
                .on_drop_behavior(scheduled_thread_pool::OnPoolDropBehavior::DiscardPendingScheduled);
            let pool = pool.build();
            bytes(&mut || _ = pool.execute_after(later, || ()))
        }),
        Peer::new(Tokio::NAME, move || {
            let Tokio(runtime) = Tokio::new(1);
            bytes(&mut || _ = runtime.spawn(async move { tokio::time::sleep(later).await }))
        }),
    ])
}

pub fn benches(settings: &Settings) -> Vec<Bench> {
    let idle = Idle { length: Duration::from_millis(if settings.quick { 200 } else { 2000 }) };
    let jobs = settings.count(100_000);
    vec![
        Bench::new("footprint", "an idle pool", &["us of processor time per second", "waits of threads per second"])
            .once()
            .with(peers::all(&idle)),
        Bench::new("footprint", "a pending job of 8 bytes", &["bytes"]).once().with(peers::all(&Pending { jobs })),
        pending_timers(jobs),
        Bench::new("footprint", "a pool made and used once and ended", &["us"]).with(peers::all(&Create)),
    ]
}
