//! Many timers: set, cancelled, fired.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::capability::Timers;
use crate::peer::Peer;
use crate::peers::{Heap, Ours, Scheduled, Tokio};
use crate::tally::Signals;
use crate::work::{Effort, Work};

const HOUR: Duration = Duration::from_secs(3600);
/// Time to set one that is to fire: all must be set before the first is due.
const TO_SET: Duration = Duration::from_micros(4);

/// Captured by a timer's closure, so that it is seen when that is dropped.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(alive))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn per_timer(time: Duration, number: usize) -> f64 {
    time.as_secs_f64() * 1e9 / number as f64
}

/// Set, each a little later than the one before, and cancelled; how many closures are still there then, in percent.
fn set_and_cancel<T: Timers>(timers: &T, number: usize) -> [f64; 3] {
    let far = Instant::now() + HOUR;
    let due = |index: usize| far + Duration::from_micros(index as u64);
    let alive = Arc::new(AtomicUsize::new(0));
    let closures: Vec<_> = (0..number)
        .map(|_| {
            let alive = Alive::new(&alive);
            move || unreachable!("it was cancelled, {} live", alive.0.load(Ordering::Relaxed))
        })
        .collect();
    let mut ids = Vec::with_capacity(number);
    let began = Instant::now();
    for (index, closure) in closures.into_iter().enumerate() {
        ids.push(timers.at(due(index), closure));
    }
    let set = began.elapsed();
    let began = Instant::now();
    ids.into_iter().for_each(|id| timers.cancel(id));
    let cancelled = began.elapsed();
    let kept = alive.load(Ordering::Relaxed);
    [per_timer(set, number), per_timer(cancelled, number), kept as f64 * 100.0 / number as f64]
}

/// All due in the same moment: from then to the end of the last.
fn fire<T: Timers>(timers: &T, number: usize) -> f64 {
    let fired = Signals::new(number);
    let due = Instant::now() + TO_SET * number as u32 + Duration::from_millis(5);
    for _ in 0..number {
        let fired = Arc::clone(&fired);
        timers.at(due, move || fired.give());
    }
    // One that sets them too slowly is not blamed for it here.
    let due = due.max(Instant::now());
    fired.wait();
    per_timer(due.elapsed(), number)
}

fn enter<T: Timers>(work: &mut Work, workers: usize, number: usize) {
    // In each round a pool of its own: some keep what was cancelled.
    work.enter(T::PEER, move || {
        move || {
            let timers = T::new(workers);
            let [set, cancelled, kept] = set_and_cancel(&timers, number);
            vec![set, cancelled, kept, fire(&T::new(workers), number)]
        }
    });
}

/// A bare heap, which can only take its first out.
fn enter_floor(work: &mut Work, number: usize) {
    work.enter(Peer::Floor, move || {
        move || {
            let far = Instant::now() + HOUR;
            let mut heap = Heap::default();
            let began = Instant::now();
            (0..number as u64).for_each(|index| heap.push(far + Duration::from_micros(index), index));
            let set = began.elapsed();
            let began = Instant::now();
            let popped = std::iter::from_fn(|| heap.pop()).count();
            let time = per_timer(began.elapsed(), number);
            assert_eq!(popped, number);
            vec![per_timer(set, number), time, 0.0, time]
        }
    });
}

pub fn works(effort: Effort) -> Vec<Work> {
    let numbers: &[(usize, usize)] =
        effort.either(&[(10_000, 9), (100_000, 5), (1_000_000, 3)], &[(10_000, 3), (100_000, 2)]);
    let work = |&(number, rounds): &(usize, usize)| {
        let metrics = [("set", "ns/timer"), ("cancel", "ns/timer"), ("kept when cancelled", "%"), ("fire", "ns/timer")];
        let mut work = Work::new("timers", format!("{number} timers"), &metrics).at_most(rounds);
        enter_floor(&mut work, number);
        let enter_each = [enter::<Ours>, enter::<Tokio>, enter::<Scheduled>];
        enter_each.into_iter().for_each(|enter| enter(&mut work, effort.workers, number));
        work
    };
    numbers.iter().map(work).collect()
}
