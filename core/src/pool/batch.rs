//! Several jobs at once: one move of the tail, and one call.

use core::mem;

use super::{Duty, Pool, Reserved};
use crate::host::Host;
use crate::id::JobIds;
use crate::pack::Pack;
use crate::slots::Slots;
use crate::state::Call;
use crate::storage::Storage;

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// Appends jobs to the end of the queue, in their order, as many as fit: those of `jobs` up to the first `None`. What is
    /// accepted is taken out; the others stay where they are. One sleeper is called at most, who calls the next one.
    ///
    /// Returns the ids of those that were taken out, from the first on. In a pool that is closed just now some of them may be
    /// back: each that no worker had taken yet. If fewer were taken than there are, there was no room, or the pool is closed.
    ///
    /// # Panics
    ///
    /// Passes on a panic of [`Pack::pack`]. Of the other jobs those were accepted that a worker had taken already; the rest is
    /// back, since nobody is called for it.
    pub fn submit_all<J: Pack<P>>(&self, jobs: &mut [Option<J>]) -> (JobIds, Duty) {
        if !self.state().is_running() {
            return (JobIds::none(), Duty::Nothing);
        }
        let ids = self.push_all(0, jobs);
        if !self.state().is_running() {
            self.take_all_back(&ids, jobs);
        }
        let accepted = jobs.iter().take(ids.len()).any(Option::is_none);
        (ids, self.duty_if(accepted))
    }

    /// The same on behalf of the job that runs on `seat`, as [`Pool::submit_from`].
    ///
    /// # Panics
    ///
    /// As [`Pool::submit_all`].
    pub fn submit_all_from<J: Pack<P>>(&self, seat: usize, jobs: &mut [Option<J>]) -> (JobIds, Duty) {
        if !self.state().takes_nested() {
            return (JobIds::none(), Duty::Nothing);
        }
        let ids = self.push_all(self.own_lane(seat), jobs);
        let accepted = ids.len() > 0;
        (ids, self.duty_if(accepted))
    }

    fn duty_if(&self, accepted: bool) -> Duty {
        let calls = accepted && self.state().calls_for(self.size()) != Call::Nobody;
        if calls { self.call(false) } else { Duty::Nothing }
    }

    fn push_all<J: Pack<P>>(&self, lane: usize, jobs: &mut [Option<J>]) -> JobIds {
        let slots = self.lane(lane).slots();
        let most = jobs.iter().take_while(|job| job.is_some()).count();
        let Some((start, count)) = self.lane(lane).reserve_some(most) else { return JobIds::none() };
        let mut batch = Unfinished { pool: self, lane, start, published: 0, count, jobs };
        while batch.published < batch.count {
            let Some(job) = batch.jobs[batch.published].take() else { unreachable!("counted above") };
            // SAFETY: reserved just now, and published once.
            unsafe { slots.publish(start.wrapping_add(batch.published), job) };
            batch.published += 1;
        }
        mem::forget(batch);
        JobIds::new(lane, start, start.wrapping_add(count))
    }

    /// Takes back what nobody has taken yet.
    #[cold]
    fn take_all_back<J: Pack<P>>(&self, ids: &JobIds, jobs: &mut [Option<J>]) {
        for (position, job) in ids.positions().zip(jobs) {
            if let Some(payload) = self.take_back(ids.lane(), position) {
                // SAFETY: it is what `push_all` has made of a job of this type, since nobody else had this position.
                *job = Some(unsafe { J::unpack(payload) });
            }
        }
    }
}

/// A batch whose jobs are not all published. Dropped: [`Pack::pack`] has panicked. The positions from that job's on are given up;
/// and nobody will be called for those before, so they are taken back.
struct Unfinished<'p, 'j, P, H: Host, S: Storage<P>, J: Pack<P>> {
    pool: &'p Pool<P, H, S>,
    lane: usize,
    start: usize,
    published: usize,
    count: usize,
    jobs: &'j mut [Option<J>],
}

impl<P, H: Host, S: Storage<P>, J: Pack<P>> Drop for Unfinished<'_, '_, P, H, S, J> {
    #[cold]
    fn drop(&mut self) {
        let Self { pool, lane, start, published, count, .. } = *self;
        let end = start.wrapping_add(published);
        (published..count).for_each(|ahead| drop(Reserved { pool, lane, position: start.wrapping_add(ahead) }));
        pool.take_all_back(&JobIds::new(lane, start, end), self.jobs);
    }
}

#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::vec::Vec;

    use super::*;
    use crate::end::End;
    use crate::hosts::{ScriptedHost, ScriptedMutex};
    use crate::pool::Account;
    use crate::state::Phase;
    use crate::storage::{Fixed, Growing};
    use crate::worker::{Next, Worker};

    type Grown = Pool<usize, ScriptedHost, Growing<usize, ScriptedMutex>>;
    type Ringed = Pool<usize, ScriptedHost, Fixed<usize, 4, 1, 1>>;

    fn grown() -> Grown {
        Grown::growing(ScriptedHost::new(), 2, 0)
    }

    fn batch(jobs: core::ops::Range<usize>) -> Vec<Option<usize>> {
        jobs.map(Some).collect()
    }

    fn run_all<H: Host, S: Storage<usize>>(
        worker: &mut Worker<'_, usize, H, S>,
        pool: &Pool<usize, H, S>,
    ) -> Vec<usize> {
        let mut ran = Vec::new();
        while let Next::Run { payload, running, .. } = worker.next() {
            ran.push(payload);
            let _ = pool.end(&running, End::Done, None);
        }
        ran
    }

    #[test]
    fn all_are_taken_in_their_order_by_one_call() {
        let pool = grown();
        let mut jobs = batch(0..600);
        let (ids, duty) = pool.submit_all(&mut jobs);
        assert_eq!((ids.len(), duty), (600, Duty::Start));
        assert!(jobs.iter().all(Option::is_none));
        let (one, _) = pool.submit(600).unwrap();
        assert!(ids.clone().is_sorted() && ids.clone().all(|id| id < one));
        assert!(matches!(pool.cancel(ids.clone().nth(7).unwrap()), crate::Cancelled::Removed(7)));
        let mut worker = pool.attach().unwrap();
        let mut ran = run_all(&mut worker, &pool);
        ran.sort_unstable();
        assert!(ran.into_iter().eq((0..=600).filter(|job| *job != 7)));
        let (none, duty) = pool.submit_all::<usize>(&mut []);
        assert_eq!((none.len(), duty), (0, Duty::Nothing), "nobody is called for nothing");
    }

    #[test]
    fn a_ring_takes_as_many_as_fit_wherever_it_stands() {
        static POOL: std::sync::LazyLock<Ringed> = std::sync::LazyLock::new(|| Ringed::fixed(ScriptedHost::new()));
        let pool = &*POOL;
        let mut worker = pool.enlist().unwrap();
        for first in 0..10 {
            let _ = pool.submit(first).unwrap();
            let mut jobs = batch(first + 1..first + 6);
            let (ids, _) = pool.submit_all(&mut jobs);
            assert_eq!((ids.len(), &jobs[2..]), (3, &[None, Some(first + 4), Some(first + 5)][..]));
            assert_eq!(pool.submit_all(&mut jobs[3..]).0.len(), 0, "there is no room");
            assert!(run_all(&mut worker, pool).into_iter().eq(first..first + 4));
        }
        assert_eq!(pool.submit_all(&mut [Some(1), None, Some(2)]).0.len(), 1, "up to the first that is none");
        assert_eq!(run_all(&mut worker, pool), [1]);
    }

    #[test]
    fn a_closed_pool_takes_none_and_one_that_drains_those_of_its_jobs() {
        let pool = grown();
        pool.set_phase(Phase::Draining);
        let mut jobs = batch(0..3);
        assert_eq!(pool.submit_all(&mut jobs), (JobIds::none(), Duty::Nothing));
        assert_eq!(jobs, batch(0..3));
        let mut worker = pool.enlist().unwrap();
        let (ids, _) = pool.submit_all_from(worker.seat(), &mut jobs);
        assert_eq!(ids.len(), 3);
        assert_eq!(run_all(&mut worker, &pool), [0, 1, 2]);
        pool.set_phase(Phase::Stopping);
        assert_eq!(pool.submit_all_from(worker.seat(), &mut batch(0..1)).0.len(), 0);
    }

    /// Panics when it is packed, if it is 2.
    struct Careless(usize);

    impl Pack<usize> for Careless {
        fn pack(self) -> usize {
            assert_ne!(self.0, 2, "as asked");
            self.0
        }

        unsafe fn unpack(payload: usize) -> Self {
            Self(payload)
        }
    }

    #[test]
    fn a_job_that_cannot_be_packed_takes_no_other_with_it() {
        let pool = grown();
        let mut jobs: Vec<_> = (0..5).map(|job| Some(Careless(job))).collect();
        catch_unwind(AssertUnwindSafe(|| pool.submit_all(&mut jobs))).unwrap_err();
        // Were the first two left there, nobody would be called for them.
        assert_eq!(jobs.iter().flatten().map(|job| job.0).collect::<Vec<_>>(), [0, 1, 3, 4]);
        assert_eq!((pool.pending(), pool.has_visible_work()), (0, true), "positions that somebody goes over");
        let mut worker = pool.enlist().unwrap();
        assert_eq!(run_all(&mut worker, &pool), []);
        assert_eq!(pool.account(), Account { accepted: 5, handed_back: 5, ..Account::default() });
    }
}
