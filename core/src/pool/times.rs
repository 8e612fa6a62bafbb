//! When jobs were submitted: not of each, which would cost each, but of one in some hundreds, by its position.
#![forbid(unsafe_code)]

use lock_api::RawMutex;

use super::Pool;
use crate::host::{Host, Tick};
use crate::id::{JobId, Place};
use crate::lane::Lane;
use crate::slots::Slots;
use crate::storage::{Growing, Storage};

type Slotted<P, R> = <Growing<P, R> as Storage<P>>::Slots;

impl<P: Send, H: Host, R: RawMutex> Pool<P, H, Growing<P, R>> {
    /// From here on the times of some jobs are kept: a job costs nothing more, but that one in some hundreds, by its position in the
    /// queue, has the clock read.
    pub fn keep_times(&self, now: fn() -> Tick) {
        self.storage.lanes().iter().for_each(|lane| lane.slots().keep_time(now));
    }

    /// When the job was submitted, if it is one of those of which that is kept and has not ended: jobs that were appended to a queue.
    pub fn submitted_at(&self, id: JobId) -> Option<Tick> {
        let Place::Lane { lane, position } = id.place() else { return None };
        self.storage.lanes()[lane].slots().since(position)
    }

    /// When the oldest job had been submitted that waits in a queue for a worker, or later, if that is known: the first time
    /// that was kept of it or of one behind it in the same queue.
    pub fn waiting_since(&self) -> Option<Tick> {
        let run = Slotted::<P, R>::RUN;
        let since = |lane: &Lane<Slotted<P, R>>| {
            let next = lane.head().checked_next_multiple_of(run)?;
            let known = || lane.slots().since(next).or_else(|| lane.slots().since(next.wrapping_add(run)));
            if lane.unclaimed() == 0 { None } else { known() }
        };
        self.storage.lanes().iter().filter_map(since).min()
    }

    /// How far each queue is, the main one first: how many of its jobs were claimed by workers, and how many appended.
    pub fn progress(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        // Head first: it never passes the tail.
        self.storage.lanes().iter().map(|lane| (lane.head(), lane.tail()))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::sync::atomic::{AtomicU64, Ordering};

    use crate::host::Tick;
    use crate::hosts::{ScriptedHost, ScriptedMutex};
    use crate::pool::Pool;
    use crate::storage::Growing;

    const RUN: u64 = 256;

    static NOW: AtomicU64 = AtomicU64::new(0);

    fn now() -> Tick {
        Tick(NOW.load(Ordering::Relaxed))
    }

    #[test]
    fn the_time_of_the_first_of_each_run_is_kept_until_the_run_is_gone() {
        let pool: Pool<u64, ScriptedHost, Growing<u64, ScriptedMutex>> = Pool::growing(ScriptedHost::default(), 1, 0);
        let submit = |n| pool.submit(n).unwrap().0;
        let unknown = submit(0);
        pool.keep_times(now);
        assert_eq!((pool.submitted_at(unknown), pool.waiting_since()), (None, None));
        let ids: std::vec::Vec<_> = (1..=2 * RUN)
            .map(|n| {
                NOW.store(n, Ordering::Relaxed);
                submit(n)
            })
            .collect();
        let of = |n: u64| pool.submitted_at(ids[n as usize - 1]);
        assert_eq!(
            (of(RUN - 1), of(RUN), of(RUN + 1), of(2 * RUN)),
            (None, Some(Tick(RUN)), None, Some(Tick(2 * RUN)))
        );
        // One behind the oldest.
        assert_eq!(pool.waiting_since(), Some(Tick(RUN)));
        let urgent = pool.submit_first(7, false).unwrap().0;
        assert_eq!(pool.submitted_at(urgent), None);
        // Nobody waits for what is gone.
        assert_eq!(pool.cancel_queued(|_, _| ()), 2 * RUN as usize + 2);
        assert_eq!((of(RUN), pool.submitted_at(unknown)), (None, None));
    }
}
