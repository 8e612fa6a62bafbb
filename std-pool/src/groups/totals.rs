//! What has become of the jobs of a group, in numbers that do not wrap.
#![forbid(unsafe_code)]

use fastthreadpool_core::CohortCounts;

/// The counts of a group in 64 bits, which do not wrap.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) accepted: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) handed_back: u64,
}

/// Turns that a slot accepts before somebody brings the totals up to date, where words are so short that they could wrap
/// unnoticed.
pub(crate) const FOLD_AFTER: usize = 1 << 24;

impl Totals {
    pub(super) fn add(&mut self, last: CohortCounts, now: CohortCounts) {
        let since = |total: &mut u64, last: usize, now: usize, bits: usize| {
            *total = total.wrapping_add((now.wrapping_sub(last) & bits) as u64);
        };
        since(&mut self.accepted, last.accepted, now.accepted, usize::MAX);
        // Of the ends there is one bit less.
        let bits = usize::MAX >> 1;
        since(&mut self.done, last.done, now.done, bits);
        since(&mut self.failed, last.failed, now.failed, bits);
        since(&mut self.cancelled, last.cancelled, now.cancelled, bits);
        since(&mut self.handed_back, last.handed_back, now.handed_back, bits);
    }

    /// Those that have not ended.
    pub(crate) fn live(&self) -> u64 {
        let ended = self.done.wrapping_add(self.failed).wrapping_add(self.cancelled).wrapping_add(self.handed_back);
        self.accepted.wrapping_sub(ended)
    }
}
