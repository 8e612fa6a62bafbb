//! A scope with many tiny tasks that borrow.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::capability::Scopes;
use crate::peers::{Ours, Rayon};
use crate::work::{Effort, Work};

const TASKS: usize = 100_000;

/// What a task counts in, one for each of so many tasks: of one that all share the way would be most of the work.
#[repr(align(128))]
struct Count(AtomicUsize);

fn enter<S: Scopes>(work: &mut Work, workers: usize) {
    work.enter(S::PEER, move || {
        let pool = S::new(workers);
        move || {
            let counts: Vec<_> = (0..TASKS.div_ceil(64)).map(|_| Count(AtomicUsize::new(0))).collect();
            let began = Instant::now();
            pool.scope_of(TASKS, &|task| {
                counts[task / 64].0.fetch_add(1, Ordering::Relaxed);
            });
            let time = began.elapsed();
            assert_eq!(counts.iter().map(|count| count.0.load(Ordering::Relaxed)).sum::<usize>(), TASKS);
            vec![time.as_secs_f64() * 1e9 / TASKS as f64]
        }
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let mut work = Work::new("scope", format!("scope of {TASKS} tiny tasks"), &[("", "ns/task")]);
    [enter::<Ours>, enter::<Rayon>].into_iter().for_each(|enter| enter(&mut work, effort.workers));
    vec![work]
}
