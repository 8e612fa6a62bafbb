//! Semaphores: one thread by itself, and several that want one permit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use crate::bench::{Bench, Peer, Settings};
use crate::peers::{Executor, Ours};
use crate::round::nanos;

/// A counting semaphore with one permit to begin with.
trait Counting: Send + Sync + 'static {
    fn new() -> Self;
    fn acquire(&self);
    fn release(&self);
}

impl Counting for fastthreadpool::Semaphore {
    fn new() -> Self {
        Self::new(1)
    }

    fn acquire(&self) {
        self.acquire().expect("it is open").forget();
    }

    fn release(&self) {
        self.release(1).expect("few permits");
    }
}

struct Std(std::sync::Mutex<usize>, std::sync::Condvar);

impl Counting for Std {
    fn new() -> Self {
        Self(1.into(), std::sync::Condvar::new())
    }

    fn acquire(&self) {
        let permits = self.0.lock().expect("nobody panics");
        *self.1.wait_while(permits, |permits| *permits == 0).expect("nobody panics") -= 1;
    }

    fn release(&self) {
        *self.0.lock().expect("nobody panics") += 1;
        self.1.notify_one();
    }
}

struct ParkingLot(parking_lot::Mutex<usize>, parking_lot::Condvar);

impl Counting for ParkingLot {
    fn new() -> Self {
        Self(1.into(), parking_lot::Condvar::new())
    }

    fn acquire(&self) {
        let mut permits = self.0.lock();
        self.1.wait_while(&mut permits, |permits| *permits == 0);
        *permits -= 1;
    }

    fn release(&self) {
        *self.0.lock() += 1;
        self.1.notify_one();
    }
}

impl Counting for tokio::sync::Semaphore {
    fn new() -> Self {
        Self::new(1)
    }

    fn acquire(&self) {
        match self.try_acquire() {
            Ok(permit) => permit.forget(),
            Err(_) => futures::executor::block_on(self.acquire()).expect("it is open").forget(),
        }
    }

    fn release(&self) {
        self.add_permits(1);
    }
}

impl Counting for async_lock::Semaphore {
    fn new() -> Self {
        Self::new(1)
    }

    fn acquire(&self) {
        self.acquire_blocking().forget();
    }

    fn release(&self) {
        self.add_permits(1);
    }
}

/// What no semaphore can beat: it counts, and nobody waits.
struct Raw(AtomicUsize);

impl Counting for Raw {
    fn new() -> Self {
        Self(AtomicUsize::new(1))
    }

    fn acquire(&self) {
        self.0.fetch_sub(1, Ordering::Acquire);
    }

    fn release(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

fn alone<S: Counting>(name: &'static str, pairs: usize) -> Peer {
    Peer::new(name, move || {
        let semaphore = S::new();
        let began = Instant::now();
        for _ in 0..pairs {
            semaphore.acquire();
            semaphore.release();
        }
        vec![nanos(began) / pairs as f64]
    })
}

fn contended<S: Counting>(name: &'static str, threads: usize, pairs: usize) -> Peer {
    Peer::new(name, move || {
        let (semaphore, inside) = (Arc::new(S::new()), Arc::new(AtomicUsize::new(0)));
        let each = pairs / threads;
        let ready = Barrier::new(threads + 1);
        let began = thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    ready.wait();
                    for _ in 0..each {
                        semaphore.acquire();
                        assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0, "{name}: one permit, one thread");
                        inside.fetch_sub(1, Ordering::Relaxed);
                        semaphore.release();
                    }
                });
            }
            ready.wait();
            Instant::now()
        });
        vec![nanos(began) / (each * threads) as f64]
    })
}

pub fn benches(settings: &Settings) -> Vec<Bench> {
    let pairs = settings.count(200_000);
    let all = |threads: usize| {
        vec![
            contended::<fastthreadpool::Semaphore>(Ours::NAME, threads, pairs),
            contended::<ParkingLot>("parking_lot", threads, pairs),
            contended::<async_lock::Semaphore>("async-lock", threads, pairs),
            contended::<tokio::sync::Semaphore>("tokio", threads, pairs),
            contended::<Std>("Mutex + Condvar", threads, pairs),
        ]
    };
    vec![
        Bench::new("semaphore", "one thread", &["ns per pair"]).with([
            alone::<fastthreadpool::Semaphore>(Ours::NAME, pairs),
            alone::<ParkingLot>("parking_lot", pairs),
            alone::<async_lock::Semaphore>("async-lock", pairs),
            alone::<tokio::sync::Semaphore>("tokio", pairs),
            alone::<Std>("Mutex + Condvar", pairs),
            alone::<Raw>("two atomics", pairs),
        ]),
        Bench::new("semaphore", "2 threads and one permit", &["ns per pair"]).with(all(2)),
        Bench::new("semaphore", "4 threads and one permit", &["ns per pair"]).with(all(4)),
    ]
}
