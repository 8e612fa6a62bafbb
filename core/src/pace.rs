//! How long jobs take, as far as it matters: longer or shorter than it costs to wake a worker.
//!
//! Measured over whole claims, with two clock reads each while jobs are long, and for one claim in sixteen while they are
//! short. *Not known* counts as long.
//!
//! The cost of a wake-up is handed in each time: a host that says a constant leaves no trace of what does not follow from it, and of
//! 0 nothing at all.
#![forbid(unsafe_code)]

use crate::host::Tick;

/// Claims of short jobs between two measured ones.
const SKIP: u32 = 15;

#[derive(Debug)]
pub(crate) struct Pace {
    /// Mean ticks of a job, each new measure weighing a quarter.
    mean: Option<u64>,
    short: bool,
    skip: u32,
    begun: Option<Tick>,
    /// Ticks of work since the last look at others, as far as is known.
    spent: u64,
}

impl Pace {
    pub(crate) const fn new() -> Self {
        Self { mean: None, short: false, skip: 0, begun: None, spent: 0 }
    }

    #[inline]
    pub(crate) fn claim_began(&mut self, wake_cost: u64, now: impl FnOnce() -> Tick) {
        if wake_cost == 0 {
        } else if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.begun = Some(now());
        }
    }

    #[inline]
    pub(crate) fn claim_ended(&mut self, wake_cost: u64, jobs: usize, now: impl FnOnce() -> Tick) {
        if wake_cost == 0 {
            return;
        }
        let Some(begun) = self.begun.take() else { return };
        let measured = now().since(begun) / jobs as u64;
        // Sums of two values below a quarter of the range cannot overflow.
        let measured = measured.min(u64::MAX / 4);
        let mean = self.mean.map_or(measured, |mean| mean - mean / 4 + measured / 4);
        self.mean = Some(mean);
        // Between the two thresholds it stays what it was, so that it does not flicker.
        if mean < wake_cost / 4 {
            self.short = true;
        } else if mean > wake_cost / 2 {
            self.short = false;
        }
        self.skip = if self.short { SKIP } else { 0 };
    }

    /// So many jobs more. Whether it has worked as long as a wake-up takes since this last said so.
    #[inline]
    pub(crate) fn is_time_to_look(&mut self, wake_cost: u64, jobs: usize) -> bool {
        let Some(mean) = self.mean.filter(|_| wake_cost != 0) else { return false };
        self.spent = self.spent.saturating_add(mean.max(1).saturating_mul(jobs as u64));
        let is_time = self.spent >= wake_cost;
        if is_time {
            self.spent = 0;
        }
        is_time
    }

    #[inline(always)]
    pub(crate) const fn is_short(&self, wake_cost: u64) -> bool {
        wake_cost != 0 && self.short
    }

    /// The fewest jobs that are worth a claim of one of so many workers: as many as take together as long as the longest that is
    /// short; with more than four workers longer, since their claims come one after the other.
    #[inline]
    pub(crate) fn handful(&self, wake_cost: u64, workers: usize) -> usize {
        let worth = wake_cost / 16 * workers.max(4) as u64;
        self.mean.map_or(1, |mean| (worth / mean.max(1)).max(1)) as usize
    }

    /// Whether `jobs` that wait for `workers` keep them longer than it costs to wake another.
    pub(crate) fn is_worth_a_wake_up(&self, wake_cost: u64, jobs: usize, workers: usize) -> bool {
        let waits = |mean: u64| mean.saturating_mul(jobs as u64) / workers.max(1) as u64;
        wake_cost == 0 || self.mean.is_none_or(|mean| waits(mean) > wake_cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: u64 = 1000;

    fn measure(pace: &mut Pace, jobs: usize, ticks: u64) {
        for _ in 0..=SKIP {
            pace.claim_began(COST, || Tick(100));
            pace.claim_ended(COST, jobs, || Tick(100 + ticks));
        }
    }

    #[test]
    fn jobs_are_long_until_they_are_measured_short() {
        let mut pace = Pace::new();
        assert!(!pace.is_short(COST) && pace.is_worth_a_wake_up(COST, 1, 1));
        measure(&mut pace, 10, 100);
        assert!(pace.is_short(COST) && !pace.is_worth_a_wake_up(COST, 10, 1) && pace.is_worth_a_wake_up(COST, 1000, 1));
        measure(&mut pace, 1, 1_000_000);
        assert!(!pace.is_short(COST));
    }

    #[test]
    fn a_handful_is_of_short_jobs() {
        let mut pace = Pace::new();
        assert_eq!(pace.handful(COST, 1), 1);
        measure(&mut pace, 10, 100);
        assert_eq!((pace.handful(COST, 1), pace.handful(COST, 4), pace.handful(COST, 8)), (24, 24, 49));
        measure(&mut pace, 1, 1_000_000);
        assert_eq!(pace.handful(COST, 1), 1);
    }

    #[test]
    fn without_a_wake_cost_no_clock_is_read() {
        let mut pace = Pace::new();
        pace.claim_began(0, || unreachable!());
        pace.claim_ended(0, 1, || unreachable!());
        assert!(!pace.is_short(0));
    }

    #[test]
    fn a_clock_that_jumps_does_no_harm() {
        let mut pace = Pace::new();
        measure(&mut pace, 1, u64::MAX - 100);
        measure(&mut pace, 1, u64::MAX - 100);
        assert!(!pace.is_short(COST));
        pace.claim_began(COST, || Tick(100));
        pace.claim_ended(COST, 1, || Tick(0));
    }
}
