//! A scope with many tiny tasks that borrow.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::capability::Scopes;
use crate::each_scope;
use crate::usage::spent;
use crate::work::{Effort, Work};

const TASKS: usize = 100_000;

fn enter<S: Scopes>(work: &mut Work, workers: usize) {
    work.enter(S::PEER, move || {
        let pool = S::new(workers);
        move || {
            // Each task leaves its mark: of a count that all share the way would be most of the work.
            let marks: Vec<_> = (0..TASKS).map(|_| AtomicU8::new(0)).collect();
            let spent = spent(|| pool.scope_of(TASKS, &|task| marks[task].store(1, Ordering::Relaxed)));
            assert!(marks.iter().all(|mark| mark.load(Ordering::Relaxed) == 1));
            spent.per(TASKS as f64)
        }
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let metrics = [("", "ns/task"), ("processor time", "ns/task")];
    let mut work = Work::new("scope", format!("scope of {TASKS} tiny tasks"), &metrics);
    each_scope!(S => enter::<S>(&mut work, effort.workers));
    vec![work]
}
