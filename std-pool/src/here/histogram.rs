//! How often something took how long, by powers of two.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use crate::sys::atomic::{AtomicUsize, Ordering};

/// The model checker's atomics are large, and its stacks small.
const BUCKETS: usize = if cfg!(shuttle) { 8 } else { 64 };

/// How many durations there were of each size: of 0 nanoseconds, of 1, of 2 and 3, and so on by powers of two. Not each was measured; one that was
/// stands for those that were not.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use fastthreadpool::Pool;
/// use std::time::Duration;
///
/// let pool: Pool = Pool::builder().threads(1).metrics(true).build()?;
/// for _ in 0..640 {
///     pool.submit(|| ())?;
/// }
/// pool.wait_idle();
/// let running = pool.metrics().running;
/// assert!(running.count() > 0);
/// assert!(running.quantile(0.5) <= running.quantile(0.99));
/// println!("{running}");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    buckets: [u64; BUCKETS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS] }
    }
}

impl Histogram {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The duration that at least a share of `q` of them did not exceed, from 0 to 1: the upper end of the bucket in which it lies, so
    /// up to twice as long. `None` if there are none.
    ///
    /// # Panics
    ///
    /// If `q` is not a number from 0 to 1.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        assert!((0.0..=1.0).contains(&q), "a share lies between 0 and 1");
        let count = self.count();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count, and a share of it"
        )]
        let rank = ((count as f64 * q).ceil() as u64).max(1);
        let mut so_far = 0;
        let bucket = self.buckets.iter().position(|n| {
            so_far += n;
            so_far >= rank
        })?;
        Some(Duration::from_nanos(end(bucket)))
    }

    /// The buckets in which something is: the longest duration that belongs to each, and how many there are.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let all = self.buckets.iter().enumerate().filter(|(_, n)| **n > 0);
        all.map(|(bucket, n)| (Duration::from_nanos(end(bucket)), *n))
    }
}

/// The median, and what one in a hundred and one in a thousand exceeds.
impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [Some(half), Some(most), Some(all)] = [0.5, 0.99, 0.999].map(|q| self.quantile(q)) else {
            return f.write_str("nothing measured");
        };
        write!(f, "p50 {half:.1?}, p99 {most:.1?}, p99.9 {all:.1?} of {}", self.count())
    }
}

/// The longest that belongs to a bucket.
fn end(bucket: usize) -> u64 {
    if bucket == 0 { 0 } else { u64::MAX >> (u64::BITS as usize - bucket) }
}

/// A histogram that several threads fill.
pub(crate) struct Buckets([AtomicUsize; BUCKETS]);

impl Default for Buckets {
    fn default() -> Self {
        Self([const { AtomicUsize::new(0) }; BUCKETS])
    }
}

impl Buckets {
    /// One more, that stands for so many.
    pub(crate) fn add(&self, nanos: u64, for_so_many: usize) {
        let bucket = (u64::BITS - nanos.leading_zeros()) as usize;
        self.0[bucket.min(BUCKETS - 1)].fetch_add(for_so_many, Ordering::Relaxed);
    }

    pub(crate) fn add_to(&self, histogram: &mut Histogram) {
        for (sum, n) in histogram.buckets.iter_mut().zip(&self.0) {
            *sum += n.load(Ordering::Relaxed) as u64;
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn of(nanos: &[u64]) -> Histogram {
        let (buckets, mut histogram) = (Buckets::default(), Histogram::default());
        for nanos in nanos {
            buckets.add(*nanos, 1);
        }
        buckets.add_to(&mut histogram);
        histogram
    }

    #[test]
    fn a_duration_is_in_the_bucket_that_ends_first_behind_it() {
        let ends = |nanos: &[u64]| of(nanos).buckets().map(|(end, n)| (end.as_nanos(), n)).collect::<Vec<_>>();
        assert_eq!(ends(&[0, 1, 2, 3, 4, 7, 8]), [(0, 1), (1, 1), (3, 2), (7, 2), (15, 1)]);
        let last = u128::from(u64::MAX >> 1);
        assert_eq!(ends(&[u64::MAX, u64::MAX >> 1, 1 << 62]), [(last, 3)]);
    }

    #[test]
    fn a_quantile_is_exceeded_by_no_more_than_the_rest() {
        let histogram = of(&[&[1; 50][..], &[5; 49], &[1000]].concat());
        let at = |q| histogram.quantile(q).unwrap().as_nanos();
        assert_eq!([0.0, 0.5, 0.51, 0.99, 0.991, 1.0].map(at), [1, 1, 7, 7, 1023, 1023]);
        assert_eq!(of(&[]).quantile(0.5), None);
        assert_eq!(of(&[]).to_string(), "nothing measured");
        assert_eq!(histogram.to_string(), "p50 1.0ns, p99 7.0ns, p99.9 1.0µs of 100");
    }

    #[test]
    #[should_panic(expected = "a share")]
    fn a_share_of_more_than_all_is_none() {
        let _ = of(&[1]).quantile(1.1);
    }
}
