//! A map of long items, and of long ones that lie hidden among quick ones: they wait, so that as many threads as there are
//! items need no more processors than there are.

use std::iter::{once, repeat_n};
use std::time::{Duration, Instant};

use crate::capability::Maps;
use crate::peers::{Ours, Rayon};
use crate::work::{Effort, Work};
use crate::works::map::{STEPS, work_through};

const LONG: Duration = Duration::from_millis(20);

/// Name, threads, quick items between two long ones, long items.
const CASES: [(&str, usize, usize, usize); 4] = [
    ("2 items of 20 ms, 2 threads", 2, 0, 2),
    ("4 items of 20 ms, 4 threads", 4, 0, 4),
    ("16 items of 20 ms, 16 threads", 16, 0, 16),
    ("16 items of 20 ms among 1,000 of 100 ns, 16 threads", 16, 62, 16),
];

/// Half of the long ones lie apart, the others side by side in the middle.
fn items(quick: usize, long: usize) -> Vec<u64> {
    let apart = long / 2;
    let mut items: Vec<u64> = (0..apart).flat_map(|_| once(1).chain(repeat_n(0, quick * 2))).collect();
    let middle = items.len() / 2;
    items.splice(middle..middle, repeat_n(1, long - apart));
    items
}

fn round<M: Maps>(pool: &M, items: &[u64], long: usize) -> Vec<f64> {
    let steps = *STEPS / 10;
    let began = Instant::now();
    let output = pool.map(items, |item| {
        if *item == 1 {
            std::thread::sleep(LONG);
        } else {
            work_through(*item, steps);
        }
        *item
    });
    let time = began.elapsed();
    assert_eq!(output.into_iter().sum::<u64>(), long as u64);
    vec![time.as_secs_f64() * 1e3]
}

fn enter<M: Maps>(work: &mut Work, workers: usize, quick: usize, long: usize) {
    work.enter(M::PEER, move || {
        let (pool, items) = (M::new(workers), items(quick, long));
        move || round(&pool, &items, long)
    });
}

pub fn works(_: Effort) -> Vec<Work> {
    let each = |(name, workers, quick, long)| {
        let mut work = Work::new("map-long", format!("map {name}"), &[("", "ms")]);
        let enter_each = [enter::<Ours>, enter::<Rayon>];
        enter_each.into_iter().for_each(|enter| enter(&mut work, workers, quick, long));
        work
    };
    CASES.into_iter().map(each).collect()
}
