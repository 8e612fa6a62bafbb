//! One timer in an idle pool: how late its job begins. The floor is a thread that sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::capability::Timers;
use crate::peer::Peer;
use crate::peers::{Ours, Scheduled, Tokio};
use crate::stats::quantile;
use crate::tally::Signals;
use crate::work::{Effort, Work};

/// Not a whole number of milliseconds, so that no clock that counts those is right by chance.
fn delays(samples: usize) -> impl Iterator<Item = Duration> {
    (0..samples as u64).map(|sample| Duration::from_micros(2000 + sample * 137 % 1000))
}

fn late<T: Timers>(timers: &T, delay: Duration) -> f64 {
    let (late, ended) = (Arc::new(AtomicU64::new(0)), Signals::new(1));
    let (lateness, end) = (Arc::clone(&late), Arc::clone(&ended));
    let due = Instant::now() + delay;
    timers.at(due, move || {
        let now = Instant::now();
        assert!(now >= due, "it began too early");
        lateness.store((now - due).as_nanos() as u64, Ordering::Relaxed);
        end.give();
    });
    ended.wait();
    late.load(Ordering::Relaxed) as f64 / 1e3
}

fn summary(mut late: Vec<f64>) -> Vec<f64> {
    vec![quantile(&mut late, 0.5), quantile(&mut late, 0.99)]
}

fn enter<T: Timers>(work: &mut Work, workers: usize, samples: usize) {
    work.enter(T::PEER, move || {
        let timers = T::new(workers);
        move || summary(delays(samples).map(|delay| late(&timers, delay)).collect())
    });
}

fn sleep(delay: Duration) -> f64 {
    let due = Instant::now() + delay;
    thread::sleep(delay);
    due.elapsed().as_nanos() as f64 / 1e3
}

pub fn works(effort: Effort) -> Vec<Work> {
    let samples = effort.either(200, 50);
    let mut work =
        Work::new("lateness", "timer in an idle pool", &[("late p50", "us"), ("late p99", "us")]).against_floor();
    work.enter(Peer::Floor, move || move || summary(delays(samples).map(sleep).collect()));
    let enter_each = [enter::<Ours>, enter::<Tokio>, enter::<Scheduled>];
    enter_each.into_iter().for_each(|enter| enter(&mut work, effort.workers, samples));
    vec![work]
}
