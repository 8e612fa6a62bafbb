//! Pools that close and open, workers that vanish or do not come, jobs that are removed or cannot be packed.

use std::vec::Vec;

use super::stage::{RUN, Stage, rest, rested};
use super::{Grown, LONG, model};
use crate::end::End;
use crate::host::Tick;
use crate::id::JobId;
use crate::pack::{Pack, Refused};
use crate::period::{MissedTickBehavior, Repeat};
use crate::pool::{Account, Cancelled, Duty, Reserved};
use crate::state::Phase;
use crate::worker::Next;

#[test]
fn a_periodic_job_is_cancelled_while_it_runs_or_goes_back() {
    model(4, || {
        let stage = Stage::new(LONG, 1, 0);
        let period = core::num::NonZeroU64::new(100).unwrap();
        let repeat = Repeat::Rate { period, missed: MissedTickBehavior::Burst };
        let (id, duty) = stage.pool.submit_at(0, false, Tick(1), Some(repeat)).unwrap();
        assert_eq!(duty, Duty::Start);
        let mut worker = stage.pool.attach().unwrap();
        let canceller = stage.spawn(move |pool| pool.cancel(id));
        let account = if let Next::Run { payload, running, .. } = worker.next() {
            let (ended, _) = stage.pool.end(&running, End::Done, Some(payload));
            match canceller.join().unwrap() {
                Cancelled::Stopping => assert_eq!(ended, Some(0), "told to stop, so it has ended"),
                Cancelled::Removed(_) => assert_eq!(ended, None, "back among the timers, and out again"),
                Cancelled::TooLate => panic!("it has not ended"),
            }
            // The next run was wanted, and is removed.
            Account { accepted: 2, done: 1, cancelled: 1, ..Account::default() }
        } else {
            assert_eq!(canceller.join().unwrap(), Cancelled::Removed(0));
            Account { accepted: 1, cancelled: 1, ..Account::default() }
        };
        assert_eq!((stage.pool.counts().timers, stage.pool.pending()), (0, 0));
        assert_eq!(stage.pool.audit(), Ok(()));
        assert_eq!(stage.pool.account(), account);
        drop(worker);
    });
}

pub(super) type Submitted = Result<(JobId, Duty), Refused<usize>>;

/// A submit, wherever to, meets the close and the end of the last worker.
pub(super) fn meets_the_close(submit: fn(&Grown) -> Submitted) {
    model(2, move || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.spawn_worker(stage.enlist());
        let closer = stage.spawn(|pool| {
            pool.set_phase(Phase::Draining);
            core::iter::from_fn(|| pool.next_sleeper().map(Duty::Wake)).collect::<Vec<_>>()
        });
        let submitted = submit(stage.pool);
        let (resting, mut duties) = rested([worker]);
        duties.extend(closer.join().unwrap());
        let accepted = match submitted {
            Ok((_, duty)) => {
                duties.push(duty);
                1
            }
            Err(refused) => {
                assert_eq!(refused, Refused::Closed(0));
                0
            }
        };
        stage.settle(resting, duties);
        stage.assert_ran(&[accepted]);
        let Account { handed_back, .. } = stage.pool.account();
        assert!(handed_back <= 1 - accepted);
        stage.assert_over(
            &[accepted],
            Account { accepted: accepted + handed_back, done: accepted, handed_back, ..Account::default() },
        );
        assert_eq!(stage.pool.state().alive(), 0, "all workers of a closed pool end");
    });
}

#[test]
fn a_submit_meets_the_close_and_the_end_of_the_last_worker() {
    meets_the_close(|pool| pool.submit(0));
}

#[test]
fn a_submit_meets_a_pool_that_is_opened_again() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        stage.pool.set_phase(Phase::Draining);
        let worker = stage.spawn_worker(stage.enlist());
        let opener = stage.spawn(|pool| pool.set_phase(Phase::Running));
        let submitted = stage.pool.submit(0);
        let (resting, mut duties) = rested([worker]);
        opener.join().unwrap();
        let accepted = usize::from(submitted.is_ok());
        duties.extend(submitted.map(|(_, duty)| duty));
        stage.settle(resting, duties);
        stage.assert_over(&[accepted], Account { accepted, done: accepted, ..Account::default() });
    });
}

#[test]
fn the_last_worker_leaves_while_a_start_fails() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        stage.pool.set_phase(Phase::Draining);
        let worker = stage.spawn_worker(stage.enlist());
        stage.pool.set_phase(Phase::Running);
        let (id, duty) = stage.pool.submit(0).unwrap();
        // Its thread cannot be started.
        let (back, duty) = match duty {
            Duty::Start => {
                let duty = stage.pool.start_failed();
                (stage.pool.withdraw(id), duty)
            }
            other => (None, other),
        };
        let (resting, mut duties) = rested([worker]);
        duties.push(duty);
        stage.settle(resting, duties);
        let handed_back = usize::from(back == Some(0));
        let account = Account { accepted: 1, done: 1 - handed_back, handed_back, ..Account::default() };
        stage.assert_over(&[1 - handed_back], account);
    });
}

#[test]
fn a_block_is_given_back_while_somebody_looks_for_a_job_in_it() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let sleeper = stage.asleep();
        let ids: Vec<_> = (0..RUN).map(|job| stage.pool.submit(job).unwrap().0).collect();
        let ran = stage.ran.clone();
        let worker = stage.spawn(move |pool| {
            // It runs both and sleeps, and is up once more for nothing: then the block was not needed for a while.
            let (resting, duties) = rest(pool, sleeper.worker, &ran);
            assert!(resting.parked && duties.is_empty());
            rest(pool, resting.worker, &ran)
        });
        let removed = usize::from(matches!(stage.pool.cancel(ids[0]), Cancelled::Removed(0)));
        let (resting, duties) = rested([worker]);
        stage.settle(resting, duties);
        let account = Account { accepted: RUN, done: RUN - removed, cancelled: removed, ..Account::default() };
        stage.assert_over(&[1 - removed, 1], account);
    });
}

/// Somebody waits for it.
struct Owned(usize);

impl Pack<usize> for Owned {
    const OWNED: bool = true;

    fn pack(self) -> usize {
        self.0
    }

    unsafe fn unpack(payload: usize) -> Self {
        Self(payload)
    }
}

#[test]
fn a_job_with_an_owner_stays_while_all_others_are_removed() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let Ok((_, duty)) = stage.pool.submit_packed(Owned(0)) else { panic!("it is open") };
        assert_eq!(duty, Duty::Start);
        let _ = stage.pool.submit(1).unwrap();
        let worker = stage.spawn_worker(stage.pool.attach().unwrap());
        let cancelled = stage.pool.cancel_queued(|_, job| assert_eq!(job, 1, "the other has an owner"));
        let (resting, duties) = rested([worker]);
        stage.settle(resting, duties);
        let account = Account { accepted: 2, done: 2 - cancelled, cancelled, ..Account::default() };
        stage.assert_over(&[1, 1 - cancelled], account);
    });
}

#[test]
fn a_worker_has_claimed_a_job_that_cannot_be_packed() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.spawn_worker(stage.enlist());
        // What is left of a submit when its job has panicked. No thread of a model may unwind while others go on: they are one
        // thread of the system, and their locks would be poisoned.
        drop(Reserved { pool: stage.pool, lane: 0, position: stage.pool.main().reserve().unwrap() });
        let (_, duty) = stage.pool.submit(0).unwrap();
        let (resting, mut duties) = rested([worker]);
        duties.push(duty);
        stage.settle(resting, duties);
        stage.assert_over(&[1], Account { accepted: 2, done: 1, handed_back: 1, ..Account::default() });
    });
}
