//! A function over many items, collected in order: against the plain loop.

use std::hint::black_box;
use std::time::Instant;

use fastthreadpool::Pool;
use rayon::prelude::*;

use crate::bench::{Bench, Peer, Settings};
use crate::peers::{Executor, Ours, Rayon};
use crate::round::nanos;

const WORKERS: usize = 2;

/// Takes about so many nanoseconds.
fn work<const NANOS: u32>(n: &u64) -> u64 {
    // A multiplication that waits for the one before takes about a nanosecond.
    (0..NANOS).fold(*n, |value, _| black_box(value).wrapping_mul(31)).wrapping_add(1)
}

/// Measures a map so often that a round takes long enough for the clock.
fn peer(name: &'static str, items: usize, times: usize, mut map: impl FnMut(&[u64]) -> Vec<u64> + 'static) -> Peer {
    let all: Vec<u64> = (0..items as u64).collect();
    Peer::new(name, move || {
        let began = Instant::now();
        for _ in 0..times {
            assert_eq!(black_box(map(black_box(&all))).len(), items);
        }
        vec![nanos(began) / times as f64 / items as f64]
    })
}

fn bench<const NANOS: u32>(items: usize) -> Bench {
    let times = (4_000_000 / (items * (1 + NANOS as usize))).max(1);
    let (mut ours, mut rayon) = (None, None);
    let ours = peer(Ours::NAME, items, times, move |all| {
        let pool: &mut Pool =
            ours.get_or_insert_with(|| Pool::builder().threads(WORKERS).build().expect("threads can be had"));
        pool.par_map(all, work::<NANOS>)
    });
    let rayon = peer(Rayon::NAME, items, times, move |all| {
        let pool = rayon.get_or_insert_with(|| {
            rayon::ThreadPoolBuilder::new().num_threads(WORKERS).build().expect("threads can be had")
        });
        pool.install(|| all.par_iter().map(work::<NANOS>).collect())
    });
    let plain = peer("plain loop", items, times, |all| all.iter().map(work::<NANOS>).collect());
    Bench::new("map", format!("{items} items of {NANOS} ns"), &["ns per item"]).with([ours, rayon, plain])
}

pub fn benches(settings: &Settings) -> Vec<Bench> {
    let mut benches = Vec::new();
    for items in [100, 1000, 10_000, 100_000, 1_000_000] {
        benches.extend([bench::<0>(items), bench::<10>(items)]);
        if items <= settings.count(1_000_000) {
            benches.push(bench::<100>(items));
        }
        if items <= settings.count(100_000) {
            benches.push(bench::<1000>(items));
        }
    }
    benches
}
