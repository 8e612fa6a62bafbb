//! Work on many items shared between the caller and the pool: the caller begins, and others are called when the rest is
//! worth it.
//!
//! The caller works through the first items by itself, with a look at the clock after 1, 2, 4.. of them. Once it knows what
//! an item costs, and the rest costs more than waking somebody for it, helpers are called. From then on everybody takes
//! from the front: large pieces first, smaller ones towards the end, so that all end at about the same time.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::scope;
use crate::shared::Shared;

/// Items that can be split.
pub(crate) trait Items: Send + Sized {
    fn len(&self) -> usize;
    /// The first `count` and the rest.
    fn split(self, count: usize) -> (Self, Self);
    /// Works through all.
    fn run(self);
}

/// What the rest must cost, in the caller's time, before helpers are called: several wake-ups.
const WORTH_HELP: Duration = Duration::from_micros(25);

/// What a piece should cost at least, so that taking it costs next to nothing.
const PIECE: Duration = Duration::from_micros(4);

/// Works through all items, at most `workers` at a time.
pub(crate) fn run<I: Items>(shared: &Arc<Shared>, mut items: I) {
    let workers = shared.config.threads;
    let began = Instant::now();
    let (mut done, mut count) = (0_u32, 1);
    let per_item = loop {
        if items.len() <= count || workers == 1 {
            items.run();
            return;
        }
        let (first, rest) = items.split(count);
        first.run();
        items = rest;
        done += count as u32;
        // Zero when the clock is too coarse to tell.
        let per_item = began.elapsed() / done;
        if per_item * u32::try_from(items.len()).unwrap_or(u32::MAX) >= WORTH_HELP && began.elapsed() >= PIECE {
            break per_item;
        }
        count = (done as usize).min(1 << 20);
    };
    let least = (PIECE.as_nanos() / per_item.as_nanos().max(1)).clamp(1, 1 << 20) as usize;
    let pieces = items.len().div_ceil(least);
    let items = Mutex::new(Some(items));
    let next = || {
        let mut left = items.lock();
        let items = left.take()?;
        let count = (items.len() / (2 * workers)).max(least);
        if count >= items.len() {
            return Some(items);
        }
        let (piece, rest) = items.split(count);
        *left = Some(rest);
        Some(piece)
    };
    let work = || std::iter::from_fn(next).for_each(Items::run);
    scope::run(shared, |scope| {
        for _ in 1..workers.min(pieces) {
            scope.spawn(work);
        }
        work();
    });
}
