//! Closures from outside the pool, to the end of the last one; nobody asks what became of them.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use crate::bench::{Bench, Peer, Runner, Settings};
use crate::peers::{self, Executor, Floor, Work};
use crate::round;

const JOBS: usize = 400_000;

/// Jobs that capture `WORDS` words.
struct Submit<const WORDS: usize> {
    producers: usize,
    workers: usize,
    jobs: usize,
}

fn produce<E: Executor, const WORDS: usize>(executor: &E, jobs: usize) {
    for _ in 0..jobs {
        let mut words = black_box([0; WORDS]);
        words[0] = 1;
        executor.execute(move || round::ended(words.iter().sum()));
    }
}

impl<const WORDS: usize> Work for Submit<WORDS> {
    fn runner<E: Executor>(&self) -> Runner {
        let Self { producers, workers, jobs } = *self;
        let each = jobs / producers;
        let mut executor = None;
        Box::new(move || {
            let executor = &*executor.get_or_insert_with(|| E::new(workers));
            let nanos = if producers == 1 {
                round::nanos_each(jobs, || produce::<E, WORDS>(executor, jobs))
            } else {
                let ready = Barrier::new(producers + 1);
                thread::scope(|scope| {
                    for _ in 0..producers {
                        scope.spawn(|| {
                            ready.wait();
                            produce::<E, WORDS>(executor, each);
                        });
                    }
                    round::nanos_each(each * producers, || _ = ready.wait())
                })
            };
            vec![nanos]
        })
    }
}

fn bench<const WORDS: usize>(producers: usize, workers: usize, jobs: usize) -> Bench {
    let work = Submit::<WORDS> { producers, workers, jobs };
    let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let name = format!("{} {} {} bytes", plural(producers, "producer"), plural(workers, "worker"), WORDS * 8);
    let mut peers = peers::all(&work);
    if producers == 1 && workers == 1 && WORDS == 1 {
        let floor: Peer = work.peer::<Floor>();
        peers.push(floor);
    }
    Bench::new("submit", name, &["ns per job"]).with(peers)
}

pub fn benches(settings: &Settings) -> Vec<Bench> {
    let jobs = settings.count(JOBS);
    vec![
        bench::<1>(1, 1, jobs),
        bench::<1>(1, 2, jobs),
        bench::<1>(1, 4, jobs),
        bench::<6>(1, 2, jobs),
        bench::<25>(1, 2, jobs),
        bench::<1>(4, 1, jobs),
        bench::<1>(4, 2, jobs),
        bench::<1>(4, 4, jobs),
    ]
}
