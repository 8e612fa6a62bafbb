//! A function over items, collected in order: against the plain loop, so ratios are to the floor.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::capability::Maps;
use crate::peers::{Loop, Orx, Ours, Rayon};
use crate::work::{Effort, Work};

const ITEMS: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
const COSTS: [(&str, u64); 4] = [("map-0ns", 0), ("map-10ns", 10), ("map-100ns", 100), ("map-1000ns", 1000)];

fn step(state: u64) -> u64 {
    black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
}

pub fn work_through(item: u64, steps: u64) -> u64 {
    (0..steps).fold(black_box(item), |state, _| step(state))
}

/// Steps in a microsecond: the quickest of some looks, as the others were disturbed.
pub static STEPS: LazyLock<u64> = LazyLock::new(|| {
    const STEPS: u64 = 1_000_000;
    let time = |_| {
        let began = Instant::now();
        black_box(work_through(1, STEPS));
        began.elapsed()
    };
    let least = (0..5).map(time).min().unwrap_or(Duration::from_millis(1));
    (STEPS as f64 * 1e-6 / least.as_secs_f64()) as u64
});

fn round<M: Maps>(pool: &M, items: &[u64], cost: u64) -> Vec<f64> {
    let steps = *STEPS * cost / 1000;
    let function = |item: &u64| work_through(*item, steps);
    let expected = items.iter().map(function).fold(0_u64, u64::wrapping_add);
    // Enough of the small ones for a clock to see.
    let repeats = (2_000_000 / (items.len() as u64 * (cost + 2))).clamp(1, 200);
    assert_eq!(pool.map(items, function).into_iter().fold(0, u64::wrapping_add), expected);
    let began = Instant::now();
    // Each is dropped before the next, as memory that is new each time would be most of the cost.
    (0..repeats).for_each(|_| drop(black_box(pool.map(black_box(items), function))));
    let time = began.elapsed();
    vec![time.as_secs_f64() * 1e9 / (repeats * items.len() as u64) as f64]
}

fn enter<M: Maps>(work: &mut Work, workers: usize, number: usize, cost: u64) {
    work.enter(M::PEER, move || {
        let (pool, items) = (M::new(workers), (0..number as u64).collect::<Vec<_>>());
        move || round(&pool, &items, cost)
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let mut works = Vec::new();
    for (chart, cost) in COSTS {
        for number in ITEMS {
            if effort.quick && number as u64 * cost > 10_000_000 {
                continue;
            }
            let name = format!("map {number} items of {cost} ns");
            let mut work = Work::new(chart, name, &[("", "ns/item")]).against_floor();
            let enter_each = [enter::<Loop>, enter::<Ours>, enter::<Rayon>, enter::<Orx>];
            enter_each.into_iter().for_each(|enter| enter(&mut work, effort.workers, number, cost));
            works.push(work);
        }
    }
    works
}
