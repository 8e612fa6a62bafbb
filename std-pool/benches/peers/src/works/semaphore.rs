//! One permit: taken and given back by one thread alone, and by several that want it at the same time.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::capability::Admits;
use crate::peer::Peer;
use crate::peers::{AsyncLock, ByHandSemaphore, OursSemaphore, ParkingLot, TokioSemaphore, TwoAtomics};
use crate::work::{Effort, Work};
use crate::works::producers::together;

pub fn alone<A: Admits>(semaphore: &A, pairs: usize) -> Vec<f64> {
    let mut passed = 0;
    let began = Instant::now();
    for _ in 0..pairs {
        black_box(semaphore).pass(|| passed += 1);
    }
    let time = began.elapsed();
    assert_eq!(passed, pairs);
    vec![time.as_secs_f64() * 1e9 / pairs as f64]
}

pub fn contended<A: Admits>(semaphore: &A, threads: usize, pairs: usize) -> Vec<f64> {
    let passed = AtomicUsize::new(0);
    // Not one operation: if two were inside at the same time, some would be lost.
    let add = || passed.store(passed.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    let each = pairs / threads;
    let (began, _) = together(threads, |_| (0..each).for_each(|_| semaphore.pass(add)));
    let time = began.elapsed();
    // The two bare operations let everybody in.
    if A::PEER != Peer::Floor {
        assert_eq!(passed.into_inner(), each * threads);
    }
    vec![time.as_secs_f64() * 1e9 / (each * threads) as f64]
}

fn enter<A: Admits>(work: &mut Work, threads: usize, pairs: usize) {
    work.enter(A::PEER, move || {
        let semaphore = A::new(1);
        move || match threads {
            1 => alone(&semaphore, pairs),
            _ => contended(&semaphore, threads, pairs),
        }
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let work = |(name, threads, pairs)| {
        let mut work = Work::new("semaphore", format!("semaphore, {name}"), &[("", "ns/pair")]);
        let enter_each = [
            enter::<OursSemaphore>,
            enter::<TwoAtomics>,
            enter::<TokioSemaphore>,
            enter::<AsyncLock>,
            enter::<ParkingLot>,
            enter::<ByHandSemaphore>,
        ];
        enter_each.into_iter().for_each(|enter| enter(&mut work, threads, pairs));
        work
    };
    let (many, few) = (effort.either(1_000_000, 200_000), effort.either(200_000, 40_000));
    [("one thread", 1, many), ("2 threads", 2, few), ("4 threads", 4, few)].map(work).into()
}
