//! Errands: what every worker is to do once, between two jobs. What they are, and who has done them, the host knows; here it is
//! only said that there are some.
//!
//! Who begins one counts it, then wakes all who sleep. A worker looks before each job whether there are any, and at the count
//! after it has listed itself as a sleeper; both are under the sleepers' lock or sequentially consistent, so one of the two sees
//! the other.
#![forbid(unsafe_code)]

use super::Pool;
use crate::host::Host;
use crate::part::Part;
use crate::storage::Storage;
use crate::sync::Ordering;

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// There is one more errand: every worker calls [`Runner::errand`](crate::Runner::errand) before its next job. Then call
    /// [`Pool::next_sleeper`] until it returns `None` and wake each.
    ///
    /// Only where workers [work](crate::Worker::work) in storage that grows.
    pub fn begin_errands(&self) {
        if S::ERRANDS {
            self.with_entries(|entries| {
                entries.set_errands(true);
                // Before a worker sees that there are any.
                self.next.line.get().inspect(|line| {
                    line.errands.fetch_add(1, Ordering::SeqCst);
                });
            });
        }
    }

    /// All errands are done. Never at the same time as [`Pool::begin_errands`].
    pub fn end_errands(&self) {
        if S::ERRANDS {
            self.with_entries(|entries| entries.set_errands(false));
        }
    }

    /// How often there was one.
    pub(crate) fn errands(&self) -> usize {
        self.next.line.get().map_or(0, |line| line.errands.load(Ordering::SeqCst))
    }
}
