//! Semaphores, as a thread uses them: one that has an `async` side only is tried first, and waited for if need be.

use std::sync::{Condvar, Mutex};

use futures::executor::block_on;

use crate::capability::Admits;
use crate::peer::Peer;

pub struct OursSemaphore(fastthreadpool::Semaphore);

impl Admits for OursSemaphore {
    const PEER: Peer = Peer::Ours;

    fn new(permits: usize) -> Self {
        Self(fastthreadpool::Semaphore::new(permits))
    }

    fn pass<R>(&self, inside: impl FnOnce() -> R) -> R {
        let _permit = self.0.acquire().expect("it is open");
        inside()
    }
}

pub struct TokioSemaphore(tokio::sync::Semaphore);

impl Admits for TokioSemaphore {
    const PEER: Peer = Peer::Tokio;

    fn new(permits: usize) -> Self {
        Self(tokio::sync::Semaphore::new(permits))
    }

    fn pass<R>(&self, inside: impl FnOnce() -> R) -> R {
        let _permit = self.0.try_acquire().or_else(|_| block_on(self.0.acquire())).expect("it is open");
        inside()
    }
}

pub struct AsyncLock(async_lock::Semaphore);

impl Admits for AsyncLock {
    const PEER: Peer = Peer::AsyncLock;

    fn new(permits: usize) -> Self {
        Self(async_lock::Semaphore::new(permits))
    }

    fn pass<R>(&self, inside: impl FnOnce() -> R) -> R {
        let _permit = self.0.try_acquire().unwrap_or_else(|| self.0.acquire_blocking());
        inside()
    }
}

pub struct ParkingLot {
    permits: parking_lot::Mutex<usize>,
    released: parking_lot::Condvar,
}

impl Admits for ParkingLot {
    const PEER: Peer = Peer::ParkingLot;

    fn new(permits: usize) -> Self {
        Self { permits: parking_lot::Mutex::new(permits), released: parking_lot::Condvar::new() }
    }

    fn pass<R>(&self, inside: impl FnOnce() -> R) -> R {
        {
            let mut permits = self.permits.lock();
            self.released.wait_while(&mut permits, |permits| *permits == 0);
            *permits -= 1;
        }
        let result = inside();
        *self.permits.lock() += 1;
        self.released.notify_one();
        result
    }
}

pub struct ByHandSemaphore {
    permits: Mutex<usize>,
    released: Condvar,
}

impl Admits for ByHandSemaphore {
    const PEER: Peer = Peer::ByHand;

    fn new(permits: usize) -> Self {
        Self { permits: Mutex::new(permits), released: Condvar::new() }
    }

    fn pass<R>(&self, inside: impl FnOnce() -> R) -> R {
        {
            let permits = self.permits.lock().expect("nobody panics");
            *self.released.wait_while(permits, |permits| *permits == 0).expect("nobody panics") -= 1;
        }
        let result = inside();
        *self.permits.lock().expect("nobody panics") += 1;
        self.released.notify_one();
        result
    }
}
