//! How many workers a pool that grows wants, which may change while it works; and how many of them it keeps when there is nothing
//! to do.
//!
//! # States
//!
//! Workers that are not blocked, against the wanted number:
//!
//! | there are | then | whose doing |
//! |---|---|---|
//! | fewer | new work starts one, as far as it calls for one | `State::calls_for` |
//! | as many | they stay; one that was idle for as long as the pool keeps them ends, if there are more than the least | `Worker::leave_surplus` |
//! | more | *crowded*: who would look for its next job ends, whoever comes first; who sleeps is woken for that | `Worker::make_way`, `Pool::want` |
//!
//! With 0 wanted everybody ends, and what is submitted waits. Jobs that a worker has claimed it runs before it ends.
//!
//! A *visitor* is wanted as long as it is there, and nobody makes way for it, nor it for anybody: it comes, and goes, with a change of the
//! wanted number, both under the lock of the sleepers.
//!
//! Who ends because there are too many does so under the lock of the sleepers, and looks there once more whether it is so: of two,
//! one may be right. So there are never fewer than wanted, or than the least, for that reason. Others come and go without the lock,
//! but they look for work afterwards.
//!
//! # Order
//!
//! The number is written under the lock of the sleepers, then the word is changed (by nothing, as by a barrier), then work is looked
//! for. It needs no order of its own: who reads it has read or changed the word before.
//!
//! *Raised*: a submit makes its job visible, reads the word, then the number. If it reads the word as it was before the change it may see
//! the old number, and call nobody; but then its job is visible to who raises it. If it reads what the change has left it sees the new
//! number. The same holds for whoever stops to search, to work, or to start, and then calls somebody.
//!
//! *Lowered*: a worker goes on the list of sleepers under the lock. Either that was before, and it is counted and woken if there are
//! too many; or it sees the new number when it looks once more before it parks. Those that work look before their next claim.
#![forbid(unsafe_code)]

use crate::host::Tick;
use crate::part::Blank;
use crate::sync::{AtomicUsize, Ordering, const_blank};

/// Of a pool that grows.
#[derive(Debug)]
pub struct Staff {
    /// Workers that are not blocked, visitors included.
    wanted: AtomicUsize,
    /// How many of them are visitors; under the lock of the sleepers.
    visitors: AtomicUsize,
    /// How many have come so far; the same.
    visits: AtomicUsize,
    /// The first of the seats whose workers make way before they look for a job, if there are more than wanted. With as many wanted
    /// as the pool was made for those are the seats of stand-ins, so that who has a lane of its own stays; else all.
    first_to_go: AtomicUsize,
    /// The largest number that there were at the same time.
    largest: AtomicUsize,
    /// As many as it was made for: so many have a lane of their own.
    made_for: usize,
    /// So many stay however long there is nothing to do, visitors apart.
    least: usize,
    /// For so many ticks the others stay; `u64::MAX` for ever.
    keep: u64,
}

impl Staff {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            wanted: AtomicUsize::new(workers),
            visitors: AtomicUsize::new(0),
            visits: AtomicUsize::new(0),
            first_to_go: AtomicUsize::new(workers),
            largest: AtomicUsize::new(0),
            made_for: workers,
            least: 0,
            keep: u64::MAX,
        }
    }

    #[inline(always)]
    pub(crate) fn wanted(&self) -> usize {
        self.wanted.load(Ordering::Relaxed)
    }

    /// As many as are wanted besides visitors; under the lock of the sleepers.
    pub(crate) fn wanted_of_own(&self) -> usize {
        self.wanted() - self.visitors.load(Ordering::Relaxed)
    }

    /// A visitor comes; under the lock of the sleepers. Returns how many have come before.
    pub(crate) fn visitor_comes(&self) -> usize {
        self.visitors.fetch_add(1, Ordering::Relaxed);
        self.wanted.fetch_add(1, Ordering::Relaxed);
        self.visits.fetch_add(1, Ordering::Relaxed)
    }

    /// It goes; under the lock of the sleepers.
    pub(crate) fn visitor_goes(&self) {
        self.visitors.fetch_sub(1, Ordering::Relaxed);
        self.wanted.fetch_sub(1, Ordering::Relaxed);
    }

    /// Changes how many are wanted besides visitors, under the lock of the sleepers. Returns how many of these there are.
    pub(crate) fn want(&self, workers: usize) -> usize {
        let visitors = self.visitors.load(Ordering::Relaxed);
        self.wanted.store(workers + visitors, Ordering::Relaxed);
        let first = if workers == self.made_for { workers } else { 0 };
        self.first_to_go.store(first, Ordering::Relaxed);
        visitors
    }

    #[inline(always)]
    pub(crate) fn first_to_go(&self) -> usize {
        self.first_to_go.load(Ordering::Relaxed)
    }

    /// So many are there now.
    pub(crate) fn count(&self, alive: usize) {
        let mut largest = self.largest.load(Ordering::Relaxed);
        while largest < alive {
            match self.largest.compare_exchange(largest, alive, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => largest = now,
            }
        }
    }

    pub(crate) fn largest(&self) -> usize {
        self.largest.load(Ordering::Relaxed)
    }

    pub(crate) fn keep(&mut self, least: usize, ticks: u64) {
        (self.least, self.keep) = (least, ticks);
    }

    /// So many stay however long there is nothing to do, visitors included, who go when they like.
    pub(crate) fn least(&self) -> usize {
        self.least + self.visitors.load(Ordering::Relaxed)
    }

    /// For how long those stay that are more than the least.
    pub(crate) fn keeps(&self) -> Option<u64> {
        (self.keep < u64::MAX).then_some(self.keep)
    }
}

/// Since when a worker has nothing to do, if that matters.
#[derive(Debug)]
pub(crate) struct Idle {
    /// When that is long enough to end; zero if it has found something since, or was not asked.
    pub(crate) until: Tick,
    /// That time has come.
    pub(crate) is_long: bool,
    /// It has slept a while only to give memory back.
    pub(crate) has_lingered: bool,
}

impl Blank for Idle {
    const_blank! {
        const BLANK: Self = Self { until: Tick::ZERO, is_long: false, has_lingered: false };
    }
}
