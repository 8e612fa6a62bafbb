//! A periodic job over a minute: does it stay on its grid, and how late are its runs. By hand is a loop that sleeps.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::capability::Timers;
use crate::peer::Peer;
use crate::peers::{Ours, Scheduled, Tokio};
use crate::stats::quantile;
use crate::tally::Signals;
use crate::work::{Effort, Work};

const PERIOD: Duration = Duration::from_millis(10);

/// When the run of this index is due.
fn on_grid(began: Instant, index: usize) -> Instant {
    began + PERIOD * (index as u32 + 1)
}

#[derive(Default)]
struct Runs(Mutex<Vec<Instant>>);

impl Runs {
    /// Whether these are so many now.
    fn note(&self, number: usize) -> bool {
        let now = Instant::now();
        let mut runs = self.0.lock().expect("nobody panics here");
        runs.push(now);
        runs.len() == number
    }

    /// The drift over the whole time, from its first tenth to its last, and how late the runs are.
    fn summary(&self, began: Instant, number: usize) -> Vec<f64> {
        let mut runs = self.0.lock().expect("nobody panics here");
        assert!(runs.len() >= number);
        runs.truncate(number);
        let late = |(index, run): (usize, &Instant)| {
            let due = on_grid(began, index);
            // Before the grid, by what passed between the look at the clock and the submit, is in time as well.
            run.saturating_duration_since(due).as_secs_f64() * 1e6
                - due.saturating_duration_since(*run).as_secs_f64() * 1e6
        };
        let mut late: Vec<f64> = runs.iter().enumerate().map(late).collect();
        let tenth = number / 10;
        let first = quantile(&mut late[..tenth].to_vec(), 0.5);
        let last = quantile(&mut late[number - tenth..].to_vec(), 0.5);
        vec![(last - first).abs(), quantile(&mut late, 0.5), quantile(&mut late, 0.99)]
    }
}

fn round<T: Timers>(workers: usize, number: usize) -> Vec<f64> {
    let timers = T::new(workers);
    let (runs, ended) = (Arc::new(Runs::default()), Signals::new(1));
    let (noted, end) = (Arc::clone(&runs), Arc::clone(&ended));
    let began = Instant::now();
    timers.every(PERIOD, move || {
        if noted.note(number) {
            end.give();
        }
    });
    ended.wait();
    drop(timers);
    runs.summary(began, number)
}

/// A thread of its own; `pause` says how long it sleeps before the run of this index.
fn loop_by_hand(number: usize, pause: impl Fn(Instant, usize) -> Duration) -> Vec<f64> {
    let runs = Runs::default();
    let began = Instant::now();
    for index in 0.. {
        thread::sleep(pause(began, index));
        if runs.note(number) {
            break;
        }
    }
    runs.summary(began, number)
}

fn by_hand(number: usize) -> Vec<f64> {
    loop_by_hand(number, |_, _| PERIOD)
}

/// On the grid: as late as the machine makes it.
fn floor(number: usize) -> Vec<f64> {
    loop_by_hand(number, |began, index| on_grid(began, index).saturating_duration_since(Instant::now()))
}

pub fn works(effort: Effort) -> Vec<Work> {
    let seconds = effort.either(60, 1);
    let number = seconds * 100;
    let name = format!("every {} ms for {seconds} s", PERIOD.as_millis());
    let metrics = [("drift", "us"), ("late p50", "us"), ("late p99", "us")];
    let mut work = Work::new("periodic", name, &metrics).at_most(1).without_warm_up();
    let enter_each = [
        (Peer::Ours, round::<Ours> as fn(usize, usize) -> Vec<f64>),
        (Peer::Floor, |_, number| floor(number)),
        (Peer::Tokio, round::<Tokio>),
        (Peer::Scheduled, round::<Scheduled>),
        (Peer::ByHand, |_, number| by_hand(number)),
    ];
    for (peer, round) in enter_each {
        work.enter(peer, move || move || round(effort.workers, number));
    }
    vec![work]
}
