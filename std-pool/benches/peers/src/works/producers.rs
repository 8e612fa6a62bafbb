//! Those who submit: one, which is the thread that measures, or several, which begin together.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

/// What submitting is measured with.
pub const NUMBERS: [usize; 2] = [1, 4];
pub const WORKERS: [usize; 3] = [1, 2, 4];

fn plural(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

pub fn workers(number: usize) -> String {
    plural(number, "worker")
}

pub fn name(producers: usize, number: usize) -> String {
    format!("{}, {}", plural(producers, "producer"), workers(number))
}

/// Lets so many threads do the same; returns what they return and the moment in which the first began.
pub fn together<R: Send>(producers: usize, produce: impl Fn(usize) -> R + Sync) -> (Instant, Vec<R>) {
    let ready = Barrier::new(producers);
    let (begun, returned): (Vec<Instant>, Vec<R>) = thread::scope(|scope| {
        let (produce, ready) = (&produce, &ready);
        let begin = |number| {
            scope.spawn(move || {
                ready.wait();
                // Taken here: the one who measures may get a processor when all is over.
                (Instant::now(), produce(number))
            })
        };
        let threads: Vec<_> = (0..producers).map(begin).collect();
        threads.into_iter().map(|thread| thread.join().expect("no producer panics")).unzip()
    });
    (begun.into_iter().min().unwrap_or_else(Instant::now), returned)
}
