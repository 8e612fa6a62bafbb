//! Work on many items shared between the caller and the pool: the caller begins, and others are called when the rest is
//! worth it.
//!
//! The caller works through the first item by itself, then through as many as should take a few microseconds, with a look
//! at the clock after each such run. Once it knows what an item costs, and the rest costs more than waking somebody for it,
//! helpers are called. From then on everybody takes from the front: large pieces first, smaller ones towards the end, so
//! that all end at about the same time.
#![forbid(unsafe_code)]

use std::slice;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::Engine;
use crate::parallel::filling::{self, Part};
use crate::parallel::scope;
use crate::sys::Mutex;

/// Items that can be divided.
pub(crate) trait Items: ExactSizeIterator + Send {
    /// Takes the first `count` off.
    fn split(&mut self, count: usize) -> Self;
}

impl<I: Sync> Items for slice::Iter<'_, I> {
    fn split(&mut self, count: usize) -> Self {
        let (first, rest) = self.as_slice().split_at(count);
        *self = rest.iter();
        first.iter()
    }
}

impl<I: Send> Items for slice::IterMut<'_, I> {
    fn split(&mut self, count: usize) -> Self {
        let (first, rest) = std::mem::take(self).into_slice().split_at_mut(count);
        *self = rest.iter_mut();
        first.iter_mut()
    }
}

/// What the rest must cost, in nanoseconds of the caller's time, before helpers are called: several wake-ups.
const WORTH_HELP: u64 = 25_000;

/// What a piece should cost at least, in nanoseconds, so that taking it costs next to nothing.
const PIECE: u64 = 4_000;

/// The most items of a piece of which nothing is known but that they are quick.
const MOST: u64 = 1 << 20;

fn nanos_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The function of each item, in order, at most as many at a time as the pool has threads.
///
/// # Panics
///
/// Passes on the first panic of the function, after all threads have ended their work on it.
pub(crate) fn map<I, U, F>(engine: &Arc<Engine>, items: I, f: F) -> Vec<U>
where
    I: Items,
    U: Send,
    F: Fn(I::Item) -> U + Sync,
{
    filling::vector(items.len(), |part, full| {
        let rest = begin(engine.config.threads, items, part, &f);
        let Rest { items, mut part, piece } = rest;
        let first = part.split_off();
        if items.len() > 0 {
            let keep = |part| full.lock().push(part);
            finish(engine, Rest { items, part, piece }, &f, keep);
        }
        first
    })
}

/// What the caller alone has not done, if anything: worth to be done by several, in pieces of at least so many items.
struct Rest<'v, I, U> {
    items: I,
    part: Part<'v, U>,
    piece: usize,
}

/// Works through items until it is clear that the others are worth help, or to the end.
fn begin<'v, I: Items, U>(
    workers: usize,
    mut items: I,
    mut part: Part<'v, U>,
    f: &impl Fn(I::Item) -> U,
) -> Rest<'v, I, U> {
    let began = Instant::now();
    let (mut done, mut count) = (0, 1);
    loop {
        if items.len() <= count || workers == 1 {
            part.fill(items.split(items.len()).map(f));
            return Rest { items, part, piece: 0 };
        }
        part.fill(items.split(count).map(f));
        done += count as u64;
        let elapsed = nanos_since(began);
        // Zero when the clock is too coarse to tell.
        let piece = PIECE.saturating_mul(done) / elapsed.max(1);
        let rest = elapsed.saturating_mul(items.len() as u64) / done;
        if elapsed >= PIECE && rest >= WORTH_HELP {
            return Rest { items, part, piece: piece.clamp(1, MOST) as usize };
        }
        count = piece.clamp(1, MOST) as usize;
    }
}

/// Works through the rest together with others.
fn finish<'v, I: Items, U: Send>(
    engine: &Arc<Engine>,
    rest: Rest<'v, I, U>,
    f: &(impl Fn(I::Item) -> U + Sync),
    keep: impl Fn(Part<'v, U>) + Sync,
) {
    let Rest { items, part, piece: least } = rest;
    let workers = engine.config.threads;
    let pieces = items.len().div_ceil(least);
    let left = Mutex::new((items, part));
    let next = || {
        let (items, part) = &mut *left.lock();
        let count = (items.len() / (2 * workers)).max(least).min(items.len());
        (count > 0).then(|| (items.split(count), part.split(count)))
    };
    let work = || {
        for (items, mut part) in std::iter::from_fn(next) {
            part.fill(items.map(f));
            keep(part);
        }
    };
    scope::run(engine, |scope| {
        for _ in 1..workers.min(pieces) {
            scope.spawn(work);
        }
        work();
    });
}
