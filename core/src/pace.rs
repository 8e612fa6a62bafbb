//! How long jobs take, as far as it matters: longer or shorter than it costs to wake a worker.
//!
//! Measured over whole claims, with two clock reads each while jobs are long, and for one claim in sixteen while they are
//! short. *Not known* counts as long.
#![forbid(unsafe_code)]

use crate::host::Tick;

/// Claims of short jobs between two measured ones.
const SKIP: u32 = 15;

#[derive(Debug)]
pub(crate) struct Pace {
    wake_cost: u64,
    /// Mean ticks of a job, each new measure weighing a quarter.
    mean: Option<u64>,
    short: bool,
    skip: u32,
    begun: Option<Tick>,
}

impl Pace {
    pub(crate) const fn new(wake_cost: u64) -> Self {
        Self { wake_cost, mean: None, short: false, skip: 0, begun: None }
    }

    #[inline]
    pub(crate) fn claim_began(&mut self, now: impl FnOnce() -> Tick) {
        if self.wake_cost == 0 {
        } else if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.begun = Some(now());
        }
    }

    #[inline]
    pub(crate) fn claim_ended(&mut self, jobs: usize, now: impl FnOnce() -> Tick) {
        let Some(begun) = self.begun.take() else { return };
        let measured = now().since(begun) / jobs as u64;
        // Sums of two values below a quarter of the range cannot overflow.
        let measured = measured.min(u64::MAX / 4);
        let mean = self.mean.map_or(measured, |mean| mean - mean / 4 + measured / 4);
        self.mean = Some(mean);
        // Between the two thresholds it stays what it was, so that it does not flicker.
        if mean < self.wake_cost / 4 {
            self.short = true;
        } else if mean > self.wake_cost / 2 {
            self.short = false;
        }
        self.skip = if self.short { SKIP } else { 0 };
    }

    #[inline(always)]
    pub(crate) const fn is_short(&self) -> bool {
        self.short
    }

    /// Whether `jobs` that wait for `workers` keep them longer than it costs to wake another.
    pub(crate) fn is_worth_a_wake_up(&self, jobs: usize, workers: usize) -> bool {
        self.mean.is_none_or(|mean| mean.saturating_mul(jobs as u64) / workers.max(1) as u64 > self.wake_cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(pace: &mut Pace, jobs: usize, ticks: u64) {
        for _ in 0..=SKIP {
            pace.claim_began(|| Tick(100));
            pace.claim_ended(jobs, || Tick(100 + ticks));
        }
    }

    #[test]
    fn jobs_are_long_until_they_are_measured_short() {
        let mut pace = Pace::new(1000);
        assert!(!pace.is_short() && pace.is_worth_a_wake_up(1, 1));
        measure(&mut pace, 10, 100);
        assert!(pace.is_short() && !pace.is_worth_a_wake_up(10, 1) && pace.is_worth_a_wake_up(1000, 1));
        measure(&mut pace, 1, 1_000_000);
        assert!(!pace.is_short());
    }

    #[test]
    fn without_a_wake_cost_no_clock_is_read() {
        let mut pace = Pace::new(0);
        pace.claim_began(|| unreachable!());
        pace.claim_ended(1, || unreachable!());
        assert!(!pace.is_short());
    }

    #[test]
    fn a_clock_that_jumps_does_no_harm() {
        let mut pace = Pace::new(1000);
        measure(&mut pace, 1, u64::MAX - 100);
        measure(&mut pace, 1, u64::MAX - 100);
        assert!(!pace.is_short());
        pace.claim_began(|| Tick(100));
        pace.claim_ended(1, || Tick(0));
    }
}
