//! Jobs that nobody waits for, by other ways than a plain submit: what a group adds, the builder of jobs, and a producer for each thread.
//!
//! Both are measured in turn in each round, so that what happens to the machine happens to both.

use crate::capability::Executor;
use crate::peer::Peer;
use crate::peers::{Ours, OursByBuilder, OursByProducer, OursInGroup};
use crate::work::{Effort, Work};
use crate::works::producers;
use crate::works::submit::round;

const METRICS: [(&str, &str); 2] = [("", "ns/job"), ("to a plain submit", "ratio")];

fn way<E: Executor + Sync, const WORDS: usize>(name: &str, producers: usize, workers: usize, jobs: usize) -> Work {
    let name = format!("{name}, {} bytes, {}", WORDS * 8, producers::name(producers, workers));
    let mut work = Work::new("ways", name, &METRICS);
    work.enter(Peer::Ours, move || {
        let (plain, other) = (Ours::new(workers), E::new(workers));
        let mut is_first = false;
        move || {
            is_first = !is_first;
            let plain = || round::<_, WORDS>(&plain, producers, jobs)[0];
            let other = || round::<_, WORDS>(&other, producers, jobs)[0];
            let (plain, other) = if is_first {
                let other = other();
                (plain(), other)
            } else {
                (plain(), other())
            };
            vec![other, other / plain]
        }
    });
    work
}

/// With as many words as a job of a group has inline, and with one.
pub fn works(effort: Effort) -> Vec<Work> {
    let (workers, jobs) = (effort.workers, effort.either(200_000, 10_000));
    vec![
        way::<OursInGroup, 1>("submit to a free group", 1, workers, jobs),
        way::<OursInGroup, 5>("submit to a free group", 1, workers, jobs),
        way::<OursByBuilder, 1>("submit by the builder", 1, workers, jobs),
        way::<OursByBuilder, 5>("submit by the builder", 1, workers, jobs),
        way::<OursByProducer, 1>("submit by a `Producer` each", 4, workers, jobs),
    ]
}
