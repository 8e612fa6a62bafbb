//! A scope with many tiny tasks that borrow.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use crate::capability::Scopes;
use crate::peers::{Ours, Rayon};
use crate::work::{Effort, Work};

const TASKS: usize = 100_000;

fn enter<S: Scopes>(work: &mut Work, workers: usize) {
    work.enter(S::PEER, move || {
        let pool = S::new(workers);
        move || {
            // Each task leaves its mark: of a count that all share the way would be most of the work.
            let marks: Vec<_> = (0..TASKS).map(|_| AtomicU8::new(0)).collect();
            let began = Instant::now();
            pool.scope_of(TASKS, &|task| marks[task].store(1, Ordering::Relaxed));
            let time = began.elapsed();
            assert!(marks.iter().all(|mark| mark.load(Ordering::Relaxed) == 1));
            vec![time.as_secs_f64() * 1e9 / TASKS as f64]
        }
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let mut work = Work::new("scope", format!("scope of {TASKS} tiny tasks"), &[("", "ns/task")]);
    [enter::<Ours>, enter::<Rayon>].into_iter().for_each(|enter| enter(&mut work, effort.workers));
    vec![work]
}
