//! A pool is made, runs one job, and is dropped. The floor is as many bare threads.

use std::time::Instant;

use crate::capability::Executor;
use crate::each_executor;
use crate::peer::Peer;
use crate::stats::quantile;
use crate::tally::Signals;
use crate::work::{Effort, Work};

fn times(repeats: usize, mut live: impl FnMut()) -> Vec<f64> {
    let time = |_| {
        let began = Instant::now();
        live();
        began.elapsed().as_secs_f64() * 1e6
    };
    vec![quantile(&mut (0..repeats).map(time).collect::<Vec<_>>(), 0.5)]
}

fn live<E: Executor>(workers: usize) {
    let executor = E::new(workers);
    let ran = Signals::new(1);
    let signal = std::sync::Arc::clone(&ran);
    executor.execute(move || signal.give());
    ran.wait();
}

fn enter<E: Executor>(work: &mut Work, workers: usize, repeats: usize) {
    work.enter(E::PEER, move || move || times(repeats, || live::<E>(workers)));
}

fn bare_threads(workers: usize) {
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(|| {}))));
}

pub fn works(effort: Effort) -> Vec<Work> {
    let (workers, repeats) = (effort.workers, effort.either(100, 20));
    let mut work = Work::new("lifecycle", "make a pool, one job, drop it", &[("", "us")]);
    work.enter(Peer::Floor, move || move || times(repeats, || bare_threads(workers)));
    each_executor!(E => enter::<E>(&mut work, workers, repeats));
    vec![work]
}
