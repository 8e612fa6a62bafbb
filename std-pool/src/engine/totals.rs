//! The account in 64 bits, which do not wrap: the core counts in words.
#![forbid(unsafe_code)]

use fastthreadpool_core::Account;

use crate::engine::Engine;

/// The totals of an account, and the words from which they were last brought up to date.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    last: Account,
    accepted: u64,
    done: u64,
    failed: u64,
    cancelled: u64,
    handed_back: u64,
}

/// How many turns are where: see [`Counts`](crate::Counts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) accepted: u64,
    pub(crate) waiting: u64,
    pub(crate) gated: u64,
    pub(crate) queued: u64,
    pub(crate) running: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) handed_back: u64,
}

impl Totals {
    /// Adds what has come since; less than a word holds.
    fn fold(&mut self, now: Account) -> Sums {
        let since =
            |total: &mut u64, last: usize, now: usize| *total = total.wrapping_add(now.wrapping_sub(last) as u64);
        since(&mut self.accepted, self.last.accepted, now.accepted);
        since(&mut self.done, self.last.done, now.done);
        since(&mut self.failed, self.last.failed, now.failed);
        since(&mut self.cancelled, self.last.cancelled, now.cancelled);
        since(&mut self.handed_back, self.last.handed_back, now.handed_back);
        self.last = now;
        Sums {
            accepted: self.accepted,
            waiting: now.waiting as u64,
            gated: now.gated as u64,
            queued: now.queued as u64,
            running: now.running as u64,
            done: self.done,
            failed: self.failed,
            cancelled: self.cancelled,
            handed_back: self.handed_back,
        }
    }
}

#[cfg(not(target_pointer_width = "64"))]
/// Ends of a worker after which it brings the totals up to date, where words are so short that they could wrap unnoticed:
/// before all workers together have that many.
pub(crate) const FOLD_AFTER: u32 = 1 << 20;

impl Engine {
    pub(crate) fn sums(&self) -> Sums {
        self.core.expire();
        // Read under the lock: what was read first is added first.
        let mut totals = self.totals.lock();
        totals.fold(self.core.account())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_go_on_where_words_wrap() {
        let mut totals = Totals::default();
        let before = Account { accepted: usize::MAX - 1, done: usize::MAX - 3, queued: 2, ..Account::default() };
        totals.fold(before);
        let after = Account { accepted: 3, done: 1, failed: 1, running: 1, ..Account::default() };
        let sums = totals.fold(after);
        let most = usize::MAX as u64;
        assert_eq!((sums.accepted, sums.done, sums.failed), (most.wrapping_add(4), most.wrapping_add(2), 1));
        assert_eq!(sums.accepted, sums.running + sums.done + sums.failed);
    }
}
