//! The works of the two benchmarks of the Python module: a sum over jobs, and a semaphore.

use std::hint::black_box;
use std::time::Instant;

use crate::capability::{Admits, Maps, Results};
use crate::peers::{
    AsyncLock, ByHandSemaphore, Loop, Ours, OursResults, OursSemaphore, ParkingLot, Rayon, TokioSemaphore, TwoAtomics,
};
use crate::work::{Effort, Work};
use crate::works::{results, semaphore};

const JOBS: usize = 50_000;
const PAIRS: usize = 200_000;

fn per_job(began: Instant, sum: u64) -> Vec<f64> {
    let time = began.elapsed();
    assert_eq!(sum, (0..JOBS as u64).sum());
    vec![time.as_secs_f64() * 1e9 / JOBS as f64]
}

/// `map` to the done queue, which is what the original's is.
fn enter_ours(work: &mut Work, workers: usize) {
    work.enter(OursResults::PEER, move || {
        let pool = OursResults::new(workers);
        move || {
            let began = Instant::now();
            pool.0.map(0..JOBS as u64, black_box).to_done().expect("the pool is open");
            per_job(began, pool.sum(JOBS))
        }
    });
}

fn enter_map<M: Maps>(work: &mut Work, workers: usize) {
    work.enter(M::PEER, move || {
        let (pool, items) = (M::new(workers), (0..JOBS as u64).collect::<Vec<_>>());
        move || {
            let began = Instant::now();
            per_job(began, pool.map(&items, |item| black_box(*item)).into_iter().sum())
        }
    });
}

fn enter_semaphore<A: Admits>(work: &mut Work) {
    work.enter(A::PEER, move || {
        let semaphore = A::new(1);
        move || semaphore::alone(&semaphore, PAIRS)
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let mut submit = Work::new("originals", format!("the original's sum: submit {JOBS}"), &[("", "ns/job")]);
    results::enter_all(&mut submit, 1, effort.workers, JOBS);

    let mut done = Work::new("originals", format!("the original's sum: map {JOBS} to done"), &[("", "ns/job")]);
    enter_ours(&mut done, effort.workers);
    enter_map::<Loop>(&mut done, effort.workers);

    let mut map = Work::new("originals", format!("the original's sum: map {JOBS}, collected"), &[("", "ns/job")]);
    let enter_each = [enter_map::<Ours>, enter_map::<Loop>, enter_map::<Rayon>];
    enter_each.into_iter().for_each(|enter| enter(&mut map, effort.workers));

    let mut semaphore = Work::new("originals", format!("the original's semaphore, {PAIRS} pairs"), &[("", "ns/pair")]);
    let enter_each = [
        enter_semaphore::<OursSemaphore>,
        enter_semaphore::<TwoAtomics>,
        enter_semaphore::<TokioSemaphore>,
        enter_semaphore::<AsyncLock>,
        enter_semaphore::<ParkingLot>,
        enter_semaphore::<ByHandSemaphore>,
    ];
    enter_each.into_iter().for_each(|enter| enter(&mut semaphore));
    vec![submit, done, map, semaphore]
}
